//! The tenant's stored activation, for a delivery that found none in the files.
use super::Inbound;
use super::address::Address;
use super::error::InboundError;
use crate::catalog::Fetched;
use crate::catalog::Snapshot;
use crate::model::TenantId;
use crate::resolve::ResolveError;
use crate::vault::Found;
use std::time::Instant;

impl Inbound {
    /// Whether there is a store to be asked.
    pub(super) fn unasked(&self) -> Fetched<'static> {
        if self.vault.is_some() { Fetched::Unasked } else { Fetched::NoStore }
    }

    /// What is known of the activation at this address, else what the store says.
    pub(super) async fn fetch(
        &self,
        snapshot: &Snapshot,
        address: &Address<'_>,
        now: Instant,
    ) -> Result<Found, InboundError> {
        let connection =
            snapshot.connection(address.connection).ok_or(ResolveError::ConnectionNotFound)?;
        let tenant = address.tenant.as_deref().ok_or(ResolveError::TenantRequired)?;
        let vault = self.vault.as_ref().ok_or(ResolveError::ActivationNotFound)?;
        if let Some(known) = vault.known(connection, tenant, now) {
            return Ok(known?);
        }
        let tenant = TenantId::try_from(tenant).map_err(|_| ResolveError::ActivationNotFound)?;
        Ok(vault.activation(connection, &tenant).await?)
    }
}
