//! What an HTTP/1 link is at: waiting, reading a head, or in an exchange.
use super::link::LinkLimits;
use super::tunnel::Tunnel;
use super::watch::OnExpiry;
use super::watch::Watch;
use super::worker::Worker;
use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    Head,
    Exchange,
}

/// The state of an HTTP/1 link between its socket, its exchange and its deadline.
#[derive(Debug)]
pub(super) struct LinkState {
    pub watch: Rc<Watch>,
    pub limits: LinkLimits,
    pub phase: Cell<Phase>,
    pub tunnel: RefCell<Option<Tunnel>>,
    /// A body that only the link's end will end is under way: an end before its own must be a reset.
    pub open_ended: Cell<bool>,
}

impl LinkState {
    pub(super) fn new(worker: &Rc<Worker>, limits: LinkLimits) -> Rc<Self> {
        let watch = Watch::new(worker);
        watch.arm(limits.idle_timeout, OnExpiry::Cut);
        let (phase, tunnel) = (Cell::new(Phase::Idle), RefCell::new(None));
        Rc::new(Self { watch, limits, phase, tunnel, open_ended: Cell::new(false) })
    }

    /// The first bytes on an idle link are the beginning of a head.
    pub(super) fn bytes_arrived(&self) {
        if self.phase.get() == Phase::Idle {
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
        self.watch.arm(self.limits.idle_timeout, OnExpiry::Cut);
    }
}
