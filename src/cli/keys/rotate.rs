//! `attache keys rotate`: every data key under the newest key.
use super::super::stopped::Stopped;
use super::Work;
use super::grouped;
use super::places;
use super::progress::Progress;
use crate::model::Scope;
use crate::seal::Keyring;
use crate::store::Store;
use crate::vault::Rotated;
use crate::vault::Rotation;
use clap::Args;
use std::ops::ControlFlow;
use std::process::ExitCode;

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
    let scope = &Scope::Command("keys rotate");
    let rotation = Rotation { store: &store, keyring: &keyring, scope, batch };
    let total = rotation.total().await?;
    println!("{} to be put under the key {newest}", credentials(total));
    let mut progress = Progress::new(total, "are under it");
    let told = |put| {
        progress.add(put);
        ControlFlow::Continue(())
    };
    let rotated = rotation.run(told).await?;
    progress.finish();
    let Rotated { moved, unopened, unopened_total, left } = rotated;
    places::tell(&store, &unopened, unopened_total).await;
    println!("{} put under the key {newest}", credentials(moved));
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

fn credentials(count: u64) -> String {
    let noun = if count == 1 { "credential" } else { "credentials" };
    format!("{} {noun}", grouped(count))
}
