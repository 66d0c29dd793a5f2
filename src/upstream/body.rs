//! A response body on its way down: from an HTTP/1.1 link that it drives itself and gives back when it
//! has ended, or from a stream of an HTTP/2 link.
use super::exchange::Upstream;
use super::http1::BrokeOff;
use super::http1::Http1;
use super::http2;
use super::link::RequestBody;
use super::pool::PeerKey;
use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;

/// The body as the upstream sends it, never buffered whole. Dropped early, it closes the link (or
/// resets the stream): an unread body is never taken for the next response.
pub struct ResponseBody<B: RequestBody>(Source<B>);

pub(super) enum Source<B: RequestBody> {
    Http1(Box<Http1<B>>, Back<B>),
    Http2(http2::Incoming),
    Unread(Box<Unread<B>>),
    /// Over, or gone elsewhere: into a tunnel.
    Nothing,
}

/// A body of which something was read, and put back in front of the rest.
pub(super) struct Unread<B: RequestBody> {
    pieces: Pieces,
    rest: ResponseBody<B>,
}

/// What was read of a body, in order; where it broke off, that is the last.
pub type Pieces = VecDeque<Result<Frame<Bytes>, BodyError>>;

/// Where a link goes once it is free.
pub(super) struct Back<B: RequestBody> {
    pub upstream: Rc<Upstream<B>>,
    pub key: PeerKey,
}

/// The upstream's body ended before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response body broke off")]
pub struct BodyError;

impl<B: RequestBody> ResponseBody<B> {
    pub(super) fn http1(link: Box<Http1<B>>, back: Back<B>) -> Self {
        let mut body = Self(Source::Http1(link, back));
        body.settle();
        body
    }

    pub(super) fn http2(incoming: http2::Incoming) -> Self {
        Self(Source::Http2(incoming))
    }

    pub(super) fn nothing() -> Self {
        Self(Source::Nothing)
    }

    /// Puts back what was read of `self`: it is read once more.
    pub fn with_unread(self, pieces: Pieces) -> Self {
        Self(Source::Unread(Box::new(Unread { pieces, rest: self })))
    }

    /// Once the response is over, the link goes back to the pool if the request is over too.
    fn settle(&mut self) {
        if !self.is_end_stream() {
            return;
        }
        if let Source::Http1(mut link, back) = std::mem::replace(&mut self.0, Source::Nothing)
            && link.rest()
        {
            back.upstream.put_back(&back.key, link);
        }
    }
}

impl<B: RequestBody> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = match &mut self.0 {
            Source::Http1(link, _) => link.poll_body(cx).map_err(|BrokeOff| BodyError),
            Source::Http2(incoming) => Pin::new(incoming).poll_frame(cx),
            Source::Unread(unread) => match unread.pieces.pop_front() {
                Some(piece) => return Poll::Ready(Some(piece)),
                None => Pin::new(&mut unread.rest).poll_frame(cx),
            },
            Source::Nothing => return Poll::Ready(None),
        };
        match &polled {
            Poll::Pending => {}
            // Dropped, it closes the link.
            Poll::Ready(Some(Err(_))) => self.0 = Source::Nothing,
            Poll::Ready(_) => self.settle(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Http1(link, _) => link.is_over(),
            Source::Http2(incoming) => incoming.is_end_stream(),
            Source::Unread(unread) => unread.pieces.is_empty() && unread.rest.is_end_stream(),
            Source::Nothing => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Http1(link, _) => link.size_hint(),
            Source::Http2(incoming) => incoming.size_hint(),
            // The head says what was announced.
            Source::Unread(_) => SizeHint::default(),
            Source::Nothing => SizeHint::with_exact(0),
        }
    }
}
