//! What goes on: the request's head as the upstream gets it, the response's head as the caller does.
//!
//! Source: RFC 9110 §7.6 (what an intermediary forwards), RFC 9112 §9 (connection options).
use crate::auth::Prepared;
use crate::server::are_twins;
use crate::upstream::Fields;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Version;
use http::header;
use http::request::Parts;

/// What the head needs to know of the target.
pub struct Onward<'a> {
    pub asks: Asks<'a>,
    pub host: &'a HeaderValue,
    pub prepared: &'a Prepared,
    /// That the key is here that the token is bound to: of this attempt alone (RFC 9449 §4.1).
    pub proof: Option<HeaderValue>,
    /// Fields that the caller asked to drop.
    pub ignore: &'a [HeaderName],
    /// The Authorization field held the caller key: it must not go on.
    pub authorization_is_ours: bool,
    /// Whether `traceparent` may go to this upstream, and its value then.
    pub trace: Option<HeaderValue>,
    pub is_websocket: bool,
    /// The caller waits for a `100 Continue`, and has a body.
    pub expects_continue: bool,
}

/// The id of an exchange, on every response.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("attache-request-id");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

pub const DPOP: HeaderName = HeaderName::from_static("dpop");

/// What a request's fields ask of an intermediary, found in one pass: most requests ask nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asks<'h> {
    pub has_connection: bool,
    pub has_te: bool,
    pub has_upgrade: bool,
    pub has_expect: bool,
    pub has_transfer_encoding: bool,
    pub has_content_length: bool,
    pub has_proxy_authorization: bool,
    pub has_max_forwards: bool,
    /// A field names another method, which many servers then take for the request's.
    pub is_overridden: bool,
    pub host: Given<'h>,
    pub key: Given<'h>,
    pub request_id: Given<'h>,
}

/// A field that should be there once.
#[derive(Clone, Copy, Debug, Default)]
pub enum Given<'h> {
    #[default]
    Never,
    Once(&'h HeaderValue),
    Often,
}

impl<'h> Given<'h> {
    fn again(&mut self, value: &'h HeaderValue) {
        *self = if matches!(self, Self::Never) { Self::Once(value) } else { Self::Often };
    }

    /// The value, where it is there exactly once.
    pub fn once(self) -> Option<&'h HeaderValue> {
        if let Self::Once(value) = self { Some(value) } else { None }
    }
}

impl<'h> Asks<'h> {
    pub fn of(headers: &'h HeaderMap) -> Self {
        let mut asks = Self::default();
        for (name, value) in headers {
            match *name {
                header::HOST => asks.host.again(value),
                header::CONNECTION => asks.has_connection = true,
                header::TE => asks.has_te = true,
                header::UPGRADE => asks.has_upgrade = true,
                header::EXPECT => asks.has_expect = true,
                header::TRANSFER_ENCODING => asks.has_transfer_encoding = true,
                header::CONTENT_LENGTH => asks.has_content_length = true,
                header::PROXY_AUTHORIZATION => asks.has_proxy_authorization = true,
                header::MAX_FORWARDS => asks.has_max_forwards = true,
                _ => match name.as_str().as_bytes() {
                    b"attache-key" => asks.key.again(value),
                    b"attache-request-id" => asks.request_id.again(value),
                    [b'x', ..] => asks.is_overridden |= is_override(name),
                    _ => {}
                },
            }
        }
        asks
    }
}

/// True for a field that names another method than the request's own.
pub fn is_override(name: &HeaderName) -> bool {
    const OVERRIDES: [&str; 3] = ["x-http-method-override", "x-method-override", "x-http-method"];
    OVERRIDES.iter().any(|it| are_twins(it, name.as_str()))
}

/// The fields for the upstream: the caller's, less what ends at us, plus the credential. The
/// caller's own map stays as it is, for a second try.
pub struct Outgoing<'a> {
    pub head: &'a Parts,
    pub onward: &'a Onward<'a>,
}

