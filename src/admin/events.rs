//! `GET /v1/events`: what happened, the oldest first, for whoever keeps how far it has come.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::time;
use super::unreadable;
use super::unreadable::Unreadable;
use crate::model::EventType;
use crate::model::TimeSpan;
use crate::store::Event;
use crate::store::Store;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

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
    /// One of those that `type` takes, or of a later attache's.
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
    /// The first that is kept, or the next where none is.
    oldest: i64,
    /// The last that there is; 0 before the first.
    last: i64,
    /// What is stored and does not read, which stands among the items otherwise. Left out where all reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
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

/// Longest that an answer is held back: less than what most proxies wait for one.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How often it is looked for what other replicas tell, meanwhile.
const ROUND: Duration = Duration::from_secs(1);

/// What is asked for.
struct Asked {
    /// None: from the oldest that is kept.
    after: Option<i64>,
    types: Vec<EventType>,
    wait: Duration,
    limit: u32,
}

impl Asked {
    fn of(call: &Call) -> Result<Self, ApiError> {
        let bad = |text: &str| ApiError::BadRequest(text.to_owned());
        let number = |text: &str| text.parse().ok().filter(|it| *it >= 0);
        let after = call.query.value("after").map(|it| {
            number(it).ok_or_else(|| bad("`after` is a number: `next` of the call before."))
        });
        let mut types = Vec::new();
        for name in call.query.value("type").iter().flat_map(|it| it.split(',')) {
            types.push(
                EventType::named(name).ok_or_else(|| {
                    bad(&format!("`{}` is no type of event.", name.escape_debug()))
                })?,
            );
        }
        let wait = call.query.value("wait").map(|it| {
            let span = TimeSpan::try_from(it).ok().filter(|it| it.0 <= WAIT_MAX);
            span.ok_or_else(|| bad("`wait` is a duration of at most 60s, such as `30s`."))
        });
        Ok(Self {
            after: after.transpose()?,
            types,
            wait: wait.transpose()?.map(|it| it.0).unwrap_or_default(),
            limit: call.page()?.limit,
        })
    }
}

/// `GET /v1/events`
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let mut asked = Asked::of(&call)?;
    let Some(backing) = call.api.backing() else {
        let next = asked.after.unwrap_or_default();
        let nothing = Feed { items: Vec::new(), next, oldest: 1, last: 0, unreadable: Vec::new() };
        return Answer::of(&nothing);
    };
    let place = match asked.wait.is_zero() {
        true => None,
        false => call.api.followers.try_acquire().ok(),
    };
    let until = Instant::now() + place.as_ref().map_or(Duration::ZERO, |_| asked.wait);
    let mut signals = backing.store.own_signals();
    loop {
        let feed = told(&call, &backing.store, &asked).await?;
        let left = until.saturating_duration_since(Instant::now());
        let has_some = !feed.items.is_empty() || !feed.unreadable.is_empty();
        if has_some || left.is_zero() || call.api.draining.load(Ordering::Relaxed) {
            return Answer::of(&feed);
        }
        asked.after = Some(feed.next);
        // Signals that end say nothing about the store: it is asked in the next round.
        drop(tokio::time::timeout(left.min(ROUND), signals.written()).await);
    }
}

async fn told(call: &Call, store: &Store, asked: &Asked) -> Result<Feed, ApiError> {
    let (scope, of_store) = (call.scope(), |it| ApiError::of_store(it, "event", ""));
    let events = store.events();
    // Asked for first: what comes meanwhile is told, and the next call begins behind it.
    let (oldest, last) = events.bounds(&scope).await.map_err(of_store)?;
    let after = match asked.after {
        None => (oldest - 1).max(0),
        Some(after) if after < oldest - 1 => {
            return Err(ApiError::Forgotten { after, oldest, last });
        }
        Some(after) if after > last => return Err(ApiError::NotYet { after, oldest, last }),
        Some(after) => after,
    };
    let found = events.after(&scope, after, &asked.types, asked.limit).await;
    let (found, broken) = found.map_err(of_store)?;
    let is_full = found.len() + broken.len() >= asked.limit as usize;
    let read = found.iter().map(|it| it.seq);
    let told = read.chain(unreadable::numbers(&broken)).max().unwrap_or(after);
    let unreadable: Vec<_> = broken.iter().map(Unreadable::from).collect();
    if !unreadable.is_empty() {
        unreadable::told(call, &unreadable);
    }
    // Those of other types are behind as well, where no more of these come.
    let next = if is_full { told } else { told.max(last) };
    let items = found.into_iter().map(ShownEvent::from).collect();
    Ok(Feed { items, next, oldest, last, unreadable })
}
