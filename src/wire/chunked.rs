//! A chunked body, read strictly (RFC 9112 §7.1): what another reader could take for something else
//! is an error.
use super::Malformed;
use bytes::Buf;
use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

/// Longest size line with its extensions, and longest trailer section, in bytes.
const LINE_MAX: usize = 4 * 1024;
const TRAILERS_MAX: usize = 16 * 1024;

/// Most fields of a trailer section.
const TRAILER_FIELDS_MAX: usize = 64;

/// Extensions of a whole body, in bytes: they mean nothing to us, and are not paid for at length.
const EXTENSIONS_MAX: usize = 16 * 1024;

/// A body that is being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunked {
    at: At,
    extensions: usize,
}

/// Where in the body the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Size,
    /// So many bytes of a chunk are still to come.
    Data(u64),
    DataEnd,
    Trailers,
    Done,
}

/// What the bytes at hand say.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    /// The body is over.
    End,
    /// Nothing without more bytes.
    More,
}

impl Chunked {
    /// True once the body's last byte has been taken.
    pub fn is_over(&self) -> bool {
        self.at == At::Done
    }

    /// Takes the next piece out of `inbox`.
    pub fn decode(&mut self, inbox: &mut BytesMut) -> Result<Piece, Malformed> {
        loop {
            match self.at {
                At::Size => match size_line(inbox)? {
                    None => return Ok(Piece::More),
                    Some(line) => {
                        inbox.advance(line.length);
                        self.extensions += line.extension;
                        if self.extensions > EXTENSIONS_MAX {
                            return Err(Malformed);
                        }
                        self.at = if line.size == 0 { At::Trailers } else { At::Data(line.size) };
                    }
                },
                At::Data(_) if inbox.is_empty() => return Ok(Piece::More),
                At::Data(left) => {
                    let taken = inbox.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    let data = inbox.split_to(taken).freeze();
                    self.at = match left - taken as u64 {
                        0 => At::DataEnd,
                        left => At::Data(left),
                    };
                    self.settle(inbox);
                    return Ok(Piece::Data(data));
                }
                At::DataEnd => match inbox[..] {
                    [b'\r', b'\n', ..] => {
                        inbox.advance(2);
                        self.at = At::Size;
                    }
                    [] | [b'\r'] => return Ok(Piece::More),
                    _ => return Err(Malformed),
                },
                At::Trailers => return self.trailers(inbox),
                At::Done => return Ok(Piece::End),
            }
        }
    }

    /// Sees an end that has arrived together with the last data, so that nobody has to ask again.
    fn settle(&mut self, inbox: &mut BytesMut) {
        const END: &[u8] = b"\r\n0\r\n\r\n";
        if self.at == At::DataEnd && inbox.starts_with(END) {
            inbox.advance(END.len());
            self.at = At::Done;
        }
    }

    fn trailers(&mut self, inbox: &mut BytesMut) -> Result<Piece, Malformed> {
        if inbox.starts_with(b"\r\n") {
            inbox.advance(2);
            self.at = At::Done;
            return Ok(Piece::End);
        }
        let mut fields = [httparse::EMPTY_HEADER; TRAILER_FIELDS_MAX];
        let parsed = httparse::parse_headers(inbox, &mut fields).map_err(|_| Malformed)?;
        let section = if let httparse::Status::Complete((length, _)) = parsed {
            &inbox[..length]
        } else {
            &inbox[..]
        };
        if has_bare_lf(section) {
            return Err(Malformed);
        }
        let httparse::Status::Complete((length, fields)) = parsed else {
            return if inbox.len() > TRAILERS_MAX { Err(Malformed) } else { Ok(Piece::More) };
        };
        if length > TRAILERS_MAX {
            return Err(Malformed);
        }
        let mut trailers = HeaderMap::with_capacity(fields.len());
        for field in fields {
            let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Malformed)?;
            let value = HeaderValue::from_bytes(field.value).map_err(|_| Malformed)?;
            trailers.append(name, value);
        }
        inbox.advance(length);
        self.at = At::Done;
        Ok(Piece::Trailers(trailers))
    }
}

/// Whether a line ends in an LF without a CR, as of a reader that takes no more than that.
fn has_bare_lf(lines: &[u8]) -> bool {
    lines.split_inclusive(|it| *it == b'\n').any(|it| it.ends_with(b"\n") && !it.ends_with(b"\r\n"))
}

/// The line before a chunk.
struct SizeLine {
    size: u64,
    /// The line's length in bytes, its end included, and how much of it is padding or extension.
    length: usize,
    extension: usize,
}

