//! One tenant's credentials and variables under one embedded connection.
use super::credentials::RawCredentials;
use super::holder::Holder;
use super::holder::Mould;
use super::problem::At;
use super::problem::Problem;
use crate::model::TenantId;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// An activation as written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawActivation {
    /// The key of an embedded connection.
    pub connection: String,
    /// The operator's own id for the customer: 1 to 128 bytes.
    pub tenant: String,
    /// Switched off, it answers as if it were not there. Default: on.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Override the connection's variables.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub credentials: RawCredentials,
}

pub(super) fn on() -> bool {
    true
}

/// An activation.
#[derive(Debug)]
pub struct Activation {
    pub tenant: TenantId,
    pub enabled: bool,
    pub holder: Holder,
}

impl Activation {
    pub(super) fn build(
        tenant: TenantId,
        raw: RawActivation,
        mould: Mould<'_>,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let holder = mould.fill(raw.credentials, &raw.variables, at, "credentials", problems)?;
        Some(Self { tenant, enabled: raw.enabled, holder })
    }
}
