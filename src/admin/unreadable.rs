//! What is stored and does not read: left out of a list's items, and named beside them.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use crate::store::StoreError;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

/// Rows that are logged one by one, of one answer.
const LOGGED_MAX: usize = 20;

/// A stored row that does not read, or is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Unreadable {
    /// Which one, as far as that reads.
    key: Option<String>,
    problem: String,
}

impl Unreadable {
    /// What is wrong with a row that can't be shown; any other error is the answer's.
    pub(super) fn of(key: &str, error: ApiError) -> Result<Self, ApiError> {
        match error {
            ApiError::Damaged { problem, .. } => Ok(Self { key: Some(key.to_owned()), problem }),
            error => Err(error),
        }
    }
}

impl From<&StoreError> for Unreadable {
    fn from(error: &StoreError) -> Self {
        let key = match error {
            StoreError::Corrupt { key, .. } => key.clone(),
            _ => None,
        };
        Self { key, problem: error.to_string() }
    }
}

/// The numbers of rows that do not read, of a table that is ordered by them.
pub(super) fn numbers(errors: &[StoreError]) -> impl Iterator<Item = i64> {
    errors.iter().filter_map(|it| match it {
        StoreError::Corrupt { key, .. } => key.as_ref()?.parse().ok(),
        _ => None,
    })
}

/// A page of a list: what reads, and what does not, which is logged and counted.
pub(super) fn page(
    call: &Call,
    items: Vec<Value>,
    next: Option<String>,
    unreadable: &[Unreadable],
) -> Answer {
    let mut page = json!({ "items": items, "next": next });
    if !unreadable.is_empty() {
        told(call, unreadable);
        page["unreadable"] = json!(unreadable);
    }
    Answer::ok(page)
}

/// These do not read.
pub(super) fn told(call: &Call, unreadable: &[Unreadable]) {
    for Unreadable { key, problem } in unreadable.iter().take(LOGGED_MAX) {
        tracing::error!(key, "store: {problem}");
    }
    call.api.live.store_unreadable(unreadable.len());
}
