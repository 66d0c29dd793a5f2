//! `/v1/environments/{environment}/activations/{tenant}`: a tenant in a whole environment, all or none.
use super::activations::Draft;
use super::activations::Under;
use super::answer::Answer;
use super::call::Call;
use super::connection_uses;
use super::connections::Connections;
use super::credentials;
use super::definition;
use super::definition::Definition;
use super::environments::Environments;
use super::error::ApiError;
use super::error::Fault;
use super::farewells::Farewell;
use super::sent;
use super::sent::Members;
use super::shape;
use super::uses::Change;
use super::uses::Use;
use super::uses::Uses;
use crate::catalog::Environment;
use crate::catalog::Kind;
use crate::catalog::Section;
use crate::catalog::drop_nulls;
use crate::config::Step;
use crate::config::pointer;
use crate::model::TenantId;
use crate::store::Activation;
use crate::store::Expect;
use crate::store::Hold;
use crate::store::StoreError;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

/// The member that holds what is sent, by connection.
const CONNECTIONS: &str = "connections";

/// What a deactivation in an environment would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deactivation {
    /// The tenant's activations that would go, each with the key of its connection.
    activations: Vec<Use>,
    /// The other environments that assign these connections, under which alias: there they would be gone as well.
    /// Of each connection the first hundred.
    environments: Vec<Use>,
}
/// How often it is tried again because somebody else wrote meanwhile.
const TRIES_MAX: usize = 5;

/// `GET`: for each embedded connection that the environment assigns, whether the tenant is activated.
pub(super) async fn read(call: Call) -> Result<Answer, ApiError> {
    let tenant = call.tenant()?;
    let environment = served(&call).await?;
    told(&call, &environment, &tenant).await
}

/// `PUT`: activates the tenant under every embedded connection that the environment assigns. One that
/// is left out keeps the activation that it has.
pub(super) async fn replace(mut call: Call) -> Result<Answer, ApiError> {
    let tenant = call.tenant()?;
    let mut members = Value::Object(call.take_object()?);
    drop_nulls(&mut members);
    sent::check_texts(&members)?;
    let environment = served(&call).await?;
    let activated = activate(&call, &tenant, members).await;
    if call.flag("dry_run")? {
        let uses = Uses::of_activations(standing(&call, &environment, &tenant).await?);
        return Answer::of(&Change::of(activated, uses)?);
    }
    activated?;
    told(&call, &environment, &tenant).await
}

async fn activate(call: &Call, tenant: &TenantId, members: Value) -> Result<(), ApiError> {
    let sent = by_connection(members)?;
    for _ in 0..TRIES_MAX {
        match attempt(call, tenant, sent.clone()).await {
            // Somebody has changed what it was decided on.
            Err(ApiError::Stale(_)) => {}
            outcome => return outcome,
        }
    }
    Err(ApiError::StoreUnavailable("Others change it all the time: try again."))
}

async fn attempt(call: &Call, tenant: &TenantId, mut sent: Members) -> Result<(), ApiError> {
    let (keys, mut holds) = assigned(call).await?;
    let (mut drafts, mut faults) = (Vec::new(), Vec::new());
    for key in keys {
        let under = Under::named(call, &key).await?;
        let sent = sent.shift_remove(&key);
        match sent {
            Some(Value::Object(members)) => {
                match under.draft(call, tenant, members, Expect::Anything).await {
                    Ok(draft) => drafts.push(draft),
                    Err(ApiError::Invalid(inner)) => {
                        let at = pointer([Step::Key(CONNECTIONS), Step::Key(&key)]);
                        faults.extend(
                            inner
                                .into_iter()
                                .map(|it| Fault { pointer: format!("{at}{}", it.pointer), ..it }),
                        );
                    }
                    Err(error) => return Err(error),
                }
            }
            Some(_) => faults.push(fault(&key, "expected an object", "")),
            None if under.declared(tenant.as_str()).is_some() => {}
            None if under.find(call, tenant).await?.is_some() => {
                holds.push(Hold::Activation { owner: under.owner, tenant: tenant.to_string() });
            }
            None => faults.push(fault(
                &key,
                "the tenant has no activation of this connection yet",
                "all that the environment assigns are activated, or none",
            )),
        }
    }
    for (key, _) in sent {
        let problem = "the environment assigns no such embedded connection";
        faults.push(fault(&key, problem, "leave it out"));
    }
    if !faults.is_empty() {
        return Err(ApiError::Invalid(faults));
    }
    write(call, tenant, &drafts, &holds).await
}

