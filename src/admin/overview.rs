//! `GET /v1/overview`: how many there are of everything, and how many fail or are going to.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::grants::EXPIRING;
use super::tenants;
use super::time;
use crate::catalog::Auth;
use crate::catalog::Declared;
use crate::catalog::Kind;
use crate::catalog::Section;
use crate::store::FailingConnections;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;

/// How many there are, of what files declare and of what is stored.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Overview {
    connectors: i64,
    connections: OfConnections,
    integrations: i64,
    environments: OfEnvironments,
    /// Those that are activated somewhere, or that something was written of.
    tenants: i64,
    activations: OfActivations,
    callers: i64,
    /// Connections that receive webhooks.
    hooks: i64,
    /// When it was counted, RFC 3339, UTC: a moment ago, since a million takes a while.
    as_of: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct OfConnections {
    total: i64,
    embedded: i64,
    disabled: i64,
    /// Enabled ones whose requests fail: not sound, of another origin than was confirmed, or with a grant or a
    /// credential of their own that is not good any more.
    failing: i64,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct OfEnvironments {
    total: i64,
    deployed: i64,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct OfActivations {
    total: i64,
    /// Those whose grant fails: nothing but a person's consent brings most of them back.
    failing: i64,
    /// Those whose credential upstreams refuse, as far as requests have shown.
    refused: i64,
    /// Those whose grant ends within seven days.
    dying_7d: i64,
}

/// `GET /v1/overview`
pub(super) async fn overview(call: Call) -> Result<Answer, ApiError> {
    let overview = call.api.overview.or_ask(counted(&call)).await?;
    Answer::of(&overview)
}

/// What is stored under a key that a file declares as well, which is not what there is.
#[derive(Debug, Default)]
struct Shadowed {
    connectors: i64,
    connections: i64,
    embedded: i64,
    disabled: i64,
    integrations: i64,
    environments: i64,
    deployed: i64,
    callers: i64,
    tenants: i64,
}

async fn counted(call: &Call) -> Result<Overview, ApiError> {
    let (stored, own, shadowed) = match call.api.backing() {
        None => Default::default(),
        Some(backing) => {
            let soon_ms = i64::try_from(EXPIRING.as_millis()).unwrap_or(i64::MAX);
            let of_store = |it| ApiError::of_store(it, "count", "");
            let counts = backing.store.counts(&call.scope(), soon_ms).await.map_err(of_store)?;
            let own = backing.store.failing_connections(&call.scope()).await.map_err(of_store)?;
            (counts, own, shadowed(call).await?)
        }
    };
    let snapshot = call.api.live.snapshot_full();
    let declared = |section: Section| -> Vec<&Declared> {
        snapshot.declared().all(section).map(|it| it.1).collect()
    };
    let with = |all: &[&Declared], member: &str, is: bool, unless: bool| -> i64 {
        let of = |it: &&&Declared| it.definition()[member].as_bool().unwrap_or(unless) == is;
        number(all.iter().filter(of).count())
    };
    let connections = declared(Section::Connections);
    let environments = declared(Section::Environments);
    let of_files = |it: &Kind| match it {
        Kind::Embedded { activations, .. } => activations.len(),
        Kind::Standard(_) => 0,
    };
    let in_files: usize = snapshot.connections().map(|it| of_files(&it.kind)).sum();
    let hooks = snapshot.connections().filter(|it| matches!(it.method.auth, Auth::Inbound(_)));
    let disabled = stored.disabled - shadowed.disabled + with(&connections, "enabled", false, true);
    let total = stored.connections - shadowed.connections + number(connections.len());
    Ok(Overview {
        connectors: stored.connectors - shadowed.connectors
            + number(declared(Section::Connectors).len()),
        connections: OfConnections {
            total,
            embedded: stored.embedded - shadowed.embedded
                + with(&connections, "embedded", true, false),
            disabled,
            failing: failing(call, &own, total - disabled),
        },
        integrations: stored.integrations - shadowed.integrations
            + number(declared(Section::Integrations).len()),
        environments: OfEnvironments {
            total: stored.environments - shadowed.environments + number(environments.len()),
            deployed: stored.deployed - shadowed.deployed
                + with(&environments, "deployed", true, false),
        },
        tenants: stored.tenants - shadowed.tenants + number(tenants::in_files(&snapshot).len()),
        activations: OfActivations {
            total: stored.activations + number(in_files),
            failing: stored.activations_failing,
            refused: stored.activations_refused,
            dying_7d: stored.activations_dying,
        },
        callers: stored.callers - shadowed.callers + number(declared(Section::Callers).len()),
        hooks: number(hooks.count()),
        as_of: time::shown(call.now_ms()),
    })
}

/// Of `enabled` connections: those that are not served, and those of which what they hold is not good.
fn failing(call: &Call, own: &FailingConnections, enabled: i64) -> i64 {
    let snapshot = call.api.live.snapshot_full();
    let owners: HashSet<&str> = own.owners.iter().map(String::as_str).collect();
    let keys: HashSet<&str> = own.keys.iter().map(String::as_str).collect();
    let (mut served, mut failing) = (0, 0);
    for connection in snapshot.connections().filter(|it| it.enabled) {
        served += 1;
        let fails = snapshot.elsewhere(&connection.key).is_some()
            || owners.contains(&*connection.owner)
            || keys.contains(connection.key.as_str());
        failing += i64::from(fails);
    }
    // One was written between the two looks, at worst.
    failing + (enabled - served).max(0)
}

async fn shadowed(call: &Call) -> Result<Shadowed, ApiError> {
    let store = &call.api.store()?.store;
    let snapshot = call.api.live.snapshot_full();
    let scope = call.scope();
    let of = |section: Section| -> Vec<&str> {
        snapshot.declared().all(section).map(|it| it.0.as_str()).collect()
    };
    let failed = |it| ApiError::of_store(it, "count", "");
    let connectors =
        store.connectors().several(&scope, &of(Section::Connectors)).await.map_err(failed)?;
    let connections = store.connections().several(&scope, &of(Section::Connections)).await;
    let connections = connections.map_err(failed)?.rows;
    let integrations = store.integrations().several(&scope, &of(Section::Integrations)).await;
    let environments = store.environments().several(&scope, &of(Section::Environments)).await;
    let environments = environments.map_err(failed)?.rows;
    let callers = store.callers().several(&scope, &of(Section::Callers)).await.map_err(failed)?;
    let tenants: Vec<&str> = tenants::in_files(&snapshot).into_iter().collect();
    let tenants = store.tenants().count_known(&scope, &tenants).await;
    Ok(Shadowed {
        connectors: number(connectors.rows.len()),
        connections: number(connections.len()),
        embedded: number(connections.iter().filter(|it| it.value.embedded).count()),
        disabled: number(connections.iter().filter(|it| !it.value.enabled).count()),
        integrations: number(integrations.map_err(failed)?.rows.len()),
        environments: number(environments.len()),
        deployed: number(environments.iter().filter(|it| it.value.deployed).count()),
        callers: number(callers.rows.len()),
        tenants: number(tenants.map_err(failed)?),
    })
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
