//! What a browser sent.
use super::browser::Browser;
use http::HeaderMap;
use http::Method;
use http::header;
use http::request::Parts;
use zeroize::Zeroizing;

/// Browsers of other sessions that are looked at: each session has a cookie of its own.
const BROWSERS_MAX: usize = 16;

/// One request, read whole.
pub(super) struct Visit {
    pub(super) method: Method,
    pub(super) path: String,
    /// Empty where there is none.
    pub(super) query: Zeroizing<String>,
    pub(super) body: Zeroizing<Vec<u8>>,
    pub(super) browsers: Vec<Browser>,
    /// The browser says that a page of somebody else's sent it (Fetch Metadata, `Sec-Fetch-Site`).
    pub(super) is_from_another_site: bool,
}

impl Visit {
    /// `is_secure`: browsers reach the pages by https.
    pub(super) fn of(head: &Parts, body: Vec<u8>, is_secure: bool) -> Self {
        let query = head.uri.query().unwrap_or_default().to_owned();
        let site = head.headers.get("sec-fetch-site").map_or(&b"none"[..], |it| it.as_bytes());
        Self {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            query: Zeroizing::new(query),
            body: Zeroizing::new(body),
            browsers: browsers(&head.headers, is_secure),
            is_from_another_site: ![&b"none"[..], b"same-origin"].contains(&site),
        }
    }

    /// The browser as this session knows it.
    pub(super) fn browser(&self, token: &str) -> Option<&Browser> {
        self.browsers.iter().find(|it| it.is_of(token))
    }
}

/// The newest ones, which browsers send last (RFC 6265 §5.4).
fn browsers(headers: &HeaderMap, is_secure: bool) -> Vec<Browser> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let pairs = lines.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    let known = pairs.filter_map(|(name, value)| Browser::read(name, value, is_secure));
    let mut known: Vec<_> = known.collect();
    known.drain(..known.len().saturating_sub(BROWSERS_MAX));
    known
}
