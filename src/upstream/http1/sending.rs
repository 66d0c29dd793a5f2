//! A request on its way out: its head, and its body's framing (RFC 9112 §6 and §7).
use super::outbox::Outbox;
use crate::upstream::link::RequestBody;
use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Request;
use http_body::Frame;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    Chunked,
}

/// A body that is still to be sent.
pub(super) struct Sending<B> {
    body: B,
    framing: Framing,
}

/// The body failed, or was not as long as it had said: the request can't be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BodyFailed;

/// Writes a request's head; its fields come as they are, but for those that frame the body.
pub(super) fn write_head<B: RequestBody>(out: &mut Vec<u8>, request: &Request<B>) {
    let target = request.uri().path_and_query().map_or("/", |it| it.as_str());
    out.extend_from_slice(request.method().as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in request.headers() {
        write_field(out, name.as_str().as_bytes(), value.as_bytes());
    }
    match framing(request.body()) {
        Some(Framing::Chunked) => write_field(out, b"transfer-encoding", b"chunked"),
        Some(Framing::Length(length)) => write_length(out, length),
        // Servers may wait for, or insist on, the length of what usually has a body (RFC 9110 §8.6).
        None if has_content(request.method()) => write_length(out, 0),
        None => {}
    }
    out.extend_from_slice(b"\r\n");
}

fn has_content(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn write_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"content-length: ");
    out.extend_from_slice(length.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
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
                Poll::Ready(None) => return Poll::Ready(self.end(outbox, None)),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(BodyFailed)),
                Poll::Ready(Some(Ok(frame))) => frame,
            };
            match frame.into_data() {
                Ok(data) => self.data(outbox, data)?,
                Err(frame) => {
                    return Poll::Ready(self.end(outbox, Frame::into_trailers(frame).ok()));
                }
            }
            if self.framing == Framing::Length(0) {
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Pending
    }

    fn data(&mut self, outbox: &mut Outbox, data: Bytes) -> Result<(), BodyFailed> {
        if data.is_empty() {
            // An empty chunk would end the body (RFC 9112 §7.1).
            return Ok(());
        }
        match &mut self.framing {
            Framing::Length(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(BodyFailed)?;
                outbox.push(data, b"");
            }
            Framing::Chunked => {
                let size = format!("{:x}\r\n", data.len());
                outbox.gather().extend_from_slice(size.as_bytes());
                outbox.push(data, b"\r\n");
            }
        }
        Ok(())
    }

    fn end(&self, outbox: &mut Outbox, trailers: Option<HeaderMap>) -> Result<(), BodyFailed> {
        match self.framing {
            Framing::Length(0) => Ok(()),
            Framing::Length(_) => Err(BodyFailed),
            Framing::Chunked => {
                let out = outbox.gather();
                out.extend_from_slice(b"0\r\n");
                for (name, value) in trailers.iter().flatten() {
                    write_field(out, name.as_str().as_bytes(), value.as_bytes());
                }
                out.extend_from_slice(b"\r\n");
                Ok(())
            }
        }
    }
}
