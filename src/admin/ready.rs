//! `GET /readyz`: whether to send traffic here, and what is being served.
use super::AdminState;
use super::time;
use crate::model::UnixTime;
use crate::reload::StoreStatus;
use crate::seal::Sealer;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    ready: bool,
    /// The process is about to stop: it finishes what it has and takes nothing new.
    draining: bool,
    configuration: Configuration,
    /// Null where there is no store.
    store: Option<Store>,
    /// Null where there is no store.
    seal: Option<Seal>,
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

/// How things stand with the keys that what is stored is sealed under.
#[derive(Debug, Serialize)]
struct Seal {
    /// The id of the one that seals.
    key: String,
    /// Why the keys can't be read again; null where they can. The loaded ones are used meanwhile.
    last_error: Option<String>,
}

impl From<&Arc<Sealer>> for Seal {
    fn from(sealer: &Arc<Sealer>) -> Self {
        let key = sealer.keyring().newest().as_str().to_owned();
        Self { key, last_error: sealer.problem() }
    }
}

/// How things stand with the store. What is known goes on while it is not reached.
#[derive(Debug, Serialize)]
struct Store {
    reached: bool,
    /// RFC 3339, UTC.
    last_contact: String,
    /// Why it is not reached, since its last contact.
    problem: Option<String>,
    /// The revision up to which its changes are served.
    revision: i64,
    /// Stored definitions that are not served, or not whole.
    skipped: usize,
    /// The first of them, and why.
    first_skipped: Option<String>,
}

impl From<StoreStatus> for Store {
    fn from(status: StoreStatus) -> Self {
        Self {
            reached: status.problem.is_none(),
            last_contact: rfc3339(status.last_contact),
            problem: status.problem,
            revision: status.position,
            skipped: status.skipped.len(),
            first_skipped: status.skipped.into_iter().next(),
        }
    }
}

fn rfc3339(time: UnixTime) -> String {
    time::shown(i64::try_from(time.as_ms()).unwrap_or(i64::MAX))
}

/// 200 while work is taken, 503 while draining. A refused reload does not make it unready: what was
/// good before is still served.
pub(super) async fn ready(State(state): State<AdminState>) -> (StatusCode, Json<Readiness>) {
    let draining = state.draining.load(Ordering::Acquire);
    let served = state.live.status();
    let readiness = Readiness {
        ready: !draining,
        draining,
        configuration: Configuration {
            generation: served.generation,
            loaded_at: rfc3339(served.loaded_at),
            last_error: served.last_error,
        },
        store: state.live.store_status().map(Store::from),
        seal: state.api.backing().map(|it| Seal::from(&it.sealer)),
    };
    let status = if draining { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(readiness))
}
