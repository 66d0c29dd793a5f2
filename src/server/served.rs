//! A response body on its way out over HTTP/2, and the end of its exchange.
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

/// The handler's body, wrapped by the stream that sends it.
#[derive(Debug)]
pub(super) struct ServedBody<B> {
    /// Dropped before the end: what it accounts for is still there then.
    body: B,
    #[expect(dead_code, reason = "ends the exchange when dropped")]
    end: End,
}

#[derive(Debug)]
struct End {
    watch: Rc<Watch>,
    #[expect(dead_code, reason = "counts the stream until dropped")]
    open: OpenStream,
}

impl<B> ServedBody<B> {
    pub(super) fn new(body: B, watch: Rc<Watch>, open: OpenStream) -> Self {
        Self { body, end: End { watch, open } }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for ServedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
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
        self.watch.disarm();
    }
}
