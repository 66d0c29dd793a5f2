//! One tenant's credentials and variables under one embedded connection.
use super::credentials::RawCredentials;
use super::declared::Line;
use super::holder::Holder;
use super::holder::Mould;
use super::problem::At;
use super::problem::Problem;
use crate::model::TenantId;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;

/// An activation as written.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
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
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    #[serde(default, skip_serializing)]
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
    /// Where it stands, if it stands in a file.
    pub line: Option<Line>,
}

/// What the store says of the tenant's activation.
#[derive(Clone, Copy, Debug)]
pub enum Fetched<'s> {
    /// None is in use: there are no activations but those of files.
    NoStore,
    /// It was not asked yet.
    Unasked,
    Activation(&'s Activation),
    /// `any`: whether another tenant has one.
    Missing {
        any: bool,
    },
}

impl Activation {
    pub(super) fn build(
        tenant: TenantId,
        raw: RawActivation,
        line: Option<Line>,
        mould: Mould<'_>,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let credential = raw.credentials.into_credential();
        let holder = mould.fill(credential, &raw.variables, at, "credentials", problems)?;
        Some(Self { tenant, enabled: raw.enabled, holder, line })
    }
}
