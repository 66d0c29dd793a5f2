//! Sending: a link from the pool or a fresh one, the request on it, the response's head back.
use super::body::Back;
use super::body::ResponseBody;
use super::dial;
use super::dial::Guard;
use super::dial::Resolver;
use super::error::SendError;
use super::http1::Http1;
use super::http2;
use super::http2::Turn;
use super::link::Fields;
use super::link::LinkFailed;
use super::link::RequestBody;
use super::link::RequestHead;
use super::link::Upgraded;
use super::links;
use super::links::Links;
use super::links::OpenLink;
use super::look_up::LookUps;
use super::pool::PeerKey;
use super::pool::PeerRef;
use super::pool::Pool;
use super::pool::PoolEvent;
use super::socket::Socket;
use super::tls::Connectors;
use crate::catalog::Protocol;
use crate::catalog::UpstreamSettings;
use crate::model::Key;
use crate::model::Origin;
use http::Response;
use http::StatusCode;
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// Where a request goes, and under which settings.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    pub origin: &'a Arc<Origin>,
    pub settings: &'a Arc<UpstreamSettings>,
    /// The connection that it is for.
    pub connection: &'a Key,
}

/// How a request may be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Sending it twice does no harm (RFC 9110 §9.2.2), so any pooled link will do.
    pub may_repeat: bool,
    /// Not on a pooled link: one has just failed.
    pub fresh_link: bool,
    /// HTTP/1.1 only, and not from the pool: a tunnel may follow.
    pub upgrade: bool,
}

/// What was spent before the request could be sent. Zero where a pooled link was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Waiting for a link or a stream, since there may be only so many.
    pub queue: Duration,
    pub dial: Duration,
    pub tls: Duration,
}

/// A response's head, with a body that is still to be read.
pub struct Sent<B: RequestBody> {
    pub response: Response<ResponseBody<B>>,
    /// After a 101 that was asked for: the upstream's side of the tunnel.
    pub upgraded: Option<Box<Upgraded>>,
    pub spent: Spent,
}

/// No response.
#[derive(Debug)]
pub struct Failed {
    pub error: SendError,
    /// The link was a pooled one, or the upstream declined the request unseen: worth one more try
    /// for a request that may be repeated.
    pub may_try_again: bool,
    /// The upstream says that it did not look at the request (RFC 9113 §8.7), or its link ended before
    /// anything was sent: it may be sent again whatever its method, where its body is still there.
    pub unprocessed: bool,
    pub spent: Spent,
}

/// One worker's way out. Cheap to share within the worker.
pub struct Upstream<B: RequestBody> {
    pool: Pool<B>,
    http2: http2::Peers,
    links: Links,
    connectors: Connectors,
    look_ups: LookUps,
    on_event: Box<dyn Fn(PoolEvent)>,
}

enum Link<B: RequestBody> {
    Http1(Box<Http1<B>>),
    Http2(http2::Place),
}

/// What whoever needs a link has found.
enum Found<B: RequestBody> {
    Idle(Box<Http1<B>>),
    Place(OpenLink),
}

/// A socket that is ready for HTTP, and which.
struct Dialled {
    socket: Socket,
    is_http2: bool,
}

impl<B: RequestBody> Upstream<B> {
    /// `on_event` counts what the pool does; it is called a few times per exchange at most. Each of
    /// `workers` has its share of the links that there may be.
    pub fn new(
        resolver: Resolver,
        workers: NonZeroUsize,
        on_event: Box<dyn Fn(PoolEvent)>,
    ) -> Rc<Self> {
        let (pool, http2, links) = (Pool::new(), http2::Peers::new(), Links::new(workers));
        let look_ups = LookUps::new(resolver);
        Rc::new(Self { pool, http2, links, connectors: Connectors::default(), look_ups, on_event })
    }

    /// Called by the worker on each tick.
    pub fn tick(&self, now_ms: u64) {
        self.pool.tick(now_ms);
        self.links.tick();
        let closed = self.http2.tick(now_ms) as u64;
        for _ in 0..self.pool.take_retired() + closed {
            (self.on_event)(PoolEvent::Retired);
        }
    }

