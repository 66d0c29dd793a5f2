//! What is done to connections besides writing them: re-pin, switch, replace, set credentials.
use super::answer::Answer;
use super::auth_methods;
use super::call::Call;
use super::connections;
use super::connections::Connections;
use super::connections::OWN;
use super::connections::Plan;
use super::connections::Sent;
use super::cursor;
use super::definition;
use super::definition::Definition;
use super::definition::Put;
use super::environments;
use super::error::ApiError;
use super::sent;
use super::sent::Fields;
use super::sent::Members;
use super::uses;
use super::uses::UseKind;
use super::uses::UsesPage;
use crate::catalog::RawConnection;
use crate::catalog::RawEnvironment;
use crate::catalog::Section;
use crate::model::Key;
use crate::model::Scope;
use crate::store;
use crate::store::ConnectionRow;
use crate::store::Expect;
use crate::store::Kind;
use crate::store::PAGE_MAX;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

/// Another revision of its auth method for a connection.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Repin {
    /// Default: the latest.
    revision: Option<u32>,
}

/// What re-pinning would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RepinPreview {
    from: i64,
    to: i64,
    /// Who is affected.
    uses: uses::Uses,
    /// Who works now, and would not any more: for these it is refused, unless forced.
    breaks: Vec<uses::Use>,
}

/// From standard to embedded, or back.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    to: Holding,
    /// True: what the preview says is lost may be lost.
    #[serde(default)]
    confirm: bool,
}

/// Who holds the credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Holding {
    Standard,
    Embedded,
}

/// What a switch would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SwitchPreview {
    from: Holding,
    to: Holding,
    /// Fields of the connection's own credentials that would be deleted.
    credentials_deleted: Vec<String>,
    /// Fields of its test credentials that would be deleted.
    test_credentials_deleted: Vec<String>,
    /// How many tenants' activations would be deleted, with their credentials.
    activations_deleted: i64,
    /// Settings that only an embedded connection has: they would be gone.
    settings_deleted: Vec<&'static str>,
    /// Who uses it: the same connection, held by others.
    uses: uses::Uses,
    /// Whether it takes `confirm: true`.
    needs_confirmation: bool,
}

/// Another connection wherever one is assigned.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replacement {
    /// The key of the other connection, one of the same connector.
    with: String,
}

/// Which environments have another connection, or would have.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Replaced {
    environments: Vec<String>,
    /// Those that a file declares, and where: they go on with the connection until they are changed there.
    left: Vec<uses::Use>,
}

/// `POST …/repin`
pub(super) async fn repin(mut call: Call) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    definition::not_declared::<Connections>(&call, &key)?;
    let repin: Repin = sent::read(&call.take_object()?)?;
    let stored = definition::found::<Connections>(&call, &key).await?;
    let ConnectionRow { connector, method, .. } = &stored.value;
    let pinned = match repin.revision {
        None => auth_methods::latest(&call, connector, method).await?,
        Some(revision) => {
            let store = &call.api.store()?.store;
            let found = store.auth_methods();
            let found = found.revision(&call.scope(), connector, method, revision.into()).await;
            found.map_err(|it| ApiError::of_store(it, "auth method", method))?
        }
    };
    let pinned = pinned.ok_or_else(|| {
        let problem = format!("`{method}` of `{connector}` has no such revision");
        ApiError::invalid("/revision", problem, "leave it out for the latest")
    })?;
    let mut plan = Plan {
        key: &key,
        raw: raw_of(&stored)?,
        pinned: &pinned,
        current: Some(&stored),
        sent: Sent::default(),
    };
    if call.flag("dry_run")? {
        let (draft, _, _) = plan.check(&call).await?;
        let breaks = match plan.refuse_to_break(&call, draft).await {
            Err(ApiError::InUse { uses, .. }) => uses,
            kept => kept.map(|()| Vec::new())?,
        };
        let uses = all_uses(&call, &key, &stored.value.id).await?;
        let (from, to) = (stored.value.revision, pinned.revision);
        return Answer::of(&RepinPreview { from, to, uses, breaks });
    }
    let expect = expected(&call, stored.version)?;
    let written = plan.write(&call, expect).await?;
    call.served(written.revision).await;
    definition::answer::<Connections>(&call, &key, Put::from(written)).await
}

