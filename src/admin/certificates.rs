//! Certificates that holders show APIs: which are about to end, and none that has ended is set.
use super::activations;
use super::call::Call;
use super::connections::OWN;
use super::credentials;
use super::credentials::Where;
use super::error::ApiError;
use super::grants;
use super::time;
use crate::catalog::Connection;
use crate::catalog::Holder;
use crate::catalog::Kind;
use crate::config::Step;
use crate::config::pointer;
use crate::model::TenantId;
use crate::seal::Slot;
use crate::store::Behind;
use crate::store::Found;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Stored activations that are open in memory at the same time.
const PAGE: u32 = 200;

/// Stored activations of one connection that are looked at: opening one costs microseconds.
const LOOKED_AT_MAX: usize = 20_000;

/// A certificate that ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ending {
    /// Unix milliseconds.
    pub at_ms: i64,
    pub owner: String,
    /// Empty where it is the connection's own.
    pub tenant: String,
    /// As it is stored.
    pub slot: &'static str,
    pub connection: String,
    /// SHA-256 in hex.
    pub fingerprint: String,
}

/// Those that end until then, the earliest first: of connections and activations, in files or stored.
pub(super) async fn ending(call: &Call, until_ms: i64) -> Result<Vec<Ending>, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let mut all = Vec::new();
    for shown in snapshot.certificates() {
        let connection = shown.connection;
        let tenant = shown.tenant.map_or("", TenantId::as_str);
        let slot = match (shown.is_test, shown.tenant) {
            (true, _) => Slot::Test,
            (false, None) => Slot::Own,
            (false, Some(_)) => Slot::Activation,
        };
        all.push(Ending {
            at_ms: ms(shown.certificate.not_after().as_ms()),
            owner: connection.owner.to_string(),
            tenant: tenant.to_owned(),
            slot: slot.as_str(),
            connection: connection.key.to_string(),
            fingerprint: shown.certificate.fingerprint(),
        });
    }
    let embedded = snapshot.connections().filter(|it| {
        it.method.auth.shows_certificate() && matches!(it.kind, Kind::Embedded { .. })
    });
    for connection in embedded {
        stored(call, connection, &mut all).await?;
    }
    all.retain(|it| it.at_ms <= until_ms);
    all.sort_unstable();
    Ok(all)
}

/// Of the connection's stored activations; those that do not open, or are not sound, have none.
async fn stored(
    call: &Call,
    connection: &Arc<Connection>,
    all: &mut Vec<Ending>,
) -> Result<(), ApiError> {
    let backing = call.api.store()?;
    let (owner, mut looked_at) = (&*connection.owner, 0);
    let mut after: Option<(String, String)> = None;
    while looked_at < LOOKED_AT_MAX {
        let behind = after.as_ref().map(|it| (&*it.0, &*it.1));
        let page = backing.store.activations().all(&call.scope(), Some(owner), behind, PAGE).await;
        let page = page.map_err(|it| ApiError::of_store(it, grants::NOUN, ""))?;
        let Behind { found, last, .. } = page;
        let Some(last) = last else { return Ok(()) };
        after = Some(last);
        looked_at += found.len();
        for one in &found {
            all.extend(of_stored(call, connection, one).await);
        }
    }
    tracing::warn!(connection = %connection.key, "it has more activations than are looked at for certificates that end");
    Ok(())
}

async fn of_stored(
    call: &Call,
    connection: &Arc<Connection>,
    (stored, sealed): &Found,
) -> Option<Ending> {
    let row = &stored.value;
    let (owner, tenant) = (&*row.owner, &*row.tenant);
    let at = Where { owner, tenant, slot: Slot::Activation, member: OWN };
    let keys = &call.api.store().ok()?.keys;
    let credential = credentials::opened(keys, at, sealed.as_ref()?).await?;
    let name = TenantId::try_from(tenant).ok()?;
    let variables = activations::variables(row);
    let activation = connection.activation(name, row.enabled, &variables, credential).ok()?;
    let certificate = activation.holder.certificate()?;
    Some(Ending {
        at_ms: ms(certificate.not_after().as_ms()),
        owner: owner.to_owned(),
        tenant: tenant.to_owned(),
        slot: Slot::Activation.as_str(),
        connection: connection.key.to_string(),
        fingerprint: certificate.fingerprint(),
    })
}

/// Refuses a credential that is being set and whose certificate has ended. `member`: what it is sent as.
pub(super) fn refuse_ended(
    call: &Call,
    holder: Option<&Holder>,
    set: &BTreeSet<String>,
    member: &str,
) -> Result<(), ApiError> {
    let certificate = holder.and_then(Holder::certificate);
    let Some(certificate) = certificate.filter(|it| it.not_after() <= call.now()) else {
        return Ok(());
    };
    let Some(field) = ["certificate", "pkcs12"].into_iter().find(|it| set.contains(*it)) else {
        return Ok(());
    };
    let end = time::shown(ms(certificate.not_after().as_ms()));
    let problem = format!("the certificate has ended: it was good until {end}");
    let pointer = pointer([Step::Key(member), Step::Key(field)]);
    Err(ApiError::invalid(pointer, problem, "send the one that was issued in its place"))
}

fn ms(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
