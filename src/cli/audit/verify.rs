//! `attache audit verify`: whether the trail is as attache made it. Reads the database itself.
use super::super::database::Database;
use super::super::keys::grouped;
use super::super::keys::progress::Progress;
use super::super::stopped::Stopped;
use crate::app::KeySources;
use crate::app::trail_key;
use crate::model::Scope;
use crate::seal::Reading;
use crate::store::Break;
use crate::store::Checked;
use crate::store::Finding;
use crate::store::TrailHead;
use clap::Args;
use std::process::ExitCode;

/// Exits with 0 where all is as it was made, with 1 where something is not.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    database: Database,
    /// An entry that an earlier run printed: it has to be there still
    #[arg(long, value_name = "SEQ:MAC", value_parser = head)]
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
        println!("{}", said(finding));
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
    if let Some(TrailHead { seq, mac }) = head {
        println!("the last good entry is {seq}:{}", hex::encode(mac));
        println!("Keep that line elsewhere: `--kept` finds then whether older data was put back.");
    }
    if findings.is_empty() && late.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn said(finding: &Finding) -> String {
    let Finding { what, seqs, goes_on_at } = finding;
    let (first, last) = (seqs.start(), seqs.end());
    let which = match first == last {
        true => format!("entry {first}"),
        false => format!("entries {first} to {last}"),
    };
    let problem = match what {
        Break::Changed => "not what attache entered, changed or put in or moved",
        Break::Missing => "missing",
        Break::Damaged => "on a page of the database that does not read",
        Break::Unlinked => "follows another entry than the one before it",
        Break::Added => "outside the trail, and not attache's",
        Break::GoesOn => "here attache found the end of the trail changed, and went on",
        Break::End => "what the database has as the end is not as attache left it",
        Break::Untold(first, last) if first > last => {
            return format!(
                "behind entry {last_seq}: the versions go back to {last}",
                last_seq = seqs.end()
            );
        }
        Break::Untold(first, last) => {
            let versions = match first == last {
                true => format!("version {first} is"),
                false => format!("versions {first} to {last} are"),
            };
            return format!(
                "behind entry {}: {versions} told by no entry: cut off, or written by an attache without a trail",
                seqs.end()
            );
        }
        Break::Absent => {
            return "there is no trail, though the database was written to: no gateway has begun it yet, or it was \
                    taken away"
                .to_owned();
        }
        Break::NotKept => "not there as it was kept",
    };
    let on = match goes_on_at {
        Some(seq) => format!("; the chain goes on at {seq}"),
        None => "; nothing good comes after it".to_owned(),
    };
    format!("{which}: {problem}{on}")
}

/// `SEQ:MAC`, as it is printed.
fn head(text: &str) -> Result<TrailHead, String> {
    let read = || {
        let (seq, mac) = text.split_once(':')?;
        Some(TrailHead { seq: seq.parse().ok()?, mac: hex::decode(mac).ok()?.try_into().ok()? })
    };
    read().ok_or_else(|| {
        "write a number, a colon and 64 hex digits, as `verify` prints them".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_which_entries_and_where_the_chain_goes_on() {
        let finding = Finding { what: Break::Missing, seqs: 3..=5, goes_on_at: Some(6) };
        assert_eq!(said(&finding), "entries 3 to 5: missing; the chain goes on at 6");
        let kept = head(&format!("7:{}", "ab".repeat(32))).unwrap();
        assert_eq!(kept, TrailHead { seq: 7, mac: [0xab; 32] });
        for bad in ["", "7", "7:", "x:00", "7:00"] {
            assert!(head(bad).is_err(), "{bad}");
        }
    }
}