/// `POST …/switch`
pub(super) async fn switch(mut call: Call) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    definition::not_declared::<Connections>(&call, &key)?;
    let mut members = call.take_object()?;
    let own = sent::take_credential(&mut members, OWN)?;
    let switch: Switch = sent::read(&members)?;
    let stored = definition::found::<Connections>(&call, &key).await?;
    let preview = preview(&call, &key, &stored, switch.to).await?;
    if call.flag("dry_run")? {
        return Answer::of(&preview);
    }
    if preview.from == preview.to {
        let problem = "it is that already";
        return Err(ApiError::invalid("/to", problem, "there is nothing to switch"));
    }
    if preview.needs_confirmation && !switch.confirm {
        return Err(ApiError::Unconfirmed(format!(
            "Credentials would be deleted: {} of the connection's own fields, {} of its test \
             credentials, {} tenants' activations. Send `confirm: true` to have it so.",
            preview.credentials_deleted.len(),
            preview.test_credentials_deleted.len(),
            preview.activations_deleted,
        )));
    }
    let pinned = connections::revision(&call, &stored.value).await?;
    let embedded = switch.to == Holding::Embedded;
    let mut raw = RawConnection { embedded, ..raw_of(&stored)? };
    if !embedded {
        only_embedded(&mut raw);
    }
    let sent = Sent { own: Some(own.unwrap_or_default()), test: Some(Fields::new()) };
    let plan = Plan { key: &key, raw, pinned: &pinned, current: Some(&stored), sent };
    let expect = expected(&call, stored.version)?;
    let written = plan.write(&call, expect).await?;
    call.served(written.revision).await;
    definition::answer::<Connections>(&call, &key, Put::from(written)).await
}

async fn preview(
    call: &Call,
    key: &str,
    stored: &Stored<ConnectionRow>,
    to: Holding,
) -> Result<SwitchPreview, ApiError> {
    let from = if stored.value.embedded { Holding::Embedded } else { Holding::Standard };
    let mut fields = [Vec::new(), Vec::new()];
    let (mut activations_deleted, mut settings_deleted) = (0, Vec::new());
    let uses = all_uses(call, key, &stored.value.id).await?;
    if from != to {
        for (at, names) in connections::places(&stored.value.id).iter().zip(&mut fields) {
            let current = super::credentials::current(call, *at).await?;
            names.extend(current.into_iter().flat_map(|it| it.sealed.fields.into_keys()));
        }
        activations_deleted = uses.activations;
        if to == Holding::Standard {
            settings_deleted = only_embedded(&mut raw_of(stored)?);
        }
    }
    let [credentials_deleted, test_credentials_deleted] = fields;
    let needs_confirmation = !credentials_deleted.is_empty()
        || !test_credentials_deleted.is_empty()
        || activations_deleted > 0;
    Ok(SwitchPreview {
        from,
        to,
        credentials_deleted,
        test_credentials_deleted,
        activations_deleted,
        settings_deleted,
        uses,
        needs_confirmation,
    })
}

/// Takes away what only an embedded connection has, and names it.
fn only_embedded(raw: &mut RawConnection) -> Vec<&'static str> {
    let inputs = std::mem::take(&mut raw.inputs);
    [
        ("supplied_by", raw.supplied_by.take().is_some()),
        ("inputs", !inputs.is_empty()),
        ("tenant_rate", raw.tenant_rate.take().is_some()),
    ]
    .into_iter()
    .filter(|it| it.1)
    .map(|it| it.0)
    .collect()
}

/// `POST …/replace`
pub(super) async fn replace(mut call: Call) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    let replacement: Replacement = sent::read(&call.take_object()?)?;
    let with = replacement.with;
    let snapshot = call.api.live.snapshot_full();
    let refused = |problem: String, hint: &str| ApiError::invalid("/with", problem, hint);
    connections::owner(&call, &key).await?;
    let Some(other) = snapshot.connection(&with) else {
        return Err(refused(format!("there is no connection `{with}`"), "create it first"));
    };
    if with == key {
        return Err(refused("it is the same connection".to_owned(), "name another one"));
    }
    let backing = call.api.store()?;
    let scope = call.scope();
    let of_store = |it| ApiError::of_store(it, Connections::NOUN, &key);
    let keys = assigning(&backing.store, &scope, &key).await.map_err(of_store)?;
    for environment in &keys {
        let found = backing.store.environments().get(&scope, environment).await;
        let Some(found) = found.map_err(of_store)? else { continue };
        let mut raw: RawEnvironment = sent::read(&environments::members(&found.value))?;
        for assigned in raw.assign.values_mut().filter(|it| **it == key) {
            with.clone_into(assigned);
        }
        let own = Key::try_from(&**environment).map_err(|_| ApiError::Internal)?;
        if let Err(problems) = snapshot.draft_environment(&own, raw) {
            let first = problems.first().map_or_else(String::new, |it| it.problem.clone());
            let problem = format!("in the environment `{environment}`: {first}");
            return Err(refused(problem, "take a connection of the same connector"));
        }
    }
    let left: Vec<uses::Use> = in_files(&call, &key).map(|it| it.0).collect();
    if call.flag("dry_run")? {
        return Answer::of(&Replaced { environments: keys, left });
    }
    let with_key = std::iter::once(other.key.as_str());
    let needs = call.stored_needs(Section::Connections, Kind::Connection, with_key);
    let condition = Expect::Anything.needing(needs);
    let replaced = backing.store.connections();
    let (environments, revision) =
        replaced.replace_everywhere(&scope, &key, &with, condition).await.map_err(of_store)?;
    call.served(revision).await;
    Answer::of(&Replaced { environments, left })
}

