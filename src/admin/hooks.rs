//! `GET /v1/hooks`: the connections that take webhooks, and what became of what came to them.
use super::answer::Answer;
use super::call::Call;
use super::cursor;
use super::error::ApiError;
use super::shape;
use super::time;
use super::unreadable;
use crate::catalog::Auth;
use crate::catalog::Connection;
use crate::catalog::Kind;
use crate::deliveries::Deliveries;
use crate::model::DeliveryVerdict;
use crate::store::DeliveryCount;
use crate::vault::Vault;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

/// What works on webhooks.
#[derive(Clone)]
pub struct Hooks {
    pub deliveries: Arc<Deliveries>,
    /// The stored activations, where there is a store.
    pub vault: Option<Arc<Vault>>,
}

/// A connection that takes webhooks.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "Hook")]
struct Hook {
    connection: String,
    name: String,
    connector: String,
    /// What the sender is given; where each tenant has an address of its own, `{tenant}` stands for the tenant's id.
    /// None where nobody has said what the internet knows the listener by.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The description that comes with attache, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<String>,
    embedded: bool,
    enabled: bool,
    /// Of the deliveries that are kept.
    counts: Counts,
    /// Deliveries that were not verified and are not kept, as more came of them in a minute than are: as this process
    /// has counted since it began.
    left_out: u64,
    /// When the newest came that is kept: RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_at: Option<String>,
}

/// How many deliveries came to what.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename = "DeliveryCounts")]
struct Counts {
    accepted: u64,
    repeated: u64,
    refused: u64,
    failed: u64,
    handshake: u64,
}

/// `GET /v1/hooks`: by key.
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let after = page.after.as_deref().unwrap_or_default();
    let snapshot = call.api.live.snapshot_full();
    let takes = |it: &&Arc<Connection>| matches!(it.method.auth, Auth::Inbound(_));
    let behind = snapshot.connections().filter(takes).filter(|it| it.key.as_str() > after);
    let mut found: Vec<_> = behind.cloned().collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    let limit = page.limit as usize;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let counts = call.api.hook_counts.or_ask(counted(&call)).await?;
    let items = found.iter().map(|it| json!(hook(&call, it, &counts))).collect();
    let last = found.last().filter(|_| has_more);
    let next = last.map(|it| cursor::behind(&call.path, it.key.as_str()));
    Ok(unreadable::page(&call, items, next, &[]))
}

/// Of all of them, by owner: what one page asked for is good for the next.
async fn counted(call: &Call) -> Result<Arc<[DeliveryCount]>, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let takes = |it: &&Arc<Connection>| matches!(it.method.auth, Auth::Inbound(_));
    let owners: Vec<&str> = snapshot.connections().filter(takes).map(|it| &*it.owner).collect();
    let counts = call.api.hooks.deliveries.counts(&call.scope(), &owners).await;
    let mut counts = counts.map_err(|it| ApiError::of_store(it, "delivery", ""))?;
    counts.sort_by(|a, b| a.owner.cmp(&b.owner));
    Ok(counts.into())
}

fn hook(call: &Call, connection: &Connection, all: &[DeliveryCount]) -> Hook {
    let (mut counts, mut last_ms) = (Counts::default(), None);
    let from = all.partition_point(|it| *it.owner < *connection.owner);
    for it in all[from..].iter().take_while(|it| *it.owner == *connection.owner) {
        let count = match it.verdict {
            DeliveryVerdict::Accepted => &mut counts.accepted,
            DeliveryVerdict::Repeated => &mut counts.repeated,
            DeliveryVerdict::Refused => &mut counts.refused,
            DeliveryVerdict::Failed => &mut counts.failed,
            DeliveryVerdict::Handshake => &mut counts.handshake,
        };
        *count += it.count;
        last_ms = last_ms.max(Some(it.last_ms));
    }
    let embedded = matches!(connection.kind, Kind::Embedded { .. });
    let each = if embedded && connection.shared_verifier().is_none() { "@{tenant}" } else { "" };
    let key = connection.key.as_str();
    let public_url = call.api.connecting.public_url.as_ref();
    let method: Value = serde_json::from_str(&connection.method.definition).unwrap_or_default();
    Hook {
        connection: key.to_owned(),
        name: connection.name.clone(),
        connector: connection.connector.as_str().to_owned(),
        url: public_url.map(|it| format!("{it}/hooks/{key}{each}")),
        preset: method["hmac"]["preset"].as_str().map(str::to_owned),
        embedded,
        enabled: connection.enabled,
        counts,
        left_out: call.api.hooks.deliveries.left_out(&connection.key),
        last_at: last_ms.map(time::shown),
    }
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = generator.subschema_for::<Hook>();
    shape::page(generator, "HookPage", item)
}
