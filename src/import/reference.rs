//! `$ref`: what stands at another place of the same document.
use super::tree::Pointer;
use serde_json::Value;

/// Most references that follow on each other.
const CHAIN_MAX: usize = 16;

/// Why what is referred to is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RefError {
    #[error("`$ref: {0}` leads to another file or to the network, which is never fetched")]
    Elsewhere(String),
    #[error("`$ref: {0}` leads to nothing, or to a part of the document that is not read")]
    Nowhere(String),
    #[error("`$ref` leads back to itself, or over more than {CHAIN_MAX} others")]
    Endless,
}

impl RefError {
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Elsewhere(_) => {
                "bundle the document into one file first, as `redocly bundle` does"
            }
            Self::Nowhere(_) | Self::Endless => "write out in the document what is meant",
        }
    }
}

/// The value at `at`, or what it refers to, and where that stands.
pub(super) fn followed<'v>(
    root: &'v Value,
    value: &'v Value,
    at: &Pointer,
) -> Result<(&'v Value, Pointer), RefError> {
    let (mut value, mut at) = (value, at.clone());
    for _ in 0..=CHAIN_MAX {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return Ok((value, at));
        };
        let pointer = reference.strip_prefix('#');
        let pointer = pointer.ok_or_else(|| RefError::Elsewhere(shown(reference)))?;
        // A fragment is percent-encoded (RFC 6901 §6).
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
        let found = (!pointer.is_empty()).then(|| root.pointer(&pointer)).flatten();
        value = found.ok_or_else(|| RefError::Nowhere(shown(reference)))?;
        at = Pointer::parse(&pointer);
    }
    Err(RefError::Endless)
}

fn shown(reference: &str) -> String {
    super::names::clipped(reference, 100)
}
