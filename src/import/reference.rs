//! `$ref`: what stands at another place of the same document.
use super::tree::Pointer;
use serde_json::Value;

/// Most references that follow on each other.
const CHAIN_MAX: usize = 16;

/// Longest reference, in bytes: of a few keys, each percent-encoded.
const REFERENCE_LEN_MAX: usize = 4096;

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
    let (mut values, broken) = chain(root, value, at);
    let last = values.pop().filter(|_| broken.is_none());
    last.ok_or_else(|| broken.unwrap_or(RefError::Endless))
}

/// The value at `at`, what it refers to, and so on, each with where it stands; and why there is no more where there
/// should be.
pub(super) fn chain<'v>(
    root: &'v Value,
    value: &'v Value,
    at: &Pointer,
) -> (Vec<(&'v Value, Pointer)>, Option<RefError>) {
    let mut values = vec![(value, at.clone())];
    let mut value = value;
    while let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        if values.len() > CHAIN_MAX {
            return (values, Some(RefError::Endless));
        }
        match target(root, reference) {
            Ok(found) => {
                value = found.0;
                values.push(found);
            }
            Err(error) => return (values, Some(error)),
        }
    }
    (values, None)
}

fn target<'v>(root: &'v Value, reference: &str) -> Result<(&'v Value, Pointer), RefError> {
    let pointer = reference.strip_prefix('#');
    let pointer = pointer.ok_or_else(|| RefError::Elsewhere(shown(reference)))?;
    if pointer.is_empty() || pointer.len() > REFERENCE_LEN_MAX {
        return Err(RefError::Nowhere(shown(reference)));
    }
    // A fragment is percent-encoded (RFC 6901 §6).
    let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
    let found = root.pointer(&pointer).ok_or_else(|| RefError::Nowhere(shown(reference)))?;
    Ok((found, Pointer::parse(&pointer)))
}

fn shown(reference: &str) -> String {
    super::names::clipped(reference, 100)
}
