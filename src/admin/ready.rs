//! `GET /readyz`: whether to send traffic here, and what is being served.
use super::AdminState;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::atomic::Ordering;

#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    ready: bool,
    /// The process is about to stop: it finishes what it has and takes nothing new.
    draining: bool,
    configuration: Configuration,
}

#[derive(Debug, Serialize)]
struct Configuration {
    /// Counts the configurations served since the start, from 1.
    generation: u64,
    /// RFC 3339, UTC.
    loaded_at: String,
    /// Why the last reload was refused; null where it was not. The last good one is served meanwhile.
    last_error: Option<String>,
}

/// 200 while work is taken, 503 while draining. A refused reload does not make it unready: what was
/// good before is still served.
pub(super) async fn ready(State(state): State<AdminState>) -> (StatusCode, Json<Readiness>) {
    let draining = state.draining.load(Ordering::Acquire);
    let served = state.live.status();
    let loaded_at = i64::try_from(served.loaded_at.as_ms()).ok();
    let loaded_at = loaded_at.and_then(|it| Timestamp::from_millisecond(it).ok());
    let readiness = Readiness {
        ready: !draining,
        draining,
        configuration: Configuration {
            generation: served.generation,
            loaded_at: loaded_at.unwrap_or(Timestamp::MAX).to_string(),
            last_error: served.last_error,
        },
    };
    let status = if draining { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(readiness))
}
