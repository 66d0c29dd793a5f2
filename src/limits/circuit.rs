//! A pause for upstreams that fail: circuits that open, let probes through, and close again.
use super::refused::Refused;
use super::slots::Slots;
use crate::catalog::Circuit;
use crate::catalog::UpstreamSettings;
use crate::model::Origin;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::CircuitEvent;
use crate::telemetry::metrics::Limit;
use foldhash::fast::RandomState;
use hashbrown::Equivalent;
use hashbrown::HashMap;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;

/// Upstreams whose failures are counted at the same time. What fails beyond them gets no pause.
pub const FAILING_MAX: u16 = 16_384;

/// Failures further apart than this are not in a row: an upstream that is seldom asked needs no pause.
const FORGET: Duration = Duration::from_secs(60);

/// The circuits of the process, of which only those are kept that are not in perfect order. Asking for
/// one that is costs a load while all are, and a hash and another load while others are not; the lock
/// is for those that fail, and for the few that share a slot with one.
pub struct Circuits {
    failing: AtomicUsize,
    /// Where those in `states` are.
    slots: Slots,
    hasher: RandomState,
    states: Mutex<States>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct States {
    peers: HashMap<Peer, State, RandomState>,
    /// Of them.
    open: usize,
}

/// Whose circuit it is: an origin, as it is reached under some settings. Settings that make a
/// difference to what fails (certificates, deadlines) make a circuit of their own, so that one
/// connection's mistake is no other's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Peer {
    identity: u64,
    origin: Arc<Origin>,
}

#[derive(Hash)]
struct PeerRef<'a> {
    identity: u64,
    origin: &'a Arc<Origin>,
}

impl Equivalent<Peer> for PeerRef<'_> {
    fn equivalent(&self, peer: &Peer) -> bool {
        self.identity == peer.identity && *self.origin == peer.origin
    }
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// In a row.
    failures: u32,
    /// Of the row.
    first_failure: Instant,
    last_failure: Instant,
    /// While open: when probes may be sent.
    open_until: Option<Instant>,
    probing: u32,
}

impl State {
    /// Before its first failure.
    fn new(now: Instant) -> Self {
        let (first_failure, last_failure) = (now, now);
        Self { failures: 0, first_failure, last_failure, open_until: None, probing: 0 }
    }
}

/// Leave to send one request. Dropped without a word of how it went, it counts neither way.
#[derive(Debug)]
pub struct Pass<'c> {
    circuits: &'c Circuits,
    origin: &'c Arc<Origin>,
    settings: &'c UpstreamSettings,
    is_probe: bool,
}

