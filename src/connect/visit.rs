//! What a browser sent.
use super::browser::Browser;
use super::route;
use super::seat::Frames;
use super::seat::Seat;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header;
use http::request::Parts;
use zeroize::Zeroizing;

/// Browsers of other sessions that are looked at: each session has a cookie of its own.
const BROWSERS_MAX: usize = 16;

/// Members of a link's query that are looked at.
const PAIRS_MAX: usize = 16;

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
    /// It says that a page of ours did: what says nothing is neither.
    pub(super) is_from_here: bool,
    /// Where the page is to be shown, as far as the request says it.
    pub(super) asked: Seat,
    /// What the browser has of a file already.
    pub(super) known: Option<String>,
}

impl Visit {
    /// `is_secure`: browsers reach the pages by https.
    pub(super) fn of(head: &Parts, body: Vec<u8>, is_secure: bool, frames: &Frames) -> Self {
        let query = head.uri.query().unwrap_or_default().to_owned();
        let site = head.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let asked = asked(&head.headers, &query, frames);
        let known = head.headers.get(header::IF_NONE_MATCH).and_then(|it| it.to_str().ok());
        Self {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            query: Zeroizing::new(query),
            body: Zeroizing::new(body),
            browsers: browsers(&head.headers, (is_secure, asked.is_frame()), frames),
            is_from_another_site: site.is_some_and(|it| it != b"none" && it != b"same-origin"),
            is_from_here: site == Some(b"same-origin"),
            asked,
            known: known.map(str::to_owned),
        }
    }

    /// The browser as this session knows it.
    pub(super) fn browser(&self, token: &str) -> Option<&Browser> {
        self.browsers.iter().find(|it| it.is_of(token))
    }

    /// The same, or one that is seen for the first time.
    pub(super) fn browser_or_new(&self, token: &str) -> Browser {
        self.browser(token).cloned().unwrap_or_else(|| Browser::new(token, self.asked.clone()))
    }

    /// Whether a cookie has been set already, only to see whether it is kept.
    pub(super) fn was_tried(&self) -> bool {
        url::form_urlencoded::parse(self.query.as_bytes()).any(|it| it.0 == route::TRIED)
    }
}

/// Whatever the address says, what is in a frame is in a frame, and what is in a window is in none.
fn asked(headers: &HeaderMap, query: &str, frames: &Frames) -> Seat {
    let mut pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).take(PAIRS_MAX).collect();
    let mut taken = |name: &str| {
        let at = pairs.iter().position(|it| it.0 == name)?;
        Some(pairs.swap_remove(at).1)
    };
    let (of, origin) = (taken(route::IN).unwrap_or_default(), taken(route::ORIGIN));
    let seat = Seat::asked(&of, origin.as_deref(), frames);
    let destination = headers.get("sec-fetch-dest").map(HeaderValue::as_bytes);
    match destination {
        Some(b"iframe" | b"frame" | b"embed" | b"object") if !seat.is_frame() => Seat::Frame(None),
        Some(b"document") if seat.is_frame() => Seat::Own,
        _ => seat,
    }
}

/// The newest ones, which browsers send last (RFC 6265 §5.4).
fn browsers(headers: &HeaderMap, how: (bool, bool), frames: &Frames) -> Vec<Browser> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let pairs = lines.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    let known = pairs.filter_map(|(name, value)| Browser::read(name, value, how, frames));
    let mut known: Vec<_> = known.collect();
    known.drain(..known.len().saturating_sub(BROWSERS_MAX));
    known
}
