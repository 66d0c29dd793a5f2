//! What one worker runs: the proxy and the webhooks on its shares of their listeners, and its housekeeping.
use super::clock::now;
use super::handed::handed;
use super::public::Public;
use super::trying;
use super::trying::Handed;
use crate::admin;
use crate::config;
use crate::config::Settings;
use crate::connect::Desk;
use crate::connect::Pages;
use crate::deliveries::Deliveries;
use crate::inbound::Inbound;
use crate::inbound::KeyRing;
use crate::inbound::Learned;
use crate::inbound::RefusedDeliveries;
use crate::inbound::Replay;
use crate::inbound::Turns;
use crate::journal::Journal;
use crate::limits::Budget;
use crate::limits::Circuits;
use crate::limits::Gates;
use crate::limits::Rates;
use crate::limits::Refusals;
use crate::limits::Strangers;
use crate::proxy::KeptBodies;
use crate::proxy::KnownCallers;
use crate::proxy::Proxy;
use crate::proxy::RetryBudgets;
use crate::reload::Current;
use crate::reload::Live;
use crate::renewal::Renewals;
use crate::server;
use crate::server::Certificate;
use crate::server::Cut;
use crate::server::Handler;
use crate::server::Link;
use crate::server::LinkLimits;
use crate::server::OnExpiry;
use crate::server::RequestBody;
use crate::server::Share;
use crate::server::TICK;
use crate::server::Watch;
use crate::server::Worker;
use crate::telemetry::Ids;
use crate::telemetry::Metrics;
use crate::telemetry::WorkerMetrics;
use crate::telemetry::metrics::Limit;
use crate::telemetry::metrics::LinkRefusal;
use crate::telemetry::metrics::Listener;
use crate::telemetry::metrics::PoolEvent;
use crate::upstream;
use crate::upstream::Resolver;
use crate::upstream::Upstream;
use crate::vault::Vault;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use std::cell::Cell;
use std::cell::RefCell;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::path::Path;
use std::pin::Pin;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Everything that a worker is made from; crosses to its thread once.
pub(super) struct Plane {
    pub live: Arc<Live>,
    pub metrics: Arc<Metrics>,
    pub journal: Arc<Journal>,
    pub sender_keys: Arc<KeyRing>,
    pub replay: Arc<Replay>,
    /// Where there is a store.
    pub refused: Option<Arc<RefusedDeliveries>>,
    pub deliveries: Arc<Deliveries>,
    pub budget: Arc<Budget>,
    pub rates: Arc<Rates>,
    pub gates: Arc<Gates>,
    pub circuits: Arc<Circuits>,
    pub vault: Option<Arc<Vault>>,
    pub learned: Option<Arc<Learned>>,
    pub renewals: Arc<Renewals>,
    pub refusals: Option<Arc<Refusals>>,
    pub strangers: Arc<Strangers>,
    /// Where bodies go that are kept and too large for memory.
    pub spill: Arc<Path>,
    pub resolver: Resolver,
    pub settings: Arc<Settings>,
    pub workers: usize,
    pub proxy_tls: Option<Arc<Certificate>>,
    pub public_tls: Option<Arc<Certificate>>,
    /// Where there is a store, with the runtime that its work is done on.
    pub pages: Option<(Arc<Pages>, Handle)>,
    /// With one of the workers.
    pub trials: Option<mpsc::Receiver<Handed>>,
}

