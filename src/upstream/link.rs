//! One link to an upstream, and one exchange on it.
use super::error::SendError;
use super::socket::Socket;
use bytes::Bytes;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

/// How much of an answer may wait in a link's read buffer: bounds memory, head size and a read's size.
const READ_BUFFER: usize = 128 * 1024;

/// Longest response head, in bytes.
pub(super) const HEAD_MAX: usize = 64 * 1024;

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

impl LinkFailed {
    /// The slot was empty: a slip of ours, which must not look like an answer.
    pub(super) fn without_request() -> Self {
        Self { error: SendError::RequestBody, refused: false }
    }
}

/// A 101 that nobody asked for opens no tunnel (RFC 9110 §15.2.2), nor does one to another protocol
/// than WebSocket, the only one that is ever asked for (RFC 6455 §4.1).
pub(super) fn is_unsolicited(response: &Response<Incoming>, asked_for_upgrade: bool) -> bool {
    let mut protocols = response.headers().get_all(header::UPGRADE).iter();
    let mut is_websocket = || {
        let first =
            protocols.next().is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"websocket"));
        first && protocols.next().is_none()
    };
    response.status() == StatusCode::SWITCHING_PROTOCOLS && !(asked_for_upgrade && is_websocket())
}

pub(super) fn h2_error(error: &hyper::Error) -> Option<&h2::Error> {
    error.source().and_then(|it| it.downcast_ref::<h2::Error>())
}

pub(super) fn classify(error: &hyper::Error) -> SendError {
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
