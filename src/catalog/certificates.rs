//! The certificates that holders show APIs, and when they end.
use super::connection::Connection;
use super::connection::Kind;
use super::holder::Holder;
use super::snapshot::Snapshot;
use crate::crypto::ClientCertificate;
use crate::model::TenantId;
use std::sync::Arc;

/// A holder's certificate.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub connection: &'a Arc<Connection>,
    /// `None` where it is the connection's own.
    pub tenant: Option<&'a TenantId>,
    /// Whether it is that of the connection's test credentials.
    pub is_test: bool,
    pub certificate: &'a ClientCertificate,
}

impl Snapshot {
    /// Of all connections, and of the activations that files declare.
    pub fn certificates(&self) -> impl Iterator<Item = Shown<'_>> {
        let showing = self.connections().filter(|it| it.method.auth.shows_certificate());
        showing.flat_map(|connection| {
            holders(connection).filter_map(move |(tenant, is_test, holder)| {
                let certificate = &**holder.certificate()?;
                Some(Shown { connection, tenant, is_test, certificate })
            })
        })
    }
}

/// With whose they are, and whether they are for tries.
fn holders(
    connection: &Connection,
) -> Box<dyn Iterator<Item = (Option<&TenantId>, bool, &Holder)> + '_> {
    match &connection.kind {
        Kind::Standard(holder) => Box::new([(None, false, holder)].into_iter()),
        Kind::Embedded { activations, test, .. } => {
            let tests = test.iter().map(|it| (None, true, &**it));
            let declared = activations.values().map(|it| (Some(&it.tenant), false, &it.holder));
            Box::new(tests.chain(declared))
        }
    }
}
