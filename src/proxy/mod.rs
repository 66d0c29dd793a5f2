//! The data plane: one request in, authenticated, out to its upstream, and the answer back.
//!
//! The hub. Its leaves know nothing of each other; only [`Proxy::exchange`] knows the order of the
//! steps, and the order is the security argument.
mod activation;
mod again;
mod body;
mod cleared;
mod error;
mod guard;
mod head;
mod health;
mod identify;
mod listing;
mod pieces;
mod refused;
mod replay;
mod retry;
mod seen;
mod signed;
mod spelling;
mod tally;
mod token;
mod trial;
mod turn;
mod witness;

use crate::auth::BodyUse;
use crate::auth::Learnt;
use crate::auth::Prepared;
use crate::journal::Pen;
use crate::limits::Circuits;
use crate::limits::Gates;
use crate::limits::Rates;
use crate::limits::Refusals;
use crate::model::Key;
use crate::model::Origin;
use crate::model::UnixTime;
use crate::reload::Current;
use crate::renewal::Renewals;
use crate::resolve;
use crate::resolve::Puts;
use crate::resolve::ResolveError;
use crate::resolve::Target;
use crate::server;
use crate::server::Cut;
use crate::server::Handler;
use crate::server::Link;
use crate::server::OnExpiry;
use crate::server::RequestBody;
use crate::server::Tunnel;
use crate::server::Watch;
use crate::server::problem;
use crate::telemetry::Ids;
use crate::telemetry::TraceContext;
use crate::telemetry::WorkerMetrics;
use crate::telemetry::metrics::AuthFailure;
use crate::telemetry::metrics::LinkRefusal;
use crate::telemetry::metrics::Listener;
use crate::upstream;
use crate::upstream::Destination;
use crate::upstream::Failed;
use crate::upstream::Manner;
use crate::upstream::RequestHead;
use crate::upstream::SendError;
use crate::upstream::Sent;
use crate::upstream::Skew;
use crate::upstream::Upstream;
use crate::vault::Vault;
use again::Asked;
use again::Plan;
use body::InBody;
use body::OutBody;
use body::Source;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Uri;
use http::Version;
use http::header;
use http::request::Parts;
use http_body::Body;
use http_body_util::Full;
use pieces::InPieces;
use signed::Told;
use std::cell::Cell;
use std::cell::OnceCell;
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;
use tally::Tally;
use witness::Witness;

pub use body::OutBody as ProxyBody;
pub use error::ProxyError;
pub use guard::check;
pub use head::Asks;
pub use head::Onward;
use head::Outgoing;
use head::REQUEST_ID;
pub use head::incoming;
pub use head::outgoing;
pub use identify::KnownCallers;
pub use identify::by_credential_place;
pub use identify::by_header;
use refused::Next;
use refused::With;
pub use replay::KeptBodies;
pub use retry::RetryBudgets;

/// One worker's proxy.
pub struct Proxy {
    pub current: Current,
    pub callers: KnownCallers,
    pub upstream: Rc<Upstream<OutBody>>,
    pub rates: Arc<Rates>,
    pub gates: Arc<Gates>,
    pub circuits: Arc<Circuits>,
    pub metrics: Rc<WorkerMetrics>,
    pub ids: Ids,
    pub pen: Rc<Pen>,
    pub clock: fn() -> UnixTime,
    pub retry_budgets: RetryBudgets,
    pub bodies: Rc<KeptBodies>,
    /// The stored activations, where there is a store.
    pub vault: Option<Arc<Vault>>,
    pub renewals: Arc<Renewals>,
    /// Whose credentials upstreams refuse, where there is a store to tell.
    pub refusals: Option<Arc<Refusals>>,
    /// The store was not reached for so long that nothing that is stored counts: set by the worker's tick.
    pub is_stale: Rc<Cell<bool>>,
    /// When the log was last told of a clock that is wrong, by connection, in seconds since 1970.
    pub skew_told_s: RefCell<HashMap<Key, u64>>,
}

