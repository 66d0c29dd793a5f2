//! What a call is answered with when it went well.
use super::error::ApiError;
use super::etag;
use axum::body::Body;
use axum::response::Response;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde::Serialize;
use serde_json::Value;

/// Server-sent events (HTML Standard §9.2.3).
pub(super) const EVENTS: &str = "text/event-stream";

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
    pub stream: Option<Stream>,
}

/// What is sent as it comes.
#[derive(Debug)]
pub(super) enum Stream {
    /// Bytes that have an end.
    Bytes(Body),
    /// Server-sent events, for as long as somebody reads them.
    Events(Body),
}

/// In the extensions of a response that goes on for as long as it is read.
#[derive(Clone, Copy, Debug)]
pub struct Endless;

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self { body: Some(body), ..Self::nothing_with(StatusCode::OK) }
    }

    /// 200 with these bytes, as they come.
    pub(super) fn streamed(stream: Body) -> Self {
        Self { stream: Some(Stream::Bytes(stream)), ..Self::nothing_with(StatusCode::OK) }
    }

    /// 200 with these events, as they come.
    pub(super) fn events(stream: Body) -> Self {
        Self { stream: Some(Stream::Events(stream)), ..Self::nothing_with(StatusCode::OK) }
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
        let (body, kind, is_endless) = match (self.stream, self.body) {
            (Some(Stream::Bytes(stream)), _) => (stream, Some("application/octet-stream"), false),
            (Some(Stream::Events(stream)), _) => (stream, Some(EVENTS), true),
            (None, Some(body)) => (body.to_string().into(), Some("application/json"), false),
            (None, None) => (Body::empty(), None, false),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        if is_endless {
            response.extensions_mut().insert(Endless);
            // What nginx reads: a proxy in front passes every event on at once.
            let name = HeaderName::from_static("x-accel-buffering");
            response.headers_mut().insert(name, HeaderValue::from_static("no"));
        }
        let headers = response.headers_mut();
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
