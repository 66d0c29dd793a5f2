//! Which credentials upstreams refuse, told to the store: once among replicas.
use crate::catalog::Connection;
use crate::catalog::Kind;
use crate::limits::Refusals;
use crate::limits::RefusedCredential;
use crate::limits::Verdict;
use crate::model::Key;
use crate::model::Scope;
use crate::model::TenantId;
use crate::reload::Live;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::Metrics;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Verdicts that wait to be told; those beyond them are told with a later refusal or success.
pub(super) const WAITING_MAX: usize = 1024;

/// How often it is asked what other replicas have told.
const ROUND: Duration = Duration::from_secs(60);

/// How long this process has not served a credential that is refused, and how long that is known at least, before it
/// is forgotten.
const UNSERVED: Duration = Duration::from_secs(24 * 60 * 60);

/// Between two tries while the store is away.
const AGAIN: Duration = Duration::from_secs(5);

/// Tells verdicts as they come.
pub(super) struct Teller {
    pub(super) store: Store,
    pub(super) live: Arc<Live>,
    pub(super) refusals: Arc<Refusals>,
    pub(super) verdicts: Receiver<Verdict>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) unserved: Unserved,
}

/// Whose credential it is: connection and tenant, as they are stored.
type Whose = (String, String);

/// Since when this process has not served what is failing: as many as are.
#[derive(Debug, Default)]
pub(super) struct Unserved(HashMap<Whose, Instant>);

impl Unserved {
    /// Those that have been so for [`UNSERVED`], of all that are so now.
    fn for_long(&mut self, gone: Vec<Whose>, now: Instant) -> Vec<Whose> {
        let mut before = std::mem::take(&mut self.0);
        let since = |it: Whose| {
            let since = before.remove(&it).unwrap_or(now);
            (it, since)
        };
        self.0 = gone.into_iter().map(since).collect();
        let is_long = |since: &Instant| now.saturating_duration_since(*since) >= UNSERVED;
        self.0.iter().filter(|it| is_long(it.1)).map(|it| it.0.clone()).collect()
    }
}

