//! An HTTP/2 link from a caller: many exchanges at once, each a task of its own.
use super::link::Handler;
use super::link::Link;
use super::link::Opening;
use super::request::RequestBody;
use super::served::ServedBody;
use super::socket::Socket;
use super::state::LinkState;
use super::watch::OnExpiry;
use super::watch::Watch;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

/// HTTP/2 flow-control windows of a link and of a stream, in bytes (RFC 9113 §6.9).
const HTTP2_LINK_WINDOW: u32 = 1024 * 1024;
const HTTP2_STREAM_WINDOW: u32 = 256 * 1024;

impl<H: Handler> Opening<H> {
    pub(super) async fn serve_http2(&self, socket: Socket, state: Rc<LinkState>, is_tls: bool) {
        // The socket must not arm the watch: on HTTP/2 bytes arrive for many reasons.
        state.exchange_begins();
        let streams = Rc::new(Streams { open: Cell::new(0), state: Rc::clone(&state) });
        streams.state.watch.arm(self.limits.idle_timeout, OnExpiry::Cut);
        let (handler, peer, worker) =
            (Rc::clone(&self.handler), self.peer, Rc::clone(&self.worker));
        let next = Rc::new(RefCell::new(None));
        let (service_next, service_streams) = (Rc::clone(&next), Rc::clone(&streams));
        let service = service_fn(move |request: Request<Incoming>| {
            let watch = Watch::new(&worker);
            // hyper hands this stream's task to the executor right after this call.
            service_next.replace(Some(Rc::clone(&watch)));
            let open = service_streams.opened();
            let request = request.map(|it| RequestBody::new(it, Rc::clone(&watch), true));
            let link = Link { watch: Rc::clone(&watch), peer, is_tls, state: None };
            let answer = Rc::clone(&handler).handle(request, link);
            async move { answer.await.map(|it| it.map(|body| ServedBody::http2(body, watch, open))) }
        });
        let head = u32::try_from(self.limits.max_head).unwrap_or(u32::MAX);
        let mut conn = pin!(
            http2::Builder::new(StreamTasks { next })
                .max_concurrent_streams(self.limits.http2_streams)
                .max_header_list_size(head)
                .initial_connection_window_size(HTTP2_LINK_WINDOW)
                .initial_stream_window_size(HTTP2_STREAM_WINDOW)
                .serve_connection(TokioIo::new(socket), service)
        );
        let mut told = false;
        poll_fn(|cx| {
            let expired = state.watch.poll_expired(cx);
            if (expired || self.worker.is_draining()) && !told {
                told = true;
                conn.as_mut().graceful_shutdown();
                // The peer has this long to acknowledge before the link is cut.
                state.watch.arm(self.limits.head_timeout, OnExpiry::Cut);
            } else if expired && streams.open.get() == 0 {
                return Poll::Ready(());
            }
            conn.as_mut().poll(cx).map(drop)
        })
        .await;
    }
}

/// How many streams an HTTP/2 link has open: it is idle when there are none.
#[derive(Debug)]
pub(super) struct Streams {
    open: Cell<usize>,
    state: Rc<LinkState>,
}

impl Streams {
    fn opened(self: &Rc<Self>) -> OpenStream {
        self.open.set(self.open.get() + 1);
        self.state.watch.disarm();
        OpenStream(Rc::clone(self))
    }
}

#[derive(Debug)]
pub(super) struct OpenStream(Rc<Streams>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        let streams = &self.0;
        streams.open.set(streams.open.get() - 1);
        if streams.open.get() == 0 {
            streams.state.watch.arm(streams.state.limits.idle_timeout, OnExpiry::Cut);
        }
    }
}

/// Runs each HTTP/2 stream as a task of this thread, cut when its watch says so.
#[derive(Clone, Debug)]
struct StreamTasks {
    next: Rc<RefCell<Option<Rc<Watch>>>>,
}

impl<F: Future + 'static> hyper::rt::Executor<F> for StreamTasks {
    fn execute(&self, task: F) {
        let watch = self.next.take();
        tokio::task::spawn_local(async move {
            let mut task = pin!(task);
            poll_fn(|cx| {
                let cut = watch.as_ref().is_some_and(|it| it.poll_expired(cx) && it.is_cut());
                if cut { Poll::Ready(()) } else { task.as_mut().poll(cx).map(drop) }
            })
            .await;
        });
    }
}
