//! What became of an entry.
use crate::admin::error::ApiError;
use crate::admin::error::Fault;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Created,
    Replaced,
    Skipped,
    Refused(Told),
}

/// Why an entry was refused, for people: never with a value that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) why: String,
    /// A JSON pointer into the entry; empty for all of it.
    pub(super) pointer: String,
}

impl Outcome {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Replaced => "replaced",
            Self::Skipped => "skipped",
            Self::Refused(_) => "refused",
        }
    }
}

impl Told {
    pub(super) fn new(pointer: &str, why: impl Into<String>) -> Self {
        Self { why: why.into(), pointer: pointer.to_owned() }
    }

    pub(super) fn twice() -> Self {
        Self::new("/tenant", "an entry before this one is of the same connection and tenant")
    }

    pub(super) fn exists() -> Self {
        Self::new("/tenant", "the tenant is activated already: `existing` may be skip or replace")
    }

    pub(super) fn damaged() -> Self {
        Self::new("", "what is stored of it does not read: deactivate the tenant first")
    }

    pub(super) fn of_connection(error: &ApiError) -> Self {
        Self::new("/connection", error.to_string())
    }

    /// The first of what is wrong, and how much more.
    pub(super) fn of(faults: Vec<Fault>) -> Self {
        let more = faults.len().saturating_sub(1);
        let Some(first) = faults.into_iter().next() else {
            return Self::new("", "it is not sound");
        };
        let hint = if first.hint.is_empty() { String::new() } else { format!(": {}", first.hint) };
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        Self { why: format!("{}{hint}{more}", first.problem), pointer: first.pointer }
    }
}
