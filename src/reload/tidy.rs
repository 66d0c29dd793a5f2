//! Old changes and old answers are thrown away: beside the feed, and of no consequence where that fails.
use crate::model::Scope;
use crate::store::BATCH_MAX;
use crate::store::Store;
use crate::store::StoreError;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;

/// Changes and answers older than this are forgotten: who was away longer reads everything again.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How often that is done; the first time as soon as the feed is open.
const TIDY: Duration = Duration::from_secs(60 * 60);

/// Between two batches: each is a write, and others wait for it.
const PAUSE: Duration = Duration::from_millis(50);

/// Owns the one task that does it: dropped, it ends.
#[derive(Debug, Default)]
pub(super) struct Tidy {
    begun: Option<Instant>,
    task: JoinSet<()>,
}

impl Tidy {
    /// Begins where it is due, and none is under way.
    pub(super) fn look(&mut self, store: &Store) {
        let is_due = self.begun.is_none_or(|it| it.elapsed() >= TIDY);
        while self.task.try_join_next().is_some() {}
        if is_due && self.task.is_empty() {
            self.begun = Some(Instant::now());
            self.task.spawn(tidy(store.clone()));
        }
    }
}

async fn tidy(store: Store) {
    if let Err(error) = prune(&store).await {
        // The store may well be reached, and what it serves is true.
        tracing::warn!("old changes can't be thrown away, next try in an hour: {error}");
    }
}

async fn prune(store: &Store) -> Result<(), StoreError> {
    let older_than = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    while store.changes().prune(&Scope::System, older_than).await? >= u64::from(BATCH_MAX) {
        tokio::time::sleep(PAUSE).await;
    }
    while store.idempotency().prune(&Scope::System, older_than).await? >= u64::from(BATCH_MAX) {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
