//! What the store has for a request: its tenant's activation, where the files have none, and whether what
//! is known of it is recent enough.
use super::Proxy;
use super::error::ProxyError;
use super::tally::Tally;
use crate::catalog::Caller;
use crate::catalog::Fetched;
use crate::catalog::Section;
use crate::catalog::Snapshot;
use crate::model::TenantId;
use crate::resolve;
use crate::resolve::ResolveError;
use crate::resolve::Tags;
use crate::vault::Asker;
use crate::vault::Found;
use crate::vault::VaultError;

/// What is known of an activation.
pub(super) struct Known {
    pub(super) found: Found,
    /// It was looked up, and the request counted for that.
    pub(super) is_admitted: bool,
}

/// Refuses what rests on a stored caller, connection or environment: for while nothing that is stored
/// counts. What stands in files goes on.
pub(super) fn refuse_stored(
    snapshot: &Snapshot,
    caller: &Caller,
    tags: Option<&Tags<'_>>,
) -> Result<(), VaultError> {
    let declared = snapshot.declared();
    let is_stored = |section, key: &str| declared.find(section, key).is_none();
    let found = tags.and_then(|it| resolve::find(snapshot, it));
    // What it may not see answers as what is not there, now as ever.
    let found = found.filter(|it| caller.may_use_connection(it.connection));
    let rests_on_stored = is_stored(Section::Callers, caller.key.as_str())
        || found.is_some_and(|it| {
            is_stored(Section::Connections, it.connection.key.as_str())
                || it
                    .environment
                    .is_some_and(|it| is_stored(Section::Environments, it.key.as_str()))
        });
    if rests_on_stored { Err(VaultError::Stale) } else { Ok(()) }
}

impl Proxy {
    /// Whether there is a store to be asked.
    pub(super) fn unasked(&self) -> Fetched<'static> {
        if self.vault.is_some() { Fetched::Unasked } else { Fetched::NoStore }
    }

    /// What is known of the activation that these tags name, else what the store says: the request counts
    /// before it is asked.
    pub(super) async fn fetch(
        &self,
        snapshot: &Snapshot,
        tags: &Tags<'_>,
        caller: &Caller,
        tally: &mut Tally,
    ) -> Result<Known, ProxyError> {
        let connection =
            resolve::find(snapshot, tags).ok_or(ResolveError::ConnectionNotFound)?.connection;
        let tenant = tags.tenant.as_deref().ok_or(ResolveError::TenantRequired)?;
        let vault = self.vault.as_ref().ok_or(ResolveError::ActivationNotFound)?;
        if let Some(known) = vault.known(connection, tenant, tally.began()) {
            return Ok(Known { found: known?, is_admitted: false });
        }
        let tenant = TenantId::try_from(tenant).map_err(|_| ResolveError::ActivationNotFound)?;
        tally.record.connection = Some(connection.key.clone());
        tally.record.connector = Some(connection.connector.clone());
        self.rates.admit(Some(caller), connection, Some(&tenant), tally.began())?;
        // In a box: seldom waited for, and every exchange would carry it.
        let found =
            Box::pin(vault.activation(connection, &tenant, Asker::Caller(&caller.key))).await?;
        Ok(Known { found, is_admitted: true })
    }
}
