//! A body that comes in pieces which a caller's SDK has signed with a key of its own: taken out of its frames.
//!
//! Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Including Trailing Headers (Chunked Upload)" and "Transferring Payload in Multiple
//! Chunks (Chunked Upload)".

/// Longest line between pieces, in bytes: a length, a signature; or a trailer.
const LINE_LEN_MAX: usize = 1024;
/// Most trailers: a checksum, and their signature.
const TRAILERS_MAX: usize = 8;
/// The caller's signature over its own trailers.
pub(super) const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Reads frames as they come, in pieces of any length.
#[derive(Debug, Default)]
pub(super) struct Frames {
    state: State,
    line: Vec<u8>,
    /// `name:value` each, without the caller's signature over them.
    trailers: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before a piece: its length.
    #[default]
    Head,
    /// Within a piece: what is left of it, in bytes.
    Data(u64),
    /// Behind a piece: an empty line.
    Tail,
    Trailers,
    Ended,
}

/// It is not framed as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unframed;

impl Frames {
    /// Gives what is in the frames to `put`.
    pub fn read(&mut self, mut bytes: &[u8], mut put: impl FnMut(&[u8])) -> Result<(), Unframed> {
        while !bytes.is_empty() {
            match self.state {
                State::Data(left) => {
                    let now = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let (data, rest) = bytes.split_at(now);
                    put(data);
                    bytes = rest;
                    let left = left - now as u64;
                    self.state = if left == 0 { State::Tail } else { State::Data(left) };
                }
                State::Ended => return Err(Unframed),
                State::Head | State::Tail | State::Trailers => {
                    let end = bytes.iter().position(|it| *it == b'\n');
                    let (part, rest) = bytes.split_at(end.map_or(bytes.len(), |it| it + 1));
                    bytes = rest;
                    if self.line.len() + part.len() > LINE_LEN_MAX {
                        return Err(Unframed);
                    }
                    self.line.extend_from_slice(part);
                    if end.is_some() {
                        self.state = self.after_line()?;
                        self.line.clear();
                    }
                }
            }
        }
        Ok(())
    }

    fn after_line(&mut self) -> Result<State, Unframed> {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line));
        let line = line.map_err(|_| Unframed)?;
        match self.state {
            State::Head => {
                let size = line.split(';').next().unwrap_or_default();
                if !size.bytes().all(|it| it.is_ascii_hexdigit()) {
                    return Err(Unframed);
                }
                match u64::from_str_radix(size, 16).map_err(|_| Unframed)? {
                    0 => Ok(State::Trailers),
                    length => Ok(State::Data(length)),
                }
            }
            State::Tail if line.is_empty() => Ok(State::Head),
            State::Trailers if line.is_empty() => Ok(State::Ended),
            State::Trailers => {
                let (name, value) = line.split_once(':').ok_or(Unframed)?;
                let name = name.trim().to_ascii_lowercase();
                if self.trailers.len() == TRAILERS_MAX {
                    return Err(Unframed);
                }
                if name != TRAILER_SIGNATURE {
                    self.trailers.push([&name, ":", value.trim()].concat());
                }
                Ok(State::Trailers)
            }
            State::Tail | State::Data(_) | State::Ended => Err(Unframed),
        }
    }

    /// The trailers, once the last frame has come.
    pub fn end(self) -> Result<Vec<String>, Unframed> {
        // Some end with the last frame, and leave out the empty line.
        let is_over = self.state == State::Ended
            || self.state == State::Trailers && self.line.iter().all(|it| *it == b'\r');
        if is_over { Ok(self.trailers) } else { Err(Unframed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, piece: usize) -> Result<(String, Vec<String>), Unframed> {
        let (mut frames, mut data) = (Frames::default(), Vec::new());
        for piece in text.as_bytes().chunks(piece) {
            frames.read(piece, |it| data.extend_from_slice(it))?;
        }
        Ok((String::from_utf8(data).unwrap(), frames.end()?))
    }

    #[test]
    fn frames_are_read_however_they_are_cut() {
        let text = "5;chunk-signature=00\r\nhello\r\n1;chunk-signature=11\r\n!\r\n0;chunk-signature=22\r\n\
                    X-Amz-Checksum-Crc32: sOO8/Q==\r\nx-amz-trailer-signature:33\r\n\r\n";
        for piece in 1..=text.len() {
            let (data, trailers) = read(text, piece).unwrap();
            assert_eq!(
                (data.as_str(), &*trailers),
                ("hello!", &["x-amz-checksum-crc32:sOO8/Q==".to_owned()][..])
            );
        }
        assert_eq!(read("0\r\n\r\n", 9), Ok((String::new(), Vec::new())));
        assert_eq!(read("a\r\n0123456789\r\n0\r\n", 9).unwrap().0, "0123456789");
    }

    #[test]
    fn what_is_not_framed_is_not_read() {
        let long = format!("5;{}", "x".repeat(LINE_LEN_MAX));
        let many = format!("0\r\n{}\r\n", "a:b\r\n".repeat(TRAILERS_MAX + 1));
        for text in [
            "",
            "hello",
            "x\r\nhello\r\n0\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello!\r\n0\r\n\r\n",
            "5\r\nhel",
            "5\r\nhello\r\n",
            "0\r\n\r\nmore",
            "0\r\nno trailer\r\n\r\n",
            "10000000000000000\r\n",
            "5\r\nh\u{e9}llo",
            &long,
            &many,
        ] {
            for piece in [1, 7, 10_000] {
                assert_eq!(read(text, piece), Err(Unframed), "{text:?} {piece}");
            }
        }
    }
}
