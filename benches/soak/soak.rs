//! `benches/soak/run`: attache under half of its maximum load for half an hour, with everything going wrong behind it.
#![allow(clippy::disallowed_methods, reason = "the soak is the caller and the upstream")]
mod harness;

use clap::Parser;
use harness::Settings;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Requests for which there is room in the books: two bytes each.
const REQUESTS: usize = 100_000_000;

/// In shorter runs the second quarter still belongs to the warm-up: attache keeps idle upstream links for
/// 50 s, so that their number levels off only after that.
const JUDGED_FROM_MINUTES: f64 = 4.0;

#[derive(Parser)]
struct Arguments {
    /// The program to soak
    #[arg(long)]
    attache: PathBuf,
    /// An empty folder for its configuration and logs
    #[arg(long)]
    folder: PathBuf,
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Requests per second of the fast callers (default: half of what they reach without a pause)
    #[arg(long)]
    rate: Option<f64>,
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Links that ask fast upstreams, slow ones, and that hang up
    #[arg(long, default_value_t = 96)]
    fast: usize,
    #[arg(long, default_value_t = 64)]
    slow: usize,
    #[arg(long, default_value_t = 8)]
    rude: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let settings = Settings {
        attache: arguments.attache,
        folder: arguments.folder,
        workers: arguments.workers,
        time: Duration::from_secs_f64(arguments.minutes * 60.0),
        requests: REQUESTS,
        rate: arguments.rate,
        calibrate: Duration::from_secs(10),
        fast: arguments.fast,
        slow: arguments.slow,
        rude: arguments.rude,
        reload_every: Duration::from_secs(30),
        sample_every: Duration::from_secs(5),
        judge_growth: arguments.minutes >= JUDGED_FROM_MINUTES,
        progress: true,
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
    match runtime.block_on(harness::run(&settings)) {
        Ok(report) => {
            println!("{report}");
            if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}
