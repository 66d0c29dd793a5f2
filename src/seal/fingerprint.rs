//! What operators tell secrets apart by, without seeing them.
use super::delivery::DeliveryKey;
use super::delivery::OF_DELIVERIES;
use super::key::random_key;
use super::trail::OF_TRAIL;
use super::trail::TrailKey;
use crate::model::Credential;
use crate::model::Secret;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::Zeroizing;

/// Length of a fingerprint, in bytes: enough to tell a deployment's secrets apart, too little to look
/// one up by.
const LEN: usize = 8;

/// What the key of digests is made of, with the key of fingerprints: no digest is a fingerprint of anything.
const OF_DIGESTS: &[u8] = b"attache: digests of what is not kept";

/// The field of the credential that the key itself is kept as.
const FIELD: &str = "fingerprint_key";

/// Makes fingerprints: HMAC-SHA256 (RFC 2104) under a random key of the deployment, cut to 8 bytes.
///
/// Bound to nothing else: the same secret in two places has the same fingerprint, in this deployment
/// alone.
#[derive(Clone)]
pub struct FingerprintKey {
    key: hmac::Key,
    /// As it is kept.
    text: Secret,
}

impl FingerprintKey {
    pub fn random() -> Self {
        let bytes = random_key();
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &*bytes), text: encoded(&*bytes) }
    }

    /// The key that [`FingerprintKey::credential`] told; `None` where it is not one.
    pub fn from_credential(credential: &Credential) -> Option<Self> {
        let text = credential.field(FIELD)?.clone();
        let bytes = Zeroizing::new(STANDARD.decode(text.expose()).ok()?);
        Some(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &bytes), text })
    }

    /// The key in the form in which it is sealed and kept like any other.
    pub fn credential(&self) -> Credential {
        let mut credential = Credential::default();
        credential.insert(FIELD, vec![self.text.clone()]);
        credential
    }

    /// HMAC-SHA256 of these parts, each behind its length, under a key of its own that is made of this one: to
    /// know something again that has secrets in it, without keeping what they could be guessed by.
    pub(super) fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let own = hmac::sign(&self.key, OF_DIGESTS);
        let mut digest = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()));
        for part in parts {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.sign().as_ref());
        bytes
    }

    /// The key of the audit trail, which is made of this one: no MAC of it is a fingerprint of anything.
    pub fn trail(&self) -> TrailKey {
        TrailKey::new(hmac::sign(&self.key, OF_TRAIL).as_ref())
    }

    /// What kept deliveries are sealed under, which is made of this one as well.
    pub(super) fn deliveries(&self) -> DeliveryKey {
        DeliveryKey::new(hmac::sign(&self.key, OF_DELIVERIES).as_ref())
    }

    /// 16 hex digits.
    pub(super) fn of(&self, plain: &[u8]) -> String {
        hex::encode(&hmac::sign(&self.key, plain).as_ref()[..LEN])
    }
}

fn encoded(bytes: &[u8]) -> Secret {
    Secret::new(STANDARD.encode(bytes))
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
