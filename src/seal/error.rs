//! Why a text is not a key, and why a credential does not open.

/// Which key of which text is not one, and why. Says nothing of the key itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key {key} {problem}\n{}", problem.hint())]
pub struct KeyError {
    /// Which of the texts, counted from 0.
    pub text: usize,
    /// Which key of the text, counted from 1.
    pub key: usize,
    pub problem: KeyProblem,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    #[error("is missing: there is no text")]
    Missing,
    #[error("is neither base64 nor hex")]
    Unreadable,
    #[error("is {0} bytes long, not 32")]
    Length(usize),
    #[error("has no whole number from 1 to 4294967295 as its version, before the colon")]
    Version,
    #[error("is one byte again and again, which is no secret")]
    Constant,
    #[error("is another key of version {0}")]
    Taken(u32),
    #[error("is the key of version {0} once more")]
    Repeated(u32),
    #[error("is one too many: {} are enough for any rotation", super::KEYS_MAX)]
    TooMany,
}

impl KeyProblem {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing => {
                "make one with `attache keys new`, and keep a copy where backups are not"
            }
            Self::Unreadable | Self::Length(_) => {
                "a key is 32 random bytes as base64 (44 characters) or hex (64), its version and a \
                 colon in front; `attache keys new` makes one"
            }
            Self::Version => {
                "write 2:… for the second key; without a version in front, a key has version 1"
            }
            Self::Constant => "make one with `attache keys new`",
            Self::Taken(_) => "give the newer one the next version: it seals, both open",
            Self::Repeated(_) => "a new version takes a new key; `attache keys new` makes one",
            Self::TooMany => "leave out those that `attache keys verify` counts nothing under",
        }
    }
}

/// Why a sealed credential does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("it is sealed under the key {key_id}, which is not among ours")]
    UnknownKey { key_id: String },
    #[error(
        "its data key does not open: changed, moved from another place, or of another deployment"
    )]
    Wrap,
    #[error("its field `{field}` does not open: changed, or moved from another place")]
    Field { field: String },
    #[error("it has no field `{field}`")]
    NoField { field: String },
}
