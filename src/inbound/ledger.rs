//! What the store is told and asked of deliveries: said by the workers, written by the [`Clerk`](super::Clerk) on the
//! runtime of the store, so that no worker waits for a database, nor for longer than [`PATIENCE`] for its word.
//!
//! Where the store is away, or slower than that, deliveries go on with what this process remembers: none is lost or
//! refused for it, and a repeat of what another replica, or this one before a restart, has forwarded is forwarded
//! again. What targets accept meanwhile is written once the store is there.
use super::replay::DeliveryKey;
use crate::model::Key;
use crate::store::Receipt;
use crate::store::StoreError;
use crate::store::Word;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::ReplayAsk;
use crate::telemetry::metrics::ReplayWrite;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Notify;
use tokio::sync::oneshot;

/// How long a delivery waits for the store, to claim it, and again to say what became of it.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Words that wait, beyond which no delivery is claimed: further ones go on with what is remembered here.
const CLAIMS_MAX: usize = 4096;

/// Words that wait in all: deliveries that were accepted while the store was away. Beyond it the oldest are not
/// written, and only this process remembers them. Some 200 bytes each.
const WAITING_MAX: usize = 1 << 16;

/// Words that are written with one commit.
const BATCH_MAX: usize = 256;

/// What waits to be said to the store. One for the process.
pub struct Ledger {
    waiting: Mutex<VecDeque<Entry>>,
    came: Notify,
    /// The store did not take what it was told last, or not in time.
    is_away: AtomicBool,
    patience: Duration,
    metrics: Arc<Metrics>,
}

/// A word for the store.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: DeliveryKey,
    pub(super) connection: Key,
    pub(super) word: Word,
    answer: oneshot::Sender<Receipt>,
}

