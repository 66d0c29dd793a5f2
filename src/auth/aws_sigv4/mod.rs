//! AWS Signature Version 4.
use super::AuthError;
use super::BodyUse;
use super::Draft;
use super::Moment;
use super::Placed;
use super::Prepared;
use super::SchemeFault;
use super::SignError;
use crate::crypto::Feed;
use crate::model::Credential;
use http::HeaderMap;
use http::HeaderName;
use http::Method;
use std::fmt;

/// The settings as written.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct RawAwsSigv4 {}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsSigv4 {}

/// Settings and keys, ready to sign.
pub struct AwsSigv4Signer {}

impl TryFrom<RawAwsSigv4> for AwsSigv4 {
    type Error = Vec<SchemeFault>;

    fn try_from(_raw: RawAwsSigv4) -> Result<Self, Self::Error> {
        Err(vec![SchemeFault {
            path: Vec::new(),
            problem: "is not built yet".into(),
            hint: String::new(),
        }])
    }
}

impl AwsSigv4 {
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

impl AwsSigv4Signer {
    pub(super) fn body_use(&self, _method: &Method, _headers: &HeaderMap) -> BodyUse {
        BodyUse::Untouched
    }

    pub(super) fn begin(
        &self,
        _draft: &Draft<'_>,
        _moment: &Moment,
    ) -> Result<Vec<Feed>, SignError> {
        Ok(Vec::new())
    }

    pub(super) fn sign(
        &self,
        _draft: &mut Draft<'_>,
        _moment: &Moment,
        _fed: Vec<Feed>,
    ) -> Result<(), SignError> {
        Ok(())
    }

    pub(super) fn headers(&self) -> Vec<HeaderName> {
        Vec::new()
    }

    pub(super) fn describe(&self) -> Vec<Placed> {
        Vec::new()
    }
}

impl fmt::Debug for AwsSigv4Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signer]")
    }
}

/// Signs a body piece by piece while it is sent.
#[derive(Debug)]
pub struct Chunks {}
