//! A sender's public keys that are not in the credential: where they are, and what came from there.

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
#[derive(Debug)]
pub struct PublicKeys {}

impl PublicKeys {
    /// None where `bytes` are nothing of the kind.
    pub fn read(_form: KeysForm, _bytes: &[u8]) -> Option<Self> {
        None
    }

    /// Whether a key has this id.
    pub fn has(&self, _kid: &str) -> bool {
        false
    }
}
