//! `attache keys new`: a fresh key, as a line to be configured.
use super::super::database::Database;
use super::super::stopped::Stopped;
use crate::app::KeySources;
use crate::app::KeysError;
use crate::seal::Keyring;
use crate::seal::Reading;
use clap::Args;
use std::io;
use std::io::Write;
use std::process::ExitCode;

/// Prints a key. Nothing is stored, and nothing is asked of a database.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct New {
    #[command(flatten)]
    database: Database,
}

impl New {
    /// The line alone goes to standard output, so that it can be sent to a file.
    pub(super) fn run(self) -> Result<ExitCode, Stopped> {
        let settings = self.database.settings()?;
        let keyring = match KeySources::new(&settings.seal).read(Reading::Thorough) {
            Ok(keyring) => Some(keyring),
            Err(KeysError::Unset { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let line = Keyring::fresh_line(keyring.as_ref());
        let written = writeln!(io::stdout(), "{}", line.expose());
        written.map_err(|it| Stopped::Failed(format!("it can't be written: {}", it.kind())))?;
        if keyring.is_some() {
            eprintln!(
                "Add it beside the others, on every gateway; then run `attache keys rotate`, and take \
                 the old one away."
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
