//! An HTTP/1.1 link to an upstream: one exchange after another, its bytes read and written here.
//!
//! Driven by whoever holds it, in the exchange's own task: no task, channel or timer of its own.
//! Source: RFC 9112; what two readers could take differently is refused, not mended.
mod response;
mod sending;

use super::error::SendError;
use super::link::Fields;
use super::link::HEAD_MAX;
use super::link::LinkFailed;
use super::link::RequestBody;
use super::link::RequestHead;
use super::link::Upgraded;
use super::socket::Socket;
use super::tls;
use crate::wire::BodyFailed;
use crate::wire::Chunked;
use crate::wire::Malformed;
use crate::wire::Outbox;
use crate::wire::Receiving;
use crate::wire::Taken;
use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;
use http_body::Frame;
use http_body::SizeHint;
use response::Head;
use response::Length;
use sending::Sending;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::task::coop::has_budget_remaining;

/// Room that a read finds: enough for most answers whole.
const READ: usize = 16 * 1024;

/// The link, and where the exchange on it stands.
pub(super) struct Http1<B: RequestBody> {
    socket: Socket,
    /// Read, not yet taken.
    inbox: BytesMut,
    /// True once the inbox had room for a long read: too much to keep while idle.
    is_roomy: bool,
    outbox: Outbox,
    /// What of the request's body is still to be sent.
    sending: Option<Sending<B>>,
    /// A byte of the request has gone out.
    has_written: bool,
    /// TLS may hold back what was written: it has to be asked to send it all.
    is_unflushed: bool,
    /// What ended the request before it was whole.
    cut: Option<SendError>,
    answers_head: bool,
    wants_upgrade: bool,
    /// Bytes of the interim heads (1xx) before the answer's; bounded as one head is.
    interim: usize,
    /// What of the response's body is still to be read.
    receiving: Receiving,
    /// The upstream keeps the link open after this exchange.
    keeps: bool,
    keep_alive_s: Option<u64>,
}

/// The upstream's body ended before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BrokeOff;

impl<B: RequestBody> Http1<B> {
    pub(super) fn new(socket: Socket) -> Box<Self> {
        Box::new(Self {
            socket,
            inbox: BytesMut::new(),
            is_roomy: false,
            outbox: Outbox::default(),
            sending: None,
            has_written: false,
            is_unflushed: false,
            cut: None,
            answers_head: false,
            wants_upgrade: false,
            interim: 0,
            receiving: Receiving::Nothing,
            keeps: true,
            keep_alive_s: None,
        })
    }

    /// Sends the request whose body is in `slot` and waits for the response's head.
    ///
    /// An empty body stays in its slot until a byte of the request was written, any other until the
    /// link has shown that it is open: a failure before that costs nothing.
    pub(super) async fn exchange(
        &mut self,
        head: &RequestHead<'_, impl Fields>,
        slot: &mut Option<B>,
        wants_upgrade: bool,
    ) -> Result<Response<()>, LinkFailed> {
        let Some(body) = slot.as_ref() else { return Err(LinkFailed::without_request()) };
        (self.has_written, self.interim, self.wants_upgrade) = (false, 0, wants_upgrade);
        self.answers_head = *head.method == Method::HEAD;
        sending::write_head(self.outbox.gather(), head, body);
        let answered = poll_fn(|cx| self.poll_exchange(slot, cx)).await;
        answered.map_err(|error| LinkFailed { error, refused: false })
    }

