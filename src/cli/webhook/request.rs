//! Which request: a captured one, or one put together of flags.
use super::capture::Captured;
use super::capture::captured;
use crate::cli::stopped::Stopped;
use crate::webhook::Delivery;
use clap::Args;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header;
use std::fs;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// Longest captured request or body, in bytes: more than any sender sends.
const LEN_MAX: u64 = 64 << 20;

/// The request.
#[derive(Args, Clone, Debug)]
pub(super) struct RequestArgs {
    /// A file with the request as raw HTTP: request line, fields, an empty line, the body's bytes. Default: standard input
    #[arg(value_name = "FILE", conflicts_with_all = ["url", "headers", "body", "method"])]
    capture: Option<PathBuf>,
    /// Instead of a file: the URL that was called
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Instead of a file: a header, as `name: value`; may be given several times
    #[arg(long = "header", short = 'H', value_name = "HEADER", value_parser = header_field)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Instead of a file: the file with the body's bytes; - is standard input
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Instead of a file: the method. Default: POST
    #[arg(long, short = 'X', value_name = "METHOD", value_parser = |it: &str| Method::try_from(it).map_err(|_| "is not a method"))]
    method: Option<Method>,
}

/// A request with the URL that its sender knows.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether nothing said the URL's scheme and host but the Host field.
    pub(super) is_url_assumed: bool,
    /// What is odd about it, in whole sentences.
    pub(super) oddities: Vec<String>,
}

impl RequestArgs {
    /// `public_url` is what senders know the listener by, without a final slash.
    pub(super) fn read(&self, public_url: Option<&str>) -> Result<Request, Stopped> {
        let captured = if self.is_pieces() {
            self.pieces()?
        } else {
            let path = self.capture.as_deref().unwrap_or(Path::new("-"));
            let bytes = bytes(path)?;
            captured(&bytes).map_err(|it| {
                Stopped::Invalid(format!("{} is no captured request: {it}", shown(path)))
            })?
        };
        let Captured { method, target, headers, body, oddities } = captured;
        let (url, is_url_assumed) = url(&target, &headers, public_url);
        Ok(Request { method, url, headers, body, is_url_assumed, oddities })
    }

    fn is_pieces(&self) -> bool {
        self.url.is_some()
            || !self.headers.is_empty()
            || self.body.is_some()
            || self.method.is_some()
    }

    fn pieces(&self) -> Result<Captured, Stopped> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        Ok(Captured {
            method: self.method.clone().unwrap_or(Method::POST),
            target: self.url.clone().unwrap_or_else(|| "/".to_owned()),
            headers,
            body: self.body.as_deref().map(bytes).transpose()?.unwrap_or_default(),
            oddities: Vec::new(),
        })
    }
}

impl Request {
    pub(super) fn delivery(&self) -> Delivery<'_> {
        Delivery {
            method: self.method.as_str(),
            url: &self.url,
            query: self.url.split_once('?').map_or("", |it| it.1),
            headers: &self.headers,
            body: &self.body,
        }
    }
}

/// The URL as the sender knows it, and whether that is no more than a guess.
fn url(target: &str, headers: &HeaderMap, public_url: Option<&str>) -> (String, bool) {
    let absolute = target.split_once("://").filter(|it| !it.0.contains('/'));
    let path = match absolute {
        None => target,
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
    };
    match (public_url, absolute) {
        (Some(public_url), _) => (format!("{}{path}", public_url.trim_end_matches('/')), false),
        (None, Some(_)) => (target.to_owned(), false),
        (None, None) => {
            let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
            let host = host.unwrap_or("localhost");
            (format!("https://{host}{path}"), true)
        }
    }
}

/// Of this file, or of standard input for `-`.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Stopped> {
    let mut bytes = Vec::new();
    // One more tells that it is too long.
    let read = if path == Path::new("-") {
        io::stdin().take(LEN_MAX + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|it| it.take(LEN_MAX + 1).read_to_end(&mut bytes))
    };
    read.map_err(|it| Stopped::Invalid(format!("{} can't be read: {}", shown(path), it.kind())))?;
    if bytes.len() as u64 > LEN_MAX {
        let told = format!("{} is longer than {} MiB", shown(path), LEN_MAX >> 20);
        return Err(Stopped::Invalid(told));
    }
    Ok(bytes)
}

pub(super) fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// For clap.
pub(super) fn header_field(text: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let (name, value) = text.split_once(':').ok_or("write it as `name: value`")?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| "is not a header's name")?;
    let value = HeaderValue::try_from(value.trim()).map_err(|_| "is not a header's value")?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_what_the_sender_knows() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("in.example.com"));
        for (target, public_url, expected, is_assumed) in [
            ("/a?b", None, "https://in.example.com/a?b", true),
            ("/a?b=%2F", Some("https://x.example/"), "https://x.example/a?b=%2F", false),
            ("http://y.example:80/a", None, "http://y.example:80/a", false),
            ("http://y.example:80/a", Some("https://x.example"), "https://x.example/a", false),
            ("http://y.example", Some("https://x.example"), "https://x.example/", false),
            (
                "/a?to=http://z.example/",
                None,
                "https://in.example.com/a?to=http://z.example/",
                true,
            ),
        ] {
            let (url, assumed) = url(target, &headers, public_url);
            assert_eq!((&*url, assumed), (expected, is_assumed), "{target}");
        }
    }
}
