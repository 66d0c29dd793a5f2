//! A caller's body that is signed piece by piece while it is sent.
use super::body::Source;
use crate::auth::Chunks;
use crate::server;
use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

/// Reads no further than the piece that it sends next, so that the upstream's pace is the caller's.
#[derive(Debug)]
pub struct InPieces {
    source: Source,
    /// None once the body has ended.
    chunks: Option<Box<Chunks>>,
    /// Signed and not yet sent.
    ready: VecDeque<Bytes>,
    /// In bytes, signatures and all.
    left: u64,
}

impl InPieces {
    pub fn new(source: Source, chunks: Box<Chunks>) -> Self {
        let left = chunks.sent_len();
        Self { source, chunks: Some(chunks), ready: VecDeque::new(), left }
    }
}

impl Body for InPieces {
    type Data = Bytes;
    type Error = server::BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, server::BodyError>>> {
        let this = &mut *self;
        loop {
            if let Some(piece) = this.ready.pop_front() {
                this.left -= piece.len() as u64;
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            let Some(chunks) = &mut this.chunks else { return Poll::Ready(None) };
            let signed = match ready!(this.source.poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => chunks.push(&bytes),
                    // No signature here covers a trailer, and an upstream takes none that is not covered.
                    Err(_) => continue,
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => this.chunks.take().map_or_else(|| Ok(Vec::new()), |it| it.end()),
            };
            let Ok(signed) = signed else { return Poll::Ready(Some(Err(server::BodyError))) };
            this.ready.extend(signed);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_none() && self.ready.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
