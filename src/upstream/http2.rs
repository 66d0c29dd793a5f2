//! One HTTP/2 link to an upstream, and the exchanges on it.
use super::error::SendError;
use super::link::HEAD_MAX;
use super::link::LinkFailed;
use super::link::RequestBody;
use super::link::classify;
use super::link::h2_error;
use super::socket::Socket;
use http::Request;
use http::Response;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

/// An HTTP/2 link is asked whether it still lives this often, and has this long to answer.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// HTTP/2 flow-control windows of a link and of a stream, in bytes (RFC 9113 §6.9).
const HTTP2_LINK_WINDOW: u32 = 4 * 1024 * 1024;
const HTTP2_STREAM_WINDOW: u32 = 1024 * 1024;

/// Streams on one HTTP/2 link before another is opened: what upstreams commonly allow.
const HTTP2_STREAMS_MAX: usize = 100;

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
