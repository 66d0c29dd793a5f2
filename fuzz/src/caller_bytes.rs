//! What a caller sends on an HTTP/1.1 link: read the same however it is cut into pieces, and each request
//! with one length and one end, that of another reader who splits the same bytes.
use attache::wire::Fault;
use attache::wire::Head;
use attache::wire::Malformed;
use attache::wire::Receiving;
use attache::wire::Taken;
use attache::wire::parse_request;
use attache::wire::skip_empty_lines;
use bytes::BytesMut;
use http::HeaderMap;

const HEAD_MAX: usize = 8 << 10;

/// What was read from the link, one after the other.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    requests: Vec<Message>,
    /// What ended it, where it was not the last byte.
    fault: Option<Fault>,
}

#[derive(Debug, PartialEq, Eq)]
struct Message {
    line: String,
    /// The fields' lines, same-named ones in their order.
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    is_whole: bool,
    keeps: bool,
}

/// Lengths of pieces in decimal on the first line, then the caller's bytes.
pub fn holds(input: &[u8]) {
    let end = input.iter().position(|it| *it == b'\n').unwrap_or(input.len());
    let lengths = String::from_utf8_lossy(&input[..end]);
    let lengths: Vec<usize> = lengths.split(' ').filter_map(|it| it.parse().ok()).collect();
    let bytes = input.get(end + 1..).unwrap_or_default();
    let at_once = read(bytes, &[bytes.len()]);
    assert_eq!(read(bytes, &lengths), at_once, "in pieces of {lengths:?}");
    assert_eq!(read(bytes, &[1]), at_once, "byte by byte");
    for request in &at_once.requests {
        is_framed_once(request);
    }
}

/// Reads pieces of these lengths in turn.
fn read(bytes: &[u8], lengths: &[usize]) -> Read {
    let mut pieces = lengths.iter().copied().filter(|it| *it > 0).cycle();
    let (mut inbox, mut rest, mut read) = (BytesMut::new(), bytes, Read::default());
    let mut body = Receiving::Nothing;
    loop {
        if !body.is_over() {
            let request = read.requests.last_mut().expect("whose body it is");
            match body.take(&mut inbox) {
                Ok(Taken::Data(data)) => request.body.extend_from_slice(&data),
                Ok(Taken::Trailers(fields)) => request.trailers = lines(&fields),
                Ok(Taken::End) => {}
                Ok(Taken::More(_)) if rest.is_empty() => return read,
                Ok(Taken::More(_)) => feed(&mut inbox, &mut rest, &mut pieces),
                Err(Malformed) => {
                    read.fault = Some(Fault::Malformed);
                    return read;
                }
            }
            request.is_whole = body.is_over();
            continue;
        }
        if read.requests.last().is_some_and(|it| !it.keeps) {
            return read;
        }
        skip_empty_lines(&mut inbox);
        match parse_request(&mut inbox, HEAD_MAX) {
            Ok(Some(head)) => {
                body = head.body;
                read.requests.push(message(&head));
            }
            Ok(None) if rest.is_empty() => return read,
            Ok(None) => feed(&mut inbox, &mut rest, &mut pieces),
            Err(fault) => {
                read.fault = Some(fault);
                return read;
            }
        }
    }
}

fn feed(inbox: &mut BytesMut, rest: &mut &[u8], pieces: &mut impl Iterator<Item = usize>) {
    let length = pieces.next().unwrap_or(rest.len()).min(rest.len());
    inbox.extend_from_slice(&rest[..length]);
    *rest = &rest[length..];
}

fn message(head: &Head) -> Message {
    let request = &head.request;
    Message {
        line: format!("{} {} {:?}", request.method(), request.uri(), request.version()),
        fields: lines(request.headers()),
        body: Vec::new(),
        trailers: Vec::new(),
        is_whole: head.body.is_over(),
        keeps: head.asked.keeps,
    }
}

fn lines(fields: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    fields.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

/// One length or one coding, no line's end in any value, and a body as long as it was said to be.
fn is_framed_once(request: &Message) {
    let all = |name: &str| -> Vec<&[u8]> {
        let named = request.fields.iter().filter(|it| it.0 == name);
        named.map(|it| it.1.as_slice()).collect()
    };
    let (lengths, codings) = (all("content-length"), all("transfer-encoding"));
    assert!(lengths.len() + codings.len() <= 1, "{request:?}");
    assert!(codings.iter().all(|it| it.eq_ignore_ascii_case(b"chunked")), "{request:?}");
    if let [length] = lengths[..] {
        let text = std::str::from_utf8(length).expect("digits");
        assert!(text.bytes().all(|it| it.is_ascii_digit()), "{text:?}");
        let length: usize = text.parse().expect("a length that fits");
        assert!(request.body.len() <= length, "{request:?}");
        assert_eq!(request.is_whole, request.body.len() == length, "{request:?}");
    } else if codings.is_empty() {
        assert!(request.is_whole && request.body.is_empty(), "{request:?}");
    }
    for (name, value) in request.fields.iter().chain(&request.trailers) {
        assert!(!value.iter().any(|it| matches!(it, b'\r' | b'\n' | 0)), "{name}: {value:?}");
    }
    assert!(!request.line.contains(['\r', '\n', '\0']), "{request:?}");
}
