//! `GET /readyz`: whether to send traffic here, and what is being served. Strangers learn that something is wrong,
//! operators what.
use super::AdminState;
use super::Api;
use super::Peer;
use super::operator;
use super::time;
use crate::model::UnixTime;
use crate::reload::StoreStatus;
use crate::seal::Sealer;
use axum::Extension;
use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use http::StatusCode;
use http::header;
use serde::Serialize;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What strangers are told instead of what is wrong.
const REFUSED: &str = "the last reload was refused";
const NOT_REACHED: &str = "it is not reached";
const UNREAD: &str = "the keys can't be read again";

/// How long it may take to find out who asks.
const PATIENCE: Duration = Duration::from_secs(1);

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
    /// Why the last reload was refused; null where it was not. The last good one is served meanwhile. This and all
    /// that names what is configured or stored is told to operators alone: to others, that there is something.
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
    /// The first of them, and why; null for strangers.
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

impl Readiness {
    /// Less what names keys, files, origins, or is in the database's own words.
    fn for_strangers(mut self) -> Self {
        let told = |it: &mut Option<String>, class: &str| {
            if let Some(text) = it {
                class.clone_into(text);
            }
        };
        told(&mut self.configuration.last_error, REFUSED);
        if let Some(store) = &mut self.store {
            told(&mut store.problem, NOT_REACHED);
            store.first_skipped = None;
        }
        if let Some(seal) = &mut self.seal {
            told(&mut seal.last_error, UNREAD);
        }
        self
    }
}

/// 200 while work is taken, 503 while draining. A refused reload does not make it unready: what was
/// good before is still served.
pub(super) async fn ready(
    State(state): State<AdminState>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> (StatusCode, Json<Readiness>) {
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
    let from = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(Peer(it))| it);
    let readiness = match is_operator(&state.api, headers, from).await {
        true => readiness,
        false => readiness.for_strangers(),
    };
    (status, Json(readiness))
}

/// Whether an operator asks. Whether it is ready is told in time, also where the store does not answer who asks.
async fn is_operator(api: &Arc<Api>, headers: HeaderMap, from: IpAddr) -> bool {
    if !headers.contains_key(header::AUTHORIZATION) {
        return false;
    }
    let own = Arc::clone(api);
    let asks = async move {
        let presented = operator::presented(&headers);
        operator::proven(&own, presented, from).await
    };
    let known = tokio::time::timeout(PATIENCE, api.to_the_end(Box::pin(asks))).await;
    known.is_ok_and(|it| it.is_ok())
}
