//! `attache completions`: what a shell needs to complete commands and flags.
use clap::Args;
use clap::CommandFactory;
use clap_complete::Shell;
use std::io;
use std::io::Write;
use std::process::ExitCode;

/// Prints a script; bash, for one, reads it with: source <(attache completions bash)
#[derive(Args, Clone, Debug)]
pub(super) struct Completions {
    /// Whose script
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "attache", &mut script);
        match io::stdout().write_all(&script) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    }
}
