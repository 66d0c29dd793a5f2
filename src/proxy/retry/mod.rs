//! Whether an exchange gets another attempt, and when: decisions alone. Nothing here sends, waits, or
//! reads a clock.
mod budget;

pub use budget::RetryBudgets;

use crate::catalog::Retries;
use crate::catalog::RetryOn;
use crate::server::TICK;
use crate::telemetry::metrics::RetryOutcome;
use crate::telemetry::metrics::RetryReason;
use crate::upstream::SendError;
use http::HeaderMap;
use http::HeaderName;
use http::StatusCode;
use std::time::Duration;

/// Names a request, so that an upstream which sees it twice acts once
/// (draft-ietf-httpapi-idempotency-key-header §2.1).
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The attempts of one exchange.
#[derive(Clone, Copy, Debug)]
pub struct Attempts<'p> {
    policy: &'p Retries,
    /// How many more there may be.
    left: u8,
    /// How many there were beyond the first.
    made: u8,
}

/// What stands against a retry or for it, beyond the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Sending it twice does no harm, or not a byte of it was sent.
    pub is_harmless: bool,
    /// There is no body, or it can be given once more.
    pub has_body_again: bool,
    /// What the upstream said of when to come again.
    pub told: Option<Duration>,
    /// Of the whole exchange; none where it has no deadline.
    pub time_left: Option<Duration>,
    /// 64 bits, evenly spread.
    pub random: u64,
}

impl<'p> Attempts<'p> {
    /// `asked`: by the caller, for this exchange.
    pub fn new(policy: &'p Retries, asked: Option<u8>) -> Self {
        let left = asked.map_or(policy.attempts, |it| it.min(policy.attempts_max));
        Self { policy, left, made: 0 }
    }

    /// False where a first attempt's answer is the exchange's answer, whatever it is.
    pub fn may_follow(&self) -> bool {
        self.left > 0 || self.made > 0
    }

    /// True for an answer that may not be the last word.
    pub fn concern(&self, status: StatusCode) -> bool {
        self.may_follow() && self.reason(of_status(status)).is_some()
    }

    /// The reason, where the policy has it.
    pub fn reason(&self, found: Option<RetryOn>) -> Option<RetryOn> {
        found.filter(|it| self.policy.on.has(*it))
    }

    /// How long to wait before the next attempt, or why there is none.
    ///
    /// The wait is drawn from nothing to twice the last window, up to the cap (exponential back-off
    /// with full jitter), and never ends before the time that the upstream has named. Where that time
    /// is beyond the cap or the exchange's deadline, there is no point in waiting for it.
    pub fn next(&self, now: &Circumstances) -> Result<Duration, RetryOutcome> {
        if self.left == 0 {
            return Err(RetryOutcome::UsedUp);
        }
        if !now.is_harmless || !now.has_body_again {
            return Err(RetryOutcome::NotRepeatable);
        }
        let told = now.told.unwrap_or_default();
        let wait = jittered(self.window(), now.random).max(told);
        // A deadline is noticed up to a tick late, so what is left may be less than it seems.
        let is_too_late = now.time_left.is_some_and(|it| wait.saturating_add(TICK) >= it);
        if told > self.policy.cap || is_too_late {
            return Err(RetryOutcome::TooLate);
        }
        Ok(wait)
    }

    /// The next attempt is made.
    pub fn begin(&mut self) {
        self.left = self.left.saturating_sub(1);
        self.made = self.made.saturating_add(1);
    }

    /// The longest wait before the next attempt.
    fn window(&self) -> Duration {
        let doubled = 1_u32.checked_shl(u32::from(self.made)).unwrap_or(u32::MAX);
        self.policy.base.saturating_mul(doubled).min(self.policy.cap)
    }
}

/// From nothing to `window`, in microseconds.
fn jittered(window: Duration, random: u64) -> Duration {
    let most = u128::from(u64::try_from(window.as_micros()).unwrap_or(u64::MAX));
    let share = ((most + 1) * u128::from(random)) >> u64::BITS;
    Duration::from_micros(u64::try_from(share).unwrap_or(u64::MAX))
}

pub fn of_status(status: StatusCode) -> Option<RetryOn> {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(RetryOn::TooManyRequests),
        StatusCode::BAD_GATEWAY => Some(RetryOn::BadGateway),
        StatusCode::SERVICE_UNAVAILABLE => Some(RetryOn::ServiceUnavailable),
        StatusCode::GATEWAY_TIMEOUT => Some(RetryOn::GatewayTimeout),
        _ => None,
    }
}

/// Failures that may be over at the next attempt. What is about trust, or about the request, is not.
pub fn of_error(error: SendError) -> Option<RetryOn> {
    match error {
        SendError::Unresolved
        | SendError::Refused
        | SendError::ConnectTimedOut
        | SendError::NoDescriptor
        | SendError::Handshake
        | SendError::HandshakeTimedOut => Some(RetryOn::Connect),
        SendError::Closed | SendError::TlsEnded => Some(RetryOn::Closed),
        SendError::Forbidden { .. }
        | SendError::Certificate { .. }
        | SendError::NoHttp2
        | SendError::NotHttp
        | SendError::NoLink
        | SendError::RequestBody
        | SendError::OutsideOrigin => None,
    }
}

pub fn label(reason: RetryOn) -> RetryReason {
    match reason {
        RetryOn::Connect => RetryReason::Connect,
        RetryOn::Closed => RetryReason::Closed,
        RetryOn::TooManyRequests => RetryReason::TooManyRequests,
        RetryOn::BadGateway => RetryReason::BadGateway,
        RetryOn::ServiceUnavailable => RetryReason::ServiceUnavailable,
        RetryOn::GatewayTimeout => RetryReason::GatewayTimeout,
    }
}

/// True where not a byte of the request had been sent.
pub fn was_unsent(reason: RetryOn) -> bool {
    reason == RetryOn::Connect
}

/// One key, and something in it.
pub fn has_idempotency_key(headers: &HeaderMap) -> bool {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    matches!((keys.next(), keys.next()), (Some(key), None) if !key.as_bytes().trim_ascii().is_empty())
}

#[cfg(test)]
mod tests;
