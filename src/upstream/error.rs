//! What can go wrong between us and an upstream.

/// Why an upstream gave no answer that can be passed on.
///
/// No variant holds an address: what is known of it goes to the log, where it is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("the egress guard refuses the destination's address ({class})")]
    Forbidden { class: &'static str },
    #[error("the upstream's name can't be resolved")]
    Unresolved,
    #[error("the upstream refuses or drops connections")]
    Refused,
    #[error("the upstream could not be reached in time")]
    ConnectTimedOut,
    #[error("the upstream's certificate is not trusted: {class}")]
    Certificate { class: &'static str },
    #[error("the TLS handshake with the upstream failed")]
    Handshake,
    #[error("the TLS handshake with the upstream took too long")]
    HandshakeTimedOut,
    #[error("the upstream does not speak HTTP/2")]
    NoHttp2,
    #[error("the upstream's answer is not HTTP")]
    NotHttp,
    #[error("the upstream closed the connection before it answered")]
    Closed,
    #[error(
        "the upstream ended TLS before it answered, as it does with a certificate that it does not take"
    )]
    TlsEnded,
    #[error("all links that there may be to the upstream are in use")]
    NoLink,
    #[error("attache has no file descriptors left to connect with")]
    NoDescriptor,
    #[error("the request body failed while it was sent")]
    RequestBody,
    #[error("the request's origin is not the destination's")]
    OutsideOrigin,
}
