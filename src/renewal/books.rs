//! What the store has of grants, as it is read: opened by whoever has the keys.
use super::had::Kept;
use super::journal::Journal;
use super::journal::Unkept;
use super::sealed::KeptAnswer;
use super::sweep::Served;
use crate::model::Credential;
use crate::model::Scope;
use crate::seal::Binding;
use crate::seal::OpenError;
use crate::seal::Sealer;
use crate::seal::Slot;
use crate::store::ActivationRow;
use crate::store::Census;
use crate::store::GrantName;
use crate::store::GrantRow;
use crate::store::SealedCredential;
use crate::store::Store;
use hashbrown::HashMap;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What the journal is kept in.
#[derive(Clone)]
pub struct Books {
    pub store: Store,
    pub sealer: Arc<Sealer>,
    /// Where the store's work is done.
    pub runtime: Handle,
    pub served: Served,
}

/// A stored activation, as far as a token is had with it.
pub(super) struct Row {
    pub enabled: bool,
    pub variables: BTreeMap<String, String>,
    pub credential: Credential,
}

/// What the definition of a stored activation says besides its columns.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Definition {
    variables: BTreeMap<String, String>,
}

/// What there is of a grant.
pub(super) struct Page {
    pub row: GrantRow,
    pub kept: Option<Kept>,
    pub answer: Option<KeptAnswer>,
}

impl Journal {
    pub(super) async fn page(&self, name: &GrantName) -> Result<Option<Page>, Unkept> {
        let (books, name) = (self.books.clone(), name.clone());
        self.asked(async move {
            let row = books.store.grants().get(&Scope::System, name.key()).await?;
            let Some(mut row) = row else { return Ok(None) };
            let (tokens, answer) = (row.tokens.take(), row.answer.take());
            let key = name.key();
            let kept = match books.open(&name, key.tokens(), tokens).await? {
                Some(it) => Some(Kept::from_credential(&it).ok_or_else(nothing_sound)?),
                None => None,
            };
            let answer = books.open(&name, key.answer(), answer).await?;
            let answer = answer.as_ref().and_then(KeptAnswer::from_credential);
            Ok(Some(Page { row, kept, answer }))
        })
        .await
    }

    /// Those of these activations that are there, and can be read and opened.
    pub(super) async fn activations(
        &self,
        names: Vec<GrantName>,
    ) -> Result<HashMap<GrantName, Row>, Unkept> {
        let books = self.books.clone();
        self.asked(async move {
            let keys: Vec<_> = names.iter().map(|it| (&*it.owner, &*it.tenant)).collect();
            let found = books.store.activations().these(&Scope::System, &keys).await?;
            let mut rows = HashMap::with_capacity(found.len());
            for (row, sealed) in found {
                let ActivationRow { owner, tenant, enabled, definition, .. } = row.value;
                let name = GrantName { owner, tenant, slot: Slot::Activation };
                let definition: Result<Definition, _> = serde_json::from_str(&definition);
                let opened = books.open(&name, Slot::Activation, sealed).await;
                let (Ok(Definition { variables }), Ok(credential)) = (definition, opened) else {
                    continue;
                };
                let credential = credential.unwrap_or_default();
                rows.insert(name, Row { enabled, variables, credential });
            }
            Ok(rows)
        })
        .await
    }

    pub(super) async fn census(&self) -> Result<Census, Unkept> {
        let store = self.books.store.clone();
        self.asked(async move { Ok(store.grants().census(&Scope::System).await?) }).await
    }
}

impl Books {
    /// What is sealed, in the clear. Where its key is unknown, the sources of keys are read first.
    async fn open(
        &self,
        name: &GrantName,
        slot: Slot,
        sealed: Option<SealedCredential>,
    ) -> Result<Option<Credential>, Unkept> {
        let Some(SealedCredential { generation, sealed }) = sealed else { return Ok(None) };
        let binding = Binding { owner: &name.owner, tenant: &name.tenant, slot, generation };
        let opened = match self.sealer.open_at_hand(&binding, &sealed) {
            Err(OpenError::UnknownKey { .. }) => {
                let (sealer, name) = (Arc::clone(&self.sealer), name.clone());
                let open = move || {
                    let (owner, tenant) = (&*name.owner, &*name.tenant);
                    sealer.open(&Binding { owner, tenant, slot, generation }, &sealed)
                };
                let opened = tokio::task::spawn_blocking(open).await;
                opened.map_err(|_| Unkept::Refused("attache is stopping".to_owned()))?
            }
            opened => opened,
        };
        opened.map(Some).map_err(|it| Unkept::Damaged(format!("what is kept does not open: {it}")))
    }
}

fn nothing_sound() -> Unkept {
    Unkept::Damaged("what is kept is no token".to_owned())
}
