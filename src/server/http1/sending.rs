//! An answer's body on its way out.
use super::duplex::Duplex;
use crate::wire::BodyFailed;
use crate::wire::Framing;
use bytes::Bytes;
use http_body::Body;
use std::cell::RefCell;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

/// A body that is still to be sent.
pub(super) struct Sending<B> {
    /// Dropped as soon as its last byte is in the outbox: its exchange is over then.
    body: Option<(B, Framing)>,
    takes_trailers: bool,
}

impl<B: Body<Data = Bytes> + Unpin> Sending<B> {
    /// Without a framing there is nothing to send, whatever the body has.
    pub(super) fn new(body: B, framing: Option<Framing>, takes_trailers: bool) -> Self {
        Self { body: framing.map(|framing| (body, framing)), takes_trailers }
    }

    /// True once all of the body is in the outbox.
    pub(super) fn is_over(&self) -> bool {
        self.body.is_none()
    }

    /// Moves what the body has ready into the outbox while there is room. Pending where the body
    /// has nothing more for now.
    pub(super) fn poll_fill(
        &mut self,
        duplex: &RefCell<Duplex>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BodyFailed>> {
        while let Some((body, framing)) = &mut self.body {
            if !duplex.borrow().outbox.has_room() {
                break;
            }
            // The link is not held meanwhile, nor when the body is dropped: it may have the request's
            // body in it, which is read from the link.
            let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
            let is_over = match frame {
                None => {
                    framing.end(&mut duplex.borrow_mut().outbox, None)?;
                    true
                }
                Some(Err(_)) => return Poll::Ready(Err(BodyFailed)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        let is_last = body.is_end_stream();
                        framing.data(&mut duplex.borrow_mut().outbox, data, is_last)?;
                        is_last
                    }
                    Err(frame) => {
                        let trailers = frame.into_trailers().ok().filter(|_| self.takes_trailers);
                        framing.end(&mut duplex.borrow_mut().outbox, trailers.as_ref())?;
                        true
                    }
                },
            };
            if is_over {
                self.body = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}