    /// Links that wait for an exchange right now.
    pub fn idle(&self) -> usize {
        self.pool.idle()
    }

    /// Links that are open, in use or idle.
    pub fn open_links(&self) -> usize {
        self.links.open()
    }

    /// Sends the request whose body is in `slot`, and returns as soon as the response's head is there.
    /// Dropping the future cancels the exchange and closes its link. `linked` is called each time a link
    /// is there and the request is about to go on it.
    pub async fn send(
        self: &Rc<Self>,
        to: Destination<'_>,
        head: &RequestHead<'_, impl Fields>,
        slot: &mut Option<B>,
        manner: Manner,
        linked: impl Fn(),
    ) -> Result<Sent<B>, Failed> {
        let mut spent = Spent::default();
        if head.target.authority().is_some() || !head.target.path().starts_with('/') {
            return Err(Failed {
                error: SendError::OutsideOrigin,
                may_try_again: false,
                unprocessed: false,
                spent,
            });
        }
        let identity = to.settings.identity;
        let peer = PeerRef { identity, origin: to.origin };
        let mut pooled = !manner.fresh_link && !manner.upgrade;
        loop {
            let may_take = pooled && !self.links.is_awaited(&peer);
            let taken = if may_take { self.pool.take(&peer, manner.may_repeat) } else { None };
            pooled = taken.is_some();
            let link =
                match taken {
                    Some(link) => Link::Http1(link),
                    None => {
                        let (link, is_fresh) =
                            self.link(to, &peer, manner, &mut spent).await.map_err(|error| {
                                Failed { error, may_try_again: false, unprocessed: false, spent }
                            })?;
                        pooled = !is_fresh;
                        link
                    }
                };
            if pooled {
                (self.on_event)(PoolEvent::Reused);
            }
            linked();
            let sent = match link {
                Link::Http1(link) => self.on_http1(link, to, head, slot, manner.upgrade).await,
                Link::Http2(place) => {
                    Box::pin(http2::exchange(place, head, slot)).await.map(|it| {
                        let response: Response<ResponseBody<B>> = it.map(ResponseBody::http2);
                        (response, None)
                    })
                }
            };
            match sent {
                Ok((response, upgraded)) => return Ok(Sent { response, upgraded, spent }),
                Err(failed) => {
                    if failed.refused {
                        (self.on_event)(PoolEvent::Declined);
                    } else if pooled {
                        (self.on_event)(PoolEvent::Stale);
                        self.pool.was_stale(&peer);
                    }
                    // The pooled link was dead before a byte was written: another one.
                    if pooled && slot.is_some() && failed.error != SendError::OutsideOrigin {
                        continue;
                    }
                    let LinkFailed { error, refused: unprocessed } = failed;
                    let may_try_again = unprocessed
                        || (pooled && matches!(error, SendError::Closed | SendError::TlsEnded));
                    return Err(Failed { error, may_try_again, unprocessed, spent });
                }
            }
        }
    }

    pub(super) fn put_back(&self, key: &PeerKey, link: Box<Http1<B>>) {
        let keep_alive_s = link.keep_alive_s();
        self.pool.put(key, link, keep_alive_s);
        self.links.freed(&PeerRef { identity: key.identity, origin: &key.origin });
    }

    /// A link where none was idle; true where it is fresh.
    async fn link(
        &self,
        to: Destination<'_>,
        by: &PeerRef<'_>,
        manner: Manner,
        spent: &mut Spent,
    ) -> Result<(Link<B>, bool), SendError> {
        let may_be_http2 = match to.settings.protocol {
            Protocol::Auto => to.origin.is_https(),
            Protocol::Http1 => false,
            Protocol::Http2 => true,
        };
        if manner.upgrade || !may_be_http2 {
            // Boxed: dialling is rare, and its room would be moved about with every exchange.
            return Box::pin(self.own_link(to, by, manner, spent)).await;
        }
        Box::pin(self.shared_link(to, by, manner, spent)).await
    }

