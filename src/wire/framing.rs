//! A body on its way out, put into its framing (RFC 9112 §6 and §7).
use super::Outbox;
use super::field::number;
use super::write_field;
use super::write_length;
use bytes::Bytes;
use http::HeaderMap;

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    Chunked,
    /// By the link's end, for a reader that knows no chunks.
    UntilClose,
}

/// The body failed, or was not as long as it had said: the message can't be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyFailed;

impl Framing {
    /// The field that tells the reader; none where only the link's end does.
    pub fn write_field(&self, out: &mut Vec<u8>) {
        match self {
            Self::Length(length) => write_length(out, *length),
            Self::Chunked => write_field(out, b"transfer-encoding", b"chunked"),
            Self::UntilClose => {}
        }
    }

    /// A piece of the body, maybe its last. Only while there is room.
    pub fn data(
        &mut self,
        outbox: &mut Outbox,
        data: Bytes,
        is_last: bool,
    ) -> Result<(), BodyFailed> {
        if data.is_empty() {
            // An empty chunk would end the body (RFC 9112 §7.1).
            return if is_last { self.end(outbox, None) } else { Ok(()) };
        }
        match self {
            Self::Length(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(BodyFailed)?;
                if is_last && *left > 0 {
                    return Err(BodyFailed);
                }
                outbox.push(data, b"");
            }
            Self::Chunked => {
                let mut digits = [0; _];
                let out = outbox.gather();
                out.extend_from_slice(number(data.len() as u64, 16, &mut digits));
                out.extend_from_slice(b"\r\n");
                outbox.push(data, if is_last { b"\r\n0\r\n\r\n" } else { b"\r\n" });
            }
            Self::UntilClose => outbox.push(data, b""),
        }
        Ok(())
    }

    /// The body's end.
    pub fn end(&self, outbox: &mut Outbox, trailers: Option<&HeaderMap>) -> Result<(), BodyFailed> {
        match self {
            Self::Length(0) | Self::UntilClose => Ok(()),
            Self::Length(_) => Err(BodyFailed),
            Self::Chunked => {
                let out = outbox.gather();
                out.extend_from_slice(b"0\r\n");
                for (name, value) in trailers.into_iter().flatten() {
                    write_field(out, name.as_str().as_bytes(), value.as_bytes());
                }
                out.extend_from_slice(b"\r\n");
                Ok(())
            }
        }
    }
}
