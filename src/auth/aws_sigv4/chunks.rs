//! A body that is signed piece by piece while it is sent: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`, and the same with trailers.
//!
//! Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
//! Chunks (Chunked Upload)" and "Signature Calculations for the Authorization Header: Including Trailing Headers (Chunked Upload)".
use super::day_key::DayKey;
use super::framed::Frames;
use super::framed::TRAILER_SIGNATURE;
use super::framed::Unframed;
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
    /// What stands behind the algorithm in each text that is signed: time and scope, a line each.
    intro: Box<str>,
    /// The last signature, in hex.
    last: [u8; SIGNATURE_LEN],
    chunk_len: usize,
    /// The body's length, in bytes, and how much of it has not come yet.
    body_len: u64,
    left: u64,
    /// The piece that fills up, behind room for its head. Empty before its first byte.
    held: Vec<u8>,
    /// What the body comes in.
    frames: Option<Frames>,
    /// How long the trailers are that come behind it, each with its line's end, in bytes.
    trailers_len: Option<u64>,
}

/// Why a body can't be sent as it was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    #[error("the body is not as long as was said before")]
    Length,
    #[error("the body is not framed as was said before")]
    Frames,
}

impl From<Unframed> for ChunkError {
    fn from(Unframed: Unframed) -> Self {
        Self::Frames
    }
}

impl Chunks {
    pub(super) fn new(
        key: Arc<DayKey>,
        (stamp, scope): (&str, &str),
        seed: [u8; SIGNATURE_LEN],
        body_len: u64,
    ) -> Self {
        let intro = [stamp, "\n", scope, "\n"].concat().into();
        Self {
            key,
            intro,
            last: seed,
            chunk_len: CHUNK_LEN,
            body_len,
            left: body_len,
            held: Vec::new(),
            frames: None,
            trailers_len: None,
        }
    }

    /// Of a body that comes in frames, and trailers of this length behind it, where there are any.
    pub(super) fn framed(self, trailers_len: Option<u64>) -> Self {
        Self { frames: Some(Frames::default()), trailers_len, ..self }
    }

    /// How long the body is when it is sent, signatures and all, in bytes.
    pub fn sent_len(&self) -> u64 {
        let chunk_len = self.chunk_len as u64;
        let (whole, rest) = (self.body_len / chunk_len, self.body_len % chunk_len);
        let rest = if rest > 0 { framed_len(rest) } else { 0 };
        let signature_len = (TRAILER_SIGNATURE.len() + 1 + SIGNATURE_LEN + END.len()) as u64;
        let trailers = self.trailers_len.map_or(0, |it| it + signature_len);
        whole * framed_len(chunk_len) + rest + framed_len(0) + trailers
    }

    /// Takes in a piece of the body, and gives what may be sent now: nothing, mostly, or one or more signed pieces.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<Bytes>, ChunkError> {
        let mut ready = Vec::new();
        let Some(mut frames) = self.frames.take() else {
            self.take_in(piece, &mut ready)?;
            return Ok(ready);
        };
        let mut taken = Ok(());
        frames.read(piece, |data| {
            if taken.is_ok() {
                taken = self.take_in(data, &mut ready);
            }
        })?;
        self.frames = Some(frames);
        taken.map(|()| ready)
    }

    fn take_in(&mut self, mut piece: &[u8], ready: &mut Vec<Bytes>) -> Result<(), ChunkError> {
        self.left = self.left.checked_sub(piece.len() as u64).ok_or(ChunkError::Length)?;
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
        Ok(())
    }

    /// What is left to send when the body has ended: the rest, and the empty piece that closes it.
    pub fn end(mut self) -> Result<Vec<Bytes>, ChunkError> {
        if self.left > 0 {
            return Err(ChunkError::Length);
        }
        let trailers = self.frames.take().map(Frames::end).transpose()?.unwrap_or_default();
        let trailers_len = trailers.iter().map(|it| (it.len() + END.len()) as u64).sum::<u64>();
        if trailers_len != self.trailers_len.unwrap_or_default() {
            return Err(ChunkError::Frames);
        }
        let mut ready = Vec::with_capacity(3);
        if self.held_len() > 0 {
            ready.push(self.signed());
        }
        self.held.resize(HEAD_LEN_MAX, 0);
        let closing = self.signed();
        if self.trailers_len.is_none() {
            ready.push(closing);
            return Ok(ready);
        }
        // Trailers stand where a piece would end.
        ready.push(closing.slice(..closing.len() - END.len()));
        ready.push(self.signed_trailers(trailers));
        Ok(ready)
    }

    fn signed_trailers(&mut self, mut trailers: Vec<String>) -> Bytes {
        trailers.sort_unstable();
        let lines: String = trailers.iter().flat_map(|it| [it, "\n"]).collect();
        self.sign("AWS4-HMAC-SHA256-TRAILER\n", &[lines.as_bytes()]);
        let mut sent = Vec::new();
        for trailer in &trailers {
            sent.extend_from_slice(trailer.as_bytes());
            sent.extend_from_slice(END);
        }
        sent.extend_from_slice(TRAILER_SIGNATURE.as_bytes());
        sent.push(b':');
        sent.extend_from_slice(&self.last);
        sent.extend_from_slice(END);
        sent.extend_from_slice(END);
        sent.into()
    }

    /// The next signature: over the last one, and the hash of each of `parts`.
    fn sign(&mut self, algorithm: &str, parts: &[&[u8]]) {
        let mut text = Vec::with_capacity(self.intro.len() + 4 * SIGNATURE_LEN);
        text.extend_from_slice(algorithm.as_bytes());
        text.extend_from_slice(self.intro.as_bytes());
        text.extend_from_slice(&self.last);
        for part in parts {
            text.push(b'\n');
            text.extend_from_slice(&hex_of(Hash::Sha256.of(part).bytes()));
        }
        self.last = hex_of(self.key.key.of(&text).bytes());
    }

    fn held_len(&self) -> usize {
        self.held.len().saturating_sub(HEAD_LEN_MAX)
    }

    /// The held piece with its signature before it.
    fn signed(&mut self) -> Bytes {
        let mut piece = std::mem::take(&mut self.held);
        let data = &piece[HEAD_LEN_MAX..];
        // The first hash is of fields that a piece could have, and never has.
        self.sign("AWS4-HMAC-SHA256-PAYLOAD\n", &[b"", data]);

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
