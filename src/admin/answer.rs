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
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    /// `None` for no body at all.
    pub body: Option<Value>,
    /// The version that the ETag names.
    pub version: Option<i64>,
    /// The path of what was created.
    pub location: Option<String>,
    /// Bytes that come by and by, instead of a body.
    pub stream: Option<Body>,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self { body: Some(body), ..Self::nothing_with(StatusCode::OK) }
    }

    /// 200 with these bytes, as they come.
    pub(super) fn streamed(stream: Body) -> Self {
        Self { stream: Some(stream), ..Self::nothing_with(StatusCode::OK) }
    }

    fn nothing_with(status: StatusCode) -> Self {
        Self { status, body: None, version: None, location: None, stream: None }
    }

    /// 200 with this as its body.
    pub(super) fn of(body: &impl Serialize) -> Result<Self, ApiError> {
        serde_json::to_value(body).map(Self::ok).map_err(|_| ApiError::Internal)
    }

    /// 204.
    pub(super) fn nothing() -> Self {
        Self::nothing_with(StatusCode::NO_CONTENT)
    }

    /// 304: the version at hand is this one.
    pub(super) fn not_modified(version: i64) -> Self {
        Self { version: Some(version), ..Self::nothing_with(StatusCode::NOT_MODIFIED) }
    }

    pub(super) fn into_response(self) -> Response {
        let text = self.body.map(|it| it.to_string());
        let has_body = text.is_some();
        let is_stream = self.stream.is_some();
        let body = self.stream.or(text.map(Body::from));
        let mut response = Response::new(body.unwrap_or_else(Body::empty));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let kind = match (is_stream, has_body) {
            (true, _) => Some("application/octet-stream"),
            (false, true) => Some("application/json"),
            (false, false) => None,
        };
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
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
