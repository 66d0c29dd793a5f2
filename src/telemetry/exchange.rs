//! One request and its response, as the access log tells of it.
use super::trace::RequestId;
use crate::model::Code;
use crate::model::Key;
use crate::model::TenantId;
use crate::model::UnixTime;
use http::Method;
use http::Version;

/// Whose fault a failed exchange was: who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorSource {
    Caller,
    Attache,
    Upstream,
}

impl ErrorSource {
    pub const ALL: &[Self] = &[Self::Caller, Self::Attache, Self::Upstream];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Attache => "attache",
            Self::Upstream => "upstream",
        }
    }
}

/// The record of an exchange, but for its path, which lies in the log's own buffer.
///
/// Making one allocates nothing: keys are shared with the snapshot. Nothing in it is secret.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// When the request head was complete.
    pub started: UnixTime,
    pub request_id: RequestId,
    pub caller: Option<Key>,
    pub tenant: Option<TenantId>,
    pub connector: Option<Key>,
    pub connection: Option<Key>,
    pub environment: Option<Key>,
    pub method: Method,
    /// As sent back.
    pub status: u16,
    /// As the upstream sent it; none where it did not answer.
    pub upstream_status: Option<u16>,
    /// None where nothing failed.
    pub source: Option<ErrorSource>,
    /// Of an answer that attache made itself.
    pub code: Option<Code>,
    /// Body bytes from whoever asked.
    pub bytes_in: u64,
    /// Body bytes back to them.
    pub bytes_out: u64,
    /// How often the request was sent, or tried to be: 0 where it was refused before.
    pub attempts: u32,
    /// The caller's version of HTTP.
    pub http_in: Version,
    /// The upstream's.
    pub http_out: Option<Version>,
    pub times: Times,
}

/// Where the time went, in µs. A step that did not happen took none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub total_us: u64,
    /// Waiting for a place under a limit.
    pub queue_us: u64,
    /// Waiting for a credential.
    pub credential_us: u64,
    pub dial_us: u64,
    pub tls_us: u64,
    /// From the request's last byte out to the response head's first byte in.
    pub first_byte_us: u64,
    /// attache's own work.
    pub overhead_us: u64,
}
