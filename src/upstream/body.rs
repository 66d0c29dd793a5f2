//! A response body on its way down: from an HTTP/1.1 link that it drives itself and gives back when it
//! has ended, or from a stream of an HTTP/2 link.
use super::exchange::Upstream;
use super::http2;
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
pub struct ResponseBody<B: RequestBody>(Kind<B>);

/// The upstream's body ended before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response body broke off")]
pub struct BodyError;

enum Kind<B: RequestBody> {
    Http1(Http1Body<B>),
    Http2(http2::Incoming),
}

struct Http1Body<B: RequestBody> {
    incoming: Incoming,
    link: Option<Driven<B>>,
}

/// An HTTP/1.1 link, and what it takes to give it back.
pub(super) struct Driven<B: RequestBody> {
    pub link: Box<Http1<B>>,
    pub upstream: Rc<Upstream<B>>,
    pub key: PeerKey,
    pub keep_alive_s: Option<u64>,
}

impl<B: RequestBody> ResponseBody<B> {
    pub(super) fn http1(incoming: Incoming, link: Driven<B>) -> Self {
        let mut body = Http1Body { incoming, link: Some(link) };
        if body.incoming.is_end_stream() {
            body.finish();
        }
        Self(Kind::Http1(body))
    }

    pub(super) fn http2(incoming: http2::Incoming) -> Self {
        Self(Kind::Http2(incoming))
    }

    /// A body whose link has gone elsewhere: into a tunnel.
    pub(super) fn detached(incoming: Incoming) -> Self {
        Self(Kind::Http1(Http1Body { incoming, link: None }))
    }
}

impl<B: RequestBody> Http1Body<B> {
    /// The response is over: the link goes back to the pool if the request is over too.
    fn finish(&mut self) {
        if let Some(Driven { mut link, upstream, key, keep_alive_s }) = self.link.take()
            && link.is_reusable()
        {
            upstream.put_back(&key, link, keep_alive_s);
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = match &mut self.link {
            Some(Driven { link, .. }) => {
                // Only driving the link makes progress, and it is driven here: no other waker.
                let mut quiet = Context::from_waker(Waker::noop());
                match Pin::new(&mut self.incoming).poll_frame(&mut quiet) {
                    Poll::Ready(frame) => Poll::Ready(frame),
                    Poll::Pending => {
                        let ended = link.poll_drive(cx).is_ready();
                        let polled = Pin::new(&mut self.incoming).poll_frame(&mut quiet);
                        if ended && polled.is_pending() {
                            // The connection is gone; dropping it makes the body say how.
                            self.link = None;
                            Pin::new(&mut self.incoming).poll_frame(cx)
                        } else {
                            polled
                        }
                    }
                }
            }
            None => Pin::new(&mut self.incoming).poll_frame(cx),
        };
        let polled = polled.map_err(|_| BodyError);
        match &polled {
            Poll::Ready(None) => self.finish(),
            // Nothing follows trailers, and whoever sends them on may not ask whether something does.
            Poll::Ready(Some(Ok(frame)))
                if frame.is_trailers() || self.incoming.is_end_stream() =>
            {
                self.finish();
            }
            Poll::Ready(Some(Err(_))) => self.link = None,
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        polled
    }
}

impl<B: RequestBody> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Kind::Http1(body) => body.poll_frame(cx),
            Kind::Http2(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Http1(body) => body.incoming.is_end_stream(),
            Kind::Http2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Http1(body) => body.incoming.size_hint(),
            Kind::Http2(body) => body.size_hint(),
        }
    }
}
