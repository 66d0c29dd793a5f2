//! `benches/hooks/run`: what floods of webhooks do to the proxied requests beside them.
#![allow(clippy::disallowed_methods, reason = "the bench is the sender and the target")]
mod harness;

use clap::Parser;
use harness::Settings;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Parser)]
struct Arguments {
    /// The program to flood
    #[arg(long)]
    attache: PathBuf,
    /// An empty folder for its configuration and logs
    #[arg(long)]
    folder: PathBuf,
    /// How long each phase takes
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Deliveries per second where they come at a rate
    #[arg(long, default_value_t = 10_000.0)]
    rate: f64,
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Senders that trickle
    #[arg(long, default_value_t = 1000)]
    trickling: usize,
    /// These phases alone, by the names in the table
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let settings = Settings {
        attache: arguments.attache,
        folder: arguments.folder,
        workers: arguments.workers,
        time: Duration::from_secs_f64(arguments.seconds),
        rate: arguments.rate,
        trickling: arguments.trickling,
        only: arguments.only,
    };
    match harness::run(&settings) {
        Ok(report) => {
            println!("{report}");
            if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("hooks: {error}");
            ExitCode::FAILURE
        }
    }
}
