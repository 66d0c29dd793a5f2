//! `attache audit`: who did what, from what to what.
mod check;
mod list;
mod verify;

use super::memory;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check the whole trail: that no entry was changed, put in or taken away
    Verify(verify::Verify),
    /// Have a running attache check the whole trail
    Check(check::Check),
    /// Ask a running attache for entries, the newest first
    List(list::List),
}

pub(super) fn run(command: Command) -> ExitCode {
    memory::keep_private();
    let done = match command {
        Command::Verify(verify) => verify.run(),
        Command::Check(check) => Ok(check.run()),
        Command::List(list) => Ok(list.run()),
    };
    done.unwrap_or_else(|stopped| stopped.tell())
}
