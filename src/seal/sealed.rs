//! A sealed credential, as it is stored.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;

/// A sealed credential. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The name of the key that the data key is wrapped under.
    pub key_id: String,
    /// The data key, wrapped: nonce, ciphertext, tag.
    pub wrapped: Vec<u8>,
    pub fields: BTreeMap<String, SealedField>,
}

/// One field of it: its values, sealed under the data key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedField {
    /// Nonce, ciphertext, tag; base64 in JSON.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub sealed: Vec<u8>,
    /// What operators tell secrets apart by: 16 hex digits, a keyed hash.
    pub fingerprint: String,
    /// When these values were set, in Unix milliseconds.
    pub set_at_ms: i64,
}

/// A data key under another of the operator's keys: all that a rotation changes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrap {
    pub key_id: String,
    pub wrapped: Vec<u8>,
}

impl Sealed {
    /// Dates the fields whose values are the same as before as they were dated before: by their
    /// fingerprints.
    pub fn with_dates_of(mut self, before: &Self) -> Self {
        for (name, field) in &mut self.fields {
            let same = before.fields.get(name).filter(|it| it.fingerprint == field.fingerprint);
            if let Some(same) = same {
                field.set_at_ms = same.set_at_ms;
            }
        }
        self
    }
}

fn to_base64<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(|_| serde::de::Error::custom("not base64"))
}
