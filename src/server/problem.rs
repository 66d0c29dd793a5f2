//! The answers that attache makes itself: `application/problem+json` (RFC 9457).
use crate::model::Code;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;

const ERROR: HeaderName = HeaderName::from_static("attache-error");

/// Errors are about one request: no cache may keep them (RFC 9111 §5.2.2.5).
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The response for `code`. `detail` must hold no secret and no upstream's address;
/// `retry_after` is in seconds.
pub fn problem(
    code: Code,
    detail: &str,
    request_id: &str,
    retry_after: Option<u64>,
) -> Response<Bytes> {
    problem_with(code, detail, request_id, retry_after, serde_json::Map::new())
}

/// The same with members of the plane's own (RFC 9457 §3.2).
pub fn problem_with(
    code: Code,
    detail: &str,
    request_id: &str,
    retry_after: Option<u64>,
    more: serde_json::Map<String, serde_json::Value>,
) -> Response<Bytes> {
    let mut body = serde_json::json!({
        "type": format!("urn:attache:error:{}", code.as_str()),
        "title": code.title(),
        "status": code.status(),
        "detail": detail,
        "code": code.as_str(),
        "request_id": request_id,
    });
    if let Some(seconds) = retry_after {
        body["retry_after"] = seconds.into();
    }
    for (name, value) in more {
        body[name] = value;
    }
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(code.status()).expect("every code's status is a valid one");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(ERROR, HeaderValue::from_static(code.as_str()));
    match code {
        // RFC 9110 §15.5.2: a 401 names a scheme.
        Code::CallerUnauthenticated => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Attache-Key"));
        }
        Code::OperatorUnauthenticated => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Code::MethodNotAllowed => {
            headers.entry(header::ALLOW).or_insert(HeaderValue::from_static(""));
        }
        _ => {}
    }
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
