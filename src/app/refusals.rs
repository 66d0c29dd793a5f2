//! Which credentials upstreams refuse, told to the store: once among replicas.
use crate::limits::Refusals;
use crate::limits::RefusedCredential;
use crate::limits::Verdict;
use crate::model::Key;
use crate::model::Scope;
use crate::model::TenantId;
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

/// Between two tries while the store is away.
const AGAIN: Duration = Duration::from_secs(5);

/// Tells verdicts as they come.
pub(super) struct Teller {
    pub(super) store: Store,
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
                Some(verdict) = self.verdicts.recv() => self.tell_at_last(&verdict, ends.clone()).await,
            }
        }
        while let Ok(verdict) = self.verdicts.try_recv() {
            if self.tell(&verdict).await.is_err() {
                return;
            }
        }
    }

    /// Again and again, as long as the store is away and nobody stops it.
    async fn tell_at_last(&self, verdict: &Verdict, mut stops: watch::Receiver<bool>) {
        while self.tell(verdict).await.is_err() {
            tokio::select! {
                _ = stops.wait_for(|it| *it) => return,
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
        let told: HashSet<_> = told.iter().filter_map(|it| credential(&it.0, &it.1)).collect();
        self.metrics.credentials_failing(told.len());
        self.refusals.are_told(&told, Instant::now());
    }

    /// An error where it is worth another try.
    async fn tell(&self, verdict: &Verdict) -> Result<(), StoreError> {
        let Verdict { credential: RefusedCredential { connection, tenant }, is_failing } = verdict;
        let tenant = tenant.as_ref().map_or("", TenantId::as_str);
        let whose = (connection.as_str(), tenant);
        match self.store.events().refused(&Scope::System, whose, *is_failing).await {
            Ok(true) if *is_failing => {
                tracing::warn!(%connection, tenant, "the upstream refuses the credential again and again");
                self.look().await;
            }
            Ok(true) => {
                tracing::info!(%connection, tenant, "the upstream takes the credential again");
                self.look().await;
            }
            Ok(false) => {}
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                tracing::warn!(%connection, tenant, is_failing, "an event could not be told: {error}");
            }
        }
        Ok(())
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
