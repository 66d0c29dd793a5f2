//! An authorization server's answer as it came.
use crate::model::UnixTime;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::header::RETRY_AFTER;
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest that a server's wish is told: what is said of years is no wish.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// What there is to know of an answer: what a journal keeps until it is acted upon. Prints without
/// its body.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub retry_after: Option<String>,
    /// RFC 9449 §8: the nonce of the next proof.
    pub dpop_nonce: Option<String>,
    /// At most `REPLY_LEN_MAX` bytes, and one more where there were more.
    pub body: Zeroizing<Vec<u8>>,
}

impl Answer {
    pub fn new(status: u16, headers: &HeaderMap, body: Zeroizing<Vec<u8>>) -> Self {
        let text = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        Self {
            status,
            content_type: text(CONTENT_TYPE.as_str()),
            retry_after: text(RETRY_AFTER.as_str()),
            dpop_nonce: text("dpop-nonce"),
            body,
        }
    }

    /// Whether a token may be in it, where the settings find it or not (RFC 6749 §5.1: one comes with 200).
    pub fn may_hold_a_token(&self) -> bool {
        self.is_success() && !self.body.is_empty()
    }

    pub(super) fn is_success(&self) -> bool {
        (200..=299).contains(&self.status)
    }

    /// How long the server wants to be left alone (RFC 9110 §10.2.3), at most a day.
    pub fn retry_after(&self, now: UnixTime) -> Option<Duration> {
        wish(self.retry_after.as_deref()?, now)
    }
}

/// What a `Retry-After` asks for, at most a day.
pub(super) fn wish(text: &str, now: UnixTime) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(s) => Duration::from_secs(s),
        Err(_) => {
            let time = httpdate::parse_http_date(text).ok()?;
            let now = std::time::UNIX_EPOCH.checked_add(Duration::from_millis(now.as_ms()))?;
            time.duration_since(now).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("body_len", &self.body.len())
            .finish()
    }
}
