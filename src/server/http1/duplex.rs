//! Both directions of a link: what was read and not yet taken, what was written and not yet sent.
use crate::server::request::BodyError;
use crate::server::socket::Socket;
use crate::wire::Malformed;
use crate::wire::Outbox;
use crate::wire::Receiving;
use crate::wire::Taken;
use crate::wire::skip_empty_lines;
use bytes::Bytes;
use bytes::BytesMut;
use http_body::Frame;
use http_body::SizeHint;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::pin::pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;

/// Room that a read finds where a head is to come: most requests fit in whole.
pub(super) const HEAD_READ: usize = 8 * 1024;

/// What is read of a body that nobody wants, in bytes, so that its link can be used again or its answer
/// is not lost to a reset.
const UNWANTED_MAX: usize = 256 * 1024;

/// How far the end of a link has come.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    is_told: bool,
    read: usize,
}

/// Shared by the link and the request body that is read from it.
pub(super) struct Duplex {
    socket: Socket,
    /// Read, not yet taken.
    pub inbox: BytesMut,
    /// Written, not yet sent.
    pub outbox: Outbox,
    /// TLS may hold back what was written: it has to be asked to send it all.
    is_unflushed: bool,
    /// What of the request's body is still to be read.
    receiving: Receiving,
    /// The caller waits for a `100 Continue` before it sends its body.
    owes_continue: bool,
    /// Nobody is left who would read the body.
    is_unwanted: bool,
    /// What was read of it and thrown away, in bytes.
    thrown_away: usize,
    /// The body has ended before its end, or was none: nothing more is to be read.
    is_broken: bool,
    /// The caller was seen to hang up while its body was read.
    is_gone: bool,
    /// The link's task, while the body of a request is being read.
    waiting: Option<Waker>,
    /// Counts the exchanges of the link: a body that is still held when its exchange is over reads
    /// nothing of the next.
    exchange: u64,
}

