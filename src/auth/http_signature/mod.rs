//! HTTP Message Signatures (RFC 9421).
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
pub struct RawHttpSignature {}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSignature {}

/// Settings and keys, ready to sign.
pub struct HttpSignatureSigner {}

impl TryFrom<RawHttpSignature> for HttpSignature {
    type Error = Vec<SchemeFault>;

    fn try_from(_raw: RawHttpSignature) -> Result<Self, Self::Error> {
        Err(vec![SchemeFault {
            path: Vec::new(),
            problem: "is not built yet".into(),
            hint: String::new(),
        }])
    }
}

impl HttpSignature {
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

impl HttpSignatureSigner {
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

    pub(super) fn has_clock(&self) -> bool {
        true
    }

    pub(super) fn headers(&self) -> Vec<HeaderName> {
        Vec::new()
    }

    pub(super) fn describe(&self) -> Vec<Placed> {
        Vec::new()
    }
}

impl fmt::Debug for HttpSignatureSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signer]")
    }
}
