//! A request that is sent to see what comes of it, and everything that is seen of it.
use super::Exchange;
use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::StatusCode;
use http::Uri;
use http::Version;
use std::time::Duration;

/// The name that such a request goes by in the access log. Nobody proves to be it: it has no
/// key, and no caller of the configuration is called so.
pub const CALLER: &str = "console";

/// A request as a caller would send it, with its tags and without a key.
#[derive(Clone, Debug)]
pub struct Trial {
    pub method: Method,
    /// Path and query.
    pub target: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Until its answer is whole.
    pub timeout: Duration,
}

/// What came of a trial. What attache has put on the request is in none of it.
#[derive(Clone, Debug)]
pub struct Tried {
    pub status: StatusCode,
    pub version: Version,
    /// As a caller gets them, less what attache has put on the request.
    pub headers: HeaderMap,
    /// The same of the body, up to a bound.
    pub body: Bytes,
    /// The body's length in bytes, as far as it was read.
    pub bytes: u64,
    /// Whether there was more of the body than is kept, or it broke off.
    pub is_cut: bool,
    /// The body is compressed, so that nobody can tell whether the credential is in it: it is not given.
    pub is_withheld: bool,
    /// What went upstream last; none where nothing did.
    pub sent: Option<SentHead>,
    pub exchange: Exchange,
    /// As the access log has it: without the query.
    pub path: String,
}

/// A request's head as it went upstream, less what is secret.
#[derive(Clone, Debug)]
pub struct SentHead {
    pub method: Method,
    pub url: String,
    pub fields: Vec<SentField>,
}

/// A field of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentField {
    pub name: String,
    pub value: String,
    /// attache has put it on.
    pub is_injected: bool,
    /// The value is not all there.
    pub is_redacted: bool,
}
