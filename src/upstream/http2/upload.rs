//! A request body on its way up: as much of it at a time as the upstream's window takes.
use super::super::link::RequestBody;
use bytes::Bytes;
use h2::Reason;
use h2::SendStream;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

/// Most that is asked of the link's window at once, in bytes: a stream that waits for its own window
/// does not keep the link's from the others.
const PIECE_MAX: usize = 64 * 1024;

/// The caller's body broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BrokeOff;

/// Sends a body, frame by frame. Ready once it is sent, or once the upstream wants no more of it: the
/// response, or what is there instead of one, then says why.
pub(super) struct Upload<B: RequestBody> {
    body: B,
    stream: SendStream<Bytes>,
    /// Read from the body, and not yet sent.
    held: Bytes,
}

impl<B: RequestBody> Upload<B> {
    pub(super) fn new(body: B, stream: SendStream<Bytes>) -> Self {
        Self { body, stream, held: Bytes::new() }
    }

    /// The upstream has said that it waits for the body.
    pub(super) fn may_go_on(&mut self) {
        self.body.may_go_on();
    }

    /// Sends what the window takes of what is held. False where the upstream wants no more.
    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while !self.held.is_empty() {
            self.stream.reserve_capacity(self.held.len().min(PIECE_MAX));
            while self.stream.capacity() == 0 {
                if !matches!(ready!(self.stream.poll_capacity(cx)), Some(Ok(_))) {
                    return Poll::Ready(false);
                }
            }
            let piece = self.held.split_to(self.stream.capacity().min(self.held.len()));
            let is_last = self.held.is_empty() && self.body.is_end_stream();
            if self.stream.send_data(piece, is_last).is_err() || is_last {
                return Poll::Ready(false);
            }
        }
        Poll::Ready(true)
    }
}

impl<B: RequestBody> Future for Upload<B> {
    type Output = Result<(), BrokeOff>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            if this.stream.poll_reset(cx).is_ready() || !ready!(this.poll_held(cx)) {
                return Poll::Ready(Ok(()));
            }
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.held = data,
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            let _ = this.stream.send_trailers(trailers);
                            return Poll::Ready(Ok(()));
                        }
                    }
                },
                Some(Err(_)) => {
                    this.stream.send_reset(Reason::CANCEL);
                    return Poll::Ready(Err(BrokeOff));
                }
                None => {
                    let _ = this.stream.send_data(Bytes::new(), true);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}