    /// A link of HTTP/1.1, for one exchange at a time.
    async fn own_link(
        &self,
        to: Destination<'_>,
        by: &PeerRef<'_>,
        manner: Manner,
        spent: &mut Spent,
    ) -> Result<(Link<B>, bool), SendError> {
        Ok(match self.place(to, by, manner, spent).await? {
            Found::Idle(link) => (Link::Http1(link), false),
            Found::Place(place) => {
                let dialled = self.open(to, place, true, spent).await?;
                (Link::Http1(Http1::new(dialled.socket)), true)
            }
        })
    }

    /// A place for one more link, or one that somebody else has put back: waits for it no longer than
    /// configured, where there are as many links as there may be.
    async fn place(
        &self,
        to: Destination<'_>,
        by: &PeerRef<'_>,
        manner: Manner,
        spent: &mut Spent,
    ) -> Result<Found<B>, SendError> {
        let peer = self.links.peer(by, || key_of(to));
        let places = self.links.share(to.settings.links);
        let find = || {
            let may_take = !manner.fresh_link && !manner.upgrade;
            let idle = if may_take { self.pool.take(by, manner.may_repeat) } else { None };
            idle.map(Found::Idle).or_else(|| self.room(by, &peer, places.max).map(Found::Place))
        };
        let turn = async |waits: &dyn Fn()| {
            tokio::time::timeout(places.wait, peer.turn(places.queue, find, waits)).await
        };
        self.queued(spent, turn).await.unwrap_or(Err(SendError::NoLink))
    }

    /// Counts the wait that `turn` tells of, and its time.
    async fn queued<T>(&self, spent: &mut Spent, turn: impl AsyncFnOnce(&dyn Fn()) -> T) -> T {
        let began = Cell::new(None);
        let waits = || {
            began.set(Some(Instant::now()));
            (self.on_event)(PoolEvent::Awaited);
        };
        let turn = turn(&waits).await;
        spent.queue += began.get().map_or(Duration::ZERO, |it| it.elapsed());
        turn
    }

    /// A place for one more link, for which one may have to go that is idle and can't be used here.
    fn room(&self, by: &PeerRef<'_>, peer: &Rc<links::Peer>, max: u32) -> Option<OpenLink> {
        peer.place(max).or_else(|| {
            self.pool.close_idle(by);
            peer.place(max)
        })
    }

