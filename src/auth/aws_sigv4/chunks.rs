//! A body that is signed piece by piece while it is sent: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`.
//!
//! Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
//! Chunks (Chunked Upload)".
use super::day_key::DayKey;
use crate::crypto::Hash;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// What one piece holds, in bytes; the last may hold less. S3 takes no less than 8 KiB.
pub(super) const CHUNK_LEN: usize = 64 << 10;
/// Room for what stands before a piece: its length in hex, its signature.
const HEAD_LEN_MAX: usize = 16 + MIDDLE.len() + SIGNATURE_LEN + END.len();
const MIDDLE: &[u8] = b";chunk-signature=";
const END: &[u8] = b"\r\n";
/// A signature's length in hex.
pub(super) const SIGNATURE_LEN: usize = 64;
/// The hash of nothing, in hex.
pub(super) const EMPTY_SHA256: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Signs a body piece by piece while it is sent, each signature upon the one before: the first upon the request's.
pub struct Chunks {
    key: Arc<DayKey>,
    /// What each text that is signed begins with: algorithm, time and scope, a line each.
    intro: Box<str>,
    /// The last signature, in hex.
    last: [u8; SIGNATURE_LEN],
    chunk_len: usize,
    /// The body's length, in bytes, and how much of it has not come yet.
    body_len: u64,
    left: u64,
    /// The piece that fills up, behind room for its head. Empty before its first byte.
    held: Vec<u8>,
}

/// The body is not as long as was said before it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not as long as its Content-Length says")]
pub struct WrongLength;

impl Chunks {
    pub(super) fn new(
        key: Arc<DayKey>,
        (stamp, scope): (&str, &str),
        seed: [u8; SIGNATURE_LEN],
        body_len: u64,
    ) -> Self {
        let intro = ["AWS4-HMAC-SHA256-PAYLOAD\n", stamp, "\n", scope, "\n"].concat().into();
        Self {
            key,
            intro,
            last: seed,
            chunk_len: CHUNK_LEN,
            body_len,
            left: body_len,
            held: Vec::new(),
        }
    }

    /// How long the body is when it is sent, signatures and all, in bytes.
    pub fn sent_len(&self) -> u64 {
        let chunk_len = self.chunk_len as u64;
        let (whole, rest) = (self.body_len / chunk_len, self.body_len % chunk_len);
        let rest = if rest > 0 { framed_len(rest) } else { 0 };
        whole * framed_len(chunk_len) + rest + framed_len(0)
    }

    /// Takes in a piece of the body, and gives what may be sent now: nothing, mostly, or one or more signed pieces.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<Vec<Bytes>, WrongLength> {
        self.left = self.left.checked_sub(piece.len() as u64).ok_or(WrongLength)?;
        let mut ready = Vec::new();
        while !piece.is_empty() {
            let room = self.chunk_len - self.held_len();
            let (now, later) = piece.split_at(piece.len().min(room));
            if self.held.is_empty() {
                let expected = (now.len() as u64 + self.left).min(self.chunk_len as u64) as usize;
                self.held.reserve_exact(HEAD_LEN_MAX + expected.max(now.len()) + END.len());
                self.held.resize(HEAD_LEN_MAX, 0);
            }
            self.held.extend_from_slice(now);
            piece = later;
            if self.held_len() == self.chunk_len {
                ready.push(self.signed());
            }
        }
        Ok(ready)
    }

    /// What is left to send when the body has ended: the rest, and the empty piece that closes it.
    pub fn end(mut self) -> Result<Vec<Bytes>, WrongLength> {
        if self.left > 0 {
            return Err(WrongLength);
        }
        let mut ready = Vec::with_capacity(2);
        if self.held_len() > 0 {
            ready.push(self.signed());
        }
        self.held.resize(HEAD_LEN_MAX, 0);
        ready.push(self.signed());
        Ok(ready)
    }

    fn held_len(&self) -> usize {
        self.held.len().saturating_sub(HEAD_LEN_MAX)
    }

    /// The held piece with its signature before it.
    fn signed(&mut self) -> Bytes {
        let mut piece = std::mem::take(&mut self.held);
        let data = &piece[HEAD_LEN_MAX..];
        let mut text = Vec::with_capacity(self.intro.len() + 3 * SIGNATURE_LEN + 2);
        text.extend_from_slice(self.intro.as_bytes());
        text.extend_from_slice(&self.last);
        text.push(b'\n');
        text.extend_from_slice(EMPTY_SHA256.as_bytes());
        text.push(b'\n');
        text.extend_from_slice(&hex_of(Hash::Sha256.of(data).bytes()));
        self.last = hex_of(self.key.key.of(&text).bytes());

        let mut head = Vec::with_capacity(HEAD_LEN_MAX);
        put_hex(&mut head, data.len());
        head.extend_from_slice(MIDDLE);
        head.extend_from_slice(&self.last);
        head.extend_from_slice(END);
        let start = HEAD_LEN_MAX - head.len();
        piece[start..HEAD_LEN_MAX].copy_from_slice(&head);
        piece.extend_from_slice(END);
        Bytes::from(piece).slice(start..)
    }
}

/// In lower case.
pub(super) fn hex_of(digest: &[u8]) -> [u8; SIGNATURE_LEN] {
    let mut text = [0; SIGNATURE_LEN];
    hex::encode_to_slice(digest, &mut text).expect("SHA-256 makes 32 bytes, 64 digits");
    text
}

fn put_hex(text: &mut Vec<u8>, number: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for at in (0..hex_len(number as u64)).rev() {
        text.push(DIGITS[number >> (4 * at) & 15]);
    }
}

/// How many digits a number has in hex.
fn hex_len(number: u64) -> u64 {
    u64::from((64 - number.leading_zeros()).div_ceil(4)).max(1)
}

/// How long a piece is with its head and end.
fn framed_len(len: u64) -> u64 {
    hex_len(len) + (MIDDLE.len() + SIGNATURE_LEN + 2 * END.len()) as u64 + len
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("body_len", &self.body_len).finish_non_exhaustive()
    }
}
