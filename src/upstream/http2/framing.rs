//! How long a response says that it is, said in exactly one way (RFC 9110 §8.6).
//!
//! `h2` itself refuses a Transfer-Encoding, and lengths that contradict each other or the body. What it
//! leaves is read in other ways by other readers, and whoever sits before us may be one of them: such
//! a response goes no further.
use http::HeaderMap;
use http::HeaderValue;
use http::header;

/// True where the head has one Content-Length that is a number, or none.
pub(super) fn is_plain(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    lengths.next().is_none_or(is_number) && lengths.next().is_none()
}

fn is_number(length: &HeaderValue) -> bool {
    !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_length_is_plain_and_any_second_is_not() {
        for (lengths, plain) in [
            (&[][..], true),
            (&["0"], true),
            (&["18446744073709551615"], true),
            (&["5", "5"], false),
            (&["5,5"], false),
            (&[""], false),
            (&["+5"], false),
            (&["0x5"], false),
        ] {
            let mut headers = HeaderMap::new();
            for length in lengths {
                headers.append(header::CONTENT_LENGTH, HeaderValue::from_static(length));
            }
            assert_eq!(is_plain(&headers), plain, "{lengths:?}");
        }
    }
}
