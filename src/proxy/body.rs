//! The bodies of an exchange: the caller's on its way up, the upstream's on its way down.
use super::pieces::InPieces;
use super::replay::Attempt;
use super::tally::Tally;
use crate::server;
use crate::server::OnExpiry;
use crate::server::RequestBody;
use crate::upstream;
use crate::upstream::ResponseBody;
use bytes::Bytes;
use http::HeaderName;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::Full;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Sleep;

/// How long a body that expects a `100 Continue` waits for one: an upstream that knows nothing of
/// the expectation gets it all the same (RFC 9110 §10.1.1).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// A caller's body as it goes to the upstream.
#[derive(Debug)]
pub struct OutBody {
    source: Option<Source>,
    /// While it runs, the body waits for the upstream's `100 Continue`.
    gate: Option<Pin<Box<Sleep>>>,
    /// Names that the credential goes by: a trailer of the same name does not go on.
    injected: Vec<HeaderName>,
}

/// Where a caller's body is read from.
#[derive(Debug)]
pub enum Source {
    Once(RequestBody),
    /// It may be sent again.
    Replayed(Attempt),
    /// A signer made it.
    Made(Full<Bytes>),
    /// It is signed on its way.
    InPieces(Box<InPieces>),
}

impl Source {
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, server::BodyError>>> {
        match self {
            Self::Once(body) => Pin::new(body).poll_frame(cx),
            Self::Replayed(body) => Pin::new(body).poll_frame(cx),
            Self::Made(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::InPieces(body) => Pin::new(&mut **body).poll_frame(cx),
        }
    }
}

impl OutBody {
    pub fn empty() -> Self {
        Self { source: None, gate: None, injected: Vec::new() }
    }

    pub fn streamed(source: Source, injected: Vec<HeaderName>) -> Self {
        Self { source: Some(source), gate: None, injected }
    }

    /// Not a byte before the upstream has said that it waits for it, or `CONTINUE_WAIT` is over.
    pub fn held(mut self) -> Self {
        self.gate = Some(Box::pin(tokio::time::sleep(CONTINUE_WAIT)));
        self
    }
}

impl upstream::RequestBody for OutBody {
    fn may_go_on(&mut self) {
        self.gate = None;
    }
}

impl Body for OutBody {
    type Data = Bytes;
    type Error = server::BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, server::BodyError>>> {
        if let Some(gate) = &mut self.gate {
            if gate.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.gate = None;
        }
        let this = &mut *self;
        let Some(source) = &mut this.source else { return Poll::Ready(None) };
        let polled = source.poll_frame(cx);
        polled.map_ok(|frame| match frame.into_trailers() {
            Ok(trailers) => Frame::trailers(server::trailers(trailers, &this.injected)),
            Err(data) => data,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            None => true,
            Some(Source::Once(body)) => body.is_end_stream(),
            Some(Source::Replayed(body)) => body.is_end_stream(),
            Some(Source::Made(body)) => body.is_end_stream(),
            Some(Source::InPieces(body)) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            None => SizeHint::with_exact(0),
            Some(Source::Once(body)) => body.size_hint(),
            Some(Source::Replayed(body)) => body.size_hint(),
            Some(Source::Made(body)) => body.size_hint(),
            Some(Source::InPieces(body)) => body.size_hint(),
        }
    }
}

/// Nothing in a trailer may speak in our name either.
fn without_forged_trailers(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(trailers) => Frame::trailers(server::trailers(trailers, &[])),
        Err(data) => data,
    }
}

/// A response body as it goes to the caller.
pub enum InBody {
    /// attache's own answer.
    Own(Full<Bytes>, Box<Tally>),
    /// The upstream's, passed on as it comes.
    Passed(Box<Passed>),
}

/// The upstream's body, counted, and under the idle deadline.
pub struct Passed {
    body: ResponseBody<OutBody>,
    idle: Duration,
    tally: Box<Tally>,
    /// How the upstream's body failed: told one turn later, so that what came before it is flushed.
    failure: Option<upstream::BodyError>,
}

impl InBody {
    pub fn own(bytes: Bytes, mut tally: Box<Tally>) -> Self {
        tally.sent(bytes.len() as u64);
        Self::Own(Full::new(bytes), tally)
    }

    pub fn passed(body: ResponseBody<OutBody>, idle: Duration, tally: Box<Tally>) -> Self {
        Self::Passed(Box::new(Passed { body, idle, tally, failure: None }))
    }
}

impl Body for InBody {
    type Data = Bytes;
    type Error = upstream::BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, upstream::BodyError>>> {
        match &mut *self {
            Self::Own(body, _) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Passed(passed) => {
                if let Some(failure) = passed.failure.take() {
                    return Poll::Ready(Some(Err(failure)));
                }
                let polled = Pin::new(&mut passed.body).poll_frame(cx);
                match &polled {
                    Poll::Ready(Some(Ok(frame))) => {
                        let bytes = frame.data_ref().map_or(0, |it| it.len() as u64);
                        passed.tally.sent(bytes);
                        passed.tally.watch().arm(passed.idle, OnExpiry::Cut);
                        if frame.is_trailers() {
                            passed.tally.completed();
                        }
                    }
                    Poll::Ready(Some(Err(_))) => {
                        passed.tally.upstream_broke_off();
                        if let Poll::Ready(Some(Err(failure))) = polled {
                            passed.failure = Some(failure);
                        }
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Poll::Ready(None) => passed.tally.completed(),
                    Poll::Pending => {}
                }
                if passed.body.is_end_stream() {
                    passed.tally.completed();
                }
                polled.map_ok(without_forged_trailers)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body, _) => body.is_end_stream(),
            Self::Passed(passed) => passed.failure.is_none() && passed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body, _) => body.size_hint(),
            Self::Passed(passed) => passed.body.size_hint(),
        }
    }
}