impl Fields for Outgoing<'_> {
    fn each(&self, mut put: impl FnMut(&HeaderName, &HeaderValue)) {
        let Self { head, onward } = *self;
        put(&header::HOST, onward.host);
        let mut onto = onward.prepared.onto(put);
        let listed =
            if onward.asks.has_connection { Listed::of(&head.headers) } else { Listed(Vec::new()) };
        let rewritten = rewritten(head, onward);
        for (name, value) in &head.headers {
            if !ends_here(name, onward)
                && !listed.has(name)
                && !rewritten.iter().any(|it| it.0 == *name)
            {
                onto.field(name, value);
            }
        }
        for (name, value) in &rewritten {
            if !ends_here(name, onward) && !listed.has(name) {
                onto.field(name, value);
            }
        }
        if let Some(proof) = &onward.proof {
            onto.field(&DPOP, proof);
        }
        if let Some(trace) = &onward.trace {
            onto.field(&TRACEPARENT, trace);
        }
        let wants_trailers = onward.asks.has_te && wants_trailers(&head.headers);
        if wants_trailers {
            onto.field(&header::TE, &HeaderValue::from_static("trailers"));
        }
        if onward.is_websocket {
            onto.field(&header::CONNECTION, &HeaderValue::from_static("upgrade"));
            onto.field(&header::UPGRADE, &HeaderValue::from_static("websocket"));
        } else if wants_trailers {
            onto.field(&header::CONNECTION, &HeaderValue::from_static("te"));
        }
        if onward.expects_continue {
            onto.field(&header::EXPECT, &HeaderValue::from_static("100-continue"));
        }
        onto.end();
    }
}

/// The same as a map.
pub fn outgoing(head: &Parts, onward: &Onward<'_>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(head.headers.len() + 1);
    let append = |name: &HeaderName, value: &HeaderValue| {
        headers.append(name.clone(), value.clone());
    };
    Outgoing { head, onward }.each(append);
    headers
}

/// Fields of the caller's that go on with another value than they came with: nearly always none.
fn rewritten(head: &Parts, onward: &Onward<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let cookies =
        if head.version == Version::HTTP_2 { joined_cookies(&head.headers) } else { None };
    let counts = onward.asks.has_max_forwards && head.method == Method::OPTIONS;
    let hops = if counts { counted_hop(&head.headers) } else { None };
    let cookies = cookies.map(|it| (header::COOKIE, it));
    cookies.into_iter().chain(hops.map(|it| (header::MAX_FORWARDS, it))).collect()
}

/// One hop less for the next intermediary to count (RFC 9110 §7.6.2).
fn counted_hop(headers: &HeaderMap) -> Option<HeaderValue> {
    let left: u32 = headers.get(header::MAX_FORWARDS)?.to_str().ok()?.parse().ok()?;
    Some(HeaderValue::from(left.saturating_sub(1)))
}

/// True where the caller's field of this name reaches the upstream.
pub fn goes_on(name: &HeaderName, head: &Parts, onward: &Onward<'_>) -> bool {
    let is_listed = || onward.asks.has_connection && Listed::of(&head.headers).has(name);
    !ends_here(name, onward) && !is_listed()
}

/// True for fields that do not go on as they came.
fn ends_here(name: &HeaderName, onward: &Onward<'_>) -> bool {
    // Standard names are compared as numbers; only the others as texts.
    match *name {
        header::HOST
        | header::CONNECTION
        | header::TE
        | header::TRANSFER_ENCODING
        | header::CONTENT_LENGTH
        | header::UPGRADE
        | header::EXPECT
        | header::PROXY_AUTHORIZATION
        | header::PROXY_AUTHENTICATE
        | header::FORWARDED
        | header::VIA => return true,
        header::AUTHORIZATION if onward.authorization_is_ours => return true,
        _ => {}
    }
    let text = name.as_str();
    let by_first = match text.as_bytes()[0] {
        b'a' => text.starts_with("attache-"),
        b'b' => text == "baggage" && onward.trace.is_none(),
        b'c' => text == "content_length",
        b'd' => onward.proof.is_some() && text == "dpop",
        b'h' => text == "http2-settings",
        b'k' => text == "keep-alive",
        b'p' => text.starts_with("proxy-"),
        b't' => {
            matches!(text, "traceparent" | "transfer_encoding")
                || text == "tracestate" && onward.trace.is_none()
        }
        b'x' => is_about_routing(text),
        _ => false,
    };
    by_first || onward.ignore.contains(name)
}

/// Fields that tell a server of another address, host or path than the request's own. Servers behind
/// CGI read `_` as `-` (RFC 3875 §4.1.18).
fn is_about_routing(name: &str) -> bool {
    const NAMES: [&str; 3] = ["x-real-ip", "x-original-url", "x-rewrite-url"];
    const PREFIX: &str = "x-forwarded-";
    name.get(..PREFIX.len()).is_some_and(|it| are_twins(it, PREFIX))
        || NAMES.iter().any(|it| are_twins(it, name))
}

/// Fields that `Connection` names (RFC 9110 §7.6.1), but for those that it must not be able to strip:
/// a caller could make a request mean something else with them.
struct Listed<'h>(Vec<&'h [u8]>);

