//! A body that is being read, in whatever framing it has (RFC 9112 §6.3).
use super::Chunked;
use super::Malformed;
use super::Piece;
use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http_body::SizeHint;

/// Room that a read finds where a body is short, and once it has shown itself to be long, in bytes:
/// bounds what waits in memory as well.
const SHORT_READ: usize = 16 * 1024;
const LONG_READ: usize = 128 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiving {
    /// The body is over, or there is none.
    Nothing,
    Exactly(u64),
    Chunked(Chunked),
    UntilClose,
}

/// What the bytes at hand say.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    Data(Bytes),
    Trailers(HeaderMap),
    /// The body is over.
    End,
    /// Nothing without more bytes; about so many should find room.
    More(usize),
}

impl Receiving {
    /// Takes the next piece of the body out of `inbox`.
    pub fn take(&mut self, inbox: &mut BytesMut) -> Result<Taken, Malformed> {
        match self {
            Self::Nothing => Ok(Taken::End),
            Self::Exactly(left) if inbox.is_empty() => {
                let room = usize::try_from(*left).unwrap_or(LONG_READ);
                Ok(Taken::More(room.clamp(SHORT_READ, LONG_READ)))
            }
            Self::Exactly(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(inbox.len());
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::Nothing;
                }
                Ok(Taken::Data(inbox.split_to(taken).freeze()))
            }
            Self::Chunked(decoder) => {
                let piece = decoder.decode(inbox);
                if decoder.is_over() {
                    *self = Self::Nothing;
                }
                Ok(match piece? {
                    Piece::Data(bytes) => Taken::Data(bytes),
                    Piece::Trailers(fields) => Taken::Trailers(fields),
                    Piece::End => Taken::End,
                    Piece::More => Taken::More(LONG_READ),
                })
            }
            Self::UntilClose if inbox.is_empty() => Ok(Taken::More(LONG_READ)),
            Self::UntilClose => Ok(Taken::Data(inbox.split().freeze())),
        }
    }

    pub fn is_over(&self) -> bool {
        *self == Self::Nothing
    }

    /// What is known of the rest of the body's length.
    pub fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing => SizeHint::with_exact(0),
            Self::Exactly(left) => SizeHint::with_exact(*left),
            Self::Chunked(_) | Self::UntilClose => SizeHint::default(),
        }
    }
}
