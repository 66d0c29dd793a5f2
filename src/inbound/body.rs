//! The answer's body on its way to the sender: our own, or the target's as it comes.
use super::tally::Tally;
use crate::server;
use crate::server::OnExpiry;
use crate::upstream;
use crate::upstream::ResponseBody;
use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::Full;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

pub struct InBody {
    from: From,
    /// Kept to the end: the exchange is over when the body is.
    tally: Box<Tally>,
}

enum From {
    Us(Full<Bytes>),
    Target(ResponseBody<Full<Bytes>>, Duration),
}

impl InBody {
    pub(super) fn own(bytes: Bytes, tally: Tally) -> Self {
        Self { from: From::Us(Full::new(bytes)), tally: Box::new(tally) }
    }

    /// `idle`: how long to wait between two pieces.
    pub(super) fn target(
        body: ResponseBody<Full<Bytes>>,
        idle: Duration,
        mut tally: Tally,
    ) -> Self {
        if body.is_end_stream() {
            tally.completed();
        }
        Self { from: From::Target(body, idle), tally: Box::new(tally) }
    }
}

impl Body for InBody {
    type Data = Bytes;
    type Error = upstream::BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, upstream::BodyError>>> {
        let Self { from, tally } = &mut *self;
        let polled = match from {
            From::Us(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            From::Target(body, idle) => {
                let polled = Pin::new(body).poll_frame(cx);
                match &polled {
                    Poll::Ready(Some(Ok(_))) => tally.watch.arm(*idle, OnExpiry::Cut),
                    Poll::Ready(Some(Err(_))) => tally.target_broke_off(),
                    Poll::Ready(None) => tally.completed(),
                    Poll::Pending => {}
                }
                // Nothing in a trailer may speak in our name.
                polled.map_ok(|frame| match frame.into_trailers() {
                    Ok(trailers) => Frame::trailers(server::trailers(trailers, &[])),
                    Err(data) => data,
                })
            }
        };
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            tally.sent(frame.data_ref().map_or(0, |it| it.len() as u64));
            if from.is_end_stream() {
                tally.completed();
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.from.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.from {
            From::Us(body) => body.size_hint(),
            From::Target(body, _) => body.size_hint(),
        }
    }
}

impl From {
    fn is_end_stream(&self) -> bool {
        match self {
            Self::Us(body) => body.is_end_stream(),
            Self::Target(body, _) => body.is_end_stream(),
        }
    }
}