impl<'h> Listed<'h> {
    fn of(headers: &'h HeaderMap) -> Self {
        let mut names = Vec::new();
        for value in headers.get_all(header::CONNECTION) {
            let parts = value.as_bytes().split(|it| *it == b',').map(<[u8]>::trim_ascii);
            names.extend(parts.filter(|it| {
                let usual: [&[u8]; 5] = [b"close", b"keep-alive", b"upgrade", b"te", b""];
                !usual.iter().any(|usual| it.eq_ignore_ascii_case(usual))
            }));
        }
        Self(names)
    }

    fn has(&self, name: &HeaderName) -> bool {
        const KEPT: [HeaderName; 6] = [
            header::AUTHORIZATION,
            header::COOKIE,
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            header::HOST,
            header::TRAILER,
        ];
        !self.0.is_empty()
            && self.0.iter().any(|it| it.eq_ignore_ascii_case(name.as_str().as_bytes()))
            && !KEPT.contains(name)
    }
}

/// HTTP/2 may send one field line per cookie; before HTTP/1.1 gets them they are one (RFC 9113 §8.2.3).
fn joined_cookies(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut lines = headers.get_all(header::COOKIE).iter();
    if lines.next().is_none() || lines.next().is_none() {
        return None;
    }
    let lines: Vec<&[u8]> =
        headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&lines.join(&b"; "[..])).ok()
}

fn wants_trailers(headers: &HeaderMap) -> bool {
    headers.get_all(header::TE).iter().any(|it| {
        let mut parts = it.to_str().unwrap_or_default().split(',');
        parts.any(|it| it.trim().eq_ignore_ascii_case("trailers"))
    })
}

/// True for a WebSocket handshake over HTTP/1.1 (RFC 6455 §4.1).
pub fn is_websocket(head: &Parts) -> bool {
    let lists = |name, wanted: &str| {
        head.headers.get_all(name).iter().any(|it| {
            let mut parts = it.to_str().unwrap_or_default().split(',');
            parts.any(|it| it.trim().eq_ignore_ascii_case(wanted))
        })
    };
    head.version == Version::HTTP_11
        && head.method == Method::GET
        && lists(header::UPGRADE, "websocket")
        && lists(header::CONNECTION, "upgrade")
}

/// True where the caller waits for a `100 Continue`, which HTTP/1.0 does not have (RFC 9110 §10.1.1).
pub fn expects_continue(head: &Parts) -> bool {
    let expects = head.headers.get(header::EXPECT);
    head.version != Version::HTTP_10
        && expects.is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Makes an upstream's response head the caller's: what ends at us goes, nothing may speak in our
/// name, and no reflected query credential leaves.
pub fn incoming(headers: &mut HeaderMap, prepared: &Prepared, request_id: &HeaderValue) {
    let mut ending: Vec<HeaderName> = Vec::new();
    let mut has_reflection = false;
    for name in headers.keys() {
        match *name {
            header::CONNECTION | header::TRANSFER_ENCODING | header::TE | header::UPGRADE => {
                ending.push(name.clone());
            }
            header::LOCATION | header::CONTENT_LOCATION | header::LINK | header::REFRESH => {
                has_reflection = true;
            }
            _ => {
                let text = name.as_str();
                if text == "keep-alive" || text.starts_with("proxy-") || text.starts_with("attache")
                {
                    ending.push(name.clone());
                }
            }
        }
    }
    if ending.contains(&header::CONNECTION) {
        // Framing and cookies are not the upstream's to withdraw.
        let kept = [header::CONTENT_LENGTH, header::SET_COOKIE, header::LOCATION];
        let listed = Listed::of(headers).0;
        let named = listed.into_iter().filter_map(|it| HeaderName::from_bytes(it).ok());
        ending.extend(named.filter(|it| !kept.contains(it)));
    }
    for name in ending {
        headers.remove(name);
    }
    if has_reflection {
        withhold_reflections(headers, prepared);
    }
    headers.insert(REQUEST_ID, request_id.clone());
}

/// Removes query credentials that the upstream put into URLs it answers with.
fn withhold_reflections(headers: &mut HeaderMap, prepared: &Prepared) {
    for name in [header::LOCATION, header::CONTENT_LOCATION, header::LINK, header::REFRESH] {
        let cleared: Vec<Option<String>> = headers
            .get_all(&name)
            .iter()
            .map(|it| prepared.redact(&String::from_utf8_lossy(it.as_bytes())))
            .collect();
        if cleared.iter().all(Option::is_none) {
            continue;
        }
        let values: Vec<HeaderValue> = headers.get_all(&name).iter().cloned().collect();
        headers.remove(&name);
        for (value, cleared) in values.into_iter().zip(cleared) {
            // What can't be cleared is withheld.
            match cleared.map(HeaderValue::try_from) {
                None => drop(headers.append(&name, value)),
                Some(Ok(cleared)) => drop(headers.append(&name, cleared)),
                Some(Err(_)) => {}
            }
        }
    }
}
