//! `CONNECTION@TENANT`, as path tags have it; in a shell the tenant stands as it is.
use std::str::FromStr;

/// A connection, and perhaps a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Holder {
    pub connection: String,
    pub tenant: Option<String>,
}

/// A connection and a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Tenancy {
    pub connection: String,
    pub tenant: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum AddressError {
    #[error("write the connection's key first")]
    NoConnection,
    #[error("write the tenant behind an @: CONNECTION@TENANT")]
    NoTenant,
}

impl FromStr for Holder {
    type Err = AddressError;

    /// No key has an @; a tenant may.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (connection, tenant) = match text.split_once('@') {
            None => (text, None),
            Some((_, "")) => return Err(AddressError::NoTenant),
            Some((connection, tenant)) => (connection, Some(tenant.to_owned())),
        };
        if connection.is_empty() {
            return Err(AddressError::NoConnection);
        }
        Ok(Self { connection: connection.to_owned(), tenant })
    }
}

impl FromStr for Tenancy {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let Holder { connection, tenant } = text.parse()?;
        Ok(Self { connection, tenant: tenant.ok_or(AddressError::NoTenant)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_at_ends_the_connection() {
        let holder: Holder = "crm@someone@example.com".parse().unwrap();
        assert_eq!(holder.connection, "crm");
        assert_eq!(holder.tenant.as_deref(), Some("someone@example.com"));
        assert_eq!("crm".parse::<Holder>().unwrap().tenant, None);
    }

    #[test]
    fn half_an_address_is_none() {
        assert_eq!("crm".parse::<Tenancy>(), Err(AddressError::NoTenant));
        assert_eq!("crm@".parse::<Holder>(), Err(AddressError::NoTenant));
        assert_eq!("@acme".parse::<Holder>(), Err(AddressError::NoConnection));
    }
}