impl Handler for Proxy {
    type Body = InBody;

    fn handle(
        self: Rc<Self>,
        request: Request<RequestBody>,
        link: Link,
    ) -> impl Future<Output = Result<Response<InBody>, Cut>> + 'static {
        self.answered(request, link, None)
    }

    fn links(&self, delta: i64) {
        self.metrics.links_open(Listener::Proxy, delta);
    }

    fn link_refused(&self, why: LinkRefusal) {
        self.metrics.shared().link_refused(Listener::Proxy, why);
    }
}

enum Answer {
    Upstream(Response<crate::upstream::ResponseBody<OutBody>>, Duration),
    Here(Response<Bytes>),
}

impl Proxy {
    /// One exchange with its account. With a `witness` it is a trial: whoever has one needs no key.
    async fn answered(
        self: Rc<Self>,
        request: Request<RequestBody>,
        link: Link,
        witness: Option<Rc<Witness>>,
    ) -> Result<Response<InBody>, Cut> {
        let (head, body) = request.into_parts();
        let now = (self.clock)();
        let asks = Asks::of(&head.headers);
        let request_id = self.ids.request_id_from(asks.request_id.once(), now);
        let mut tally = Box::new(Tally::begin(&self, &head, &link, request_id, now));
        tally.witness = witness;
        let answered = {
            // Pinned here and lent: it is the exchange's whole state, and is not moved again.
            let exchange = pin!(self.exchange(&head, asks, body, &link, &mut tally));
            server::contained(exchange).await
        };
        match answered.unwrap_or_else(|panicked| Err(panicked.into())) {
            Ok(Answer::Upstream(response, idle)) => {
                Ok(response.map(|it| InBody::passed(it, idle, tally)))
            }
            Ok(Answer::Here(mut response)) => {
                response.headers_mut().insert(REQUEST_ID, tally.record.request_id.header().clone());
                tally.head_is_ready(response.status().as_u16());
                Ok(response.map(|it| InBody::own(it, tally)))
            }
            Err(error) => Ok(self.refuse(&error, tally)),
        }
    }

