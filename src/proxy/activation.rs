//! The tenant's stored activation, for a request that found none in the files.
use super::Proxy;
use super::error::ProxyError;
use crate::catalog::Fetched;
use crate::catalog::Snapshot;
use crate::model::TenantId;
use crate::resolve;
use crate::resolve::ResolveError;
use crate::resolve::Tags;
use crate::vault::Found;
use std::time::Instant;

impl Proxy {
    /// Whether there is a store to be asked.
    pub(super) fn unasked(&self) -> Fetched<'static> {
        if self.vault.is_some() { Fetched::Unasked } else { Fetched::NoStore }
    }

    /// What is known of the activation that these tags name, else what the store says.
    pub(super) async fn fetch(
        &self,
        snapshot: &Snapshot,
        tags: &Tags<'_>,
        now: Instant,
    ) -> Result<Found, ProxyError> {
        let found = resolve::find(snapshot, tags).ok_or(ResolveError::ConnectionNotFound)?;
        let tenant = tags.tenant.as_deref().ok_or(ResolveError::TenantRequired)?;
        let vault = self.vault.as_ref().ok_or(ResolveError::ActivationNotFound)?;
        if let Some(known) = vault.known(found.connection, tenant, now) {
            return Ok(known?);
        }
        let tenant = TenantId::try_from(tenant).map_err(|_| ResolveError::ActivationNotFound)?;
        // In a box: seldom waited for, and every exchange would carry it.
        Ok(Box::pin(vault.activation(found.connection, &tenant)).await?)
    }
}
