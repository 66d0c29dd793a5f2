//! Secrets that senders hand over in a handshake: kept by the store while it waits for one, before the handshake is
//! answered.
//!
//! Whoever sends one has proved nothing. What is not waited for costs one look-up, of a few at a time; a write is
//! made only where one is waited for, which is over with it.
use crate::catalog::Connection;
use crate::model::Credential;
use crate::model::Key;
use crate::model::Scope;
use crate::model::Secret;
use crate::model::TenantId;
use crate::model::UnixTime;
use crate::reload::Writes;
use crate::seal::Binding;
use crate::seal::Sealer;
use crate::store::HandedOver;
use crate::store::Place;
use crate::store::SealedCredential;
use crate::store::Sealing;
use crate::store::SecretOf;
use crate::store::Store;
use crate::vault::Keys;
use crate::webhook::ACCOUNT;
use crate::webhook::Description;
use crate::webhook::Given;
use crate::webhook::SECRET;
use crate::webhook::VERIFY_TOKEN;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use tokio::runtime::Handle;

/// How many secrets are looked at, at the same time, each of another connection: strangers hand them over, and others
/// want the store's links.
const AT_ONCE: usize = 4;

/// Longest secret that is kept, in bytes.
const SECRET_MAX: usize = 1024;

/// What keeps them, where there is a store. One for the process.
pub struct Learned {
    store: Store,
    sealer: Arc<Sealer>,
    keys: Arc<Keys>,
    writes: Arc<Writes>,
    /// Of the store.
    runtime: Handle,
    clock: fn() -> UnixTime,
    places: Places,
}

/// Why a secret is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    #[error("a secret was handed over, and another one is there already")]
    NotAwaited,
    #[error(
        "a secret was handed over, and is not waited for any more: save the connection or activation again, and have \
         the sender hand it over once more"
    )]
    TooLate,
    #[error("what was handed over is no secret that verifies deliveries")]
    Unusable,
    #[error("a secret was handed over, and can't be kept right now")]
    Unavailable,
}

/// Whose secret a sender hands over.
struct Whose {
    /// What the credential is bound to.
    owner: String,
    connection: Key,
    /// Empty where it is the connection's own.
    tenant: String,
    description: Description,
}

/// What there is of a credential before its secret.
struct Present {
    generation: Option<u64>,
    credential: Credential,
    /// Of the secret, where there is one.
    fingerprint: Option<String>,
}

/// Connections whose secrets are looked at.
#[derive(Default)]
struct Places {
    taken: Mutex<Vec<Key>>,
}

/// A connection's place, until it is dropped.
struct Taken<'p> {
    places: &'p Places,
    connection: Key,
}

impl Places {
    /// None where the connection has one, or all are taken.
    fn take(&self, connection: &Key) -> Option<Taken<'_>> {
        let mut taken = self.taken();
        if taken.len() >= AT_ONCE || taken.contains(connection) {
            return None;
        }
        taken.push(connection.clone());
        Some(Taken { places: self, connection: connection.clone() })
    }

    fn taken(&self) -> MutexGuard<'_, Vec<Key>> {
        // Nothing between two changes of it can panic.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.places.taken().retain(|it| *it != self.connection);
    }
}

impl Learned {
    pub fn new(
        (store, runtime): (Store, Handle),
        (sealer, keys): (Arc<Sealer>, Arc<Keys>),
        writes: Arc<Writes>,
        clock: fn() -> UnixTime,
    ) -> Arc<Self> {
        Arc::new(Self { store, sealer, keys, writes, runtime, clock, places: Places::default() })
    }

    /// Keeps it where it is waited for, whether the sender hangs up or not, and has this process serve it. Good as
    /// well where it is the one that is there: then the sender did not get the answer.
    pub(super) async fn keep(
        self: &Arc<Self>,
        (connection, tenant): (&Connection, Option<&TenantId>),
        description: &Description,
        secret: Secret,
        sender: IpAddr,
    ) -> Result<(), NotKept> {
        let whose = Whose {
            owner: connection.owner.to_string(),
            connection: connection.key.clone(),
            tenant: tenant.map_or_else(String::new, TenantId::to_string),
            description: description.clone(),
        };
        let own = Arc::clone(self);
        let keeping = async move {
            let Some(_taken) = own.places.take(&whose.connection) else {
                return Err(NotKept::Unavailable);
            };
            match own.try_to_keep(&whose, &secret, sender).await {
                // Of two at the same time one was later: it may be the same sender.
                Err(NotKept::NotAwaited) => own.try_to_keep(&whose, &secret, sender).await,
                outcome => outcome,
            }
        };
        // A fault in it has been said.
        self.runtime.spawn(keeping).await.unwrap_or(Err(NotKept::Unavailable))
    }

