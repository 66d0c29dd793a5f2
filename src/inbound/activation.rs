//! What the store has for a delivery: its tenant's activation, where the files have none, and whether what
//! is known of it is recent enough.
use super::Inbound;
use super::address::Address;
use super::error::InboundError;
use crate::catalog::Connection;
use crate::catalog::Fetched;
use crate::catalog::Section;
use crate::catalog::Snapshot;
use crate::model::TenantId;
use crate::resolve::ResolveError;
use crate::vault::Asker;
use crate::vault::Found;
use crate::vault::VaultError;
use std::net::IpAddr;
use std::time::Instant;

/// Refuses a stored connection: for while nothing that is stored counts. Those of files go on.
pub(super) fn refuse_stored(
    snapshot: &Snapshot,
    connection: &Connection,
) -> Result<(), VaultError> {
    let declared = snapshot.declared().find(Section::Connections, connection.key.as_str());
    declared.map(drop).ok_or(VaultError::Stale)
}

impl Inbound {
    /// Whether there is a store to be asked.
    pub(super) fn unasked(&self) -> Fetched<'static> {
        if self.vault.is_some() { Fetched::Unasked } else { Fetched::NoStore }
    }

    /// What the store has for this address, where it has to be asked. `guesser`: who may only have guessed
    /// it; none where a verified delivery says it.
    pub(super) async fn found(
        &self,
        snapshot: &Snapshot,
        address: &Address<'_>,
        guesser: Option<IpAddr>,
    ) -> Result<Option<Found>, InboundError> {
        match address.find(snapshot, self.unasked()) {
            Err(InboundError::Resolve(ResolveError::Unfetched)) => {
                self.fetch(snapshot, address, guesser).await.map(Some)
            }
            Err(error) => Err(error),
            Ok(_) => Ok(None),
        }
    }

    pub(super) fn fetched<'f>(&self, found: Option<&'f Found>) -> Fetched<'f> {
        found.map_or(self.unasked(), Found::fetched)
    }

    /// What is known of the activation at this address, else what the store says: where nobody has proved
    /// anything yet, an address has only so much looked up that is not there.
    async fn fetch(
        &self,
        snapshot: &Snapshot,
        address: &Address<'_>,
        guesser: Option<IpAddr>,
    ) -> Result<Found, InboundError> {
        let connection =
            snapshot.connection(address.connection).ok_or(ResolveError::ConnectionNotFound)?;
        let tenant = address.tenant.as_deref().ok_or(ResolveError::TenantRequired)?;
        let vault = self.vault.as_ref().ok_or(ResolveError::ActivationNotFound)?;
        let now = Instant::now();
        if let Some(known) = vault.known(connection, tenant, now) {
            return Ok(known?);
        }
        let tenant = TenantId::try_from(tenant).map_err(|_| ResolveError::ActivationNotFound)?;
        let key = connection.key.as_str();
        // What was there before is no guess, whoever else guesses at the same address.
        let guesser = guesser.filter(|_| !vault.has_found(connection, tenant.as_str()));
        if let Some(guesser) = guesser {
            self.strangers.admit(guesser, key, now)?;
        }
        let found = vault.activation(connection, &tenant, Asker::Stranger).await;
        // What could not be asked is nobody's guess either.
        if let (Some(guesser), Ok(Found::Missing { .. })) = (guesser, &found) {
            self.strangers.missed(guesser, key, now);
        }
        Ok(found?)
    }
}
