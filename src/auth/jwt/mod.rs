//! A JWT that is signed here, per request or for as long as it lives (RFC 7519).
use super::AuthError;
use super::BodyUse;
use super::Draft;
use super::Moment;
use super::Placed;
use super::Prepared;
use super::SchemeFault;
use super::SignError;
use crate::model::Credential;
use http::HeaderName;
use std::fmt;

/// The settings as written.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct RawJwt {}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwt {}

/// Settings and keys, ready to sign.
pub struct JwtSigner {}

impl TryFrom<RawJwt> for Jwt {
    type Error = Vec<SchemeFault>;

    fn try_from(_raw: RawJwt) -> Result<Self, Self::Error> {
        Err(vec![SchemeFault {
            path: Vec::new(),
            problem: "is not built yet".into(),
            hint: String::new(),
        }])
    }
}

impl Jwt {
    /// The credential fields that it takes.
    pub(super) fn fields(&self) -> Vec<&str> {
        Vec::new()
    }

    pub(super) fn is_optional(&self, _field: &str) -> bool {
        false
    }

    pub(super) fn prepare(&self, _credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
        Ok(Prepared::default())
    }
}

impl JwtSigner {
    pub(super) fn body_use(&self) -> BodyUse {
        BodyUse::Untouched
    }

    pub(super) fn sign(&self, _draft: &mut Draft<'_>, _moment: &Moment) -> Result<(), SignError> {
        Ok(())
    }

    pub(super) fn headers(&self) -> Vec<HeaderName> {
        Vec::new()
    }

    pub(super) fn describe(&self) -> Vec<Placed> {
        Vec::new()
    }
}

impl fmt::Debug for JwtSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signer]")
    }
}
