//! A request's query in canonical form: read, encoded anew, sorted.
use super::path::escaped;
use super::path::put_byte;

pub(super) const ALGORITHM: &str = "X-Amz-Algorithm";
pub(super) const CREDENTIAL: &str = "X-Amz-Credential";
pub(super) const DATE: &str = "X-Amz-Date";
pub(super) const EXPIRES: &str = "X-Amz-Expires";
pub(super) const SIGNED_FIELDS: &str = "X-Amz-SignedHeaders";
pub(super) const TOKEN: &str = "X-Amz-Security-Token";
pub(super) const REGIONS: &str = "X-Amz-Region-Set";
pub(super) const SIGNATURE: &str = "X-Amz-Signature";

/// The parameters that carry a signature.
pub(super) const SIGNING: [&str; 8] =
    [ALGORITHM, CREDENTIAL, DATE, EXPIRES, SIGNED_FIELDS, TOKEN, REGIONS, SIGNATURE];

/// Whether a signature may stand in the query, by a look at its letters: each of the names has a `z`, or an escape for it.
pub(super) fn may_be_signed(query: &str) -> bool {
    query.bytes().any(|it| matches!(it, b'z' | b'Z' | b'%'))
}

/// Puts the canonical form of `query` behind `text`; `own` are pairs in canonical form already, `a=b&c=d`.
///
/// A `+` is a space, as to the services' own parsers of forms and queries.
pub(super) fn put(text: &mut Vec<u8>, query: &str, own: &str) {
    if query.is_empty() && own.is_empty() {
        return;
    }
    let mut all = Vec::with_capacity(query.len() + query.len() / 2 + own.len());
    let mut pairs = Vec::with_capacity(8);
    for piece in query.split('&').filter(|it| !it.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let start = all.len();
        put_encoded(&mut all, name);
        let middle = all.len();
        put_encoded(&mut all, value);
        pairs.push([start, middle, all.len()]);
    }
    for (name, value) in own.split('&').filter_map(|it| it.split_once('=')) {
        let start = all.len();
        all.extend_from_slice(name.as_bytes());
        let middle = all.len();
        all.extend_from_slice(value.as_bytes());
        pairs.push([start, middle, all.len()]);
    }
    let name = |it: &[usize; 3]| &all[it[0]..it[1]];
    let value = |it: &[usize; 3]| &all[it[1]..it[2]];
    pairs.sort_unstable_by(|one, two| (name(one), value(one)).cmp(&(name(two), value(two))));
    for (index, pair) in pairs.iter().enumerate() {
        if index > 0 {
            text.push(b'&');
        }
        text.extend_from_slice(name(pair));
        text.push(b'=');
        text.extend_from_slice(value(pair));
    }
}

fn put_encoded(text: &mut Vec<u8>, written: &str) {
    let mut rest = written.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' if escaped(after).is_some() => {
                escaped(after).into_iter().for_each(|it| put_byte(text, it));
                rest = &after[2..];
            }
            b'+' => put_byte(text, b' '),
            byte => put_byte(text, *byte),
        }
    }
}

/// Puts `name=value` behind `pairs`, the value percent-encoded.
pub(super) fn put_pair(pairs: &mut String, name: &str, value: &str) {
    if !pairs.is_empty() {
        pairs.push('&');
    }
    pairs.push_str(name);
    pairs.push('=');
    let mut encoded = Vec::with_capacity(value.len() * 3);
    value.bytes().for_each(|it| put_byte(&mut encoded, it));
    pairs.push_str(std::str::from_utf8(&encoded).expect("escapes are ASCII"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(query: &str, own: &str) -> String {
        let mut text = Vec::new();
        put(&mut text, query, own);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn read_encoded_anew_and_sorted() {
        for (query, expected) in [
            ("", ""),
            ("acl", "acl="),
            ("a=", "a="),
            ("b=1&a=2&a=1&a", "a=&a=1&a=2&b=1"),
            ("a=x+y%20z%2Bq", "a=x%20y%20z%2Bq"),
            ("a=1=2", "a=1%3D2"),
            ("&&a=1&", "a=1"),
            ("%61=%7e", "a=~"),
            ("a=100%", "a=100%25"),
            ("a=%zz", "a=%25zz"),
            ("B=1&a=1", "B=1&a=1"),
            ("a-b=1&a=2", "a=2&a-b=1"),
            ("prefix=é", "prefix=%C3%A9"),
        ] {
            assert_eq!(canonical(query, ""), expected, "{query}");
        }
    }

    #[test]
    fn ours_take_their_places_among_the_caller_s() {
        let mut own = String::new();
        put_pair(&mut own, "X-Amz-Credential", "a/b");
        put_pair(&mut own, "X-Amz-Expires", "60");
        assert_eq!(own, "X-Amz-Credential=a%2Fb&X-Amz-Expires=60");
        assert_eq!(canonical("x=1&A=2", &own), "A=2&X-Amz-Credential=a%2Fb&X-Amz-Expires=60&x=1");
    }
}
