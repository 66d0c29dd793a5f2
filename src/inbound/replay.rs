//! Which deliveries were accepted, so that a repeat is not forwarded again: what this process remembers, and behind it
//! what the store does.
use super::ledger::Ledger;
use super::ledger::PATIENCE;
use crate::catalog::Connection;
use crate::model::Key;
use crate::model::TenantId;
use crate::model::UnixTime;
use crate::store::Receipt;
use crate::webhook::ReplayKey;
use sha2::Digest;
use sha2::Sha256;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

/// Accepted deliveries that are remembered: ten minutes of 400 a second, in about 30 MB. Beyond it
/// the ones accepted longest ago are forgotten, so that a delivery is never refused for want of room.
pub const REMEMBERED_MAX: usize = 1 << 18;

/// What a claim lasts beyond the time that forwarding takes: so that a slow machine does not lose one.
const LEASE_SLACK: Duration = Duration::from_secs(5);

/// One delivery to one connection and tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeliveryKey([u8; 32]);

/// All that is known of deliveries. One for the process.
#[derive(Debug, Default)]
pub struct Replay {
    memory: Arc<ReplayMemory>,
    /// Where there is a store, which other replicas and the process after this one share.
    ledger: Option<Arc<Ledger>>,
}

/// A verified delivery that somebody wants to forward.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub key: DeliveryKey,
    pub connection: &'a Key,
    /// How long it is remembered once it is accepted, in seconds.
    pub remember_s: u64,
    /// How long forwarding it takes at most.
    pub longest: Duration,
}

/// What this process remembers: the deliveries that are under way and those that were accepted. A repeat may reach any
/// worker.
#[derive(Debug)]
pub struct ReplayMemory {
    state: Mutex<State>,
    remembered_max: usize,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<DeliveryKey, Known>,
    /// In the order of acceptance.
    accepted: VecDeque<(DeliveryKey, UnixTime)>,
}

/// Those under way are as many as there are links and streams to senders, which have their bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    UnderWay,
    Accepted { until: UnixTime },
}

/// What a delivery is to the memory.
#[derive(Debug)]
pub enum Claim {
    /// Nobody has it: whoever asked forwards it, and says how that went.
    First(UnderWay),
    /// Somebody forwards it right now.
    InFlight,
    /// It was accepted before.
    Repeat,
}

/// A delivery that is being forwarded. Dropped without acceptance, it leaves the sender free to try
/// again.
#[derive(Debug)]
pub struct UnderWay {
    memory: Arc<ReplayMemory>,
    key: DeliveryKey,
    remember_s: u64,
    is_accepted: bool,
    /// Where the store is told as well, under which connection.
    ledger: Option<(Arc<Ledger>, Key)>,
}

impl DeliveryKey {
    /// The same delivery to another connection or tenant is another one; to another path below the
    /// connection it is not, since most senders do not sign the path.
    pub fn new(connection: &Connection, tenant: Option<&TenantId>, key: &ReplayKey) -> Self {
        let mut hash = Sha256::new();
        hash.update(connection.key.as_str());
        hash.update([0, u8::from(tenant.is_some())]);
        // Neither a key nor a tenant id has a NUL in it.
        hash.update(tenant.map_or("", TenantId::as_str));
        hash.update([0]);
        hash.update(key.as_bytes());
        Self(hash.finalize().into())
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    #[cfg(test)]
    pub(super) fn numbered(number: u32) -> Self {
        Self(Sha256::digest(number.to_be_bytes()).into())
    }
}

impl Replay {
    pub fn new(ledger: Option<Arc<Ledger>>) -> Self {
        Self { memory: Arc::default(), ledger }
    }

