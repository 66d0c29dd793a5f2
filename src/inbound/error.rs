//! Every way in which a delivery is not forwarded, and what its sender is told.
use super::learned::NotKept;
use crate::limits::BodyRefused;
use crate::limits::Refused;
use crate::model::Code;
use crate::resolve::ResolveError;
use crate::telemetry::ErrorSource;
use crate::telemetry::metrics::WebhookVerdict;
use crate::upstream::SendError;
use crate::vault::VaultError;
use crate::webhook::Refusal;

/// Seconds after which a sender may ask again about a delivery that is on its way.
const IN_FLIGHT_RETRY_S: u64 = 5;

/// Seconds after which keys that could not be had are looked for again.
const NO_KEYS_RETRY_S: u64 = 10;

/// Seconds after which a secret that could not be kept may be handed over again.
const NOT_KEPT_RETRY_S: u64 = 1;

/// Why a delivery was answered here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InboundError {
    #[error("there is nothing at this path")]
    NoSuchPath,
    #[error("webhooks are sent by POST")]
    Method,
    #[error("the sender's public keys can't be had")]
    NoKeys,
    #[error("the delivery names no tenant, or one that no tenant can be called")]
    NoTenant,
    #[error("the request has no single valid Host")]
    Host,
    #[error("the request's length is ambiguous")]
    Framing,
    #[error("the request target has a character that no target may have")]
    Target,
    #[error("the request target is over the limit")]
    TargetTooLong,
    #[error("the body is over the limit of {max} bytes")]
    TooLarge { max: usize },
    #[error("the body stopped arriving, or took too long")]
    Stalled,
    #[error("the body broke off")]
    BrokeOff,
    #[error(transparent)]
    Limited(#[from] Refused),
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("{refusal}")]
    Refused {
        refusal: Refusal,
        /// What the description wants such a delivery answered with.
        status: u16,
    },
    #[error(transparent)]
    NotKept(#[from] NotKept),
    #[error("the same delivery is being forwarded right now")]
    InFlight,
    #[error("{0}")]
    Undeliverable(#[from] Undeliverable),
}

/// Why a verified delivery did not reach its target. For the log: the sender learns none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undeliverable {
    #[error("a variable of the base URL has no value")]
    NoBaseUrl,
    #[error("base URL, path and query make no target")]
    NoTarget,
    #[error("the target did not answer in time")]
    TimedOut,
    #[error("the forwarding ended early")]
    Abandoned,
    #[error(transparent)]
    Send(#[from] SendError),
}

/// What the answer says: the code and its status, whose fault it is, and when to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) code: Code,
    pub(super) status: u16,
    pub(super) source: ErrorSource,
    /// In seconds.
    pub(super) retry_after: Option<u64>,
    pub(super) counted_as: WebhookVerdict,
}

impl From<BodyRefused> for InboundError {
    fn from(refused: BodyRefused) -> Self {
        match refused {
            BodyRefused::TooLarge { max } => Self::TooLarge { max },
            BodyRefused::Stalled => Self::Stalled,
            BodyRefused::BrokeOff => Self::BrokeOff,
            BodyRefused::Limited(refused) => Self::Limited(refused),
        }
    }
}

