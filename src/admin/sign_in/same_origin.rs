//! Whether a request comes from a page of ours: by what the browser says of it, and by what only our page was told.
use super::Signing;
use super::cookie::Cookie;
use http::HeaderMap;
use http::header;
use http::request::Parts;
use subtle::ConstantTimeEq;

/// What the page was told as `csrf`. A form can't send it, and a script of another site would have to be asked for first.
const HEADER: &str = "attache-console";

/// Whether nothing says that it comes from elsewhere (Fetch Metadata, and RFC 6454 §7). `typed`: somebody may have
/// typed the address.
pub(super) fn is_ours(head: &Parts, signing: &Signing, typed: bool) -> bool {
    let headers = &head.headers;
    let site = headers.get("sec-fetch-site").map(|it| it.as_bytes());
    let is_near = match site {
        None | Some(b"same-origin") => true,
        Some(b"none") => typed,
        Some(_) => false,
    };
    is_near && headers.get_all("sec-fetch-site").iter().count() < 2 && is_own_origin(head, signing)
}

/// Whether what only our page was told came with it.
pub(super) fn is_told(headers: &HeaderMap, cookie: &Cookie) -> bool {
    let mut values = headers.get_all(HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    cookie.csrf().expose().as_bytes().ct_eq(value.as_bytes()).into()
}

/// Where the browser names an origin it is the one that operators know, or the one that the request was made to.
fn is_own_origin(head: &Parts, signing: &Signing) -> bool {
    let mut origins = head.headers.get_all(header::ORIGIN).iter();
    let (origin, None) = (origins.next(), origins.next()) else { return false };
    let Some(origin) = origin else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let known = signing.url.as_deref().map(origin_of);
    if known.is_some_and(|it| it.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let host = head.headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let asked = head.uri.authority().map(|it| it.as_str()).or(host);
    let authority = origin.split_once("://").map(|it| it.1);
    authority.zip(asked).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
}

/// Scheme and authority.
fn origin_of(url: &str) -> &str {
    let from = url.find("://").map_or(0, |it| it + 3);
    let end = url[from..].find('/').map_or(url.len(), |it| from + it);
    &url[..end]
}
