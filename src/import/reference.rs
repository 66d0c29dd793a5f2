//! `$ref`: what stands at another place of the same document.
use super::tree::Pointer;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ptr;
use std::rc::Rc;

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

/// The references of a document, each looked up once: they are cheap to write and to refer to.
pub(super) struct References<'v> {
    root: &'v Value,
    /// What came of each, by the address of what has it.
    known: RefCell<HashMap<*const Value, Result<Place<'v>, RefError>>>,
}

/// A value and where it stands.
pub(super) type Place<'v> = (&'v Value, Rc<Pointer>);

impl<'v> References<'v> {
    pub(super) fn of(root: &'v Value) -> Self {
        Self { root, known: RefCell::default() }
    }

    /// The value at `at`, or what it refers to, and where that stands.
    pub(super) fn followed(&self, value: &'v Value, at: &Pointer) -> Result<Place<'v>, RefError> {
        let (mut values, broken) = self.chain(value, at);
        let last = values.pop().filter(|_| broken.is_none());
        last.ok_or_else(|| broken.unwrap_or(RefError::Endless))
    }

    /// The value at `at`, what it refers to, and so on, each with where it stands; and why there is no more where there
    /// should be.
    pub(super) fn chain(
        &self,
        value: &'v Value,
        at: &Pointer,
    ) -> (Vec<Place<'v>>, Option<RefError>) {
        let mut values = vec![(value, Rc::new(at.clone()))];
        let mut value = value;
        while let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            if values.len() > CHAIN_MAX {
                return (values, Some(RefError::Endless));
            }
            let mut known = self.known.borrow_mut();
            let found = known.entry(ptr::from_ref(value));
            match found.or_insert_with(|| target(self.root, reference)) {
                Ok(found) => {
                    value = found.0;
                    values.push(found.clone());
                }
                Err(error) => return (values, Some(error.clone())),
            }
        }
        (values, None)
    }

    #[cfg(test)]
    pub(super) fn looked_up(&self) -> usize {
        self.known.borrow().len()
    }
}

fn target<'v>(root: &'v Value, reference: &str) -> Result<Place<'v>, RefError> {
    let pointer = reference.strip_prefix('#');
    let pointer = pointer.ok_or_else(|| RefError::Elsewhere(shown(reference)))?;
    if pointer.is_empty() || pointer.len() > REFERENCE_LEN_MAX {
        return Err(RefError::Nowhere(shown(reference)));
    }
    // A fragment is percent-encoded (RFC 6901 §6).
    let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
    let found = root.pointer(&pointer).ok_or_else(|| RefError::Nowhere(shown(reference)))?;
    Ok((found, Rc::new(Pointer::parse(&pointer))))
}

fn shown(reference: &str) -> String {
    super::names::clipped(reference, 100)
}