/// `1*HEXDIG`, spaces that some servers pad with, and an
/// extension, which means nothing to us. A bare CR or LF in it is no line's end.
fn size_line(bytes: &[u8]) -> Result<Option<SizeLine>, Malformed> {
    let end = bytes.iter().position(|it| *it == b'\n');
    let line = match end {
        Some(end) => bytes[..end].strip_suffix(b"\r").ok_or(Malformed)?,
        None if bytes.is_empty() => return Ok(None),
        // What can't become a line any more need not be waited for.
        None => bytes.strip_suffix(b"\r").unwrap_or(bytes),
    };
    if line.len() > LINE_MAX || line.contains(&b'\r') {
        return Err(Malformed);
    }
    let digits = line.iter().take_while(|it| it.is_ascii_hexdigit()).count();
    let padding = line[digits..].iter().take_while(|it| matches!(it, b' ' | b'\t')).count();
    let rest = &line[digits + padding..];
    if digits == 0 || digits > 16 || !(rest.is_empty() || rest[0] == b';') {
        return Err(Malformed);
    }
    let is_text = |it: &u8| *it == b'\t' || (*it >= b' ' && *it != 0x7f);
    if !rest.iter().all(is_text) {
        return Err(Malformed);
    }
    let Some(end) = end else { return Ok(None) };
    let text = std::str::from_utf8(&line[..digits]).map_err(|_| Malformed)?;
    let size = u64::from_str_radix(text, 16).map_err(|_| Malformed)?;
    Ok(Some(SizeLine { size, length: end + 1, extension: line.len() - digits }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything in `wire`, fed `step` bytes at a time; what is left over behind it.
    fn read(wire: &[u8], step: usize) -> Result<(Vec<u8>, Option<HeaderMap>, usize), Malformed> {
        let mut decoder = Chunked::default();
        let mut inbox = BytesMut::new();
        let (mut data, mut trailers, mut fed) = (Vec::new(), None, 0);
        loop {
            match decoder.decode(&mut inbox)? {
                Piece::Data(bytes) => data.extend_from_slice(&bytes),
                Piece::Trailers(map) => trailers = Some(map),
                Piece::End => return Ok((data, trailers, inbox.len() + wire.len() - fed)),
                Piece::More if fed == wire.len() => return Err(Malformed),
                Piece::More => {
                    let next = wire.len().min(fed + step);
                    inbox.extend_from_slice(&wire[fed..next]);
                    fed = next;
                }
            }
        }
    }

    #[test]
    fn reads_a_body_however_it_is_cut() {
        let wire =
            b"4\r\nwiki\r\n00A ; name=\"value\"\r\n0123456789\r\n0\r\nx-sum: 7\r\n\r\nHTTP/1.1";
        for step in [1, 2, 3, 7, 1000] {
            let (data, trailers, left) = read(wire, step).unwrap();
            assert_eq!(data, b"wiki0123456789", "step {step}");
            assert_eq!(trailers.unwrap()["x-sum"], "7");
            assert_eq!(left, "HTTP/1.1".len());
        }
    }

    #[test]
    fn what_another_reader_could_take_otherwise_is_refused() {
        let cases: [&[u8]; 23] = [
            b"+4\r\nwiki\r\n0\r\n\r\n",
            b"-4\r\nwiki\r\n0\r\n\r\n",
            b"0x4\r\nwiki\r\n0\r\n\r\n",
            b"4_0\r\nwiki\r\n0\r\n\r\n",
            b" 4\r\nwiki\r\n0\r\n\r\n",
            b"\r\nwiki\r\n0\r\n\r\n",
            b";x\r\nwiki\r\n0\r\n\r\n",
            b"4 4\r\nwiki\r\n0\r\n\r\n",
            b"4\nwiki\r\n0\r\n\r\n",
            b"4\r\nwiki\n0\r\n\r\n",
            b"4\r\nwikipedia\r\n0\r\n\r\n",
            b"4;a\rb\r\nwiki\r\n0\r\n\r\n",
            b"4;a\nb\r\nwiki\r\n0\r\n\r\n",
            b"4;a\0\r\nwiki\r\n0\r\n\r\n",
            b"4\x0c\r\nwiki\r\n0\r\n\r\n",
            b"10000000000000000\r\nwiki\r\n0\r\n\r\n",
            b"0\r\n bad: 1\r\n\r\n",
            b"0\r\nbad : 1\r\n\r\n",
            b"0\r\nbad\r\n\r\n",
            b"0\r\n\n",
            b"0\r\nx: 1\n\r\n",
            b"0\r\nx: 1\r\n\n",
            b"0\r\nx: 1\ny: 2\r\n\r\n",
        ];
        for wire in cases {
            assert!(read(wire, 1000).is_err(), "{}", wire.escape_ascii());
            assert!(read(wire, 1).is_err(), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn what_can_not_become_a_chunk_is_refused_before_its_line_ends() {
        for wire in [b"{}".as_slice(), b"\r", b"1 x", b"1\rx", b"1;\0", b"00000000000000000"] {
            let read = Chunked::default().decode(&mut BytesMut::from(wire));
            assert_eq!(read, Err(Malformed), "{}", wire.escape_ascii());
        }
        let mut inbox = BytesMut::from(&b"1\r\nxy"[..]);
        let mut decoder = Chunked::default();
        assert_eq!(decoder.decode(&mut inbox), Ok(Piece::Data(Bytes::from_static(b"x"))));
        assert_eq!(decoder.decode(&mut inbox), Err(Malformed));
        for wire in [b"".as_slice(), b"1", b"1\r", b"1 ", b"1;x", b"0000000000000001"] {
            let read = Chunked::default().decode(&mut BytesMut::from(wire));
            assert_eq!(read, Ok(Piece::More), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn lines_and_trailers_have_bounds() {
        let line = [b"1;".as_slice(), &vec![b'x'; LINE_MAX + 1]].concat();
        assert!(read(&line, 1000).is_err());
        let trailers = [b"0\r\na: ".as_slice(), &vec![b'x'; TRAILERS_MAX + 1]].concat();
        assert!(read(&trailers, 1000).is_err());
        let whole = [&trailers[..], b"\r\n\r\n"].concat();
        assert!(read(&whole, whole.len()).is_err(), "nor when it comes at once");
        let mut padded = [&b"1"[..], &[b' '; 1000], b"\r\nx\r\n"].concat().repeat(20);
        padded.extend_from_slice(b"0\r\n\r\n");
        assert!(read(&padded, 1000).is_err());
        let mut extended = b"1;extension\r\nx\r\n".repeat(EXTENSIONS_MAX / 8);
        extended.extend_from_slice(b"0\r\n\r\n");
        assert!(read(&extended, 1000).is_err());
    }
}