impl Circuits {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            failing: AtomicUsize::new(0),
            slots: Slots::new(FAILING_MAX),
            hasher: RandomState::default(),
            states: Mutex::default(),
            metrics,
        }
    }

    /// Leave to send, unless the upstream is to be left alone. `now` is asked for only where
    /// the upstream may be failing.
    pub fn ask<'c>(
        &'c self,
        origin: &'c Arc<Origin>,
        settings: &'c UpstreamSettings,
        now: impl FnOnce() -> Instant,
    ) -> Result<Pass<'c>, Refused> {
        let mut pass = Pass { circuits: self, origin, settings, is_probe: false };
        if self.may_fail(&pass.by()) {
            pass.is_probe = self.ask_closely(&pass.by(), settings.circuit.probes, now())?;
        }
        Ok(pass)
    }

    /// True while the upstream is left alone but for probes. Asking takes none of them.
    pub fn is_open(&self, origin: &Arc<Origin>, settings: &UpstreamSettings) -> bool {
        let by = PeerRef { identity: settings.circuit_identity, origin };
        self.may_fail(&by) && self.states().peers.get(&by).is_some_and(|it| it.open_until.is_some())
    }

    /// False where the upstream has no failures: told without a lock.
    fn may_fail(&self, by: &PeerRef<'_>) -> bool {
        self.failing.load(Relaxed) > 0 && self.slots.may_have(self.hasher.hash_one(by))
    }

    /// True where the request is to find out whether the upstream is back.
    #[cold]
    fn ask_closely(&self, by: &PeerRef<'_>, probes: u32, now: Instant) -> Result<bool, Refused> {
        let mut states = self.states();
        let Some(state) = states.peers.get_mut(by) else { return Ok(false) };
        let Some(until) = state.open_until else { return Ok(false) };
        let left = until.saturating_duration_since(now);
        if left.is_zero() && state.probing < probes {
            state.probing += 1;
            return Ok(true);
        }
        let left = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
        Err(Refused::after(Limit::Circuit, left))
    }

    /// Forgets failures that are long past, and counts what is open. Called by the
    /// tick of one worker.
    pub fn tick(&self, now: Instant) {
        if self.failing.load(Relaxed) == 0 {
            return;
        }
        let mut states = self.states();
        let States { peers, open } = &mut *states;
        peers.retain(|peer, it| {
            let since = it.open_until.unwrap_or(it.last_failure);
            let is_kept = it.probing > 0 || now.saturating_duration_since(since) < FORGET;
            if !is_kept {
                self.slots.leave(self.hasher.hash_one(peer));
            }
            if !is_kept && it.open_until.is_some() {
                *open -= 1;
                self.metrics.circuit(CircuitEvent::Closed);
                tracing::info!(
                    origin = %peer.origin,
                    "nobody asks for the upstream any more: its circuit is closed"
                );
            }
            is_kept
        });
        self.counted(&states);
    }

    fn counted(&self, states: &States) {
        self.failing.store(states.peers.len(), Relaxed);
        self.metrics.circuits_open(states.open);
    }

    fn states(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The upstream answered like one that is well.
    pub fn succeeded(self) {
        if self.circuits.may_fail(&self.by()) {
            self.close();
        }
    }

    #[cold]
    fn close(&self) {
        let mut states = self.circuits.states();
        let by = self.by();
        let Some(state) = states.peers.remove(&by) else { return };
        self.circuits.slots.leave(self.circuits.hasher.hash_one(&by));
        if state.open_until.is_some() {
            states.open -= 1;
            self.circuits.metrics.circuit(CircuitEvent::Closed);
            tracing::info!(origin = %self.origin, "the upstream is back: its circuit is closed");
        }
        self.circuits.counted(&states);
    }

    /// The upstream could not be reached, broke off, took too long, or said that it is unwell.
    #[cold]
    pub fn failed(self, now: Instant) {
        let Circuit { enabled, failures, lasting, pause, .. } = self.settings.circuit;
        if !enabled {
            return;
        }
        let mut states = self.circuits.states();
        let States { peers, open } = &mut *states;
        let by = self.by();
        let is_new = !peers.contains_key(&by);
        if is_new {
            if peers.len() >= usize::from(FAILING_MAX) {
                return;
            }
            let peer = Peer { identity: by.identity, origin: Arc::clone(self.origin) };
            peers.insert(peer, State::new(now));
            self.circuits.slots.enter(self.circuits.hasher.hash_one(&by));
        }
        let Some(state) = peers.get_mut(&by) else { return };
        let was_open = state.open_until.is_some();
        let in_a_row = now.saturating_duration_since(state.last_failure) < FORGET;
        if !in_a_row && !was_open {
            *state = State { probing: state.probing, ..State::new(now) };
        }
        state.failures = state.failures.saturating_add(1);
        state.last_failure = now;
        let opens = !was_open
            && state.failures >= failures
            && now.saturating_duration_since(state.first_failure) >= lasting;
        // A probe that fails when another has closed the circuit is one failure of a new row.
        if opens || (was_open && self.is_probe) {
            state.open_until = Some(now + pause);
        }
        if opens {
            *open += 1;
            self.circuits.metrics.circuit(CircuitEvent::Opened);
            tracing::warn!(
                origin = %self.origin, failures = state.failures,
                "the upstream fails again and again: it gets a pause"
            );
        }
        if opens || is_new {
            self.circuits.counted(&states);
        }
    }

    fn by(&self) -> PeerRef<'_> {
        PeerRef { identity: self.settings.circuit_identity, origin: self.origin }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_probe
            && let Some(state) = self.circuits.states().peers.get_mut(&self.by())
        {
            state.probing = state.probing.saturating_sub(1);
        }
    }
}

