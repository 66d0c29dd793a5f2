//! Consents on other devices (RFC 8628): their providers are asked until somebody has consented, has refused, or took
//! too long. Of several replicas one asks at a time.
use super::Api;
use super::call::Call;
use super::connect_bid::Bid;
use super::connect_item::Reason;
use super::connect_landing;
use super::connect_landing::At;
use super::connect_landing::Given;
use super::connect_landing::Standing;
use super::connect_release;
use super::consents;
use super::dance;
use super::dance::Brought;
use super::dance::Consent;
use super::dance::Opened;
use super::dance::Stopped;
use super::error::ApiError;
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
    pub api: Arc<Api>,
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
            // A store that is away says so elsewhere, here as well as below.
            drop(connect_release::sweep(&self.api).await);
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
        if waiting.is_aside {
            // Nobody has said in time that it is to be taken.
            connect_release::release(&self.api.inward(), waiting, None).await;
            return Ok(());
        }
        if !waiting.session.is_empty() {
            return self.ask_for_session(waiting).await;
        }
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
                return self.given(&grantee, waiting, *tokens).await;
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

    /// The same of one that belongs to a connect session: it ends as each of its consents does.
    async fn ask_for_session(&self, waiting: &Authorization) -> Result<(), StoreError> {
        let all = self.store.authorizations();
        let (scope, id) = (&Scope::System, &*waiting.id);
        let call = self.api.inward();
        let at = At { session: &waiting.session, connection: &waiting.connection };
        match self.polled(&call, at, waiting).await {
            Ok(Some(pause)) => all.wait(scope, id, pause).await,
            Ok(None) => all.discard(scope, id).await.map(drop),
            Err(error) if passes(&error) => {
                tracing::info!("a consent on another device is asked about again: {error}");
                all.wait(scope, id, waiting.interval_ms).await
            }
            Err(error) => {
                tracing::warn!("a consent on another device came to nothing: {error}");
                let why = (Reason::Misconfigured, "what it was begun with can't be read any more");
                // Where the session itself does not read, nobody is told.
                drop(connect_landing::failed(&call, at, Some(id), why).await);
                all.failed(scope, id, &error.to_string()).await
            }
        }
    }

    /// After how many milliseconds it is asked again; none where it has ended, which the session says.
    async fn polled(
        &self,
        call: &Call,
        at: At<'_>,
        waiting: &Authorization,
    ) -> Result<Option<i64>, ApiError> {
        let standing = Standing::of(call, at).await?;
        let is_last = standing.item().consent.as_deref() == Some(&*waiting.id);
        if !standing.session.is_open() || !is_last {
            return Ok(None);
        }
        let end = |(reason, why): (Reason, String)| async move {
            connect_landing::failed(call, at, Some(&waiting.id), (reason, &why)).await.map(|_| None)
        };
        if waiting.is_over() {
            let why = "nobody has consented in time".to_owned();
            return end((Reason::ConsentExpired, why)).await;
        }
        let opened = Opened::of(&self.api, waiting).await;
        let Some((opened, code)) = opened.and_then(|it| it.device_code().map(|code| (it, code)))
        else {
            let why = "what it was begun with does not open any more".to_owned();
            return end((Reason::Misconfigured, why)).await;
        };
        let (tenant, brought) = (standing.tenant()?, opened.brought());
        let bid = match Bid::of_item(call, standing.item(), &tenant, &brought).await? {
            Ok(bid) => bid,
            Err(gone) => return end(gone).await,
        };
        let Some(grantee) = bid.grantee.as_ref().filter(|it| opened.is_of(it)) else {
            let why = "nobody consents to the connection any more".to_owned();
            return end((Reason::ConnectionGone, why)).await;
        };
        let pause = Duration::from_millis(waiting.interval_ms.unsigned_abs());
        let wait = |it: Duration| Some(i64::try_from(it.as_millis()).unwrap_or(i64::MAX));
        let client = grantee.client.clone();
        let tokens = match self.errands.poll(client.clone(), code, pause).await {
            Ok(Polled::Pending { interval }) => return Ok(wait(interval)),
            Ok(Polled::Ended(Outcome::Token(tokens))) => *tokens,
            Ok(Polled::Ended(other)) => {
                return match ErrandError::from(other) {
                    ErrandError::Provider { after, .. } => {
                        Ok(wait(after.unwrap_or_default().max(pause)))
                    }
                    // The person said no, or took too long.
                    ErrandError::Refused(why) => end((Reason::ConsentDenied, why)).await,
                    error => end((connect_landing::reason_of(&error), error.to_string())).await,
                };
            }
            Err(ErrandError::Provider { after, .. }) => {
                return Ok(wait(after.unwrap_or_default().max(pause)));
            }
            Err(ErrandError::Busy) => return Ok(wait(pause)),
            Err(error) => {
                return end((connect_landing::reason_of(&error), error.to_string())).await;
            }
        };
        let aside = self.unseen(call, grantee, waiting, (&tokens, &brought)).await?;
        let given = Given {
            tokens: Some(tokens),
            brought,
            account: Consent::Same,
            consent: waiting.id.clone(),
            aside: Some(aside),
        };
        match connect_landing::land(call, at, given).await {
            Ok(_) => Ok(None),
            // The code is used up: it takes another one.
            Err(error) => {
                tracing::warn!("a consent on another device was not kept: {error}");
                end((Reason::ConsentExpired, "it could not be kept".to_owned())).await
            }
        }
    }

    /// Keeps the tokens before anybody looks at them; nobody asks the provider again meanwhile.
    async fn unseen(
        &self,
        call: &Call,
        grantee: &Grantee,
        waiting: &Authorization,
        (tokens, brought): (&TokenSet, &Brought),
    ) -> Result<String, ApiError> {
        let whose = (&*waiting.id, &*waiting.session);
        let aside = dance::unseen(call, grantee, whose, tokens, brought).await?;
        let all = self.store.authorizations();
        let looking = i64::try_from(dance::LOOKING.as_millis()).unwrap_or(i64::MAX);
        // Where that is not written the provider is asked once more, for nothing.
        if let Err(error) = all.wait(&Scope::System, &waiting.id, looking).await {
            tracing::info!("a consent on another device may be asked about again: {error}");
        }
        Ok(aside)
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

    /// Of one without a connect session there is nobody who could be asked about another account.
    async fn given(
        &self,
        grantee: &Grantee,
        waiting: &Authorization,
        tokens: TokenSet,
    ) -> Result<(), StoreError> {
        let (call, scope) = (self.api.inward(), &Scope::System);
        let (all, id) = (self.store.authorizations(), &*waiting.id);
        let brought = consents::brought_for(grantee);
        let landed = match self.unseen(&call, grantee, waiting, (&tokens, &brought)).await {
            Ok(aside) => {
                let what = (&*aside, &tokens);
                let landed = consents::land(&call, scope, grantee, what, &Consent::Same).await;
                let whose = match &landed {
                    Ok(Some(Stopped::Account { given, .. })) => given.clone(),
                    _ => None,
                };
                connect_release::release_aside(&call, Some(&aside), whose.as_ref()).await;
                landed
            }
            Err(error) => Err(error),
        };
        match landed {
            Ok(None) => all.done(scope, id).await,
            Ok(Some(stopped)) => all.failed(scope, id, &told(stopped)).await,
            Err(error) => {
                tracing::warn!("a consent on another device was not kept: {error}");
                all.failed(scope, id, "it could not be kept: begin again").await
            }
        }
    }
}

/// Whether it may be well the next time.
fn passes(error: &ApiError) -> bool {
    use ApiError as E;
    matches!(
        error,
        E::StoreUnavailable(_) | E::StoreFull | E::Uncertain | E::NoTrail(_) | E::Stale(_)
    )
}

fn told(stopped: Stopped) -> String {
    match stopped {
        Stopped::Scopes(missing) => {
            format!("less was granted than is needed: {}", missing.join(", "))
        }
        Stopped::Account { known, .. } => format!(
            "it is another account than before, which was {}: let the tenant connect by a link, which asks about it",
            known.name.unwrap_or(known.id)
        ),
        Stopped::Errand(error) => error.to_string(),
    }
}
