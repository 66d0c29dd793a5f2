//! The API, as the pages ask it.
use http::Method;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;

/// One question.
#[derive(Debug)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    /// Null where there is none.
    pub body: Value,
}

/// Its answer: what the API answers over HTTP.
#[derive(Debug)]
pub struct Answered {
    pub status: StatusCode,
    pub body: Value,
}

/// Whoever answers, in the same process.
pub type Api = Arc<dyn Fn(Asked) -> Pin<Box<dyn Future<Output = Answered> + Send>> + Send + Sync>;

impl Asked {
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: Value::Null }
    }

    pub(super) fn post(path: String, body: Value) -> Self {
        Self { method: Method::POST, path, body }
    }
}

impl Answered {
    /// What was asked for; none where it is a problem, or reads otherwise than was thought.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        if !self.status.is_success() {
            return None;
        }
        serde_json::from_value(self.body.clone()).ok()
    }

    /// A problem's code; empty where it is none.
    pub(super) fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }
}
