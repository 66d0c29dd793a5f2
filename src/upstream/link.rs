//! One link to an upstream, and one exchange on it.
use super::error::SendError;
use super::socket::Socket;
use bytes::Bytes;
use http::Request;
use http::Response;
use http::StatusCode;
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use std::cell::Cell;
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::pin::pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

/// How much of an answer may wait in a link's read buffer: bounds memory, head size and a read's size.
const READ_BUFFER: usize = 128 * 1024;

/// Longest response head, in bytes.
const HEAD_MAX: usize = 64 * 1024;

/// An HTTP/2 link is asked whether it still lives this often, and has this long to answer.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// HTTP/2 flow-control windows of a link and of a stream, in bytes (RFC 9113 §6.9).
const HTTP2_LINK_WINDOW: u32 = 4 * 1024 * 1024;
const HTTP2_STREAM_WINDOW: u32 = 1024 * 1024;

/// Streams on one HTTP/2 link before another is opened: what upstreams commonly allow.
const HTTP2_STREAMS_MAX: usize = 100;

/// What may be sent as a request body.
pub trait RequestBody:
    Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + 'static
{
}

impl<B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + 'static> RequestBody
    for B
{
}

/// An HTTP/1.1 link: the connection and its handle, driven by whoever holds it.
pub(super) struct Http1<B: RequestBody> {
    sender: http1::SendRequest<B>,
    conn: http1::Connection<TokioIo<Socket>, B>,
}

/// What became of an exchange that has no response.
///
/// Where not a byte of the request was sent, it is back in its slot: safe to send on another link.
pub(super) struct LinkFailed {
    pub error: SendError,
    /// The upstream says that it did not look at the request (RFC 9113 §8.7).
    pub refused: bool,
}

/// An upstream's side of a tunnel after a 101.
pub struct Upgraded {
    pub(super) socket: Socket,
    /// What the upstream sent right behind its 101.
    pub read_ahead: Bytes,
}

impl Upgraded {
    /// The socket, for whoever copies the bytes.
    pub fn into_parts(self) -> (impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, Bytes) {
        (self.socket, self.read_ahead)
    }
}

impl<B: RequestBody> Http1<B> {
    pub(super) async fn open(socket: Socket) -> Result<Box<Self>, SendError> {
        let (sender, conn) = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .max_header_size(HEAD_MAX)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(|_| SendError::Closed)?;
        Ok(Box::new(Self { sender, conn }))
    }

