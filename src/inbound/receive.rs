//! A delivery's form: what is looked at before its body is read.
use super::error::InboundError;
use http::Method;
use http::Version;
use http::header;
use http::request::Parts;
use std::time::Duration;

/// Longest request target, in bytes.
const TARGET_LEN_MAX: usize = 16 * 1024;

/// How long a body may take to arrive, from the end of the head: senders themselves give up sooner.
pub(super) const BODY_TIME: Duration = Duration::from_secs(30);

/// Refuses what is not one plain request of a method that some handshake may have.
pub(super) fn check(head: &Parts) -> Result<(), InboundError> {
    if ![Method::POST, Method::GET, Method::HEAD].contains(&head.method) {
        return Err(InboundError::Method);
    }
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    if path.len() + query.len() > TARGET_LEN_MAX {
        return Err(InboundError::TargetTooLong);
    }
    let is_plain = |it: u8| !it.is_ascii_control() && it != b' ';
    if !path.bytes().chain(query.bytes()).all(is_plain) {
        return Err(InboundError::Target);
    }
    // RFC 9112 §6.3: a length that can be read in two ways.
    if head.headers.contains_key(header::TRANSFER_ENCODING)
        && (head.headers.contains_key(header::CONTENT_LENGTH) || head.version == Version::HTTP_10)
    {
        return Err(InboundError::Framing);
    }
    host(head).map(drop)
}

/// The one Host, or the authority of HTTP/2 (RFC 9112 §3.2, RFC 9113 §8.3.1).
pub(super) fn host(head: &Parts) -> Result<&str, InboundError> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().map_err(|_| InboundError::Host)?,
        (None, _) => match head.uri.authority() {
            Some(authority) if head.version == Version::HTTP_2 => authority.as_str(),
            None if head.version == Version::HTTP_10 => "",
            _ => return Err(InboundError::Host),
        },
        (Some(_), Some(_)) => return Err(InboundError::Host),
    };
    let plain = |it: u8| it.is_ascii_alphanumeric() || b".-_:[]%~".contains(&it);
    let says_other = head.uri.authority().is_some_and(|it| !it.as_str().eq_ignore_ascii_case(host));
    if says_other {
        return Err(InboundError::Host);
    }
    if host.bytes().all(plain) { Ok(host) } else { Err(InboundError::Host) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn head(change: impl FnOnce(&mut Parts)) -> Parts {
        let request = Request::post("/hooks/github?a=b").header("host", "hooks.example.com");
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        change(&mut head);
        head
    }

    #[test]
    fn one_plain_request_is_wanted() {
        assert_eq!(check(&head(|_| {})), Ok(()));
        for method in ["PUT", "OPTIONS", "TRACE", "CONNECT", "post", "DELETE"] {
            let method = method.parse().unwrap();
            assert_eq!(check(&head(|it| it.method = method)), Err(InboundError::Method));
        }
        let long = format!("/hooks/{}", "a".repeat(TARGET_LEN_MAX));
        assert_eq!(
            check(&head(|it| it.uri = long.parse().unwrap())),
            Err(InboundError::TargetTooLong)
        );
        let both = head(|it| {
            it.headers.insert("transfer-encoding", "chunked".parse().unwrap());
            it.headers.insert("content-length", "1".parse().unwrap());
        });
        assert_eq!(check(&both), Err(InboundError::Framing));
    }

    #[test]
    fn there_is_one_host() {
        assert_eq!(host(&head(|_| {})), Ok("hooks.example.com"));
        let twice = head(|it| {
            it.headers.append("host", "hooks.example.com".parse().unwrap());
        });
        assert_eq!(host(&twice), Err(InboundError::Host));
        let none = head(|it| {
            it.headers.remove("host");
        });
        assert_eq!(host(&none), Err(InboundError::Host));
        for bad in ["a/b", "a b", "a@b", "a,b", "a?b", "a#b", "a\\b"] {
            let odd = head(|it| {
                it.headers.insert("host", bad.parse().unwrap());
            });
            assert_eq!(host(&odd), Err(InboundError::Host), "{bad}");
        }
    }
}
