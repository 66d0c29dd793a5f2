//! A long run with everything that upstreams do wrong: is anything lost, doubled, changed, leaked or unexplained?
//!
//! Callers send requests with a number each through a real attache to scripted upstreams. Each number
//! says what is to happen to it, so every answer is known beforehand, byte by byte.
mod caller;
mod content;
mod http2;
mod ledger;
mod mode;
mod program;
mod report;
mod samples;
mod upstream;
mod wire;

pub use report::Report;

use caller::Callers;
use ledger::Ledger;
use program::Program;
use samples::Samples;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use upstream::Upstreams;

/// How a run is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program, and a folder of the run's own for its files.
    pub attache: PathBuf,
    pub folder: PathBuf,
    pub workers: usize,
    /// How long, and after how many requests at the latest.
    pub time: Duration,
    pub requests: usize,
    /// Requests per second of the fast callers together; where none is given, half of what they reach
    /// without a pause in `calibrate`.
    pub rate: Option<f64>,
    pub calibrate: Duration,
    /// Links of callers: those that ask fast upstreams, those that ask slow ones, those that hang up.
    pub fast: usize,
    pub slow: usize,
    pub rude: usize,
    pub reload_every: Duration,
    pub sample_every: Duration,
    /// Whether growth of memory and file descriptors is judged: not in a run of a few seconds.
    pub judge_growth: bool,
    pub progress: bool,
}

/// What the callers, the upstreams and the one that watches share.
pub struct Shared {
    pub ledger: Ledger,
    pub stop: AtomicBool,
    /// Credentials carry it; it is one more after each reload.
    pub generation: std::sync::atomic::AtomicU32,
}

/// How long all links may take to be closed once nobody asks for anything any more.
const SETTLE: Duration = Duration::from_secs(20);

/// The whole run, from the start of attache to its end.
pub async fn run(settings: &Settings) -> io::Result<Report> {
    let shared = Arc::new(Shared {
        ledger: Ledger::new(settings.requests),
        stop: AtomicBool::new(false),
        generation: std::sync::atomic::AtomicU32::new(0),
    });
    let upstreams = Upstreams::start(&shared).await?;
    let mut program = Program::start(settings, upstreams.addresses()).await?;
    let mut samples = Samples::new(program.sample().await?);
    let callers = Callers::new(program.proxy, &shared);

    let mut reached = None;
    if settings.rate.is_none() && !settings.calibrate.is_zero() {
        let before = shared.ledger.issued();
        let began = Instant::now();
        let stop = Arc::new(AtomicBool::new(false));
        let load = callers.fast(settings.fast, None, &stop);
        tokio::time::sleep(settings.calibrate).await;
        stop.store(true, Ordering::Relaxed);
        callers::join(load).await;
        let count = shared.ledger.issued() - before;
        reached = Some(
            f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / began.elapsed().as_secs_f64(),
        );
    }
    let rate = settings.rate.or(reached.map(|it| it / 2.0));

    let stop = Arc::new(AtomicBool::new(false));
    let mut load = callers.fast(settings.fast, rate, &stop);
    load.extend(callers.slow(settings.slow, &stop));
    load.extend(callers.rude(settings.rude, &stop));
    let began = Instant::now();
    let (mut reloaded, mut sampled) = (began, began);
    while began.elapsed() < settings.time && !shared.ledger.is_full() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if reloaded.elapsed() >= settings.reload_every {
            reloaded = Instant::now();
            program.reload(&shared.generation)?;
        }
        if sampled.elapsed() >= settings.sample_every {
            sampled = Instant::now();
            samples.add(began.elapsed(), program.sample().await?);
            if settings.progress {
                eprintln!("{}", samples.last_line(shared.ledger.issued()));
            }
        }
    }
    let took = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    callers::join(load).await;
    shared.stop.store(true, Ordering::Relaxed);
    upstreams.stop().await;

    let mut settled = program.sample().await?;
    let settling = Instant::now();
    while !samples.is_settled(&settled) && settling.elapsed() < SETTLE {
        tokio::time::sleep(Duration::from_millis(100)).await;
        settled = program.sample().await?;
    }
    let end = program.stop().await?;
    Ok(Report::new(settings, &shared, samples, settled, end, took, reached, rate))
}

use caller as callers;
