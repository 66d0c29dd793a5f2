//! A request as it was captured: raw HTTP/1, its body's bytes kept as they are.
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;

/// A request, and what is odd about how it was captured.
#[derive(Clone, Debug)]
pub struct Captured {
    pub method: Method,
    /// As on the request line: a path with its query, or a whole URL.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Whole sentences.
    pub oddities: Vec<String>,
}

/// Reads a request line, its fields, an empty line and all that follows. Lines of the head may end
/// with CRLF or with LF alone.
pub fn captured(bytes: &[u8]) -> Result<Captured, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = Lines { rest: bytes, number: 0 };
    let first = lines.next_line().filter(|it| !it.is_empty());
    let first = first.ok_or("it is empty, or begins with an empty line: a request line is due")?;
    let (method, target) = request_line(first)?;
    let mut headers = HeaderMap::new();
    let mut is_ended = false;
    while let Some(line) = lines.next_line() {
        if line.is_empty() {
            is_ended = true;
            break;
        }
        let (name, value) = field(line).map_err(|it| format!("line {}: {it}", lines.number))?;
        headers.append(name, value);
    }
    let mut captured =
        Captured { method, target, headers, body: lines.rest.to_vec(), oddities: Vec::new() };
    if !is_ended {
        let told = "no empty line ends the head: the body is taken to be empty";
        captured.oddities.push(told.to_owned());
    }
    captured.look_at_framing();
    Ok(captured)
}

struct Lines<'b> {
    rest: &'b [u8],
    /// Of the line that was read last, counted from 1.
    number: usize,
}

impl<'b> Lines<'b> {
    fn next_line(&mut self) -> Option<&'b [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let end = self.rest.iter().position(|it| *it == b'\n');
        let (line, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        self.rest = rest;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

fn request_line(line: &[u8]) -> Result<(Method, String), String> {
    const DUE: &str = "line 1: a request line is due: POST /hooks/github HTTP/1.1";
    let line = std::str::from_utf8(line).map_err(|_| DUE)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(DUE.to_owned());
    };
    let is_http = words.next().is_none_or(|it| it.starts_with("HTTP/"));
    let is_target = target.starts_with('/') || target.contains("://");
    if words.next().is_some() || !is_http || !is_target {
        return Err(DUE.to_owned());
    }
    let method = Method::try_from(method).map_err(|_| DUE)?;
    Ok((method, target.to_owned()))
}

fn field(line: &[u8]) -> Result<(HeaderName, HeaderValue), &'static str> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err("the field before goes on here, which is no HTTP any more (RFC 9112 §5.2)");
    }
    const DUE: &str = "a field is due, as `name: value`, or the empty line that ends the head";
    let colon = line.iter().position(|it| *it == b':').ok_or(DUE)?;
    let name = HeaderName::try_from(&line[..colon]).map_err(|_| DUE)?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
    Ok((name, value.map_err(|_| "the field's value has control characters in it")?))
}

impl Captured {
    /// Undoes chunks, and tells where lengths do not agree.
    fn look_at_framing(&mut self) {
        let said = |name: &str| self.headers.get(name).and_then(|it| it.to_str().ok());
        if said("transfer-encoding").is_some_and(|it| it.trim().eq_ignore_ascii_case("chunked")) {
            match unchunked(&self.body) {
                Some(body) => {
                    self.body = body;
                    self.oddities.push("the body was in chunks: they are joined".to_owned());
                }
                None => self.oddities.push(
                    "Transfer-Encoding says chunks, and the body is not in chunks: it is taken as \
                     it is"
                        .to_owned(),
                ),
            }
        } else if let Some(length) = said("content-length").and_then(|it| it.parse::<usize>().ok())
        {
            let there = self.body.len();
            if length != there {
                let cause = match there.checked_sub(length) {
                    None => "it was cut short, or line breaks in it were changed",
                    Some(1) if self.body.ends_with(b"\n") => {
                        "the last one is a line feed, perhaps of an editor"
                    }
                    Some(_) => "more was captured than the body, or line breaks in it were changed",
                };
                self.oddities.push(format!(
                    "Content-Length says {length}, and the body has {there} bytes: {cause}"
                ));
            }
        }
        let said = |name: &str| self.headers.get(name).and_then(|it| it.to_str().ok());
        if let Some(coding) = said("content-encoding").filter(|it| *it != "identity") {
            self.oddities.push(format!(
                "Content-Encoding says {coding}: what is signed are the bytes as sent, so they must \
                 not have been unpacked"
            ));
        }
    }
}

