//! `/v1/integrations`: what uses connectors, each linked under an alias.
use super::affected;
use super::call::Call;
use super::connectors;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::sent;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use crate::catalog::Integration;
use crate::catalog::RawIntegration;
use crate::catalog::Section;
use crate::catalog::Snapshot;
use crate::config::Step;
use crate::config::pointer;
use crate::store::Expect;
use crate::store::IntegrationRow;
use crate::store::Kind;
use crate::store::Listed;
use crate::store::Only;
use crate::store::Search;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::Uses;
use indexmap::IndexMap;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde_json::Value;

pub(super) struct Integrations;

/// The query parameter that a list is narrowed down by.
pub(super) const CONNECTOR: &str = "connector";

impl Definition for Integrations {
    type Row = IntegrationRow;

    const NOUN: &'static str = "integration";
    const PARAMETER: &'static str = "integration";
    const PATH: &'static str = "/v1/integrations";
    const SECTION: Option<Section> = Some(Section::Integrations);
    const READ_ONLY: &'static [&'static str] = &[];

    async fn find(
        store: &Store,
        call: &Call,
        key: &str,
    ) -> Result<Option<Stored<IntegrationRow>>, StoreError> {
        store.integrations().get(&call.scope(), key).await
    }

    async fn list(
        store: &Store,
        call: &Call,
        search: &Search,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<IntegrationRow>>, StoreError> {
        store.integrations().found(&call.scope(), search, after, limit).await
    }

    fn only(call: &Call) -> Result<Vec<Only>, ApiError> {
        Ok(linking(call).map(Only::Linking).into_iter().collect())
    }

    async fn all_declared(
        call: &Call,
        mut views: Vec<(String, Members)>,
    ) -> Result<Vec<(String, Members)>, ApiError> {
        if let Some(wanted) = linking(call) {
            views.retain(|(_, view)| {
                let links = view.get("connectors").and_then(Value::as_object);
                links.is_some_and(|it| it.values().any(|it| it[CONNECTOR] == *wanted))
            });
        }
        Ok(views)
    }

    async fn view(
        _call: &Call,
        stored: &Stored<IntegrationRow>,
        _alone: bool,
    ) -> Result<Members, ApiError> {
        Ok(sent::stored(&stored.value.definition))
    }

    async fn put(
        call: &Call,
        key: &str,
        members: Members,
        expect: Expect,
    ) -> Result<Put, ApiError> {
        let raw: RawIntegration = sent::read(&members)?;
        let snapshot = call.api.live.snapshot_full();
        let own = call.own_key(key)?;
        let draft = snapshot.draft_integration(&own, raw.clone());
        let draft = draft.map_err(|it| ApiError::problems(&it))?;
        refuse_inside(&snapshot, &draft)?;
        if !call.flag("force")? && expect != Expect::Absent {
            let next = snapshot.with_integration(draft.clone());
            let broken = affected::environments(call, &next, |it| it.integration == key).await?;
            if !broken.is_empty() {
                return Err(ApiError::in_use(Self::NOUN, key, broken));
            }
        }
        let connectors = draft.links.values().map(|it| it.connector.as_str());
        let needs = call.stored_needs(Section::Connectors, Kind::Connector, connectors);
        let row = row(&raw);
        let written = call
            .writer()?
            .integrations()
            .put(&call.scope(), key, &row, expect.needing(needs))
            .await
            .map_err(|it| ApiError::of_write(it, Self::NOUN, key, expect))?;
        Ok(written.into())
    }

    async fn uses(
        store: &Store,
        call: &Call,
        stored: &Stored<IntegrationRow>,
    ) -> Result<Uses, StoreError> {
        store.integrations().uses(&call.scope(), &stored.key).await
    }

    async fn delete(
        store: &Store,
        call: &Call,
        key: &str,
        force: bool,
        expect: Expect,
    ) -> Result<i64, StoreError> {
        store.integrations().delete(&call.scope(), key, force, expect).await
    }
}

/// The connector that is asked for.
fn linking(call: &Call) -> Option<String> {
    call.query.value(CONNECTOR).map(str::to_owned)
}

/// As it is stored.
pub(super) fn row(raw: &RawIntegration) -> IntegrationRow {
    let links = raw.connectors.iter();
    let links: IndexMap<String, String> =
        links.map(|(alias, it)| (alias.clone(), it.connector.clone())).collect();
    IntegrationRow::new(sent::text(raw), links)
}

/// In a file a base URL that nothing can be sent to is met at the dial; whoever asks right now can be told
/// right now. What the connector allows counts, and what a connection of it does that may be assigned.
fn refuse_inside(snapshot: &Snapshot, draft: &Integration) -> Result<(), ApiError> {
    let mut faults = Vec::new();
    for link in draft.links.values() {
        let connector = snapshot.connector(link.connector.as_str());
        let connections = snapshot.connections().filter(|it| it.connector == link.connector);
        let own = connector.map(|it| &*it.upstream.egress_allow).into_iter();
        let allowing = own.chain(connections.map(|it| &*it.upstream.egress_allow));
        if let Some(refused) = connectors::inside(link.base_url.as_ref(), allowing) {
            let steps = ["connectors", link.alias.as_str(), "base_url"];
            faults.push(refused.fault(pointer(steps.map(Step::Key))));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(ApiError::Invalid(faults)) }
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawIntegration>(generator)
        .with_key(shape::key())
        .shown()
        .named("Integration", "An integration.")
}

pub(super) fn new(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawIntegration>(generator)
        .with_key(shape::key())
        .named("NewIntegration", "An integration to be created.")
}

pub(super) fn body(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawIntegration>(generator).named("IntegrationBody", "An integration, less its key.")
}

pub(super) fn patch(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawIntegration>(generator)
        .partial()
        .named("IntegrationPatch", "What is to be changed of an integration (RFC 7396).")
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = view(generator);
    shape::page(generator, "IntegrationPage", item)
}
