//! A response body that drives its own link, and gives it back when it has ended.
use super::exchange::Upstream;
use super::http2::Stream;
use super::link::Http1;
use super::link::RequestBody;
use super::pool::PeerKey;
use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use hyper::body::Incoming;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

/// The body as the upstream sends it, never buffered whole. Dropped early, it closes the link (or
/// resets the stream): an unread body is never taken for the next response.
pub struct ResponseBody<B: RequestBody> {
    incoming: Incoming,
    link: Option<Driven<B>>,
}

/// The upstream's body ended before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response body broke off")]
pub struct BodyError;

pub(super) enum Driven<B: RequestBody> {
    Http1 {
        link: Box<Http1<B>>,
        upstream: Rc<Upstream<B>>,
        key: PeerKey,
        keep_alive_s: Option<u64>,
    },
    Http2(#[expect(dead_code, reason = "holds the place on the link until dropped")] Stream<B>),
}

impl<B: RequestBody> ResponseBody<B> {
    pub(super) fn new(incoming: Incoming, link: Driven<B>) -> Self {
        let mut body = Self { incoming, link: Some(link) };
        if body.incoming.is_end_stream() {
            body.finish();
        }
        body
    }

    /// A body whose link has gone elsewhere: into a tunnel.
    pub(super) fn detached(incoming: Incoming) -> Self {
        Self { incoming, link: None }
    }

    /// The response is over: the link goes back to the pool if the request is over too.
    fn finish(&mut self) {
        match self.link.take() {
            Some(Driven::Http1 { mut link, upstream, key, keep_alive_s }) => {
                if link.is_reusable() {
                    upstream.put_back(&key, link, keep_alive_s);
                }
            }
            Some(Driven::Http2(_)) | None => {}
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
        let this = &mut *self;
        let polled = match &mut this.link {
            Some(Driven::Http1 { link, .. }) => {
                // Only driving the link makes progress, and it is driven here: no other waker.
                let mut quiet = Context::from_waker(Waker::noop());
                match Pin::new(&mut this.incoming).poll_frame(&mut quiet) {
                    Poll::Ready(frame) => Poll::Ready(frame),
                    Poll::Pending => {
                        let ended = link.poll_drive(cx).is_ready();
                        let polled = Pin::new(&mut this.incoming).poll_frame(&mut quiet);
                        if ended && polled.is_pending() {
                            // The connection is gone; dropping it makes the body say how.
                            this.link = None;
                            Pin::new(&mut this.incoming).poll_frame(cx)
                        } else {
                            polled
                        }
                    }
                }
            }
            Some(Driven::Http2(_)) | None => Pin::new(&mut this.incoming).poll_frame(cx),
        };
        let is_http2 = matches!(this.link, Some(Driven::Http2(_)));
        // A stream that was reset without an error has ended, but not its message (RFC 9113 §8.1).
        let polled = match polled {
            Poll::Ready(None) if is_http2 && !this.incoming.is_end_stream() => {
                Poll::Ready(Some(Err(BodyError)))
            }
            polled => polled.map_err(|_| BodyError),
        };
        match &polled {
            Poll::Ready(None) => this.finish(),
            // Nothing follows trailers, and whoever sends them on may not ask whether something does.
            Poll::Ready(Some(Ok(frame)))
                if frame.is_trailers() || this.incoming.is_end_stream() =>
            {
                this.finish();
            }
            Poll::Ready(Some(Err(_))) => this.link = None,
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
