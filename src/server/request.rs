//! A request body on its way in: counted, and under the idle deadline.
use super::http1::Arriving;
use super::watch::Watch;
use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::Full;
use hyper::body::Incoming;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

/// The body as it arrives, never buffered whole.
#[derive(Debug)]
pub struct RequestBody {
    source: Source,
    watch: Rc<Watch>,
    /// How long to wait for the next bytes once some have come; `None` until set.
    idle: Option<Duration>,
}

#[derive(Debug)]
enum Source {
    Nothing,
    Http1(Arriving),
    Http2(Incoming),
    /// Of a request that came by no socket.
    Kept(Full<Bytes>),
}

/// The caller's body ended before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request body broke off")]
pub struct BodyError;

impl RequestBody {
    pub(super) fn http1(arriving: Option<Arriving>, watch: Rc<Watch>) -> Self {
        Self { source: arriving.map_or(Source::Nothing, Source::Http1), watch, idle: None }
    }

    pub(super) fn http2(incoming: Incoming, watch: Rc<Watch>) -> Self {
        Self { source: Source::Http2(incoming), watch, idle: None }
    }

    /// Of a request that is made here, by no socket.
    pub fn kept(bytes: Bytes, watch: Rc<Watch>) -> Self {
        let source =
            if bytes.is_empty() { Source::Nothing } else { Source::Kept(Full::new(bytes)) };
        Self { source, watch, idle: None }
    }

    /// The exchange's watch.
    pub fn watch(&self) -> &Rc<Watch> {
        &self.watch
    }

    /// From here on every frame puts the deadline off by `idle`.
    pub fn keep_alive_for(&mut self, idle: Duration) {
        self.idle = Some(idle);
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = self.source.poll_frame(cx);
        self.watch.caller_stalls.set(polled.is_pending());
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, |it| it.len() as u64);
            self.watch.bytes_in.set(self.watch.bytes_in.get() + bytes);
            if let Some(idle) = self.idle {
                self.watch.put_off(idle);
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Nothing => true,
            Source::Http1(arriving) => arriving.is_end_stream(),
            Source::Http2(incoming) => incoming.is_end_stream(),
            Source::Kept(kept) => kept.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Nothing => SizeHint::with_exact(0),
            Source::Http1(arriving) => arriving.size_hint(),
            Source::Http2(incoming) => incoming.size_hint(),
            Source::Kept(kept) => kept.size_hint(),
        }
    }
}

impl Source {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::Nothing => Poll::Ready(None),
            Self::Http1(arriving) => arriving.poll_frame(cx),
            Self::Http2(incoming) => match Pin::new(&mut *incoming).poll_frame(cx) {
                // A stream that was reset without an error has ended, but not its message
                // (RFC 9113 §8.1).
                Poll::Ready(None) if !incoming.is_end_stream() => Poll::Ready(Some(Err(BodyError))),
                polled => polled.map_err(|_| BodyError),
            },
            Self::Kept(kept) => Pin::new(kept).poll_frame(cx).map_err(|never| match never {}),
        }
    }
}
