//! What is kept of the webhooks that came in: written behind the deliveries, never before them; looked at, and sent
//! again.
//!
//! Workers say what became of a delivery and go on. With a store the [`Keeper`] writes it down in groups; without
//! one the last thousand stay in memory.
mod contents;
mod keeper;
mod left_out;
mod memory;
mod orders;
mod queue;

pub use contents::Concealed;
pub use contents::Contents;
pub use contents::Whole;
pub use keeper::Keeper;
pub use orders::Order;
pub use orders::Orders;

use crate::config::DeliverySettings;
use crate::model::DeliveryVerdict;
use crate::model::Key;
use crate::model::Scope;
use crate::model::UnixTime;
use crate::seal::DeliveryKey;
use crate::store::DeliveryCount;
use crate::store::DeliveryFilter;
use crate::store::KeptDelivery;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::WebhookDelivery;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::DeliveryRecord;
use left_out::LeftOut;
use memory::Memory;
use orders::Waiting;
use queue::Queue;
use std::fmt;
use std::sync::Arc;

/// A delivery, and what is kept of it, as whoever received it tells of it.
#[derive(Clone, Debug)]
pub struct Told {
    pub delivery: WebhookDelivery,
    /// As [`Contents`] writes it; empty where nothing is kept.
    pub contents: Vec<u8>,
}

/// What is kept of deliveries. One for the process.
pub struct Deliveries {
    settings: DeliverySettings,
    kept: Kept,
    left_out: LeftOut,
    waiting: Waiting,
    metrics: Arc<Metrics>,
}

/// Where they are.
enum Kept {
    Stored { store: Store, key: Box<DeliveryKey>, queue: Box<Queue> },
    InMemory(Memory),
}

/// Why a delivery is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    #[error("as many deliveries as may be are being sent again right now")]
    Crowded,
    #[error("this attache is about to stop")]
    Stopping,
}

impl Deliveries {
    /// `store`: with what its rows are sealed under.
    pub fn new(
        settings: DeliverySettings,
        store: Option<(Store, DeliveryKey)>,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        let kept = match store {
            Some((store, key)) => Kept::Stored { store, key: Box::new(key), queue: Box::default() },
            None => Kept::InMemory(Memory::default()),
        };
        let (waiting, left_out) = (Waiting::default(), LeftOut::default());
        Arc::new(Self { settings, kept, left_out, waiting, metrics })
    }

    /// What is to be sent again, for the one worker that does it: there is none for another.
    pub fn orders(&self) -> Option<Orders> {
        self.waiting.orders()
    }

    /// Whether anything is kept at all.
    pub fn keeps(&self) -> bool {
        !self.settings.keep.is_zero()
    }

    /// Longest body that is kept, in bytes.
    pub fn max_body(&self) -> usize {
        self.settings.max_body
    }

    /// Whether a delivery that nothing of is verified is to be told of: of each connection so many in a minute, since
    /// anybody may make them. One that was forwarded always is.
    pub fn admits(&self, connection: &Key, verdict: DeliveryVerdict, now: UnixTime) -> bool {
        let is_in = verdict.was_forwarded() || self.left_out.admits(connection, now);
        if !is_in {
            self.metrics.delivery_recorded(DeliveryRecord::LeftOut, 1);
        }
        is_in
    }

    /// How many of a connection's were not told of since the process began.
    pub fn left_out(&self, connection: &Key) -> u64 {
        self.left_out.count(connection)
    }

    /// Has it be kept. Waits for nothing: where too many wait to be written it is not kept, and counted.
    pub fn note(&self, told: Told) {
        let outcome = match &self.kept {
            Kept::InMemory(memory) => {
                memory.put(told);
                DeliveryRecord::Kept
            }
            Kept::Stored { queue, .. } if queue.put(told) => return,
            Kept::Stored { .. } => DeliveryRecord::Dropped,
        };
        self.metrics.delivery_recorded(outcome, 1);
    }

