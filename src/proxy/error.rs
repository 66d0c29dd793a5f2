//! Every way in which the proxy answers instead of the upstream, and what it then says.
use crate::auth::SignError;
use crate::limits::Refused;
use crate::model::Code;
use crate::renewal::RenewalError;
use crate::resolve::ResolveError;
use crate::server::Panicked;
use crate::telemetry::ErrorSource;
use crate::upstream::SendError;
use crate::vault::VaultError;

/// A token that leads nowhere: somebody has to mend a setting, or the provider says better with the next one.
const MISLED_RETRY_S: u64 = 30;

/// Seconds until links and bodies that are under way may have given their file descriptors and memory back.
const NO_DESCRIPTOR_RETRY_S: u64 = 2;

/// Why the proxy answered instead of the upstream.
///
/// There is no `Other`: a new way to fail gets a name and a verdict before it can be returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    #[error("the request has no caller key: send it as `Attache-Key`")]
    NoCallerKey,
    #[error("the caller key is unknown, malformed or given twice")]
    UnknownCaller,
    #[error("only a tenant-scoped caller lists its connections")]
    NotTenantScoped,
    #[error("the method {0} is not proxied")]
    Method(String),
    #[error("the request has no single valid Host")]
    Host,
    #[error(
        "the request's length can't be read in one way: give one Content-Length, or `Transfer-Encoding: chunked`"
    )]
    Framing,
    #[error("a WebSocket handshake has no body")]
    HandshakeBody,
    #[error("the request target is longer than {max} bytes")]
    TargetTooLong { max: usize },
    #[error("the request target has a character that no target may have")]
    Target,
    #[error("the request body stopped arriving")]
    CallerStalled,
    #[error("the request body, kept to be sent again, could not be read back")]
    BodyLost,
    #[error("the request can't be signed: {0}")]
    Unsignable(#[from] SignError),
    #[error("a signature covers the request body, and it is longer than {max} bytes")]
    TooLongToSign { max: u64 },
    #[error("the request body could not be held until it was signed")]
    BodyUnkept,
    #[error("there is no room left to hold the request body until it is signed")]
    NoRoomToSign,
    #[error("the upstream did not answer in time")]
    TimedOut,
    #[error("a fault in attache; the log has it under this request id")]
    Panicked(#[from] Panicked),
    #[error(transparent)]
    Limited(#[from] Refused),
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Renewal(#[from] RenewalError),
    #[error(transparent)]
    Send(#[from] SendError),
}

/// What the answer says: the code, whose fault it is, and when to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub code: Code,
    pub source: ErrorSource,
    /// In seconds.
    pub retry_after: Option<u64>,
}

impl ProxyError {
    /// The one table to read.
    pub fn verdict(&self) -> Verdict {
        use ErrorSource::Caller;
        use ErrorSource::Upstream;
        let (code, source) = match self {
            Self::NoCallerKey | Self::UnknownCaller => (Code::CallerUnauthenticated, Caller),
            Self::NotTenantScoped => (Code::CallerForbidden, Caller),
            Self::Method(_) => (Code::MethodNotAllowed, Caller),
            Self::Host
            | Self::Framing
            | Self::HandshakeBody
            | Self::Target
            | Self::Unsignable(_)
            | Self::CallerStalled => (Code::BadRequest, Caller),
            Self::TooLongToSign { .. } => (Code::BodyTooLargeToSign, Caller),
            Self::NoRoomToSign => (Code::Overloaded, ErrorSource::Attache),
            Self::TargetTooLong { .. } => (Code::TargetTooLong, Caller),
            Self::TimedOut => (Code::UpstreamTimeout, Upstream),
            Self::Limited(refused) => refused.verdict(),
            Self::Panicked(_) | Self::BodyLost | Self::BodyUnkept => {
                (Code::Internal, ErrorSource::Attache)
            }
            Self::Resolve(error @ (ResolveError::Unled | ResolveError::Misled { .. })) => {
                (error.code(), Upstream)
            }
            Self::Resolve(error) => (error.code(), Caller),
            Self::Vault(_) => (Code::CredentialUnavailable, ErrorSource::Attache),
            Self::Renewal(RenewalError::Dead) => (Code::ReauthorizationRequired, Caller),
            Self::Renewal(RenewalError::Unavailable { .. } | RenewalError::TooLong) => {
                (Code::CredentialUnavailable, Upstream)
            }
            Self::Send(error) => send_verdict(*error),
        };
        let retry_after = match self {
            Self::Vault(error) => Some(error.retry_after_s()),
            Self::Send(SendError::NoDescriptor) | Self::NoRoomToSign => Some(NO_DESCRIPTOR_RETRY_S),
            Self::Renewal(error) => error.retry_after_s(),
            Self::Resolve(ResolveError::Unled | ResolveError::Misled { .. }) => {
                Some(MISLED_RETRY_S)
            }
            error => error.limited().map(|it| it.retry_after_s),
        };
        Verdict { code, source, retry_after }
    }

    /// The limit of our own that it was, if it was one.
    pub fn limited(&self) -> Option<Refused> {
        match self {
            Self::Limited(refused) => Some(*refused),
            Self::Send(SendError::NoLink) => Some(Refused::no_link()),
            _ => None,
        }
    }

    /// True where nobody can tell where the next request on the link would begin (RFC 9112 §6.3).
    pub fn ends_link(&self) -> bool {
        matches!(self, Self::Framing)
    }

    /// What the caller is told: never an address, never which guard had what to say of it.
    pub fn detail(&self) -> String {
        match self {
            Self::Send(SendError::Forbidden { .. }) => {
                "the egress guard refuses the destination; an operator can allow it with `egress.allow`"
                    .to_owned()
            }
            Self::Send(SendError::Certificate { class }) => {
                format!("the upstream's certificate is not trusted: {class}")
            }
            it => it.to_string(),
        }
    }
}

fn send_verdict(error: SendError) -> (Code, ErrorSource) {
    use ErrorSource::Caller;
    use ErrorSource::Upstream;
    match error {
        SendError::Forbidden { .. } => (Code::DestinationForbidden, Caller),
        SendError::Unresolved | SendError::Refused | SendError::ConnectTimedOut => {
            (Code::UpstreamConnect, Upstream)
        }
        SendError::Certificate { .. }
        | SendError::Handshake
        | SendError::HandshakeTimedOut
        | SendError::TlsEnded
        | SendError::NoHttp2 => (Code::UpstreamTls, Upstream),
        SendError::NotHttp | SendError::Closed => (Code::UpstreamProtocol, Upstream),
        SendError::NoLink => Refused::no_link().verdict(),
        SendError::NoDescriptor => (Code::Overloaded, ErrorSource::Attache),
        SendError::RequestBody => (Code::BadRequest, Caller),
        SendError::OutsideOrigin => (Code::PathEscapesBase, Caller),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_ours_is_a_500_and_says_nothing_of_itself() {
        let error = ProxyError::from(Panicked);
        assert_eq!(error.verdict().code, Code::Internal);
        assert_eq!(error.verdict().source, ErrorSource::Attache);
        assert!(!error.detail().contains("panic"));
    }
}
