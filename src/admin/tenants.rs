//! `/v1/tenants`: what operators say of their customers. An activation needs none.
use super::call::Call;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::sent;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use crate::catalog::Section;
use crate::model::TenantId;
use crate::store::Expect;
use crate::store::Listed;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::TenantRow;
use crate::store::Uses;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;

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

impl Definition for Tenants {
    type Row = TenantRow;

    const NOUN: &'static str = "tenant";
    const PARAMETER: &'static str = "tenant";
    const PATH: &'static str = "/v1/tenants";
    const SECTION: Option<Section> = None;
    const READ_ONLY: &'static [&'static str] = &[];

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
        store.tenants().get(&call.scope(), key).await
    }

    async fn list(
        store: &Store,
        call: &Call,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<TenantRow>>, StoreError> {
        store.tenants().list(&call.scope(), after, limit).await
    }

    async fn view(
        _call: &Call,
        stored: &Stored<TenantRow>,
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
        let raw: RawTenant = sent::read(&members)?;
        let row = TenantRow { definition: sent::text(&raw) };
        let store = &call.api.store()?.store;
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

fn id() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": 128,
        "description": "The operator's own id for the customer.",
    })
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawTenant>(generator).with_key(id()).shown().named("Tenant", "A tenant.")
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
