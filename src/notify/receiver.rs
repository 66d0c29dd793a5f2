//! A subscription, ready to be sent to: where, what, and signed with what.
use crate::catalog::EventSubscription;
use crate::model::Key;
use crate::model::Scope;
use crate::seal::Binding;
use crate::seal::Slot;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Work;
use crate::vault::Keys;
use crate::webhook::OutgoingKey;
use crate::webhook::OutgoingSecrets;

/// A subscription as it was at a version.
pub(super) struct Receiver {
    pub(super) version: i64,
    /// The subscription's.
    pub(super) name: Key,
    pub(super) subscription: EventSubscription,
    key: OutgoingKey,
    /// Those before it, and until when each signs as well, by the store's clock.
    former: Vec<(OutgoingKey, i64)>,
}

/// Why a subscription can't be sent to.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiverError {
    /// It is gone, or another one.
    #[error("it is gone")]
    Gone,
    /// Only a person can mend it.
    #[error("{0}")]
    Broken(String),
    /// It is attache itself that can't send at present.
    #[error("{0}")]
    Unsent(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Receiver {
    pub(super) async fn load(
        store: &Store,
        keys: &Keys,
        work: &Work,
    ) -> Result<Self, ReceiverError> {
        let broken = |it: &str| ReceiverError::Broken(it.to_owned());
        let stored = store.subscriptions().get(&Scope::System, &work.key).await;
        let stored = match stored {
            Err(error @ StoreError::Corrupt { .. }) => {
                return Err(ReceiverError::Broken(error.to_string()));
            }
            stored => stored?.filter(|it| it.value.id == work.id).ok_or(ReceiverError::Gone)?,
        };
        let row = stored.value;
        let name = Key::try_from(&*work.key).map_err(|_| broken("its key is none: delete it"))?;
        let subscription = EventSubscription::stored(&row.definition, row.enabled)
            .ok_or_else(|| broken("its definition is not sound: write it anew"))?;
        let credentials = store.credentials();
        let sealed = credentials.get(&Scope::System, &row.id, "", Slot::Subscription).await;
        let sealed = match sealed {
            Err(error @ StoreError::Corrupt { .. }) => {
                return Err(ReceiverError::Broken(error.to_string()));
            }
            sealed => sealed?.ok_or_else(|| broken("it has no secret: rotate it"))?,
        };
        let (owner, slot, generation) = (&*row.id, Slot::Subscription, sealed.generation);
        let binding = Binding { owner, tenant: "", slot, generation };
        let opened = keys.open(&binding, &sealed.sealed).await;
        let opened = opened.map_err(|it| {
            ReceiverError::Broken(format!(
                "its secret can't be opened, give the key back or rotate it: {it}"
            ))
        })?;
        let secrets = OutgoingSecrets::read(&opened, row.previous_until_ms.unwrap_or_default());
        let (key, former) = secrets
            .and_then(|it| it.keys())
            .ok_or_else(|| broken("its secret is none: rotate it, with the overlap `0s`"))?;
        Ok(Self { version: stored.version, name, subscription, key, former })
    }

    /// What signs now, the present one first.
    pub(super) fn keys(&self, now_ms: i64) -> Vec<&OutgoingKey> {
        let former = self.former.iter().filter(|it| now_ms < it.1).map(|it| &it.0);
        std::iter::once(&self.key).chain(former).collect()
    }
}
