//! A request as a line for a shell, and as the bytes that go over the wire.
use crate::cli::stopped::Stopped;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::CONTENT_LENGTH;
use http::header::HOST;
use std::path::Path;

/// A `curl` that sends a request, less its body.
pub(super) struct Line<'r> {
    pub(super) method: &'r Method,
    pub(super) url: &'r str,
    pub(super) headers: &'r HeaderMap,
}

/// Where a command has the body from.
pub(super) enum Body<'r> {
    None,
    File(&'r Path),
    Text(&'r str),
}

impl Line<'_> {
    /// The command, on several lines, with a final newline.
    pub(super) fn text(&self, body: Body<'_>) -> String {
        let mut parts = vec![format!("curl -X {} {}", self.method, quoted(self.url))];
        if self.url.contains(['[', ']', '{', '}']) {
            parts.push("--globoff".to_owned());
        }
        if self.url.contains("/.") {
            parts.push("--path-as-is".to_owned());
        }
        for (name, value) in self.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            // An empty field is written so, else curl leaves it out.
            let field =
                if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
            parts.push(format!("-H {}", quoted(&field)));
        }
        match body {
            Body::None => {}
            Body::File(path) => {
                parts.push(format!("--data-binary {}", quoted(&format!("@{}", path.display()))));
            }
            Body::Text(text) => parts.push(format!("--data-raw {}", quoted(text))),
        }
        parts.join(" \\\n  ") + "\n"
    }
}

/// HTTP/1.1, with the Host and the length that belong to it.
pub(super) fn raw(
    method: &Method,
    url: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Vec<u8>, Stopped> {
    let rest = url.split_once("://").map_or(url, |it| it.1);
    let (host, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let slash = if target.starts_with('/') { "" } else { "/" };
    let mut bytes = format!("{method} {slash}{target} HTTP/1.1\r\n").into_bytes();
    let mut field = |name: &HeaderName, value: &HeaderValue| {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    };
    let host = HeaderValue::try_from(host)
        .map_err(|_| Stopped::Invalid(format!("`{host}` is no host")))?;
    if !headers.contains_key(HOST) {
        field(&HOST, &host);
    }
    for (name, value) in headers.iter().filter(|it| *it.0 != CONTENT_LENGTH) {
        field(name, value);
    }
    field(&CONTENT_LENGTH, &HeaderValue::from(body.len()));
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    Ok(bytes)
}

/// One word of a shell (POSIX.1-2017 Shell Command Language §2.2.2).
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_command_whatever_is_in_it() {
        let mut headers = HeaderMap::new();
        headers.insert("x-a", HeaderValue::from_static("it's; $(x)"));
        headers.insert("x-b", HeaderValue::from_static(""));
        let url = "https://a.example/x?a[]=1";
        let line = Line { method: &Method::POST, url, headers: &headers };
        assert_eq!(
            line.text(Body::Text("@it's")),
            "curl -X POST 'https://a.example/x?a[]=1' \\\n  --globoff \\\n  -H 'x-a: it'\\''s; $(x)' \\\n  \
             -H 'x-b;' \\\n  --data-raw '@it'\\''s'\n"
        );
        let line = line.text(Body::File(Path::new("an event.json")));
        assert!(line.ends_with("--data-binary '@an event.json'\n"), "{line}");
    }

    #[test]
    fn bytes_are_a_whole_request() {
        let mut headers = HeaderMap::new();
        headers.insert("x-a", HeaderValue::from_static("1"));
        let bytes = raw(&Method::POST, "https://a.example:444?x=1", &headers, b"\xff\n").unwrap();
        let expected =
            b"POST /?x=1 HTTP/1.1\r\nhost: a.example:444\r\nx-a: 1\r\ncontent-length: 2\r\n\r\n\xff\n";
        assert_eq!(bytes, expected);
    }
}
