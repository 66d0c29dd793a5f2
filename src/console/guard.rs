//! What a browser is told to keep from the console, with each of its files.
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

/// Nothing from elsewhere, nothing in line, nobody's frame. What a script sets on an element's style is no attribute
/// (CSP Level 3 §8.3), so that charts and menus need no exception.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page needs none of them, so no script that somebody slips in has one.
const FEATURES: &str = "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), payment=(), \
                        publickey-credentials-get=(), serial=(), usb=()";

pub(super) fn put(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), FEATURES),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
