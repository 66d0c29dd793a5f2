//! Deadlines without timers: what a worker's tick walks.
use super::worker::Worker;
use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::Context;
use std::task::Waker;
use std::time::Duration;

/// What happens when a watch's deadline passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExpiry {
    /// The exchange's own code sees it, and still answers.
    Answer,
    /// The link (or the HTTP/2 stream) is cut: there is nothing left to say.
    Cut,
}

/// One deadline, and what one link (HTTP/1) or stream (HTTP/2) has carried.
///
/// It lives in its worker's list until dropped. Times are the worker's coarse clock: a deadline may
/// be noticed up to one tick late, never early.
#[derive(Debug)]
pub struct Watch {
    worker: Rc<Worker>,
    slot: Cell<usize>,
    /// The phase's deadline and the whole exchange's, in milliseconds of the worker's clock.
    deadline: Cell<u64>,
    total: Cell<u64>,
    on_expiry: Cell<OnExpiry>,
    expired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// Body bytes that came from the caller in the present exchange.
    pub bytes_in: Cell<u64>,
    /// True while the exchange waits for more of the caller's body.
    pub caller_stalls: Cell<bool>,
}

const NEVER: u64 = u64::MAX;

impl Watch {
    /// A watch without a deadline, in the worker's list.
    pub fn new(worker: &Rc<Worker>) -> Rc<Self> {
        let watch = Rc::new(Self {
            worker: Rc::clone(worker),
            slot: Cell::new(usize::MAX),
            deadline: Cell::new(NEVER),
            total: Cell::new(NEVER),
            on_expiry: Cell::new(OnExpiry::Cut),
            expired: Cell::new(false),
            waker: RefCell::new(None),
            bytes_in: Cell::new(0),
            caller_stalls: Cell::new(false),
        });
        watch.slot.set(worker.watches.borrow_mut().insert(Rc::downgrade(&watch)));
        watch
    }

    pub fn worker(&self) -> &Rc<Worker> {
        &self.worker
    }

    /// Starts an exchange: counters at zero, the whole of it bounded by `total`.
    pub fn begin(&self, total: Option<Duration>) {
        self.total.set(total.map_or(NEVER, |it| self.after(it)));
        self.bytes_in.set(0);
        self.caller_stalls.set(false);
    }

    /// What is left of the exchange's total; none where it has none. Up to one tick more than there is.
    pub fn time_left(&self) -> Option<Duration> {
        let total = self.total.get();
        let left = || Duration::from_millis(total.saturating_sub(self.worker.clock_ms()));
        (total != NEVER).then(left)
    }

    /// The next deadline: `allowed` from now, or the exchange's total if that is sooner.
    pub fn arm(&self, allowed: Duration, on_expiry: OnExpiry) {
        self.deadline.set(self.after(allowed).min(self.total.get()));
        self.on_expiry.set(on_expiry);
        self.expired.set(false);
    }

    /// Puts the deadline off; what happens when it passes stays as it was.
    pub fn put_off(&self, allowed: Duration) {
        self.arm(allowed, self.on_expiry.get());
    }

    /// Ends an exchange: no deadline until armed again.
    pub fn disarm(&self) {
        self.total.set(NEVER);
        self.deadline.set(NEVER);
        self.expired.set(false);
    }

    /// True once the deadline has passed; whoever polls with `cx` is woken when it does.
    pub fn poll_expired(&self, cx: &Context<'_>) -> bool {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|it| it.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        self.expired.get()
    }

    /// True where the deadline has passed and nothing can be answered any more.
    pub fn is_cut(&self) -> bool {
        self.expired.get() && self.on_expiry.get() == OnExpiry::Cut
    }

    /// The tick's question; wakes the owner once.
    pub(super) fn tick(&self, now_ms: u64) {
        if self.deadline.get() <= now_ms && !self.expired.replace(true) {
            self.wake();
        }
    }

    pub(super) fn wake(&self) {
        // Taken out of the cell first: waking may run code that looks at this watch.
        let waker = self.waker.borrow().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn after(&self, allowed: Duration) -> u64 {
        let ms = u64::try_from(allowed.as_millis()).unwrap_or(NEVER);
        self.worker.clock_ms().saturating_add(ms).saturating_add(1)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.worker.watches.borrow_mut().try_remove(self.slot.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expires_after_its_time_and_once() {
        let worker = Worker::for_tests();
        let watch = Watch::new(&worker);
        let cx = Context::from_waker(Waker::noop());
        watch.arm(Duration::from_millis(500), OnExpiry::Answer);
        worker.tick(500);
        assert!(!watch.poll_expired(&cx), "not early");
        worker.tick(600);
        assert!(watch.poll_expired(&cx));
        assert!(!watch.is_cut());
        watch.arm(Duration::from_millis(500), OnExpiry::Cut);
        assert!(!watch.poll_expired(&cx), "armed anew");
        worker.tick(1200);
        assert!(watch.is_cut());
    }

    #[test]
    fn the_total_bounds_every_phase() {
        let worker = Worker::for_tests();
        let watch = Watch::new(&worker);
        watch.begin(Some(Duration::from_secs(1)));
        watch.arm(Duration::from_secs(60), OnExpiry::Cut);
        worker.tick(1100);
        assert!(watch.is_cut());
        watch.disarm();
        worker.tick(100_000);
        assert!(!watch.is_cut());
    }

    #[test]
    fn a_dropped_watch_leaves_the_list() {
        let worker = Worker::for_tests();
        drop(Watch::new(&worker));
        assert!(worker.watches.borrow().is_empty());
    }
}