    /// One exchange, top to bottom.
    async fn exchange(
        &self,
        head: &Parts,
        asks: Asks<'_>,
        body: RequestBody,
        link: &Link,
        tally: &mut Tally,
    ) -> Result<Answer, ProxyError> {
        guard::check(head, asks)?;
        let is_websocket = asks.has_upgrade && head::is_websocket(head);
        let has_body = !body.is_end_stream();
        if is_websocket && has_body {
            // A tunnel could open in the middle of it (RFC 6455 §4.1).
            return Err(ProxyError::HandshakeBody);
        }
        if asks.has_max_forwards && head.method == Method::OPTIONS && is_final_hop(&head.headers) {
            return Ok(Answer::Here(options()));
        }
        let snapshot = self.current.snapshot();
        self.callers.serve(self.current.generation(), tally.record.started);
        let by_header = match &tally.witness {
            None => identify::by_header(&self.callers, &snapshot, &head.headers, asks)?,
            Some(witness) => Some(Arc::clone(witness.caller())),
        };
        let key_was_in_place = by_header.is_none();
        let tags;
        let caller = match by_header {
            Some(caller) => {
                tags = match resolve::tags(head) {
                    Err(ResolveError::Untagged) if listing::is_asked(head) => {
                        tally.record.caller = Some(caller.key.clone());
                        listing::may_ask(&caller)?;
                        self.rates.admit_caller(&caller, tally.began())?;
                        if self.is_stale.get() {
                            activation::refuse_stored(&snapshot, &caller, None)?;
                        }
                        let listing = listing::answer(&snapshot, &caller, head.uri.query());
                        return Ok(Answer::Here(listing));
                    }
                    tags => tags?,
                };
                caller
            }
            None => {
                // Without a key the tags say only where else to look for it.
                tags = resolve::tags(head).map_err(|_| ProxyError::NoCallerKey)?;
                identify::by_credential_place(&self.callers, &snapshot, head, &tags)?
            }
        };
        tally.record.caller = Some(caller.key.clone());
        if self.is_stale.get() {
            activation::refuse_stored(&snapshot, &caller, Some(&tags))?;
        }
        if asks.is_overridden && !identify::may_override(&caller, &head.headers) {
            return Err(ResolveError::Forbidden(resolve::Limit::Method).into());
        }
        let fetched;
        let resolve = |it| resolve::resolve(&snapshot, &tags, &caller, &head.method, it);
        let (mut at_hand, mut is_admitted) = (self.unasked(), false);
        let mut resolved = resolve(at_hand);
        if matches!(resolved, Err(ResolveError::Unfetched)) {
            fetched = self.fetch(&snapshot, &tags, &caller, tally).await?;
            (at_hand, is_admitted) = (fetched.found.fetched(), fetched.is_admitted);
            resolved = resolve(at_hand);
        }
        let is_led = matches!(resolved, Err(ResolveError::Unled));
        if is_led {
            let whose = resolve::whose(&snapshot, &tags, &caller, &head.method, at_hand)?;
            if !std::mem::replace(&mut is_admitted, true) {
                let tenant = whose.tenant.as_ref();
                self.rates.admit(Some(&caller), whose.connection, tenant, tally.began())?;
            }
            link.watch.begin(whose.timeout);
            // In a box: seldom waited for, and every exchange would carry it.
            Box::pin(self.led(&whose, &link.watch, tally)).await?;
            resolved = resolve(at_hand);
        }
        let mut target = resolved?;
        note_target(tally, &target);
        if !is_admitted {
            let tenant = target.tenant.as_ref();
            self.rates.admit(Some(&caller), target.connection, tenant, tally.began())?;
        }
        if !is_led {
            link.watch.begin(target.timeout);
        }
        let held = match self.held(&target, tally) {
            Ok(Some(held)) => held,
            Ok(None) => {
                let token = Box::pin(self.had(&target, &link.watch, tally)).await?;
                if target.kept.as_ref().is_some_and(|it| *it != token.kept) {
                    target = resolve(at_hand)?;
                }
                token::go_on(token, &target, &target.path)?
            }
            // Another token came meanwhile, and leads elsewhere.
            Err(ResolveError::Unled) => {
                target = resolve(at_hand)?;
                self.held(&target, tally)?.ok_or(ResolveError::Unled)?
            }
            Err(error) => return Err(error.into()),
        };
        refused::ask_for_plain_answers(&mut target);
        let mut uri = uri(&mut target, held.prepared(), tags.query)?;
        let settings = target.upstream();
        let timeouts = settings.timeouts;
        if turn::is_limited(&target) {
            let metrics = self.metrics.shared();
            Box::pin(turn::enter(&self.gates, metrics, &target, &link.watch, tally)).await?;
        }

        let trace = settings.trace_context.then(|| self.trace(&head.headers));
        let mut onward = Onward {
            asks,
            host: target.base.host(),
            prepared: held.prepared(),
            proof: None,
            ignore: &target.ignore,
            authorization_is_ours: key_was_in_place,
            trace,
            is_websocket,
            expects_continue: has_body && asks.has_expect && head::expects_continue(head),
        };
        let is_idempotent = head.method.is_idempotent() && !asks.is_overridden
            || retry::has_idempotency_key(&head.headers)
                && head::goes_on(&retry::IDEMPOTENCY_KEY, head, &onward);
        let origin = target.base.origin();
        let asked = Asked {
            retries: target.retries,
            body: Some(body).filter(|_| has_body),
            is_idempotent,
            is_websocket,
            has_token: matches!(target.puts, Puts::Token(_)),
            body_use: body_use(head, &onward, origin),
        };
        let mut plan = Plan::new(asked, settings, origin, &self.bodies);
        if plan.reads_ahead() {
            // Where nothing would be sent, nothing is read for it either.
            drop(self.circuits.ask(origin, settings, Instant::now)?);
            Box::pin(plan.read_ahead(&link.watch)).await?;
        }
        self.plan_begins(&plan, &link.watch);
        let (mut held, newer) = (&held, OnceCell::new());
        let mut learnt;
        let sent = loop {
            onward.proof = self.proof(held, &target, &head.method, uri.path());
            let mut told = match onward.prepared.signers() {
                [] => Told::Passed(Outgoing { head, onward: &onward }),
                // In a box: few requests are signed, and every exchange would carry it.
                _ => Told::Signed(
                    Box::pin(self.signed(head, &onward, &uri, origin, &plan, &link.watch)).await?,
                ),
            };
            let mut body = Some(body_of(head, &onward, &mut told, &mut plan));
            let request = RequestHead {
                method: &head.method,
                target: told.target().unwrap_or(&uri),
                fields: &told,
            };
            let connection = &target.connection.key;
            let destination = Destination { origin, settings, connection };
            if let Some(witness) = &tally.witness {
                witness.sees(head, &onward, origin, &request);
            }
            let outcome = self
                .send(destination, &request, &mut body, plan.manner, &link.watch, tally)
                .await?;
            learnt = outcome.as_ref().map_or(Learnt::Nothing, |sent| {
                let (status, headers) = (sent.response.status(), sent.response.headers());
                onward.prepared.learn(origin, told.fields(), status, headers)
            });
            match outcome {
                Ok(sent)
                    if !plan.concerns(&sent)
                        && learnt == Learnt::Nothing
                        && !refused::is_doubtful(held, &target, &sent) =>
                {
                    self.plan_ends(&plan);
                    break sent;
                }
                outcome => {
                    let with = With { held, target: &target, path: uri.path(), learnt };
                    let next = self.next(outcome, with, &mut plan, &link.watch, tally);
                    match Box::pin(next).await? {
                        Next::Answer(sent) => break *sent,
                        Next::Again => {}
                        Next::AgainWith(token) => {
                            held = newer.get_or_init(|| token);
                            onward.prepared = held.prepared();
                            uri = with_credential(
                                uri.path().to_owned(),
                                onward.prepared,
                                tags.query,
                            )?;
                        }
                    }
                }
            }
        };
        let prepared = onward.prepared;
        // A challenge that stands at the end was not answered: nothing was said of the credential.
        if let Some(refusals) = self.refusals.as_ref().filter(|_| learnt == Learnt::Nothing) {
            health::tell_of_credential(refusals, &target, prepared, sent.response.status());
        }
        let idle = timeouts.idle;
        let skew = if prepared.has_clock() { self.skew(&target, &sent) } else { None };
        let mut answer = self.answer(sent, prepared, idle, link, tally)?;
        if let Some(skew) = skew {
            let words = HeaderValue::try_from(skew.to_string());
            let words = words.expect("a number among letters makes a field value");
            answer.headers_mut().insert(WARNING, words);
        }
        Ok(Answer::Upstream(answer, idle))
    }

