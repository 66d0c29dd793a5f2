//! What is seen of exchanges while the program runs: the last ones, their numbers, and those who watch.
use super::batch::Batch;
use super::filter::Filter;
use super::queue::Queue;
use super::queue::Work;
use super::recent::Recent;
use super::recent::Seen;
use super::traffic;
use super::traffic::Series;
use super::traffic::Traffic;
use super::traffic::Window;
use super::watching;
use super::watching::WATCHERS_MAX;
use super::watching::Watcher;
use super::watching::Watching;
use crate::model::UnixTime;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// The lock is held while a batch is looked at, or while what is kept is searched.
pub(super) struct Board {
    state: Mutex<State>,
    clock: fn() -> UnixTime,
}

struct State {
    recent: Recent,
    traffic: Traffic,
    watchers: Vec<Watcher>,
    is_over: bool,
}

impl Board {
    pub(super) fn new(recent: usize, clock: fn() -> UnixTime) -> Self {
        let state = State {
            recent: Recent::new(recent),
            traffic: Traffic::new(clock()),
            watchers: Vec::new(),
            is_over: false,
        };
        Self { state: Mutex::new(state), clock }
    }

    /// Looks at every batch until the queue is closed and empty, and hands it on to the log, where there is one.
    ///
    /// On a thread of its own: a log that is stuck stops nobody from seeing what goes on.
    pub(super) fn watch(&self, queue: &Queue, log: Option<&Queue>) {
        let mut done = Batch::default();
        loop {
            match queue.next(done) {
                Work::Write(mut batch) => {
                    self.look(&batch);
                    if let Some(log) = log {
                        log.hand_in(&mut batch);
                    }
                    done = batch;
                }
                // Files are the log's business.
                Work::Reopen => done = Batch::default(),
                Work::End => break,
            }
        }
        let mut state = self.lock();
        state.is_over = true;
        state.watchers.clear();
    }

    fn look(&self, batch: &Batch) {
        let now = (self.clock)();
        let mut state = self.lock();
        let State { recent, traffic, watchers, is_over: _ } = &mut *state;
        traffic.advance(now);
        watchers.retain(|it| !it.is_gone());
        for (exchange, path) in batch.iter() {
            traffic.add(exchange);
            let seq = recent.keep(exchange, path);
            for it in &mut *watchers {
                it.tell(seq, now.as_s(), exchange, path);
            }
        }
    }

    pub(super) fn list(
        &self,
        filter: &Filter,
        before: Option<u64>,
        limit: usize,
    ) -> (Vec<Seen>, bool) {
        self.lock().recent.list(filter, before, limit)
    }

    pub(super) fn find(&self, request_id: &str) -> Option<Seen> {
        self.lock().recent.find(request_id)
    }

    /// None where as many watch as may.
    pub(super) fn join(&self, filter: Filter) -> Option<Watching> {
        let mut state = self.lock();
        state.watchers.retain(|it| !it.is_gone());
        if state.watchers.len() >= WATCHERS_MAX {
            return None;
        }
        let (watcher, watching) = watching::watching(filter);
        if !state.is_over {
            state.watchers.push(watcher);
        }
        Some(watching)
    }

    pub(super) fn traffic(&self, window: Window) -> Series {
        let now = (self.clock)();
        self.lock().traffic.series(window, now)
    }

    /// That of one connection, as far as its exchanges are kept.
    pub(super) fn traffic_of(&self, window: Window, connection: &str) -> Series {
        let now = (self.clock)();
        let state = self.lock();
        let whole_since = match state.recent.iter().next() {
            Some(oldest) if !state.recent.is_whole() => oldest.exchange.started,
            None if !state.recent.is_whole() => now,
            _ => state.traffic.began(),
        };
        let own = state.recent.iter().filter(|it| {
            it.exchange.connection.as_ref().is_some_and(|it| it.as_str() == connection)
        });
        traffic::of_seen(own, window, whole_since, now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
