//! `/v1/event_subscriptions`: who is told of events by requests of ours, and the secrets that those are signed with.
use super::answer::Answer;
use super::call::Call;
use super::credentials;
use super::credentials::Where;
use super::definition;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::sent;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use super::time;
use crate::catalog::EventSubscription;
use crate::catalog::RawEventSubscription;
use crate::catalog::Section;
use crate::model::TimeSpan;
use crate::seal::Binding;
use crate::seal::Sealed;
use crate::seal::Slot;
use crate::store::Expect;
use crate::store::Feed;
use crate::store::Listed;
use crate::store::Place;
use crate::store::SUBSCRIPTIONS_MAX;
use crate::store::Search;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::SubscriptionRow;
use crate::store::Uses;
use crate::webhook::FORMER_MAX;
use crate::webhook::OutgoingKey;
use crate::webhook::OutgoingSecrets;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

pub(super) struct EventSubscriptions;

/// How long the secret before signs as well, unless said.
const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest overlap: whoever has not changed over in a month does not.
const OVERLAP_MAX: Duration = Duration::from_secs(31 * 24 * 60 * 60);

const UNOPENED: &str = "the secret before can't be opened, so it can't sign any longer";

/// Another secret for an event subscription.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SecretRotation {
    /// How long the secret before signs as well. Default 24h; `0s` ends all before it at once.
    overlap: Option<TimeSpan>,
}

/// What a rotation would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SecretRotationPreview {
    /// Until when a secret before it would sign as well, RFC 3339; null where all would end at once.
    previous_secret_until: Option<String>,
}

impl Definition for EventSubscriptions {
    type Row = SubscriptionRow;

    const NOUN: &'static str = "event subscription";
    const PARAMETER: &'static str = "subscription";
    const PATH: &'static str = "/v1/event_subscriptions";
    const SECTION: Option<Section> = None;
    const READ_ONLY: &'static [&'static str] =
        &["secret", "previous_secret_until", "status", "failing_since", "pending"];
    const BY_VERSION: bool = false;

    async fn find(
        store: &Store,
        call: &Call,
        key: &str,
    ) -> Result<Option<Stored<SubscriptionRow>>, StoreError> {
        store.subscriptions().get(&call.scope(), key).await
    }

    async fn list(
        store: &Store,
        call: &Call,
        search: &Search,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<SubscriptionRow>>, StoreError> {
        store.subscriptions().found(&call.scope(), search, after, limit).await
    }

    async fn view(
        call: &Call,
        stored: &Stored<SubscriptionRow>,
        _alone: bool,
    ) -> Result<Members, ApiError> {
        let store = &call.api.store()?.store;
        let feed = feed(store, call, &stored.value).await;
        let feed = feed.map_err(|it| ApiError::of_store(it, Self::NOUN, &stored.key))?;
        Ok(shown(call, &stored.value, feed))
    }

    /// One that is created gets its secret, which is told once.
    async fn put(
        call: &Call,
        key: &str,
        members: Members,
        expect: Expect,
    ) -> Result<Put, ApiError> {
        let raw: RawEventSubscription = sent::read(&members)?;
        let snapshot = call.api.live.snapshot_full();
        let standing = standing(call, key).await;
        let judges = standing.as_ref().is_none_or(|it| is_judged(&raw, it));
        let settings = judges.then(|| &**snapshot.upstream_defaults());
        let known = standing.map(|it| it.types).unwrap_or_default();
        let built = EventSubscription::build(key, &raw, settings, &known);
        let enabled = built.map_err(|it| ApiError::problems(&it))?.enabled;
        let definition = sent::text(&RawEventSubscription { enabled: true, ..raw });
        let row = SubscriptionRow { enabled, definition, ..SubscriptionRow::default() };
        let secret = OutgoingKey::fresh_secret();
        let (sealer, now) = (&call.api.store()?.sealer, (call.api.clock)());
        let fresh = OutgoingSecrets::new(secret.clone()).credential();
        let seal = |place: &Place<'_>| Ok(sealer.seal(&place.binding, &fresh, now));
        let store = call.writer()?;
        let put = store.subscriptions().put(&call.scope(), key, &row, &seal, expect).await;
        let (written, row) = put.map_err(|it| match it {
            StoreError::InUse { total: SUBSCRIPTIONS_MAX.., .. } => {
                let problem = format!("there are {SUBSCRIPTIONS_MAX} event subscriptions already");
                ApiError::invalid("", problem, "delete one that nobody needs")
            }
            error => ApiError::of_write(error, Self::NOUN, key, expect),
        })?;
        let mut once = Members::new();
        if written.created {
            once.insert("secret".to_owned(), secret.expose().into());
        }
        // What is told once must not depend on another look at the store.
        let view = written.created.then(|| shown(call, &row, Feed::default()));
        Ok(Put { written, once, view })
    }

    async fn uses(
        _store: &Store,
        _call: &Call,
        _stored: &Stored<SubscriptionRow>,
    ) -> Result<Uses, StoreError> {
        Ok(Uses::default())
    }

    async fn delete(
        store: &Store,
        call: &Call,
        key: &str,
        _force: bool,
        expect: Expect,
    ) -> Result<i64, StoreError> {
        store.subscriptions().delete(&call.scope(), key, expect).await
    }
}

