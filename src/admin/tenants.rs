//! `/v1/tenants`: the customers, and what operators say of them. One that is activated somewhere is there without that.
use super::activations;
use super::answer::Answer;
use super::call::Call;
use super::cursor;
use super::definition;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::farewells::Farewell;
use super::grants::EXPIRING;
use super::search;
use super::sent;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use super::uses;
use super::uses::Preview;
use crate::catalog::Kind;
use crate::catalog::Section;
use crate::catalog::Snapshot;
use crate::model::Code;
use crate::model::TenantId;
use crate::store::Activated;
use crate::store::Expect;
use crate::store::Listed;
use crate::store::Search;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::TenantRow;
use crate::store::UNWRITTEN;
use crate::store::Uses;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

pub(super) struct Tenants;

/// A tenant as written.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTenant {
    /// For people. Default: the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// The operator's own notes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
}

/// How a tenant's activations stand.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(super) struct TenantActivations {
    total: i64,
    /// Those whose grant fails: nothing but a person's consent brings most of them back.
    failing: i64,
    /// Those whose credential upstreams refuse, as far as requests have shown.
    refused: i64,
    /// Those whose grant ends within seven days.
    dying_7d: i64,
}

/// The member that answers add.
const ACTIVATIONS: &str = "activations";

impl Definition for Tenants {
    type Row = TenantRow;

