//! `/v1/connections/{connection}/activations`: tenants' credentials under an embedded connection.
use super::answer::Answer;
use super::call::Call;
use super::call::escaped;
use super::certificates;
use super::connections::Connections;
use super::connections::OWN;
use super::credentials;
use super::credentials::Change;
use super::credentials::Where;
use super::definition;
use super::definition::Definition;
use super::error::ApiError;
use super::etag;
use super::farewells::Farewell;
use super::grantee::Grantee;
use super::grants;
use super::grants::GrantView;
use super::learned_secrets;
use super::origin;
use super::origin::Moved;
use super::patch;
use super::sent;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use super::time;
use super::uses;
use super::uses::Preview;
use super::uses::Use;
use super::uses::Uses;
use crate::catalog;
use crate::catalog::Auth;
use crate::catalog::Connection;
use crate::catalog::Kind;
use crate::catalog::Line;
use crate::catalog::RawActivation;
use crate::catalog::Reach;
use crate::catalog::Snapshot;
use crate::catalog::drop_nulls;
use crate::catalog::owner_in_file;
use crate::model::Account;
use crate::model::TenantId;
use crate::seal::Slot;
use crate::store;
use crate::store::ActivationRow;
use crate::store::Bind;
use crate::store::Condition;
use crate::store::Expect;
use crate::store::Found;
use crate::store::Written;
use crate::vault::Keys;
use http::StatusCode;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const NOUN: &str = "activation";

/// The member that has its variables.
pub(super) const VARIABLES: &str = "variables";

/// Members that answers add.
const SHOWN: &[&str] = &[
    "connection",
    "tenant",
    "version",
    "created_at",
    "updated_at",
    "source",
    ACCOUNT,
    learned_secrets::WAITS,
    grants::MEMBER,
];

/// The member that answers show the account as.
const ACCOUNT: &str = "account";

/// Whose account at the provider a credential is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Account")]
pub(super) struct AccountView {
    /// Says which one it is. Of an id token: the issuer, `#` and its subject.
    pub id: String,
    /// What people know it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl From<Account> for AccountView {
    fn from(it: Account) -> Self {
        Self { id: it.id, name: it.name }
    }
}

/// An activation as it is sent, less its credentials.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSent {
    #[serde(default = "on")]
    enabled: bool,
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

fn on() -> bool {
    true
}

/// An activation that is to be: checked, not written yet.
pub(super) struct Draft {
    pub row: ActivationRow,
    pub change: Change,
    pub expect: Expect,
    pub activation: catalog::Activation,
    /// What it was checked beside, as it was then.
    beside: Vec<(store::Kind, String, i64)>,
    /// Where its credentials go.
    binds: Vec<Bind>,
}

impl Draft {
    pub(super) fn condition(&self) -> Condition {
        Condition::from(self.expect).beside(self.beside.clone()).binding(self.binds.clone())
    }
}

/// The connection that an activation is under.
pub(super) struct Under {
    pub key: String,
    /// What its activations are bound to.
    pub owner: String,
    /// As it is served; none where it is not sound.
    pub connection: Option<Arc<Connection>>,
    /// Of its row; none where a file declares it.
    version: Option<i64>,
    /// What activations are bound to that a file's connection of this key has left, where no file declares one.
    left: Option<String>,
}

impl Under {
    /// By the key in the path.
    async fn of(call: &Call) -> Result<Self, ApiError> {
        Self::named(call, &Connections::key(call)?).await
    }

    pub(super) async fn named(call: &Call, key: &str) -> Result<Self, ApiError> {
        let connection = call.api.live.snapshot_full().connection(key).cloned();
        let key = key.to_owned();
        if definition::is_declared::<Connections>(call, &key) {
            let owner = owner_in_file(&key);
            return Ok(Self { key, owner, connection, version: None, left: None });
        }
        let stored = definition::found::<Connections>(call, &key).await?;
        let (owner, version) = (stored.value.id, Some(stored.version));
        let left = Some(owner_in_file(&key));
        Ok(Self { key, owner, connection, version, left })
    }

