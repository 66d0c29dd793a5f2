//! `attache webhook`: signatures of webhooks, looked into and made. Asks no server and sends nothing.
mod declared;
mod report;
mod request;
mod sender;
mod show;
mod sign;
mod verify;
mod when;

use super::memory;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check a captured request, step by step; where it does not verify, say what is likely wrong
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Verify),
    /// Print a request that is signed as a sender does, to try a receiver out
    #[command(after_help = sign::EXAMPLES)]
    Sign(sign::Sign),
}

/// Exit codes: 0 verified or signed, 1 refused, 2 wrong usage.
pub(super) fn run(command: Command) -> ExitCode {
    memory::keep_private();
    let done = match command {
        Command::Verify(verify) => verify.run(),
        Command::Sign(sign) => sign.run(),
    };
    done.unwrap_or_else(|stopped| stopped.tell())
}
