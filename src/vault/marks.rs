//! Until when what was looked up is true: the feed's position, and where something changed last.
use std::hash::BuildHasher;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// Places that changes are told apart by. Two things that share one are looked up again together:
/// that costs a look-up, and is never wrong.
const PLACES: usize = 1024;

/// What the feed has told, as the request path asks it: no lock, one atomic read for each question.
///
/// The position counts what the feed has told, and is no revision of the store, which goes back where a
/// backup is restored. A look-up remembers the position at which it began. The feed marks the places
/// of what changed with the next position before it moves on to it, so a look-up that begins there has
/// read what was written; one that began before counts as untrue, whatever it read.
pub struct Marks {
    position: AtomicI64,
    /// Everything that began before this position is untrue.
    floor: AtomicI64,
    activations: Box<[AtomicI64]>,
    connections: Box<[AtomicI64]>,
    hasher: foldhash::quality::RandomState,
    /// When what is kept may not be used any more, in milliseconds since `epoch`; never, while the
    /// feed is in contact with the store.
    stale_at_ms: AtomicU64,
    epoch: Instant,
}

const NEVER: u64 = u64::MAX;

impl Marks {
    pub fn new(epoch: Instant) -> Self {
        let places = || (0..PLACES).map(|_| AtomicI64::new(i64::MIN)).collect();
        Self {
            position: AtomicI64::new(0),
            floor: AtomicI64::new(i64::MIN),
            activations: places(),
            connections: places(),
            hasher: foldhash::quality::RandomState::default(),
            stale_at_ms: AtomicU64::new(NEVER),
            epoch,
        }
    }

    /// How far the feed has come.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Acquire)
    }

    /// All that was marked is served as it is now, and the feed is in contact with the store. Said by
    /// the feed alone.
    pub fn reached(&self) {
        self.position.fetch_add(1, Ordering::Release);
        self.stale_at_ms.store(NEVER, Ordering::Release);
    }

    /// The store is not reached any more since `last`: what is kept is good for `serve_stale` from
    /// then on.
    pub fn lost(&self, last: Instant, serve_stale: Duration) {
        let until = last.saturating_duration_since(self.epoch).saturating_add(serve_stale);
        let ms = u64::try_from(until.as_millis()).unwrap_or(NEVER);
        self.stale_at_ms.store(ms.min(NEVER - 1), Ordering::Release);
    }

    /// Whether what is kept may be used.
    pub fn is_fresh(&self, now: Instant) -> bool {
        let stale_at = self.stale_at_ms.load(Ordering::Acquire);
        stale_at == NEVER || {
            let now = now.saturating_duration_since(self.epoch).as_millis();
            now < u128::from(stale_at)
        }
    }

    pub fn changed(&self, connection: &str, tenant: &str) {
        let next = self.position() + 1;
        self.activations[self.of((connection, tenant))].fetch_max(next, Ordering::AcqRel);
        self.connections[self.of(connection)].fetch_max(next, Ordering::AcqRel);
    }

    pub fn all_changed(&self) {
        self.floor.fetch_max(self.position() + 1, Ordering::AcqRel);
    }

    /// True where the activation has not changed since a look-up that began at this position.
    pub fn is_true(&self, connection: &str, tenant: &str, began: i64) -> bool {
        began >= self.floor.load(Ordering::Acquire)
            && began >= self.activations[self.of((connection, tenant))].load(Ordering::Acquire)
    }

    /// True where no activation of the connection has changed since.
    pub fn is_still_empty(&self, connection: &str, began: i64) -> bool {
        began >= self.connections[self.of(connection)].load(Ordering::Acquire)
    }

    fn of(&self, name: impl std::hash::Hash) -> usize {
        usize::try_from(self.hasher.hash_one(name)).unwrap_or(usize::MAX) % PLACES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_began_before_a_change_is_untrue_and_what_began_after_it_is_true() {
        let marks = Marks::new(Instant::now());
        marks.reached();
        let before = marks.position();
        marks.changed("crm", "acme");
        assert!(!marks.is_true("crm", "acme", before));
        assert!(!marks.is_still_empty("crm", before));
        assert!(!marks.is_true("crm", "acme", marks.position()), "not told to the end yet");
        marks.reached();
        assert!(marks.is_true("crm", "acme", marks.position()));
        assert!(marks.is_true("mail", "acme", before) && marks.is_true("crm", "other", before));
        marks.all_changed();
        assert!(!marks.is_true("other", "tenant", marks.position()));
        marks.reached();
        assert!(marks.is_true("other", "tenant", marks.position()));
    }

    #[test]
    fn names_that_join_to_the_same_text_have_places_of_their_own() {
        let marks = Marks::new(Instant::now());
        assert_ne!(marks.of(("a:b", "c")), marks.of(("a", "b:c")));
        assert_ne!(marks.of(("ab", "c")), marks.of(("a", "bc")));
    }

    #[test]
    fn what_is_kept_is_good_for_serve_stale_after_the_last_contact() {
        let epoch = Instant::now();
        let at = |s: u64| epoch + Duration::from_secs(s);
        let marks = Marks::new(epoch);
        assert!(marks.is_fresh(at(1_000_000)), "in contact");
        marks.lost(at(10), Duration::from_secs(900));
        assert!(marks.is_fresh(at(909)) && !marks.is_fresh(at(910)));
        marks.reached();
        assert!(marks.is_fresh(at(910)));
        marks.lost(at(10), Duration::ZERO);
        assert!(!marks.is_fresh(at(10)));
    }
}
