//! A request's head: parsed, and what it says of its body and of the link (RFC 9112 §3 to §6).
use super::Chunked;
use super::Malformed;
use super::Receiving;
use super::decimal;
use bytes::Buf;
use bytes::BytesMut;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use http::Version;
use http::header;
use std::mem::MaybeUninit;

/// Most fields of a request's head.
const FIELDS_MAX: usize = 100;

/// Greatest length of a body: whoever counts with a sign has no greater one.
const LENGTH_MAX: u64 = i64::MAX as u64;

/// Names of ours that nearly every request has: those need no copy of their own.
static OUR_NAMES: [HeaderName; 4] = [
    HeaderName::from_static("attache-key"),
    HeaderName::from_static("attache-connection"),
    HeaderName::from_static("attache-tenant"),
    HeaderName::from_static("attache-connector"),
];

/// Where a field's name and value begin and end in the head, which is at most 1 MiB long.
#[derive(Clone, Copy, Default)]
struct Place {
    name: (u32, u32),
    value: (u32, u32),
}

/// What a request says of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// By HEAD: the answer has no body.
    pub is_head: bool,
    /// HTTP/1.0, which knows no chunks.
    pub is_old: bool,
    /// The caller may ask again on the same link.
    pub keeps: bool,
    /// `TE: trailers` (RFC 9110 §6.5.1).
    pub takes_trailers: bool,
}

/// A head, and what follows it.
#[derive(Debug)]
pub struct Head {
    pub request: Request<()>,
    pub body: Receiving,
    pub expects_continue: bool,
    pub asked: Asked,
}

/// Why there is no head to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Malformed,
    TooLarge,
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Takes a head of at most `max` bytes out of `inbox`; `None` where it is not all there yet.
pub fn parse_request(inbox: &mut BytesMut, max: usize) -> Result<Option<Head>, Fault> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut []);
    let status = httparse::ParserConfig::default().parse_request_with_uninit_headers(
        &mut parsed,
        inbox,
        &mut fields,
    );
    let length = match status {
        Ok(httparse::Status::Complete(length)) if length <= max => length,
        Ok(httparse::Status::Partial) if inbox.len() <= max => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Fault::TooLarge),
        Err(_) => return Err(Fault::Malformed),
    };
    let (Some(method), Some(target)) = (parsed.method, parsed.path) else {
        return Err(Fault::Malformed);
    };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Fault::Malformed)?;
    let is_old = parsed.version == Some(0);

    // Where each part lies: target and values share the buffer that they were read into.
    let base = inbox.as_ptr() as usize;
    let place = |of: &[u8]| {
        let begin = of.as_ptr() as usize - base;
        (begin as u32, (begin + of.len()) as u32)
    };
    let target = place(target.as_bytes());
    let count = parsed.headers.len();
    let mut places = [Place::default(); FIELDS_MAX];
    for (field, at) in parsed.headers.iter().zip(&mut places) {
        *at = Place { name: place(field.name.as_bytes()), value: place(field.value) };
    }
    let bytes = inbox.split_to(length).freeze();
    let slice = |at: (u32, u32)| bytes.slice(at.0 as usize..at.1 as usize);

    let mut headers = HeaderMap::with_capacity(count);
    let mut about = About::default();
    for Place { name, value } in &places[..count] {
        let name = field_name(&bytes[name.0 as usize..name.1 as usize])?;
        let value = slice(*value);
        if about.counts(&name, &value)? {
            let value = HeaderValue::from_maybe_shared(value).map_err(|_| Fault::Malformed)?;
            headers.append(name, value);
        }
    }
    let body = about.body(is_old)?;
    if about.is_chunked && about.length.is_some() {
        // The chunks count, and the length does not go on (RFC 9112 §6.3).
        headers.remove(header::CONTENT_LENGTH);
    }
    let asked = Asked {
        is_head: method == Method::HEAD,
        is_old,
        keeps: about.keeps(is_old),
        takes_trailers: about.takes_trailers,
    };
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from_maybe_shared(slice(target)).map_err(|_| Fault::Malformed)?;
    *request.version_mut() = if is_old { Version::HTTP_10 } else { Version::HTTP_11 };
    *request.headers_mut() = headers;
    let expects_continue = about.expects_continue && !is_old && !body.is_over();
    Ok(Some(Head { request, body, expects_continue, asked }))
}

