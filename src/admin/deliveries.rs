//! `/v1/deliveries`: what senders delivered and what became of it; one in full; one of them sent again.
use super::answer::Answer;
use super::call::Call;
use super::connections;
use super::cursor;
use super::error::ApiError;
use super::role::Role;
use super::shape;
use super::time;
use super::unreadable;
use super::unreadable::Unreadable;
use crate::deliveries::Contents;
use crate::deliveries::NotSent;
use crate::deliveries::Whole;
use crate::model::DeliveryVerdict;
use crate::model::Key;
use crate::store::DeliveryFilter;
use crate::store::WebhookDelivery;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::json;

const NOUN: &str = "delivery";

/// What stands for what is shown to nobody.
const CONCEALED: &str = "[secret]";

const STOPPING: &str = "This attache is about to stop: the delivery may have been sent again, or not. Look at what \
                        there is before you try again.";

/// A webhook that came to a connection, and what became of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "Delivery")]
pub(super) struct Shown {
    /// The `Attache-Request-Id` that its sender was told.
    id: String,
    /// When it came: RFC 3339, UTC.
    time: String,
    connection: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// `accepted`: its target took it. `repeated`: it was accepted before, or is on its way. `refused`: it was not
    /// verified. `failed`: it was, and its target did not take it. `handshake`: the sender's question was answered.
    verdict: &'static str,
    /// Of attache's own answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// What its sender was answered with; of a replay, its operator.
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_status: Option<u16>,
    /// The sender's own id for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_id: Option<String>,
    method: String,
    /// Without the query.
    path: String,
    /// Of the body.
    bytes: u64,
    ms: f64,
    /// The delivery that was sent again by it: always the one that its sender made.
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_of: Option<String>,
    /// Whether all of it is kept that it takes to send it again.
    can_replay: bool,
}

/// The same with what is kept of it, for whoever may see that.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "DeliveryInFull")]
pub(super) struct InFull {
    #[serde(flatten)]
    delivery: Shown,
    /// Name and value of each header, in their order; `[secret]` for what proves who sends. Of a delivery that was not
    /// verified the values are not kept. For operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Vec<(String, Option<String>)>>,
    /// The body, where it is UTF-8. For operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The body, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// The body is kept and is not shown: the sender shows its secret in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_concealed: Option<bool>,
}

impl From<WebhookDelivery> for Shown {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of one exchange fit 53 bits")]
    fn from(it: WebhookDelivery) -> Self {
        let text = |it: String| Some(it).filter(|it| !it.is_empty());
        Self {
            id: it.id,
            time: time::shown(it.at_ms),
            connection: it.connection,
            tenant: text(it.tenant),
            verdict: it.verdict.as_str(),
            code: text(it.code),
            status: it.status,
            target_status: it.target_status,
            webhook_id: text(it.webhook_id),
            method: it.method,
            path: it.path,
            bytes: it.bytes,
            ms: it.took_us as f64 / 1000.0,
            replay_of: text(it.replay_of),
            can_replay: it.can_replay,
        }
    }
}

/// `GET /v1/deliveries`: the newest first.
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let filter = filter(&call).await?;
    let deliveries = &call.api.hooks.deliveries;
    let listed = deliveries.list(&call.scope(), &filter, page.after.as_deref(), page.limit).await;
    let (found, broken) = listed.map_err(|it| ApiError::of_store(it, NOUN, ""))?;
    let is_full = found.len() + broken.len() >= page.limit as usize;
    let last = found.last().filter(|_| is_full);
    let next = last.map(|it| cursor::behind(&call.path, &it.id));
    let items = found.into_iter().map(|it| json!(Shown::from(it))).collect();
    let broken: Vec<_> = broken.iter().map(Unreadable::from).collect();
    Ok(unreadable::page(&call, items, next, &broken))
}

