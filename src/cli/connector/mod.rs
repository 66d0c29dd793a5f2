//! `attache connector`: definitions of third-party APIs.
mod import;

use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a connector of an OpenAPI or Swagger document (offline)
    Import(import::Import),
}

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Import(import) => import.run(),
    }
}
