//! Deliveries that are refused, told of in events: counted where they are refused, and told now and then. Anybody can
//! have a delivery refused, so that neither memory nor the store may grow with how many are.
use crate::model::Key;
use crate::model::Scope;
use crate::model::UnixTime;
use crate::store;
use crate::store::Store;
use crate::telemetry::metrics::WebhookVerdict;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Connections and reasons that are counted at the same time; of those beyond them nothing is told. None is of a
/// connection that is not there.
const NOTED_MAX: usize = 4096;

/// How often it is told of a connection that its deliveries are refused for the same reason.
const TOLD_EVERY: Duration = Duration::from_secs(60 * 60);

/// Events that are told in a [`ROUND`] at most; the others wait for the next one, the earliest refusal first.
const TOLD_A_ROUND: usize = 30;

/// How often it is looked what is to be told.
const ROUND: Duration = Duration::from_secs(60);

/// How long the first event waits for further refusals to be counted in it.
const GATHER: Duration = Duration::from_secs(1);

/// What is to be told of refused deliveries. One for the process.
#[derive(Debug, Default)]
pub struct RefusedDeliveries {
    noted: Mutex<HashMap<(Key, WebhookVerdict), Noted>>,
    is_due: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Noted {
    /// Since it was told last, as are the next.
    count: u64,
    first: UnixTime,
    last: UnixTime,
    told: Option<UnixTime>,
}

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Due {
    connection: Key,
    verdict: WebhookVerdict,
    count: u64,
    first: UnixTime,
    last: UnixTime,
}

impl RefusedDeliveries {
    /// Counts a delivery to a connection that is there, where it was refused because it does not verify.
    pub fn note(&self, connection: &Key, verdict: WebhookVerdict, now: UnixTime) {
        if !is_told(verdict) {
            return;
        }
        let mut all = self.noted();
        let whose = (connection.clone(), verdict);
        if !all.contains_key(&whose) && all.len() >= NOTED_MAX {
            all.retain(|_, it| it.count > 0 || !it.may_be_told(now));
            if all.len() >= NOTED_MAX {
                return;
            }
        }
        let it = all.entry(whose).or_insert(Noted { count: 0, first: now, last: now, told: None });
        if it.count == 0 {
            it.first = now;
        }
        it.count += 1;
        it.last = now;
        if it.count == 1 && it.may_be_told(now) {
            self.is_due.notify_one();
        }
    }

    /// At most so many, the earliest first.
    fn due(&self, now: UnixTime, most: usize) -> Vec<Due> {
        let all = self.noted();
        let due = all.iter().filter(|it| it.1.count > 0 && it.1.may_be_told(now));
        let due = due.map(|((connection, verdict), it)| Due {
            connection: connection.clone(),
            verdict: *verdict,
            count: it.count,
            first: it.first,
            last: it.last,
        });
        let mut due: Vec<_> = due.collect();
        drop(all);
        due.sort_by_key(|it| it.first);
        due.truncate(most);
        due
    }

    /// This was told, or another replica has told of the like: then it counts on.
    fn told(&self, due: &Due, by_us: bool, now: UnixTime) {
        let mut all = self.noted();
        let Some(it) = all.get_mut(&(due.connection.clone(), due.verdict)) else { return };
        it.told = Some(now);
        if by_us {
            it.count = it.count.saturating_sub(due.count);
            it.first = it.last;
        }
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<(Key, WebhookVerdict), Noted>> {
        // Nothing between two changes of it can panic.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn may_be_told(&self, now: UnixTime) -> bool {
        let every_ms = u64::try_from(TOLD_EVERY.as_millis()).unwrap_or(u64::MAX);
        self.told.is_none_or(|it| now.as_ms().abs_diff(it.as_ms()) >= every_ms)
    }
}

/// Whether it says that a delivery does not verify.
fn is_told(verdict: WebhookVerdict) -> bool {
    use WebhookVerdict as V;
    match verdict {
        V::Missing | V::Malformed | V::Stale | V::Mismatch | V::KeysUnavailable => true,
        V::Delivered | V::Repeated | V::InFlight | V::Undeliverable | V::Handshake | V::Refused => {
            false
        }
    }
}

/// Tells of them.
pub struct RefusalTeller {
    pub refused: Arc<RefusedDeliveries>,
    pub store: Store,
    pub clock: fn() -> UnixTime,
}

impl RefusalTeller {
    /// Until it is to stop.
    pub async fn run(self, mut stops: watch::Receiver<bool>) {
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut left = TOLD_A_ROUND;
        let mut ends = stops.clone();
        loop {
            tokio::select! {
                _ = stops.wait_for(|it| *it) => return,
                _ = rounds.tick() => left = TOLD_A_ROUND,
                () = self.refused.is_due.notified(), if left > 0 => {
                    tokio::select! {
                        _ = ends.wait_for(|it| *it) => return,
                        () = tokio::time::sleep(GATHER) => {}
                    }
                }
            }
            left = left.saturating_sub(self.tell(left).await);
        }
    }