impl fmt::Debug for Circuits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuits").field("failing", &self.failing).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnixTime;

    struct Fixture {
        circuits: Circuits,
        origin: Arc<Origin>,
        settings: UpstreamSettings,
        began: Instant,
    }

    /// Opens after three failures, for ten seconds, with two probes.
    fn fixture() -> Fixture {
        let pause = Duration::from_secs(10);
        let lasting = Duration::ZERO;
        let circuit = Circuit { enabled: true, failures: 3, lasting, pause, probes: 2 };
        Fixture {
            circuits: Circuits::new(Metrics::new(UnixTime::from_s(0))),
            origin: Arc::new(Origin::parse("https://api.example.com").unwrap()),
            settings: UpstreamSettings { circuit, ..UpstreamSettings::default() },
            began: Instant::now(),
        }
    }

    impl Fixture {
        fn at(&self, second: u64) -> Instant {
            self.began + Duration::from_secs(second)
        }

        fn ask(&self, second: u64) -> Result<Pass<'_>, u64> {
            let pass = self.circuits.ask(&self.origin, &self.settings, || self.at(second));
            pass.map_err(|it| it.retry_after_s)
        }

        fn fail(&self, second: u64) {
            self.ask(second).unwrap().failed(self.at(second));
        }

        fn may(&self, second: u64) -> Result<(), u64> {
            self.ask(second).map(drop)
        }

        fn hash(&self) -> u64 {
            let identity = self.settings.circuit_identity;
            self.circuits.hasher.hash_one(PeerRef { identity, origin: &self.origin })
        }

        /// Goes on as somebody else, in a slot that is taken or in an empty one.
        fn become_another(&mut self, in_taken_slot: bool) {
            loop {
                self.settings.circuit_identity = self.settings.circuit_identity.wrapping_add(1);
                if self.circuits.slots.may_have(self.hash()) == in_taken_slot {
                    return;
                }
            }
        }

        /// Circuits that are open now, and how many have opened and closed.
        fn counted(&self) -> [usize; 3] {
            let text = self.circuits.metrics.render();
            [
                "attache_circuits_open",
                r#"attache_circuit_events_total{event="opened"}"#,
                r#"attache_circuit_events_total{event="closed"}"#,
            ]
            .map(|name| {
                let value = text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
                value.map_or(0, |it| it.parse().unwrap())
            })
        }
    }

    #[test]
    fn asking_for_one_that_is_well_takes_no_lock_though_others_fail() {
        let mut it = fixture();
        (0..3).for_each(|_| it.fail(0));
        it.become_another(false);
        // Whoever took it now would wait for ever.
        let _held = it.circuits.states();
        assert!(!it.circuits.is_open(&it.origin, &it.settings));
        let no_clock = || unreachable!("the time is of no interest");
        it.circuits.ask(&it.origin, &it.settings, no_clock).unwrap().succeeded();
    }

    #[test]
    fn whoever_shares_a_slot_is_told_apart() {
        let mut it = fixture();
        let failing = it.settings.circuit_identity;
        (0..3).for_each(|_| it.fail(0));
        it.become_another(true);
        assert_eq!(it.may(0), Ok(()));
        it.fail(0);
        it.ask(0).unwrap().succeeded();
        it.ask(0).unwrap().succeeded();
        it.settings.circuit_identity = failing;
        assert_eq!(it.may(0), Err(10), "another's success closes nothing");
        it.ask(10).unwrap().succeeded();
        assert!(!it.circuits.slots.may_have(it.hash()), "and both have left");
    }

    #[test]
    fn a_circuit_that_is_forgotten_counts_as_closed() {
        let mut it = fixture();
        (0..3).for_each(|_| it.fail(0));
        it.become_another(false);
        it.fail(10);
        it.circuits.tick(it.at(69));
        assert_eq!(it.counted(), [1, 1, 0]);
        it.circuits.tick(it.at(70));
        assert_eq!(it.counted(), [0, 1, 1], "and one that never opened does not");
        assert!(!it.circuits.slots.may_have(it.hash()));
    }

    #[test]
    fn what_has_opened_stays_open_and_counted_whoever_comes_back_late() {
        let it = fixture();
        let (late, later) = (it.ask(0).unwrap(), it.ask(0).unwrap());
        (0..3).for_each(|_| it.fail(0));
        late.failed(it.at(61));
        assert_eq!(it.counted(), [1, 1, 0], "a request from before says nothing new");
        let (first, second) = (it.ask(61).unwrap(), it.ask(61).unwrap());
        first.succeeded();
        assert_eq!(it.counted(), [0, 1, 1]);
        second.failed(it.at(61));
        later.failed(it.at(61));
        assert_eq!(it.may(61), Ok(()), "closed by one probe, two failures do not open it");
        assert_eq!(it.counted(), [0, 1, 1]);
        it.fail(61);
        assert_eq!(it.counted(), [1, 2, 1]);
    }

    #[test]
    fn failures_in_a_row_open_it_for_its_pause() {
        let it = fixture();
        it.fail(0);
        it.fail(1);
        it.ask(2).unwrap().succeeded();
        it.fail(3);
        it.fail(4);
        it.fail(5);
        assert_eq!(it.may(5), Err(10));
        assert_eq!(it.may(14), Err(1));
        assert_eq!(it.may(15), Ok(()), "what was said is kept");
    }

    #[test]
    fn a_row_that_did_not_last_is_a_hiccup() {
        let mut it = fixture();
        it.settings.circuit.lasting = Duration::from_secs(2);
        (0..1000).for_each(|_| it.fail(0));
        it.fail(1);
        assert_eq!(it.may(1), Ok(()));
        it.ask(1).unwrap().succeeded();
        (1..=3).for_each(|second| it.fail(second));
        assert_eq!(it.may(3), Err(10));
    }

    #[test]
    fn so_many_probes_at_the_same_time_and_their_word_counts() {
        let it = fixture();
        (0..3).for_each(|_| it.fail(0));
        let (first, second) = (it.ask(10).unwrap(), it.ask(10).unwrap());
        assert_eq!(it.may(10), Err(1), "no third probe");
        // Given up by its caller: it counts neither way, and another may take its place.
        drop(second);
        let second = it.ask(10).unwrap();
        first.failed(it.at(11));
        assert_eq!(it.may(11), Err(10), "open again");
        second.succeeded();
        assert_eq!(it.may(11), Ok(()), "and closed by a success");
        it.fail(11);
        assert_eq!(it.may(11), Ok(()), "with nothing left of the count");
    }

    #[test]
    fn failures_far_apart_are_not_in_a_row_and_are_forgotten() {
        let it = fixture();
        for second in [0, 60, 120, 180] {
            it.fail(second);
        }
        assert_eq!(it.may(180), Ok(()));
        it.circuits.tick(it.at(239));
        assert_eq!(it.circuits.failing.load(Relaxed), 1);
        it.circuits.tick(it.at(240));
        assert_eq!(it.circuits.failing.load(Relaxed), 0);
    }

    #[test]
    fn others_and_whoever_switches_it_off_are_not_concerned() {
        let mut it = fixture();
        (0..3).for_each(|_| it.fail(0));
        let other = Arc::new(Origin::parse("https://api.example.com:444").unwrap());
        assert!(it.circuits.ask(&other, &it.settings, || it.began).is_ok());
        it.settings.circuit_identity += 1;
        it.settings.circuit.enabled = false;
        (0..100).for_each(|_| it.fail(0));
        assert_eq!(it.may(0), Ok(()));
    }

    #[test]
    fn a_million_failing_names_stay_within_the_bound() {
        let mut it = fixture();
        for number in 0..2 * u64::from(FAILING_MAX) {
            it.settings.circuit_identity = number;
            it.fail(0);
        }
        assert_eq!(it.circuits.failing.load(Relaxed), usize::from(FAILING_MAX));
    }
}