    /// The same for what is only read or deleted: there may be no connection any more.
    pub(super) async fn of_old(call: &Call) -> Result<Self, ApiError> {
        let (key, missing) = match (Connections::key(call)?, Self::of(call).await) {
            (key, Err(error @ ApiError::NotFound { .. })) => (key, error),
            (_, under) => return under,
        };
        let owner = owner_in_file(&key);
        let store = &call.api.store().map_err(|_| missing.clone())?.store;
        let any = store.activations().any(&call.scope(), &owner).await;
        match any.map_err(|it| ApiError::of_store(it, NOUN, &key))? {
            true => Ok(Self { key, owner, connection: None, version: None, left: None }),
            false => Err(missing),
        }
    }

    /// As it is served, which is to be what is stored: another attache may have written it just now. With what
    /// has to stay as it is for what is checked beside it.
    pub(super) async fn served(
        &self,
        call: &Call,
    ) -> Result<(Arc<Connection>, Vec<(store::Kind, String, i64)>), ApiError> {
        let mut snapshot = call.api.live.snapshot_full();
        let served = snapshot.connection(&self.key).and_then(|it| it.version);
        if let Some(version) = self.version.filter(|_| self.version != served) {
            call.api.live.applied(version).await;
            snapshot = call.api.live.snapshot_full();
        }
        let Some(connection) = snapshot.connection(&self.key) else {
            let problem = format!("the connection `{}` is not sound itself", self.key);
            return Err(ApiError::invalid("", problem, "mend it first"));
        };
        let connector = snapshot.connector(connection.connector.as_str());
        let versions = [
            (store::Kind::Connection, &connection.key, connection.version),
            (store::Kind::Connector, &connection.connector, connector.and_then(|it| it.version)),
        ];
        let stored = versions.into_iter().filter_map(|it| Some((it.0, it.1.to_string(), it.2?)));
        Ok((Arc::clone(connection), stored.collect()))
    }

    /// The activation that a file declares.
    pub(super) fn declared(&self, tenant: &str) -> Option<&Arc<catalog::Activation>> {
        match &self.connection.as_ref()?.kind {
            Kind::Embedded { activations, .. } => activations.get(tenant),
            Kind::Standard(_) => None,
        }
    }

    pub(super) fn all_declared(&self) -> Vec<(&Arc<Connection>, &Arc<catalog::Activation>)> {
        let Some(connection) = &self.connection else { return Vec::new() };
        match &connection.kind {
            Kind::Embedded { activations, .. } => {
                activations.values().map(|it| (connection, it)).collect()
            }
            Kind::Standard(_) => Vec::new(),
        }
    }

    pub(super) async fn find(
        &self,
        call: &Call,
        tenant: &TenantId,
    ) -> Result<Option<Found>, ApiError> {
        found_of(call, &self.owner, tenant).await
    }

    /// Under which owners the tenant is activated: what a file has left goes with what there is.
    async fn owners(&self, call: &Call, tenant: &TenantId) -> Result<Vec<&str>, ApiError> {
        let mut owners = Vec::new();
        for owner in std::iter::once(&self.owner).chain(&self.left) {
            if found_of(call, owner, tenant).await?.is_some() {
                owners.push(owner.as_str());
            }
        }
        if owners.is_empty() {
            owners.push(&self.owner);
        }
        Ok(owners)
    }

    pub(super) fn refuse_declared(&self, tenant: &TenantId) -> Result<(), ApiError> {
        match self.declared(tenant.as_str()) {
            None => Ok(()),
            Some(it) => {
                let line = it.line.as_ref();
                let file = line.map_or(String::new(), |it| it.file.to_string());
                let (key, line) = (tenant.to_string(), line.map_or(0, |it| it.line));
                Err(ApiError::DeclaredInFile { noun: NOUN, key, file, line })
            }
        }
    }

    /// Checks what was sent. `members` are without nulls.
    pub(super) async fn draft(
        &self,
        call: &Call,
        tenant: &TenantId,
        members: Members,
        expect: Expect,
    ) -> Result<Draft, ApiError> {
        self.refuse_declared(tenant)?;
        let current = self.find(call, tenant).await?;
        self.draft_over(call, tenant, members, expect, current.as_ref()).await
    }