/// The embedded connections that the environment in the path assigns, and what of that has to hold when it is
/// written: as it is stored right now, where it is stored.
async fn assigned(call: &Call) -> Result<(Vec<String>, Vec<Hold>), ApiError> {
    let environment = served(call).await?;
    let key = environment.key.as_str();
    let (mut keys, mut holds) = (Vec::new(), Vec::new());
    let snapshot = call.api.live.snapshot_full();
    let assigned: Vec<String> = match snapshot.declared().find(Section::Environments, key) {
        Some(_) => environment.assignments().map(|it| it.connection.key.to_string()).collect(),
        None => {
            let stored = definition::found::<Environments>(call, key).await?;
            holds.push(Hold::Environment { key: stored.key, version: stored.version });
            stored.value.assign().values().cloned().collect()
        }
    };
    for key in assigned {
        if keys.contains(&key) {
            continue;
        }
        let is_embedded = match snapshot.declared().find(Section::Connections, &key) {
            Some(_) => snapshot.connection(&key).is_some_and(|it| it.shared().is_some()),
            None => {
                let stored = definition::found::<Connections>(call, &key).await?;
                let version = stored.version;
                holds.push(Hold::Connection { key: key.clone(), version });
                stored.value.embedded
            }
        };
        if is_embedded {
            keys.push(key);
        }
    }
    Ok((keys, holds))
}

async fn write(
    call: &Call,
    tenant: &TenantId,
    drafts: &[Draft],
    holds: &[Hold],
) -> Result<(), ApiError> {
    let seals: Vec<_> = drafts.iter().map(|it| credentials::sealing(&it.change)).collect();
    let all: Vec<Activation<'_>> = drafts
        .iter()
        .zip(&seals)
        .map(|(draft, seal)| Activation {
            row: draft.row.clone(),
            secrets: credentials::secrets(&draft.change, seal),
            condition: draft.condition(),
        })
        .collect();
    let store = call.writer()?;
    let written = store.activations().put_all(&call.scope(), &all, holds).await;
    let written = written.map_err(|it| match it {
        StoreError::NotFound | StoreError::Conflict { .. } => ApiError::gone(),
        error => ApiError::of_store(error, "activation", tenant.as_str()),
    })?;
    if let Some(last) = written.iter().map(|it| it.revision).max() {
        call.served(last).await;
    }
    Ok(())
}

/// `DELETE`: deactivates the tenant under every embedded connection that the environment assigns, where
/// it is; other environments that assign the same ones lose it as well.
pub(super) async fn delete(call: Call) -> Result<Answer, ApiError> {
    let tenant = call.tenant()?;
    let environment = served(&call).await?;
    let mut owners = Vec::new();
    for key in embedded(&environment) {
        let under = Under::named(&call, &key).await?;
        under.refuse_declared(&tenant)?;
        owners.push(under.owner);
    }
    if call.flag("dry_run")? {
        return Answer::of(&deactivation(&call, &environment, &tenant).await?);
    }
    let all: Vec<_> =
        owners.iter().map(|it| (it.as_str(), tenant.as_str(), Expect::Anything.into())).collect();
    let store = &call.api.store()?.store;
    let gone: Vec<_> = all.iter().map(|it| (it.0, it.1)).collect();
    let farewell = Farewell::of_activations(&call, &gone).await;
    let deleted = store.activations().delete_all(&call.scope(), &all).await;
    let revision = deleted.map_err(|it| ApiError::of_store(it, "activation", tenant.as_str()))?;
    farewell.say(&call.api);
    call.served(revision).await;
    Ok(Answer::nothing())
}

async fn deactivation(
    call: &Call,
    environment: &Environment,
    tenant: &TenantId,
) -> Result<Deactivation, ApiError> {
    let activations = standing(call, environment, tenant).await?;
    let mut environments: Vec<Use> = Vec::new();
    for key in activations.iter().filter_map(|it| it.key.as_deref()) {
        let assigning = connection_uses::environments(call, key).await?;
        let others = assigning.into_iter();
        let others = others.filter(|it| it.key.as_deref() != Some(environment.key.as_str()));
        for other in others {
            if !environments.contains(&other) {
                environments.push(other);
            }
        }
    }
    Ok(Deactivation { activations, environments })
}