    /// Asks about a verified delivery, and takes it on if nobody has: no other worker and, as far as the store can be
    /// asked, no other replica. Where it can not be, what this process remembers has to do.
    pub async fn claim(&self, asked: Asked<'_>, now: UnixTime) -> Claim {
        let Asked { key, connection, remember_s, longest } = asked;
        let claim = self.memory.claim(key, remember_s, now);
        let Some(ledger) = &self.ledger else { return claim };
        let mut under_way = match claim {
            Claim::First(under_way) => under_way,
            known @ (Claim::InFlight | Claim::Repeat) => return known,
        };
        // From here on whatever ends this gives the claim back.
        under_way.ledger = Some((Arc::clone(ledger), connection.clone()));
        // It may be given up here as late as that, and be said to the store.
        let lease = longest.saturating_add(2 * PATIENCE).saturating_add(LEASE_SLACK);
        match ledger.claim(key, connection, lease).await {
            Some(Receipt::Done) | None => Claim::First(under_way),
            Some(Receipt::InFlight) => {
                under_way.ledger = None;
                Claim::InFlight
            }
            Some(Receipt::Accepted { left_ms }) => {
                under_way.ledger = None;
                under_way.remember(now, u64::try_from(left_ms).unwrap_or_default());
                Claim::Repeat
            }
        }
    }
}

impl Default for ReplayMemory {
    fn default() -> Self {
        Self { state: Mutex::default(), remembered_max: REMEMBERED_MAX }
    }
}

impl ReplayMemory {
    /// Asks about a verified delivery, and takes it on if nobody has. `remember_s`: how long to
    /// remember it once accepted, in seconds.
    pub fn claim(self: &Arc<Self>, key: DeliveryKey, remember_s: u64, now: UnixTime) -> Claim {
        let mut state = self.state();
        state.forget(now);
        match state.known.get(&key) {
            Some(Known::UnderWay) => Claim::InFlight,
            Some(Known::Accepted { until }) if *until > now => Claim::Repeat,
            Some(Known::Accepted { .. }) | None => {
                state.known.insert(key, Known::UnderWay);
                let memory = Arc::clone(self);
                Claim::First(UnderWay { memory, key, remember_s, is_accepted: false, ledger: None })
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing between two changes of the state can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn small(remembered_max: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), remembered_max })
    }
}

impl State {
    /// Lets go of what is past its time, oldest first. One that is to be remembered for long keeps
    /// those behind it a little longer; they count no more all the same.
    fn forget(&mut self, now: UnixTime) {
        while self.accepted.front().is_some_and(|it| it.1 <= now) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((key, until)) = self.accepted.pop_front()
            // It may have been accepted anew since.
            && self.known.get(&key) == Some(&Known::Accepted { until })
        {
            self.known.remove(&key);
        }
    }
}

impl UnderWay {
    /// The target took it: from now on a repeat is known as one, here at once, and everywhere and after a restart
    /// once this returns, unless the store is away or slow.
    pub async fn accepted(mut self, now: UnixTime) {
        self.remember(now, self.remember_s.saturating_mul(1000));
        if let Some((ledger, connection)) = self.ledger.take() {
            ledger.accepted(self.key, &connection, self.remember_s).await;
        }
    }

    /// The target did not take it: once this returns the sender may try again anywhere, as far as the store could be
    /// told. Dropping it says the same, without waiting for the store.
    pub async fn failed(mut self) {
        if let Some((ledger, connection)) = self.ledger.take() {
            ledger.released(self.key, &connection).await;
        }
    }

