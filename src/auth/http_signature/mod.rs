//! HTTP Message Signatures (RFC 9421) of requests, with the body by way of Content-Digest (RFC 9530).
mod base;
mod component;
mod raw;
mod settings;
mod signer;
mod structured;
#[cfg(test)]
mod tests;

pub use raw::RawHttpSignature;
pub use signer::HttpSignatureSigner;

use super::AuthError;
use super::Prepared;
use super::Signer;
use crate::crypto::SigningKey;
use crate::model::Credential;
use crate::model::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use component::Component;
use raw::DigestAlgorithm;
use raw::SecretEncoding;
use raw::SignatureAlgorithm;
use std::sync::Arc;
use zeroize::Zeroizing;

const PRIVATE_KEY: &str = "private_key";
const SECRET: &str = "secret";
const KEY_ID: &str = "key_id";

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSignature {
    algorithm: SignatureAlgorithm,
    components: Box<[Component]>,
    label: Box<str>,
    digest: DigestAlgorithm,
    created: bool,
    expires_s: Option<u32>,
    nonce: bool,
    alg: bool,
    /// With its quotes.
    tag: Option<Box<str>>,
    secret_encoding: SecretEncoding,
    keeps_others: bool,
}

impl HttpSignature {
    /// The credential fields that it takes.
    pub(super) fn fields(&self) -> Vec<&str> {
        vec![self.key_field(), KEY_ID]
    }

    /// Who has to say whose key it is does so; some APIs know by other means.
    pub(super) fn is_optional(&self, field: &str) -> bool {
        field == KEY_ID
    }

    fn key_field(&self) -> &'static str {
        if self.algorithm == SignatureAlgorithm::HmacSha256 { SECRET } else { PRIVATE_KEY }
    }

    /// Whether the body's digest is covered.
    fn covers_body(&self) -> bool {
        self.components.iter().any(Component::is_content_digest)
    }

    pub(super) fn prepare(&self, credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
        let field = self.key_field();
        let empty = || vec![AuthError::Empty { field: field.to_owned() }];
        let value = credential.field(field).filter(|it| !it.is_empty()).ok_or_else(empty)?;
        let mut faults = Vec::new();
        let key = self.key(field, value).map_err(|it| faults.push(it)).ok();
        let key_id = credential.field(KEY_ID).filter(|it| !it.is_empty());
        let key_id = key_id.map(|it| settings::quoted(it.expose()));
        if key_id == Some(None) {
            let what = "a character beyond printable ASCII";
            faults.push(AuthError::Unsendable { field: KEY_ID.to_owned(), what });
        }
        let Some(key) = key.filter(|_| faults.is_empty()) else { return Err(faults) };
        let signer = HttpSignatureSigner { settings: self.clone(), key, key_id: key_id.flatten() };
        Ok(Prepared::signed(Signer::HttpSignature(Arc::new(signer))))
    }

    fn key(&self, field: &'static str, value: &Secret) -> Result<SigningKey, AuthError> {
        let algorithm = self.algorithm.jws();
        if !algorithm.is_symmetric() {
            return Ok(SigningKey::private(algorithm, field, value)?);
        }
        let unusable = |what| AuthError::Unusable { field: field.to_owned(), what };
        let text = value.expose().trim().as_bytes();
        let secret = match self.secret_encoding {
            SecretEncoding::Utf8 => Ok(value.expose().as_bytes().to_vec()),
            SecretEncoding::Base64 => STANDARD.decode(text).map_err(|_| unusable("is not Base64")),
            SecretEncoding::Hex => hex::decode(text).map_err(|_| unusable("is not hexadecimal")),
        };
        let secret = Zeroizing::new(secret?);
        SigningKey::shared(algorithm, &secret).ok_or_else(|| unusable("makes no key"))
    }
}
