//! Where a receiver of webhooks is: an origin, a path, and a query.
use super::BaseUrl;
use super::Origin;
use super::UrlError;
use super::base_url::raw_path;
use http::HeaderValue;
use http::Uri;
use http::uri::PathAndQuery;
use std::fmt;
use std::sync::Arc;

/// Longest URL of a receiver, in bytes.
const LEN_MAX: usize = 2048;

/// The URL of a receiver, as it was written: its path and its query go out byte for byte. Either may be what the
/// receiver knows its senders by, so that of it all nothing but the origin is ever printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiverUrl {
    origin: Arc<Origin>,
    host: HeaderValue,
    target: Uri,
}

/// Why a text is no such URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiverUrlError {
    #[error("is longer than {LEN_MAX} bytes")]
    TooLong,
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("has a fragment, which is never sent")]
    Fragment,
    #[error("has a character in its path or its query that no request may have there")]
    Character,
}

impl ReceiverUrl {
    pub fn parse(text: &str) -> Result<Self, ReceiverUrlError> {
        if text.len() > LEN_MAX {
            return Err(ReceiverUrlError::TooLong);
        }
        if text.contains('#') {
            return Err(ReceiverUrlError::Fragment);
        }
        let (before, query) = text.split_once('?').map_or((text, None), |it| (it.0, Some(it.1)));
        let base = BaseUrl::parse(before)?;
        let mut target = raw_path(before).to_owned();
        if target.is_empty() {
            target.push('/');
        }
        if let Some(query) = query {
            target.push('?');
            target.push_str(query);
        }
        let is_plain = target.bytes().all(|it| it.is_ascii_graphic());
        let target = PathAndQuery::try_from(target).ok().filter(|_| is_plain);
        let target = target.ok_or(ReceiverUrlError::Character)?;
        Ok(Self {
            origin: Arc::clone(base.origin()),
            host: base.host().clone(),
            target: target.into(),
        })
    }

    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// The Host field, ready to be sent.
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// In origin form (RFC 9112 §3.2.1).
    pub fn target(&self) -> &Uri {
        &self.target
    }
}

/// The origin alone.
impl fmt::Debug for ReceiverUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_go_out_as_they_were_written() {
        for (text, origin, target) in [
            ("https://a.example", "https://a.example", "/"),
            ("https://a.example/hooks/", "https://a.example", "/hooks/"),
            (
                "https://a.example:8443/T0/B%2F1?key=a%20b&x",
                "https://a.example:8443",
                "/T0/B%2F1?key=a%20b&x",
            ),
            ("http://127.0.0.1:9/x?", "http://127.0.0.1:9", "/x?"),
        ] {
            let url = ReceiverUrl::parse(text).unwrap();
            assert_eq!((&*url.origin().to_string(), &*url.target().to_string()), (origin, target));
            assert_eq!(format!("{url:?}"), format!("{origin}/…"));
        }
    }

    #[test]
    fn what_no_request_could_be_made_of_is_refused() {
        let long = format!("https://a/{}", "x".repeat(LEN_MAX));
        for bad in [
            "",
            "a.example",
            "ftp://a/x",
            "https://u:p@a/x",
            "https://a/../x",
            "https://a/x#y",
            "https://a/x?a b",
            "https://a/x?é",
            "https:///x",
            &long,
        ] {
            assert!(ReceiverUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