    /// The same for one that somebody waits for: it is kept once this returns, unless the store does not take it.
    pub async fn note_at_once(&self, told: Told) {
        let Kept::Stored { store, key, .. } = &self.kept else { return self.note(told) };
        let row = sealed(key, &told);
        match store.webhook_deliveries().keep(&Scope::System, &[row]).await {
            Ok(()) => self.metrics.delivery_recorded(DeliveryRecord::Kept, 1),
            Err(error) => {
                tracing::debug!("a delivery that was sent again is written down later: {error}");
                self.note(told);
            }
        }
    }

    /// At most `limit`, the newest first, before the one with the id `before`.
    pub async fn list(
        &self,
        scope: &Scope,
        filter: &DeliveryFilter,
        before: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<WebhookDelivery>, Vec<StoreError>), StoreError> {
        match &self.kept {
            Kept::Stored { store, .. } => {
                store.webhook_deliveries().list(scope, filter, before, limit).await
            }
            Kept::InMemory(memory) => Ok((memory.list(filter, before, limit), Vec::new())),
        }
    }

    /// One of them; without its contents where they do not open.
    pub async fn get(
        &self,
        scope: &Scope,
        id: &str,
    ) -> Result<Option<(WebhookDelivery, Contents)>, StoreError> {
        let (mut delivery, plain) = match &self.kept {
            Kept::Stored { store, key, .. } => {
                let found = store.webhook_deliveries().get(scope, id).await?;
                let Some(KeptDelivery { delivery, contents }) = found else { return Ok(None) };
                let plain = match contents.is_empty() {
                    true => Some(Vec::new()),
                    false => key.open(&place(&delivery), &contents).map(|it| it.to_vec()),
                };
                (delivery, plain)
            }
            Kept::InMemory(memory) => {
                let Some(Told { delivery, contents }) = memory.get(id) else { return Ok(None) };
                (delivery, Some(contents))
            }
        };
        let contents = plain.and_then(|it| Contents::read(&it)).unwrap_or_else(|| {
            // Another deployment's, or damaged: it is told, and can't be sent again.
            tracing::error!(id = delivery.id, "what is kept of a delivery does not open");
            delivery.can_replay = false;
            Contents::Nothing
        });
        Ok(Some((delivery, contents)))
    }

    /// How many there are of each of these owners, by verdict.
    pub async fn counts(
        &self,
        scope: &Scope,
        owners: &[&str],
    ) -> Result<Vec<DeliveryCount>, StoreError> {
        match &self.kept {
            Kept::Stored { store, .. } => store.webhook_deliveries().counts(scope, owners).await,
            Kept::InMemory(memory) => Ok(memory.counts(owners)),
        }
    }

    /// Has a delivery be sent to the target that its connection has now, once it is entered in the audit trail. The
    /// delivery that this made, as it is kept.
    pub async fn send_again(
        &self,
        scope: &Scope,
        delivery: WebhookDelivery,
        whole: Whole,
    ) -> Result<Result<WebhookDelivery, NotSent>, StoreError> {
        let Some(room) = self.waiting.room() else { return Ok(Err(NotSent::Crowded)) };
        match &self.kept {
            Kept::Stored { store, .. } => {
                store.webhook_deliveries().enter_replay(scope, &delivery).await?;
            }
            Kept::InMemory(_) => {
                let (id, connection) = (&*delivery.id, &*delivery.connection);
                tracing::info!(by = %scope, id, connection, "a delivery is sent again");
            }
        }
        let Some(told) = room.order(delivery, whole).await else {
            return Ok(Err(NotSent::Stopping));
        };
        let delivery = told.delivery.clone();
        self.note_at_once(told).await;
        Ok(Ok(delivery))
    }
}

/// Where a delivery's contents are sealed for.
fn place(it: &WebhookDelivery) -> [&str; 3] {
    [&it.id, &it.owner, &it.tenant]
}

fn sealed(key: &DeliveryKey, told: &Told) -> KeptDelivery {
    let contents = match told.contents.is_empty() {
        true => Vec::new(),
        false => key.seal(&place(&told.delivery), &told.contents),
    };
    KeptDelivery { delivery: told.delivery.clone(), contents }
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