    /// Sends under the deadline. The outer error is ours, the inner one the upstream's.
    async fn send(
        &self,
        destination: Destination<'_>,
        request: &RequestHead<'_, Told<'_>>,
        body: &mut Option<OutBody>,
        manner: Manner,
        watch: &Watch,
        tally: &mut Tally,
    ) -> Result<Result<Sent<OutBody>, Failed>, ProxyError> {
        let Destination { origin, settings, .. } = destination;
        let pass = self.circuits.ask(origin, settings, Instant::now)?;
        let timeouts = settings.timeouts;
        let until_linked = settings.links.wait + timeouts.connect + timeouts.tls;
        watch.arm(until_linked, OnExpiry::Answer);
        tally.upstream_begins();
        let linked = || watch.arm(timeouts.first_byte, OnExpiry::Answer);
        let mut sending = pin!(self.upstream.send(destination, request, body, manner, linked));
        let sent = poll_fn(|cx| {
            if watch.poll_expired(cx) {
                return Poll::Ready(Err(if watch.caller_stalls.get() {
                    ProxyError::CallerStalled
                } else {
                    ProxyError::TimedOut
                }));
            }
            sending.as_mut().poll(cx).map(Ok)
        })
        .await;
        tally.upstream_ends(match &sent {
            Ok(Ok(sent)) => sent.spent,
            Ok(Err(failed)) => failed.spent,
            Err(_) => crate::upstream::Spent::default(),
        });
        health::tell(pass, &sent, watch);
        sent
    }