async fn filter(call: &Call) -> Result<DeliveryFilter, ApiError> {
    let owner = match call.query.value("connection") {
        None => None,
        Some(text) => {
            let problem = |it| ApiError::BadRequest(format!("`connection`: {it}."));
            let key = Key::try_from(text).map_err(problem)?;
            Some(connections::owner(call, key.as_str()).await?)
        }
    };
    let verdict = match call.query.value("verdict") {
        None => None,
        Some(name) => Some(DeliveryVerdict::named(name).ok_or_else(|| {
            let all: Vec<_> = DeliveryVerdict::ALL.iter().map(|it| it.as_str()).collect();
            ApiError::BadRequest(format!("`verdict` is one of {}.", all.join(", ")))
        })?),
    };
    let at = |name: &str| {
        let problem =
            || ApiError::BadRequest(format!("`{name}` is a time as in 2027-01-31T12:00:00Z."));
        let read = |it: &str| time::read(it, name).map_err(|_| problem());
        call.query.value(name).map(read).transpose()
    };
    Ok(DeliveryFilter {
        owner,
        tenant: call.query.value("tenant").map(str::to_owned),
        verdict,
        since_ms: at("since")?,
        until_ms: at("until")?,
    })
}

/// `GET /v1/deliveries/{delivery}`
pub(super) async fn read(call: Call) -> Result<Answer, ApiError> {
    let (delivery, contents) = found(&call).await?;
    let mut full = InFull {
        delivery: delivery.into(),
        headers: None,
        body: None,
        body_base64: None,
        body_concealed: None,
    };
    if call.operator.must_be(Role::Operator).is_ok() {
        full.show(contents);
    }
    Answer::of(&full)
}

impl InFull {
    fn show(&mut self, contents: Contents) {
        let Whole { headers, body, concealed, .. } = match contents {
            Contents::Nothing => return,
            Contents::Names(names) => {
                self.headers = Some(names.into_iter().map(|it| (it, None)).collect());
                return;
            }
            Contents::Whole(whole) => whole,
        };
        let shown = headers.iter().map(|(name, value)| {
            let value = match concealed.headers.iter().any(|it| *it == name.as_str()) {
                true => CONCEALED.into(),
                false => String::from_utf8_lossy(value.as_bytes()),
            };
            (name.as_str().to_owned(), Some(value.into_owned()))
        });
        self.headers = Some(shown.collect());
        match String::from_utf8(body.into()) {
            _ if concealed.body => self.body_concealed = Some(true),
            Ok(text) => self.body = Some(text),
            Err(bytes) => self.body_base64 = Some(STANDARD.encode(bytes.as_bytes())),
        }
    }
}

/// `POST /v1/deliveries/{delivery}/replay`
pub(super) async fn replay(call: Call) -> Result<Answer, ApiError> {
    let (delivery, contents) = found(&call).await?;
    let Contents::Whole(whole) = contents else {
        let why = match delivery.verdict.was_forwarded() {
            true => "nothing is kept of it that could be sent: its body was too long",
            false => "only a delivery that was verified and forwarded can be sent again",
        };
        let hint =
            "`can_replay` says which can be; `webhooks.deliveries.max_body` how long a body may be";
        return Err(ApiError::invalid("", why, hint));
    };
    let id = delivery.id.clone();
    let sent = call.api.hooks.deliveries.send_again(&call.scope(), delivery, whole).await;
    match sent.map_err(|it| ApiError::of_store(it, NOUN, &id))? {
        Ok(delivery) => Answer::of(&Shown::from(delivery)),
        Err(NotSent::Crowded) => Err(ApiError::Crowded("replays")),
        Err(NotSent::Stopping) => Err(ApiError::StoreUnavailable(STOPPING)),
    }
}

async fn found(call: &Call) -> Result<(WebhookDelivery, Contents), ApiError> {
    let id = call.parameter("delivery")?;
    let missing = || ApiError::NotFound { noun: NOUN, key: id.clone() };
    if uuid::Uuid::parse_str(&id).is_err() {
        return Err(missing());
    }
    let found = call.api.hooks.deliveries.get(&call.scope(), &id).await;
    found.map_err(|it| ApiError::of_store(it, NOUN, &id))?.ok_or_else(missing)
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = generator.subschema_for::<Shown>();
    shape::page(generator, "DeliveryPage", item)
}
