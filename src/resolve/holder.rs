//! From a connection and a tenant to whoever holds the credential.
use super::ResolveError;
use crate::catalog::Connection;
use crate::catalog::Holder;
use crate::catalog::Kind;
use crate::model::TenantId;

/// Who holds the credential: the connection itself, the tenant's activation, or the test credentials.
///
/// A switched-off activation answers as one that is not there.
pub fn holder<'s>(
    connection: &'s Connection,
    tenant: Option<&str>,
    test: bool,
) -> Result<(&'s Holder, Option<&'s TenantId>), ResolveError> {
    let (activations, test_holder) = match &connection.kind {
        Kind::Standard(_) if test => return Err(ResolveError::NoTestCredentials),
        Kind::Standard(holder) => return Ok((holder, None)),
        Kind::Embedded { activations, test } => (activations, test),
    };
    if test {
        let holder = test_holder.as_deref().ok_or(ResolveError::NoTestCredentials)?;
        return Ok((holder, None));
    }
    let tenant = tenant.ok_or(ResolveError::TenantRequired)?;
    if activations.is_empty() {
        return Err(ResolveError::EmbeddedNotActivated);
    }
    let activation = activations.get(tenant).filter(|it| it.enabled);
    let activation = activation.ok_or(ResolveError::ActivationNotFound)?;
    Ok((&activation.holder, Some(&activation.tenant)))
}
