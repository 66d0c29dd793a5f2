//! Who would not work any more after an edit: those who work now, and are asked as they would be then.
use super::call::Call;
use super::connections::OWN;
use super::credentials;
use super::credentials::Where;
use super::environments;
use super::error::ApiError;
use super::sent;
use super::uses::Use;
use super::uses::UseKind;
use crate::catalog::Connection;
use crate::catalog::PathSegment;
use crate::catalog::RawEnvironment;
use crate::catalog::RawIntegration;
use crate::catalog::Section;
use crate::catalog::Snapshot;
use crate::model::Credential;
use crate::model::Key;
use crate::model::TenantId;
use crate::seal::Slot;
use crate::store::EnvironmentRow;
use crate::store::Found;

/// Activations of one connection that are looked at: there may be millions, and each is opened. The first in
/// the order of their tenants.
const ACTIVATIONS_MAX: u32 = 1000;

/// The environments of these that assign something which would not go with it, by alias. `concerns`: which.
pub(super) async fn environments(
    call: &Call,
    next: &Snapshot,
    concerns: impl Fn(&EnvironmentRow) -> bool,
) -> Result<Vec<Use>, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let all = call.api.store()?.store.environments().all(&call.scope()).await;
    let all = all.map_err(|it| ApiError::of_store(it, "environment", ""))?;
    let mut broken = Vec::new();
    for row in all.rows.iter().filter(|it| concerns(&it.value)) {
        if snapshot.declared().find(Section::Environments, &row.key).is_some() {
            continue;
        }
        let Ok(key) = Key::try_from(&*row.key) else { continue };
        let raw: RawEnvironment = sent::read(&environments::members(&row.value))?;
        if snapshot.draft_environment(&key, raw.clone()).is_err() {
            continue;
        }
        let Err(problems) = next.draft_environment(&key, raw) else { continue };
        for problem in &problems {
            // environments, the key, assign, the alias
            let alias = match problem.path.get(3) {
                Some(PathSegment::Key(alias)) => Some(alias.clone()),
                Some(PathSegment::Index(_)) | None => None,
            };
            let it = Use {
                kind: UseKind::Environment,
                key: Some(row.key.clone()),
                alias,
                deployed: Some(row.value.deployed),
                ..Use::default()
            };
            if !broken.contains(&it) {
                broken.push(it);
            }
        }
    }
    Ok(broken)
}

/// The integrations whose links to a connector would name endpoints that it then has not, by alias.
pub(super) async fn integrations(
    call: &Call,
    next: &Snapshot,
    connector: &str,
) -> Result<Vec<Use>, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let endpoints = |it: &Snapshot| it.connector(connector).map(|it| it.endpoints.clone());
    if endpoints(&snapshot) == endpoints(next) {
        return Ok(Vec::new());
    }
    let all = call.api.store()?.store.integrations().all(&call.scope()).await;
    let all = all.map_err(|it| ApiError::of_store(it, "integration", ""))?;
    let mut broken = Vec::new();
    for row in all.rows.iter().filter(|it| it.value.links().values().any(|it| it == connector)) {
        if snapshot.declared().find(Section::Integrations, &row.key).is_some() {
            continue;
        }
        let Ok(key) = Key::try_from(&*row.key) else { continue };
        let raw: RawIntegration = sent::read(&sent::stored(&row.value.definition))?;
        let Err(problems) = next.draft_integration(&key, raw.clone()) else { continue };
        let before = snapshot.draft_integration(&key, raw).err().unwrap_or_default();
        for problem in problems.iter().filter(|it| !before.contains(it)) {
            // integrations, the key, connectors, the alias
            let Some(PathSegment::Key(alias)) = problem.path.get(3) else { continue };
            let it = Use {
                kind: UseKind::Integration,
                key: Some(row.key.clone()),
                alias: Some(alias.clone()),
                ..Use::default()
            };
            if !broken.contains(&it) {
                broken.push(it);
            }
        }
    }
    Ok(broken)
}

/// The tenants whose stored activations would not be sound under the connection as it is to be, or would lead
/// nowhere. `owner`: under which they stand.
pub(super) async fn activations(
    call: &Call,
    owner: &str,
    before: &Connection,
    after: &Connection,
) -> Result<Vec<Use>, ApiError> {
    let (Some(was), Some(is)) = (before.shared(), after.shared()) else { return Ok(Vec::new()) };
    if was.identity() == is.identity() {
        return Ok(Vec::new());
    }
    let store = &call.api.store()?.store;
    let listed = store.activations().of_owner(&call.scope(), owner, None, ACTIVATIONS_MAX).await;
    let listed = listed.map_err(|it| ApiError::of_store(it, "activation", owner))?;
    let mut broken = Vec::new();
    for found in &listed.rows {
        let (row, key) = (&found.0.value, before.key.as_str());
        // One that does not open works neither before nor after.
        let Some(credential) = opened(call, owner, found).await else { continue };
        if leads(before, found, credential.clone()) && !leads(after, found, credential) {
            broken.push(Use {
                kind: UseKind::Activation,
                key: Some(key.to_owned()),
                tenant: Some(row.tenant.clone()),
                ..Use::default()
            });
        }
    }
    Ok(broken)
}

async fn opened(call: &Call, owner: &str, (row, sealed): &Found) -> Option<Credential> {
    let Some(sealed) = sealed else { return Some(Credential::default()) };
    let tenant = row.value.tenant.as_str();
    let at = Where { owner, tenant, slot: Slot::Activation, member: OWN };
    credentials::opened(&call.api.backing()?.keys, at, sealed).await
}

/// Whether the activation is sound, and has a base URL of its own where the connection does.
fn leads(connection: &Connection, (row, _): &Found, credential: Credential) -> bool {
    let Ok(tenant) = TenantId::try_from(&*row.value.tenant) else { return false };
    let variables = super::activations::variables(&row.value);
    let made = connection.activation(tenant, row.value.enabled, &variables, credential);
    made.is_ok_and(|it| it.holder.base.is_some())
}