    const NOUN: &'static str = "tenant";
    const PARAMETER: &'static str = "tenant";
    const PATH: &'static str = "/v1/tenants";
    const SECTION: Option<Section> = None;
    const READ_ONLY: &'static [&'static str] = &[ACTIVATIONS];
    // They come and go without it.
    const BY_VERSION: bool = false;

    fn key(call: &Call) -> Result<String, ApiError> {
        call.tenant().map(|it| it.to_string())
    }

    fn check_key(key: &str) -> Result<(), ApiError> {
        let problem = |it: crate::model::TenantIdError| {
            ApiError::invalid(
                "/key",
                it.to_string(),
                "it is the operator's own id for the customer",
            )
        };
        TenantId::try_from(key).map(drop).map_err(problem)
    }

    async fn find(
        store: &Store,
        call: &Call,
        key: &str,
    ) -> Result<Option<Stored<TenantRow>>, StoreError> {
        store.tenants().known(&call.scope(), key).await
    }

    async fn list(
        store: &Store,
        call: &Call,
        search: &Search,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<TenantRow>>, StoreError> {
        let ids = search::words_of_ids(call).unwrap_or_else(|_| search.clone());
        store.tenants().all_known(&call.scope(), (search, &ids), after, limit).await
    }

    async fn written(
        store: &Store,
        call: &Call,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<TenantRow>>, StoreError> {
        store.tenants().list(&call.scope(), after, limit).await
    }

    fn unwritten(call: &Call, key: &str) -> Option<Stored<TenantRow>> {
        let is_there = !activations::in_files(call, key).is_empty();
        is_there.then(|| TenantRow::unwritten(key, 0))
    }

    fn all_unwritten(call: &Call, search: &Search, after: Option<&str>) -> Vec<Stored<TenantRow>> {
        let snapshot = call.api.live.snapshot_full();
        let from =
            in_files(&snapshot).into_iter().filter(|it| after.is_none_or(|after| *it > after));
        let these = from.filter(|it| search.is_in(it, ""));
        these.take(cursor::LIMIT_MAX as usize + 1).map(|it| TenantRow::unwritten(it, 0)).collect()
    }

    async fn view(
        call: &Call,
        stored: &Stored<TenantRow>,
        _alone: bool,
    ) -> Result<Members, ApiError> {
        let mut views = Self::views(call, std::slice::from_ref(stored)).await?;
        views.pop().ok_or(ApiError::Internal)?
    }

    async fn views(
        call: &Call,
        rows: &[Stored<TenantRow>],
    ) -> Result<Vec<Result<Members, ApiError>>, ApiError> {
        let keys: Vec<&str> = rows.iter().map(|it| it.key.as_str()).collect();
        let mut all = standing(call, &keys).await?;
        let view = |it: &Stored<TenantRow>| {
            let mut view = sent::stored(&it.value.definition);
            let activations = all.remove(&it.key).unwrap_or_default();
            view.insert(ACTIVATIONS.to_owned(), json!(activations));
            Ok(view)
        };
        Ok(rows.iter().map(view).collect())
    }

    async fn put(
        call: &Call,
        key: &str,
        members: Members,
        expect: Expect,
    ) -> Result<Put, ApiError> {
        let row = row(&members)?;
        let store = call.writer()?;
        // One that is activated is there, though it was not written.
        let expect = match expect {
            Expect::Present => {
                let known = store.tenants().known(&call.scope(), key).await;
                let known = known.map_err(|it| ApiError::of_store(it, Self::NOUN, key))?;
                let is_unwritten = known.is_some_and(|it| it.version == UNWRITTEN);
                if is_unwritten { Expect::Anything } else { expect }
            }
            _ => expect,
        };
        let written = store.tenants().put(&call.scope(), key, &row, expect).await;
        Ok(written.map_err(|it| ApiError::of_write(it, Self::NOUN, key, expect))?.into())
    }

    async fn uses(
        store: &Store,
        call: &Call,
        stored: &Stored<TenantRow>,
    ) -> Result<Uses, StoreError> {
        store.tenants().uses(&call.scope(), &stored.key).await
    }

    async fn delete(
        store: &Store,
        call: &Call,
        key: &str,
        force: bool,
        expect: Expect,
    ) -> Result<i64, StoreError> {
        store.tenants().delete(&call.scope(), key, force, expect).await
    }
}

/// How the activations of these tenants stand, those of files with them.
async fn standing(
    call: &Call,
    keys: &[&str],
) -> Result<HashMap<String, TenantActivations>, ApiError> {
    let mut all: HashMap<String, TenantActivations> = HashMap::new();
    if let Some(backing) = call.api.backing() {
        let soon_ms = i64::try_from(EXPIRING.as_millis()).unwrap_or(i64::MAX);
        let stored = backing.store.tenants().standing(&call.scope(), keys, soon_ms).await;
        for (key, it) in stored.map_err(|it| ApiError::of_store(it, Tenants::NOUN, ""))? {
            let Activated { total, failing, dying, refused } = it;
            all.insert(key, TenantActivations { total, failing, refused, dying_7d: dying });
        }
    }
    let snapshot = call.api.live.snapshot_full();
    for connection in snapshot.connections() {
        let Kind::Embedded { activations, .. } = &connection.kind else { continue };
        if activations.is_empty() {
            continue;
        }
        for key in keys.iter().filter(|it| activations.contains_key(**it)) {
            all.entry((*key).to_owned()).or_default().total += 1;
        }
    }
    Ok(all)
}

/// The tenants that files activate, in their order.
pub(super) fn in_files(snapshot: &Snapshot) -> BTreeSet<&str> {
    let mut keys = BTreeSet::new();
    for connection in snapshot.connections() {
        if let Kind::Embedded { activations, .. } = &connection.kind {
            keys.extend(activations.keys().map(TenantId::as_str));
        }
    }
    keys
}

/// As it is stored.
pub(super) fn row(members: &Members) -> Result<TenantRow, ApiError> {
    let raw: RawTenant = sent::read(members)?;
    Ok(TenantRow { definition: sent::text(&raw) })
}

/// `DELETE /v1/tenants/{tenant}`: with what it is activated under. A tenant is there by its activations as
/// well; those that files declare stay until they are taken out there, so that nothing of a tenant that was
/// deleted is used.
pub(super) async fn delete(call: Call) -> Result<Answer, ApiError> {
    let key = Tenants::key(&call)?;
    let force = call.flag("force")?;
    let asked = call.precondition()?;
    let store = &call.api.store()?.store;
    let of_present = |it| ApiError::of_present(it, Tenants::NOUN, &key, asked);
    let in_files = activations::in_files(&call, &key);
    if call.flag("dry_run")? {
        let uses = store.tenants().uses(&call.scope(), &key).await.map_err(of_present)?;
        if uses.total == 0 && in_files.is_empty() {
            definition::found::<Tenants>(&call, &key).await?;
        }
        let code = match (in_files.is_empty(), uses.total > 0 && !force) {
            (false, _) => Some(Code::DeclaredInFile),
            (true, true) => Some(Code::InUse),
            (true, false) => None,
        };
        let mut uses = uses::Uses::from(&uses);
        let count = i64::try_from(in_files.len()).unwrap_or(i64::MAX);
        uses.total += count;
        uses.activations += count;
        uses.uses.extend(in_files.into_iter().map(|it| it.0));
        return Preview::with(code, uses).answer();
    }
    if let Some((_, line)) = in_files.first() {
        let file = line.as_ref().map_or(String::new(), |it| it.file.to_string());
        let line = line.as_ref().map_or(0, |it| it.line);
        let uses = in_files.into_iter().map(|it| it.0).collect();
        return Err(ApiError::ActivatedInFiles { tenant: key, uses, file, line });
    }
    let farewell = Farewell::of_tenant(&call, &key).await;
    let deleted = Tenants::delete(store, &call, &key, force, asked.of_present()).await;
    let revision = deleted.map_err(of_present)?;
    farewell.say(&call.api);
    call.served(revision).await;
    Ok(Answer::nothing())
}

fn id() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": 128,
        "description": "The operator's own id for the customer.",
    })
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    let activations = json!(generator.subschema_for::<TenantActivations>());
    let shape = Shape::of::<RawTenant>(generator).with_key(id()).shown();
    shape.with(ACTIVATIONS, activations).named("Tenant", "A tenant. One that is activated somewhere and that nothing was written of has no `version`.")
}

pub(super) fn new(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawTenant>(generator).with_key(id()).named("NewTenant", "A tenant to be created.")
}

pub(super) fn body(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawTenant>(generator).named("TenantBody", "A tenant, less its key.")
}

pub(super) fn patch(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawTenant>(generator)
        .partial()
        .named("TenantPatch", "What is to be changed of a tenant (RFC 7396).")
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = view(generator);
    shape::page(generator, "TenantPage", item)
}
