//! A form's bytes: pairs dropped by name and put behind, all else as the caller wrote it.
use crate::auth::query;
use http::HeaderMap;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

/// Whether a field Content-Type says that the body is a form.
pub(super) fn is_form(kind: Option<&HeaderValue>) -> bool {
    let kind = kind.and_then(|it| it.as_bytes().split(|it| *it == b';').next());
    kind.is_some_and(|it| {
        it.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

/// The one Content-Type; nothing where there are several.
pub(super) fn kind(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    kinds.next().filter(|_| kinds.next().is_none())
}

/// The form less every pair that one of `names` spells. Only `&` separates (WHATWG URL,
/// "application/x-www-form-urlencoded parsing"), and a form has no fragment.
pub(super) fn without(form: &[u8], names: &[Box<str>]) -> Vec<u8> {
    let is_ours = |pair: &[u8]| {
        let name = pair.split(|it| *it == b'=').next().unwrap_or_default();
        names.iter().any(|it| query::reads_as(name, it))
    };
    let pairs: Vec<&[u8]> = form.split(|it| *it == b'&').filter(|it| !is_ours(it)).collect();
    pairs.join(&b'&')
}

/// With a pair behind it, which is percent-encoded.
pub(super) fn append(form: &mut Vec<u8>, pair: &str) {
    if !form.is_empty() && !form.ends_with(b"&") {
        form.push(b'&');
    }
    form.extend_from_slice(pair.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(form: &[u8]) -> Vec<u8> {
        let mut sent = without(form, &["nonce".into()]);
        append(&mut sent, "nonce=1");
        sent
    }

    #[test]
    fn a_form_stays_byte_for_byte_but_for_our_pairs() {
        for (form, expected) in [
            (&b""[..], &b"nonce=1"[..]),
            (b"note=a#b", b"note=a#b&nonce=1"),
            (b"memo=x;nonce=y", b"memo=x;nonce=y&nonce=1"),
            (b"a=\xff%FF&&b=\x00", b"a=\xff%FF&&b=\x00&nonce=1"),
            (b"nonce=5&a=1&NONCE=6&%6eonce&b=2", b"a=1&b=2&nonce=1"),
            (b"a=1&", b"a=1&nonce=1"),
            (b"nonce=5", b"nonce=1"),
            (b"a=nonce", b"a=nonce&nonce=1"),
        ] {
            assert_eq!(sent(form), expected, "{:?}", String::from_utf8_lossy(form));
        }
    }
}