/// Empty lines before a request line mean nothing (RFC 9112 §2.2).
pub fn skip_empty_lines(inbox: &mut BytesMut) {
    loop {
        match inbox[..] {
            [b'\r', b'\n', ..] => inbox.advance(2),
            [b'\n', ..] => inbox.advance(1),
            _ => return,
        }
    }
}

fn field_name(bytes: &[u8]) -> Result<HeaderName, Fault> {
    if let [b'a' | b'A', _, _, b'a' | b'A', ..] = bytes
        && let Some(known) =
            OUR_NAMES.iter().find(|it| bytes.eq_ignore_ascii_case(it.as_str().as_bytes()))
    {
        return Ok(known.clone());
    }
    HeaderName::from_bytes(bytes).map_err(|_| Fault::Malformed)
}

/// What the fields say of the message itself, noted in the one pass over them.
#[derive(Default)]
struct About {
    length: Option<u64>,
    is_chunked: bool,
    closes: bool,
    stays: bool,
    expects_continue: bool,
    takes_trailers: bool,
}

impl About {
    /// Notes a field; false where it only repeats one.
    fn counts(&mut self, name: &HeaderName, value: &[u8]) -> Result<bool, Fault> {
        match *name {
            header::CONTENT_LENGTH => {
                let length = decimal(value)?;
                let before = self.length.replace(length);
                if length > LENGTH_MAX || before.is_some_and(|it| it != length) {
                    return Err(Fault::Malformed);
                }
                return Ok(before.is_none());
            }
            header::TRANSFER_ENCODING => {
                // Of any other coding the body would go on without a word of it.
                let is_plain = value.eq_ignore_ascii_case(b"chunked");
                if std::mem::replace(&mut self.is_chunked, true) || !is_plain {
                    return Err(Fault::Malformed);
                }
            }
            header::CONNECTION => {
                for option in members(value) {
                    self.closes |= option.eq_ignore_ascii_case(b"close");
                    self.stays |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            header::EXPECT => {
                self.expects_continue = value.eq_ignore_ascii_case(b"100-continue");
            }
            header::TE => {
                self.takes_trailers |=
                    members(value).any(|it| it.eq_ignore_ascii_case(b"trailers"));
            }
            _ => {}
        }
        Ok(true)
    }

    /// RFC 9112 §6.3.
    fn body(&self, is_old: bool) -> Result<Receiving, Fault> {
        Ok(match self.length {
            // A coding in an HTTP/1.0 message is a fault of framing (RFC 9112 §6.1).
            _ if self.is_chunked && is_old => return Err(Fault::Malformed),
            _ if self.is_chunked => Receiving::Chunked(Chunked::default()),
            None | Some(0) => Receiving::Nothing,
            Some(length) => Receiving::Exactly(length),
        })
    }

    /// Whether another request may follow (RFC 9112 §9.3). Whoever has sent a length beside chunks
    /// may have meant another end than we have seen.
    fn keeps(&self, is_old: bool) -> bool {
        let is_ambiguous = self.is_chunked && self.length.is_some();
        !self.closes && (!is_old || self.stays) && !is_ambiguous
    }
}

/// The members of a list (RFC 9110 §5.6.1).
fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|it| *it == b',').map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    const MAX: usize = 64 << 10;

    fn head(wire: &str) -> Result<Option<Head>, Fault> {
        parse_request(&mut BytesMut::from(wire), MAX)
    }

    /// A POST of that version with these fields.
    fn post(version: &str, fields: &str) -> Result<Head, Fault> {
        Ok(head(&format!("POST /x HTTP/{version}\r\nHost: a\r\n{fields}\r\n"))?.expect("a head"))
    }

    #[test]
    fn tells_the_bodys_length_and_whether_the_link_stays() {
        let chunked = Receiving::Chunked(Chunked::default());
        for (version, fields, body, keeps) in [
            ("1.1", "", Receiving::Nothing, true),
            ("1.1", "Content-Length: 0\r\n", Receiving::Nothing, true),
            ("1.1", "Content-Length: 005\r\n", Receiving::Exactly(5), true),
            ("1.1", "Content-Length: 5\r\nContent-Length: 05\r\n", Receiving::Exactly(5), true),
            ("1.1", "Transfer-Encoding: Chunked\r\n", chunked, true),
            ("1.1", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunked, false),
            ("1.1", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunked, false),
            ("1.1", "Connection: x, Close\r\n", Receiving::Nothing, false),
            ("1.1", "Connection: close\r\nConnection: keep-alive\r\n", Receiving::Nothing, false),
            ("1.0", "", Receiving::Nothing, false),
            ("1.0", "Connection: Keep-Alive\r\n", Receiving::Nothing, true),
            ("1.0", "Connection: keep-alive, close\r\n", Receiving::Nothing, false),
        ] {
            let head = post(version, fields).unwrap();
            assert_eq!((head.body, head.asked.keeps), (body, keeps), "{version} {fields}");
            let lengths = head.request.headers().get_all("content-length").iter().count();
            assert_eq!(
                lengths,
                usize::from(fields.contains("Length") && body != chunked),
                "{fields}"
            );
        }
    }

