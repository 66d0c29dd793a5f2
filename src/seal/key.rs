//! One of the operator's keys: its text, its name, and what it wraps with.
use super::cipher::Cipher;
use super::cipher::KEY_LEN;
use super::error::KeyProblem;
use crate::model::Secret;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use std::fmt;
use zeroize::Zeroizing;

/// Most keys at a time. A rotation needs two; more are old ones that nobody took away.
pub const KEYS_MAX: usize = 64;

/// What stands between the keys of one text.
pub const SEPARATORS: [char; 3] = [',', '\n', '\r'];

/// Base64 as operators paste it: the padding may be missing, nothing else.
const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// The name of a key, `v3-1f2e3d4c`: its version, and four bytes made with the key itself, so that
/// another deployment's key of the same version has another name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

/// A key that wraps data keys.
pub(super) struct WrappingKey {
    pub(super) version: u32,
    pub(super) id: KeyId,
    pub(super) cipher: Cipher,
}

impl KeyId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl WrappingKey {
    /// Reads `[<version>:]<32 bytes as base64 or hex>`.
    pub(super) fn parse(text: &str) -> Result<Self, KeyProblem> {
        let (version, key) = match text.split_once(':') {
            None => (1, text),
            Some((version, key)) => {
                (parse_version(version).ok_or(KeyProblem::Version)?, key.trim())
            }
        };
        let bytes = decoded(key).ok_or(KeyProblem::Unreadable)?;
        let bytes: &[u8; KEY_LEN] =
            bytes.as_slice().try_into().map_err(|_| KeyProblem::Length(bytes.len()))?;
        if bytes.iter().all(|it| *it == bytes[0]) {
            return Err(KeyProblem::Constant);
        }
        Ok(Self { version, id: name(version, bytes), cipher: Cipher::new(bytes) })
    }

    /// True where both are the same bytes, as far as their names tell.
    pub(super) fn is_same_key(&self, other: &Self) -> bool {
        let digest = |it: &Self| it.id.0.split_once('-').map(|it| it.1.to_owned());
        digest(self) == digest(other)
    }
}

/// The line of a fresh key, as it is configured.
pub(super) fn fresh_line(version: u32) -> Secret {
    let key = Zeroizing::new(BASE64.encode(*random_key()));
    Secret::new(format!("{version}:{}", *key))
}

pub(super) fn random_key() -> Zeroizing<[u8; KEY_LEN]> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    aws_lc_rs::rand::fill(&mut *key).expect("the operating system has randomness");
    key
}

fn parse_version(text: &str) -> Option<u32> {
    let text = text.trim();
    let is_plain = text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|it| is_plain && *it > 0)
}

/// Hex first: its 64 digits are base64 of something else as well.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let as_hex = || hex::decode(text).ok().filter(|it| it.len() == KEY_LEN);
    let bytes = as_hex().or_else(|| BASE64.decode(text).or_else(|_| BASE64_URL.decode(text)).ok());
    bytes.map(Zeroizing::new)
}

/// The digest is keyed with the key itself: the name says nothing of it.
fn name(version: u32, key: &[u8; KEY_LEN]) -> KeyId {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"attache key id 1");
    KeyId(format!("v{version}-{}", hex::encode(&tag.as_ref()[..4])))
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
