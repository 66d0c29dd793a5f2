//! What stored credentials are sealed and opened with, made ready at start, or why it can't be.
use super::StartError;
use super::clock::now;
use super::control::not_reached;
use super::keys::KeySources;
use super::keys::KeysError;
use crate::config::SealSettings;
use crate::model::Scope;
use crate::seal::FingerprintKey;
use crate::seal::Keyring;
use crate::seal::Reading;
use crate::seal::Sealer;
use crate::store::Deployment;
use crate::store::Store;
use std::sync::Arc;

/// The operator's keys, and where they come from. Blocks.
pub(super) fn keys(settings: &SealSettings) -> Result<(Keyring, Arc<KeySources>), StartError> {
    let sources = Arc::new(KeySources::new(settings));
    let keyring = sources.read(Reading::Thorough).map_err(|it| {
        let hint = match it {
            KeysError::Unset { .. } => {
                "\nmake one with `attache keys new`, and keep a copy apart from the database's"
            }
            _ => "",
        };
        StartError::Refused(format!("seal.keys: {it}{hint}"))
    })?;
    Ok((keyring, sources))
}

/// A sealer for this store. Never under a new key over what the keys at hand do not open.
pub(super) async fn sealer(
    store: &Store,
    keyring: Keyring,
    sources: Arc<KeySources>,
) -> Result<Sealer, StartError> {
    let scope = &Scope::System;
    let counts = store.credentials().count(scope).await.map_err(not_reached)?;
    let missing: Vec<String> = counts
        .iter()
        .filter(|(key_id, _)| !keyring.has(key_id))
        .map(|(key_id, count)| format!("{key_id} ({count} credentials)"))
        .collect();
    if !missing.is_empty() {
        return Err(StartError::Refused(format!(
            "seal.keys: the database needs keys that are not there: {}; add them to the sources",
            missing.join(", ")
        )));
    }
    let binding = Deployment::binding();
    let made = FingerprintKey::random();
    let seal = |place: &crate::store::Place<'_>| {
        Ok(keyring.seal(&made, &place.binding, &made.credential(), now()))
    };
    let own = store.deployment().own(scope, &seal).await.map_err(not_reached)?;
    let opened = keyring.open(&binding, &own.sealed);
    let fingerprints = opened.ok().as_ref().and_then(FingerprintKey::from_credential);
    let fingerprints = fingerprints.ok_or_else(|| {
        StartError::Refused(
            "the deployment's own sealed key does not open: the database was changed by hand, or \
             is not whole; restore a backup"
                .to_owned(),
        )
    })?;
    let read = move |reading| sources.read(reading).map_err(|it| it.to_string());
    Ok(Sealer::new(keyring, fingerprints, Box::new(read)))
}
