//! One HTTP/2 link: its task, its streams, and the question whether it still lives.
use super::super::error::SendError;
use super::super::link::HEAD_MAX;
use super::super::socket::Socket;
use super::super::tls;
use super::counted::Counted;
use super::peer::Peer;
use bytes::Bytes;
use h2::SendStream;
use h2::client;
use h2::client::Connection;
use h2::client::ResponseFuture;
use h2::client::SendRequest;
use http::Request;
use std::cell::Cell;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::rc::Weak;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::time::Duration;

/// Flow-control windows of a link and of a stream, in bytes (RFC 9113 §6.9). The link's is as large
/// as those of all its streams together: a caller that reads slowly holds up nobody but itself.
const STREAM_WINDOW: u32 = 256 * 1024;
const LINK_WINDOW: u32 = STREAM_WINDOW * STREAMS_MAX as u32;

/// Largest frame that we take, in bytes (RFC 9113 §4.2).
const FRAME_MAX: u32 = 64 * 1024;

/// How much of a request body may wait in a stream for the upstream's window, in bytes.
const SEND_BUFFER: usize = 128 * 1024;

/// Streams on one link before another is opened, whatever the upstream allows: what is lost with a
/// link is bounded.
pub(super) const STREAMS_MAX: usize = 100;

/// Streams that a link is given until the upstream has said how many it allows (RFC 9113 §5.1.2).
const STREAMS_AT_FIRST: usize = 1;

/// Stands for the upstream's number until it is known: nothing that fits in a setting.
const UNSAID: usize = usize::MAX - 1;

/// Streams that a link may ever have: before their numbers run out it is replaced (RFC 9113 §5.1.1).
const STREAMS_EVER: u32 = 1 << 29;

/// Streams that we have reset and whose late frames we still recognise, and for how long. A frame of a
/// forgotten stream counts as a fault of the upstream's, and enough of these end the link.
const RESETS_REMEMBERED: usize = 1024;
const RESET_MEMORY: Duration = Duration::from_secs(5);

/// Faults in single streams that a link is forgiven, over its whole life.
const FAULTS_MAX: usize = 1024;

/// Memory that unread small DATA frames may cost a link beyond their bytes.
const SMALL_FRAMES: usize = 8 * 1024 * 1024;

/// A link on which nothing was heard for this long is asked whether it still lives, in milliseconds;
/// and has this long to answer.
const PING_AFTER_MS: u64 = 10_000;
const PING_TIMEOUT_MS: u64 = 5_000;

/// Bytes that an upstream may send on a link that nobody uses.
const IDLE_BYTES_MAX: u64 = 64 * 1024;

/// An HTTP/2 link: many exchanges at once, driven by a task of its own on this thread.
pub(in super::super) struct Link {
    sender: RefCell<SendRequest<Bytes>>,
    shared: Rc<Shared>,
    open: Cell<usize>,
    /// Streams that the link may still be given.
    left: Cell<u32>,
    /// Streams that were open when the upstream refused one more: it takes no more than these.
    refused_at: Cell<usize>,
    last_used_ms: Cell<u64>,
    idle_bytes: Cell<u64>,
}

/// What a link shares with its task.
struct Shared {
    /// Streams that the upstream allows at the same time, as far as we go along. `None` until it has
    /// said so.
    allowed: Cell<Option<usize>>,
    /// Bytes that came since the last tick.
    heard: Rc<Cell<u64>>,
    /// Bytes that the socket has ever taken.
    said: Rc<Cell<u64>>,
    last_heard_ms: Cell<u64>,
    pulse: Cell<Pulse>,
    is_over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pulse {
    Quiet,
    /// A ping is to be sent.
    Wanted,
    /// A ping was sent at this time.
    Asked(u64),
    /// No answer: the link is given up.
    Dead,
}

impl Link {
    /// Shakes hands, and starts the link's task. The task ends by itself once the link is dropped and
    /// its streams are over, or with the worker's runtime.
    pub(in super::super) async fn open(
        socket: Socket,
        peer: &Rc<Peer>,
    ) -> Result<Rc<Self>, SendError> {
        let (heard, said) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let socket = Counted::new(socket, &heard, &said);
        let (sender, conn) = client::Builder::new()
            .enable_push(false)
            .initial_max_send_streams(UNSAID)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(LINK_WINDOW)
            .max_frame_size(FRAME_MAX)
            .max_header_list_size(u32::try_from(HEAD_MAX).unwrap_or(u32::MAX))
            .max_send_buffer_size(SEND_BUFFER)
            .max_concurrent_reset_streams(RESETS_REMEMBERED)
            .reset_stream_duration(RESET_MEMORY)
            .max_local_error_reset_streams(Some(FAULTS_MAX))
            .data_frame_budget(SMALL_FRAMES)
            .handshake(socket)
            .await
            .map_err(|it| it.get_io().map_or(SendError::Closed, tls::ended))?;
        let shared = Rc::new(Shared {
            allowed: Cell::new(None),
            heard,
            said,
            last_heard_ms: Cell::new(peer.clock_ms()),
            pulse: Cell::new(Pulse::Quiet),
            is_over: Cell::new(false),
            waker: RefCell::new(None),
        });
        tokio::task::spawn_local(drive(conn, Rc::clone(&shared), Rc::downgrade(peer)));
        Ok(Rc::new(Self {
            sender: RefCell::new(sender),
            shared,
            open: Cell::new(0),
            left: Cell::new(STREAMS_EVER),
            refused_at: Cell::new(usize::MAX),
            last_used_ms: Cell::new(peer.clock_ms()),
            idle_bytes: Cell::new(0),
        }))
    }