impl Duplex {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            inbox: BytesMut::new(),
            outbox: Outbox::default(),
            is_unflushed: false,
            receiving: Receiving::Nothing,
            owes_continue: false,
            is_unwanted: false,
            thrown_away: 0,
            is_broken: false,
            is_gone: false,
            waiting: None,
            exchange: 0,
        }
    }

    /// A head was read; its body is what comes next.
    pub(super) fn begin(&mut self, receiving: Receiving, owes_continue: bool) {
        self.exchange += 1;
        (self.receiving, self.owes_continue) = (receiving, owes_continue);
        (self.is_unwanted, self.thrown_away) = (false, 0);
    }

    /// The answer begins: it is too late for a `100 Continue`, and where it `is_whole` without a body,
    /// the request's is not waited for. False where no other request can follow: the caller has not been
    /// asked for its body, the body is broken, or nobody will read its rest.
    pub(super) fn answered(&mut self, is_whole: bool) -> bool {
        self.is_unwanted |= is_whole && !self.receiving.is_over();
        !std::mem::take(&mut self.owes_continue) && self.may_go_on()
    }

    /// What comes is no request: nothing more is read as one.
    pub(super) fn give_up(&mut self) {
        self.is_broken = true;
    }

    /// Reads once, with about `room` bytes of room.
    pub(super) fn poll_fill(
        &mut self,
        room: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.inbox.capacity() - self.inbox.len() < room / 4 {
            self.inbox.reserve(room);
        }
        pin!(self.socket.read_buf(&mut self.inbox)).poll(cx)
    }

    /// Sends what waits; ready once nothing does.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outbox.is_empty() {
            if ready!(self.outbox.poll_write(&mut self.socket, cx))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.is_unflushed = self.socket.is_tls();
        }
        if self.is_unflushed {
            ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Ready where the caller has hung up in the middle of an exchange. What it sends of its next
    /// request meanwhile is read once; after that its end is not seen.
    pub(super) fn poll_hang_up(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.is_unwanted {
                self.throw_away(cx);
            }
            if self.receiving.is_over() {
                skip_empty_lines(&mut self.inbox);
            }
            if self.is_gone {
                return Poll::Ready(());
            }
            if self.is_mid_request() {
                self.waiting = Some(cx.waker().clone());
                return Poll::Pending;
            }
            if !matches!(ready!(self.poll_fill(HEAD_READ, cx)), Ok(1..)) {
                return Poll::Ready(());
            }
        }
    }

    /// The next piece of the body of that exchange.
    fn poll_body(
        &mut self,
        exchange: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.exchange != exchange || self.is_broken || self.is_unwanted {
            return Poll::Ready(Some(Err(BodyError)));
        }
        if std::mem::take(&mut self.owes_continue) {
            self.outbox.gather().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            if self.poll_flush(cx).is_pending() {
                self.wake_link(cx);
            }
        }
        loop {
            let taken = self.receiving.take(&mut self.inbox);
            if self.receiving.is_over() {
                self.wake_link(cx);
            }
            let room = match taken {
                Ok(Taken::Data(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Ok(Taken::Trailers(fields)) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(fields))));
                }
                Ok(Taken::End) => return Poll::Ready(None),
                Ok(Taken::More(room)) => room,
                Err(Malformed) => return self.broken(),
            };
            if !matches!(ready!(self.poll_fill(room, cx)), Ok(1..)) {
                self.is_gone = true;
                return self.broken();
            }
        }
    }

    /// The link's own task has something to do again: to send, or to see the caller hang up. The body
    /// may be read by another.
    fn wake_link(&mut self, cx: &Context<'_>) {
        if let Some(link) = self.waiting.take_if(|it| !it.will_wake(cx.waker())) {
            link.wake();
        }
    }

    fn broken<T>(&mut self) -> Poll<Option<Result<T, BodyError>>> {
        self.is_broken = true;
        Poll::Ready(Some(Err(BodyError)))
    }

    /// Of a body that nobody wants, what has arrived is read and thrown away.
    fn may_go_on(&mut self) -> bool {
        if !self.receiving.is_over() && self.is_unwanted {
            self.throw_away(&mut Context::from_waker(Waker::noop()));
        }
        !self.is_broken && (self.receiving.is_over() || !self.is_unwanted)
    }

    /// True where the whole request has been read, so that another can follow.
    pub(super) fn is_read(&mut self) -> bool {
        self.may_go_on() && self.receiving.is_over()
    }

    /// Reads what has arrived of a body, up to its bound.
    fn throw_away(&mut self, cx: &mut Context<'_>) {
        while !self.is_broken {
            match self.receiving.take(&mut self.inbox) {
                Ok(Taken::Data(bytes)) => self.thrown_away += bytes.len(),
                Ok(Taken::Trailers(_)) => {}
                Ok(Taken::End) => return,
                Ok(Taken::More(_)) if self.thrown_away >= UNWANTED_MAX => return,
                Ok(Taken::More(room)) => match self.poll_fill(room, cx) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(Ok(0) | Err(_)) => (self.is_broken, self.is_gone) = (true, true),
                    Poll::Pending => return,
                },
                Err(Malformed) => self.is_broken = true,
            }
        }
    }

    /// Behind the last answer: tells the caller that nothing more comes. Where it may still be sending,
    /// reads that for a while, or a reset could overtake the answer (RFC 9112 §9.6).
    pub(super) fn poll_leave(&mut self, leaving: &mut Leaving, cx: &mut Context<'_>) -> Poll<()> {
        if !leaving.is_told {
            if ready!(Pin::new(&mut self.socket).poll_shutdown(cx)).is_err()
                || !self.is_mid_request()
            {
                return Poll::Ready(());
            }
            leaving.is_told = true;
        }
        while leaving.read < UNWANTED_MAX {
            self.inbox.clear();
            match ready!(self.poll_fill(HEAD_READ, cx)) {
                Ok(read @ 1..) => leaving.read += read,
                Ok(0) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }

    /// True where not all that the caller has sent, or is to send, has been read as a request.
    fn is_mid_request(&self) -> bool {
        self.is_broken || !self.receiving.is_over() || !self.inbox.is_empty()
    }

    /// Ready where a read may bring something: bytes, the end, or an error.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.socket.poll_readable(cx)
    }

    /// Gives up all memory but the socket's.
    pub(super) fn rest(&mut self) {
        (self.inbox, self.outbox) = (BytesMut::new(), Outbox::default());
        self.waiting = None;
    }

    /// What ends now ends in a reset.
    pub(super) fn reset(&self) {
        self.socket.reset();
    }

    /// The socket, and what came behind the last request.
    pub(super) fn into_parts(self) -> (Socket, Bytes) {
        (self.socket, self.inbox.freeze())
    }
}

/// A request's body, as it arrives on its link.
pub struct Arriving {
    duplex: Rc<RefCell<Duplex>>,
    exchange: u64,
}

impl Arriving {
    /// The body of the exchange that has just begun; `None` where it has none.
    pub(super) fn begun(duplex: &Rc<RefCell<Duplex>>) -> Option<Self> {
        let link = duplex.borrow();
        let is_there = !link.receiving.is_over();
        is_there.then(|| Self { duplex: Rc::clone(duplex), exchange: link.exchange })
    }

    pub(in crate::server) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.duplex.borrow_mut().poll_body(self.exchange, cx)
    }

    pub(in crate::server) fn is_end_stream(&self) -> bool {
        let link = self.duplex.borrow();
        link.exchange == self.exchange && link.receiving.is_over()
    }

    pub(in crate::server) fn size_hint(&self) -> SizeHint {
        let link = self.duplex.borrow();
        if link.exchange == self.exchange {
            link.receiving.size_hint()
        } else {
            SizeHint::default()
        }
    }
}

impl std::fmt::Debug for Arriving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Arriving")
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let mut link = self.duplex.borrow_mut();
        if link.exchange == self.exchange && !link.receiving.is_over() {
            link.is_unwanted = true;
            // This may be another task, and nobody else reads the rest.
            let waiting = link.waiting.take();
            drop(link);
            if let Some(link) = waiting {
                link.wake();
            }
        }
    }
}
