//! Webhooks in: received whole, verified as raw bytes, and forwarded once to the connection's base URL.
//!
//! The hub. Its leaves know nothing of each other; only [`Inbound::exchange`] knows the order of the
//! steps, and the order is the security argument: nothing of the body is read into anything but
//! bytes before its signature is good, and nothing is forwarded before it is known to be no repeat.
mod activation;
mod address;
mod again;
mod body;
mod clerk;
mod deliver;
mod error;
mod handshake;
mod keys;
mod learned;
mod ledger;
mod noting;
mod prove;
mod receive;
mod refused;
mod replay;
mod tally;
mod trimmer;

pub use body::InBody;
pub use clerk::Clerk;
pub use keys::KeyRing;
pub use learned::Learned;
pub use learned::NotKept;
pub use ledger::Ledger;
pub use prove::Turns;
pub use refused::RefusalTeller;
pub use refused::RefusedDeliveries;
pub use replay::REMEMBERED_MAX;
pub use replay::Replay;
pub use trimmer::Trimmer;

use crate::catalog::UpstreamSettings;
use crate::deliveries::Deliveries;
use crate::journal::Pen;
use crate::limits;
use crate::limits::Budget;
use crate::limits::Rates;
use crate::limits::Strangers;
use crate::limits::WholeBody;
use crate::model::DeliveryVerdict;
use crate::model::Secret;
use crate::model::UnixTime;
use crate::reload::Live;
use crate::server::Cut;
use crate::server::Handler;
use crate::server::Link;
use crate::server::OnExpiry;
use crate::server::RequestBody;
use crate::server::problem;
use crate::telemetry::Ids;
use crate::telemetry::WorkerMetrics;
use crate::telemetry::metrics::Limit;
use crate::telemetry::metrics::LinkRefusal;
use crate::telemetry::metrics::Listener;
use crate::telemetry::metrics::WebhookVerdict;
use crate::upstream::ResponseBody;
use crate::upstream::SendError;
use crate::upstream::Upstream;
use crate::vault::Vault;
use crate::webhook::Delivery;
use crate::webhook::Handshake;
use crate::webhook::HandshakeCheck;
use crate::webhook::Verified;
use address::Address;
use address::Receiver;
use bytes::Bytes;
use deliver::Forwarding;
use deliver::Told;
use error::InboundError;
use error::Undeliverable;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http::request::Parts;
use http_body_util::Full;
use replay::Asked;
use replay::Claim;
use replay::DeliveryKey;
use replay::UnderWay;
use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tally::Tally;

/// One worker's side of the public listener.
pub struct Inbound {
    pub live: Arc<Live>,
    pub upstream: Rc<Upstream<Full<Bytes>>>,
    pub metrics: Rc<WorkerMetrics>,
    pub ids: Ids,
    pub pen: Rc<Pen>,
    pub clock: fn() -> UnixTime,
    /// Public keys of senders. Shared by all workers.
    pub sender_keys: Arc<KeyRing>,
    /// Shared by all workers, as is the next.
    pub replay: Arc<Replay>,
    /// Where there is a store: what is told of deliveries that are refused.
    pub refused: Option<Arc<RefusedDeliveries>>,
    /// What is kept of deliveries, where anything is. Shared by all workers.
    pub deliveries: Option<Arc<Deliveries>>,
    /// The URL that senders know this listener by, without a final slash; from the Host field where
    /// none is configured.
    pub public_url: Option<String>,
    /// For large bodies.
    pub turns: Turns,
    /// Longest body, in bytes.
    pub max_body: usize,
    /// What bodies may hold of memory. Shared by all workers.
    pub budget: Arc<Budget>,
    pub rates: Arc<Rates>,
    /// The stored activations, where there is a store.
    pub vault: Option<Arc<Vault>>,
    /// What keeps the secrets that senders hand over, where there is a store. Shared by all workers.
    pub learned: Option<Arc<Learned>>,
    /// What may be looked up for whom. Shared by all workers.
    pub strangers: Arc<Strangers>,
    /// The store was not reached for so long that nothing that is stored counts: set by the worker's tick.
    pub is_stale: Rc<Cell<bool>>,
}

/// How long an answer of our own may take to reach a sender that reads slowly.
const OWN_ANSWER: Duration = Duration::from_secs(30);

impl Handler for Inbound {
    type Body = InBody;

