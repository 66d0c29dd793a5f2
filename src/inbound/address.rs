//! Which connection a delivery is for, read from its path and nothing else.
use super::error::InboundError;
use crate::catalog::Auth;
use crate::catalog::Connection;
use crate::catalog::Fetched;
use crate::catalog::Holder;
use crate::catalog::Kind;
use crate::catalog::Ready;
use crate::catalog::Snapshot;
use crate::model::TenantId;
use crate::resolve;
use crate::resolve::ResolveError;
use crate::webhook::Refusal;
use crate::webhook::Verifier;
use crate::wire::path_guard;
use http::request::Parts;
use std::sync::Arc;

/// `/hooks/{connection}[@{tenant}]rest`, not yet looked up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'h> {
    pub(super) connection: &'h str,
    pub(super) tenant: Option<std::borrow::Cow<'h, str>>,
    /// Below the connection: begins with a slash, or is empty. It cannot leave a base URL.
    pub(super) rest: &'h str,
}

/// Who receives deliveries to an address.
#[derive(Debug)]
pub(super) struct Receiver<'s> {
    pub(super) connection: &'s Arc<Connection>,
    pub(super) tenant: Option<&'s TenantId>,
    /// None at the address that all tenants share: the delivery says whose it is, once it is verified.
    pub(super) holder: Option<&'s Holder>,
    pub(super) verifier: &'s Arc<Verifier>,
}

impl<'h> Address<'h> {
    pub(super) fn of(path: &'h str) -> Result<Self, InboundError> {
        let path = path.strip_prefix("/hooks/").ok_or(InboundError::NoSuchPath)?;
        let end = path.find('/').unwrap_or(path.len());
        let (segment, rest) = path.split_at(end);
        // A name that no connection can have is the name of none.
        let (connection, tenant) =
            resolve::named(segment).map_err(|_| ResolveError::ConnectionNotFound)?;
        path_guard(rest).map_err(ResolveError::from)?;
        Ok(Self { connection, tenant, rest })
    }

    /// The same with the tenant that the delivery names in a header or its query, where the description says so and
    /// each tenant has a secret of its own: what is named so only chooses whose secret has to fit.
    pub(super) fn named_by(
        self,
        head: &'h Parts,
        snapshot: &Snapshot,
    ) -> Result<Self, InboundError> {
        let Some(connection) = snapshot.connection(self.connection) else { return Ok(self) };
        let Auth::Inbound(description) = &connection.method.auth else { return Ok(self) };
        if connection.shared().is_none() || connection.shared_verifier().is_some() {
            return Ok(self);
        }
        let query = head.uri.query().unwrap_or_default();
        let status = description.failure_status();
        let named = description.tenant_of(&head.headers, query);
        let named = named.map_err(|refusal| InboundError::Refused { refusal, status })?;
        Ok(Self { tenant: named.or(self.tenant), ..self })
    }

    /// The same address with the tenant that a verified delivery has named.
    pub(super) fn of_tenant<'t>(&self, tenant: Option<&'t str>) -> Result<Address<'t>, InboundError>
    where
        'h: 't,
    {
        let tenant = tenant.ok_or(InboundError::NoTenant)?;
        Ok(Address { tenant: Some(tenant.into()), connection: self.connection, rest: self.rest })
    }

    /// Finds who receives. A connection that takes no webhooks answers like one that is not there.
    pub(super) fn find<'s>(
        &self,
        snapshot: &'s Snapshot,
        fetched: Fetched<'s>,
    ) -> Result<Receiver<'s>, InboundError> {
        let connection = snapshot
            .connection(self.connection)
            .filter(|it| matches!(it.method.auth, Auth::Inbound(_)))
            .ok_or(ResolveError::ConnectionNotFound)?;
        if !connection.enabled {
            return Err(ResolveError::ConnectionDisabled.into());
        }
        if matches!(connection.kind, Kind::Standard(_)) && self.tenant.is_some() {
            // Nothing could verify that the delivery is this tenant's.
            return Err(ResolveError::ActivationNotFound.into());
        }
        if let (None, Some(verifier)) = (&self.tenant, connection.shared_verifier()) {
            return Ok(Receiver { connection, tenant: None, holder: None, verifier });
        }
        let (holder, tenant) = resolve::holder(connection, self.tenant.as_deref(), false, fetched)?;
        match &holder.ready {
            Ready::Inbound(verifier) => {
                Ok(Receiver { connection, tenant, holder: Some(holder), verifier })
            }
            Ready::Outbound(_) | Ready::Token(_) => Err(ResolveError::ConnectionNotFound.into()),
        }
    }
}

