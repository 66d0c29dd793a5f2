//! What an attempt's end says of its upstream, for the circuit.
use super::body::OutBody;
use super::error::ProxyError;
use crate::limits::Pass;
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
        | SendError::Closed => true,
        SendError::Forbidden { .. }
        | SendError::NoLink
        | SendError::RequestBody
        | SendError::OutsideOrigin => false,
    }
}