    fn remember(&mut self, now: UnixTime, for_ms: u64) {
        self.is_accepted = true;
        let until = UnixTime::from_ms(now.as_ms().saturating_add(for_ms));
        let mut state = self.memory.state();
        state.forget(now);
        if state.accepted.len() >= self.memory.remembered_max {
            state.forget_oldest();
        }
        state.known.insert(self.key, Known::Accepted { until });
        state.accepted.push_back((self.key, until));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.is_accepted {
            return;
        }
        // First this: whoever claims it next is behind it.
        if let Some((ledger, connection)) = &self.ledger {
            ledger.release(self.key, connection);
        }
        self.memory.state().known.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> DeliveryKey {
        DeliveryKey::numbered(n)
    }

    /// Without a store nothing is waited for.
    trait AcceptedHere {
        fn accepted_here(self, now: UnixTime);
    }

    impl AcceptedHere for UnderWay {
        fn accepted_here(mut self, now: UnixTime) {
            self.remember(now, self.remember_s.saturating_mul(1000));
        }
    }

    fn at(s: u64) -> UnixTime {
        UnixTime::from_s(s)
    }

    fn first(claim: Claim) -> UnderWay {
        match claim {
            Claim::First(under_way) => under_way,
            other => panic!("not the first: {other:?}"),
        }
    }

    #[test]
    fn an_accepted_delivery_is_a_repeat_until_its_time_is_over() {
        let memory = ReplayMemory::small(8);
        first(memory.claim(key(1), 600, at(1000))).accepted_here(at(1010));
        for s in [1010, 1011, 1609] {
            assert!(matches!(memory.claim(key(1), 600, at(s)), Claim::Repeat), "{s}");
        }
        assert!(matches!(memory.claim(key(2), 600, at(1011)), Claim::First(_)));
        let again = first(memory.claim(key(1), 600, at(1610)));
        again.accepted_here(at(1610));
        assert!(matches!(memory.claim(key(1), 600, at(2000)), Claim::Repeat));
    }

    #[test]
    fn while_the_first_is_under_way_a_second_is_told_so() {
        let memory = ReplayMemory::small(8);
        let under_way = first(memory.claim(key(1), 600, at(0)));
        assert!(matches!(memory.claim(key(1), 600, at(5)), Claim::InFlight));
        assert!(matches!(memory.claim(key(1), 600, at(100_000)), Claim::InFlight));
        under_way.accepted_here(at(5));
        assert!(matches!(memory.claim(key(1), 600, at(6)), Claim::Repeat));
    }

    #[test]
    fn a_first_that_failed_leaves_the_sender_free() {
        let memory = ReplayMemory::small(8);
        drop(first(memory.claim(key(1), 600, at(0))));
        drop(first(memory.claim(key(1), 600, at(1))));
        assert!(memory.state().known.is_empty());
    }

    #[test]
    fn a_full_memory_forgets_the_oldest_and_refuses_nobody() {
        let memory = ReplayMemory::small(3);
        for n in 0..10 {
            first(memory.claim(key(n), 600, at(0))).accepted_here(at(0));
            let state = memory.state();
            assert!(state.known.len() <= 3 && state.accepted.len() <= 3);
        }
        for n in 7..10 {
            assert!(matches!(memory.claim(key(n), 600, at(1)), Claim::Repeat), "{n}");
        }
        assert!(matches!(memory.claim(key(6), 600, at(1)), Claim::First(_)));
    }

    #[test]
    fn those_under_way_are_not_forgotten_however_full_it_is() {
        let memory = ReplayMemory::small(2);
        let under_way = first(memory.claim(key(100), 600, at(0)));
        for n in 0..10 {
            first(memory.claim(key(n), 600, at(0))).accepted_here(at(0));
        }
        assert!(matches!(memory.claim(key(100), 600, at(0)), Claim::InFlight));
        drop(under_way);
    }

    #[test]
    fn what_is_past_its_time_does_not_stay() {
        let memory = ReplayMemory::small(1000);
        for n in 0..100 {
            first(memory.claim(key(n), 10, at(u64::from(n)))).accepted_here(at(u64::from(n)));
        }
        drop(memory.claim(key(1000), 10, at(1000)));
        assert!(memory.state().accepted.is_empty());
        assert!(memory.state().known.is_empty());
    }

    #[test]
    fn an_expired_one_that_is_accepted_anew_outlives_its_old_entry() {
        let memory = ReplayMemory::small(8);
        // A long-lived entry in front keeps the expired one in the queue.
        first(memory.claim(key(1), 1000, at(0))).accepted_here(at(0));
        first(memory.claim(key(2), 10, at(0))).accepted_here(at(0));
        first(memory.claim(key(2), 5000, at(20))).accepted_here(at(20));
        assert!(matches!(memory.claim(key(2), 10, at(1500)), Claim::Repeat));
    }

    #[test]
    fn of_many_threads_one_forwards() {
        let memory = ReplayMemory::small(100_000);
        let firsts = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for n in 0..2000 {
                        if let Claim::First(it) = memory.claim(key(n), 600, at(0)) {
                            firsts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            it.accepted_here(at(0));
                        }
                    }
                });
            }
        });
        assert_eq!(firsts.into_inner(), 2000);
    }
}
