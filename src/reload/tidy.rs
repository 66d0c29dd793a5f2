//! Old changes, old answers, old events and what is left of deleted connections are thrown away, and the audit trail's
//! end is looked at: beside the feed, and of no consequence to what is served where that fails.
use crate::model::Scope;
use crate::store::BATCH_MAX;
use crate::store::Store;
use crate::store::StoreError;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;

/// Changes and answers older than this are forgotten: who was away longer reads everything again.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Events are kept for longer: they are for programs that may be away for days.
const EVENTS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What became of events that were delivered, and of those that were not, is known for so long.
const DELIVERED_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const FAILED_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How often that is done; the first time as soon as the feed is open.
const TIDY: Duration = Duration::from_secs(60 * 60);

/// Between two batches: each is a write, and others wait for it.
const PAUSE: Duration = Duration::from_millis(50);

/// Owns the tasks that do it: dropped, they end.
#[derive(Debug, Default)]
pub(super) struct Tidy {
    begun: Option<Instant>,
    task: JoinSet<()>,
    /// No connection was changed since it was looked for what is left of some.
    is_swept: bool,
    sweep: JoinSet<()>,
}

impl Tidy {
    /// Connections were changed: some may be gone.
    pub(super) fn connections_changed(&mut self) {
        self.is_swept = false;
    }

    /// Begins what is due, where it is not under way.
    pub(super) fn look(&mut self, store: &Store) {
        let is_due = self.begun.is_none_or(|it| it.elapsed() >= TIDY);
        while self.sweep.try_join_next().is_some() {}
        if (is_due || !self.is_swept) && self.sweep.is_empty() {
            self.is_swept = true;
            self.sweep.spawn(sweep(store.clone()));
        }
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
        tracing::warn!("what is old can't be thrown away, next try in an hour: {error}");
    }
}

async fn sweep(store: Store) {
    loop {
        match store.orphans().sweep(&Scope::System).await {
            Ok(false) => return,
            Ok(true) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                // Nobody can reach it.
                tracing::warn!(
                    "what is left of deleted connections can't be thrown away, next try in an hour: {error}"
                );
                return;
            }
        }
    }
}

async fn prune(store: &Store) -> Result<(), StoreError> {
    let ms = |it: Duration| i64::try_from(it.as_millis()).unwrap_or(i64::MAX);
    let older_than = ms(KEPT);
    while store.changes().prune(&Scope::System, older_than).await? >= u64::from(BATCH_MAX) {
        tokio::time::sleep(PAUSE).await;
    }
    let [delivered, failed] =
        [DELIVERED_KEPT, FAILED_KEPT].map(|it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX));
    while store.deliveries().prune(&Scope::System, delivered, failed).await? {
        tokio::time::sleep(PAUSE).await;
    }
    while store.idempotency().prune(&Scope::System, older_than).await? >= u64::from(BATCH_MAX) {
        tokio::time::sleep(PAUSE).await;
    }
    let older_than = ms(EVENTS_KEPT);
    while store.events().prune(&Scope::System, older_than).await? >= u64::from(BATCH_MAX) {
        tokio::time::sleep(PAUSE).await;
    }
    let older_than = ms(KEPT);
    while store.webhook_refusals().prune(&Scope::System, older_than).await? >= u64::from(BATCH_MAX)
    {
        tokio::time::sleep(PAUSE).await;
    }
    store.audit().look_at_end(&Scope::System).await
}
