//! `attache audit verify`: whether the trail is as attache made it. Reads the database itself.
use super::super::database::Database;
use super::super::keys::grouped;
use super::super::keys::progress::Progress;
use super::super::stopped::Stopped;
use crate::app::KeySources;
use crate::app::trail_key;
use crate::model::Scope;
use crate::seal::Reading;
use crate::store::Checked;
use crate::store::TrailHead;
use clap::Args;
use std::process::ExitCode;
use std::str::FromStr as _;

/// Exits with 0 where all is as it was made, with 1 where something is not.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    database: Database,
    /// An entry that an earlier run printed: it has to be there still
    #[arg(long, value_name = "SEQ:MAC", value_parser = TrailHead::from_str)]
    kept: Option<TrailHead>,
    /// The version that the trail began with, where the deployment is older than it
    #[arg(long, value_name = "VERSION", default_value_t = 1)]
    begins_with: i64,
}

impl Verify {
    pub(super) fn run(self) -> Result<ExitCode, Stopped> {
        let settings = self.database.settings()?;
        let keyring = KeySources::new(&settings.seal).read(Reading::Thorough)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|it| Stopped::Failed(format!("no runtime: {}", it.kind())))?;
        runtime.block_on(async {
            let store = self.database.open(&settings).await?;
            let Some(key) = trail_key(&store, &keyring).await? else {
                return Err(Stopped::Failed(
                    "the deployment's own key does not open with these, or there is none yet: the trail \
                     can't be checked without it"
                        .to_owned(),
                ));
            };
            let (mut progress, mut done) = (None, 0);
            let told = |entries: i64, end: i64| {
                let (entries, end) = (entries.unsigned_abs(), end.unsigned_abs());
                progress.get_or_insert_with(|| Progress::new(end, "checked")).add(entries - done);
                done = entries;
            };
            let checked = store.audit().verify(&Scope::System, &key, self.kept, told).await;
            if let Some(progress) = progress {
                progress.finish();
            }
            store.close().await;
            Ok(tell(&checked?, self.begins_with))
        })
    }
}

/// `expected`: the version that it may begin with.
fn tell(checked: &Checked, expected: i64) -> ExitCode {
    let Checked { entries, begins_with, findings, more, head } = checked;
    for finding in findings {
        println!("{finding}");
    }
    if *more > 0 {
        println!("and {} more", grouped(*more as u64));
    }
    let late = begins_with.filter(|it| *it > expected);
    if let Some(revision) = late {
        println!(
            "the trail begins with version {revision}: what was done before is not in it, or was taken away"
        );
        println!(
            "If this attache was upgraded from one without a trail then, say so from now on: `--begins-with \
             {revision}`."
        );
    }
    println!("{} entries checked", grouped(entries.unsigned_abs()));
    if let Some(head) = head {
        println!("the last good entry is {head}");
        println!("Keep that line elsewhere: `--kept` finds then whether older data was put back.");
    }
    if findings.is_empty() && late.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