impl InboundError {
    /// The one table to read.
    pub(super) fn verdict(&self) -> Verdict {
        use ErrorSource::Caller;
        use ErrorSource::Upstream;
        let refused = WebhookVerdict::Refused;
        let (code, source, counted_as) = match self {
            Self::NoSuchPath => (Code::NotFound, Caller, refused),
            Self::Method => (Code::MethodNotAllowed, Caller, refused),
            Self::Host | Self::Framing | Self::Target | Self::Stalled | Self::BrokeOff => {
                (Code::BadRequest, Caller, refused)
            }
            Self::TargetTooLong => (Code::TargetTooLong, Caller, refused),
            Self::TooLarge { .. } => (Code::BodyTooLarge, Caller, refused),
            Self::NoKeys => {
                let unavailable = WebhookVerdict::KeysUnavailable;
                (Code::CredentialUnavailable, ErrorSource::Attache, unavailable)
            }
            Self::NoTenant => (Code::TenantRequired, Caller, refused),
            Self::Limited(limited) => {
                let (code, source) = limited.verdict();
                (code, source, refused)
            }
            Self::Resolve(error) => (error.code(), Caller, refused),
            Self::Vault(_) => (Code::CredentialUnavailable, ErrorSource::Attache, refused),
            Self::Refused { refusal, .. } => {
                let (code, counted_as) = refusal_verdict(*refusal);
                (code, Caller, counted_as)
            }
            Self::NotKept(NotKept::Unavailable) => {
                (Code::CredentialUnavailable, ErrorSource::Attache, refused)
            }
            Self::NotKept(NotKept::NotAwaited | NotKept::TooLate | NotKept::Unusable) => {
                (Code::WebhookBadSignature, Caller, WebhookVerdict::Mismatch)
            }
            Self::InFlight => (Code::WebhookInFlight, Caller, WebhookVerdict::InFlight),
            Self::Undeliverable(_) => {
                (Code::WebhookUndeliverable, Upstream, WebhookVerdict::Undeliverable)
            }
        };
        let status = match self {
            Self::Refused { status, .. } => *status,
            _ => code.status(),
        };
        let retry_after = match self {
            Self::InFlight => Some(IN_FLIGHT_RETRY_S),
            Self::Limited(limited) => Some(limited.retry_after_s),
            Self::Vault(error) => Some(error.retry_after_s()),
            Self::NoKeys => Some(NO_KEYS_RETRY_S),
            Self::NotKept(NotKept::Unavailable) => Some(NOT_KEPT_RETRY_S),
            _ => None,
        };
        Verdict { code, status, source, retry_after, counted_as }
    }

    /// What the sender is told: of its own request what helps, of everything else the code alone.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::NoSuchPath
            | Self::Method
            | Self::Host
            | Self::Framing
            | Self::Target
            | Self::TargetTooLong
            | Self::TooLarge { .. }
            | Self::Stalled
            | Self::BrokeOff
            | Self::Limited(_)
            | Self::InFlight => self.to_string(),
            Self::NoKeys
            | Self::NotKept(_)
            | Self::NoTenant
            | Self::Resolve(_)
            | Self::Vault(_)
            | Self::Refused { .. }
            | Self::Undeliverable(_) => self.verdict().code.as_str().to_owned(),
        }
    }
}

fn refusal_verdict(refusal: Refusal) -> (Code, WebhookVerdict) {
    match refusal {
        Refusal::Missing(_) => (Code::WebhookUnsigned, WebhookVerdict::Missing),
        Refusal::Malformed(_) => (Code::WebhookBadSignature, WebhookVerdict::Malformed),
        Refusal::Mismatch => (Code::WebhookBadSignature, WebhookVerdict::Mismatch),
        Refusal::Stale => (Code::WebhookStale, WebhookVerdict::Stale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::What;

    #[test]
    fn a_failed_verification_says_no_more_than_its_code() {
        for (refusal, code) in [
            (Refusal::Missing(What::Signature), "webhook_unsigned"),
            (Refusal::Missing(What::Timestamp), "webhook_unsigned"),
            (Refusal::Malformed(What::Signature), "webhook_bad_signature"),
            (Refusal::Mismatch, "webhook_bad_signature"),
            (Refusal::Stale, "webhook_stale"),
        ] {
            let error = InboundError::Refused { refusal, status: 401 };
            let verdict = error.verdict();
            assert_eq!((verdict.code.as_str(), verdict.status), (code, 401));
            assert_eq!(error.detail(), code);
            assert_eq!(verdict.counted_as.as_str(), refusal.reason());
        }
        let undeliverable = InboundError::from(Undeliverable::Send(SendError::Refused));
        assert_eq!(undeliverable.detail(), "webhook_undeliverable");
    }
}
