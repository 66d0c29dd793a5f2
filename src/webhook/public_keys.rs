//! A sender's public keys that are not in the credential: where they are, and what came from there.
use super::strict_json;
use crate::crypto::CertifiedPublicKey;
use crate::crypto::PublicKey;
use crate::model::UnixTime;
use serde_json::Value;

/// Longest answer that is read as keys, in bytes.
const BYTES_MAX: usize = 64 << 10;

/// Most entries of a JWK set, known kinds or not.
const KEYS_MAX: usize = 64;

/// Where a sender's keys are: an https URL on a host that the description names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeysAt {
    pub url: String,
    pub form: KeysForm,
    /// The key's id, where the delivery names one: a set without it may be an old one.
    pub kid: Option<String>,
}

/// What is at such a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeysForm {
    /// A JWK set (RFC 7517 §5).
    Jwks,
    /// An X.509 certificate in PEM.
    Certificate,
}

/// Keys that were fetched, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeys(Of);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    Set(Box<[Named]>),
    Certificate(CertifiedPublicKey),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    kid: Option<Box<str>>,
    key: PublicKey,
}

impl PublicKeys {
    /// None where `bytes` are nothing of the kind: no JSON or no certificate, a set with an id twice
    /// or with more than 64 keys, more than 64 KiB. What a set has beside public keys for signatures
    /// is passed over (RFC 7517 §5); a set of nothing else has no keys.
    pub fn read(form: KeysForm, bytes: &[u8]) -> Option<Self> {
        if bytes.len() > BYTES_MAX {
            return None;
        }
        match form {
            KeysForm::Jwks => set(bytes).map(Of::Set),
            KeysForm::Certificate => {
                PublicKey::from_certificate_pem(bytes).ok().map(Of::Certificate)
            }
        }
        .map(Self)
    }

    /// Whether a key has this id.
    pub fn has(&self, kid: &str) -> bool {
        self.for_kid(Some(kid)).next().is_some()
    }

    /// A set's key of this id, and no other; without an id, all of its keys. A certificate is not
    /// asked for by an id: `keys` has it.
    pub(super) fn for_kid(&self, kid: Option<&str>) -> impl Iterator<Item = &PublicKey> {
        let named = match &self.0 {
            Of::Set(named) => &named[..],
            Of::Certificate(_) => &[],
        };
        named.iter().filter(move |it| kid.is_none() || it.kid.as_deref() == kid).map(|it| &it.key)
    }

    /// All keys that may be used at this moment: a certificate's in its period of validity alone.
    pub(super) fn keys(&self, now: UnixTime) -> impl Iterator<Item = &PublicKey> {
        let certified = match &self.0 {
            Of::Set(_) => None,
            Of::Certificate(it) => {
                let is_valid =
                    it.not_before.as_s() <= now.as_s() && now.as_s() <= it.not_after.as_s();
                is_valid.then_some(&it.key)
            }
        };
        self.for_kid(None).chain(certified)
    }
}

fn set(bytes: &[u8]) -> Option<Box<[Named]>> {
    let set = strict_json::read(bytes)?;
    let entries = set.get("keys")?.as_array().filter(|it| it.len() <= KEYS_MAX)?;
    let kid = |jwk: &Value| jwk.get("kid").and_then(Value::as_str).map(Box::from);
    let keys = entries.iter().filter_map(|jwk| {
        let key = PublicKey::from_jwk(jwk)?;
        Some(Named { kid: kid(jwk), key })
    });
    let keys: Box<[Named]> = keys.collect();
    let mut kids: Vec<&str> = keys.iter().filter_map(|it| it.kid.as_deref()).collect();
    kids.sort_unstable();
    let is_unique = kids.windows(2).all(|it| it[0] != it[1]);
    is_unique.then_some(keys)
}
