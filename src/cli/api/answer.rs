//! What the API answers.
use http::StatusCode;
use serde_json::Value;

/// An answer that is no problem.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Answer {
    pub status: StatusCode,
    /// The version that it is about, as `If-Match` takes it.
    pub etag: Option<String>,
    /// Null where there is none.
    pub body: Value,
}

impl Answer {
    /// What is written and not served yet: operators are told.
    pub(in crate::cli) fn notice(&self) -> Option<&str> {
        (self.status == StatusCode::ACCEPTED).then(|| self.body["notice"].as_str()).flatten()
    }
}