    async fn handle(
        self: Rc<Self>,
        request: Request<RequestBody>,
        link: Link,
    ) -> Result<Response<InBody>, Cut> {
        let (head, body) = request.into_parts();
        let mut tally = Tally::begin(&self, &head, &link);
        Ok(match self.exchange(&head, body, &link, &mut tally).await {
            Ok(Answer::Target(response, idle)) => passed(*response, idle, tally),
            Ok(Answer::Repeat) => {
                tally.verdict(WebhookVerdict::Repeated);
                let over = (DeliveryVerdict::Repeated, None, StatusCode::OK.as_u16());
                self.note_unforwarded(&head, &mut tally, over);
                own(Response::new(Bytes::new()), tally)
            }
            Ok(Answer::Handshake(response)) => {
                tally.verdict(WebhookVerdict::Handshake);
                let over = (DeliveryVerdict::Handshake, None, response.status().as_u16());
                self.note_unforwarded(&head, &mut tally, over);
                own(*response, tally)
            }
            Err(error) => {
                if let InboundError::Limited(refused) = error {
                    self.metrics.shared().limited(refused.limit);
                }
                if !tally.is_forwarded {
                    let verdict = error.verdict();
                    let over = (noting::verdict_of(&error), Some(verdict.code), verdict.status);
                    self.note_unforwarded(&head, &mut tally, over);
                }
                refuse(&error, tally)
            }
        })
    }

    fn links(&self, delta: i64) {
        self.metrics.links_open(Listener::Public, delta);
    }

    fn link_refused(&self, why: LinkRefusal) {
        self.metrics.shared().link_refused(Listener::Public, why);
    }
}

enum Answer {
    /// The target's, and how long to wait between two pieces of its body.
    Target(Box<Response<ResponseBody<Full<Bytes>>>>, Duration),
    Repeat,
    Handshake(Box<Response<Bytes>>),
}

impl Inbound {
    /// One delivery, top to bottom.
    async fn exchange(
        &self,
        head: &Parts,
        body: RequestBody,
        link: &Link,
        tally: &mut Tally,
    ) -> Result<Answer, InboundError> {
        receive::check(head)?;
        let address = Address::of(head.uri.path())?;
        let snapshot = self.live.snapshot_full();
        let address = match address.tenant {
            Some(_) => address,
            None => address.named_by(head, &snapshot)?,
        };
        let found = self.found(&snapshot, &address, Some(link.peer.ip())).await?;
        let receiver = address.find(&snapshot, self.fetched(found.as_ref()))?;
        if self.is_stale.get() {
            activation::refuse_stored(&snapshot, receiver.connection)?;
        }
        tally.found(&receiver);
        if !receiver.verifier.description().takes_method(&head.method) {
            return Err(InboundError::Method);
        }

        let began = Instant::now();
        let body =
            limits::whole(body, &head.headers, self.max_body, receive::BODY_TIME, &self.budget)
                .await;
        tally.received(began.elapsed());
        let body = body?;

        let url = self.url(head, link)?;
        let delivery = Delivery {
            method: head.method.as_str(),
            url: &url,
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            body: &body.bytes,
        };
        if let Some(handshake) = receiver.verifier.handshake(&delivery) {
            return self
                .shake_hands(handshake, (&delivery, &body.bytes), &receiver, link.peer.ip())
                .await;
        }
        if head.method != Method::POST {
            return Err(InboundError::Method);
        }
        let verified = self.verify((&delivery, &body.bytes), &receiver, link.peer.ip()).await?;
        let (named, of_tenant);
        let receiver = match receiver.holder {
            Some(_) => {
                receiver.is_named(verified.tenant.as_deref())?;
                receiver
            }
            None => {
                named = address.of_tenant(verified.tenant.as_deref())?;
                of_tenant = self.found(&snapshot, &named, None).await?;
                named.find(&snapshot, self.fetched(of_tenant.as_ref()))?
            }
        };
        tally.found(&receiver);
        let named = (address.rest, verified.id.as_deref());
        let whose = (receiver.connection.as_ref(), receiver.tenant);
        let whose = (whose, receiver.verifier.description());
        tally.noting = self.noting(head, &body.bytes, named, whose, tally);
        tally.webhook_id.clone_from(verified.id.as_ref().unwrap_or(&String::new()));
        // Only what is verified counts: nobody else can use a sender's rate up.
        self.rates.admit(None, receiver.connection, receiver.tenant, Instant::now())?;
        let under_way = match self.claim(&receiver, &verified).await {
            None => None,
            Some(Claim::First(under_way)) => Some(under_way),
            Some(Claim::InFlight) => return Err(InboundError::InFlight),
            Some(Claim::Repeat) => return Ok(Answer::Repeat),
        };
        let settings = Arc::clone(&receiver.connection.upstream);
        let forwarding = self.forwarding(head, body, &address, &receiver, &verified, under_way)?;
        let noting = tally.noting.take();
        tally.is_forwarded = true;
        let forwarding = Forwarding { noting, ..forwarding };
        self.forward(forwarding, &settings, tally).await
    }

