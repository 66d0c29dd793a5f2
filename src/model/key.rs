//! Stable keys and tenant ids: what resources and customers are called.
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Longest key, in bytes: it has to fit a DNS label, a metric label and a path segment.
pub const KEY_LEN_MAX: usize = 63;

/// Longest tenant id, in bytes, after percent-decoding.
pub const TENANT_ID_LEN_MAX: usize = 128;

/// The stable key of a resource: `[a-z0-9][a-z0-9._-]{0,62}`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

/// Why a text is not a [`Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is 1 to 63 of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or a digit")]
pub struct KeyError;

impl Key {
    /// True where `text` can be a key; asks without allocating.
    pub fn is_valid(text: &[u8]) -> bool {
        let plain = |it: &u8| it.is_ascii_lowercase() || it.is_ascii_digit();
        text.len() <= KEY_LEN_MAX
            && text.first().is_some_and(plain)
            && text.iter().all(|it| plain(it) || matches!(it, b'.' | b'_' | b'-'))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Key {
    type Error = KeyError;

    fn try_from(text: &str) -> Result<Self, KeyError> {
        if Self::is_valid(text.as_bytes()) { Ok(Self(text.into())) } else { Err(KeyError) }
    }
}

/// The operator's own id for an external user or organisation: 1 to 128 bytes of UTF-8 without
/// control characters. It is compared byte by byte: no case folding, no Unicode normalisation.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

/// Why a text is not a [`TenantId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant id is 1 to 128 bytes of UTF-8 without control characters")]
pub struct TenantIdError;

impl TenantId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True where `text` can be a tenant id; asks without allocating.
    pub fn is_valid(text: &str) -> bool {
        !text.is_empty() && text.len() <= TENANT_ID_LEN_MAX && !text.chars().any(char::is_control)
    }
}

impl TryFrom<&str> for TenantId {
    type Error = TenantIdError;

    fn try_from(text: &str) -> Result<Self, TenantIdError> {
        if Self::is_valid(text) { Ok(Self(text.into())) } else { Err(TenantIdError) }
    }
}

macro_rules! text_like {
    ($($name:ident),*) => {$(
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    )*};
}

text_like!(Key, TenantId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_lower_case_and_plain() {
        let longest = "a".repeat(KEY_LEN_MAX);
        for good in ["a", "0", "github-prod", "v1.2_3", &longest] {
            assert!(Key::try_from(good).is_ok(), "{good:?}");
        }
        let too_long = "a".repeat(KEY_LEN_MAX + 1);
        for bad in ["", "-a", ".a", "_a", "A", "a b", "a/b", "a@b", "é", "a\n", &too_long] {
            assert!(Key::try_from(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tenant_ids_keep_case_and_accents_apart() {
        let composed = TenantId::try_from("caf\u{e9}").unwrap();
        let decomposed = TenantId::try_from("cafe\u{301}").unwrap();
        assert_ne!(composed, decomposed);
        assert_ne!(TenantId::try_from("ACME").unwrap(), TenantId::try_from("acme").unwrap());
        for bad in ["", "a\0b", "a\u{85}b", &"x".repeat(TENANT_ID_LEN_MAX + 1)] {
            assert!(TenantId::try_from(bad).is_err(), "{bad:?}");
        }
    }
}
