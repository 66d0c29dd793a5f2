//! Which credentials upstreams refuse, told to the store: once among replicas.
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

/// How long it is known at least that a credential is refused which nobody serves, before that is forgotten.
const UNSERVED_MS: i64 = 24 * 60 * 60 * 1000;

/// Between two tries while the store is away.
const AGAIN: Duration = Duration::from_secs(5);

/// Tells verdicts as they come.
pub(super) struct Teller {
    pub(super) store: Store,
    pub(super) live: Arc<Live>,
    pub(super) refusals: Arc<Refusals>,
    pub(super) verdicts: Receiver<Verdict>,
    pub(super) metrics: Arc<Metrics>,
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
    async fn look(&self) {
        let told = match self.store.events().all_refused(&Scope::System).await {
            Ok(told) => told,
            Err(error) => {
                // The feed has said so, where the store is away; the next round asks again.
                tracing::debug!("which credentials are failing is not known: {error}");
                return;
            }
        };
        let snapshot = self.live.snapshot_full();
        let (told, gone): (Vec<_>, Vec<_>) =
            told.into_iter().partition(|it| snapshot.connection(&it.0).is_some());
        if !gone.is_empty() {
            self.forget(&gone).await;
        }
        let told: HashSet<_> = told.iter().filter_map(|it| credential(&it.0, &it.1)).collect();
        self.metrics.credentials_failing(told.len());
        self.refusals.are_told(&told, Instant::now());
    }

    /// Those of connections that files do not have any more, or that are not served for another reason, once it
    /// has been so for a day: a replica may have other files for a while.
    async fn forget(&self, gone: &[(String, String)]) {
        let forgotten = self.store.events().forget_unserved(&Scope::System, gone, UNSERVED_MS);
        match forgotten.await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(
                forgotten,
                "credentials of connections that are gone count as failing no more"
            ),
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
