//! A response body as its stream brings it.
use super::super::body::BodyError;
use super::place::Place;
use bytes::Bytes;
use h2::RecvStream;
use http::HeaderMap;
use http::header;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use tokio::task::AbortHandle;

/// The body, and the exchange's place on its link. Dropped before its end, it resets the stream.
pub(in super::super) struct Incoming {
    stream: RecvStream,
    state: State,
    /// What is still to come, where the head has said so.
    left: Option<u64>,
    /// Sends the rest of the request body, where the response was there before its end.
    upload: Option<AbortHandle>,
    /// Until the response's end.
    place: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Data,
    Trailers,
    Over,
}

impl Incoming {
    pub(super) fn new(
        stream: RecvStream,
        head: &HeaderMap,
        upload: Option<AbortHandle>,
        place: Place,
    ) -> Self {
        let length = head.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
        let place = Some(place).filter(|_| !stream.is_end_stream());
        Self { stream, state: State::Data, left: length, upload, place }
    }

    fn is_over(&mut self) {
        self.state = State::Over;
        self.place = None;
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        while this.state == State::Data {
            match ready!(this.stream.poll_data(cx)) {
                // Nothing to pass on, and nothing that a reader would take for the end.
                Some(Ok(data)) if data.is_empty() => {}
                Some(Ok(data)) => {
                    // Whoever polls has room for it: the upstream may send as much again.
                    let _ = this.stream.flow_control().release_capacity(data.len());
                    this.left = this.left.map(|it| it.saturating_sub(data.len() as u64));
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                // A reset before the end cuts the message short, whatever its code (RFC 9113 §8.1).
                Some(Err(_)) => {
                    this.is_over();
                    return Poll::Ready(Some(Err(BodyError)));
                }
                None => this.state = State::Trailers,
            }
        }
        if this.state == State::Over {
            return Poll::Ready(None);
        }
        let trailers = ready!(this.stream.poll_trailers(cx));
        this.is_over();
        match trailers {
            Ok(None) => Poll::Ready(None),
            Ok(Some(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Err(_) => Poll::Ready(Some(Err(BodyError))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Over || self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_end_stream() {
            return SizeHint::with_exact(0);
        }
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(upload) = &self.upload {
            upload.abort();
        }
    }
}
