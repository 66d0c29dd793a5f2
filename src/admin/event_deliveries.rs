//! What became of the events that were sent to a subscription; one of them again; one of no consequence.
use super::answer::Answer;
use super::call::Call;
use super::cursor;
use super::definition;
use super::definition::Definition;
use super::error::ApiError;
use super::event_subscriptions::EventSubscriptions;
use super::shape;
use super::time;
use super::unreadable;
use super::unreadable::Unreadable;
use crate::store::Delivery;
use crate::store::DeliveryState;
use crate::store::Stored;
use crate::store::SubscriptionRow;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::json;

/// An event on its way to a subscription.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename = "EventDelivery")]
pub(super) struct ShownDelivery {
    /// The event's number.
    seq: i64,
    /// The event's id: the `webhook-id` that it is sent under, each time. None where it is forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// `pending`: it is still to be sent, for the first time or again. `delivered`. `failed`: it was given up.
    state: &'static str,
    attempts: i64,
    /// RFC 3339, UTC, by the store's clock, as are the next.
    created_at: String,
    /// Not before then, while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<String>,
    /// When it was tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_at: Option<String>,
    /// What its receiver answered with then.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<i64>,
    /// Why it was not delivered then.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_problem: Option<String>,
}

impl From<Delivery> for ShownDelivery {
    fn from(it: Delivery) -> Self {
        let text = |it: String| Some(it).filter(|it| !it.is_empty());
        let at = |it: i64| Some(it).filter(|it| *it > 0).map(time::shown);
        Self {
            seq: it.seq,
            event: text(it.event),
            name: text(it.name),
            state: it.state.as_str(),
            attempts: it.attempts,
            created_at: time::shown(it.created_at_ms),
            next_at: at(it.next_at_ms).filter(|_| it.state == DeliveryState::Pending),
            last_at: at(it.last_at_ms),
            last_status: Some(it.last_status).filter(|it| *it > 0),
            last_problem: text(it.last_problem),
        }
    }
}

/// `GET …/deliveries`: the newest event first.
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let key = EventSubscriptions::key(&call)?;
    let page = call.page()?;
    let before = match page.after.as_deref() {
        None => None,
        Some(last) => Some(last.parse().map_err(|_| cursor::foreign())?),
    };
    let state = match call.query.value("state") {
        None => None,
        Some(name) => Some(DeliveryState::named(name).ok_or_else(|| {
            let all: Vec<_> = DeliveryState::ALL.iter().map(|it| it.as_str()).collect();
            ApiError::BadRequest(format!("`state` is one of {}.", all.join(", ")))
        })?),
    };
    let stored = definition::found::<EventSubscriptions>(&call, &key).await?;
    let deliveries = call.api.store()?.store.deliveries();
    let asked = (before, page.limit);
    let listed = deliveries.list(&call.scope(), &stored.value.id, state, asked).await;
    let (found, broken) = listed.map_err(|it| ApiError::of_store(it, "delivery", ""))?;
    // Numbers have gaps: a page that is full may have more behind it.
    let is_full = found.len() + broken.len() >= page.limit as usize;
    let last = found.last().filter(|_| is_full).map(|it| it.seq.to_string());
    let next = last.map(|it| cursor::behind(&call.path, &it));
    let items = found.into_iter().map(|it| json!(ShownDelivery::from(it))).collect();
    let broken: Vec<_> = broken.iter().map(Unreadable::from).collect();
    Ok(unreadable::page(&call, items, next, &broken))
}

/// `POST …/deliveries/{event}/retry`: at once, whatever became of it.
pub(super) async fn retry(call: Call) -> Result<Answer, ApiError> {
    let (key, event) = (EventSubscriptions::key(&call)?, call.parameter("event")?);
    let stored = switched_on(&call, &key).await?;
    let deliveries = call.api.store()?.store.deliveries();
    let missing = || ApiError::NotFound { noun: "delivery of the event", key: event.clone() };
    let retried = deliveries.retry(&call.scope(), &stored.value.id, &event).await;
    let retried = retried.map_err(|it| ApiError::of_store(it, "delivery", &event))?;
    Answer::of(&ShownDelivery::from(retried.ok_or_else(missing)?))
}

/// `POST …/test`: an event that says nothing is sent to this subscription alone, like any other.
pub(super) async fn test(call: Call) -> Result<Answer, ApiError> {
    let key = EventSubscriptions::key(&call)?;
    switched_on(&call, &key).await?;
    let store = &call.api.store()?.store;
    let event = store.subscriptions().test(&call.scope(), &key).await;
    let event = event.map_err(|it| ApiError::of_store(it, EventSubscriptions::NOUN, &key))?;
    call.progress.written();
    Answer::of(&ShownDelivery::from(Delivery {
        seq: event.seq,
        event: event.id,
        name: event.name,
        state: DeliveryState::Pending,
        attempts: 0,
        created_at_ms: event.at_ms,
        next_at_ms: event.at_ms,
        last_at_ms: 0,
        last_status: 0,
        last_problem: String::new(),
    }))
}

async fn switched_on(call: &Call, key: &str) -> Result<Stored<SubscriptionRow>, ApiError> {
    let stored = definition::found::<EventSubscriptions>(call, key).await?;
    if stored.value.enabled {
        return Ok(stored);
    }
    Err(ApiError::invalid("", "it is disabled: nothing is sent to it", "enable it first"))
}

pub(super) fn shown(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<ShownDelivery>()
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = shown(generator);
    shape::page(generator, "EventDeliveryPage", item)
}
