//! Writes down what workers say of deliveries, many with one commit, and throws away what is too old or too much.
use super::Deliveries;
use super::Kept;
use super::Told;
use super::sealed;
use crate::model::Scope;
use crate::model::UnixTime;
use crate::seal::DeliveryKey;
use crate::store::DeliveryBounds;
use crate::store::DeliveryTrim;
use crate::store::KeptDelivery;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::metrics::DeliveryRecord;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// How long the first record waits for others to be written with it: claims of deliveries wait for each commit where
/// there is one writer.
const GATHER: Duration = Duration::from_millis(200);

/// How long a store that is away is left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// How often it is looked for what is too old or too much.
const TRIM: Duration = Duration::from_secs(60);

/// Lots that are thrown away then at most; what is left is thrown away the next time.
const TRIMMED_AT_ONCE: u32 = 512;

/// The one that writes. One for the process, where there is a store.
pub struct Keeper {
    pub deliveries: Arc<Deliveries>,
    pub clock: fn() -> UnixTime,
}

impl Keeper {
    /// Until it is to stop. What waits then is written, as far as the store takes it.
    pub async fn run(self, mut stops: watch::Receiver<bool>) {
        let Kept::Stored { store, key, queue } = &self.deliveries.kept else { return };
        let mut trims = tokio::time::interval(TRIM);
        trims.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ends = stops.clone();
        loop {
            tokio::select! {
                _ = stops.wait_for(|it| *it) => break,
                () = queue.something_came() => {
                    tokio::select! {
                        _ = ends.wait_for(|it| *it) => {}
                        () = tokio::time::sleep(GATHER) => {}
                    }
                    self.write(store, key, &mut ends).await;
                }
                _ = trims.tick() => self.trim(store, key, &mut ends).await,
            }
        }
        self.write(store, key, &mut ends).await;
    }

    /// All that waits.
    async fn write(&self, store: &Store, key: &DeliveryKey, ends: &mut watch::Receiver<bool>) {
        let Kept::Stored { queue, .. } = &self.deliveries.kept else { return };
        loop {
            let lot = queue.take();
            if lot.is_empty() {
                return;
            }
            self.write_lot(store, key, &lot, ends).await;
        }
    }

    /// Again and again, as long as it may yet succeed: meanwhile others wait, and then are dropped.
    async fn write_lot(
        &self,
        store: &Store,
        key: &DeliveryKey,
        lot: &[Told],
        ends: &mut watch::Receiver<bool>,
    ) {
        let rows: Vec<KeptDelivery> = lot.iter().map(|it| sealed(key, it)).collect();
        let metrics = &self.deliveries.metrics;
        let count = rows.len() as u64;
        loop {
            let error = match store.webhook_deliveries().keep(&Scope::System, &rows).await {
                Ok(()) => return metrics.delivery_recorded(DeliveryRecord::Kept, count),
                Err(error) => error,
            };
            let may_pass =
                error.is_passing() || matches!(error, StoreError::ReadOnly | StoreError::Full);
            if !may_pass || *ends.borrow() {
                tracing::warn!(count, "what became of deliveries is not written down: {error}");
                return metrics.delivery_recorded(DeliveryRecord::Lost, count);
            }
            tracing::debug!(count, "what became of deliveries is not written down yet: {error}");
            tokio::select! {
                _ = ends.wait_for(|it| *it) => {}
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }

    async fn trim(&self, store: &Store, key: &DeliveryKey, ends: &mut watch::Receiver<bool>) {
        let settings = &self.deliveries.settings;
        let keep_ms = i64::try_from(settings.keep.as_millis()).unwrap_or(i64::MAX);
        let now_ms = i64::try_from((self.clock)().as_ms()).unwrap_or(i64::MAX);
        let bounds = DeliveryBounds {
            before_ms: now_ms.saturating_sub(keep_ms),
            most: settings.max,
            most_bytes: settings.max_bytes as u64,
        };
        let mut trim = DeliveryTrim::to(bounds);
        for _ in 0..TRIMMED_AT_ONCE {
            match store.webhook_deliveries().trim(&Scope::System, &mut trim).await {
                Ok(more) if more && !*ends.borrow() => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::debug!("deliveries that are too old are kept: {error}");
                    return;
                }
            }
            // Nobody waits for it.
            self.write(store, key, ends).await;
        }
    }
}
