//! The request's form, before anybody asks what it means (RFC 9110 §7.2, RFC 9112 §3.2 and §6.3).
use super::error::ProxyError;
use super::head::Asks;
use super::head::Given;
use http::Method;
use http::Version;
use http::header;
use http::request::Parts;
use http::uri::PathAndQuery;

/// Longest request target, in bytes: twice what browsers and servers commonly take.
pub const TARGET_LEN_MAX: usize = 16 * 1024;

/// Refuses what is not one plain request to be passed on.
pub fn check(head: &Parts, asks: Asks<'_>) -> Result<(), ProxyError> {
    if head.method == Method::CONNECT || head.method == Method::TRACE {
        return Err(ProxyError::Method(head.method.to_string()));
    }
    let target = head.uri.path().len() + head.uri.query().map_or(0, str::len);
    if target > TARGET_LEN_MAX {
        return Err(ProxyError::TargetTooLong { max: TARGET_LEN_MAX });
    }
    let is_plain = |it: u8| !it.is_ascii_control() && it != b' ';
    let target = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
    // Not `all`: without the early end the compiler compares many bytes at once.
    if !target.bytes().fold(true, |plain, it| plain & is_plain(it)) {
        return Err(ProxyError::Target);
    }
    check_host(head, asks.host)?;
    if asks.has_transfer_encoding && (asks.has_content_length || !is_plainly_chunked(head)) {
        return Err(ProxyError::Framing);
    }
    Ok(())
}

/// `Transfer-Encoding: chunked`, once and alone, in a version that has it (RFC 9112 §6.1): of any other
/// coding the body would go on without a word of it.
fn is_plainly_chunked(head: &Parts) -> bool {
    let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
    let first = codings.next().is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"chunked"));
    first && codings.next().is_none() && head.version == Version::HTTP_11
}

/// One Host, which could be a host; HTTP/2 has it in the target instead, and both must agree.
fn check_host(head: &Parts, host: Given<'_>) -> Result<(), ProxyError> {
    let is_valid = |it: &[u8]| {
        let plain = |it: &u8| {
            it.is_ascii_alphanumeric()
                || matches!(it, b'.' | b'-' | b'_' | b':' | b'[' | b']' | b'%' | b'~')
        };
        !it.is_empty() && it.iter().all(plain)
    };
    match host {
        Given::Once(host) if is_valid(host.as_bytes()) => Ok(()),
        Given::Never if head.version == Version::HTTP_2 && head.uri.authority().is_some() => Ok(()),
        Given::Never if head.version == Version::HTTP_10 => Ok(()),
        _ => Err(ProxyError::Host),
    }
}
