//! A link's life: the handshake, HTTP/1.1 or HTTP/2 on it, its deadlines, and its end.
use super::request::RequestBody;
use super::socket::Socket;
use super::spread::Place;
use super::state::LinkState;
use super::tunnel::Tunnel;
use super::watch::Watch;
use super::worker::LinkCount;
use super::worker::Worker;
use crate::telemetry::metrics::LinkRefusal;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use std::error::Error;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// What one listener allows a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkLimits {
    /// From a request's first byte to the end of its head; also the TLS handshake's time.
    pub head_timeout: Duration,
    /// How long a link may lie idle between requests, or before the first.
    pub idle_timeout: Duration,
    /// Request line and fields together, in bytes.
    pub max_head: usize,
    /// Links on one worker at the same time.
    pub max_links: usize,
    /// Streams on one HTTP/2 link at the same time.
    pub http2_streams: u32,
}

/// Answers requests. One value per worker and listener.
pub trait Handler: 'static {
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + 'static;

    /// One exchange. An error cuts the link: there is nothing that could still be answered.
    fn handle(
        self: Rc<Self>,
        request: Request<RequestBody>,
        link: Link,
    ) -> impl Future<Output = Result<Response<Self::Body>, Cut>> + 'static;

    /// A link opened (+1) or closed (-1).
    fn links(&self, delta: i64);

    /// A link was ended outside of any exchange, or accepting pauses: the listener has as many links
    /// as it may, or the process has no file descriptor or memory for one more.
    fn link_refused(&self, why: LinkRefusal);
}

/// A handler's word that the link is to be closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the exchange was cut")]
pub struct Cut;

/// What a handler sees of the link that a request came by.
#[derive(Clone, Debug)]
pub struct Link {
    pub watch: Rc<Watch>,
    pub peer: SocketAddr,
    /// True where the caller's side of the link is TLS.
    pub is_tls: bool,
    pub(super) state: Option<Rc<LinkState>>,
}

impl Link {
    /// For a request that is made here: there is no socket, and so no tunnel.
    pub fn inside(worker: &Rc<Worker>) -> Self {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { watch: Watch::new(worker), peer, is_tls: false, state: None }
    }

    /// What follows a 101. False on HTTP/2, which has no Upgrade (RFC 9113 §8.6).
    pub fn open_tunnel(&self, tunnel: Tunnel) -> bool {
        self.state.as_ref().is_some_and(|it| it.tunnel.replace(Some(tunnel)).is_none())
    }
}

/// A link that was just accepted.
pub(super) struct Opening<H> {
    pub worker: Rc<Worker>,
    pub handler: Rc<H>,
    pub limits: LinkLimits,
    pub acceptor: Option<TlsAcceptor>,
    pub peer: SocketAddr,
    #[expect(dead_code, reason = "counts the link until dropped")]
    pub place: Place,
    #[expect(dead_code, reason = "the worker waits for the link until dropped")]
    pub open: LinkCount,
}

impl<H: Handler> Opening<H> {
    pub(super) async fn run(self, stream: TcpStream) {
        let _counted = Counted::begin(&self.handler);
        let _ = stream.set_nodelay(true);
        if let Some((socket, is_http2)) = self.begin(stream).await {
            let is_tls = socket.is_tls();
            let state = LinkState::new(&self.worker, self.limits);
            if is_http2 {
                // Apart, so that the many HTTP/1 links do not keep room for it.
                Box::pin(self.serve_http2(socket, state, is_tls)).await;
            } else {
                self.serve_http1(socket, state, is_tls).await;
            }
        }
    }

    /// The handshake, where there is one, and whether HTTP/2 follows.
    async fn begin(&self, stream: TcpStream) -> Option<(Socket, bool)> {
        let Some(acceptor) = self.acceptor.clone() else {
            let idle = self.limits.idle_timeout;
            let seen = tokio::time::timeout(idle, look(&stream, &self.worker)).await;
            let mut seen = seen.unwrap_or_else(|_| self.refused(LinkRefusal::Idle))?;
            if seen == Preface::Part {
                let all = Box::pin(look_on(&stream, &self.worker));
                let all = tokio::time::timeout(self.limits.head_timeout, all).await;
                seen = all.unwrap_or_else(|_| self.refused(LinkRefusal::HeadTimeout))?;
            }
            return Some((Socket::Plain(stream), seen == Preface::Whole));
        };
        let handshake = Box::pin(acceptor.accept(stream));
        let shaken = tokio::time::timeout(self.limits.head_timeout, handshake).await;
        let stream = match shaken {
            Ok(Ok(stream)) => Box::new(stream),
            // Any other error is the link's: the caller has gone.
            Ok(Err(error)) if error.kind() != ErrorKind::InvalidData => return None,
            Ok(Err(_)) => return self.refused(LinkRefusal::Tls),
            Err(_) => return self.refused(LinkRefusal::HeadTimeout),
        };
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Some((Socket::Tls(stream), is_http2))
    }

    /// Counts a link that ends here for that reason.
    pub(super) fn refused<T>(&self, why: LinkRefusal) -> Option<T> {
        self.handler.link_refused(why);
        None
    }
}

/// A link that is counted as open until dropped, by a panic as well.
struct Counted<H: Handler>(Rc<H>);

impl<H: Handler> Counted<H> {
    fn begin(handler: &Rc<H>) -> Self {
        handler.links(1);
        Self(Rc::clone(handler))
    }
}

impl<H: Handler> Drop for Counted<H> {
    fn drop(&mut self) {
        self.0.links(-1);
    }
}

/// How much of the preface of HTTP/2 a caller without TLS has begun with (RFC 9113 §3.4: prior knowledge).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preface {
    Whole,
    Part,
    /// Something else.
    None,
}

/// Waits for the first bytes. `None` where the link was closed without a word, or is to be.
async fn look(stream: &TcpStream, worker: &Rc<Worker>) -> Option<Preface> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let stop = Watch::new(worker);
    let mut bytes = [0; PREFACE.len()];
    let seen = poll_fn(|cx| {
        let _ = stop.poll_expired(cx);
        match stream.poll_peek(cx, &mut ReadBuf::new(&mut bytes)) {
            Poll::Ready(seen) => Poll::Ready(seen.ok()),
            // Nothing was asked on this link, and nothing more is to be answered.
            Poll::Pending if worker.is_draining() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    let seen = seen.await.filter(|it| *it > 0)?;
    Some(match &bytes[..seen] {
        PREFACE => Preface::Whole,
        seen if PREFACE.starts_with(seen) => Preface::Part,
        _ => Preface::None,
    })
}

/// Waits for what comes behind a part of the preface.
async fn look_on(stream: &TcpStream, worker: &Rc<Worker>) -> Option<Preface> {
    let stop = Watch::new(worker);
    loop {
        // What has been looked at is still there to be read: only what comes next is to wake us.
        let _ = stream.try_io(Interest::READABLE, || Err::<(), _>(ErrorKind::WouldBlock.into()));
        let mut ready = pin!(stream.ready(Interest::READABLE));
        let ready = poll_fn(|cx| {
            let _ = stop.poll_expired(cx);
            match ready.as_mut().poll(cx) {
                Poll::Pending if worker.is_draining() => Poll::Ready(None),
                ready => ready.map(Result::ok),
            }
        });
        let is_over = ready.await?.is_read_closed();
        match look(stream, worker).await? {
            // The end of a link is seen by whoever reads it.
            Preface::Part if is_over => return Some(Preface::None),
            Preface::Part => {}
            seen => return Some(seen),
        }
    }
}
