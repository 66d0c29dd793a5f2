//! Until when what was looked up is true: the feed's position, and where something changed last.
use std::hash::BuildHasher;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// Places that connections are told apart by. Two that share one are taken for changed together: that
/// costs look-ups, and is never wrong.
const PLACES: usize = 1024;

/// What the feed has told, as the request path asks it: no lock, one atomic read for each question.
///
/// The position counts what the feed has told, and is no revision of the store, which goes back where a
/// backup is restored. A look-up remembers the position at which it began. What the feed tells has been
/// committed before: a look-up that begins after it has read what was written.
pub struct Marks {
    position: AtomicI64,
    /// Everything that began before this position is untrue.
    floor: AtomicI64,
    /// Where an activation of a connection changed last.
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
        Self {
            position: AtomicI64::new(0),
            floor: AtomicI64::new(i64::MIN),
            connections: (0..PLACES).map(|_| AtomicI64::new(i64::MIN)).collect(),
            hasher: foldhash::quality::RandomState::default(),
            stale_at_ms: AtomicU64::new(NEVER),
            epoch,
        }
    }

    /// How far the feed has come.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Acquire)
    }

    /// The feed is in contact with the store, and all that was changed is told.
    pub fn reached(&self) {
        self.stale_at_ms.store(NEVER, Ordering::Release);
    }

    /// The store is not reached any more since `last`: what is kept is good for `serve_stale` from
    /// then on.
    pub fn lost(&self, last: Instant, serve_stale: Duration) {
        let until = last.saturating_duration_since(self.epoch).saturating_add(serve_stale);
        let ms = u64::try_from(until.as_millis()).unwrap_or(NEVER);
        self.stale_at_ms.store(ms.min(NEVER - 1), Ordering::Release);
    }

    /// Whether the feed is in contact with the store.
    pub fn is_in_contact(&self) -> bool {
        self.stale_at_ms.load(Ordering::Acquire) == NEVER
    }

    /// Whether what is kept may be used.
    pub fn is_fresh(&self, now: Instant) -> bool {
        let stale_at = self.stale_at_ms.load(Ordering::Acquire);
        stale_at == NEVER || {
            let now = now.saturating_duration_since(self.epoch).as_millis();
            now < u128::from(stale_at)
        }
    }

    /// An activation of this connection changed.
    pub fn changed(&self, connection: &str) {
        self.connections[self.of(connection)].fetch_max(self.next(), Ordering::AcqRel);
    }

    pub fn all_changed(&self) {
        self.floor.fetch_max(self.next(), Ordering::AcqRel);
    }

    /// True where not everything may have changed since a look-up that began at this position.
    pub fn is_true(&self, began: i64) -> bool {
        began >= self.floor.load(Ordering::Acquire)
    }

    /// True where no activation of the connection has changed since.
    pub fn is_still_empty(&self, connection: &str, began: i64) -> bool {
        began >= self.connections[self.of(connection)].load(Ordering::Acquire)
    }

    fn next(&self) -> i64 {
        self.position.fetch_add(1, Ordering::AcqRel) + 1
    }

    fn of(&self, connection: &str) -> usize {
        usize::try_from(self.hasher.hash_one(connection)).unwrap_or(usize::MAX) % PLACES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_began_before_a_change_is_untrue_and_what_began_after_it_is_true() {
        let marks = Marks::new(Instant::now());
        let before = marks.position();
        marks.changed("crm");
        assert!(!marks.is_still_empty("crm", before));
        assert!(marks.is_still_empty("crm", marks.position()));
        assert!(marks.is_still_empty("mail", before) && marks.is_true(before));
        let before = marks.position();
        marks.all_changed();
        assert!(!marks.is_true(before) && marks.is_true(marks.position()));
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
