//! From a file to an answer: its type, how long it may be kept, and which of its two forms is sent.
use super::encoding::takes_gzip;
use super::wanted::HASHED;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;

/// A file as it was built.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) bytes: Bytes,
    pub(super) sha256: [u8; 32],
}

/// Finds a file by its path below the folder of all.
pub(super) type Files = fn(&str) -> Option<File>;

/// The page that every path of the console is drawn by.
const PAGE: &str = "index.html";

/// What the compressed form of a file has behind its name.
const GZIPPED: &str = ".gz";

/// Its name changes with it (RFC 8246).
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// It names the others, so that an old one would ask for files that are not there any more.
const ASKED_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Bytes of the hash that an entity tag shows.
const TAG_LEN: usize = 16;

/// None where there is no such file, or it is the compressed form of another.
pub(super) fn asset(files: Files, path: &str, headers: &HeaderMap) -> Option<Response<Bytes>> {
    if path.ends_with(GZIPPED) {
        return None;
    }
    let keep = if path.starts_with(HASHED) { FOR_EVER } else { ASKED_AGAIN };
    sent(files, path, headers, keep)
}

/// None where the console was not built.
pub(super) fn page(files: Files, headers: &HeaderMap) -> Option<Response<Bytes>> {
    sent(files, PAGE, headers, ASKED_AGAIN)
}

/// The page that says so.
pub(super) fn unbuilt(page: &str, generation: u64) -> Response<Bytes> {
    let page = page.replace("{version}", env!("CARGO_PKG_VERSION"));
    let page = page.replace("{generation}", &generation.to_string());
    let mut response = Response::new(Bytes::from(page));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind(PAGE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// RFC 9110 §9.3.2: of a `HEAD` the head alone, with the length that there would be.
pub(super) fn cut(response: &mut Response<Bytes>, method: &Method) {
    if response.status() == StatusCode::OK {
        let length = HeaderValue::from(response.body().len());
        response.headers_mut().insert(header::CONTENT_LENGTH, length);
    }
    if method == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
}

fn sent(
    files: Files,
    path: &str,
    headers: &HeaderMap,
    keep: HeaderValue,
) -> Option<Response<Bytes>> {
    let plain = files(path)?;
    let gzipped = files(&format!("{path}{GZIPPED}"));
    let varies = gzipped.is_some();
    let gzipped = gzipped.filter(|_| takes_gzip(headers));
    let is_gzipped = gzipped.is_some();
    let file = gzipped.unwrap_or(plain);
    let tag = format!("\"{}\"", hex::encode(&file.sha256[..TAG_LEN]));
    let is_known = is_at_hand(headers, &tag);
    let mut response = Response::new(if is_known { Bytes::new() } else { file.bytes });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let told = response.headers_mut();
    told.insert(header::CACHE_CONTROL, keep);
    told.insert(header::ETAG, HeaderValue::try_from(tag).expect("hexadecimal in quotes"));
    if varies {
        told.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    if !is_known {
        told.insert(header::CONTENT_TYPE, kind(path));
        if is_gzipped {
            told.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    Some(response)
}

/// RFC 9110 §13.1.2, compared weakly.
fn is_at_hand(headers: &HeaderMap, tag: &str) -> bool {
    let fields = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|it| it.to_str().ok());
    let mut tags = fields.flat_map(|it| it.split(',')).map(str::trim);
    tags.any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag)
}

/// By the end of its name. Nothing is guessed from what it holds.
fn kind(path: &str) -> HeaderValue {
    let end = path.rsplit_once('.').map_or("", |it| it.1);
    HeaderValue::from_static(match end {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    })
}
