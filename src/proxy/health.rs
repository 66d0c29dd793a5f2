//! What an attempt's end says of its upstream, for the circuit, and of the credential.
use super::body::OutBody;
use super::error::ProxyError;
use crate::auth::Prepared;
use crate::limits::Pass;
use crate::limits::Refusals;
use crate::resolve::Target;
use crate::server::Watch;
use crate::upstream::Failed;
use crate::upstream::SendError;
use crate::upstream::Sent;
use http::StatusCode;
use std::time::Duration;
use std::time::Instant;

/// Tells the circuit how an attempt went. A caller's doing counts neither way.
pub fn tell(
    pass: Pass<'_>,
    sent: &Result<Result<Sent<OutBody>, Failed>, ProxyError>,
    watch: &Watch,
) {
    match sent {
        Ok(Ok(sent)) if is_unwell(sent.response.status()) => pass.failed(Instant::now()),
        Ok(Ok(_)) => pass.succeeded(),
        Ok(Err(failed)) if is_upstreams(failed.error) => pass.failed(Instant::now()),
        // A caller that gives less time than is configured finds out nothing about the upstream.
        Err(ProxyError::TimedOut) if watch.time_left() != Some(Duration::ZERO) => {
            pass.failed(Instant::now());
        }
        Ok(Err(_)) | Err(_) => {}
    }
}

/// Tells whether the upstream took the credential. What is neither a success nor a 401 may be about the request.
pub fn tell_of_credential(
    refusals: &Refusals,
    target: &Target<'_>,
    prepared: &Prepared,
    status: StatusCode,
) {
    if target.test || prepared.is_nothing() {
        return;
    }
    let is_embedded = target.connection.supplied_by.is_some();
    let tenant = target.tenant.as_ref().filter(|_| is_embedded);
    if status == StatusCode::UNAUTHORIZED {
        refusals.refused(&target.connection.key, tenant, Instant::now());
    } else if status.is_success() || status.is_redirection() {
        refusals.taken(&target.connection.key, tenant);
    }
}

/// Answers of an upstream, or of what stands before it, that can do no work at all. Never a 4xx,
/// which is about the request; nor a 500, which one kind of request alone may provoke.
fn is_unwell(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

fn is_upstreams(error: SendError) -> bool {
    match error {
        SendError::Unresolved
        | SendError::Refused
        | SendError::ConnectTimedOut
        | SendError::Certificate { .. }
        | SendError::Handshake
        | SendError::HandshakeTimedOut
        | SendError::NoHttp2
        | SendError::NotHttp
        | SendError::Closed
        | SendError::TlsEnded => true,
        SendError::Forbidden { .. }
        | SendError::NoLink
        | SendError::NoDescriptor
        | SendError::RequestBody
        | SendError::OutsideOrigin => false,
    }
}
