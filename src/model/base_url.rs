//! An origin and the path that everything sent there lies below.
use super::Origin;
use super::UrlError;
use super::origin::checked_url;
use http::HeaderValue;
use http::uri::PathAndQuery;
use std::fmt;
use std::sync::Arc;

/// A base URL: origin plus path prefix. The target of a request is base URL + path, and never lies
/// outside it. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    origin: Arc<Origin>,
    /// Empty, or begins with a slash and does not end in one.
    prefix: Arc<str>,
    /// The Host field, ready to be sent.
    host: HeaderValue,
}

impl BaseUrl {
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = checked_url(text)?;
        let origin = Origin::of(&url)?;
        let prefix = raw_path(text).trim_end_matches('/');
        if !prefix.is_ascii() || !is_plain_path(prefix) {
            return Err(UrlError::Path);
        }
        if !prefix.is_empty() && PathAndQuery::try_from(prefix).is_err() {
            return Err(UrlError::PathCharacter);
        }
        let host = HeaderValue::try_from(origin.authority()).map_err(|_| UrlError::Host)?;
        Ok(Self { origin: Arc::new(origin), prefix: prefix.into(), host })
    }

    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// Empty, or `/like/this`: no final slash.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub fn host(&self) -> &HeaderValue {
        &self.host
    }
}

/// The path as written: a URL parser would already have removed its dot segments.
pub(super) fn raw_path(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |it| it.1);
    rest.find('/').map_or("", |at| &rest[at..])
}

/// No segment is `.` or `..`, plain or percent-encoded.
fn is_plain_path(path: &str) -> bool {
    path.split('/').all(|segment| {
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
        decoded != "." && decoded != ".."
    })
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.prefix)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_prefix_as_written_less_its_final_slash() {
        for (text, shown) in [
            ("https://a.example", "https://a.example"),
            ("https://a.example/", "https://a.example"),
            ("https://a.example:8443/v1/", "https://a.example:8443/v1"),
            ("http://[::1]/a%2Fb", "http://[::1]/a%2Fb"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn refuses_a_path_that_no_request_could_be_made_of() {
        for bad in ["https://a/<b>", "https://a/b>", "https://a/b`c", "https://a/v1/<x>/y"] {
            let refused = BaseUrl::parse(bad);
            let sendable = PathAndQuery::try_from(raw_path(bad)).is_ok();
            assert!(refused == Err(UrlError::PathCharacter) || sendable, "{bad}");
        }
        assert_eq!(BaseUrl::parse("https://a/<b>"), Err(UrlError::PathCharacter));
    }

    #[test]
    fn no_segment_of_the_path_stands_in_for_a_host() {
        for bad in ["https:///a.example/v1", "http:////127.0.0.1/v1", "HTTPS:///a.example"] {
            assert_eq!(BaseUrl::parse(bad), Err(UrlError::Host), "{bad}");
            assert_eq!(Origin::parse(bad), Err(UrlError::Host), "{bad}");
        }
    }

    #[test]
    fn refuses_dot_segments_and_queries() {
        for bad in
            ["https://a/../b", "https://a/%2e%2E/b", "https://a/.", "https://a/b?c", "https://a/é"]
        {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
