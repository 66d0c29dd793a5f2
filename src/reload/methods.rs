//! Auth methods that files declare are recorded in the store, where stored connections pin them: beside the
//! feed, and of no consequence to what is served where that fails.
use super::live::Live;
use crate::catalog::Section;
use crate::model::Scope;
use crate::store::SeenMethod;
use crate::store::Store;
use crate::store::StoreError;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;

/// How long recording may take while a start waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between a failure and the next try: a store that takes no writes is told of once, and asked seldom.
const AGAIN: Duration = Duration::from_secs(5);

/// Owns the one task that records: dropped, it ends.
#[derive(Debug, Default)]
pub(super) struct Methods {
    /// The files whose methods are recorded, by the generation of the configuration.
    recorded: u64,
    failed: Option<Failed>,
    task: JoinSet<(u64, Result<(), StoreError>)>,
}

#[derive(Debug)]
struct Failed {
    at: Instant,
    why: StoreError,
}

impl Methods {
    /// Records them now, as a start does, where the store takes it soon.
    pub(super) async fn record(&mut self, store: &Store, live: &Arc<Live>) {
        let recording = tokio::time::timeout(PATIENCE, record(store.clone(), Arc::clone(live)));
        match recording.await {
            Ok((generation, outcome)) => self.ended(generation, outcome),
            Err(_) => self.ended(0, Err(StoreError::TimedOut)),
        }
    }

    /// Begins where files have changed since, and none is under way.
    pub(super) fn look(&mut self, store: &Store, live: &Arc<Live>) {
        while let Some(ended) = self.task.try_join_next() {
            // One that panicked has said so already.
            if let Ok((generation, outcome)) = ended {
                self.ended(generation, outcome);
            }
        }
        let is_new = self.recorded != live.status().generation;
        let is_due = self.failed.as_ref().is_none_or(|it| it.at.elapsed() >= AGAIN);
        if is_new && is_due && self.task.is_empty() {
            self.task.spawn(record(store.clone(), Arc::clone(live)));
        }
    }

    fn ended(&mut self, generation: u64, outcome: Result<(), StoreError>) {
        match outcome {
            Ok(()) => {
                self.recorded = generation;
                if self.failed.take().is_some() {
                    tracing::info!("the auth methods of files are recorded in the store at last");
                }
            }
            Err(why) => {
                if self.failed.as_ref().is_none_or(|it| it.why != why) {
                    tracing::warn!(
                        "the auth methods of files are not recorded in the store, it is tried again: {why}"
                    );
                }
                self.failed = Some(Failed { at: Instant::now(), why });
            }
        }
    }
}

/// Records those that are not recorded as they are. The generation that they are of.
async fn record(store: Store, live: Arc<Live>) -> (u64, Result<(), StoreError>) {
    // First: what is loaded meanwhile is recorded the next time.
    let generation = live.status().generation;
    let snapshot = live.snapshot_full();
    let mut seen = Vec::new();
    for (key, _) in snapshot.declared().all(Section::Connectors) {
        let methods = snapshot.connector(key.as_str()).into_iter().flat_map(|it| &it.methods);
        seen.extend(methods.map(|(method, it)| SeenMethod {
            connector: key.as_str(),
            method: method.as_str(),
            definition: &it.definition,
        }));
    }
    // In one order, so that two attaches do not wait for each other in a circle.
    seen.sort_by_key(|it| (it.connector, it.method));
    let recorded = store.auth_methods().record_seen(&Scope::System, &seen).await;
    (generation, recorded.map(drop))
}