    /// False once the upstream has said that it takes no more streams (RFC 9113 §6.8), or the link has
    /// ended. Streams that are open may go on.
    pub(super) fn is_open(&self) -> bool {
        let mut quiet = Context::from_waker(Waker::noop());
        !self.shared.is_over.get()
            && self.left.get() > 0
            && !matches!(self.sender.borrow_mut().poll_ready(&mut quiet), Poll::Ready(Err(_)))
    }

    pub(super) fn has_room(&self) -> bool {
        let allowed = self.shared.allowed.get().unwrap_or(STREAMS_AT_FIRST);
        let most = allowed.min(self.refused_at.get().max(1));
        self.open.get() < most && self.is_open()
    }

    /// False until the upstream has said how many streams it allows: more room is to come.
    pub(super) fn is_settled(&self) -> bool {
        self.shared.allowed.get().is_some()
    }

    pub(super) fn stream_begins(&self, now_ms: u64) {
        self.open.set(self.open.get() + 1);
        self.left.set(self.left.get() - 1);
        self.last_used_ms.set(now_ms);
    }

    pub(super) fn stream_ended(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0 {
            self.refused_at.set(usize::MAX);
            self.idle_bytes.set(0);
        }
    }

    /// The upstream refused a stream beyond those that are open now: there is no point in another one
    /// before these have ended.
    pub(super) fn refused_one_more(&self) {
        self.refused_at.set(self.open.get().saturating_sub(1));
    }

    /// Opens a stream. The link has to be open: a head that is not sent is lost.
    pub(super) fn send(
        &self,
        head: Request<()>,
        is_end: bool,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        self.sender.borrow_mut().send_request(head, is_end)
    }

    /// Bytes that the link's socket has ever taken: where there are no more of them than before a stream
    /// was opened, nothing of that stream was sent.
    pub(super) fn said(&self) -> u64 {
        self.shared.said.get()
    }

    /// Looks after the link; false where it is to be let go of.
    pub(super) fn tick(&self, now_ms: u64, idle_life_ms: u64) -> bool {
        let heard = self.shared.heard.take();
        if heard > 0 {
            self.shared.last_heard_ms.set(now_ms);
        }
        let is_idle = self.open.get() == 0;
        if is_idle {
            self.idle_bytes.set(self.idle_bytes.get() + heard);
        }
        let is_noisy = self.idle_bytes.get() > IDLE_BYTES_MAX;
        match self.shared.pulse.get() {
            Pulse::Quiet if now_ms - self.shared.last_heard_ms.get() >= PING_AFTER_MS => {
                self.shared.now(Pulse::Wanted);
            }
            Pulse::Asked(at) if at + PING_TIMEOUT_MS <= now_ms => self.shared.now(Pulse::Dead),
            Pulse::Quiet | Pulse::Asked(_) | Pulse::Wanted | Pulse::Dead => {}
        }
        let is_old = is_idle && self.last_used_ms.get() + idle_life_ms <= now_ms;
        self.is_open() && !is_old && !is_noisy
    }
}

impl Shared {
    /// Sets the pulse, and wakes the link's task to act on it.
    fn now(&self, pulse: Pulse) {
        self.pulse.set(pulse);
        let waker = self.waker.borrow().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn register(&self, cx: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|it| it.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    /// Sends a ping that is wanted, and hears the answer of one that was sent.
    fn poll_pulse(&self, pings: &mut h2::PingPong, cx: &mut Context<'_>, now_ms: u64) {
        if self.pulse.get() == Pulse::Wanted && pings.send_ping(h2::Ping::opaque()).is_ok() {
            self.pulse.set(Pulse::Asked(now_ms));
        }
        if matches!(self.pulse.get(), Pulse::Asked(_)) && pings.poll_pong(cx).is_ready() {
            self.pulse.set(Pulse::Quiet);
        }
    }
}

/// The link's task: reads and writes frames until the link ends.
async fn drive(mut conn: Connection<Counted, Bytes>, shared: Rc<Shared>, peer: Weak<Peer>) {
    let mut pings = conn.ping_pong();
    poll_fn(|cx| {
        shared.register(cx);
        if shared.pulse.get() == Pulse::Dead {
            return Poll::Ready(());
        }
        if let (Some(pings), Some(peer)) = (&mut pings, peer.upgrade()) {
            shared.poll_pulse(pings, cx, peer.clock_ms());
        }
        let polled = Pin::new(&mut conn).poll(cx).map(drop);
        let said = Some(conn.max_concurrent_send_streams()).filter(|it| *it != UNSAID);
        let allowed = said.map(|it| it.min(STREAMS_MAX));
        let before = shared.allowed.replace(allowed);
        if allowed != before
            && let (Some(peer), Some(allowed)) = (peer.upgrade(), allowed)
        {
            peer.allows(allowed);
            if before.is_none() {
                peer.settled();
            }
        }
        polled
    })
    .await;
    shared.is_over.set(true);
    // Streams learn of the end from here on.
    drop(conn);
    if let Some(peer) = peer.upgrade() {
        peer.settled();
    }
}
