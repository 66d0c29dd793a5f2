//! Trailers on their way through: data, never framing, routing or authentication.
use http::HeaderMap;
use http::HeaderName;
use http::header;

/// The trailer section without fields that would be more than data (RFC 9110 §6.5.1): framing,
/// routing, authentication, and our own; nor those that the credential goes by.
pub fn trailers(mut trailers: HeaderMap, injected: &[HeaderName]) -> HeaderMap {
    let refused: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| {
            let text = name.as_str();
            matches!(
                **name,
                header::HOST
                    | header::CONTENT_LENGTH
                    | header::TRANSFER_ENCODING
                    | header::CONNECTION
                    | header::TE
                    | header::TRAILER
                    | header::UPGRADE
                    | header::AUTHORIZATION
                    | header::COOKIE
                    | header::SET_COOKIE
                    | header::CONTENT_TYPE
                    | header::CONTENT_ENCODING
                    | header::EXPECT
            ) || ["attache-", "attache_", "proxy-"].iter().any(|it| text.starts_with(it))
                || injected.iter().any(|it| are_twins(it.as_str(), text))
        })
        .cloned()
        .collect();
    for name in refused {
        trailers.remove(name);
    }
    trailers
}

/// The same name to a server that reads `_` as `-`, as those behind CGI do (RFC 3875 §4.1.18).
pub fn are_twins(one: &str, other: &str) -> bool {
    let plain = |it: u8| if it == b'_' { b'-' } else { it };
    one.len() == other.len() && one.bytes().zip(other.bytes()).all(|(a, b)| plain(a) == plain(b))
}
