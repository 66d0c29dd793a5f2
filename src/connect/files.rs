//! What the pages and applications load besides pages: the operator's logo.
use super::logo::Kind;
use super::logo::Logo;
use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use sha2::Digest;
use sha2::Sha256;

/// Below `/connect/`: a file's name, with what is in it in its name.
const LOGO: &str = "logo-";

/// Characters of the hash in the name.
const HASH_LEN: usize = 16;

/// Whatever an SVG has in it besides shapes and their style does nothing, also where somebody opens it by itself.
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// A new one has another name.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// One file.
pub(super) struct File {
    /// The last segment of its path.
    pub(super) name: String,
    kind: Kind,
    bytes: Bytes,
}

impl File {
    pub(super) fn of_logo(logo: Logo) -> Self {
        let hash = hex::encode(Sha256::digest(&logo.bytes));
        let (hash, ending) = (hash.get(..HASH_LEN).unwrap_or_default(), logo.kind.ending());
        let name = format!("{LOGO}{hash}.{ending}");
        Self { name, kind: logo.kind, bytes: logo.bytes.into() }
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.bytes.clone());
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static(self.kind.media_type());
        headers.insert(header::CONTENT_TYPE, media_type);
        headers.insert(header::CACHE_CONTROL, FOR_EVER);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let policy = HeaderValue::from_static(PICTURE_POLICY);
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        let own = HeaderValue::from_static("same-origin");
        headers.insert("cross-origin-resource-policy", own);
        response
    }
}

/// Whether a segment could be a logo's name.
pub(super) fn is_logo(segment: &str) -> bool {
    segment.starts_with(LOGO)
}
