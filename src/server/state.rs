//! What an HTTP/1 link is at: waiting, reading a head, or in an exchange.
use super::link::LinkLimits;
use super::tunnel::Tunnel;
use super::watch::OnExpiry;
use super::watch::Watch;
use super::worker::Worker;
use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    /// Idle for so long that the link holds no more than its socket.
    Resting,
    Head,
    Exchange,
}

/// A link that is idle for longer gives its buffers back until something arrives: tens of KiB, for
/// a few microseconds' work when it is used again.
const REST_AFTER: Duration = Duration::from_millis(500);

/// The state of an HTTP/1 link between its socket, its exchange and its deadline.
#[derive(Debug)]
pub(super) struct LinkState {
    pub watch: Rc<Watch>,
    pub limits: LinkLimits,
    pub phase: Cell<Phase>,
    pub tunnel: RefCell<Option<Tunnel>>,
    /// A body that only the link's end will end is under way: an end before its own must be a reset.
    pub open_ended: Cell<bool>,
    /// True while the caller's side does not take what is to be sent.
    pub unsent: Cell<bool>,
}

impl LinkState {
    pub(super) fn new(worker: &Rc<Worker>, limits: LinkLimits) -> Rc<Self> {
        let watch = Watch::new(worker);
        watch.arm(limits.idle_timeout.min(REST_AFTER), OnExpiry::Cut);
        let (phase, tunnel) = (Cell::new(Phase::Idle), RefCell::new(None));
        let (unsent, open_ended) = (Cell::new(false), Cell::new(false));
        Rc::new(Self { watch, limits, phase, tunnel, open_ended, unsent })
    }

    /// The first bytes on an idle link are the beginning of a head.
    pub(super) fn bytes_arrived(&self) {
        if matches!(self.phase.get(), Phase::Idle | Phase::Resting) {
            self.phase.set(Phase::Head);
            self.watch.arm(self.limits.head_timeout, OnExpiry::Cut);
        }
    }

    pub(super) fn exchange_begins(&self) {
        self.phase.set(Phase::Exchange);
        self.watch.disarm();
    }

    pub(super) fn exchange_ended(&self) {
        self.phase.set(Phase::Idle);
        self.watch.begin(None);
        self.watch.arm(self.limits.idle_timeout.min(REST_AFTER), OnExpiry::Cut);
    }

    /// True where an expired link has only been idle for long enough to rest; it does from now on,
    /// for what is left of its idle time.
    pub(super) fn begins_to_rest(&self) -> bool {
        let left = self.limits.idle_timeout.saturating_sub(REST_AFTER);
        if self.phase.get() != Phase::Idle || left.is_zero() {
            return false;
        }
        self.phase.set(Phase::Resting);
        self.watch.arm(left, OnExpiry::Cut);
        true
    }
}
