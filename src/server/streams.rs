//! The streams of an HTTP/2 link from a caller: how many are open, and how many were given up at once.
use super::state::LinkState;
use super::watch::OnExpiry;
use std::cell::Cell;
use std::rc::Rc;

/// A stream that ends unanswered within this time of its beginning was reset rapidly, in milliseconds.
const RAPID_MS: u64 = 1_000;

/// Rapid resets that a link is forgiven. Each may cost an upstream a request, and us a link to it.
const RAPID_MAX: u32 = 100;

/// A link is idle when it has no streams open.
#[derive(Debug)]
pub(super) struct Streams {
    open: Cell<usize>,
    begun: Cell<u32>,
    rapid: Cell<u32>,
    state: Rc<LinkState>,
}

impl Streams {
    pub(super) fn new(state: &Rc<LinkState>) -> Rc<Self> {
        let (open, begun, rapid) = (Cell::new(0), Cell::new(0), Cell::new(0));
        Rc::new(Self { open, begun, rapid, state: Rc::clone(state) })
    }

    pub(super) fn opened(self: &Rc<Self>) -> OpenStream {
        self.open.set(self.open.get() + 1);
        self.begun.set(self.begun.get().saturating_add(1));
        self.state.watch.disarm();
        let is_answered = Cell::new(false);
        OpenStream { streams: Rc::clone(self), began_ms: self.clock_ms(), is_answered }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.open.get() == 0
    }

    /// True once most streams of the link, and more than a few, were reset as soon as they were
    /// opened (CVE-2023-44487), or made us reset them (CVE-2025-8671).
    pub(super) fn is_flooded(&self) -> bool {
        self.rapid.get() > RAPID_MAX && self.rapid.get() > self.begun.get() / 2
    }

    fn clock_ms(&self) -> u64 {
        self.state.watch.worker().clock_ms()
    }
}

/// Counts a stream as open while held.
#[derive(Debug)]
pub(super) struct OpenStream {
    streams: Rc<Streams>,
    began_ms: u64,
    is_answered: Cell<bool>,
}

impl OpenStream {
    /// The handler has done its part.
    pub(super) fn answered(&self) {
        self.is_answered.set(true);
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let streams = &self.streams;
        if !self.is_answered.get() && streams.clock_ms() < self.began_ms + RAPID_MS {
            streams.rapid.set(streams.rapid.get().saturating_add(1));
        }
        streams.open.set(streams.open.get() - 1);
        if streams.is_idle() {
            streams.state.watch.arm(streams.state.limits.idle_timeout, OnExpiry::Cut);
        }
    }
}