/// `POST …/rotate`: another secret; the one before signs beside it for a while.
pub(super) async fn rotate(mut call: Call) -> Result<Answer, ApiError> {
    let key = EventSubscriptions::key(&call)?;
    let rotation: SecretRotation = sent::read(&call.take_object()?)?;
    let overlap = rotation.overlap.map_or(OVERLAP, |it| it.0);
    if overlap > OVERLAP_MAX {
        return Err(ApiError::invalid("/overlap", "longer than a month", "write a few days"));
    }
    let asked = call.precondition()?;
    let stored = definition::found::<EventSubscriptions>(&call, &key).await?;
    let (id, backing) = (&*stored.value.id, call.api.store()?);
    let at = Where { owner: id, tenant: "", slot: Slot::Subscription, member: "secret" };
    let goes_on = !overlap.is_zero();
    let overlap_ms = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
    let until_ms = stored.value.previous_until_ms.unwrap_or_default();
    let secret = OutgoingKey::fresh_secret();
    if goes_on && let Some(current) = credentials::current(&call, at).await? {
        let unopened = || ApiError::invalid("/overlap", UNOPENED, "end it at once, with `0s`");
        let opened = credentials::opened(&backing.keys, at, &current).await.ok_or_else(unopened)?;
        let before = OutgoingSecrets::read(&opened, until_ms).ok_or_else(unopened)?;
        let rotated = before.rotated(secret.clone(), call.now_ms(), overlap_ms);
        rotated.map_err(|it| ApiError::TooManySecrets { until: time::shown(it.until_ms) })?;
    }
    let now = (call.api.clock)();
    let seal = |place: &Place<'_>| -> Result<Sealed, String> {
        let before = match place.current.filter(|_| goes_on) {
            None => None,
            Some(current) => {
                let binding = Binding { generation: current.generation, ..place.binding };
                let opened = backing.sealer.open_at_hand(&binding, &current.sealed);
                Some(opened.map_err(|it| format!("{UNOPENED}: {it}"))?)
            }
        };
        let before = before.as_ref().and_then(|it| OutgoingSecrets::read(it, until_ms));
        let secrets = match before {
            None => OutgoingSecrets::new(secret.clone()),
            Some(before) => before
                .rotated(secret.clone(), place.now_ms, overlap_ms)
                .map_err(|_| format!("more than {FORMER_MAX} secrets before it sign still"))?,
        };
        Ok(backing.sealer.seal(&place.binding, &secrets.credential(), now))
    };
    let store = call.writer()?;
    let rotated = store.subscriptions();
    let rotated = rotated.rotate(&call.scope(), &key, overlap_ms, &seal, asked.of_present()).await;
    let (written, row) =
        rotated.map_err(|it| ApiError::of_present(it, EventSubscriptions::NOUN, &key, asked))?;
    if call.flag("dry_run")? {
        let previous_secret_until = row.previous_until_ms.map(time::shown);
        return Answer::of(&SecretRotationPreview { previous_secret_until });
    }
    call.served(written.revision).await;
    let feed = feed(&backing.store, &call, &row).await.unwrap_or_default();
    let view = Some(shown(&call, &row, feed));
    let mut once = Members::new();
    once.insert("secret".to_owned(), secret.expose().into());
    definition::answer::<EventSubscriptions>(&call, &key, Put { written, once, view }).await
}

