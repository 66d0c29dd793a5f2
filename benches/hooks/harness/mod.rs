//! A real attache under floods of webhooks, with a steady traffic of proxied requests beside them: what do they feel?
//!
//! Each flooding request has a number, so that it is known whether it arrived, and how often.
mod content;
mod latencies;
mod ledger;
mod load;
mod machine;
mod phase;
mod program;
mod report;
mod target;
mod trickle;
#[path = "../../soak/harness/wire.rs"]
#[allow(dead_code, reason = "the soak hangs up, and this does not")]
mod wire;

use ledger::Ledger;
use program::Held;
use program::Program;
use report::Report;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use tokio::task::LocalSet;

/// How long attache may take to let go of what it held: longer than it waits for a slow body.
const SETTLING: Duration = Duration::from_secs(40);

/// How a run is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program, and a folder of the run's own for its files.
    pub attache: PathBuf,
    pub folder: PathBuf,
    pub workers: usize,
    /// Of each phase.
    pub time: Duration,
    /// Deliveries per second.
    pub rate: f64,
    /// Senders.
    pub trickling: usize,
    /// Names of phases; none for all of them.
    pub only: Vec<String>,
}

/// What all phases share.
pub struct Shared {
    pub program: Program,
    pub ledger: Arc<Ledger>,
    pub time: Duration,
}

/// Runs this on a thread and an event loop of its own.
fn on_a_thread<T: Send + 'static, F: Future<Output = T>>(
    run: impl FnOnce() -> F + Send + 'static,
) -> JoinHandle<T> {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        LocalSet::new().block_on(&runtime.expect("a runtime can be built"), run())
    })
}

pub fn run(settings: &Settings) -> io::Result<Report> {
    let ledger = Arc::new(Ledger::new());
    let (flooded, steady) = (target::start(&ledger)?, target::start(&ledger)?);
    let program = Program::start(settings, flooded, steady)?;
    let shared = Shared { program, ledger, time: settings.time };
    let mut phases = Vec::new();
    for phase in phase::all(settings.rate, settings.trickling) {
        if settings.only.is_empty() || settings.only.iter().any(|it| it == phase.name) {
            eprintln!("hooks: {}", phase.name);
            phases.push(phase.run(&shared)?);
        }
    }
    let held = settled(&shared.program)?;
    Ok(Report { phases, faults: shared.ledger.faults(), held })
}

/// What is held in the end, once nothing is or that has lasted too long.
fn settled(program: &Program) -> io::Result<Held> {
    let addresses = program.addresses;
    let began = Instant::now();
    loop {
        let asking = on_a_thread(async move || program::held(addresses).await);
        let held = asking.join().map_err(|_| io::Error::other("asking for metrics panicked"))??;
        if held == Held::default() || began.elapsed() > SETTLING {
            return Ok(held);
        }
        thread::sleep(Duration::from_millis(100));
    }
}
