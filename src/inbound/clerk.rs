//! Writes down what workers say of deliveries, many with one commit, and throws away what nobody has to remember.
use super::ledger::Entry;
use super::ledger::Ledger;
use crate::model::Key;
use crate::model::Scope;
use crate::store::BATCH_MAX;
use crate::store::RECEIVED_OF_CONNECTION_MAX;
use crate::store::Said;
use crate::store::Store;
use crate::store::Word;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;

/// How often a store that is away is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often it is looked for what is past its time.
const PRUNE: Duration = Duration::from_secs(60);

/// Batches that are thrown away then at most; what is left is thrown away a second later.
const PRUNED_AT_ONCE: u32 = 64;

/// Deliveries of a connection after which it is looked whether too many are remembered.
const TRIM_AFTER: u32 = 4096;

/// Connections whose deliveries are counted for that; beyond it the counts begin anew.
const COUNTED_MAX: usize = 4096;

/// The one that writes. One for the process.
pub struct Clerk {
    ledger: Arc<Ledger>,
    store: Store,
    /// In whose name: another one after a restart, which has nothing under way.
    holder: String,
    pruned: Option<Instant>,
    accepted: HashMap<Key, u32>,
}

impl Clerk {
    pub fn new(ledger: Arc<Ledger>, store: Store) -> Self {
        let mut name = [0; 16];
        aws_lc_rs::rand::fill(&mut name).expect("the operating system has randomness");
        let (holder, accepted) = (hex::encode(name), HashMap::new());
        Self { ledger, store, holder, pruned: None, accepted }
    }

    /// Until it is to stop. What waits then is written, as far as the store takes it.
    pub async fn run(mut self, mut stops: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(AGAIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let ledger = Arc::clone(&self.ledger);
            tokio::select! {
                _ = stops.wait_for(|it| *it) => break,
                () = ledger.something_came(), if !ledger.is_away() => self.write().await,
                _ = ticks.tick() => self.look().await,
            }
        }
        self.write().await;
    }

    /// All that waits.
    async fn write(&mut self) {
        loop {
            let entries = self.ledger.take();
            if entries.is_empty() {
                return;
            }
            let said: Vec<_> = entries.iter().map(said).collect();
            match self.store.received().say(&Scope::System, &self.holder, &said).await {
                Ok(receipts) => {
                    drop(said);
                    self.count(&entries);
                    self.ledger.answer(entries, receipts);
                }
                Err(error) => {
                    drop(said);
                    self.ledger.put_back(entries, &error);
                    return;
                }
            }
            self.trim().await;
        }
    }

    /// Once in a while: asks whether the store is there, and throws away what is past its time.
    async fn look(&mut self) {
        self.write().await;
        let is_due = self.pruned.is_none_or(|it| it.elapsed() >= PRUNE);
        if !self.ledger.is_away() && !is_due {
            return;
        }
        for _ in 0..PRUNED_AT_ONCE {
            match self.store.received().prune(&Scope::System).await {
                Ok(pruned) => {
                    self.ledger.is_back();
                    if pruned < u64::from(BATCH_MAX) {
                        self.pruned = Some(Instant::now());
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!("deliveries that are past their time are kept: {error}");
                    return;
                }
            }
            // Nobody waits for it.
            self.write().await;
        }
    }

    fn count(&mut self, entries: &[Entry]) {
        for it in entries.iter().filter(|it| matches!(it.word, Word::Accepted { .. })) {
            if self.accepted.len() >= COUNTED_MAX && !self.accepted.contains_key(&it.connection) {
                self.accepted.clear();
            }
            *self.accepted.entry(it.connection.clone()).or_default() += 1;
        }
    }

    async fn trim(&mut self) {
        let Some(key) = self.accepted.iter().find(|it| *it.1 >= TRIM_AFTER).map(|it| it.0.clone())
        else {
            return;
        };
        self.accepted.remove(&key);
        for _ in 0..PRUNED_AT_ONCE {
            let trimmed = self.store.received().trim(
                &Scope::System,
                key.as_str(),
                RECEIVED_OF_CONNECTION_MAX,
            );
            match trimmed.await {
                Ok(trimmed) if trimmed >= u64::from(BATCH_MAX) => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::debug!(connection = %key, "too many deliveries are kept: {error}");
                    return;
                }
            }
        }
    }
}

fn said(entry: &Entry) -> Said<'_> {
    Said { id: *entry.key.as_bytes(), connection: entry.connection.as_str(), word: entry.word }
}
