//! A limit's word that a request has to come again later.
use crate::model::Code;
use crate::telemetry::ErrorSource;
use crate::telemetry::metrics::Limit;

/// Seconds until bodies that are held may have gone: they come and go within seconds.
const OVERLOADED_RETRY_S: u64 = 2;

/// Which limit it was, and when another try makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct Refused {
    pub limit: Limit,
    /// In whole seconds, at least 1.
    pub retry_after_s: u64,
}

impl Refused {
    /// There is no room for one more body.
    pub fn overloaded() -> Self {
        Self { limit: Limit::Bodies, retry_after_s: OVERLOADED_RETRY_S }
    }

    /// All links to the upstream are in use, and whoever waits for one has waited too long.
    pub fn no_link() -> Self {
        Self { limit: Limit::UpstreamLinks, retry_after_s: 1 }
    }

    /// `wait` in nanoseconds: rounded up, so that whoever waits so long does not come too soon.
    pub fn after(limit: Limit, wait: u64) -> Self {
        Self { limit, retry_after_s: wait.div_ceil(1_000_000_000).max(1) }
    }

    /// What is answered, and who has to act.
    pub fn verdict(&self) -> (Code, ErrorSource) {
        match self.limit {
            Limit::CallerRate | Limit::ConnectionRate | Limit::TenantRate | Limit::LookUps => {
                (Code::RateLimited, ErrorSource::Caller)
            }
            Limit::ConnectionConcurrency | Limit::OriginConcurrency | Limit::UpstreamLinks => {
                (Code::RateLimited, ErrorSource::Attache)
            }
            Limit::Circuit => (Code::CircuitOpen, ErrorSource::Upstream),
            Limit::Bodies => (Code::Overloaded, ErrorSource::Attache),
        }
    }

    fn text(&self) -> &'static str {
        match self.limit {
            Limit::CallerRate => "the caller's rate is used up",
            Limit::ConnectionRate => "the connection's rate is used up",
            Limit::TenantRate => "the tenant's rate under this connection is used up",
            Limit::ConnectionConcurrency => "too many exchanges of this connection are under way",
            Limit::OriginConcurrency => "too many exchanges with this upstream are under way",
            Limit::UpstreamLinks => "all links that there may be to the upstream are in use",
            Limit::Circuit => "the upstream fails again and again, and gets a pause",
            Limit::Bodies => "too much is being held at once",
            Limit::LookUps => "this address has asked for too much that is not there",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_are_said_and_never_too_few() {
        let said = [0, 1, 999_999_999, 1_000_000_000, 1_000_000_001]
            .map(|it| Refused::after(Limit::CallerRate, it).retry_after_s);
        assert_eq!(said, [1, 1, 1, 1, 2]);
    }
}