    #[test]
    fn what_another_reader_could_take_otherwise_is_refused() {
        for fields in [
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5, 5",
            "Content-Length: +5",
            "Content-Length:",
            "Content-Length: 9223372036854775808",
            "Content-Length: 18446744073709551616",
            "Content-Length: x\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\nContent-Length: 6",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding:",
            "Content-Length : 5",
            " folded: 5",
            "A: 1\r\n folded",
            "A: 1\rB: 2",
            "A: \0",
            "no colon",
            ": no name",
        ] {
            let refused = post("1.1", &format!("{fields}\r\n"));
            assert_eq!(refused.map(|_| ()), Err(Fault::Malformed), "{}", fields.escape_debug());
        }
        let chunked = post("1.0", "Transfer-Encoding: chunked\r\n");
        assert_eq!(chunked.map(|_| ()), Err(Fault::Malformed));
        for line in
            ["GET /", "GET  / HTTP/1.1", "GET / HTTP/2.0", "G\0T / HTTP/1.1", "GET /\0 HTTP/1.1"]
        {
            assert!(head(&format!("{line}\r\n\r\n")).is_err(), "{}", line.escape_debug());
        }
    }

    #[test]
    fn a_head_has_bounds_and_the_rest_stays_where_it_is() {
        let mut fields = String::new();
        for number in 0..FIELDS_MAX {
            write!(fields, "X-{number}: 1\r\n").unwrap();
        }
        assert!(head(&format!("GET / HTTP/1.1\r\n{fields}\r\n")).is_ok());
        let many = head(&format!("GET / HTTP/1.1\r\nX: 1\r\n{fields}\r\n"));
        assert_eq!(many.map(|_| ()), Err(Fault::TooLarge));
        let mut inbox = BytesMut::from("GET / HTTP/1.1\r\nA: 1\r\n\r\nGET");
        let length = inbox.len() - 3;
        assert_eq!(parse_request(&mut inbox, length - 1).map(|_| ()), Err(Fault::TooLarge));
        assert!(parse_request(&mut inbox, length).unwrap().is_some());
        assert_eq!(inbox, "GET");
        let begun = parse_request(&mut BytesMut::from("GET / HTTP/1.1\r\nA: 1"), 10);
        assert_eq!(begun.map(|_| ()), Err(Fault::TooLarge), "without waiting for its end");
        assert!(head("GET / HTTP/1.1\r\nA: 1\r\n").unwrap().is_none());
    }

    #[test]
    fn notes_what_the_caller_waits_for_and_takes() {
        let head = post("1.1", "Content-Length: 1\r\nExpect: 100-Continue\r\nTE: a, Trailers\r\n");
        let head = head.unwrap();
        assert!(head.expects_continue && head.asked.takes_trailers && !head.asked.is_head);
        for (version, fields) in [("1.1", ""), ("1.0", "Content-Length: 1\r\n")] {
            let head = post(version, &format!("{fields}Expect: 100-continue\r\n")).unwrap();
            assert!(!head.expects_continue, "{version} {fields:?}");
        }
    }

    #[test]
    fn names_of_our_own_are_read_in_any_case_and_others_are_theirs() {
        let fields = "ATTACHE-Key: 1\r\natt-che-key: 2\r\nAttache-Connection: 3\r\nX-Own: 4\r\n";
        let head = post("1.1", fields).unwrap();
        let names: Vec<_> = head.request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["host", "attache-key", "att-che-key", "attache-connection", "x-own"]);
    }

    #[test]
    fn empty_lines_before_a_request_are_skipped_and_half_ones_are_not() {
        for (wire, left) in [("\r\n\n\r\nGET", "GET"), ("\r\n\r", "\r"), ("\rGET", "\rGET")] {
            let mut inbox = BytesMut::from(wire);
            skip_empty_lines(&mut inbox);
            assert_eq!(inbox, left);
        }
    }
}
