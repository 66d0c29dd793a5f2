//! From a connection and a tenant to whoever holds the credential.
use super::ResolveError;
use crate::catalog::Connection;
use crate::catalog::Fetched;
use crate::catalog::Holder;
use crate::catalog::Kind;
use crate::model::TenantId;

/// Who holds the credential: the connection itself, the tenant's activation, or the test credentials.
///
/// A switched-off activation answers as one that is not there. One in a file comes before a stored one.
pub fn holder<'s>(
    connection: &'s Connection,
    tenant: Option<&str>,
    test: bool,
    fetched: Fetched<'s>,
) -> Result<(&'s Holder, Option<&'s TenantId>), ResolveError> {
    let (activations, test_holder) = match &connection.kind {
        Kind::Standard(_) if test => return Err(ResolveError::NoTestCredentials),
        Kind::Standard(holder) => return Ok((holder, None)),
        Kind::Embedded { activations, test, .. } => (activations, test),
    };
    if test {
        let holder = test_holder.as_deref().ok_or(ResolveError::NoTestCredentials)?;
        return Ok((holder, None));
    }
    let tenant = tenant.ok_or(ResolveError::TenantRequired)?;
    let activation = match (activations.get(tenant), fetched) {
        (Some(activation), _) => activation,
        (None, Fetched::Activation(activation)) => activation,
        (None, Fetched::Unasked) => return Err(ResolveError::Unfetched),
        (None, Fetched::NoStore | Fetched::Missing { any: false }) if activations.is_empty() => {
            return Err(ResolveError::EmbeddedNotActivated);
        }
        (None, Fetched::NoStore | Fetched::Missing { .. }) => {
            return Err(ResolveError::ActivationNotFound);
        }
    };
    if !activation.enabled {
        return Err(ResolveError::ActivationNotFound);
    }
    Ok((&activation.holder, Some(&activation.tenant)))
}
