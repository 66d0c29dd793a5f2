//! `GET /v1/events`: what happened, the oldest first, for whoever keeps how far it has come.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::time;
use super::unreadable;
use super::unreadable::Unreadable;
use crate::model::EventType;
use crate::store::Event;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Something that happened.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename = "Event")]
pub(super) struct ShownEvent {
    /// Its number: from 1, in the order in which things happened.
    seq: i64,
    /// The same wherever it is told.
    id: String,
    /// RFC 3339, UTC, by the store's clock.
    at: String,
    #[serde(rename = "type")]
    name: String,
    /// The connection that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    data: Value,
}

/// A stretch of events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename = "Events")]
pub(super) struct Feed {
    items: Vec<ShownEvent>,
    /// The `after` of the next call, to be kept: all up to here is told.
    next: i64,
    /// The first that is kept: whoever has not come as far as the one before it has missed some.
    oldest: i64,
    /// What is stored and does not read, which stands among the items otherwise. Left out where all reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
}

impl From<Event> for ShownEvent {
    fn from(it: Event) -> Self {
        let some = |it: String| Some(it).filter(|it| !it.is_empty());
        Self {
            seq: it.seq,
            id: it.id,
            at: time::shown(it.at_ms),
            name: it.name,
            connection: some(it.connection),
            tenant: some(it.tenant),
            environment: some(it.environment),
            data: serde_json::from_str(&it.data).unwrap_or(Value::Null),
        }
    }
}

/// `GET /v1/events`
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let limit = call.page()?.limit;
    let after = match call.query.value("after") {
        None => 0,
        Some(text) => text.parse().ok().filter(|it| *it >= 0).ok_or_else(|| {
            ApiError::BadRequest("`after` is a number: `next` of the call before.".to_owned())
        })?,
    };
    let mut types = Vec::new();
    for name in call.query.value("type").iter().flat_map(|it| it.split(',')) {
        types.push(EventType::named(name).ok_or_else(|| {
            ApiError::BadRequest(format!("`{}` is no type of event.", name.escape_debug()))
        })?);
    }
    let nothing = Feed { items: Vec::new(), next: after, oldest: 0, unreadable: Vec::new() };
    let Some(backing) = call.api.backing() else { return Answer::of(&nothing) };
    let (scope, of_store) = (call.scope(), |it| ApiError::of_store(it, "event", ""));
    let events = backing.store.events();
    // Asked for first: what comes meanwhile is told, and the next call begins behind it.
    let (oldest, last) = events.bounds(&scope).await.map_err(of_store)?;
    let (found, broken) = events.after(&scope, after, &types, limit).await.map_err(of_store)?;
    let is_full = found.len() + broken.len() >= limit as usize;
    let told = found.last().map_or(after, |it| it.seq);
    let unreadable: Vec<_> = broken.iter().map(Unreadable::from).collect();
    if !unreadable.is_empty() {
        unreadable::told(&call, &unreadable);
    }
    // Those of other types are behind as well, where no more of these come.
    let next = if is_full { told } else { told.max(last) };
    let items = found.into_iter().map(ShownEvent::from).collect();
    Answer::of(&Feed { items, next, oldest, unreadable })
}
