//! What the pages and applications load besides pages: the operator's logo, and the script that opens the pages.
use super::logo::Logo;
use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use sha2::Digest;
use sha2::Sha256;

/// Below `/connect/`: the script's name, …
pub(super) const SCRIPT: &str = "connect.js";

/// … and what the logo's begins with. What is in it is in its name.
const LOGO: &str = "logo-";

const SCRIPT_TEXT: &str = include_str!("html/connect.js");

/// Characters of the hash that stands for what is in a file.
const HASH_LEN: usize = 16;

/// Whatever an SVG has in it besides shapes and their style does nothing, also where somebody opens it by itself.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// A new one has another name.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A new one has the same name: browsers ask each time, and are mostly told that theirs is it.
const ASKED_FOR: HeaderValue = HeaderValue::from_static("public, no-cache");

/// One file.
pub(super) struct File {
    /// The last segment of its path.
    pub(super) name: String,
    media_type: &'static str,
    bytes: Bytes,
    tag: String,
    is_for_ever: bool,
}

impl File {
    pub(super) fn of_logo(logo: Logo) -> Self {
        let hash = hash(&logo.bytes);
        Self {
            name: format!("{LOGO}{hash}.{}", logo.kind.ending()),
            media_type: logo.kind.media_type(),
            bytes: logo.bytes.into(),
            tag: format!("\"{hash}\""),
            is_for_ever: true,
        }
    }

    pub(super) fn of_script() -> Self {
        Self {
            name: SCRIPT.to_owned(),
            media_type: "text/javascript; charset=utf-8",
            bytes: Bytes::from_static(SCRIPT_TEXT.as_bytes()),
            tag: format!("\"{}\"", hash(SCRIPT_TEXT.as_bytes())),
            is_for_ever: false,
        }
    }

    /// `known`: what the browser has (RFC 9110 §13.1.2).
    pub(super) fn response(&self, known: Option<&str>) -> Response<Bytes> {
        let is_known = |it: &str| {
            it.split(',').any(|it| it.trim().trim_start_matches("W/") == self.tag || it == "*")
        };
        let mut response = match known.is_some_and(is_known) {
            true => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                response
            }
            false => Response::new(self.bytes.clone()),
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let tag = HeaderValue::try_from(&self.tag).expect("hexadecimal in quotes");
        headers.insert(header::ETAG, tag);
        let (keeping, policy, whose) = match self.is_for_ever {
            true => (FOR_EVER, PICTURE_POLICY, "same-origin"),
            // Applications of other origins load it, with whatever policies of theirs.
            false => (ASKED_FOR, "default-src 'none'", "cross-origin"),
        };
        headers.insert(header::CACHE_CONTROL, keeping);
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static(whose));
        if !self.is_for_ever {
            let anybody = HeaderValue::from_static("*");
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anybody);
        }
        response
    }
}

/// Whether a segment could be a logo's name.
pub(super) fn is_logo(segment: &str) -> bool {
    segment.starts_with(LOGO)
}

fn hash(bytes: &[u8]) -> String {
    let mut hash = hex::encode(Sha256::digest(bytes));
    hash.truncate(HASH_LEN);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_sent_once_and_known_by_its_tag() {
        let svg = b"<svg><script>alert(1)</script></svg>".to_vec();
        for file in [File::of_script(), File::of_logo(Logo::of(svg).unwrap())] {
            let sent = file.response(None);
            assert_eq!((sent.status(), sent.body()), (StatusCode::OK, &file.bytes));
            let tag = sent.headers()[header::ETAG].to_str().unwrap();
            for known in [tag.to_owned(), format!("W/{tag}"), format!("\"x\", {tag}")] {
                let again = file.response(Some(&known));
                assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
                assert!(again.body().is_empty());
            }
            assert_eq!(file.response(Some("\"x\"")).status(), StatusCode::OK);
            let policy = sent.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'"), "{policy}");
        }
        let logo = File::of_logo(Logo::of(b"<svg/>".to_vec()).unwrap());
        assert!(is_logo(&logo.name) && logo.name.ends_with(".svg"), "{}", logo.name);
        let shown = logo.response(None);
        let policy = &shown.headers()[header::CONTENT_SECURITY_POLICY];
        assert!(policy.to_str().unwrap().ends_with("sandbox"), "it runs nothing");
    }
}
