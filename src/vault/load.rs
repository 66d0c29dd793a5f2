//! One look-up: what the store has of an activation, opened.
use crate::model::Credential;
use crate::model::Key;
use crate::model::Scope;
use crate::model::TenantId;
use crate::seal::Binding;
use crate::seal::Sealer;
use crate::seal::Slot;
use crate::store::Store;
use crate::store::StoreError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

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
pub fn from_store(store: Store, sealer: Arc<Sealer>) -> Load {
    Box::new(move |wanted| {
        let (store, sealer) = (store.clone(), Arc::clone(&sealer));
        Box::pin(async move { look_up(&store, sealer, wanted).await })
    })
}

async fn look_up(store: &Store, sealer: Arc<Sealer>, wanted: Wanted) -> Result<Loaded, LoadError> {
    let Wanted { owner, tenant, .. } = wanted;
    let activations = store.activations();
    let found = activations.find(&Scope::System, &owner, tenant.as_str()).await.map_err(failed)?;
    let Some((row, sealed)) = found else {
        let any = activations.any(&Scope::System, &owner).await.map_err(failed)?;
        return Ok(Loaded::Missing { any });
    };
    let damaged = |it: &dyn std::fmt::Display| LoadError::Damaged(it.to_string());
    let definition: Definition =
        serde_json::from_str(&row.value.definition).map_err(|it| damaged(&it))?;
    let credential = match sealed {
        None => Credential::default(),
        // Where its key is unknown, the sources of keys are read first, which may take its time.
        Some(sealed) => tokio::task::spawn_blocking(move || {
            let (slot, tenant) = (Slot::Activation, tenant.as_str());
            let binding = Binding { owner: &owner, tenant, slot, generation: sealed.generation };
            sealer.open(&binding, &sealed.sealed)
        })
        .await
        .map_err(|it| damaged(&it))?
        .map_err(|it| damaged(&it))?,
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
