//! What a call is answered with when it went well.
use super::error::ApiError;
use super::etag;
use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde::Serialize;
use serde_json::Value;

/// An answer of the API.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub status: StatusCode,
    /// `None` for no body at all.
    pub body: Option<Value>,
    /// The version that the ETag names.
    pub version: Option<i64>,
    /// The path of what was created.
    pub location: Option<String>,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body), version: None, location: None }
    }

    /// 200 with this as its body.
    pub(super) fn of(body: &impl Serialize) -> Result<Self, ApiError> {
        serde_json::to_value(body).map(Self::ok).map_err(|_| ApiError::Internal)
    }

    /// 204.
    pub(super) fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, version: None, location: None }
    }

    /// 304: the version at hand is this one.
    pub(super) fn not_modified(version: i64) -> Self {
        let (status, version) = (StatusCode::NOT_MODIFIED, Some(version));
        Self { status, body: None, version, location: None }
    }

    pub(super) fn into_response(self) -> Response {
        let text = self.body.map(|it| it.to_string());
        let has_body = text.is_some();
        let mut response = Response::new(text.map_or_else(Body::empty, Body::from));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if has_body {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        if let Some(version) = self.version {
            headers.insert(header::ETAG, etag::tag(version));
        }
        if let Some(location) = self.location.and_then(|it| HeaderValue::try_from(it).ok()) {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}
