//! What both kinds of links have in common: what goes on them, and how an exchange fails.
use super::error::SendError;
use super::socket::Socket;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Uri;
use http_body::Body;
use http_body_util::Full;
use std::error::Error;

/// Longest response head, in bytes.
pub(super) const HEAD_MAX: usize = 64 * 1024;

/// A request's head, lent by whoever sends it: nothing of it is copied before a link is there.
pub struct RequestHead<'r, F> {
    pub method: &'r Method,
    /// In origin form (RFC 9112 §3.2.1).
    pub target: &'r Uri,
    pub fields: &'r F,
}

/// A request's fields, told one by one: only HTTP/2 needs them as a map.
pub trait Fields {
    /// Gives each field line to `put`, those of one name one after another, in their order. Tells the same each time.
    fn each(&self, put: impl FnMut(&HeaderName, &HeaderValue));
}

impl Fields for HeaderMap {
    fn each(&self, mut put: impl FnMut(&HeaderName, &HeaderValue)) {
        self.iter().for_each(|(name, value)| put(name, value));
    }
}

impl Fields for Vec<(HeaderName, HeaderValue)> {
    fn each(&self, mut put: impl FnMut(&HeaderName, &HeaderValue)) {
        self.iter().for_each(|(name, value)| put(name, value));
    }
}

/// What may be sent as a request body.
pub trait RequestBody:
    Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + 'static
{
    /// The upstream has said `100 Continue` (RFC 9110 §15.2.1).
    fn may_go_on(&mut self) {}
}

impl RequestBody for Full<Bytes> {}

/// What became of an exchange that has no response.
///
/// Where not a byte of the request was sent, its body is still in its slot: safe to send on another link.
pub(super) struct LinkFailed {
    pub error: SendError,
    /// The upstream says that it did not look at the request (RFC 9113 §8.7), or nothing of it was sent.
    pub refused: bool,
}

/// An upstream's side of a tunnel after a 101.
pub struct Upgraded {
    pub(super) socket: Socket,
    /// What the upstream sent right behind its 101.
    pub read_ahead: Bytes,
}

impl Upgraded {
    /// The socket, for whoever copies the bytes.
    pub fn into_parts(self) -> (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, Bytes) {
        (self.socket, self.read_ahead)
    }
}

impl LinkFailed {
    /// The slot was empty: a slip of ours, which must not look like an answer.
    pub(super) fn without_request() -> Self {
        Self { error: SendError::RequestBody, refused: false }
    }
}
