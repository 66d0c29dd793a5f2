//! Batches on their way from the workers to whoever looks at them, and from there to the log: bounded, in order.
use super::batch::Batch;
use crate::telemetry::Metrics;
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

/// Batches that may wait. With about 200 KB each, at most 13 MB.
const BATCHES_MAX: usize = 64;

/// Empty batches that are kept for the pens.
const SPARES_MAX: usize = 8;

/// The lock is held for moves only, ten times a second per worker.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// None where nothing is logged: then nothing that is left out is missing there.
    metrics: Option<Arc<Metrics>>,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Batch>,
    spares: Vec<Batch>,
    reopen: bool,
    /// Nothing more is taken.
    closed: bool,
    /// The log's thread has written everything, and ended.
    done: bool,
    /// Records in the batch that is being written.
    in_hand: usize,
}

/// What the log's thread has to do next.
pub(super) enum Work {
    Write(Batch),
    Reopen,
    End,
}

impl Queue {
    pub(super) fn new(metrics: Option<Arc<Metrics>>) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), metrics }
    }

    /// Takes the batch and leaves an empty one; where the queue is full, drops its records.
    pub(super) fn hand_in(&self, batch: &mut Batch) {
        let mut state = self.lock();
        if state.closed || state.batches.len() >= BATCHES_MAX {
            drop(state);
            self.dropped(batch.len());
            batch.clear();
            return;
        }
        let spare = state.spares.pop().unwrap_or_default();
        state.batches.push_back(mem::replace(batch, spare));
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn reopen(&self) {
        self.lock().reopen = true;
        self.changed.notify_all();
    }

    /// Gives the batch before back, and waits for work.
    pub(super) fn next(&self, mut emptied: Batch) -> Work {
        emptied.clear();
        let mut state = self.lock();
        state.in_hand = 0;
        if state.spares.len() < SPARES_MAX {
            state.spares.push(emptied);
        }
        loop {
            if mem::take(&mut state.reopen) {
                return Work::Reopen;
            }
            if let Some(batch) = state.batches.pop_front() {
                state.in_hand = batch.len();
                return Work::Write(batch);
            }
            if state.closed {
                state.done = true;
                self.changed.notify_all();
                return Work::End;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn close(&self, timeout: Duration) -> u64 {
        let mut state = self.lock();
        state.closed = true;
        self.changed.notify_all();
        (state, _) = self
            .changed
            .wait_timeout_while(state, timeout, |it| !it.done)
            .unwrap_or_else(PoisonError::into_inner);
        let left: usize = state.batches.drain(..).map(|it| it.len()).sum();
        let left = if state.done { left } else { left + state.in_hand };
        drop(state);
        self.dropped(left);
        left as u64
    }

    pub(super) fn written(&self, records: usize) {
        if let Some(metrics) = &self.metrics {
            metrics.log_written(records as u64);
        }
    }

    pub(super) fn dropped(&self, records: usize) {
        if let Some(metrics) = &self.metrics {
            metrics.log_dropped(records as u64);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
