//! The thread that has tokens: it has a way out of its own, and nobody's request runs on it.
use super::FLIGHTS_MAX;
use super::Job;
use super::Renewals;
use super::attempt;
use super::books::Books;
use super::bureau::Bureau;
use super::bureau::ONLY_TIME;
use super::course;
use super::errand::Errands;
use super::errand::Work;
use super::had::Heard;
use super::had::Missed;
use super::had::Verdict;
use super::journal::Journal;
use super::sweep::Sweep;
use crate::grant::Fault;
use crate::model::UnixTime;
use crate::server;
use crate::server::TICK;
use crate::server::Worker;
use crate::server::WorkerError;
use crate::telemetry::Metrics;
use crate::upstream::Resolver;
use crate::upstream::Upstream;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How often it is looked what is due, in ticks.
const LOOK: u32 = 10;

/// What was sent is waited for, and put down: as long as a message may take that uses up the only token, and a
/// moment. Whoever stops attache has to give it that time.
const END: Duration = ONLY_TIME.saturating_add(Duration::from_secs(5));

/// The having of tokens, until stopped.
pub struct Renewing {
    renewals: Arc<Renewals>,
    errands: Errands,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Renewing {
    pub fn start(
        resolver: Resolver,
        books: Option<Books>,
        metrics: Arc<Metrics>,
        clock: fn() -> UnixTime,
    ) -> Result<Self, WorkerError> {
        let (jobs, taken) = mpsc::channel(FLIGHTS_MAX);
        let renewals = Renewals::new(jobs, books.is_some(), Arc::clone(&metrics), clock);
        let (errands, works) = Errands::new(Arc::clone(&metrics));
        let (stop, stops) = watch::channel(false);
        let thread = {
            let (renewals, stops) = (Arc::clone(&renewals), stops.clone());
            server::spawn("tokens", 0, stops.clone(), move |worker| async move {
                let upstream = Upstream::new(resolver, NonZeroUsize::MIN, Box::new(|_| ()));
                let served = books.as_ref().map(|it| Arc::clone(&it.served));
                let journal = books.map(|it| Rc::new(Journal::new(it, attempt::random())));
                let counts = Arc::clone(&metrics);
                let bureau = Rc::new(Bureau::new(upstream, journal, metrics, clock));
                let sweep = bureau.journal.as_ref().zip(served).map(|(journal, served)| {
                    Sweep::new(&bureau, journal, &renewals, &counts, &served)
                });
                carry(worker, bureau, renewals, sweep, (taken, works), stops).await;
            })?
        };
        Ok(Self { renewals, errands, stop, thread })
    }

    pub fn renewals(&self) -> &Arc<Renewals> {
        &self.renewals
    }

    pub fn errands(&self) -> &Errands {
        &self.errands
    }

    /// Lets what is under way end: a minute at most, and nothing else is begun. Blocks.
    pub fn stop(self) {
        self.stop.send_replace(true);
        // A thread that panicked has said so already.
        drop(self.thread.join());
    }
}

async fn carry(
    worker: Rc<Worker>,
    bureau: Rc<Bureau>,
    renewals: Arc<Renewals>,
    sweep: Option<Sweep>,
    (mut jobs, mut works): (mpsc::Receiver<Job>, mpsc::Receiver<Work>),
    mut stops: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(TICK);
    let mut ticked = 0_u32;
    let mut under_way = JoinSet::new();
    if let Some(sweep) = sweep {
        under_way.spawn_local(sweep.run(stops.clone()));
    }
    loop {
        tokio::select! {
            _ = stops.wait_for(|it| *it) => break,
            job = jobs.recv() => {
                let Some(job) = job else { break };
                let (bureau, renewals) = (Rc::clone(&bureau), Arc::clone(&renewals));
                under_way.spawn_local(async move {
                    renewed(&bureau, &renewals, job).await;
                });
            }
            work = works.recv() => {
                let Some(work) = work else { break };
                let bureau = Rc::clone(&bureau);
                under_way.spawn_local(async move { work(bureau).await });
            }
            _ = ticks.tick() => {
                bureau.upstream.tick(worker.clock_ms());
                ticked = ticked.wrapping_add(1);
                if ticked.is_multiple_of(LOOK) {
                    renewals.tick(Instant::now());
                    bureau.tick();
                    if let Some(journal) = &bureau.journal {
                        journal.tick();
                        let journal = Rc::clone(journal);
                        under_way.spawn_local(async move { journal.extend().await });
                    }
                }
            }
        }
        while under_way.try_join_next().is_some() {}
    }
    if let Some(journal) = &bureau.journal {
        journal.is_stopping.set(true);
        tracing::info!("tokens are asked for no more; what is under way is waited for");
    }
    let ended = async {
        while under_way.join_next().await.is_some() {}
        if let Some(journal) = &bureau.journal {
            while !journal.unsaved.borrow().is_empty() {
                tokio::time::sleep(TICK).await;
                journal.tick();
            }
        }
    };
    let lasting = async {
        let mut ticks = tokio::time::interval(TICK * LOOK);
        loop {
            ticks.tick().await;
            if let Some(journal) = &bureau.journal {
                journal.extend().await;
            }
        }
    };
    tokio::select! {
        _ = tokio::time::timeout(END, ended) => {}
        () = lasting => {}
    }
    if let Some(journal) = &bureau.journal {
        let unsaved = journal.unsaved.borrow().len();
        if unsaved > 0 {
            tracing::error!(
                unsaved,
                "tokens that the store did not take are lost with this process"
            );
        }
        journal.end().await;
    }
}

/// Has it, and takes what came of it to whoever waits; why not, where it was not had.
pub(super) async fn renewed(
    bureau: &Bureau,
    renewals: &Renewals,
    job: Job,
) -> Option<(Verdict, Heard)> {
    // Large, and mostly waiting.
    let mut course = Box::pin(course::run(bureau, &job));
    let outcome = server::contained(course.as_mut()).await;
    drop(course);
    let fault = |_| Err(Missed::again(Fault::Provider, "a fault in attache; the log has it"));
    let outcome = outcome.unwrap_or_else(fault);
    let why = outcome.as_ref().err().map(|it| (it.verdict, it.heard));
    renewals.landed(job, outcome);
    why
}
