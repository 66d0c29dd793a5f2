//! One worker: a thread with a single-threaded runtime, a coarse clock, and the list of its deadlines.
use super::date::Date;
use super::watch::Watch;
use slab::Slab;
use std::cell::Cell;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::rc::Weak;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;

/// How often a worker walks its deadlines, and so how late one may be noticed.
pub const TICK: Duration = Duration::from_millis(100);

/// Threads that a worker's runtime may start for name look-ups and file reads; further ones queue.
const BLOCKING_THREADS_MAX: usize = 16;

/// What every link and exchange on one core shares. Never leaves its thread.
#[derive(Debug)]
pub struct Worker {
    index: usize,
    started: Instant,
    clock_ms: Cell<u64>,
    pub(super) watches: RefCell<Slab<Weak<Watch>>>,
    draining: Cell<bool>,
    links: Cell<usize>,
    date: Date,
}

/// Why a worker could not be started.
#[derive(Debug, thiserror::Error)]
#[error("worker {index} can't be started: {reason}")]
pub struct WorkerError {
    index: usize,
    reason: io::ErrorKind,
}

/// Starts a thread that runs `body` on a runtime of its own until `body` ends.
///
/// `draining` turns true once, when the program is to stop: the worker then tells its links.
pub fn spawn<F, Fut>(
    name: &str,
    index: usize,
    draining: watch::Receiver<bool>,
    body: F,
) -> Result<thread::JoinHandle<()>, WorkerError>
where
    F: FnOnce(Rc<Worker>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    spawn_with((name, index), BLOCKING_THREADS_MAX, draining, body)
}

/// The same, on a runtime that may start so many threads for name look-ups and file reads.
pub fn spawn_with<F, Fut>(
    (name, index): (&str, usize),
    blocking_threads_max: usize,
    draining: watch::Receiver<bool>,
    body: F,
) -> Result<thread::JoinHandle<()>, WorkerError>
where
    F: FnOnce(Rc<Worker>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let failed = |it: io::Error| WorkerError { index, reason: it.kind() };
    let (ready, started) = std::sync::mpsc::sync_channel(1);
    let handle = thread::Builder::new()
        .name(format!("{name}-{index}"))
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(blocking_threads_max)
                .build_local(tokio::runtime::LocalOptions::default());
            let runtime = match runtime {
                Ok(runtime) => {
                    let _ = ready.send(Ok(()));
                    runtime
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                    return;
                }
            };
            runtime.block_on(async move {
                let worker = Rc::new(Worker::new(index));
                tokio::task::spawn_local(keep_time(Rc::downgrade(&worker), draining));
                body(worker).await;
            });
            runtime.shutdown_background();
        })
        .map_err(failed)?;
    match started.recv() {
        Ok(Ok(())) => Ok(handle),
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => Err(WorkerError { index, reason: io::ErrorKind::Interrupted }),
    }
}

/// The tick: moves the clock on, walks the deadlines, and passes the word that it is time to stop.
async fn keep_time(worker: Weak<Worker>, mut draining: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            changed = draining.changed(), if !told => told = changed.is_err(),
        }
        let Some(worker) = worker.upgrade() else { return };
        let elapsed = worker.started.elapsed();
        worker.tick(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        if *draining.borrow() && !worker.draining.replace(true) {
            told = true;
            worker.wake_all();
        }
    }
}

impl Worker {
    fn new(index: usize) -> Self {
        Self {
            index,
            started: Instant::now(),
            clock_ms: Cell::new(0),
            watches: RefCell::new(Slab::new()),
            draining: Cell::new(false),
            links: Cell::new(0),
            date: Date::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn for_tests() -> Rc<Self> {
        Rc::new(Self::new(0))
    }

    pub fn index(&self) -> usize {
        self.index
    }

    /// Milliseconds since this worker started, as of the last tick.
    pub fn clock_ms(&self) -> u64 {
        self.clock_ms.get()
    }

    /// The day and time that answers carry.
    pub(super) fn date(&self) -> &Date {
        &self.date
    }

    /// True once no further request is to be expected on any link.
    pub fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// Links that are open right now.
    pub fn links(&self) -> usize {
        self.links.get()
    }

    /// Counts as an open link while held: the worker waits for it before it ends.
    pub fn link_opened(self: &Rc<Self>) -> LinkCount {
        self.links.set(self.links.get() + 1);
        LinkCount(Rc::clone(self))
    }

    pub(super) fn tick(&self, now_ms: u64) {
        self.clock_ms.set(now_ms);
        self.date.tick(now_ms);
        for watch in self.live_watches() {
            watch.tick(now_ms);
        }
    }

    fn wake_all(&self) {
        for watch in self.live_watches() {
            watch.wake();
        }
    }

    /// A copy of the list: a woken owner may add to it or drop out of it.
    fn live_watches(&self) -> Vec<Rc<Watch>> {
        self.watches.borrow().iter().filter_map(|(_, it)| it.upgrade()).collect()
    }
}

/// Counts a link for as long as it lives.
#[derive(Debug)]
pub struct LinkCount(Rc<Worker>);

impl Drop for LinkCount {
    fn drop(&mut self) {
        self.0.links.set(self.0.links.get() - 1);
    }
}