    /// The upstream's clock, where it may be why a signature was refused.
    #[cold]
    fn skew(&self, target: &Target<'_>, sent: &Sent<OutBody>) -> Option<Skew> {
        let (status, headers) = (sent.response.status(), sent.response.headers());
        let skew = upstream::skew(status, headers, (self.clock)())?;
        self.metrics.shared().skewed();
        let (key, now_s) = (&target.connection.key, (self.clock)().as_s());
        let mut told = self.skew_told_s.borrow_mut();
        let is_due = told.get(key).is_none_or(|it| now_s.abs_diff(*it) >= SKEW_TOLD_EACH_S);
        if is_due {
            if told.len() >= SKEWS_TOLD_MAX {
                told.clear();
            }
            told.insert(key.clone(), now_s);
            let (connection, status) = (key.as_str(), status.as_u16());
            tracing::warn!(connection, status, "{skew}");
        }
        Some(skew)
    }

    /// The upstream's head becomes the caller's; a 101 becomes a tunnel.
    fn answer(
        &self,
        sent: Sent<OutBody>,
        prepared: &Prepared,
        idle: Duration,
        link: &Link,
        tally: &mut Tally,
    ) -> Result<Response<crate::upstream::ResponseBody<OutBody>>, ProxyError> {
        let mut response = sent.response;
        let status = response.status();
        tally.record.upstream_status = Some(status.as_u16());
        tally.record.http_out = Some(response.version());
        *response.version_mut() = Version::HTTP_11;
        head::incoming(response.headers_mut(), prepared, tally.record.request_id.header());
        if let Some(upgraded) = sent.upgraded {
            let (upstream, read_ahead) = upgraded.into_parts();
            let holds = Box::new(std::mem::take(&mut tally.places));
            let tunnel = Tunnel { upstream: Box::new(upstream), read_ahead, idle, holds };
            if status != StatusCode::SWITCHING_PROTOCOLS || !link.open_tunnel(tunnel) {
                return Err(ProxyError::Send(SendError::NotHttp));
            }
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        link.watch.arm(idle, OnExpiry::Cut);
        tally.head_is_ready(status.as_u16());
        if response.body().is_end_stream() {
            tally.completed();
        }
        Ok(response)
    }

    /// attache's own answer to what went wrong, said once: to the caller, the log and the metrics.
    fn refuse(&self, error: &ProxyError, mut tally: Box<Tally>) -> Response<InBody> {
        let verdict = error.verdict();
        tally.failed(verdict.code, verdict.source);
        tally.completed();
        self.count(error);
        let id = tally.record.request_id.clone();
        let mut response = problem(verdict.code, &error.detail(), id.as_str(), verdict.retry_after);
        response.headers_mut().insert(REQUEST_ID, id.header().clone());
        if error.ends_link() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        tally.watch().arm(OWN_ANSWER, OnExpiry::Cut);
        tally.head_is_ready(verdict.code.status());
        response.map(|it| InBody::own(it, tally))
    }

    fn count(&self, error: &ProxyError) {
        match error {
            ProxyError::NoCallerKey => self.metrics.auth_failure(AuthFailure::Missing),
            ProxyError::UnknownCaller => self.metrics.auth_failure(AuthFailure::Unknown),
            ProxyError::Resolve(ResolveError::Forbidden(_)) => {
                self.metrics.auth_failure(AuthFailure::Forbidden);
            }
            ProxyError::Send(SendError::Forbidden { class }) => {
                self.metrics.shared().egress_refused(class)
            }
            error => {
                if let Some(refused) = error.limited() {
                    self.metrics.shared().limited(refused.limit);
                }
            }
        }
    }

    /// The caller's trace, one step on; a new one where it has none.
    fn trace(&self, headers: &HeaderMap) -> HeaderValue {
        let context = TraceContext::from_headers(headers).unwrap_or_else(|| self.ids.new_trace());
        context.child(self.ids.span_id()).header()
    }
}

/// A hint beside an answer that is the upstream's own.
const WARNING: HeaderName = HeaderName::from_static("attache-warning");

/// Connections whose clocks are remembered to have been told of.
const SKEWS_TOLD_MAX: usize = 256;

/// How often the log tells of one connection's clock, at most, in seconds.
const SKEW_TOLD_EACH_S: u64 = 60;

/// How long an answer of our own may take to reach a caller that reads slowly.
const OWN_ANSWER: Duration = Duration::from_secs(30);

fn note_target(tally: &mut Tally, target: &Target<'_>) {
    let record = &mut tally.record;
    record.connection = Some(target.connection.key.clone());
    record.connector = Some(target.connection.connector.clone());
    record.tenant = target.tenant.clone();
    record.environment = target.environment.cloned();
}

/// Base path, the caller's path and query byte for byte, and a query credential behind them.
pub fn uri(
    target: &mut Target<'_>,
    prepared: &Prepared,
    query: Option<&str>,
) -> Result<Uri, ProxyError> {
    with_credential(std::mem::take(&mut target.path), prepared, query)
}

fn with_credential(
    path: String,
    prepared: &Prepared,
    query: Option<&str>,
) -> Result<Uri, ProxyError> {
    let replaced = prepared.query(query);
    uri_of(path, replaced.as_deref().or(query))
}

fn uri_of(mut text: String, query: Option<&str>) -> Result<Uri, ProxyError> {
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    Uri::from_maybe_shared(Bytes::from(text)).map_err(|_| ProxyError::Target)
}

/// What the credential needs of the body, by the fields that go on.
fn body_use(head: &Parts, onward: &Onward<'_>, origin: &Origin) -> BodyUse {
    let prepared = onward.prepared;
    if prepared.signers().is_empty() {
        return BodyUse::Untouched;
    }
    if onward.ignore.is_empty() && !onward.asks.has_connection {
        return prepared.body_use(origin, &head.method, &head.headers);
    }
    let mut headers = outgoing(head, onward);
    if let Some(length) = head.headers.get(header::CONTENT_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, length.clone());
    }
    prepared.body_use(origin, &head.method, &headers)
}