async fn feed(store: &Store, call: &Call, row: &SubscriptionRow) -> Result<Feed, StoreError> {
    // Where it is off nothing that happens becomes a delivery, nor where what it is told of does not read.
    let on = EventSubscription::stored(&row.definition, row.enabled).filter(|it| it.enabled);
    let types = on.map_or_else(|| Some(Vec::new()), |it| it.types);
    store.deliveries().feed(&call.scope(), &row.id, types.as_deref()).await
}

/// What there is of one already. Whoever renames it, or switches it off, need not mend it first: a later attache may
/// have written types that this one does not know, and what may be sent to may have changed.
struct Standing {
    enabled: bool,
    url: Option<Value>,
    types: Vec<String>,
}

/// None of what can't be read: all of what is sent is judged, and the write says what is wrong with the store.
async fn standing(call: &Call, key: &str) -> Option<Standing> {
    let store = &call.api.backing()?.store;
    let stored = store.subscriptions().get(&call.scope(), key).await.ok().flatten()?;
    let mut definition = sent::stored(&stored.value.definition);
    let types = definition.remove("types").and_then(|it| serde_json::from_value(it).ok());
    Some(Standing {
        enabled: stored.value.enabled,
        url: definition.remove("url"),
        types: types.unwrap_or_default(),
    })
}

/// Whether it is to be judged if anything could be sent where this one goes: where it goes elsewhere than the one
/// there is, or is switched on.
fn is_judged(raw: &RawEventSubscription, standing: &Standing) -> bool {
    standing.url.as_ref().is_none_or(|it| *it != *raw.url) || (raw.enabled && !standing.enabled)
}

fn shown(call: &Call, row: &SubscriptionRow, feed: Feed) -> Members {
    let mut view = sent::stored(&row.definition);
    view.insert("enabled".to_owned(), row.enabled.into());
    let status = match (row.enabled, feed.failures) {
        (false, _) => "disabled",
        (true, 0) => "delivering",
        (true, _) => "failing",
    };
    view.insert("status".to_owned(), status.into());
    view.insert("pending".to_owned(), feed.pending.into());
    if feed.failing_since_ms > 0 {
        view.insert("failing_since".to_owned(), time::shown(feed.failing_since_ms).into());
    }
    if let Some(until) = row.previous_until_ms.filter(|it| *it > call.now_ms()) {
        view.insert("previous_secret_until".to_owned(), time::shown(until).into());
    }
    view
}

fn shape(generator: &mut SchemaGenerator) -> Shape<'_> {
    let time = |about: &str| json!({ "type": "string", "readOnly": true, "description": about });
    Shape::of::<RawEventSubscription>(generator)
        .with_key(shape::key())
        .with_always("status", json!({
            "type": "string",
            "enum": ["delivering", "failing", "disabled"],
            "readOnly": true,
            "description": "`failing`: the last event could not be delivered, and is sent again.",
        }))
        .with_always("pending", json!({
            "type": "integer", "readOnly": true, "description": "Events that are still to be delivered.",
        }))
        .with("failing_since", time("When the failures began that are counted until it is disabled, RFC 3339, UTC: none of them lies apart from the one before it."))
        .with(
            "previous_secret_until",
            time("Until when a secret before it signs as well, RFC 3339, UTC."),
        )
        .shown()
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    shape(generator).named("EventSubscription", "Who is told of events.")
}

/// With the secret, which is told once.
pub(super) fn issued(generator: &mut SchemaGenerator) -> Schema {
    shape(generator).with_always("secret", secret()).named(
        "IssuedEventSubscription",
        "An event subscription, and a secret that was made for it.",
    )
}

fn secret() -> Value {
    json!({
        "type": "string",
        "description": "What its receiver verifies signatures with, `whsec_…`. It is told in this one answer: keep it.",
    })
}

pub(super) fn new(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawEventSubscription>(generator)
        .with_key(shape::key())
        .named("NewEventSubscription", "An event subscription to be created.")
}

pub(super) fn body(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawEventSubscription>(generator)
        .named("EventSubscriptionBody", "An event subscription, less its key.")
}

pub(super) fn patch(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawEventSubscription>(generator).partial().named(
        "EventSubscriptionPatch",
        "What is to be changed of an event subscription (RFC 7396).",
    )
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = view(generator);
    shape::page(generator, "EventSubscriptionPage", item)
}
