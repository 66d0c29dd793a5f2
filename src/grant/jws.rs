//! What a grant signs with, and what somebody else signed.
use super::raw::Algorithm;
use crate::crypto::JwsAlgorithm;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The credential field of a private key.
pub(super) const PRIVATE_KEY: &str = "private_key";

impl Algorithm {
    /// Whether it signs with a secret that both sides have.
    pub(super) fn is_symmetric(self) -> bool {
        JwsAlgorithm::from(self).is_symmetric()
    }
}

impl From<Algorithm> for JwsAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RS256 => Self::RS256,
            Algorithm::PS256 => Self::PS256,
            Algorithm::ES256 => Self::ES256,
            Algorithm::EdDSA => Self::EdDSA,
            Algorithm::HS256 => Self::HS256,
        }
    }
}

/// The claims of a token that somebody else signed, unchecked.
pub(super) fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}
