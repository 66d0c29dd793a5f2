//! A request body on its way in: counted, and under the idle deadline.
use super::watch::Watch;
use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use hyper::body::Incoming;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

/// The body as it arrives, never buffered whole.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    watch: Rc<Watch>,
    /// How long to wait for the next bytes once some have come; `None` until set.
    idle: Option<Duration>,
    is_http2: bool,
}

/// The caller's body ended before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request body broke off")]
pub struct BodyError;

impl RequestBody {
    pub(super) fn new(incoming: Incoming, watch: Rc<Watch>, is_http2: bool) -> Self {
        Self { incoming, watch, idle: None, is_http2 }
    }

    /// The exchange's watch.
    pub fn watch(&self) -> &Rc<Watch> {
        &self.watch
    }

    /// The body alone, for a handler with no use for the deadline.
    pub fn into_incoming(self) -> Incoming {
        self.incoming
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
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        self.watch.caller_stalls.set(polled.is_pending());
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, |it| it.len() as u64);
            self.watch.bytes_in.set(self.watch.bytes_in.get() + bytes);
            if let Some(idle) = self.idle {
                self.watch.put_off(idle);
            }
        }
        match polled {
            // A stream that was reset without an error has ended, but not its message (RFC 9113 §8.1).
            Poll::Ready(None) if self.is_http2 && !self.incoming.is_end_stream() => {
                Poll::Ready(Some(Err(BodyError)))
            }
            polled => polled.map_err(|_| BodyError),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
