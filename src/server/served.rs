//! A response body on its way out: counted, timed, and the end of its exchange.
use super::state::LinkState;
use super::streams::OpenStream;
use super::watch::Watch;
use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;

/// The handler's body, wrapped by the link that sends it.
#[derive(Debug)]
pub(super) struct ServedBody<B> {
    /// Dropped before the end: what it accounts for is still there then.
    body: B,
    /// Ends the exchange when dropped.
    end: End,
}

#[derive(Debug)]
enum End {
    Http1(Rc<LinkState>),
    Http2(Rc<Watch>, #[expect(dead_code, reason = "counts the stream until dropped")] OpenStream),
}

impl<B: Body> ServedBody<B> {
    pub(super) fn http1(body: B, state: Rc<LinkState>) -> Self {
        Self { body, end: End::Http1(state) }
    }

    /// For a caller of HTTP/1.0, to whom the link's end is the body's (RFC 9112 §6.3).
    pub(super) fn http1_0(body: B, state: Rc<LinkState>) -> Self {
        state.open_ended.set(!body.is_end_stream());
        Self { body, end: End::Http1(state) }
    }

    pub(super) fn http2(body: B, watch: Rc<Watch>, open: OpenStream) -> Self {
        Self { body, end: End::Http2(watch, open) }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ServedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let End::Http1(state) = &self.end
            && state.open_ended.get()
        {
            let has_ended = match &polled {
                Poll::Ready(Some(Ok(frame))) => frame.is_trailers() || self.body.is_end_stream(),
                Poll::Ready(None) => true,
                Poll::Ready(Some(Err(_))) | Poll::Pending => false,
            };
            state.open_ended.set(!has_ended);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for End {
    fn drop(&mut self) {
        match self {
            Self::Http1(state) => state.exchange_ended(),
            Self::Http2(watch, _) => watch.disarm(),
        }
    }
}
