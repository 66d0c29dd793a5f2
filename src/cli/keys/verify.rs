//! `attache keys verify`: whether all that is stored opens.
use super::super::stopped::Stopped;
use super::Work;
use super::grouped;
use super::places;
use super::progress::Progress;
use crate::model::Scope;
use crate::seal::Keyring;
use crate::store::Store;
use crate::store::patiently;
use crate::vault::UNOPENED_MAX;
use crate::vault::Unopened;
use clap::Args;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Opens everything and shows nothing of it. Exits with 0 where all opens, with 1 where some does not.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    work: Work,
}

impl Verify {
    pub(super) fn run(self) -> Result<ExitCode, Stopped> {
        self.work.with(verify)
    }
}

/// What was found under one key.
#[derive(Default)]
struct Found {
    opened: u64,
    unopened: u64,
}

async fn verify(store: Store, keyring: Keyring, batch: u32) -> Result<ExitCode, Stopped> {
    let credentials = store.credentials();
    let counted = patiently(|| credentials.count(&Scope::System)).await?;
    let total = counted.iter().map(|it| it.1.unsigned_abs()).sum();
    let mut progress = Progress::new(total, "looked at");
    let mut by_key: BTreeMap<String, Found> = BTreeMap::new();
    let (mut unopened, mut failed, mut seen) = (Vec::new(), 0, 0);
    let mut cursor = None;
    loop {
        let read = || credentials.batch(&Scope::System, None, cursor.as_ref(), batch);
        let (rows, next) = patiently(read).await?;
        let looked_at = rows.len() as u64;
        for row in rows {
            let problem = match row {
                Err(error) => Unopened::unreadable(&error),
                Ok(entry) => {
                    let sealed = &entry.credential.sealed;
                    let found = by_key.entry(sealed.key_id.clone()).or_default();
                    match keyring.open(&entry.binding(), sealed) {
                        Ok(_) => {
                            found.opened += 1;
                            continue;
                        }
                        Err(error) => {
                            found.unopened += 1;
                            Unopened { entry: Some(entry), problem: error.to_string() }
                        }
                    }
                }
            };
            failed += 1;
            if unopened.len() < UNOPENED_MAX {
                unopened.push(problem);
            }
        }
        seen += looked_at;
        progress.add(looked_at);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    progress.finish();
    for (key_id, Found { opened, unopened }) in &by_key {
        let what = match keyring.has(key_id) {
            false => "not among ours",
            true if key_id == keyring.newest().as_str() => "seals",
            true => "opens",
        };
        let (opened, unopened) = (grouped(*opened), grouped(*unopened));
        println!("{key_id} ({what}): {opened} open, {unopened} do not");
    }
    places::tell(&store, &unopened, failed).await;
    println!("{} of {} do not open", grouped(failed), grouped(seen));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
