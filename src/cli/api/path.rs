//! Paths of the API.
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;

/// All but the unreserved characters (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `/v1/…` of these segments, whatever stands in them.
pub(in crate::cli) fn path<'s>(segments: impl IntoIterator<Item = &'s str>) -> String {
    let mut path = "/v1".to_owned();
    for segment in segments {
        path.push('/');
        path.extend(utf8_percent_encode(segment, ESCAPED));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_never_becomes_two() {
        assert_eq!(path(["tenants", "a/b c@d"]), "/v1/tenants/a%2Fb%20c%40d");
        assert_eq!(path(["tenants", "?x#y%"]), "/v1/tenants/%3Fx%23y%25");
    }
}
