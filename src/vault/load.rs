//! One look-up: what the store has of an activation, opened.
use super::keys::Keys;
use crate::model::Credential;
use crate::model::Key;
use crate::model::Scope;
use crate::model::TenantId;
use crate::seal::Binding;
use crate::seal::Slot;
use crate::store::SealedCredential;
use crate::store::Store;
use crate::store::StoreError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::AcquireError;
use tokio::sync::Semaphore;

/// How an activation is looked up.
pub type Load = Box<
    dyn Fn(Wanted) -> Pin<Box<dyn Future<Output = Result<Loaded, LoadError>> + Send>> + Send + Sync,
>;

/// Which one.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What its credentials are bound to.
    pub owner: Box<str>,
    pub connection: Key,
    pub tenant: TenantId,
    /// Nobody has proved anything: it waits behind a few of its kind, and all others do not wait for it.
    pub is_for_stranger: bool,
}

/// What the store has.
#[derive(Debug)]
pub enum Loaded {
    Row {
        enabled: bool,
        variables: BTreeMap<String, String>,
        credential: Credential,
    },
    /// `any`: whether the connection has one of another tenant.
    Missing {
        any: bool,
    },
}

/// Why it is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("{0}")]
    Unreachable(String),
    /// It is there, and can't be read or opened.
    #[error("{0}")]
    Damaged(String),
}

/// What the definition of a stored activation says besides its columns.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Definition {
    variables: BTreeMap<String, String>,
}

/// Look-ups in a store.
pub fn from_store(store: Store, keys: Arc<Keys>) -> Load {
    // Here they queue, not for the store's links: others need some of them at once.
    let at_once = Arc::new(AtOnce::new(store.look_ups_at_once()));
    Box::new(move |wanted| {
        let at_once = Arc::clone(&at_once);
        let (store, keys) = (store.clone(), Arc::clone(&keys));
        Box::pin(async move { look_up(&store, &keys, &at_once, wanted).await })
    })
}

/// How many look-ups are made at the same time.
struct AtOnce {
    all: Semaphore,
    /// Of them, those of strangers.
    strangers: Semaphore,
}

impl AtOnce {
    fn new(most: usize) -> Self {
        let strangers = most.div_ceil(4);
        Self { all: Semaphore::new(most), strangers: Semaphore::new(strangers) }
    }

    async fn enter(&self, is_stranger: bool) -> Result<impl Sized, AcquireError> {
        // First among their kind: so they never fill the queue of all.
        let own = if is_stranger { Some(self.strangers.acquire().await?) } else { None };
        Ok((own, self.all.acquire().await?))
    }
}

async fn look_up(
    store: &Store,
    keys: &Keys,
    at_once: &AtOnce,
    wanted: Wanted,
) -> Result<Loaded, LoadError> {
    let Wanted { owner, tenant, is_for_stranger, .. } = wanted;
    let place = at_once.enter(is_for_stranger).await;
    let place = place.map_err(|_| LoadError::Unreachable("it was closed".to_owned()))?;
    let activations = store.activations();
    let found = activations.find(&Scope::System, &owner, tenant.as_str()).await.map_err(failed)?;
    let Some((row, sealed)) = found else {
        let any = activations.any(&Scope::System, &owner).await.map_err(failed)?;
        return Ok(Loaded::Missing { any });
    };
    drop(place);
    let damaged = |it: &dyn std::fmt::Display| LoadError::Damaged(it.to_string());
    let definition: Definition =
        serde_json::from_str(&row.value.definition).map_err(|it| damaged(&it))?;
    let credential = match sealed {
        None => Credential::default(),
        Some(SealedCredential { generation, sealed }) => {
            let (slot, tenant) = (Slot::Activation, tenant.as_str());
            let binding = Binding { owner: &owner, tenant, slot, generation };
            keys.open(&binding, &sealed).await.map_err(|it| damaged(&it))?
        }
    };
    let (enabled, variables) = (row.value.enabled, definition.variables);
    Ok(Loaded::Row { enabled, variables, credential })
}

fn failed(error: StoreError) -> LoadError {
    match error {
        StoreError::Corrupt { .. } => LoadError::Damaged(error.to_string()),
        error => LoadError::Unreachable(error.to_string()),
    }
}
