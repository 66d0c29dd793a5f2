//! What was had with something that is deleted is ended at the provider too: told behind the commit, once, by whoever
//! deletes it, and of no consequence to the deletion where the provider does not listen.
use super::Api;
use super::activations::Under;
use super::call::Call;
use super::connections::Sent;
use super::error::ApiError;
use super::grantee;
use super::grantee::Grantee;
use super::grants;
use crate::catalog::Auth;
use crate::catalog::Connection;
use crate::catalog::Way;
use crate::renewal::ErrandError;
use crate::renewal::Errands;
use crate::seal::Slot;
use crate::store::Found;
use crate::store::GrantKey;
use crate::store::GrantName;
use crate::store::GrantRow;
use crate::store::PAGE_MAX;
use crate::store::StoreError;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Most grants of one deletion, or of all that is pruned at once, that providers are told of, at about 2 KiB of memory each; the others' tokens live until
/// they end.
const TOLD_MAX: usize = 10_000;

/// Of one deletion, told of or waiting for their turn at the same time.
const AT_ONCE: usize = 8;

/// How long a deletion waits at most for what is to be told.
const READ_TIME: Duration = Duration::from_secs(5);

/// Tokens that are to be ended.
#[derive(Default)]
pub(super) struct Farewell {
    parting: HashMap<GrantName, Parting>,
    untold: usize,
}

/// Whose they are, as it was before it went. Sealed as long as it waits.
struct Parting {
    whose: Whose,
    row: Option<GrantRow>,
}

enum Whose {
    Known(Box<Grantee>),
    Activation { connection: Arc<Connection>, found: Box<Found> },
}

impl Farewell {
    /// Of what the path names: read before it goes. What can't be read is not told of.
    pub(super) async fn of(call: &Call, slots: &[bool]) -> Self {
        let mut farewell = Self::default();
        for is_test in slots {
            if let Ok(grantee) = Grantee::of(call, *is_test).await {
                in_time(farewell.add(call, grantee)).await;
            }
        }
        farewell
    }

    /// Of a connection's own credentials that are sent as nothing.
    pub(super) async fn of_removed(call: &Call, sent: &Sent) -> Result<Self, ApiError> {
        if call.flag("dry_run")? {
            return Ok(Self::default());
        }
        let both = [(false, &sent.own), (true, &sent.test)].into_iter();
        let gone = both.filter(|it| it.1.as_ref().is_some_and(|it| it.is_empty()));
        let slots: Vec<_> = gone.map(|it| it.0).collect();
        Ok(Self::of(call, &slots).await)
    }

    /// Of all of a tenant's activations.
    pub(super) async fn of_tenant(call: &Call, tenant: &str) -> Self {
        let mut farewell = Self::default();
        let all = farewell.add_tenant(call, tenant);
        in_time(all).await;
        farewell
    }

    /// Of a connection's own, and of all of its activations.
    pub(super) async fn of_connection(call: &Call, key: &str) -> Self {
        let mut farewell = Self::default();
        let all = farewell.add_connection(call, key);
        in_time(all).await;
        farewell
    }

    /// Of these activations, by owner and tenant.
    pub(super) async fn of_activations(call: &Call, all: &[(&str, &str)]) -> Self {
        let mut farewell = Self::default();
        let some = farewell.add_these(call, all);
        in_time(some).await;
        farewell
    }

    /// With those of another, each once.
    pub(super) fn and(&mut self, other: Self) {
        self.untold += other.untold;
        for (name, parting) in other.parting {
            if self.parting.len() < TOLD_MAX || self.parting.contains_key(&name) {
                self.parting.insert(name, parting);
            } else {
                self.untold += 1;
            }
        }
    }

    async fn add(&mut self, call: &Call, grantee: Grantee) -> Result<(), StoreError> {
        let Some(backing) = call.api.backing() else { return Ok(()) };
        let row = backing.store.grants().get(&call.scope(), grantee.key()).await?;
        let whose = Whose::Known(Box::new(grantee));
        self.parting.insert(whose.name(), Parting { whose, row });
        Ok(())
    }

    async fn add_connection(&mut self, call: &Call, key: &str) -> Result<(), StoreError> {
        let Ok(under) = Under::named(call, key).await else { return Ok(()) };
        let Some(connection) = under.connection.filter(|it| has_provider(it)) else {
            return Ok(());
        };
        for is_test in [false, true] {
            if let Ok(own) = grantee::own(&under.owner, &connection, is_test) {
                self.add(call, own).await?;
            }
        }
        let Some(backing) = call.api.backing() else { return Ok(()) };
        let mut after = None::<String>;
        loop {
            let all = backing.store.activations();
            let page =
                all.of_owner(&call.scope(), &under.owner, after.as_deref(), PAGE_MAX).await?;
            let found = page.rows.into_iter().map(|it| (Arc::clone(&connection), it));
            self.add_found(call, found.collect()).await?;
            after = page.next;
            if after.is_none() || self.untold > 0 {
                return Ok(());
            }
        }
    }

    async fn add_tenant(&mut self, call: &Call, tenant: &str) -> Result<(), StoreError> {
        let Some(backing) = call.api.backing() else { return Ok(()) };
        let by_owner = by_owner(call);
        let mut after = None::<String>;
        loop {
            let all = backing.store.activations();
            let page = all.of_tenant(&call.scope(), tenant, after.as_deref(), PAGE_MAX).await?;
            self.add_found(call, under(&by_owner, page.rows)).await?;
            after = page.next;
            if after.is_none() || self.untold > 0 {
                return Ok(());
            }
        }
    }

