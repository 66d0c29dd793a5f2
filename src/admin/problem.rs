//! What every answer of this listener has in common, and the answers that are errors.
use crate::model::Code;
use crate::model::UnixTime;
use crate::server;
use crate::telemetry::Ids;
use crate::telemetry::RequestId;
use axum::Extension;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

const REQUEST_ID: HeaderName = HeaderName::from_static("attache-request-id");

/// Where this listener's request ids come from.
#[derive(Clone)]
pub(super) struct Frame {
    clock: fn() -> UnixTime,
    ids: Arc<Mutex<Ids>>,
}

impl Frame {
    pub(super) fn new(clock: fn() -> UnixTime) -> Self {
        let mut seed = [0; 8];
        aws_lc_rs::rand::fill(&mut seed).expect("the operating system has randomness");
        Self { clock, ids: Arc::new(Mutex::new(Ids::new(u64::from_ne_bytes(seed)))) }
    }

    fn request_id(&self, headers: &HeaderMap) -> RequestId {
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.request_id(headers, (self.clock)())
    }
}

/// Gives the request its id, and the response what each has: the id, no caching, no sniffing, no framing.
pub(super) async fn frame(
    State(frame): State<Frame>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = frame.request_id(request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.header().clone());
    for (name, value) in [
        (header::CACHE_CONTROL, server::NO_STORE),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ),
    ] {
        headers.entry(name).or_insert(value);
    }
    response
}

pub(super) fn not_found(Extension(id): Extension<RequestId>) -> Response {
    answer(Code::NotFound, "`/` says what is served here.", &id)
}

pub(super) async fn method_not_allowed(Extension(id): Extension<RequestId>) -> Response {
    let mut response = answer(Code::MethodNotAllowed, "This can be read only.", &id);
    let allowed = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

fn answer(code: Code, detail: &str, id: &RequestId) -> Response {
    server::problem(code, detail, id.as_str(), None).map(Body::from)
}