impl Plane {
    pub(super) async fn run(self, worker: Rc<Worker>, (proxy, public): (Share, Share)) {
        let metrics = Rc::new(self.metrics.worker());
        let share = NonZeroUsize::new(self.workers).unwrap_or(NonZeroUsize::MIN);
        let for_proxy = Upstream::new(self.resolver.clone(), share, pool_events(&metrics));
        let for_hooks = Upstream::new(self.resolver.clone(), share, pool_events(&metrics));
        let pen = Rc::new(self.journal.pen());
        let is_stale = Rc::new(Cell::new(false));
        let proxy_handler = Rc::new(Proxy {
            current: Current::new(Arc::clone(&self.live)),
            callers: KnownCallers::default(),
            upstream: Rc::clone(&for_proxy),
            rates: Arc::clone(&self.rates),
            gates: self.gates,
            circuits: Arc::clone(&self.circuits),
            metrics: Rc::clone(&metrics),
            ids: Ids::new(seed()),
            pen: Rc::clone(&pen),
            clock: now,
            retry_budgets: RetryBudgets::default(),
            bodies: KeptBodies::new(Arc::clone(&self.budget), self.spill),
            vault: self.vault.clone(),
            renewals: self.renewals,
            refusals: self.refusals,
            is_stale: Rc::clone(&is_stale),
            skew_told_s: RefCell::default(),
        });
        let desk = Rc::new(Desk {
            pages: self.pages,
            budget: Arc::clone(&self.budget),
            metrics: Rc::clone(&metrics),
            ids: Ids::new(seed()),
            pen: Rc::clone(&pen),
            clock: now,
        });
        let hooks = Rc::new(Inbound {
            live: Arc::clone(&self.live),
            upstream: Rc::clone(&for_hooks),
            metrics: Rc::clone(&metrics),
            ids: Ids::new(seed()),
            pen: Rc::clone(&pen),
            clock: now,
            replay: self.replay,
            sender_keys: self.sender_keys,
            turns: Turns::default(),
            refused: self.refused,
            deliveries: Some(Arc::clone(&self.deliveries)).filter(|it| it.keeps()),
            public_url: self.settings.public.url.clone(),
            max_body: self.settings.public.max_body,
            budget: Arc::clone(&self.budget),
            rates: Arc::clone(&self.rates),
            vault: self.vault.clone(),
            learned: self.learned,
            strangers: self.strangers,
            is_stale: Rc::clone(&is_stale),
        });
        // One worker is enough for what people have sent again: the first to ask.
        let sends_again = self
            .deliveries
            .orders()
            .map(|orders| tokio::task::spawn_local(Rc::clone(&hooks).send_again(orders)));
        let public_handler = Rc::new(Public { hooks, desk });
        let housekeeping = {
            let (worker, pen) = (Rc::clone(&worker), Rc::clone(&pen));
            let (budget, circuits) = (Arc::clone(&self.budget), self.circuits);
            let (vault, live) = (self.vault, self.live);
            async move {
                let mut ticks = tokio::time::interval(TICK);
                loop {
                    ticks.tick().await;
                    if let Some(vault) = &vault {
                        is_stale.set(vault.is_stale(Instant::now()));
                    }
                    for_proxy.tick(worker.clock_ms());
                    for_hooks.tick(worker.clock_ms());
                    let idle = for_proxy.idle() + for_hooks.idle();
                    metrics.pool(PoolEvent::IdleNow(i64::try_from(idle).unwrap_or(i64::MAX)));
                    let open = for_proxy.open_links() + for_hooks.open_links();
                    metrics.pool(PoolEvent::OpenNow(i64::try_from(open).unwrap_or(i64::MAX)));
                    // What belongs to the whole process is looked after by one of its workers.
                    if worker.index() == 0 {
                        metrics.shared().bodies_held(budget.held());
                        circuits.tick(Instant::now());
                        live.look_after_feed(Instant::now());
                    }
                    pen.flush();
                }
            }
        };
        let housekeeping = tokio::task::spawn_local(housekeeping);
        let trials = self.trials.map(|inbox| {
            let (worker, proxy) = (Rc::clone(&worker), Rc::clone(&proxy_handler));
            tokio::task::spawn_local(trying::serve(worker, proxy, inbox))
        });
        let limits = link_limits(&self.settings.proxy.limits, self.workers);
        let public_limits = link_limits(&self.settings.public.limits, self.workers);
        tokio::join!(
            server::serve(Rc::clone(&worker), proxy, self.proxy_tls, limits, proxy_handler),
            server::serve(
                Rc::clone(&worker),
                public,
                self.public_tls,
                public_limits,
                public_handler
            ),
        );
        // Those that are under way go on; no other one is taken.
        if let Some(trials) = trials {
            trials.abort();
        }
        until_links_end(&worker, self.settings.shutdown.drain).await;
        housekeeping.abort();
        if let Some(it) = sends_again {
            it.abort();
        }
        pen.flush();
    }
}

/// Waits for open links to finish, no longer than the deadline.
pub(super) async fn until_links_end(worker: &Worker, deadline: Duration) {
    let began = Instant::now();
    while worker.links() > 0 && began.elapsed() < deadline {
        tokio::time::sleep(TICK / 10).await;
    }
    if worker.links() > 0 {
        tracing::warn!(
            links = worker.links(),
            worker = worker.index(),
            "links cut at the drain deadline"
        );
    }
}