    fn poll_exchange(
        &mut self,
        slot: &mut Option<B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<()>, SendError>> {
        if !self.has_written {
            // An idle link with something to read is at its end, or out of step.
            match self.poll_fill(READ, cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(tls::ended(&error))),
                Poll::Ready(Ok(_)) => return Poll::Ready(Err(SendError::Closed)),
                // Out of budget it is pending too, whatever waits there.
                Poll::Pending if !has_budget_remaining() => return Poll::Pending,
                Poll::Pending => {}
            }
            if slot.as_ref().is_some_and(|it| !it.is_end_stream()) {
                self.sending = slot.take().and_then(Sending::new);
            }
            let _ = self.poll_send(cx);
            if self.has_written {
                *slot = None;
            }
            if let Some(error) = self.cut {
                return Poll::Ready(Err(error));
            }
            // The read has been polled: what comes from here on wakes this task.
            return Poll::Pending;
        }
        let _ = self.poll_send(cx);
        if self.cut == Some(SendError::RequestBody) {
            return Poll::Ready(Err(SendError::RequestBody));
        }
        loop {
            match ready!(self.poll_head(cx)) {
                Ok(Some(response)) => return Poll::Ready(Ok(response)),
                // The body may have been waiting for this.
                Ok(None) => _ = self.poll_send(cx),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// The next head; `None` for an interim one.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Response<()>>, SendError>> {
        // What lies here already is parsed; what comes, once there is the end of another line in it.
        let mut has_line = !self.inbox.is_empty();
        loop {
            if has_line || self.inbox.len() > HEAD_MAX {
                let parsed = response::parse(&mut self.inbox, self.answers_head);
                let answered = parsed.and_then(|it| it.map(|it| self.answered(it)).transpose());
                if let Some(answered) = answered.transpose() {
                    return Poll::Ready(answered.map_err(|Malformed| SendError::NotHttp));
                }
            }
            let before = self.inbox.len();
            match ready!(self.poll_fill(READ, cx)) {
                Ok(0) => return Poll::Ready(Err(SendError::Closed)),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(tls::ended(&error))),
            }
            has_line = self.inbox[before..].contains(&b'\n');
        }
    }

    fn answered(&mut self, head: Head) -> Result<Option<Response<()>>, Malformed> {
        let status = head.response.status();
        if status == StatusCode::SWITCHING_PROTOCOLS {
            // One that nobody asked for opens no tunnel (RFC 9110 §15.2.2), nor does one to another
            // protocol than WebSocket, the only one that is ever asked for (RFC 6455 §4.1).
            let is_wanted = self.wants_upgrade && is_to_websocket(head.response.headers());
            return if is_wanted { Ok(Some(head.response)) } else { Err(Malformed) };
        }
        if status.is_informational() {
            self.interim += head.size;
            if status == StatusCode::CONTINUE
                && let Some(sending) = &mut self.sending
            {
                sending.may_go_on();
            }
            return if self.interim <= HEAD_MAX { Ok(None) } else { Err(Malformed) };
        }
        (self.keeps, self.keep_alive_s) = (head.keeps, head.keep_alive_s);
        self.receiving = match head.length {
            Length::Exactly(0) => Receiving::Nothing,
            Length::Exactly(length) => Receiving::Exactly(length),
            Length::Chunked => Receiving::Chunked(Chunked::default()),
            Length::UntilClose => Receiving::UntilClose,
        };
        Ok(Some(head.response))
    }

    /// Sends what there is of the request; ready once there is nothing more to send.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(sending) = &mut self.sending {
                match sending.poll(&mut self.outbox, cx) {
                    Poll::Ready(Ok(())) => self.sending = None,
                    Poll::Ready(Err(BodyFailed)) => return self.cut(SendError::RequestBody),
                    Poll::Pending => {}
                }
            }
            if self.outbox.is_empty() {
                if self.is_unflushed {
                    if ready!(Pin::new(&mut self.socket).poll_flush(cx)).is_err() {
                        return self.cut(SendError::Closed);
                    }
                    self.is_unflushed = false;
                }
                return if self.sending.is_none() { Poll::Ready(()) } else { Poll::Pending };
            }
            match ready!(self.outbox.poll_write(&mut self.socket, cx)) {
                Ok(1..) => (self.has_written, self.is_unflushed) = (true, self.socket.is_tls()),
                Ok(0) | Err(_) => return self.cut(SendError::Closed),
            }
        }
    }

    /// The request can't be completed, and so the link carries no other; what the upstream says
    /// is still heard.
    fn cut(&mut self, error: SendError) -> Poll<()> {
        self.cut = Some(error);
        self.sending = None;
        self.outbox = Outbox::default();
        self.is_unflushed = false;
        Poll::Ready(())
    }

    /// The next piece of the response's body; sends the rest of the request meanwhile.
    pub(super) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        let _ = self.poll_send(cx);
        loop {
            let room = match self.receiving.take(&mut self.inbox) {
                Ok(Taken::Data(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Ok(Taken::Trailers(fields)) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(fields))));
                }
                Ok(Taken::End) => return Poll::Ready(None),
                Ok(Taken::More(room)) => room,
                Err(Malformed) => return Poll::Ready(Some(Err(BrokeOff))),
            };
            match ready!(self.poll_fill(room, cx)) {
                Ok(1..) => {}
                Ok(0) if self.receiving == Receiving::UntilClose => {
                    self.receiving = Receiving::Nothing;
                    return Poll::Ready(None);
                }
                Ok(0) | Err(_) => return Poll::Ready(Some(Err(BrokeOff))),
            }
        }
    }

    /// Reads once, with about `room` bytes of room.
    fn poll_fill(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.inbox.capacity() - self.inbox.len() < room / 4 {
            self.inbox.reserve(room);
            self.is_roomy |= room > READ;
        }
        pin!(self.socket.read_buf(&mut self.inbox)).poll(cx)
    }

    /// True once the response's body is over.
    pub(super) fn is_over(&self) -> bool {
        self.receiving.is_over()
    }

    /// What is known of the rest of the body's length.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.receiving.size_hint()
    }

    /// How long the upstream says that it keeps the link open, in seconds.
    pub(super) fn keep_alive_s(&self) -> Option<u64> {
        self.keep_alive_s
    }

    /// True where the exchange is over on both sides, with nothing left over, and the link can
    /// carry another. Gives up what memory a long body took.
    pub(super) fn rest(&mut self) -> bool {
        let is_sent = self.sending.is_none()
            && self.outbox.is_empty()
            && !self.is_unflushed
            && self.cut.is_none();
        let may_stay = self.keeps && is_sent && self.is_over() && self.inbox.is_empty();
        if may_stay {
            self.outbox.trim();
            if std::mem::take(&mut self.is_roomy) {
                self.inbox = BytesMut::new();
            }
        }
        may_stay
    }

    /// True where an idle link is still open and silent. Leaves no waker of an exchange's task behind.
    pub(super) fn is_silent(&mut self) -> bool {
        self.poll_fill(READ, &mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// After a 101: the socket, and what came behind the head.
    pub(super) fn upgraded(self) -> Upgraded {
        Upgraded { socket: self.socket, read_ahead: self.inbox.freeze() }
    }
}

fn is_to_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(header::UPGRADE).iter();
    let is_first =
        protocols.next().is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"websocket"));
    is_first && protocols.next().is_none()
}

#[cfg(test)]
mod tests;
