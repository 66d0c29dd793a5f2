//! How long a response is, said in exactly one way (RFC 9112 §6.3).
//!
//! The codec reads some framings that another reader would take otherwise; whoever sits before us may
//! be that other reader, so such a response goes no further.
use http::HeaderMap;
use http::HeaderValue;
use http::header;

/// True where the head has one Content-Length that is a number, or one Transfer-Encoding that is
/// `chunked` and nothing else, or neither. No upstream may answer in another coding: none was asked
/// for with `TE` (RFC 9112 §7.4).
pub(super) fn is_plain(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (lengths.next(), codings.next()) {
        (None, None) => true,
        (Some(length), None) => is_number(length) && lengths.next().is_none(),
        (None, Some(coding)) => is_chunked(coding) && codings.next().is_none(),
        (Some(_), Some(_)) => false,
    }
}

fn is_number(length: &HeaderValue) -> bool {
    !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit)
}

fn is_chunked(coding: &HeaderValue) -> bool {
    coding.as_bytes().eq_ignore_ascii_case(b"chunked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    #[test]
    fn one_framing_is_plain_and_any_second_is_not() {
        for (fields, plain) in [
            ("", true),
            ("content-length:0", true),
            ("content-length:18446744073709551615", true),
            ("transfer-encoding:chunked", true),
            ("transfer-encoding:Chunked", true),
            ("content-length:5 content-length:5", false),
            ("content-length:5,5", false),
            ("content-length:", false),
            ("content-length:+5", false),
            ("content-length:0x5", false),
            ("transfer-encoding:", false),
            ("transfer-encoding:identity", false),
            ("transfer-encoding:gzip,chunked", false),
            ("transfer-encoding:chunked transfer-encoding:chunked", false),
            ("transfer-encoding:chunked content-length:5", false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in fields.split_whitespace().filter_map(|it| it.split_once(':')) {
                let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
                headers.append(name, HeaderValue::from_str(value).expect("a value"));
            }
            assert_eq!(is_plain(&headers), plain, "{fields:?}");
        }
    }
}
