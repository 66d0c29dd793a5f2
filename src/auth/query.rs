//! Query strings, byte for byte: found and dropped by name, appended to, never written anew.
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_decode;
use percent_encoding::utf8_percent_encode;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// Everything but the unreserved characters (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `name=value` with both percent-encoded.
pub(super) fn pair(name: &str, value: &str) -> Zeroizing<String> {
    let parts =
        utf8_percent_encode(name, ESCAPED).chain(["="]).chain(utf8_percent_encode(value, ESCAPED));
    let mut pair = Zeroizing::new(String::with_capacity((name.len() + value.len()) * 3 + 1));
    parts.for_each(|it| pair.push_str(it));
    pair
}

/// Whether a pair of the query spells one of `names`.
pub(super) fn has_any(query: &str, names: &[Box<str>]) -> bool {
    pieces(query).any(|(_, piece)| names.iter().any(|it| spells(piece, it)))
}

/// The caller's query less every pair that one of `names` spells, then `appended`.
pub(super) fn replaced(caller: &str, names: &[Box<str>], appended: &str) -> String {
    // A fragment is never sent, and would swallow what is appended (RFC 3986 §3.5).
    let caller = caller.split_once('#').map_or(caller, |it| it.0);
    let mut query = String::with_capacity(caller.len() + 1 + appended.len());
    let mut first = true;
    for (separator, piece) in pieces(caller) {
        if names.iter().any(|it| spells(piece, it)) {
            continue;
        }
        if let (false, Some(separator)) = (first, separator) {
            query.push(separator);
        }
        query.push_str(piece);
        first = false;
    }
    if !query.is_empty() && !query.ends_with('&') && !appended.is_empty() {
        query.push('&');
    }
    query.push_str(appended);
    query
}

/// The pairs and the separator before each. `;` separates too: some servers hold with HTML 4.01
/// appendix B.2.2, and what they would read as our name has to go.
pub(super) fn pieces(query: &str) -> impl Iterator<Item = (Option<char>, &str)> {
    let mut before = None;
    query.split_inclusive(['&', ';']).chain(query.ends_with(['&', ';']).then_some("")).map(
        move |piece| {
            let own = before;
            before = piece.chars().next_back().filter(|it| matches!(it, '&' | ';'));
            (own, before.map_or(piece, |_| &piece[..piece.len() - 1]))
        },
    )
}

/// True where a server could read the pair's name as `name`.
pub(super) fn spells(pair: &str, name: &str) -> bool {
    reads_as(pair.split_once('=').map_or(pair, |it| it.0).as_bytes(), name)
}

/// True where a server could read `written` as `name`: percent-encoded in any way, with `+` for a
/// space, in another case, with spaces around it, or cut short by a NUL.
pub(super) fn reads_as(written: &[u8], name: &str) -> bool {
    let name = name.as_bytes().trim_ascii();
    if written.eq_ignore_ascii_case(name) {
        return true;
    }
    if !written.iter().any(|it| matches!(it, b'%' | b'+' | b' ')) {
        return false;
    }
    let decoded = decode(written);
    let whole = decoded.split(|it| *it == 0).next().unwrap_or_default();
    whole.trim_ascii().eq_ignore_ascii_case(name)
}

/// Percent-decodes, `+` being a space (WHATWG URL, "application/x-www-form-urlencoded parsing").
pub(super) fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|it| matches!(it, b'%' | b'+')) {
        return text.into();
    }
    let spaced: Vec<u8> = text.iter().map(|it| if *it == b'+' { b' ' } else { *it }).collect();
    percent_decode(&spaced).collect::<Vec<u8>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sent(caller: &str) -> String {
        replaced(caller, &["api_key".into()], "api_key=ours")
    }

    #[test]
    fn every_spelling_of_the_name_is_dropped() {
        for spelling in [
            "api_key=x",
            "api_key=",
            "api_key",
            "API_KEY=x",
            "api%5Fkey=x",
            "api%5fkey=x",
            "%61%70%69%5f%6B%65%79=x",
            "api_key%20=x",
            "+api_key=x",
            "%09api_key=x",
            "api_key%00=x",
            "api_key%00z=x",
            "api_key=a=b",
            "api_key=a%26b",
        ] {
            assert_eq!(sent(spelling), "api_key=ours", "{spelling}");
            assert_eq!(sent(&format!("a=1&{spelling}&b=2")), "a=1&b=2&api_key=ours", "{spelling}");
            assert_eq!(sent(&format!("{spelling}&{spelling}")), "api_key=ours", "{spelling}");
            assert_eq!(sent(&format!("a=1;{spelling};b=2")), "a=1;b=2&api_key=ours", "{spelling}");
        }
    }

    #[test]
    fn a_name_with_a_space_is_found_under_its_plus() {
        for spelling in ["api+key=x", "api%20key=x", "Api+Key=x"] {
            assert_eq!(replaced(spelling, &["api key".into()], "api%20key=y"), "api%20key=y");
        }
        for spelling in ["key=x", "+key=x", "key%20=x"] {
            assert_eq!(replaced(spelling, &[" key ".into()], "%20key%20=y"), "%20key%20=y");
        }
    }

    #[test]
    fn what_is_not_ours_stays_byte_for_byte() {
        for other in [
            "a=1",
            "a=%2F%2f+",
            "a",
            "=",
            "==",
            "a=1&&b=2",
            "&a",
            "a=é",
            "api_key2=x",
            "xapi_key=x",
            "api%255Fkey=x",
            "api_ke=y",
            "a=api_key=x",
            "a=%zz",
            "%",
            "api_key%3Dx=1",
            "a;b",
            "a=%00",
        ] {
            assert_eq!(sent(other), format!("{other}&api_key=ours"), "{other}");
        }
        assert_eq!(sent(""), "api_key=ours");
        assert_eq!(sent("a=1&"), "a=1&api_key=ours");
    }

    #[test]
    fn a_fragment_can_not_swallow_the_credential() {
        assert_eq!(sent("a=1#b"), "a=1&api_key=ours");
        assert_eq!(sent("#"), "api_key=ours");
    }

    proptest! {
        #[test]
        fn others_survive_unchanged_and_ours_is_there_once(
            pairs in prop::collection::vec("[ -%'-:<-~]{0,12}", 0..8),
            at in any::<prop::sample::Index>(),
            spelling in prop::sample::select(vec!["api_key=x", "API%5Fkey=y", "api_key", "+api_key=z"]),
        ) {
            let pairs: Vec<String> = pairs.into_iter().map(|it| it.replace('#', "")).collect();
            let mine = |it: &String| spells(it, "api_key");
            let others: Vec<&str> = pairs.iter().filter(|it| !mine(it)).map(String::as_str).collect();
            let mut caller = pairs.clone();
            caller.insert(at.index(pairs.len() + 1), spelling.to_owned());

            let sent = sent(&caller.join("&"));
            let kept = sent.strip_suffix("api_key=ours").expect("ours comes last");
            let expected = others.join("&");
            prop_assert!(kept == expected || kept.strip_suffix('&') == Some(&expected), "{kept:?} {expected:?}");
            let parsed = url::form_urlencoded::parse(sent.as_bytes());
            prop_assert_eq!(parsed.filter(|it| it.0.eq_ignore_ascii_case("api_key")).count(), 1);
        }
    }
}
