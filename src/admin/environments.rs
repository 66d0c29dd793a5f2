//! `/v1/environments`: deployed copies of integrations, each with a connection for every link.
use super::call::Call;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::sent;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use crate::catalog::RawEnvironment;
use crate::catalog::Section;
use crate::store::EnvironmentRow;
use crate::store::Expect;
use crate::store::Kind;
use crate::store::Listed;
use crate::store::Search;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::Uses;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde_json::Value;

pub(super) struct Environments;

/// What the store keeps in columns of their own.
const COLUMNS: [&str; 3] = ["integration", "deployed", "assign"];

impl Definition for Environments {
    type Row = EnvironmentRow;

    const NOUN: &'static str = "environment";
    const PARAMETER: &'static str = "environment";
    const PATH: &'static str = "/v1/environments";
    const SECTION: Option<Section> = Some(Section::Environments);
    const READ_ONLY: &'static [&'static str] = &[];

    async fn find(
        store: &Store,
        call: &Call,
        key: &str,
    ) -> Result<Option<Stored<EnvironmentRow>>, StoreError> {
        store.environments().get(&call.scope(), key).await
    }

    async fn list(
        store: &Store,
        call: &Call,
        search: &Search,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<EnvironmentRow>>, StoreError> {
        store.environments().found(&call.scope(), search, after, limit).await
    }

    async fn view(
        _call: &Call,
        stored: &Stored<EnvironmentRow>,
        _alone: bool,
    ) -> Result<Members, ApiError> {
        Ok(members(&stored.value))
    }

    async fn put(
        call: &Call,
        key: &str,
        members: Members,
        expect: Expect,
    ) -> Result<Put, ApiError> {
        let raw: RawEnvironment = sent::read(&members)?;
        let snapshot = call.api.live.snapshot_full();
        let draft = snapshot.draft_environment(&call.own_key(key)?, raw.clone());
        draft.map_err(|it| ApiError::problems(&it))?;
        let integration = std::iter::once(raw.integration.as_str());
        let mut needs = call.stored_needs(Section::Integrations, Kind::Integration, integration);
        let connections = raw.assign.values().map(String::as_str);
        needs.extend(call.stored_needs(Section::Connections, Kind::Connection, connections));
        let row = row(raw);
        let written = call
            .writer()?
            .environments()
            .put(&call.scope(), key, &row, expect.needing(needs))
            .await
            .map_err(|it| ApiError::of_write(it, Self::NOUN, key, expect))?;
        Ok(written.into())
    }

    /// Nothing needs an environment but who is served by it, once it is deployed.
    async fn uses(
        store: &Store,
        call: &Call,
        stored: &Stored<EnvironmentRow>,
    ) -> Result<Uses, StoreError> {
        store.environments().uses(&call.scope(), &stored.key).await
    }

    async fn delete(
        store: &Store,
        call: &Call,
        key: &str,
        force: bool,
        expect: Expect,
    ) -> Result<i64, StoreError> {
        store.environments().delete(&call.scope(), key, force, expect).await
    }
}

/// As it is stored.
pub(super) fn row(raw: RawEnvironment) -> EnvironmentRow {
    let mut definition = sent::written(&raw);
    sent::without(&mut definition, &COLUMNS);
    let definition = Value::Object(definition).to_string();
    EnvironmentRow::new(raw.integration, raw.deployed, definition, raw.assign)
}

/// A row as it was sent.
pub(super) fn members(row: &EnvironmentRow) -> Members {
    let mut members = sent::stored(&row.definition);
    members.insert("integration".to_owned(), row.integration.clone().into());
    members.insert("deployed".to_owned(), row.deployed.into());
    let assign = row.assign().iter().map(|(alias, it)| (alias.clone(), it.clone().into()));
    members.insert("assign".to_owned(), Value::Object(assign.collect()));
    members
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawEnvironment>(generator)
        .with_key(shape::key())
        .shown()
        .named("Environment", "An environment.")
}

pub(super) fn new(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawEnvironment>(generator)
        .with_key(shape::key())
        .named("NewEnvironment", "An environment to be created.")
}

pub(super) fn body(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawEnvironment>(generator).named("EnvironmentBody", "An environment, less its key.")
}

pub(super) fn patch(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawEnvironment>(generator)
        .partial()
        .named("EnvironmentPatch", "What is to be changed of an environment (RFC 7396).")
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = view(generator);
    shape::page(generator, "EnvironmentPage", item)
}
