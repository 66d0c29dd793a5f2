//! Which request: a captured one, or one put together of flags.
use crate::cli::stopped::Stopped;
use crate::webhook::Captured;
use crate::webhook::Request;
use crate::webhook::captured;
use clap::Args;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
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
        Ok(Request::of(captured, public_url))
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