/// The activations that the tenant has in the environment.
async fn standing(
    call: &Call,
    environment: &Environment,
    tenant: &TenantId,
) -> Result<Vec<Use>, ApiError> {
    let mut standing = Vec::new();
    for key in embedded(environment) {
        let under = Under::named(call, &key).await?;
        if is_active(call, &under, tenant).await? {
            standing.push(Use::of_activation(key, tenant.as_str()));
        }
    }
    Ok(standing)
}

/// The environment in the path, as it is served.
async fn served(call: &Call) -> Result<Arc<Environment>, ApiError> {
    let key = Environments::key(call)?;
    if let Some(environment) = call.api.live.snapshot_full().environment(&key) {
        return Ok(Arc::clone(environment));
    }
    let stored = definition::found::<Environments>(call, &key).await?;
    let problem = format!("the environment `{}` is not sound itself", stored.key);
    Err(ApiError::invalid("", problem, "mend it first"))
}

/// The keys of the embedded connections that it assigns, each once.
fn embedded(environment: &Environment) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for assignment in environment.assignments() {
        let connection = &assignment.connection;
        let key = connection.key.to_string();
        if matches!(connection.kind, Kind::Embedded { .. }) && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn by_connection(members: Value) -> Result<Members, ApiError> {
    let Value::Object(mut members) = members else { return Err(ApiError::Internal) };
    let sent = members.shift_remove(CONNECTIONS);
    sent::without(&mut members, &["environment", "tenant", "activated"]);
    if let Some(unknown) = members.keys().next() {
        let problem = format!("unknown field `{unknown}`, expected `{CONNECTIONS}`");
        return Err(ApiError::invalid(pointer([Step::Key(unknown)]), problem, ""));
    }
    match sent {
        None => Ok(Members::new()),
        Some(Value::Object(sent)) => Ok(sent),
        Some(_) => {
            let problem = "expected a map of activations by connection";
            Err(ApiError::invalid(pointer([Step::Key(CONNECTIONS)]), problem, ""))
        }
    }
}

async fn is_active(call: &Call, under: &Under, tenant: &TenantId) -> Result<bool, ApiError> {
    if under.declared(tenant.as_str()).is_some() {
        return Ok(true);
    }
    Ok(under.find(call, tenant).await?.is_some())
}

async fn told(
    call: &Call,
    environment: &Environment,
    tenant: &TenantId,
) -> Result<Answer, ApiError> {
    let mut connections = Members::new();
    for key in embedded(environment) {
        let under = Under::named(call, &key).await?;
        let active = is_active(call, &under, tenant).await?;
        connections.insert(key, active.into());
    }
    let activated = connections.values().all(|it| it.as_bool().unwrap_or_default());
    Ok(Answer::ok(json!({
        "environment": environment.key.as_str(),
        "tenant": tenant.as_str(),
        "activated": activated && !connections.is_empty(),
        CONNECTIONS: connections,
    })))
}

fn fault(key: &str, problem: &str, hint: &str) -> Fault {
    let pointer = pointer([Step::Key(CONNECTIONS), Step::Key(key)]);
    Fault { pointer, problem: problem.to_owned(), hint: hint.to_owned() }
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    let shown = json!({
        "description": "A tenant in an environment.",
        "type": "object",
        "required": ["environment", "tenant", "activated", CONNECTIONS],
        "properties": {
            "environment": { "type": "string" },
            "tenant": { "type": "string" },
            "activated": {
                "description": "Whether it is activated under every one of them, and there is one.",
                "type": "boolean",
            },
            CONNECTIONS: {
                "description": "The embedded connections that the environment assigns, and whether it is activated under each.",
                "type": "object",
                "additionalProperties": { "type": "boolean" },
            },
        },
    });
    shape::kept(generator, "EnvironmentActivation", shown)
}

pub(super) fn body(generator: &mut SchemaGenerator) -> Schema {
    let activation = super::activations::body(generator);
    let sent = json!({
        "description": "An activation for each embedded connection that the environment assigns.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            CONNECTIONS: { "type": "object", "additionalProperties": activation },
        },
    });
    shape::kept(generator, "EnvironmentActivationBody", sent)
}
