//! An HTTP/2 link from a caller: many exchanges at once, each a task of its own.
use super::link::Handler;
use super::link::Link;
use super::link::Opening;
use super::metered::Metered;
use super::request::RequestBody;
use super::served::ServedBody;
use super::socket::Socket;
use super::state::LinkState;
use super::streams::Streams;
use super::watch::OnExpiry;
use super::watch::Watch;
use crate::telemetry::metrics::LinkRefusal;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

/// Flow-control windows of a link and of a stream, in bytes (RFC 9113 §6.9): what may wait for upstreams
/// that read slowly. 32 uploads may stall before a link's others do.
const LINK_WINDOW: u32 = 4 * 1024 * 1024;
const STREAM_WINDOW: u32 = 128 * 1024;

/// How much of a response may wait in a stream for the caller's window, in bytes.
const SEND_BUFFER: usize = 64 * 1024;

/// Streams that were reset before we have looked at them, at the same time. More end the link.
const UNSEEN_RESETS_MAX: usize = 20;

/// Streams that the caller made us reset or refuse, over a link's whole life. More end the link.
const FAULTS_MAX: usize = 256;

impl<H: Handler> Opening<H> {
    pub(super) async fn serve_http2(&self, socket: Socket, state: Rc<LinkState>, is_tls: bool) {
        // The socket must not arm the watch: on HTTP/2 bytes arrive for many reasons.
        state.exchange_begins();
        let streams = Streams::new(&state);
        state.watch.arm(self.limits.idle_timeout, OnExpiry::Cut);
        let (handler, peer, worker) =
            (Rc::clone(&self.handler), self.peer, Rc::clone(&self.worker));
        let next = Rc::new(RefCell::new(None));
        let (service_next, service_streams) = (Rc::clone(&next), Rc::clone(&streams));
        let service = service_fn(move |request: Request<Incoming>| {
            let watch = Watch::new(&worker);
            // hyper hands this stream's task to the executor right after this call.
            service_next.replace(Some(Rc::clone(&watch)));
            let open = service_streams.opened();
            let request = request.map(|it| RequestBody::http2(it, Rc::clone(&watch)));
            let link = Link { watch: Rc::clone(&watch), peer, is_tls, state: None };
            let answer = Rc::clone(&handler).handle(request, link);
            async move {
                let answer = answer.await;
                open.answered();
                answer.map(|it| it.map(|body| ServedBody::new(body, watch, open)))
            }
        });
        let head = u32::try_from(self.limits.max_head).unwrap_or(u32::MAX);
        let mut conn = pin!(
            http2::Builder::new(StreamTasks { next })
                .max_concurrent_streams(self.limits.http2_streams)
                .max_header_list_size(head)
                .max_pending_accept_reset_streams(UNSEEN_RESETS_MAX)
                .max_local_error_reset_streams(FAULTS_MAX)
                .max_send_buf_size(SEND_BUFFER)
                .initial_connection_window_size(LINK_WINDOW)
                .initial_stream_window_size(STREAM_WINDOW)
                .serve_connection(TokioIo::new(Metered::new(socket, &state.watch)), service)
        );
        let mut told = false;
        poll_fn(|cx| {
            let expired = state.watch.poll_expired(cx);
            if streams.is_flooded() {
                self.handler.link_refused(LinkRefusal::Flood);
                return Poll::Ready(());
            }
            if (expired || self.worker.is_draining()) && !told {
                told = true;
                if !self.worker.is_draining() {
                    self.handler.link_refused(LinkRefusal::Idle);
                }
                conn.as_mut().graceful_shutdown();
                // The peer has this long to acknowledge before the link is cut.
                state.watch.arm(self.limits.head_timeout, OnExpiry::Cut);
            } else if expired && streams.is_idle() {
                return Poll::Ready(());
            }
            conn.as_mut().poll(cx).map(|it| {
                if let Some(why) = it.err().as_ref().and_then(fault) {
                    self.handler.link_refused(why);
                }
            })
        })
        .await;
    }
}

/// Why we have ended the link. None where the caller has, or the network.
fn fault(error: &hyper::Error) -> Option<LinkRefusal> {
    let cause = error.source()?;
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return (error.kind() == io::ErrorKind::QuotaExceeded).then_some(LinkRefusal::Flood);
    }
    let error = cause.downcast_ref::<h2::Error>().filter(|it| it.is_library())?;
    let is_calm = error.reason() != Some(h2::Reason::ENHANCE_YOUR_CALM);
    Some(if is_calm { LinkRefusal::Malformed } else { LinkRefusal::Flood })
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
