//! A link's life: the handshake, HTTP/1.1 or HTTP/2 on it, its deadlines, and its end.
use super::request::RequestBody;
use super::socket::Socket;
use super::spread::Place;
use super::state::LinkState;
use super::tunnel::Tunnel;
use super::watch::Watch;
use super::worker::LinkCount;
use super::worker::TICK;
use super::worker::Worker;
use crate::telemetry::metrics::LinkRefusal;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use std::error::Error;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
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
        self.handler.links(1);
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
        self.handler.links(-1);
    }

    /// The handshake, where there is one, and whether HTTP/2 follows.
    async fn begin(&self, stream: TcpStream) -> Option<(Socket, bool)> {
        let Some(acceptor) = self.acceptor.clone() else {
            let idle = self.limits.idle_timeout;
            let seen = tokio::time::timeout(idle, speaks_http2(&stream, &self.worker)).await;
            let is_http2 = seen.unwrap_or_else(|_| self.refused(LinkRefusal::Idle))?;
            return Some((Socket::Plain(stream), is_http2));
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

/// Tells by the first bytes whether a caller without TLS speaks HTTP/2 (RFC 9113 §3.4: prior
/// knowledge). `None` where it closed without a word.
async fn speaks_http2(stream: &TcpStream, worker: &Rc<Worker>) -> Option<bool> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let stop = Watch::new(worker);
    let mut bytes = [0; PREFACE.len()];
    loop {
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
        if bytes[..seen] != PREFACE[..seen] {
            return Some(false);
        }
        if seen == PREFACE.len() {
            return Some(true);
        }
        // A part of the preface only: peeking would return at once, so look again at the next tick.
        tokio::time::sleep(TICK).await;
    }
}