/// The body that these chunks are (RFC 9112 §7.1), where they are nothing else.
fn unchunked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut lines = Lines { rest: bytes, number: 0 };
    let mut body = Vec::new();
    loop {
        let line = lines.next_line()?;
        let size = line.split(|it| *it == b';').next()?.trim_ascii();
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let (chunk, rest) = lines.rest.split_at_checked(size)?;
        body.extend_from_slice(chunk);
        lines.rest = rest;
        if !lines.next_line()?.is_empty() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oddities(text: &str) -> Vec<String> {
        captured(text.as_bytes()).unwrap().oddities
    }

    #[test]
    fn the_body_is_what_follows_the_empty_line_byte_by_byte() {
        for (text, body) in [
            ("POST /a?b=c HTTP/1.1\r\nA: 1\r\nA:  2 \r\n\r\n{}\r\n\r\n", "{}\r\n\r\n"),
            ("POST /a?b=c HTTP/1.1\nA: 1\nA: 2\n\n\r\n{}", "\r\n{}"),
            ("POST /a?b=c HTTP/1.1\nA: 1\r\nA: 2\n\r\n", ""),
            ("\u{feff}POST /a?b=c\nA: 1\nA: 2\n\n\u{feff}", "\u{feff}"),
        ] {
            let it = captured(text.as_bytes()).unwrap();
            assert_eq!((it.method, &*it.target), (Method::POST, "/a?b=c"), "{text:?}");
            let values: Vec<_> = it.headers.get_all("a").iter().collect();
            assert_eq!(values, ["1", "2"], "{text:?}");
            assert_eq!(it.body, body.as_bytes(), "{text:?}");
            assert_eq!(it.oddities, [""; 0], "{text:?}");
        }
    }

    #[test]
    fn chunks_are_joined_where_they_are_chunks() {
        let head = "POST / HTTP/1.1\nTransfer-Encoding: Chunked\n\n";
        let it = captured(format!("{head}3;x=1\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n").as_bytes());
        let it = it.unwrap();
        assert_eq!(it.body, b"abc0123456789");
        assert!(it.oddities[0].contains("joined"), "{:?}", it.oddities);
        let it = captured(format!("{head}{{\"a\":1}}").as_bytes()).unwrap();
        assert_eq!(it.body, b"{\"a\":1}");
        assert!(it.oddities[0].contains("not in chunks"), "{:?}", it.oddities);
    }

    #[test]
    fn lengths_that_do_not_agree_are_told() {
        for (text, words) in [
            ("POST / HTTP/1.1\nContent-Length: 2\n\n{}\n", "an editor"),
            ("POST / HTTP/1.1\nContent-Length: 5\n\n{}", "cut short"),
            ("POST / HTTP/1.1\nContent-Length: 1\n\n{}{}", "more was captured"),
            ("POST / HTTP/1.1\nContent-Encoding: gzip\n\nx", "unpacked"),
            ("POST / HTTP/1.1\nA: 1", "no empty line"),
        ] {
            let told = oddities(text);
            assert!(told[0].contains(words), "{text:?}: {told:?}");
        }
        assert_eq!(oddities("POST / HTTP/1.1\nContent-Length: 2\n\n{}"), [""; 0]);
    }

    #[test]
    fn what_is_no_request_says_the_line() {
        for (text, words) in [
            ("", "empty"),
            ("\nPOST / HTTP/1.1\n\n", "empty line"),
            ("HTTP/1.1 200 OK\n\n", "line 1"),
            ("{\"a\": 1}", "line 1"),
            ("POST / a HTTP/1.1\n\n", "line 1"),
            ("POST / HTTP/1.1\nA: 1\nB\n\n", "line 3"),
            ("POST / HTTP/1.1\nA: 1\n 2\n\n", "line 3"),
            ("POST / HTTP/1.1\nA: 1\u{7}\n\n", "line 2"),
        ] {
            let told = captured(text.as_bytes()).unwrap_err();
            assert!(told.contains(words), "{text:?}: {told}");
        }
    }
}