    /// The same over what was found already.
    pub(super) async fn draft_over(
        &self,
        call: &Call,
        tenant: &TenantId,
        mut members: Members,
        expect: Expect,
        current: Option<&Found>,
    ) -> Result<Draft, ApiError> {
        self.refuse_declared(tenant)?;
        sent::without(&mut members, SHOWN);
        let fields = sent::take_credential(&mut members, OWN)?;
        let raw: RawSent = sent::read(&members)?;
        let (connection, beside) = self.served(call).await?;
        let at = Where {
            owner: &self.owner,
            tenant: tenant.as_str(),
            slot: Slot::Activation,
            member: OWN,
        };
        let sealed = current.and_then(|it| it.1.as_ref());
        let set = credentials::set_now(fields.as_ref());
        let (credential, change) =
            credentials::merged(call, (at, &connection.method), fields, sealed).await?;
        credentials::check_set(&connection.method, &credential, &set, OWN)?;
        let draft = connection.activation(tenant.clone(), raw.enabled, &raw.variables, credential);
        let activation = draft.map_err(|it| ApiError::below(&it, 1))?;
        certificates::refuse_ended(call, Some(&activation.holder), &set, OWN)?;
        if let Some((stored, Some(_))) = current
            && !change.is_whole()
            && !origin::confirmed(call)?
        {
            let before = connection.activation_origin(&variables(&stored.value));
            let after = connection.activation_origin(&raw.variables);
            if before != after {
                return Err(ApiError::Elsewhere(vec![self.moved(&connection, before, after)]));
            }
        }
        let brings = if change.is_whole() {
            vec![(tenant.to_string(), Slot::Activation)]
        } else {
            Vec::new()
        };
        let at = (&*self.owner, &*self.key);
        let bind = origin::bind(at, connection.reach(), false, brings);
        let binds = vec![Bind { narrows: false, ..bind }];
        let expect = match (current, expect) {
            (Some(it), Expect::Anything | Expect::Present) => Expect::Version(it.0.version),
            (None, Expect::Anything) => Expect::Absent,
            (_, expect) => expect,
        };
        let row = row((&self.owner, &self.key), tenant.as_str(), &raw);
        let known =
            current.and_then(|it| it.0.value.account.clone()).filter(|_| !change.is_whole());
        let row = ActivationRow { account: known, ..row };
        Ok(Draft { row, change, expect, activation, beside, binds })
    }

    /// A tenant's credentials are kept, and its variables would send them elsewhere.
    fn moved(&self, connection: &Connection, from: Option<String>, to: Option<String>) -> Moved {
        let reached = |origin: Option<String>| Reach {
            connector: connection.connector.to_string(),
            origins: origin.into_iter().collect(),
            ..Reach::default()
        };
        Moved {
            connection: self.key.clone(),
            from: reached(from),
            to: reached(to),
            credentials: false,
            test_credentials: false,
            activations: 1,
        }
    }

    /// The same of what is stored on one side and on the other; none where it stays, or was not there before.
    pub(super) async fn moved_since(
        &self,
        call: &Call,
        before: &Call,
        tenant: &TenantId,
    ) -> Result<Option<Moved>, ApiError> {
        let was = match Self::named(before, &self.key).await {
            Err(ApiError::NotFound { .. }) => return Ok(None),
            was => was?,
        };
        let (Some(stored), Some(is)) =
            (was.find(before, tenant).await?, self.find(call, tenant).await?)
        else {
            return Ok(None);
        };
        let Some(connection) = &self.connection else { return Ok(None) };
        let from = was.connection.and_then(|it| it.activation_origin(&variables(&stored.0.value)));
        let to = connection.activation_origin(&variables(&is.0.value));
        Ok((from != to).then(|| self.moved(connection, from, to)))
    }

    pub(super) async fn write(
        &self,
        call: &Call,
        tenant: &TenantId,
        members: Members,
        expect: Expect,
    ) -> Result<Written, ApiError> {
        let mut members = Value::Object(members);
        drop_nulls(&mut members);
        sent::check_texts(&members)?;
        let Value::Object(members) = members else { return Err(ApiError::Internal) };
        let draft = self.draft(call, tenant, members, expect).await?;
        let seal = credentials::sealing(&draft.change);
        let secrets = credentials::secrets(&draft.change, &seal);
        let store = call.writer()?;
        let condition = draft.condition();
        let written = store.activations().put(&call.scope(), &draft.row, secrets, condition).await;
        written.map_err(|it| ApiError::of_write(it, NOUN, tenant.as_str(), draft.expect))
    }

