//! `attache keys`: the keys that what is stored is sealed under.
mod new;
mod places;
pub(super) mod progress;
mod rotate;
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
use clap::Args;
use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print a fresh key, of the next version
    New(new::New),
    /// Put all that is stored under the newest key, while gateways run; may be stopped and run again
    Rotate(rotate::Rotate),
    /// Open all that is stored, and tell what does not open
    Verify(verify::Verify),
}

pub(super) fn run(command: Command) -> ExitCode {
    memory::keep_private();
    let done = match command {
        Command::New(new) => new.run(),
        Command::Rotate(rotate) => rotate.run(),
        Command::Verify(verify) => verify.run(),
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
            if let Some(trail) = trail_key(&store, &keyring).await? {
                store.keep_trail(trail);
            }
            let done = work(store.clone(), keyring, self.batch).await;
            store.close().await;
            done
        })
    }
}

/// How often what a busy or absent database refused is asked again.
const ATTEMPTS: u32 = 6;

/// The pause before that.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks again for a while where the database is busy or away: work of an hour does not end for a hiccup.
async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, Stopped>
where
    F: Future<Output = Result<T, crate::store::StoreError>>,
{
    use crate::store::StoreError as E;
    let mut left = ATTEMPTS;
    loop {
        match ask().await {
            // Each lot may be done again: what is done already is found so.
            Err(E::TimedOut | E::Unreachable { .. } | E::Uncertain { .. }) if left > 0 => {
                left -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer.map_err(Stopped::from),
        }
    }
}

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
