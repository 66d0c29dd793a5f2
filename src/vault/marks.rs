//! Until when what was looked up is true: the feed's position, and where something changed last.
use std::hash::BuildHasher;
use std::sync::atomic::AtomicBool;
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
    /// When what is kept may not be used any more, in milliseconds since `epoch`.
    stale_at_ms: AtomicU64,
    /// Whether that has come, as it was when somebody looked last.
    is_stale: AtomicBool,
    /// The feed's last word: that the store does not answer.
    is_lost: AtomicBool,
    epoch: Instant,
}

/// How long what is kept may be used after the feed's last round, however short `serve_stale` is: longer
/// than a round takes.
const ROUND: Duration = Duration::from_secs(5);

impl Marks {
    pub fn new(epoch: Instant) -> Self {
        Self {
            position: AtomicI64::new(0),
            floor: AtomicI64::new(i64::MIN),
            connections: (0..PLACES).map(|_| AtomicI64::new(i64::MIN)).collect(),
            hasher: foldhash::quality::RandomState::default(),
            // Nothing is kept before the feed is open, and then it says until when.
            stale_at_ms: AtomicU64::new(u64::MAX),
            is_stale: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
            epoch,
        }
    }

    /// How far the feed has come.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Acquire)
    }

    /// The store was asked then, and has answered since; all that was changed until then is told. What is
    /// kept is good for `serve_stale` from then on, whether the feed ever comes round again or not.
    pub fn reached(&self, asked: Instant, serve_stale: Duration) {
        self.is_lost.store(false, Ordering::Release);
        self.good_until(asked, serve_stale.max(ROUND));
    }

    /// The store is not reached any more since `last`: what is kept is good for `serve_stale` from
    /// then on.
    pub fn lost(&self, last: Instant, serve_stale: Duration) {
        self.is_lost.store(true, Ordering::Release);
        self.good_until(last, serve_stale);
    }

    /// Whether the feed is in contact with the store, as far as it has said.
    pub fn is_in_contact(&self) -> bool {
        !self.is_lost.load(Ordering::Acquire)
    }

    /// Whether what is kept may be used, as it was when somebody last looked at the clock.
    pub fn is_fresh(&self) -> bool {
        !self.is_stale.load(Ordering::Acquire)
    }

    /// Looks at the clock, for everybody. True where what is kept may not be used any more.
    pub fn look(&self, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.epoch).as_millis();
        let is_stale = now >= u128::from(self.stale_at_ms.load(Ordering::Acquire));
        // Seldom written: every worker reads it with each request.
        if self.is_stale.load(Ordering::Acquire) != is_stale {
            self.is_stale.store(is_stale, Ordering::Release);
        }
        is_stale
    }

    fn good_until(&self, since: Instant, time: Duration) {
        let until = since.saturating_duration_since(self.epoch).saturating_add(time);
        let ms = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        self.stale_at_ms.store(ms, Ordering::Release);
        self.look(Instant::now());
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
        let good_until = |s: u64| !marks.look(at(s - 1)) && marks.is_fresh() && marks.look(at(s));
        marks.lost(at(10), Duration::from_secs(900));
        assert!(good_until(910) && !marks.is_fresh() && !marks.is_in_contact());
        marks.reached(at(910), Duration::from_secs(900));
        assert!(marks.is_fresh() && marks.is_in_contact());
        marks.lost(at(10), Duration::ZERO);
        assert!(good_until(10));
    }

    #[test]
    fn what_is_kept_is_good_no_longer_than_that_where_the_feed_says_nothing_any_more() {
        let epoch = Instant::now();
        let at = |s: u64| epoch + Duration::from_secs(s);
        let marks = Marks::new(epoch);
        let good_until = |s: u64| !marks.look(at(s - 1)) && marks.look(at(s));
        marks.reached(at(10), Duration::from_secs(900));
        assert!(good_until(910));
        marks.reached(at(20), Duration::ZERO);
        assert!(good_until(20 + ROUND.as_secs()) && marks.is_in_contact());
    }
}