    /// Sends the request in `slot` and waits for the response's head. The link carries nothing else
    /// meanwhile.
    pub(super) async fn exchange(
        &mut self,
        slot: &mut Option<Request<B>>,
    ) -> Result<Response<Incoming>, LinkFailed> {
        let Some(request) = slot.take() else { return Err(LinkFailed::without_request()) };
        let mut response = pin!(self.sender.try_send_request(request));
        let conn = &mut self.conn;
        poll_fn(|cx| {
            // All progress is made by the connection, in this very task: the response's own
            // channel need not wake anybody.
            let ended = conn.poll_without_shutdown(cx).is_ready();
            match response.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(answer)) => Poll::Ready(Ok(answer)),
                Poll::Ready(Err(mut failed)) => {
                    *slot = failed.take_message();
                    let error = classify(failed.error());
                    Poll::Ready(Err(LinkFailed { error, refused: false }))
                }
                Poll::Pending if ended => {
                    Poll::Ready(Err(LinkFailed { error: SendError::Closed, refused: false }))
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Drives the link; ready once it has ended.
    pub(super) fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.conn.poll_without_shutdown(cx).map(drop)
    }

    /// True where the last exchange is over on both sides and the link can carry another. Leaves no
    /// waker of this exchange's task behind.
    pub(super) fn is_reusable(&mut self) -> bool {
        let ended = self.poll_drive(&mut Context::from_waker(Waker::noop())).is_ready();
        !ended && self.sender.is_ready() && !self.sender.is_closed()
    }

    /// After a 101: waits until HTTP has let go of the socket, and takes it.
    pub(super) async fn upgraded(mut self: Box<Self>) -> Result<Upgraded, SendError> {
        poll_fn(|cx| self.conn.poll_without_shutdown(cx)).await.map_err(|_| SendError::Closed)?;
        let parts = self.conn.into_parts();
        Ok(Upgraded { socket: parts.io.into_inner(), read_ahead: parts.read_buf })
    }
}

/// An HTTP/2 link: many exchanges at once, driven by a task of its own on this thread.
pub(super) struct Http2<B: RequestBody> {
    sender: http2::SendRequest<B>,
    open: Cell<usize>,
    /// Streams that the upstream allows at the same time (RFC 9113 §5.1.2), as far as we go along.
    allowed: Rc<Cell<usize>>,
}

impl<B: RequestBody> Http2<B> {
    pub(super) async fn open(socket: Socket) -> Result<Rc<Self>, SendError> {
        let (sender, conn) = http2::Builder::new(LocalTasks)
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_connection_window_size(HTTP2_LINK_WINDOW)
            .initial_stream_window_size(HTTP2_STREAM_WINDOW)
            .max_header_list_size(u32::try_from(HEAD_MAX).unwrap_or(u32::MAX))
            .handshake(TokioIo::new(socket))
            .await
            .map_err(|_| SendError::NotHttp)?;
        let allowed = Rc::new(Cell::new(HTTP2_STREAMS_MAX));
        // Ends by itself once the last handle is gone, and with the worker's runtime.
        tokio::task::spawn_local({
            let (mut conn, allowed) = (conn, Rc::clone(&allowed));
            poll_fn(move |cx| {
                let polled = Pin::new(&mut conn).poll(cx).map(drop);
                allowed.set(conn.current_max_send_streams().clamp(1, HTTP2_STREAMS_MAX));
                polled
            })
        });
        Ok(Rc::new(Self { sender, open: Cell::new(0), allowed }))
    }

    pub(super) fn has_room(&self) -> bool {
        self.is_open() && self.open.get() < self.allowed.get()
    }

    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.open.get() == 0
    }

    /// Takes a place on the link for one exchange.
    pub(super) fn stream(self: &Rc<Self>) -> Stream<B> {
        self.open.set(self.open.get() + 1);
        Stream(Rc::clone(self))
    }
}

/// A place on an HTTP/2 link, given back on drop.
pub(super) struct Stream<B: RequestBody>(Rc<Http2<B>>);

impl<B: RequestBody> Stream<B> {
    pub(super) async fn exchange(
        &self,
        slot: &mut Option<Request<B>>,
    ) -> Result<Response<Incoming>, LinkFailed> {
        let Some(request) = slot.take() else { return Err(LinkFailed::without_request()) };
        self.0.sender.clone().try_send_request(request).await.map_err(|mut failed| {
            *slot = failed.take_message();
            let refused = h2_error(failed.error()).is_some_and(|it| {
                let is_leaving = it.is_go_away() && it.is_remote();
                it.reason() == Some(h2::Reason::REFUSED_STREAM)
                    || (is_leaving && it.reason() == Some(h2::Reason::NO_ERROR))
            });
            LinkFailed { error: classify(failed.error()), refused }
        })
    }
}

impl LinkFailed {
    /// The slot was empty: a slip of ours, which must not look like an answer.
    fn without_request() -> Self {
        Self { error: SendError::RequestBody, refused: false }
    }
}

impl<B: RequestBody> Drop for Stream<B> {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
    }
}

/// Runs hyper's HTTP/2 tasks on the worker's own thread.
#[derive(Clone, Copy, Debug)]
struct LocalTasks;

impl<F: Future + 'static> hyper::rt::Executor<F> for LocalTasks {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move {
            task.await;
        });
    }
}

/// A 101 that nobody asked for opens no tunnel (RFC 9110 §15.2.2).
pub(super) fn is_unsolicited(response: &Response<Incoming>, asked_for_upgrade: bool) -> bool {
    response.status() == StatusCode::SWITCHING_PROTOCOLS && !asked_for_upgrade
}

fn h2_error(error: &hyper::Error) -> Option<&h2::Error> {
    error.source().and_then(|it| it.downcast_ref::<h2::Error>())
}

fn classify(error: &hyper::Error) -> SendError {
    if error.is_user() {
        SendError::RequestBody
    } else if error.is_parse()
        || error.is_parse_status()
        || error.is_parse_too_large()
        || h2_error(error).is_some_and(h2::Error::is_library)
    {
        SendError::NotHttp
    } else {
        SendError::Closed
    }
}