/// The stored environments that assign a connection, however many there are, in the order of their keys.
async fn assigning(store: &Store, scope: &Scope, key: &str) -> Result<Vec<String>, StoreError> {
    let (mut keys, mut last) = (Vec::new(), (String::new(), String::new()));
    loop {
        let after = (last.0.as_str(), last.1.as_str());
        let page = store.connections().assignments(scope, key, after, PAGE_MAX).await?;
        let is_last = page.len() < PAGE_MAX as usize;
        for it in page {
            let store::Use::Environment { key, alias, .. } = it else { continue };
            if keys.last() != Some(&key) {
                keys.push(key.clone());
            }
            last = (key, alias.unwrap_or_default());
        }
        if is_last {
            return Ok(keys);
        }
    }
}

/// `GET …/uses`
pub(super) async fn list_uses(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    // The key of an environment, and an alias in it: `/` stands in neither.
    let after = match &page.after {
        None => ("", ""),
        Some(last) => last.split_once('/').ok_or_else(cursor::foreign)?,
    };
    let key = Connections::key(&call)?;
    let owner = connections::owner(&call, &key).await?;
    let all = all_uses(&call, &key, &owner).await?;
    let limit = page.limit as usize;
    let mut uses: Vec<uses::Use> = in_files(&call, &key).map(|it| it.0).collect();
    uses.retain(|it| place(it) > after);
    if let Some(backing) = call.api.backing() {
        let found = backing.store.connections();
        let found = found.assignments(&call.scope(), &key, after, page.limit + 1).await;
        let found = found.map_err(|it| ApiError::of_store(it, Connections::NOUN, &key))?;
        uses.extend(found.iter().map(uses::Use::from));
    }
    if page.after.is_none() {
        // Counted, and without a key: they come first.
        uses.extend(all.uses.into_iter().filter(|it| it.kind != UseKind::Environment));
    }
    uses.sort_by(|a, b| place(a).cmp(&place(b)));
    let more = uses.len() > limit;
    uses.truncate(limit);
    let next = uses.last().map(place).filter(|_| more);
    let next = next.map(|(key, alias)| cursor::behind(&call.path, &format!("{key}/{alias}")));
    let uses::Uses { total, environments, deployed, activations, .. } = all;
    Answer::of(&UsesPage { uses, total, environments, deployed, activations, next })
}

/// Where an environment's use stands in the list.
fn place(it: &uses::Use) -> (&str, &str) {
    (it.key.as_deref().unwrap_or_default(), it.alias.as_deref().unwrap_or_default())
}

/// Those of environments that files declare included.
pub(super) async fn all_uses(call: &Call, key: &str, owner: &str) -> Result<uses::Uses, ApiError> {
    let mut all = match call.api.backing() {
        None => uses::Uses::default(),
        Some(backing) => {
            let found = backing.store.connections().uses(&call.scope(), key, owner).await;
            let found = found.map_err(|it| ApiError::of_store(it, Connections::NOUN, key))?;
            uses::Uses::from(&found)
        }
    };
    for (it, is_first) in in_files(call, key) {
        all.total += 1;
        if is_first {
            all.environments += 1;
            all.deployed += i64::from(it.deployed == Some(true));
        }
        all.uses.push(it);
    }
    Ok(all)
}