impl Teller {
    /// Until it is to stop. What waits then is told once, as far as the store takes it.
    pub(super) async fn run(mut self, mut stops: watch::Receiver<bool>) {
        let ends = stops.clone();
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stops.wait_for(|it| *it) => break,
                _ = rounds.tick() => self.look().await,
                Some(verdict) = self.verdicts.recv() => {
                    let mut is_told = self.tell_at_last(&verdict, ends.clone()).await;
                    // What came meanwhile: it is looked once after all of it.
                    for _ in 0..WAITING_MAX {
                        let Ok(verdict) = self.verdicts.try_recv() else { break };
                        is_told |= self.tell_at_last(&verdict, ends.clone()).await;
                    }
                    if is_told {
                        self.look().await;
                    }
                }
            }
        }
        while let Ok(verdict) = self.verdicts.try_recv() {
            if self.tell(&verdict).await.is_err() {
                return;
            }
        }
    }

    /// Again and again, as long as the store is away and nobody stops it. Whether it was news.
    async fn tell_at_last(&self, verdict: &Verdict, mut stops: watch::Receiver<bool>) -> bool {
        loop {
            if let Ok(is_told) = self.tell(verdict).await {
                return is_told;
            }
            tokio::select! {
                _ = stops.wait_for(|it| *it) => return false,
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }

    /// What other replicas have told counts as told here: whichever sees the end of it tells that.
    async fn look(&mut self) {
        let told = match self.store.events().all_refused(&Scope::System).await {
            Ok(told) => told,
            Err(error) => {
                // The feed has said so, where the store is away; the next round asks again.
                tracing::debug!("which credentials are failing is not known: {error}");
                return;
            }
        };
        let (told, gone) = match self.served(told).await {
            Ok(parted) => parted,
            Err(error) => {
                tracing::debug!("which credentials are served is not known: {error}");
                return;
            }
        };
        let gone = self.unserved.for_long(gone, Instant::now());
        if !gone.is_empty() {
            self.forget(&gone).await;
        }
        let told: HashSet<_> = told.iter().filter_map(|it| credential(&it.0, &it.1)).collect();
        self.metrics.credentials_failing(told.len());
        self.refusals.are_told(&told, Instant::now());
    }

    /// Those that this process serves, and those that it does not: of connections, or of activations, that neither
    /// its files nor the store have.
    async fn served(&self, told: Vec<Whose>) -> Result<(Vec<Whose>, Vec<Whose>), StoreError> {
        let snapshot = self.live.snapshot_full();
        let (mut served, mut stored, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for it in told {
            match snapshot.connection(&it.0).map(|found| place(found, &it.1)) {
                Some(Place::Files) => served.push(it),
                Some(Place::Store(owner)) => stored.push((owner, it)),
                None => gone.push(it),
            }
        }
        drop(snapshot);
        let asked: Vec<_> = stored.iter().map(|(owner, it)| (&**owner, &*it.1)).collect();
        let there = self.store.activations().there(&Scope::System, &asked).await?;
        for (owner, it) in stored {
            let is_there = there.contains(&(owner, it.1.clone()));
            if is_there { &mut served } else { &mut gone }.push(it);
        }
        Ok((served, gone))
    }

    /// Those that were not served for a day: a replica may have other files for a while.
    async fn forget(&self, gone: &[Whose]) {
        let age_ms = i64::try_from(UNSERVED.as_millis()).unwrap_or(i64::MAX);
        let forgotten = self.store.events().forget_unserved(&Scope::System, gone, age_ms);
        match forgotten.await {
            Ok(0) => {}
            Ok(forgotten) => {
                tracing::info!(forgotten, "credentials that are gone count as failing no more")
            }
            // The next round tries again.
            Err(error) => tracing::debug!("failing credentials that are gone are kept: {error}"),
        }
    }

    /// Whether it was news. An error where it is worth another try.
    async fn tell(&self, verdict: &Verdict) -> Result<bool, StoreError> {
        let Verdict { credential: RefusedCredential { connection, tenant }, is_failing } = verdict;
        let tenant = tenant.as_ref().map_or("", TenantId::as_str);
        let whose = (connection.as_str(), tenant);
        match self.store.events().refused(&Scope::System, whose, *is_failing).await {
            Ok(true) if *is_failing => {
                tracing::warn!(%connection, tenant, "the upstream refuses the credential again and again");
                return Ok(true);
            }
            Ok(true) => {
                tracing::info!(%connection, tenant, "the upstream takes the credential again");
                return Ok(true);
            }
            Ok(false) => {}
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                tracing::warn!(%connection, tenant, is_failing, "an event could not be told: {error}");
            }
        }
        Ok(false)
    }
}

/// None of a row that is nobody's: a key of an earlier attache, or no key at all.
fn credential(connection: &str, tenant: &str) -> Option<RefusedCredential> {
    let connection = Key::try_from(connection).ok()?;
    let tenant = match tenant {
        "" => None,
        tenant => Some(TenantId::try_from(tenant).ok()?),
    };
    Some(RefusedCredential { connection, tenant })
}

/// Where a credential is, if it is there.
enum Place {
    /// With its connection, or with an activation that a file declares.
    Files,
    /// With an activation under this owner.
    Store(String),
}

fn place(connection: &Connection, tenant: &str) -> Place {
    match &connection.kind {
        Kind::Embedded { activations, shared, .. }
            if !tenant.is_empty() && !activations.contains_key(tenant) =>
        {
            Place::Store(shared.owner.to_string())
        }
        Kind::Embedded { .. } | Kind::Standard(_) => Place::Files,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_served_is_forgotten_a_day_after_it_was_last_served() {
        let of = |key: &str| (key.to_owned(), String::new());
        let (mut unserved, begin) = (Unserved::default(), Instant::now());
        let hours = |it: u64| begin + Duration::from_secs(it * 60 * 60);
        assert!(unserved.for_long(vec![of("old"), of("back")], begin).is_empty());
        assert!(unserved.for_long(vec![of("old")], hours(12)).is_empty());
        let both = || vec![of("old"), of("back")];
        assert!(unserved.for_long(both(), hours(23)).is_empty());
        assert_eq!(unserved.for_long(both(), hours(24)), [of("old")]);
        assert_eq!(unserved.for_long(vec![of("back")], hours(47)), [of("back")]);
        assert_eq!(unserved.0.len(), 1);
    }
}
