//! Places for exchanges that run at the same time, and a queue for those who find none free.
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

/// The places under one limit. Shared by all workers, exact; first come, first served.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: u32,
    /// As whoever came last knows it.
    max: u32,
    queue: VecDeque<Waiting>,
    /// Those who have been given a place that they have not taken yet.
    called: Vec<u64>,
    next: u64,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    waker: Waker,
}

/// A place, free again when dropped.
#[derive(Debug)]
pub struct Place(Arc<Gate>);

/// Somebody's turn in the queue, given up when dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    gate: Arc<Gate>,
    number: u64,
    is_done: bool,
}

/// What whoever comes is told.
#[derive(Debug)]
pub(super) enum Entry {
    Place(Place),
    Wait(Ticket),
    /// So many wait already that one more may not.
    Full,
}

impl Gate {
    pub(super) fn enter(self: &Arc<Self>, max: u32, queue: u32) -> Entry {
        let mut state = self.state();
        state.max = max;
        if state.queue.is_empty() && state.open < max {
            state.open += 1;
            return Entry::Place(Place(Arc::clone(self)));
        }
        if state.queue.len() >= queue as usize {
            return Entry::Full;
        }
        let number = state.next;
        state.next += 1;
        state.queue.push_back(Waiting { number, waker: Waker::noop().clone() });
        // A limit that was raised meanwhile has room for those in front.
        let woken = state.call();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        Entry::Wait(Ticket { gate: Arc::clone(self), number, is_done: false })
    }

    fn leave(&self) {
        let mut state = self.state();
        state.open -= 1;
        let woken = state.call();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives free places to those in front; whom to wake.
    fn call(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        while self.open < self.max
            && let Some(first) = self.queue.pop_front()
        {
            self.open += 1;
            self.called.push(first.number);
            woken.push(first.waker);
        }
        woken
    }

    fn was_called(&mut self, number: u64) -> bool {
        let at = self.called.iter().position(|it| *it == number);
        at.map(|it| self.called.swap_remove(it)).is_some()
    }
}

impl Ticket {
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Place> {
        let mut state = self.gate.state();
        if state.was_called(self.number) {
            self.is_done = true;
            return Poll::Ready(Place(Arc::clone(&self.gate)));
        }
        if let Some(waiting) = state.queue.iter_mut().find(|it| it.number == self.number) {
            waiting.waker.clone_from(cx.waker());
        }
        Poll::Pending
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let mut state = self.gate.state();
        let was_called = state.was_called(self.number);
        state.queue.retain(|it| it.number != self.number);
        drop(state);
        if was_called {
            self.gate.leave();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(entry: Entry) -> Place {
        match entry {
            Entry::Place(place) => place,
            other => panic!("{other:?}"),
        }
    }

    fn ticket(entry: Entry) -> Ticket {
        match entry {
            Entry::Wait(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn poll(ticket: &mut Ticket) -> Option<Place> {
        match ticket.poll(&Context::from_waker(Waker::noop())) {
            Poll::Ready(place) => Some(place),
            Poll::Pending => None,
        }
    }

    #[test]
    fn who_waits_first_is_served_first_and_nobody_overtakes() {
        let gate = Arc::new(Gate::default());
        let inside = place(gate.enter(1, 2));
        let mut first = ticket(gate.enter(1, 2));
        let mut second = ticket(gate.enter(1, 2));
        assert!(matches!(gate.enter(1, 2), Entry::Full));
        assert!(poll(&mut second).is_none() && poll(&mut first).is_none());
        drop(inside);
        assert!(poll(&mut second).is_none());
        assert!(matches!(gate.enter(1, 0), Entry::Full), "the place is the first one's");
        let inside = poll(&mut first).unwrap();
        drop(inside);
        assert!(poll(&mut second).is_some());
    }

    #[test]
    fn who_gives_up_waiting_leaves_the_queue_and_passes_on_what_was_given() {
        let gate = Arc::new(Gate::default());
        let inside = place(gate.enter(1, 2));
        let first = ticket(gate.enter(1, 2));
        let mut second = ticket(gate.enter(1, 2));
        drop(inside);
        // Called, and gone before it heard of it.
        drop(first);
        let inside = poll(&mut second).unwrap();
        let gone = ticket(gate.enter(1, 1));
        drop(gone);
        let waiting = ticket(gate.enter(1, 1));
        drop((inside, waiting));
        assert_eq!(gate.state().open, 0);
    }

    #[test]
    fn a_changed_limit_counts_at_once_and_those_inside_are_counted_on() {
        let gate = Arc::new(Gate::default());
        let inside = [place(gate.enter(2, 0)), place(gate.enter(2, 0))];
        assert!(matches!(gate.enter(1, 0), Entry::Full));
        let mut waiting = ticket(gate.enter(2, 1));
        let more = ticket(gate.enter(4, 2));
        assert!(poll(&mut waiting).is_some(), "there is room now");
        drop((inside, waiting, more));
        assert_eq!(gate.state().open, 0);
    }

    #[test]
    fn places_are_exact_over_threads() {
        let gate = Arc::new(Gate::default());
        let most = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        if let Entry::Place(place) = gate.enter(2, 0) {
                            most.fetch_max(gate.state().open, std::sync::atomic::Ordering::Relaxed);
                            drop(place);
                        }
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.into_inner()));
        assert_eq!(gate.state().open, 0);
    }
}