fn pool_events(metrics: &Rc<WorkerMetrics>) -> Box<dyn Fn(upstream::PoolEvent)> {
    let metrics = Rc::clone(metrics);
    Box::new(move |event| {
        metrics.pool(match event {
            upstream::PoolEvent::Dialled => PoolEvent::Dialled,
            upstream::PoolEvent::Reused => PoolEvent::Reused,
            upstream::PoolEvent::Stale => PoolEvent::Stale,
            upstream::PoolEvent::Declined => PoolEvent::Declined,
            upstream::PoolEvent::Retired => PoolEvent::Retired,
            upstream::PoolEvent::Failed => PoolEvent::Failed,
            upstream::PoolEvent::Awaited => {
                return metrics.shared().queued(Limit::UpstreamLinks);
            }
        });
    })
}

/// The configured limits, as one worker of `workers` holds them.
pub(super) fn link_limits(limits: &config::LinkLimits, workers: usize) -> LinkLimits {
    LinkLimits {
        head_timeout: limits.head_timeout,
        idle_timeout: limits.idle_timeout,
        max_head: limits.max_head,
        max_links: usize::try_from(limits.max_links).unwrap_or(usize::MAX).div_ceil(workers),
        http2_streams: limits.http2_streams,
    }
}

/// Good randomness for a generator that only has to be different everywhere.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    u64::from_ne_bytes(bytes)
}

/// The admin API's router behind the same links, limits and draining as everything else.
#[derive(Clone)]
pub(super) struct AdminHandler {
    router: axum::Router,
    metrics: Arc<Metrics>,
}

/// The handler on its own thread, with counters of its own.
pub(super) struct CountedAdmin {
    router: axum::Router,
    metrics: WorkerMetrics,
}

impl AdminHandler {
    pub(super) fn new(router: axum::Router, metrics: Arc<Metrics>) -> Self {
        Self { router, metrics }
    }

    pub(super) fn counting(&self) -> CountedAdmin {
        CountedAdmin { router: self.router.clone(), metrics: self.metrics.worker() }
    }
}

/// How long an operator's request may take, its body included: longer than one that it tries out.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(75);

/// The body of an answer on its way.
pub(super) struct AdminBody {
    body: axum::body::Body,
    /// Of an answer without an end: it is cut where nobody reads it any more.
    watch: Option<Rc<Watch>>,
}

impl Body for AdminBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let piece = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(watch) = &self.watch {
            watch.put_off(ADMIN_TIMEOUT);
        }
        Poll::Ready(piece)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Handler for CountedAdmin {
    type Body = AdminBody;

    async fn handle(
        self: Rc<Self>,
        request: Request<RequestBody>,
        link: Link,
    ) -> Result<Response<AdminBody>, Cut> {
        link.watch.begin(Some(ADMIN_TIMEOUT));
        link.watch.arm(ADMIN_TIMEOUT, OnExpiry::Cut);
        let (head, body) = request.into_parts();
        let (handed, mut bringer) = handed(body);
        let mut request = Request::from_parts(head, axum::body::Body::new(handed));
        request.extensions_mut().insert(admin::Peer(link.peer.ip()));
        let mut router = self.router.clone();
        let mut answering = pin!(tower_service::Service::call(&mut router, request));
        let response: Response<axum::body::Body> = poll_fn(|cx| {
            loop {
                match answering.as_mut().poll(cx) {
                    Poll::Ready(Ok(response)) => return Poll::Ready(Ok(response)),
                    Poll::Ready(Err(never)) => match never {},
                    Poll::Pending => ready!(bringer.poll_bring(cx)),
                }
            }
        })
        .await?;
        let is_endless = response.extensions().get::<admin::Endless>().is_some();
        let watch = is_endless.then(|| Rc::clone(&link.watch));
        if let Some(watch) = &watch {
            watch.begin(None);
            watch.arm(ADMIN_TIMEOUT, OnExpiry::Cut);
        }
        Ok(response.map(|body| AdminBody { body, watch }))
    }

    fn links(&self, delta: i64) {
        self.metrics.links_open(Listener::Admin, delta);
    }

    fn link_refused(&self, why: LinkRefusal) {
        self.metrics.shared().link_refused(Listener::Admin, why);
    }
}