    /// The public URL that the sender called, as configured, with its target as on the request line.
    fn url(&self, head: &Parts, link: &Link) -> Result<String, InboundError> {
        let origin = match &self.public_url {
            Some(url) => url.clone(),
            None => {
                let scheme = if link.is_tls { "https" } else { "http" };
                format!("{scheme}://{}", receive::host(head)?)
            }
        };
        let target = head.uri.path_and_query().map_or("/", |it| it.as_str());
        Ok(origin + target)
    }

    async fn verify(
        &self,
        (delivery, body): (&Delivery<'_>, &Bytes),
        receiver: &Receiver<'_>,
        sender: IpAddr,
    ) -> Result<Verified, InboundError> {
        let Receiver { connection, verifier, .. } = *receiver;
        let refused = |refusal| {
            let status = verifier.description().failure_status();
            InboundError::Refused { refusal, status }
        };
        let begun = self.turns.begin(verifier, delivery, body);
        let at = match verifier.description().fetches_keys() {
            true => {
                let at = begun.run(|it, delivery| it.keys_at(delivery)).await;
                at.ok_or(Undeliverable::Abandoned)?.map_err(refused)?
            }
            false => None,
        };
        let keys = match &at {
            None => None,
            Some(at) => {
                let keys = self.sender_keys.keys(connection, at, sender).await;
                Some(keys.ok_or(InboundError::NoKeys)?)
            }
        };
        let now = (self.clock)();
        let verifying = begun.run(move |it, delivery| it.verify(delivery, now, keys.as_deref()));
        let verified = verifying.await.ok_or(Undeliverable::Abandoned)?.map_err(refused)?;
        if let Some(at) = &at {
            self.sender_keys.proved(connection, at);
        }
        Ok(verified)
    }

    /// Answers what the sender wants to know before, or while, it sends.
    async fn shake_hands(
        &self,
        handshake: &Handshake,
        (delivery, body): (&Delivery<'_>, &Bytes),
        receiver: &Receiver<'_>,
        sender: IpAddr,
    ) -> Result<Answer, InboundError> {
        match handshake.check() {
            HandshakeCheck::Signature => {
                self.verify((delivery, body), receiver, sender).await.map(drop)?;
            }
            HandshakeCheck::Token | HandshakeCheck::None => {}
        }
        let mut reply = receiver.verifier.answer(handshake, delivery).map_err(|refusal| {
            let status = receiver.verifier.description().failure_status();
            InboundError::Refused { refusal, status }
        })?;
        if let Some(secret) = reply.learned.take() {
            self.learn(receiver, secret, sender).await?;
        }
        Ok(Answer::Handshake(Box::new(handshake::response(reply))))
    }

    /// Keeps what the sender hands over before it is told that it was taken.
    async fn learn(
        &self,
        receiver: &Receiver<'_>,
        secret: Secret,
        sender: IpAddr,
    ) -> Result<(), InboundError> {
        let (connection, now) = (receiver.connection, Instant::now());
        let learned = self.learned.as_ref().ok_or(NotKept::NotAwaited)?;
        let key = connection.key.as_str();
        self.strangers.admit(sender, key, now)?;
        let description = receiver.verifier.description();
        let whose = (connection.as_ref(), receiver.tenant);
        let kept = learned.keep(whose, description, secret, sender).await;
        // A guess, as far as anybody can tell.
        if matches!(kept, Err(NotKept::NotAwaited | NotKept::TooLate | NotKept::Unusable)) {
            self.strangers.missed(sender, key, now);
        }
        Ok(kept?)
    }

    /// None where a repeat can't be told.
    async fn claim(&self, receiver: &Receiver<'_>, verified: &Verified) -> Option<Claim> {
        let key = verified.replay_key.as_ref()?;
        let asked = Asked {
            key: DeliveryKey::new(receiver.connection, receiver.tenant, key),
            connection: &receiver.connection.key,
            remember_s: verified.remember_s,
            longest: deliver::longest(&receiver.connection.upstream),
        };
        Some(self.replay.claim(asked, (self.clock)()).await)
    }

    fn forwarding(
        &self,
        head: &Parts,
        body: WholeBody,
        address: &Address<'_>,
        receiver: &Receiver<'_>,
        verified: &Verified,
        under_way: Option<UnderWay>,
    ) -> Result<Forwarding, Undeliverable> {
        let base = receiver.holder.and_then(|it| it.base.clone());
        let base = base.ok_or(Undeliverable::NoBaseUrl)?;
        let target = deliver::target(&base, address.rest, head.uri.query());
        let told = Told {
            connection: receiver.connection.key.as_str(),
            tenant: receiver.tenant.map(|it| it.as_str()),
            id: verified.id.as_deref(),
            is_replay: false,
        };
        Ok(Forwarding {
            upstream: Rc::clone(&self.upstream),
            connection: receiver.connection.key.clone(),
            settings: Arc::clone(&receiver.connection.upstream),
            target: target.ok_or(Undeliverable::NoTarget)?,
            headers: deliver::outgoing(&head.headers, &told),
            base,
            body,
            under_way,
            noting: None,
            clock: self.clock,
        })
    }

    /// Forwards on a task of its own: a sender that hangs up must not undo a delivery that the target
    /// may have taken already, or its next try would be forwarded a second time.
    async fn forward(
        &self,
        forwarding: Forwarding,
        settings: &UpstreamSettings,
        tally: &mut Tally,
    ) -> Result<Answer, InboundError> {
        let began = Instant::now();
        // A stop waits for it as for a link.
        let open = tally.watch.worker().link_opened();
        let forwarding = async move {
            let forwarded = forwarding.run().await;
            drop(open);
            forwarded
        };
        let forwarded = tokio::task::spawn_local(forwarding).await;
        let forwarded = forwarded.map_err(|_| Undeliverable::Abandoned)?;
        tally.forwarded(began.elapsed(), forwarded.spent);
        let response = forwarded.response.inspect_err(|it| self.count_undeliverable(it))?;
        tally.record.upstream_status = Some(response.status().as_u16());
        tally.record.http_out = Some(response.version());
        tally.verdict(if response.status().is_success() {
            WebhookVerdict::Delivered
        } else {
            WebhookVerdict::Undeliverable
        });
        Ok(Answer::Target(Box::new(response), settings.timeouts.idle))
    }
}

impl Inbound {
    fn count_undeliverable(&self, error: &Undeliverable) {
        let metrics = self.metrics.shared();
        match error {
            Undeliverable::Send(SendError::Forbidden { class }) => metrics.egress_refused(class),
            Undeliverable::Send(SendError::NoLink) => metrics.limited(Limit::UpstreamLinks),
            _ => {}
        }
    }
}

/// The target's answer becomes the sender's.
fn passed(
    mut response: Response<ResponseBody<Full<Bytes>>>,
    idle: Duration,
    mut tally: Tally,
) -> Response<InBody> {
    *response.version_mut() = http::Version::HTTP_11;
    deliver::incoming(response.headers_mut());
    let id = tally.record.request_id.header().clone();
    response.headers_mut().insert("attache-request-id", id);
    tally.watch.arm(idle, OnExpiry::Cut);
    tally.head_is_ready(response.status().as_u16());
    response.map(|body| InBody::target(body, idle, tally))
}

/// An answer of our own.
fn own(mut response: Response<Bytes>, mut tally: Tally) -> Response<InBody> {
    let id = tally.record.request_id.header().clone();
    response.headers_mut().insert("attache-request-id", id);
    tally.watch.arm(OWN_ANSWER, OnExpiry::Cut);
    tally.head_is_ready(response.status().as_u16());
    tally.completed();
    response.map(|bytes| InBody::own(bytes, tally))
}

/// Says what went wrong: the code to the sender, the reason to the log, both to the metrics.
fn refuse(error: &InboundError, mut tally: Tally) -> Response<InBody> {
    let verdict = error.verdict();
    tally.failed(&verdict);
    log(error, &tally);
    let id = tally.record.request_id.as_str().to_owned();
    let mut response = problem(verdict.code, &error.detail(), &id, verdict.retry_after);
    if let InboundError::Method = error {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    if verdict.status != verdict.code.status() {
        response = with_status(response, verdict.status);
    }
    own(response, tally)
}

/// The reason, which the sender does not learn.
fn log(error: &InboundError, tally: &Tally) {
    let connection = tally.record.connection.as_ref().map_or("", |it| it.as_str());
    let tenant = tally.record.tenant.as_ref().map_or("", |it| it.as_str());
    let request_id = tally.record.request_id.as_str();
    match error {
        InboundError::Refused { refusal, .. } => tracing::info!(
            connection,
            tenant,
            request_id,
            reason = refusal.reason(),
            "webhook refused: {refusal}"
        ),
        InboundError::NotKept(error) => {
            tracing::warn!(connection, tenant, request_id, "{error}");
        }
        InboundError::Undeliverable(error) => {
            tracing::warn!(connection, tenant, request_id, "webhook not delivered: {error}");
        }
        _ => tracing::debug!(connection, tenant, request_id, "webhook not taken: {error}"),
    }
}

/// The problem with the status that a description asks for, in its head and in its body.
fn with_status(mut response: Response<Bytes>, status: u16) -> Response<Bytes> {
    let Ok(valid) = StatusCode::from_u16(status) else { return response };
    *response.status_mut() = valid;
    if let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(response.body()) {
        body["status"] = status.into();
        *response.body_mut() = Bytes::from(body.to_string());
    }
    response
}
