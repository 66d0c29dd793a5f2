//! Writes down what workers say of deliveries, many with one commit, and throws away what is past its time.
use super::ledger::Entry;
use super::ledger::Ledger;
use super::trimmer::TRIMS_WAITING;
use super::trimmer::Trimmer;
use crate::model::Key;
use crate::model::Scope;
use crate::store::BATCH_MAX;
use crate::store::Said;
use crate::store::Store;
use crate::store::Word;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
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
    /// Connections of which too many may be remembered.
    trims: mpsc::Sender<Key>,
}

impl Clerk {
    /// With whoever throws away beside it what is too much.
    pub fn new(ledger: Arc<Ledger>, store: Store) -> (Self, Trimmer) {
        let mut name = [0; 16];
        aws_lc_rs::rand::fill(&mut name).expect("the operating system has randomness");
        let (holder, accepted) = (hex::encode(name), HashMap::new());
        let (trims, due) = mpsc::channel(TRIMS_WAITING);
        let trimmer = Trimmer::new(store.clone(), due);
        (Self { ledger, store, holder, pruned: None, accepted, trims }, trimmer)
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
            self.have_trimmed();
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

    /// Has it be looked, by whoever else, at the connections of which so many more were accepted.
    fn have_trimmed(&mut self) {
        let trims = &self.trims;
        // Where many are to be looked at, with the next delivery.
        self.accepted
            .retain(|key, count| *count < TRIM_AFTER || trims.try_send(key.clone()).is_err());
    }
}

fn said(entry: &Entry) -> Said<'_> {
    Said { id: *entry.key.as_bytes(), connection: entry.connection.as_str(), word: entry.word }
}

#[cfg(test)]
mod tests {
    use super::super::replay::DeliveryKey;
    use super::*;
    use crate::config::StoreUrl;
    use crate::model::UnixTime;
    use crate::store::Receipt;
    use crate::telemetry::Metrics;

    /// Longer than any test.
    const LONG: Duration = Duration::from_secs(600);

    const ACCEPTED: Word = Word::Accepted { remember_ms: 600_000 };

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_claims_waits_for_nobody_who_trims() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let url = format!("sqlite:{}", folder.path().join("attache.db").display());
        let url = StoreUrl::try_from(&*url).expect("a URL of a store");
        let store = Store::open(&url, folder.path()).await.expect("it can be opened");
        store.migrate().await.expect("it can be migrated");
        let ledger = Ledger::of(LONG, Metrics::new(UnixTime::default()));
        let (clerk, mut trimmer) = Clerk::new(Arc::clone(&ledger), store.clone());
        let [hooks, other] = ["hooks", "other"].map(|it| Key::try_from(it).expect("a key"));
        while clerk.trims.try_send(other.clone()).is_ok() {}
        let (_stop, stops) = watch::channel(false);
        let checks = async {
            let claim = |number| ledger.claim(DeliveryKey::numbered(number), &hooks, LONG);
            // What waits to be trimmed is all that may, and nobody does it.
            for number in 0..TRIM_AFTER - 1 {
                drop(ledger.put(DeliveryKey::numbered(number), &hooks, ACCEPTED));
            }
            ledger.accepted(DeliveryKey::numbered(TRIM_AFTER), &hooks, 600).await;
            assert_eq!(claim(TRIM_AFTER + 1).await, Some(Receipt::Done));
            assert!(!ledger.is_away());
            for _ in 0..TRIMS_WAITING {
                assert_eq!(trimmer.due.try_recv(), Ok(other.clone()));
            }
            ledger.accepted(DeliveryKey::numbered(TRIM_AFTER + 2), &hooks, 600).await;
            assert_eq!(trimmer.due.recv().await.as_ref(), Some(&hooks));
            let too_many = async |most| {
                let too_many = store.received().too_many(&Scope::System, "hooks", most).await;
                too_many.expect("the store is there").is_some()
            };
            trimmer.most = 10;
            assert!(too_many(10).await);
            trimmer.trim(&hooks).await;
            assert!(!too_many(10).await);
        };
        tokio::select! {
            () = clerk.run(stops) => panic!("nobody has it stop"),
            () = checks => {}
        }
    }
}