impl Receiver<'_> {
    /// Refuses a delivery that says of itself that it is another tenant's than its path does: the app's secret, which
    /// all of them are verified with, proves nothing of a path.
    pub(super) fn is_named(&self, tenant: Option<&str>) -> Result<(), InboundError> {
        let own = self.tenant.map(|it| it.as_str());
        let is_shared = self.connection.shared_verifier().is_some();
        if own.is_none() || tenant == own || (tenant.is_none() && !is_shared) {
            return Ok(());
        }
        let status = self.verifier.description().failure_status();
        Err(InboundError::Refused { refusal: Refusal::Mismatch, status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::RawCatalog;

    #[test]
    fn the_path_is_taken_apart_and_the_rest_kept_as_it_is() {
        for (path, connection, tenant, rest) in [
            ("/hooks/github", "github", None, ""),
            ("/hooks/github/", "github", None, "/"),
            ("/hooks/github/a%2Fb//c", "github", None, "/a%2Fb//c"),
            ("/hooks/github@acme", "github", Some("acme"), ""),
            ("/hooks/github@a%40b%2Fc/x@y", "github", Some("a@b/c"), "/x@y"),
        ] {
            let address = Address::of(path).unwrap();
            let parts = (address.connection, address.tenant.as_deref(), address.rest);
            assert_eq!(parts, (connection, tenant, rest), "{path}");
        }
    }

    #[test]
    fn what_is_no_address_says_no_more_than_its_code() {
        for (path, code) in [
            ("/", "not_found"),
            ("/hooks", "not_found"),
            ("/hook/github", "not_found"),
            ("//hooks/github", "not_found"),
            ("/hooks/", "connection_not_found"),
            ("/hooks/GitHub", "connection_not_found"),
            ("/hooks/git%68ub", "connection_not_found"),
            ("/hooks/github@", "connection_not_found"),
            ("/hooks/github@%zz", "connection_not_found"),
            ("/hooks/..", "connection_not_found"),
            ("/hooks/github/..", "path_escapes_base"),
            ("/hooks/github/%2e%2e/x", "path_escapes_base"),
            ("/hooks/github//evil.example", "path_escapes_base"),
        ] {
            let error = Address::of(path).unwrap_err();
            assert_eq!(error.verdict().code.as_str(), code, "{path}");
        }
    }

    #[test]
    fn only_a_webhook_connection_that_is_on_receives() {
        let yaml = r#"
            connectors:
              api:
                base_url: https://api.example.com
                auth: { token: { bearer: {} }, hook: { hmac: { preset: github } } }
            connections:
              out: { connector: api, auth: token, credentials: { token: t } }
              in: { connector: api, auth: hook, base_url: "https://in.example.com", credentials: { secret: s } }
              off: { connector: api, auth: hook, base_url: "https://in.example.com", credentials: { secret: s }, enabled: false }
              each: { connector: api, auth: hook, base_url: "https://in.example.com", embedded: true }
              none: { connector: api, auth: hook, base_url: "https://in.example.com", embedded: true }
            activations:
              - { connection: each, tenant: acme, credentials: { secret: s1 } }
              - { connection: each, tenant: idle, credentials: { secret: s2 }, enabled: false }
        "#;
        let raw: RawCatalog = serde_yaml::from_str(yaml).unwrap();
        let snapshot = Snapshot::build(raw, &mut Vec::new()).unwrap();
        for (path, code) in [
            ("/hooks/in", None),
            ("/hooks/each@acme/x", None),
            ("/hooks/out", Some("connection_not_found")),
            ("/hooks/nope", Some("connection_not_found")),
            ("/hooks/off", Some("connection_disabled")),
            ("/hooks/in@acme", Some("activation_not_found")),
            ("/hooks/each", Some("tenant_required")),
            ("/hooks/each@nope", Some("activation_not_found")),
            ("/hooks/each@ACME", Some("activation_not_found")),
            ("/hooks/each@idle", Some("activation_not_found")),
            ("/hooks/none@acme", Some("embedded_not_activated")),
        ] {
            let found = Address::of(path).unwrap().find(&snapshot, Fetched::NoStore);
            let refused = found.err().map(|it| it.verdict().code.as_str());
            assert_eq!(refused, code, "{path}");
        }
    }
}
