//! `/v1/keys`: the operator's keys by name, what is sealed under each, and putting all of it under the newest.
//!
//! One rotation at a time in a process. It is not kept anywhere how far one is: begun anew, it goes on with what is
//! left. Those of two replicas do each other no harm.
use super::answer::Answer;
use super::api::Api;
use super::call::Call;
use super::error::ApiError;
use super::time;
use crate::model::Scope;
use crate::vault::Rotation;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// Credentials that are put under another key at a time: other writers wait for one such lot.
const BATCH: u32 = 200;

/// The keys that what is stored is sealed under. None of them is ever shown.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SealingKeys {
    /// The one that seals.
    newest: String,
    keys: Vec<SealingKey>,
    /// The last one that this attache was asked for since it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<KeyRotation>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SealingKey {
    id: String,
    /// Whether attache has it, and so opens what is under it.
    opens: bool,
    /// How many there are under it: credentials, tokens and whatever else is sealed.
    credentials: u64,
}

/// How putting everything under the newest key goes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct KeyRotation {
    state: KeyRotationState,
    moved: u64,
    /// As it was at the beginning: more may have been sealed since.
    total: u64,
    /// RFC 3339, UTC.
    started_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    /// Why not all of it is under the newest key.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum KeyRotationState {
    Running,
    /// All is under the newest key.
    Done,
    /// Something is not: `problem` says why.
    Failed,
}

/// The one of this process.
#[derive(Debug, Default)]
pub(super) struct Rotations(Mutex<Option<KeyRotation>>);

impl Rotations {
    fn last(&self) -> MutexGuard<'_, Option<KeyRotation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut KeyRotation)) {
        if let Some(last) = self.last().as_mut() {
            change(last);
        }
    }

    /// Whether it is whoever asks who is to do it.
    fn begin(&self, now_ms: i64) -> bool {
        let mut last = self.last();
        if last.as_ref().is_some_and(|it| it.state == KeyRotationState::Running) {
            return false;
        }
        *last = Some(KeyRotation {
            state: KeyRotationState::Running,
            moved: 0,
            total: 0,
            started_at: time::shown(now_ms),
            ended_at: None,
            problem: None,
        });
        true
    }
}

/// Ends what is running, whatever becomes of whoever does it.
struct Turn {
    api: Arc<Api>,
    outcome: Result<(), String>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let now_ms = i64::try_from((self.api.clock)().as_ms()).unwrap_or(i64::MAX);
        self.api.rotations.change(|it| {
            it.ended_at = Some(time::shown(now_ms));
            it.problem = self.outcome.as_ref().err().cloned();
            it.state = match it.problem {
                None => KeyRotationState::Done,
                Some(_) => KeyRotationState::Failed,
            };
        });
    }
}

/// `GET /v1/keys`
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    Answer::of(&keys(&call).await?)
}

/// `POST /v1/keys/rotate`: where one is under way nothing else is begun.
pub(super) async fn rotate(call: Call) -> Result<Answer, ApiError> {
    let backing = call.api.store()?;
    if call.api.rotations.begin(call.now_ms()) {
        // Not of an `Idempotency-Key`: it goes on once that is answered.
        let scope = Scope::from(call.operator.name.clone());
        backing.control.spawn(work(Arc::clone(&call.api), scope));
    }
    Ok(Answer { status: StatusCode::ACCEPTED, ..Answer::of(&keys(&call).await?)? })
}

async fn keys(call: &Call) -> Result<SealingKeys, ApiError> {
    let backing = call.api.store()?;
    let credentials = backing.store.credentials();
    let scope = call.scope();
    let counted = call.api.sealed.or_ask(credentials.count(&scope)).await;
    let counted = counted.map_err(|it| ApiError::of_store(it, "credential", ""))?;
    let keyring = backing.sealer.keyring();
    let mut keys: Vec<SealingKey> = counted
        .into_iter()
        .map(|(id, count)| SealingKey {
            opens: keyring.has(&id),
            credentials: count.unsigned_abs(),
            id,
        })
        .collect();
    for id in keyring.ids().map(|it| it.as_str()) {
        if !keys.iter().any(|it| it.id == id) {
            keys.push(SealingKey { id: id.to_owned(), opens: true, credentials: 0 });
        }
    }
    let rotation = call.api.rotations.last().clone();
    Ok(SealingKeys { newest: keyring.newest().as_str().to_owned(), keys, rotation })
}

async fn work(api: Arc<Api>, scope: Scope) {
    // Said where it ends without having said anything else.
    let outcome = Err("a fault in attache: the log says more".to_owned());
    let mut turn = Turn { api: Arc::clone(&api), outcome };
    let outcome = rotated(&api, &scope).await;
    if let Err(problem) = &outcome {
        tracing::warn!("not everything is under the newest key: {problem}");
    }
    turn.outcome = outcome;
    api.sealed.forget().await;
}

async fn rotated(api: &Api, scope: &Scope) -> Result<(), String> {
    let backing = api.backing().ok_or("there is no store")?;
    let (store, keyring) = (&backing.store, backing.sealer.keyring());
    let rotation = Rotation { store, keyring: &keyring, scope, batch: BATCH };
    let total = rotation.total().await.map_err(|it| it.to_string())?;
    api.rotations.change(|it| it.total = total);
    let told = |put| {
        api.rotations.change(|it| it.moved += put);
        if api.draining.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let rotated = rotation.run(told).await.map_err(|it| it.to_string())?;
    let newest = keyring.newest();
    if rotated.left.is_empty() {
        tracing::info!(moved = rotated.moved, "all that is sealed is under the key {newest}");
        return Ok(());
    }
    let left: u64 = rotated.left.iter().map(|it| it.1).sum();
    let why = match rotated.unopened.first() {
        _ if api.draining.load(Ordering::Relaxed) => "attache stops".to_owned(),
        Some(it) => format!("{} do not open: {}", rotated.unopened_total, it.problem),
        None if rotated.left.iter().any(|it| keyring.has(&it.0)) => {
            "a replica seals under an old key: give each the new one first".to_owned()
        }
        None => "they are under keys that are not among ours".to_owned(),
    };
    Err(format!("{left} are not under the key {newest}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rotation_runs_at_a_time() {
        let rotations = Rotations::default();
        assert!(rotations.begin(0));
        rotations.change(|it| it.moved = 7);
        assert!(!rotations.begin(1));
        assert_eq!(rotations.last().as_ref().map(|it| it.moved), Some(7), "it goes on");
        rotations.change(|it| it.state = KeyRotationState::Failed);
        assert!(rotations.begin(2));
        assert_eq!(rotations.last().as_ref().map(|it| it.moved), Some(0));
    }
}
