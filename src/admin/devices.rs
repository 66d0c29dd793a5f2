//! Consents on other devices (RFC 8628): their providers are asked until somebody has consented, has refused, or took
//! too long. Of several replicas one asks at a time.
use super::consents;
use super::consents::times;
use super::grantee::Grantee;
use crate::grant::Outcome;
use crate::grant::Polled;
use crate::grant::TokenSet;
use crate::model::Scope;
use crate::model::UnixTime;
use crate::reload::Live;
use crate::renewal::ErrandError;
use crate::renewal::Errands;
use crate::seal::Binding;
use crate::seal::Sealer;
use crate::seal::Slot;
use crate::store::Authorization;
use crate::store::Place;
use crate::store::Store;
use crate::store::StoreError;
use crate::vault::Keys;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How often it is looked whose provider is to be asked.
const LOOK: Duration = Duration::from_secs(1);

/// Most that are asked at the same time.
const AT_ONCE_MAX: u32 = 64;

/// What consents on other devices are waited for with.
#[derive(Clone)]
pub struct Devices {
    pub store: Store,
    pub sealer: Arc<Sealer>,
    pub keys: Arc<Keys>,
    pub live: Arc<Live>,
    pub errands: Errands,
    pub clock: fn() -> UnixTime,
}

impl Devices {
    /// Until told to stop.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut asking = JoinSet::new();
        loop {
            tokio::select! {
                _ = stop.wait_for(|it| *it) => break,
                () = tokio::time::sleep(LOOK) => {}
            }
            while asking.try_join_next().is_some() {}
            let room = AT_ONCE_MAX.saturating_sub(u32::try_from(asking.len()).unwrap_or(u32::MAX));
            if room == 0 {
                continue;
            }
            // A store that is away says so elsewhere.
            let due = self.store.authorizations().due(&Scope::System, room).await;
            for waiting in due.unwrap_or_default() {
                let own = self.clone();
                asking.spawn(async move {
                    if let Err(error) = own.ask(&waiting).await {
                        tracing::warn!("a consent on another device is looked at again: {error}");
                    }
                });
            }
        }
    }

    async fn ask(&self, waiting: &Authorization) -> Result<(), StoreError> {
        let all = self.store.authorizations();
        let (scope, id) = (&Scope::System, &*waiting.id);
        if waiting.is_over() {
            return all.failed(scope, id, "nobody has consented in time").await;
        }
        let Some((grantee, code)) = self.opened(waiting).await else {
            let why = "what was asked for is not there any more, or not as it was";
            return all.failed(scope, id, why).await;
        };
        let pause = Duration::from_millis(waiting.interval_ms.unsigned_abs());
        let polled = self.errands.poll(grantee.client.clone(), code, pause).await;
        let wait = |it: Duration| i64::try_from(it.as_millis()).unwrap_or(i64::MAX);
        let outcome = match polled {
            Ok(Polled::Pending { interval }) => return all.wait(scope, id, wait(interval)).await,
            Ok(Polled::Ended(Outcome::Token(tokens))) => {
                self.given(&grantee, &tokens).await?;
                return all.done(scope, id).await;
            }
            Ok(Polled::Ended(other)) => ErrandError::from(other),
            Err(error) => error,
        };
        match outcome {
            ErrandError::Provider { after, .. } => {
                all.wait(scope, id, wait(after.unwrap_or_default().max(pause))).await
            }
            ErrandError::Busy => all.wait(scope, id, wait(pause)).await,
            ended => {
                let connection = &*waiting.connection;
                let tenant = &*waiting.of.tenant;
                tracing::info!(connection, tenant, "a consent on another device ended: {ended}");
                all.failed(scope, id, &ended.to_string()).await
            }
        }
    }

    async fn opened(&self, waiting: &Authorization) -> Option<(Grantee, crate::model::Secret)> {
        let sealed = waiting.sealed.as_ref()?;
        let owner = Authorization::owner(&waiting.id);
        let (slot, generation) = (Slot::Authorization, sealed.generation);
        let binding = Binding { owner: &owner, tenant: "", slot, generation };
        let kept = self.keys.open(&binding, &sealed.sealed).await.ok()?;
        let snapshot = self.live.snapshot_full();
        let connection = snapshot.connection(&waiting.connection)?;
        let grantee =
            Grantee::named(&self.store, &self.keys, connection, &waiting.of).await.ok()?;
        let is_own = kept.field("of").is_some_and(|it| it.expose() == grantee.name());
        let code = kept.field("device_code").cloned()?;
        Some((grantee, code)).filter(|_| is_own)
    }

    async fn given(&self, grantee: &Grantee, tokens: &TokenSet) -> Result<(), StoreError> {
        let now = (self.clock)();
        let credential = tokens.to_credential();
        let seal = |it: &Place<'_>| Ok(self.sealer.seal(&it.binding, &credential, now));
        let (of, times) = (grantee.grant(), times(grantee, tokens, now));
        let account = consents::account(&self.errands, grantee, tokens).await;
        let (scope, account) = (&Scope::System, account.as_ref());
        self.store.grants().granted(scope, &of, times, account, &seal).await.map(drop)
    }
}