    /// With what is known of its grant.
    async fn shown(&self, call: &Call, found: &Found) -> Result<Members, ApiError> {
        let mut view = shown_under(self.connection.as_deref(), found);
        let grantee = self.grantee(call, found).await;
        grants::add(call, grants::MEMBER, grantee, &mut view).await?;
        Ok(view)
    }

    /// Who has a grant by it; none where there is none to be had, or it can't be told right now.
    pub(super) async fn grantee(&self, call: &Call, found: &Found) -> Option<Grantee> {
        Self::grantee_of(call, self.connection.as_ref()?, found).await
    }

    /// The same under this connection.
    pub(super) async fn grantee_of(
        call: &Call,
        connection: &Arc<Connection>,
        found: &Found,
    ) -> Option<Grantee> {
        Self::grantee_in(&call.api.backing()?.keys, connection, found).await
    }

    /// The same with these keys.
    pub(super) async fn grantee_in(
        keys: &Keys,
        connection: &Arc<Connection>,
        found: &Found,
    ) -> Option<Grantee> {
        if !matches!(connection.method.auth, Auth::Token(_)) {
            return None;
        }
        Grantee::of_found(keys, connection, found).await.ok()
    }

    async fn add_grant(
        &self,
        call: &Call,
        declared: &catalog::Activation,
        view: &mut Members,
    ) -> Result<(), ApiError> {
        let Some(connection) = &self.connection else { return Ok(()) };
        let grantee = Grantee::of_tenant(&self.owner, connection, declared, true).ok();
        grants::add(call, grants::MEMBER, grantee, view).await
    }

    async fn answer(
        &self,
        call: &Call,
        tenant: &TenantId,
        written: Result<Written, ApiError>,
    ) -> Result<Answer, ApiError> {
        if call.flag("dry_run")? {
            let standing = self.find(call, tenant).await?;
            let standing = standing.map(|_| Use::of_activation(self.key.clone(), tenant.as_str()));
            let uses = Uses::of_activations(standing.into_iter().collect());
            return Answer::of(&uses::Change::of(written, uses)?);
        }
        let written = written?;
        call.served(written.revision).await;
        let missing = || ApiError::NotFound { noun: NOUN, key: tenant.to_string() };
        let found = self.find(call, tenant).await?.ok_or_else(missing)?;
        let view = self.shown(call, &found).await?;
        let (version, body) = (Some(found.0.version), Value::Object(view));
        if !written.created {
            return Ok(Answer { version, ..Answer::ok(body) });
        }
        let tenant = escaped(tenant.as_str());
        let location = Some(format!("{}/{}/activations/{tenant}", Connections::PATH, self.key));
        Ok(Answer { status: StatusCode::CREATED, version, location, ..Answer::ok(body) })
    }
}

/// As it is stored.
fn row((owner, connection): (&str, &str), tenant: &str, raw: &RawSent) -> ActivationRow {
    let mut definition = Members::new();
    if !raw.variables.is_empty() {
        definition.insert(VARIABLES.to_owned(), json!(raw.variables));
    }
    ActivationRow {
        owner: owner.to_owned(),
        tenant: tenant.to_owned(),
        connection: connection.to_owned(),
        enabled: raw.enabled,
        definition: Value::Object(definition).to_string(),
        account: None,
    }
}

/// Whether this row is what was sent, less its credential.
pub(super) fn is_as_sent(stored: &ActivationRow, mut members: Members) -> bool {
    sent::without(&mut members, SHOWN);
    let mut members = Value::Object(members);
    drop_nulls(&mut members);
    let Value::Object(members) = members else { return false };
    let raw = sent::read::<RawSent>(&members);
    let ActivationRow { owner, connection, tenant, .. } = stored;
    let account = || stored.account.clone();
    let as_sent = |it: RawSent| {
        ActivationRow { account: account(), ..row((owner, connection), tenant, &it) } == *stored
    };
    raw.is_ok_and(as_sent)
}