    /// A link to an upstream that may speak HTTP/2: one of few, opened once for all who wait for it.
    async fn shared_link(
        &self,
        to: Destination<'_>,
        by: &PeerRef<'_>,
        manner: Manner,
        spent: &mut Spent,
    ) -> Result<(Link<B>, bool), SendError> {
        let peer = self.http2.peer(by, || key_of(to)).ok_or(SendError::OutsideOrigin)?;
        let places = self.links.share(to.settings.links);
        loop {
            let turn = async |waits: &dyn Fn()| peer.turn(places, waits).await;
            let dialling = match self.queued(spent, turn).await? {
                Turn::Place(place) => return Ok((Link::Http2(place), false)),
                Turn::Http1 { is_required } => {
                    return self.any_link(to, by, manner, &peer, is_required, spent).await;
                }
                Turn::Dial(dialling) => dialling,
            };
            let place = self.room(by, &self.links.peer(by, || key_of(to)), places.max);
            let dialled = match place {
                Some(place) => self.open(to, place, false, spent).await,
                // Whoever finds no room here waits for a stream on a link that there is…
                None if dialling.has_others() => Err(SendError::NoLink),
                // … or, where all that there are carry one exchange each, for one of these to end.
                None => {
                    drop(dialling);
                    return self.any_link(to, by, manner, &peer, false, spent).await;
                }
            };
            let link = match dialled {
                Ok(dialled) if dialled.is_http2 => http2::Link::open(dialled.socket, &peer).await,
                Ok(dialled) => {
                    dialling.found_http1();
                    return Ok((Link::Http1(Http1::new(dialled.socket)), true));
                }
                Err(error) => Err(error),
            };
            match link {
                Ok(link) => return Ok((Link::Http2(dialling.opened(&link)), true)),
                Err(error) => {
                    if let Some(error) = dialling.failed(error) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// A link of HTTP/1.1 that is idle, or a fresh one of whatever it turns out to speak; `http1_only`
    /// where HTTP/2 is not to be offered.
    async fn any_link(
        &self,
        to: Destination<'_>,
        by: &PeerRef<'_>,
        manner: Manner,
        peer: &Rc<http2::Peer>,
        http1_only: bool,
        spent: &mut Spent,
    ) -> Result<(Link<B>, bool), SendError> {
        let place = match self.place(to, by, manner, spent).await? {
            Found::Idle(link) => return Ok((Link::Http1(link), false)),
            Found::Place(place) => place,
        };
        let dialled = self.open(to, place, http1_only, spent).await?;
        if dialled.is_http2 {
            let link = http2::Link::open(dialled.socket, peer).await?;
            return Ok((Link::Http2(peer.opened(&link)), true));
        }
        if !http1_only {
            peer.found_http1();
        }
        Ok((Link::Http1(Http1::new(dialled.socket)), true))
    }

    async fn open(
        &self,
        to: Destination<'_>,
        place: OpenLink,
        http1_only: bool,
        spent: &mut Spent,
    ) -> Result<Dialled, SendError> {
        (self.on_event)(PoolEvent::Dialled);
        let opened = self.dial(to, place, http1_only, spent).await;
        if opened.is_err() {
            (self.on_event)(PoolEvent::Failed);
        }
        opened
    }

    async fn dial(
        &self,
        to: Destination<'_>,
        place: OpenLink,
        http1_only: bool,
        spent: &mut Spent,
    ) -> Result<Dialled, SendError> {
        let settings = to.settings;
        let began = Instant::now();
        let dialled = dial::dial(
            &self.look_ups,
            to.connection,
            to.origin,
            Guard { allow: &settings.egress_allow, plain_inside_only: settings.plain_inside_only },
            settings.timeouts.connect,
        )
        .await;
        spent.dial += began.elapsed();
        let stream = dialled?;
        if !to.origin.is_https() {
            let is_http2 = settings.protocol == Protocol::Http2 && !http1_only;
            return Ok(Dialled { socket: Socket::Plain(stream, place), is_http2 });
        }
        let began = Instant::now();
        let handshake = self.connectors.handshake(stream, to.origin, settings, http1_only);
        let shaken = tokio::time::timeout(settings.timeouts.tls, handshake).await;
        spent.tls += began.elapsed();
        let stream = shaken.map_err(|_| SendError::HandshakeTimedOut)??;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if settings.protocol == Protocol::Http2 && !is_http2 && !http1_only {
            return Err(SendError::NoHttp2);
        }
        Ok(Dialled { socket: Socket::Tls(Box::new(stream), place), is_http2 })
    }

    async fn on_http1(
        self: &Rc<Self>,
        mut link: Box<Http1<B>>,
        to: Destination<'_>,
        head: &RequestHead<'_, impl Fields>,
        slot: &mut Option<B>,
        upgrade: bool,
    ) -> Result<(Response<ResponseBody<B>>, Option<Box<Upgraded>>), LinkFailed> {
        let response = link.exchange(head, slot, upgrade).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok((
                response.map(|()| ResponseBody::nothing()),
                Some(Box::new(link.upgraded())),
            ));
        }
        let back = Back { upstream: Rc::clone(self), key: key_of(to) };
        Ok((response.map(|()| ResponseBody::http1(link, back)), None))
    }
}

fn key_of(to: Destination<'_>) -> PeerKey {
    PeerKey { identity: to.settings.identity, origin: Arc::clone(to.origin) }
}