/// The environments that assign a connection: those that files declare, and the first hundred of the others.
pub(super) async fn environments(call: &Call, key: &str) -> Result<Vec<uses::Use>, ApiError> {
    let mut found: Vec<uses::Use> = in_files(call, key).map(|it| it.0).collect();
    if let Some(backing) = call.api.backing() {
        let stored = backing.store.connections();
        let stored = stored.assignments(&call.scope(), key, ("", ""), uses::NAMED_MAX).await;
        let stored = stored.map_err(|it| ApiError::of_store(it, Connections::NOUN, key))?;
        found.extend(stored.iter().map(uses::Use::from));
    }
    Ok(found)
}

/// The uses by environments that files declare, each with whether it is its environment's first.
fn in_files(call: &Call, key: &str) -> impl Iterator<Item = (uses::Use, bool)> {
    let snapshot = call.api.live.snapshot_full();
    let mut found = Vec::new();
    for (name, declared) in snapshot.declared().all(Section::Environments) {
        let definition = declared.definition();
        let deployed = definition["deployed"].as_bool().unwrap_or_default();
        let Some(assign) = definition["assign"].as_object() else { continue };
        let assigned = assign.iter().filter(|it| it.1.as_str() == Some(key));
        found.extend(assigned.enumerate().map(|(index, (alias, _))| {
            let it = uses::Use {
                kind: UseKind::Environment,
                key: Some(name.to_string()),
                alias: Some(alias.clone()),
                deployed: Some(deployed),
                ..uses::Use::default()
            };
            (it, index == 0)
        }));
    }
    found.into_iter()
}

/// `PUT …/credentials`
pub(super) async fn put_own(mut call: Call) -> Result<Answer, ApiError> {
    let fields = whole(&mut call)?;
    set(call, |sent| sent.own = Some(fields)).await
}

/// `DELETE …/credentials`
pub(super) async fn delete_own(call: Call) -> Result<Answer, ApiError> {
    set(call, |sent| sent.own = Some(Fields::new())).await
}

/// `PUT …/test_credentials`
pub(super) async fn put_test(mut call: Call) -> Result<Answer, ApiError> {
    let fields = whole(&mut call)?;
    set(call, |sent| sent.test = Some(fields)).await
}

/// `DELETE …/test_credentials`
pub(super) async fn delete_test(call: Call) -> Result<Answer, ApiError> {
    set(call, |sent| sent.test = Some(Fields::new())).await
}

/// The body, all of it a credential.
fn whole(call: &mut Call) -> Result<Fields, ApiError> {
    let mut members = Members::new();
    members.insert(OWN.to_owned(), Value::Object(call.take_object()?));
    let fields = sent::take_credential(&mut members, OWN);
    Ok(fields.map_err(|it| it.within(&["/credentials"]))?.unwrap_or_default())
}

async fn set(call: Call, what: impl FnOnce(&mut Sent)) -> Result<Answer, ApiError> {
    let key = Connections::key(&call)?;
    definition::not_declared::<Connections>(&call, &key)?;
    let stored = definition::found::<Connections>(&call, &key).await?;
    let pinned = connections::revision(&call, &stored.value).await?;
    let mut sent = Sent::default();
    what(&mut sent);
    let raw = raw_of(&stored)?;
    let plan = Plan { key: &key, raw, pinned: &pinned, current: Some(&stored), sent };
    let expect = expected(&call, stored.version)?;
    let written = plan.write(&call, expect).await;
    let written = written.map_err(|it| it.within(&["/credentials", "/test_credentials"]));
    if call.flag("dry_run")? {
        return definition::rehearsed::<Connections>(&call, &key, written.map(Put::from)).await;
    }
    let written = written?;
    call.served(written.revision).await;
    definition::answer::<Connections>(&call, &key, Put::from(written)).await
}

fn raw_of(stored: &Stored<ConnectionRow>) -> Result<RawConnection, ApiError> {
    sent::read(&connections::members(&stored.value))
}

/// What was asked for, else what was read: nobody writes between.
fn expected(call: &Call, version: i64) -> Result<Expect, ApiError> {
    Ok(match call.precondition()?.expect() {
        Expect::Version(version) => Expect::Version(version),
        Expect::Anything | Expect::Present | Expect::Absent => Expect::Version(version),
    })
}

/// The body of a switch.
pub(super) fn switch_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    super::shape::Shape::of::<Switch>(generator)
        .with(OWN, super::shape::sent_credentials())
        .named("Switch", "From standard to embedded, or back; a standard one is given credentials.")
}

/// A body that is a credential.
pub(super) fn credential_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let mut schema = schemars::Schema::default();
    if let Value::Object(members) = super::shape::sent_credentials() {
        schema.ensure_object().extend(members);
    }
    schema
}