async fn found_of(call: &Call, owner: &str, tenant: &TenantId) -> Result<Option<Found>, ApiError> {
    let Some(backing) = call.api.backing() else { return Ok(None) };
    let found = backing.store.activations().find(&call.scope(), owner, tenant.as_str()).await;
    found.map_err(|it| ApiError::of_store(it, NOUN, tenant.as_str()))
}

/// A tenant's activations that files declare, in the order of their connections' keys, each with its line.
pub(super) fn in_files(call: &Call, tenant: &str) -> Vec<(Use, Option<Line>)> {
    let snapshot = call.api.live.snapshot_full();
    let of = |it: &Connection| match &it.kind {
        Kind::Embedded { activations, .. } => activations.get(tenant).cloned(),
        Kind::Standard(_) => None,
    };
    let found = snapshot.connections().filter_map(|it| Some((it.key.to_string(), of(it)?)));
    let mut found: Vec<_> = found.collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.into_iter().map(|(key, it)| (Use::of_activation(key, tenant), it.line.clone())).collect()
}

/// `GET …/activations/{tenant}`
pub(super) async fn read(call: Call) -> Result<Answer, ApiError> {
    let (view, version) = one(&call).await?;
    // Its grant changes without it.
    let is_known =
        |it: &i64| etag::is_known(&call.headers, *it) && !view.contains_key(grants::MEMBER);
    if let Some(version) = version.filter(is_known) {
        return Ok(Answer::not_modified(version));
    }
    Ok(Answer { version, ..Answer::ok(Value::Object(view)) })
}

/// The one that the path names, and the version of a stored one.
pub(super) async fn one(call: &Call) -> Result<(Members, Option<i64>), ApiError> {
    let under = Under::of_old(call).await?;
    let tenant = call.tenant()?;
    if let (Some(of), Some(declared)) = (&under.connection, under.declared(tenant.as_str())) {
        let mut view = declared_view(&call.api.live.snapshot_full(), of, declared);
        under.add_grant(call, declared, &mut view).await?;
        return Ok((view, None));
    }
    let missing = || ApiError::NotFound { noun: NOUN, key: tenant.to_string() };
    let found = under.find(call, &tenant).await?.ok_or_else(missing)?;
    Ok((under.shown(call, &found).await?, Some(found.0.version)))
}

/// `PUT …/activations/{tenant}`
pub(super) async fn replace(mut call: Call) -> Result<Answer, ApiError> {
    let under = Under::of(&call).await?;
    let tenant = call.tenant()?;
    let members = call.take_object()?;
    let expect = call.precondition()?.expect();
    let written = under.write(&call, &tenant, members, expect).await;
    under.answer(&call, &tenant, written).await
}

/// `PATCH …/activations/{tenant}`
pub(super) async fn patch(mut call: Call) -> Result<Answer, ApiError> {
    let under = Under::of(&call).await?;
    let tenant = call.tenant()?;
    let patch = call.take_object()?;
    let asked = call.precondition()?;
    under.refuse_declared(&tenant)?;
    let written = patch::tried(asked, || async {
        let missing = || ApiError::NotFound { noun: NOUN, key: tenant.to_string() };
        let found = under.find(&call, &tenant).await?.ok_or_else(missing)?;
        let members = patch::applied(shown(&found), &patch, &[OWN])?;
        under.write(&call, &tenant, members, patch::expect(asked, found.0.version)).await
    });
    let written = written.await;
    under.answer(&call, &tenant, written).await
}

/// `DELETE …/activations/{tenant}`: exactly this one, also where its connection has gone from its file.
pub(super) async fn delete(call: Call) -> Result<Answer, ApiError> {
    let under = Under::of_old(&call).await?;
    let tenant = call.tenant()?;
    under.refuse_declared(&tenant)?;
    let asked = call.precondition()?;
    let store = call.writer()?;
    let owners = under.owners(&call, &tenant).await?;
    let mut expect = asked.of_present();
    let each = owners.into_iter().map(|it| {
        let condition = std::mem::replace(&mut expect, Expect::Anything).into();
        (it, tenant.as_str(), condition)
    });
    let all: Vec<_> = each.collect();
    let farewell = Farewell::of(&call, &[false]).await;
    let deleted = store.activations().delete_all(&call.scope(), &all).await;
    let revision = deleted.map_err(|it| ApiError::of_present(it, NOUN, tenant.as_str(), asked))?;
    if call.flag("dry_run")? {
        return Preview::of_activation().answer();
    }
    farewell.say(&call.api);
    call.served(revision).await;
    Ok(Answer::nothing())
}