impl Ledger {
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Self::of(PATIENCE, metrics)
    }

    pub(super) fn of(patience: Duration, metrics: Arc<Metrics>) -> Arc<Self> {
        let (waiting, came, is_away) = (Mutex::default(), Notify::new(), AtomicBool::new(false));
        Arc::new(Self { waiting, came, is_away, patience, metrics })
    }

    /// Claims a delivery, for no longer than `lease`. None where the store does not say in time whether it is free.
    pub(super) async fn claim(
        &self,
        key: DeliveryKey,
        connection: &Key,
        lease: Duration,
    ) -> Option<Receipt> {
        let word = Word::Claimed { lease_ms: ms(lease) };
        let receipt = self.say(key, connection, word).await;
        self.metrics.replay_asked(match receipt {
            Some(Receipt::Done) => ReplayAsk::First,
            Some(Receipt::InFlight) => ReplayAsk::InFlight,
            Some(Receipt::Accepted { .. }) => ReplayAsk::Repeat,
            None => ReplayAsk::Unanswered,
        });
        receipt
    }

    /// Has it be known that a delivery was accepted; returns once it is, or cannot be in time.
    pub(super) async fn accepted(&self, key: DeliveryKey, connection: &Key, remember_s: u64) {
        let remember_ms = ms(Duration::from_secs(remember_s));
        self.say(key, connection, Word::Accepted { remember_ms }).await;
    }

    /// The same of one that was not: anybody may forward it.
    pub(super) async fn released(&self, key: DeliveryKey, connection: &Key) {
        self.say(key, connection, Word::Released).await;
    }

    /// The same, where nobody waits for it.
    pub(super) fn release(&self, key: DeliveryKey, connection: &Key) {
        drop(self.put(key, connection, Word::Released));
    }

    async fn say(&self, key: DeliveryKey, connection: &Key, word: Word) -> Option<Receipt> {
        let began = Instant::now();
        let is_away = self.is_away();
        if is_away && matches!(word, Word::Claimed { .. }) {
            return None;
        }
        let answer = self.put(key, connection, word)?;
        if is_away {
            return None;
        }
        let answered = tokio::time::timeout(self.patience, answer).await;
        self.metrics.replay_waited(began.elapsed());
        if answered.is_err() {
            self.goes_away("the store did not answer within a second");
        }
        answered.ok()?.ok()
    }

    /// None where there is no room for it.
    pub(super) fn put(
        &self,
        key: DeliveryKey,
        connection: &Key,
        word: Word,
    ) -> Option<oneshot::Receiver<Receipt>> {
        let mut waiting = self.waiting();
        if waiting.len() >= CLAIMS_MAX && !matches!(word, Word::Accepted { .. }) {
            // A claim that is not given back ends by itself.
            return None;
        }
        let oldest = if waiting.len() >= WAITING_MAX { waiting.pop_front() } else { None };
        let (answer, answered) = oneshot::channel();
        waiting.push_back(Entry { key, connection: connection.clone(), word, answer });
        drop(waiting);
        if let Some(Entry { word: Word::Accepted { .. }, .. }) = oldest {
            self.metrics.replay_written(ReplayWrite::Lost, 1);
        }
        self.came.notify_one();
        Some(answered)
    }

    /// The next words, in the order in which they were said, each of another delivery.
    pub(super) fn take(&self) -> Vec<Entry> {
        let mut waiting = self.waiting();
        let mut seen = HashSet::new();
        let is_new = |it: &&Entry| seen.insert(it.key);
        let count = waiting.iter().take(BATCH_MAX).take_while(is_new).count();
        waiting.drain(..count).collect()
    }

    /// The store did not take these. What matters later as well is said again before all else; whoever claims
    /// is told that nobody knows.
    pub(super) fn put_back(&self, entries: Vec<Entry>, error: &StoreError) {
        self.goes_away(&error.to_string());
        // What is wrong for good would be in the way of all else.
        let may_pass =
            error.is_passing() || matches!(error, StoreError::ReadOnly | StoreError::Full);
        let (mut lost, mut waiting) = (0, self.waiting());
        for entry in entries.into_iter().rev() {
            match entry.word {
                Word::Claimed { .. } => {}
                Word::Released if may_pass => waiting.push_front(entry),
                Word::Accepted { .. } if may_pass && waiting.len() < WAITING_MAX => {
                    waiting.push_front(entry);
                }
                Word::Accepted { .. } => lost += 1,
                Word::Released => {}
            }
        }
        drop(waiting);
        self.metrics.replay_written(ReplayWrite::Lost, lost);
    }

    /// The store has taken these.
    pub(super) fn answer(&self, entries: Vec<Entry>, receipts: Vec<Receipt>) {
        self.is_back();
        let (mut written, mut late) = (0, 0);
        for (entry, receipt) in entries.into_iter().zip(receipts) {
            let is_awaited = entry.answer.send(receipt).is_ok();
            match entry.word {
                Word::Accepted { .. } if is_awaited => written += 1,
                Word::Accepted { .. } => late += 1,
                Word::Claimed { .. } | Word::Released => {}
            }
        }
        self.metrics.replay_written(ReplayWrite::Written, written);
        self.metrics.replay_written(ReplayWrite::Late, late);
    }

    pub(super) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Acquire)
    }

    /// The store answers.
    pub(super) fn is_back(&self) {
        if self.is_away.swap(false, Ordering::AcqRel) {
            tracing::info!("the store is told of deliveries again");
        }
    }

    fn goes_away(&self, why: &str) {
        if !self.is_away.swap(true, Ordering::AcqRel) {
            tracing::warn!("repeats of deliveries are told by what this process remembers: {why}");
        }
    }

    /// Returns once something was said since.
    pub(super) async fn something_came(&self) {
        self.came.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        // Nothing between two changes of it can panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

fn ms(time: Duration) -> i64 {
    // A century, so that the sum with a time of today is one as well.
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).min(100 * 365 * 24 * 60 * 60 * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnixTime;

    const ACCEPTED: Word = Word::Accepted { remember_ms: 1000 };
    const CLAIMED: Word = Word::Claimed { lease_ms: 1000 };

    fn ledger() -> Arc<Ledger> {
        Ledger::new(Metrics::new(UnixTime::default()))
    }

    fn hooks() -> Key {
        Key::try_from("hooks").unwrap()
    }

    fn put(ledger: &Ledger, number: u32, word: Word) -> Option<oneshot::Receiver<Receipt>> {
        ledger.put(DeliveryKey::numbered(number), &hooks(), word)
    }

    fn words(entries: &[Entry]) -> Vec<Word> {
        entries.iter().map(|it| it.word).collect()
    }

    #[test]
    fn words_of_one_delivery_are_never_said_at_once_and_never_change_places() {
        let ledger = ledger();
        for (number, word) in [(1, CLAIMED), (2, CLAIMED), (1, Word::Released), (1, CLAIMED)] {
            drop(put(&ledger, number, word));
        }
        assert_eq!(words(&ledger.take()), [CLAIMED, CLAIMED]);
        assert_eq!(words(&ledger.take()), [Word::Released]);
        assert_eq!(words(&ledger.take()), [CLAIMED]);
        assert!(ledger.take().is_empty());
    }

    #[test]
    fn what_the_store_did_not_take_is_said_again_first_but_for_claims() {
        let ledger = ledger();
        for (number, word) in [(1, ACCEPTED), (2, CLAIMED), (3, Word::Released)] {
            drop(put(&ledger, number, word));
        }
        let taken = ledger.take();
        drop(put(&ledger, 1, Word::Released));
        ledger.put_back(taken, &StoreError::TimedOut);
        assert!(ledger.is_away());
        let again = ledger.take();
        assert_eq!(words(&again), [ACCEPTED, Word::Released]);
        ledger.answer(again, vec![Receipt::Done; 2]);
        assert!(!ledger.is_away());
        let last = ledger.take();
        ledger.put_back(last, &StoreError::Refused(String::new()));
        assert!(ledger.take().is_empty());
    }

    #[test]
    fn there_is_room_for_what_was_accepted_when_there_is_none_for_claims() {
        let ledger = ledger();
        let max = u32::try_from(CLAIMS_MAX).unwrap();
        for number in 0..max {
            assert!(put(&ledger, number, CLAIMED).is_some());
        }
        assert!(put(&ledger, max, CLAIMED).is_none());
        assert!(put(&ledger, max, Word::Released).is_none());
        let more = u32::try_from(WAITING_MAX).unwrap() + 10;
        for number in 0..more {
            assert!(put(&ledger, max + number, ACCEPTED).is_some());
        }
        assert_eq!(ledger.waiting().len(), WAITING_MAX);
        let newest = ledger.waiting().back().map(|it| it.key);
        assert_eq!(newest, Some(DeliveryKey::numbered(max + more - 1)));
        let text = ledger.metrics.render();
        assert!(
            text.contains(r#"attache_webhook_replay_writes_total{outcome="lost"} 10"#),
            "{text}"
        );
    }

    #[tokio::test]
    async fn nobody_waits_for_long_and_then_nobody_at_all_until_it_is_back() {
        let ledger = Ledger::of(Duration::ZERO, Metrics::new(UnixTime::default()));
        let claim = |number| {
            let ledger = Arc::clone(&ledger);
            async move { ledger.claim(DeliveryKey::numbered(number), &hooks(), PATIENCE).await }
        };
        assert_eq!(claim(1).await, None);
        assert!(ledger.is_away());
        assert_eq!(claim(2).await, None);
        ledger.accepted(DeliveryKey::numbered(2), &hooks(), 600).await;
        // The second was not even said.
        let waiting = ledger.take();
        assert_eq!(waiting.len(), 2);
        ledger.answer(waiting, vec![Receipt::Done; 2]);
        let text = ledger.metrics.render();
        for series in [
            r#"attache_webhook_replay_asks_total{outcome="unanswered"} 2"#,
            r#"attache_webhook_replay_writes_total{outcome="late"} 1"#,
        ] {
            assert!(text.contains(series), "{text}");
        }
    }

    #[tokio::test]
    async fn whoever_claims_is_told_what_the_store_says() {
        let ledger = ledger();
        let hooks = hooks();
        let said = async {
            ledger.something_came().await;
            ledger.answer(ledger.take(), vec![Receipt::InFlight]);
        };
        let claim = ledger.claim(DeliveryKey::numbered(3), &hooks, PATIENCE);
        let (asked, ()) = tokio::join!(claim, said);
        assert_eq!(asked, Some(Receipt::InFlight));
    }
}
