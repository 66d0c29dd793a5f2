//! A field of a `multipart/form-data` body (RFC 7578), read strictly.
use super::refusal::Refusal;
use super::refusal::What;
use std::borrow::Cow;
use std::str;

const MALFORMED: Refusal = Refusal::Malformed(What::Value);

/// Most parts of one body.
const PARTS_MAX: usize = 64;

/// The boundary that a content type names; None where it is of another kind.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    let mut parameters = parameters.split(';').map(str::trim);
    let boundary = parameters.find_map(|it| it.strip_prefix("boundary="))?;
    let boundary = boundary.trim_matches('"');
    let is_form = kind.trim().eq_ignore_ascii_case("multipart/form-data");
    (is_form && (1..=70).contains(&boundary.len())).then_some(boundary)
}

/// The field's text; one that is there twice is refused, and so is whatever stands around the parts.
pub(super) fn field<'d>(
    body: &'d [u8],
    boundary: &str,
    name: &str,
) -> Result<Option<Cow<'d, str>>, Refusal> {
    let (opening, between) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}"));
    let mut rest = body.strip_prefix(opening.as_bytes()).ok_or(MALFORMED)?;
    let wanted = format!("name=\"{name}\"");
    let mut found = None;
    for _ in 0..PARTS_MAX {
        let (part, behind) = split(rest, between.as_bytes()).ok_or(MALFORMED)?;
        let (head, text) = split(part, b"\r\n\r\n").ok_or(MALFORMED)?;
        let head = str::from_utf8(head).map_err(|_| MALFORMED)?;
        if disposition(head)?.split(';').any(|it| it.trim() == wanted) {
            let text = str::from_utf8(text).map_err(|_| MALFORMED)?;
            if found.replace(Cow::Borrowed(text)).is_some() {
                return Err(MALFORMED);
            }
        }
        match behind {
            b"--" | b"--\r\n" => return Ok(found),
            _ => rest = behind.strip_prefix(b"\r\n").ok_or(MALFORMED)?,
        }
    }
    Err(MALFORMED)
}

/// The parameters of the part's one `Content-Disposition`.
fn disposition(head: &str) -> Result<&str, Refusal> {
    let fields = head.split("\r\n").filter_map(|it| it.split_once(':'));
    let mut fields = fields.filter(|it| it.0.eq_ignore_ascii_case("content-disposition"));
    let (first, second) = (fields.next(), fields.next());
    let value = first.filter(|_| second.is_none()).ok_or(MALFORMED)?.1.trim();
    value.strip_prefix("form-data;").ok_or(MALFORMED)
}

fn split<'d>(bytes: &'d [u8], at: &[u8]) -> Option<(&'d [u8], &'d [u8])> {
    let start = bytes.windows(at.len()).position(|it| it == at)?;
    Some((&bytes[..start], &bytes[start + at.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, text: &str) -> String {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    }

    #[test]
    fn a_field_is_there_once_and_nothing_stands_around_the_parts() {
        let body = format!("{}{}--B--\r\n", part("a", "1"), part("json", "{\"b\":\r\n2}"));
        let read = |body: &str| {
            let found = field(body.as_bytes(), "B", "json")?;
            Ok(found.map(Cow::into_owned))
        };
        assert_eq!(read(&body), Ok(Some("{\"b\":\r\n2}".to_owned())));
        assert_eq!(read(&format!("{}--B--", part("a", "1"))), Ok(None));
        for bad in [
            String::new(),
            format!("x{body}"),
            format!("{body}x"),
            body.replace("--B--", "--B"),
            body.replace("form-data", "file"),
            body.replace("name=\"a\"", "name=\"json\""),
            body.replace("\r\n\r\n", "\r\n"),
        ] {
            assert_eq!(read(&bad), Err(MALFORMED), "{bad}");
        }
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("multipart/mixed; boundary=a"), None);
        assert_eq!(boundary("application/json"), None);
    }
}
