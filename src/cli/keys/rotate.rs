//! `attache keys rotate`: every data key under the newest key.
use super::super::stopped::Stopped;
use super::Work;
use super::grouped;
use super::places;
use super::places::Unopened;
use super::progress::Progress;
use crate::model::Scope;
use crate::seal::Keyring;
use crate::store::Rewrap;
use crate::store::Store;
use crate::store::patiently;
use clap::Args;
use std::process::ExitCode;

/// How often it begins anew for what others have sealed under an old key meanwhile.
const PASSES_MAX: u32 = 10;

/// Wraps data keys anew. Exits with 0 where all are under the newest key, with 1 where some are not.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Rotate {
    #[command(flatten)]
    work: Work,
}

impl Rotate {
    pub(super) fn run(self) -> Result<ExitCode, Stopped> {
        self.work.with(rotate)
    }
}

async fn rotate(store: Store, keyring: Keyring, batch: u32) -> Result<ExitCode, Stopped> {
    let newest = keyring.newest().as_str();
    let begun = old(&store, newest).await?;
    let total = begun.iter().filter(|it| keyring.has(&it.0)).map(|it| it.1).sum();
    println!("{} to be put under the key {newest}", credentials(total));
    let mut progress = Progress::new(total, "are under it");
    let mut moved = 0;
    let mut unopened = Vec::new();
    for _ in 0..PASSES_MAX {
        unopened.clear();
        let mut moved_now = 0;
        for (key_id, _) in old(&store, newest).await? {
            if keyring.has(&key_id) {
                let pass = Pass { store: &store, keyring: &keyring, key_id: &key_id, batch };
                moved_now += pass.run(&mut progress, &mut unopened).await?;
            }
        }
        moved += moved_now;
        if moved_now == 0 {
            break;
        }
    }
    progress.finish();
    if moved > 0 {
        let scope = Scope::Command("keys rotate");
        patiently(|| store.credentials().tell_rotated(&scope, newest, moved)).await?;
    }
    places::tell(&store, &unopened, unopened.len() as u64).await;
    println!("{} put under the key {newest}", credentials(moved));
    let left = old(&store, newest).await?;
    for (key_id, count) in &left {
        let why = if keyring.has(key_id) { "" } else { ", which is not among ours" };
        println!("{} still under the key {key_id}{why}", credentials(*count));
    }
    if left.is_empty() {
        println!("Older keys open nothing any more, but backups from before.");
        return Ok(ExitCode::SUCCESS);
    }
    if left.iter().any(|it| keyring.has(&it.0)) && unopened.is_empty() {
        println!("A gateway seals under an old key: give each the new one first.");
    }
    Ok(ExitCode::FAILURE)
}

/// One way through all that is under one key.
struct Pass<'a> {
    store: &'a Store,
    keyring: &'a Keyring,
    key_id: &'a str,
    batch: u32,
}

impl Pass<'_> {
    /// How many are under the newest key now.
    async fn run(
        &self,
        progress: &mut Progress,
        unopened: &mut Vec<Unopened>,
    ) -> Result<u64, Stopped> {
        let Self { store, keyring, key_id, batch } = self;
        let credentials = store.credentials();
        let mut moved = 0;
        let mut cursor = None;
        loop {
            let read = || credentials.batch(&Scope::System, Some(key_id), cursor.as_ref(), *batch);
            let (rows, next) = patiently(read).await?;
            let mut rewraps = Vec::with_capacity(rows.len());
            for row in rows {
                match row {
                    Err(error) => unopened.push(Unopened::unreadable(&error)),
                    Ok(entry) => match keyring.rewrap(&entry.binding(), &entry.credential.sealed) {
                        Ok(wrap) => rewraps.extend(wrap.map(|wrap| Rewrap { entry, wrap })),
                        Err(error) => unopened
                            .push(Unopened { entry: Some(entry), problem: error.to_string() }),
                    },
                }
            }
            // What somebody has set meanwhile is not touched: it is under their newest key.
            let put =
                patiently(|| credentials.rewrap(&Scope::Command("keys rotate"), &rewraps)).await?;
            progress.add(put);
            moved += put;
            cursor = next;
            if cursor.is_none() {
                return Ok(moved);
            }
        }
    }
}

/// How many there are under each key that is not the newest.
async fn old(store: &Store, newest: &str) -> Result<Vec<(String, u64)>, Stopped> {
    let credentials = store.credentials();
    let counted = patiently(|| credentials.count(&Scope::System)).await?;
    let old = counted.into_iter().filter(|it| it.0 != newest);
    Ok(old.map(|(key_id, count)| (key_id, count.unsigned_abs())).collect())
}

fn credentials(count: u64) -> String {
    let noun = if count == 1 { "credential" } else { "credentials" };
    format!("{} {noun}", grouped(count))
}
