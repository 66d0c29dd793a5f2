//! A request on its way out: its head, and its body's framing (RFC 9112 §6 and §7).
use crate::upstream::link::Fields;
use crate::upstream::link::RequestBody;
use crate::upstream::link::RequestHead;
use crate::wire::BodyFailed;
use crate::wire::Framing;
use crate::wire::Outbox;
use crate::wire::write_field;
use crate::wire::write_length;
use http::Method;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

/// A body that is still to be sent.
pub(super) struct Sending<B> {
    body: B,
    framing: Framing,
}

/// Writes a request's head; its fields come as they are, but for those that frame the body.
pub(super) fn write_head<B: RequestBody>(
    out: &mut Vec<u8>,
    head: &RequestHead<'_, impl Fields>,
    body: &B,
) {
    let target = head.target.path_and_query().map_or("/", |it| it.as_str());
    out.extend_from_slice(head.method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    head.fields.each(|name, value| {
        write_field(out, name.as_str().as_bytes(), value.as_bytes());
    });
    match framing(body) {
        Some(framing) => framing.write_field(out),
        // Servers may wait for, or insist on, the length of what usually has a body (RFC 9110 §8.6).
        None if has_content(head.method) => write_length(out, 0),
        None => {}
    }
    out.extend_from_slice(b"\r\n");
}

fn has_content(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// `None` where there is no body.
fn framing<B: RequestBody>(body: &B) -> Option<Framing> {
    if body.is_end_stream() {
        return None;
    }
    Some(body.size_hint().exact().map_or(Framing::Chunked, Framing::Length))
}

impl<B: RequestBody> Sending<B> {
    /// `None` where nothing follows the head.
    pub(super) fn new(body: B) -> Option<Self> {
        framing(&body).map(|framing| Self { body, framing })
    }

    /// The upstream has said that it waits for the body.
    pub(super) fn may_go_on(&mut self) {
        self.body.may_go_on();
    }

    /// Moves what the body has ready into `outbox` while there is room; ready once it is over.
    pub(super) fn poll(
        &mut self,
        outbox: &mut Outbox,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BodyFailed>> {
        while outbox.has_room() {
            let frame = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(self.framing.end(outbox, None)),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(BodyFailed)),
                Poll::Ready(Some(Ok(frame))) => frame,
            };
            match frame.into_data() {
                Ok(data) => self.framing.data(outbox, data, false)?,
                Err(frame) => {
                    let trailers = frame.into_trailers().ok();
                    return Poll::Ready(self.framing.end(outbox, trailers.as_ref()));
                }
            }
            if self.framing == Framing::Length(0) {
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Pending
    }
}
