//! What is on its way out: small pieces gathered, big ones sent from where they lie.
use bytes::Buf;
use bytes::Bytes;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use tokio::io::AsyncWrite;

/// Bodies' pieces up to this long are copied behind what is gathered already: cheaper than a
/// write or a slice of their own.
const COPIED_MAX: usize = 8 * 1024;

/// No more is gathered once this much waits, in bytes.
const GATHERED_MAX: usize = 16 * 1024;

/// Gathered bytes, then a big piece, then what ends it.
#[derive(Default)]
pub struct Outbox {
    gathered: Vec<u8>,
    written: usize,
    piece: Bytes,
    behind: &'static [u8],
}

impl Outbox {
    /// Where the head is written to.
    pub fn gather(&mut self) -> &mut Vec<u8> {
        &mut self.gathered
    }

    /// A piece of a body, with what stands behind it in its framing. Only while there is room.
    pub fn push(&mut self, piece: Bytes, behind: &'static [u8]) {
        if piece.len() <= COPIED_MAX {
            self.gathered.extend_from_slice(&piece);
            self.gathered.extend_from_slice(behind);
        } else {
            (self.piece, self.behind) = (piece, behind);
        }
    }

    pub fn has_room(&self) -> bool {
        self.piece.is_empty() && self.behind.is_empty() && self.gathered.len() < GATHERED_MAX
    }

    pub fn is_empty(&self) -> bool {
        self.written == self.gathered.len() && self.piece.is_empty() && self.behind.is_empty()
    }

    /// Writes once; how much went.
    pub fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        socket: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let gathered = &self.gathered[self.written..];
        let written = if self.piece.is_empty() && self.behind.is_empty() {
            ready!(Pin::new(socket).poll_write(cx, gathered))?
        } else {
            let slices =
                [IoSlice::new(gathered), IoSlice::new(&self.piece), IoSlice::new(self.behind)];
            ready!(Pin::new(socket).poll_write_vectored(cx, &slices))?
        };
        self.advance(written);
        Poll::Ready(Ok(written))
    }

    fn advance(&mut self, mut written: usize) {
        let first = written.min(self.gathered.len() - self.written);
        self.written += first;
        written -= first;
        if self.written == self.gathered.len() {
            self.written = 0;
            self.gathered.clear();
        }
        let second = written.min(self.piece.len());
        if second > 0 {
            self.piece.advance(second);
            if self.piece.is_empty() {
                // Gives the memory back at once.
                self.piece = Bytes::new();
            }
        }
        self.behind = &self.behind[written - second..];
    }

    /// Gives up what an unusually long head took.
    pub fn trim(&mut self) {
        if self.gathered.capacity() > GATHERED_MAX {
            self.gathered = Vec::new();
        }
    }
}