/// The body as it goes on.
fn body_of(head: &Parts, onward: &Onward<'_>, told: &mut Told<'_>, plan: &mut Plan<'_>) -> OutBody {
    if let Some(made) = told.take_body() {
        let body = OutBody::streamed(Source::Made(Full::new(made)), Vec::new());
        return if onward.expects_continue { body.held() } else { body };
    }
    let Some(mut source) = plan.next_body() else { return OutBody::empty() };
    if let Some(chunks) = told.take_chunks() {
        source = Source::InPieces(Box::new(InPieces::new(source, chunks)));
    }
    let may_have_trailers = onward.asks.has_transfer_encoding || head.version == Version::HTTP_2;
    let names = onward.prepared.kept_from_trailers();
    let proof = onward.proof.as_ref().map(|_| head::DPOP);
    let injected = if may_have_trailers { names.chain(proof).collect() } else { Vec::new() };
    let body = OutBody::streamed(source, injected);
    if onward.expects_continue { body.held() } else { body }
}

/// `Max-Forwards: 0`: the question is for us (RFC 9110 §7.6.2).
fn is_final_hop(headers: &HeaderMap) -> bool {
    headers.get(header::MAX_FORWARDS).is_some_and(|it| it.as_bytes() == b"0")
}

fn options() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    response.headers_mut().insert(header::ALLOW, methods);
    response
}