/// Those that are stored of an activation.
pub(super) fn variables(row: &ActivationRow) -> BTreeMap<String, String> {
    let stored = sent::stored(&row.definition).shift_remove(VARIABLES);
    stored.and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default()
}

/// As it is shown, less its grant.
pub(super) fn shown((stored, credential): &Found) -> Members {
    let row = &stored.value;
    let mut view = Members::new();
    view.insert("connection".to_owned(), row.connection.clone().into());
    view.insert("tenant".to_owned(), row.tenant.clone().into());
    view.insert("enabled".to_owned(), row.enabled.into());
    view.extend(sent::stored(&row.definition));
    if let Some(account) = row.account.clone() {
        view.insert(ACCOUNT.to_owned(), json!(AccountView::from(account)));
    }
    if let Some(shown) = credentials::shown(credential.as_ref()) {
        view.insert(OWN.to_owned(), shown);
    }
    view.insert("version".to_owned(), stored.version.into());
    view.insert("created_at".to_owned(), time::shown(stored.created_at_ms).into());
    view.insert("updated_at".to_owned(), time::shown(stored.updated_at_ms).into());
    view
}

/// The same under this connection, where it is known.
pub(super) fn shown_under(connection: Option<&Connection>, found: &Found) -> Members {
    let mut view = shown(found);
    let (stored, credential) = found;
    let waits = connection.and_then(|it| {
        learned_secrets::waits_until(&it.method, credential.as_ref(), stored.updated_at_ms)
    });
    view.extend(waits.map(|it| (learned_secrets::WAITS.to_owned(), it)));
    view
}

/// The same of one in a file.
pub(super) fn declared_view(
    snapshot: &Snapshot,
    connection: &Connection,
    activation: &catalog::Activation,
) -> Members {
    let mut view = Members::new();
    view.insert("connection".to_owned(), connection.key.as_str().into());
    view.insert("tenant".to_owned(), activation.tenant.as_str().into());
    view.insert("enabled".to_owned(), activation.enabled.into());
    let own = connection.own_variables(activation).into_iter();
    let variables: BTreeMap<&str, String> =
        own.map(|(name, value)| (name, snapshot.as_written(connection, value))).collect();
    if !variables.is_empty() {
        view.insert("variables".to_owned(), json!(variables));
    }
    let line = activation.line.as_ref();
    let file = line.map_or(String::new(), |it| it.file.to_string());
    let line = line.map_or(0, |it| it.line);
    view.insert("source".to_owned(), json!({ "file": file, "line": line }));
    view
}

fn shape_of(generator: &mut SchemaGenerator) -> Shape<'_> {
    Shape::of::<RawActivation>(generator).without(&["connection", "tenant"])
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    let credentials = shape::shown_credentials(generator);
    let grant = json!(generator.subschema_for::<GrantView>());
    let account = json!(generator.subschema_for::<AccountView>());
    shape_of(generator)
        .with_always("connection", shape::key())
        .with_always("tenant", json!({ "type": "string" }))
        .with(OWN, credentials)
        .with(ACCOUNT, account)
        .with(grants::MEMBER, grant)
        .with(learned_secrets::WAITS, learned_secrets::waits_schema())
        .shown()
        .named("Activation", "One tenant's credentials and variables under an embedded connection.")
}

pub(super) fn body(generator: &mut SchemaGenerator) -> Schema {
    shape_of(generator)
        .with(OWN, shape::sent_credentials())
        .named("ActivationBody", "An activation.")
}

pub(super) fn patch_schema(generator: &mut SchemaGenerator) -> Schema {
    shape_of(generator)
        .with(OWN, shape::sent_credentials())
        .partial()
        .named("ActivationPatch", "What is to be changed of an activation (RFC 7396).")
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = view(generator);
    shape::page(generator, "ActivationPage", item)
}