    async fn add_these(&mut self, call: &Call, all: &[(&str, &str)]) -> Result<(), StoreError> {
        let Some(backing) = call.api.backing() else { return Ok(()) };
        let by_owner = by_owner(call);
        for some in all.chunks(PAGE_MAX as usize) {
            let found = backing.store.activations().these(&call.scope(), some).await?;
            self.add_found(call, under(&by_owner, found)).await?;
        }
        Ok(())
    }

    async fn add_found(
        &mut self,
        call: &Call,
        mut found: Vec<(Arc<Connection>, Found)>,
    ) -> Result<(), StoreError> {
        let Some(backing) = call.api.backing() else { return Ok(()) };
        let room = TOLD_MAX.saturating_sub(self.parting.len());
        self.untold += found.len().saturating_sub(room);
        found.truncate(room);
        let keys: Vec<_> = found.iter().map(|it| key_of(&it.1)).collect();
        let mut rows = backing.store.grants().these(&call.scope(), &keys).await?;
        for (connection, found) in found {
            let whose = Whose::Activation { connection, found: Box::new(found) };
            let name = whose.name();
            let row = rows.remove(&name);
            self.parting.insert(name, Parting { whose, row });
        }
        Ok(())
    }

    /// Tells the providers, in the background.
    pub(super) fn say(self, api: &Arc<Api>) {
        let (Some(backing), Ok(errands)) = (api.backing(), api.errands()) else { return };
        if self.untold > 0 {
            tracing::warn!(
                "of what was deleted more than {TOLD_MAX} had tokens: those of the others live until they end"
            );
            errands.not_told(self.untold);
        }
        if self.parting.is_empty() {
            return;
        }
        let (own, errands) = (Arc::clone(api), errands.clone());
        backing.control.spawn(async move {
            let mut told = JoinSet::new();
            for parting in self.parting.into_values() {
                if told.len() >= AT_ONCE {
                    told.join_next().await;
                }
                told.spawn(tell(Arc::clone(&own), errands.clone(), parting));
            }
            while told.join_next().await.is_some() {}
        });
    }
}

async fn tell(api: Arc<Api>, errands: Errands, parting: Parting) {
    let Parting { whose, row } = parting;
    let Some(backing) = api.backing() else { return };
    let Ok(_turn) = api.farewells.acquire().await else { return };
    let (connection, tenant) = whose.shown();
    let has_tokens = row.as_ref().is_some_and(|it| it.tokens.is_some());
    let not_tellable = |why: &str| {
        tracing::warn!(connection, tenant, "tokens of what was deleted live on: {why}");
        errands.not_tellable();
    };
    let grantee = match whose {
        Whose::Known(grantee) => Ok(*grantee),
        Whose::Activation { connection, found } => {
            Grantee::of_found(&backing.keys, &connection, &found).await
        }
    };
    let Ok(grantee) = grantee else {
        if has_tokens {
            not_tellable("its credentials do not open, or do not fit");
        }
        return;
    };
    let own_row = row.as_ref().filter(|it| grantee.has(it));
    let sealed = own_row.and_then(|it| it.tokens.as_ref());
    let kept = grants::opened(&backing.keys, grantee.key(), sealed).await;
    if has_tokens && kept.is_none() {
        not_tellable(match own_row {
            Some(_) => "they do not open",
            None => "they were had with other credentials",
        });
    }
    let own = || grantee.client.holder.own_tokens((api.clock)());
    let Some(tokens) = kept.or_else(own) else { return };
    match errands.revoke(grantee.client.clone(), tokens).await {
        // It has nothing of the kind.
        Ok(()) | Err(ErrandError::NotSet(_) | ErrandError::Unfit(_)) => {}
        Err(error) => {
            tracing::warn!(connection, tenant, "tokens of what was deleted live on: {error}");
        }
    }
}

impl Whose {
    /// The connection and the tenant, which is empty where it is the connection's own.
    fn shown(&self) -> (String, String) {
        match self {
            Self::Known(it) => (it.client.connection.to_string(), it.grant_name().tenant),
            Self::Activation { connection, found } => {
                (connection.key.to_string(), found.0.value.tenant.clone())
            }
        }
    }

    fn name(&self) -> GrantName {
        match self {
            Self::Known(grantee) => grantee.grant_name(),
            Self::Activation { found, .. } => {
                let GrantKey { owner, tenant, slot } = key_of(found);
                GrantName { owner: owner.to_owned(), tenant: tenant.to_owned(), slot }
            }
        }
    }
}

fn key_of((stored, _): &Found) -> GrantKey<'_> {
    let (owner, tenant) = (&*stored.value.owner, &*stored.value.tenant);
    GrantKey { owner, tenant, slot: Slot::Activation }
}

/// Whether there is somebody to be told.
fn has_provider(connection: &Connection) -> bool {
    matches!(&connection.method.auth, Auth::Token(it) if matches!(it.way, Way::Oauth2(_)))
}

/// The connections that there is somebody to be told of.
fn by_owner(call: &Call) -> HashMap<String, Arc<Connection>> {
    let snapshot = call.api.live.snapshot_full();
    let all = snapshot.connections().filter(|it| has_provider(it));
    all.map(|it| (it.owner.to_string(), Arc::clone(it))).collect()
}

fn under(
    by_owner: &HashMap<String, Arc<Connection>>,
    found: Vec<Found>,
) -> Vec<(Arc<Connection>, Found)> {
    let of = |it: Found| Some((Arc::clone(by_owner.get(&it.0.value.owner)?), it));
    found.into_iter().filter_map(of).collect()
}

/// What can't be read in time is not told of: nobody waits for it.
async fn in_time(reading: impl Future<Output = Result<(), StoreError>>) {
    let problem = match tokio::time::timeout(READ_TIME, reading).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the store takes too long".to_owned(),
    };
    tracing::warn!("not all providers are told of what is deleted: {problem}");
}
