//! `attache keys`: the keys that what is stored is sealed under.
mod new;
mod places;
pub(super) mod progress;
mod rotate;
mod served;
mod verify;

pub(super) use progress::Progress;

use super::database::Database;
use super::memory;
use super::stopped::Stopped;
use crate::app::KeySources;
use crate::app::trail_key;
use crate::seal::Keyring;
use crate::seal::Reading;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::patiently;
use clap::Args;
use std::future::Future;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print a fresh key, of the next version
    New(new::New),
    /// Put all that is stored under the newest key, while gateways run; may be stopped and run again
    Rotate(rotate::Rotate),
    /// Open all that is stored, and tell what does not open
    Verify(verify::Verify),
    /// Ask a running attache what is under each key, and how a rotation goes
    Status(served::Served),
    /// Have a running attache put all that is stored under the newest key
    Start(served::Served),
}

pub(super) fn run(command: Command) -> ExitCode {
    memory::keep_private();
    let done = match command {
        Command::New(new) => new.run(),
        Command::Rotate(rotate) => rotate.run(),
        Command::Verify(verify) => verify.run(),
        Command::Status(served) => Ok(served.status()),
        Command::Start(served) => Ok(served.start()),
    };
    done.unwrap_or_else(|stopped| stopped.tell())
}

/// How a database and its keys are named, and how much is done at a time.
#[derive(Args, Clone, Debug)]
struct Work {
    #[command(flatten)]
    database: Database,
    /// Credentials at a time: writers wait for one such lot
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1000))]
    batch: u32,
}

impl Work {
    /// Runs with the keys and the open database, whose schema is this program's.
    fn with<F: Future<Output = Result<ExitCode, Stopped>>>(
        self,
        work: impl FnOnce(Store, Keyring, u32) -> F,
    ) -> Result<ExitCode, Stopped> {
        let settings = self.database.settings()?;
        let keyring = KeySources::new(&settings.seal).read(Reading::Thorough)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|it| Stopped::Failed(format!("no runtime: {}", it.kind())))?;
        runtime.block_on(async {
            let store = self.database.open(&settings).await?;
            match patiently(|| trail_key(&store, &keyring)).await {
                Ok(Some(trail)) => store.keep_trail(trail),
                // Keys are for all else that is sealed: one row that is lost holds up none of it.
                Ok(None) => {}
                Err(StoreError::Corrupt { .. }) => eprintln!("{NO_TRAIL}"),
                Err(error) => return Err(error.into()),
            }
            let done = work(store.clone(), keyring, self.batch).await;
            store.close().await;
            done
        })
    }
}

const NO_TRAIL: &str =
    "The deployment's own row does not read: the audit trail says nothing of what is done now.";

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