    async fn try_to_keep(
        &self,
        whose: &Whose,
        secret: &Secret,
        sender: IpAddr,
    ) -> Result<(), NotKept> {
        let present = self.present(whose).await?;
        if let Some(fingerprint) = present.fingerprint {
            let is_same = self.sealer.fingerprint(std::slice::from_ref(secret)) == fingerprint;
            return if is_same { Ok(()) } else { Err(NotKept::NotAwaited) };
        }
        let mut credential = present.credential;
        credential.insert(SECRET, vec![secret.clone()]);
        if secret.expose().len() > SECRET_MAX || !whose.can_verify_with(&credential) {
            return Err(NotKept::Unusable);
        }
        let alone: Credential = [(SECRET, secret.expose())].into_iter().collect();
        let now = (self.clock)();
        let seal = |place: &Place<'_>| {
            if place.current.map(|it| it.generation) != present.generation {
                return Err("its credential was changed meanwhile".to_owned());
            }
            let sealed = self.sealer.seal(&place.binding, &credential, now);
            Ok(place.current.map_or(sealed.clone(), |it| sealed.with_dates_of(&it.sealed)))
        };
        let seal_alone = |place: &Place<'_>| Ok(self.sealer.seal(&place.binding, &alone, now));
        let sealing = Sealing { credential: &seal, shown_once: &seal_alone };
        let by = format!("sender {sender}");
        let secrets = self.store.learned_secrets();
        match secrets.keep(&Scope::System, whose.secret(), &by, sealing).await {
            Ok(HandedOver::Kept(revision)) => {
                let (connection, tenant) = (whose.connection.as_str(), &*whose.tenant);
                tracing::info!(connection, tenant, %sender, "the sender has handed its secret over");
                // Kept it is in any case: where it can't be served yet, deliveries are refused for a moment.
                self.writes.are_served(revision).await;
                Ok(())
            }
            Ok(HandedOver::NotAwaited) => Err(NotKept::NotAwaited),
            Ok(HandedOver::TooLate) => Err(NotKept::TooLate),
            Err(error) => Err(whose.failed(&error)),
        }
    }

    async fn present(&self, whose: &Whose) -> Result<Present, NotKept> {
        let SecretOf { owner, tenant, field } = whose.secret();
        let slot = whose.secret().slot();
        let found = self.store.credentials().get(&Scope::System, owner, tenant, slot).await;
        let Some(SealedCredential { generation, sealed }) =
            found.map_err(|error| whose.failed(&error))?
        else {
            let credential = Credential::default();
            return Ok(Present { generation: None, credential, fingerprint: None });
        };
        let fingerprint = sealed.fields.get(field).map(|it| it.fingerprint.clone());
        let credential = match fingerprint {
            Some(_) => Credential::default(),
            None => {
                let binding = Binding { owner, tenant, slot, generation };
                self.keys.open(&binding, &sealed).await.map_err(|error| whose.failed(&error))?
            }
        };
        Ok(Present { generation: Some(generation), credential, fingerprint })
    }
}

impl Whose {
    fn secret(&self) -> SecretOf<'_> {
        SecretOf { owner: &self.owner, tenant: &self.tenant, field: SECRET }
    }

    fn can_verify_with(&self, credential: &Credential) -> bool {
        let given = Given {
            secrets: credential.values(SECRET),
            verify_token: credential.field(VERIFY_TOKEN),
            account: credential.field(ACCOUNT).map(Secret::expose),
        };
        self.description.verifier(&given).is_ok()
    }

    fn failed(&self, error: &dyn fmt::Display) -> NotKept {
        let (connection, tenant) = (self.connection.as_str(), &*self.tenant);
        tracing::error!(connection, tenant, "a secret that was handed over is not kept: {error}");
        NotKept::Unavailable
    }
}

impl fmt::Debug for Learned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Learned").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learned_secrets_of_one_connection_leave_places_to_others() {
        let places = Places::default();
        let key = |number: usize| Key::try_from(&*format!("hooks-{number}")).unwrap();
        let mut taken: Vec<_> = (0..AT_ONCE - 1).map(|it| places.take(&key(it)).unwrap()).collect();
        assert!(places.take(&key(0)).is_none(), "it has one");
        taken.push(places.take(&key(AT_ONCE)).expect("there is one left"));
        assert!(places.take(&key(AT_ONCE + 1)).is_none(), "all are taken");
        taken.remove(0);
        assert!(places.take(&key(1)).is_none(), "it has one still");
        assert!(places.take(&key(0)).is_some());
    }
}