    /// How many were told.
    async fn tell(&self, most: usize) -> usize {
        let now = (self.clock)();
        let due = self.refused.due(now, most);
        if due.is_empty() {
            return 0;
        }
        let all: Vec<_> = due.iter().map(refused).collect();
        let not_within_ms = i64::try_from(TOLD_EVERY.as_millis()).unwrap_or(i64::MAX);
        match self.store.webhook_refusals().tell(&Scope::System, &all, not_within_ms).await {
            Ok(told) => {
                due.iter().zip(&told).for_each(|(it, by_us)| self.refused.told(it, *by_us, now));
            }
            // The feed has said so, where the store is away; the next round tries again.
            Err(error) => tracing::debug!("refused deliveries are not told of: {error}"),
        }
        due.len()
    }
}

fn refused(due: &Due) -> store::Refused {
    store::Refused {
        connection: due.connection.as_str().to_owned(),
        reason: due.verdict.as_str(),
        count: due.count,
        first_at: shown(due.first),
        last_at: shown(due.last),
    }
}

/// RFC 3339, in UTC.
fn shown(time: UnixTime) -> String {
    let ms = i64::try_from(time.as_ms()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use WebhookVerdict::Mismatch;
    use WebhookVerdict::Missing;

    fn key(text: &str) -> Key {
        Key::try_from(text).unwrap()
    }

    fn at(s: u64) -> UnixTime {
        UnixTime::from_s(s)
    }

    #[test]
    fn what_is_refused_is_counted_by_connection_and_reason_and_told_once_an_hour() {
        let all = RefusedDeliveries::default();
        for s in 1..=5 {
            all.note(&key("a"), Mismatch, at(s));
        }
        all.note(&key("a"), Missing, at(3));
        for verdict in [WebhookVerdict::Delivered, WebhookVerdict::Refused] {
            all.note(&key("a"), verdict, at(3));
        }
        let due = all.due(at(6), 10);
        let counts: Vec<_> =
            due.iter().map(|it| (it.verdict, it.count, it.first, it.last)).collect();
        assert_eq!(counts, [(Mismatch, 5, at(1), at(5)), (Missing, 1, at(3), at(3))]);
        assert_eq!(all.due(at(6), 1).len(), 1);
        // One more, while it is being told.
        all.note(&key("a"), Mismatch, at(7));
        all.told(&due[0], true, at(8));
        all.told(&due[1], false, at(8));
        assert!(all.due(at(3600), 10).is_empty());
        let due = all.due(at(3608), 10);
        let counts: Vec<_> = due.iter().map(|it| (it.verdict, it.count)).collect();
        assert_eq!(counts, [(Missing, 1), (Mismatch, 1)]);
    }

    #[test]
    fn however_many_connections_are_meddled_with_memory_has_its_bound_and_is_free_again() {
        let all = RefusedDeliveries::default();
        for number in 0..NOTED_MAX + 100 {
            all.note(&key(&format!("c{number}")), Mismatch, at(1));
        }
        assert_eq!(all.noted().len(), NOTED_MAX);
        for it in all.due(at(1), NOTED_MAX) {
            all.told(&it, true, at(1));
        }
        all.note(&key("later"), Mismatch, at(2));
        assert!(all.due(at(2), 10).is_empty());
        all.note(&key("later"), Mismatch, at(4000));
        assert_eq!(all.due(at(4000), 10).len(), 1);
    }

    #[test]
    fn times_are_shown_as_the_api_shows_them() {
        assert_eq!(shown(UnixTime::from_ms(1_700_000_000_007)), "2023-11-14T22:13:20.007Z");
    }
}
