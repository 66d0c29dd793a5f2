//! Messages as text, so that seeds can be read and written by hand: a first line, fields, an empty
//! line, a body. What no HTTP parser lets through is left out.
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Version;
use http::request::Parts;

/// The text up to the line break, and the rest behind it.
pub fn line(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|it| *it == b'\n').unwrap_or(input.len());
    (&input[..end], input.get(end + 1..).unwrap_or_default())
}

/// The first line as text, and the rest behind it; nothing where it is no UTF-8.
pub fn text_line(input: &[u8]) -> (&str, &[u8]) {
    let (first, rest) = line(input);
    (str::from_utf8(first).unwrap_or_default(), rest)
}

/// `POST /path?query HTTP/2`, fields and body. The version may be left out; `None` where there is no
/// method or the target is none.
pub fn request(input: &[u8]) -> Option<(Parts, &[u8])> {
    let (first, rest) = line(input);
    let space = first.iter().position(|it| *it == b' ')?;
    let (method, target) = (&first[..space], &first[space + 1..]);
    let versions: [(&[u8], Version); 3] = [
        (b" HTTP/1.0", Version::HTTP_10),
        (b" HTTP/1.1", Version::HTTP_11),
        (b" HTTP/2", Version::HTTP_2),
    ];
    let named = versions.iter().find_map(|it| Some((target.strip_suffix(it.0)?, it.1)));
    let (target, version) = named.unwrap_or((target, Version::HTTP_11));
    let request = Request::builder().method(method).uri(target).version(version).body(()).ok()?;
    let (mut head, ()) = request.into_parts();
    let (headers, body) = fields(rest);
    head.headers = headers;
    Some((head, body))
}

/// Field lines up to an empty one, and what comes behind it.
pub fn fields(input: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = input;
    while !rest.is_empty() {
        let (first, behind) = line(rest);
        rest = behind;
        if first.is_empty() {
            break;
        }
        let Some(colon) = first.iter().position(|it| *it == b':') else { continue };
        let name = HeaderName::from_bytes(&first[..colon]);
        let value = HeaderValue::from_bytes(first[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}

/// The fields' lines, for a comparison that sees the order of same-named ones and no other.
pub fn lines(headers: &HeaderMap) -> Vec<(String, Vec<Vec<u8>>)> {
    let values = |name| headers.get_all(name).iter().map(|it| it.as_bytes().to_vec()).collect();
    let mut lines: Vec<(String, Vec<Vec<u8>>)> =
        headers.keys().map(|name| (name.as_str().to_owned(), values(name))).collect();
    lines.sort();
    lines
}
