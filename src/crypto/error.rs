//! Why a credential field makes no key.

/// Names the field, never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential field `{field}` {what}")]
pub struct KeyError {
    pub field: &'static str,
    pub what: &'static str,
}
