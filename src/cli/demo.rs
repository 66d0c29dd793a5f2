//! `attache demo`: the newcomer's first minute.
use super::serve::start_log;
use crate::demo;
use crate::demo::Paint;
use clap::Args;
use std::io;
use std::process::ExitCode;

/// Runs a sample API and a webhook receiver, with attache in front, and prints requests to try.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// Send the requests at once, say what happened, and end
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("attache: the demo can't be run: {error}");
                return ExitCode::FAILURE;
            }
        };
        let no_color = std::env::var("NO_COLOR").ok();
        let paint = Paint::new(&io::stdout(), no_color.as_deref());
        let mut log = None;
        let start = |settings: &_| {
            log = Some(start_log(settings)?);
            Ok(())
        };
        let shown =
            runtime.block_on(demo::run(self.once, paint, &mut io::stdout(), start, async {
                // Where Ctrl-C can't be heard, it ends the process at once.
                if tokio::signal::ctrl_c().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }));
        drop(log);
        match shown {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("attache: {error}");
                ExitCode::FAILURE
            }
        }
    }
}
