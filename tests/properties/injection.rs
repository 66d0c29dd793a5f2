//! Injection round-trips through a strict parser: one credential, ours, and all else as it was.
use super::properties::cookie;
use super::properties::query;
use super::seeds::unrecorded;
use proptest::prelude::*;

/// What a name is spelled with, in ways that somebody reads as the name.
const SPELLINGS: &[&str] = &[
    "api_key=x",
    "API_KEY=x",
    "api%5fkey=x",
    "api%5Fkey",
    "%61pi_key=x",
    "+api_key=x",
    "api_key+=x",
    "api_key%00=x",
    "api_key%00y=x",
    "%20api_key=x",
    "api_key",
    "api_key=",
    "api_key%3dx",
    "api%255fkey=x",
];

const COOKIES: &[&str] = &[
    "sid=x",
    "SID=x",
    "%73id=x",
    " sid = x",
    "sid",
    "sid=\"x; y\"",
    "sid=\"x, sid=y",
    "a=sid=x",
    "s%69d=x",
];

proptest! {
    #![proptest_config(unrecorded())]

    #[test]
    fn one_parameter_is_ours_and_every_other_one_is_as_sent(
        name in prop::sample::select(&["api_key", "Api_Key", "api key", "a&b=c", "é", "x[]"][..]),
        key in "[ -~é]{1,16}",
        others in prop::collection::vec("[!$-:<-~]{0,10}", 0..6),
        spellings in prop::collection::vec(prop::sample::select(SPELLINGS), 0..3),
        separators in prop::collection::vec(prop::sample::select(&["&", "&", ";", "&&"][..]), 10),
        start in any::<prop::sample::Index>(),
    ) {
        let mut pairs: Vec<&str> = others.iter().map(String::as_str).collect();
        for spelling in spellings {
            pairs.insert(start.index(pairs.len() + 1), spelling);
        }
        let caller = interleaved(&pairs, &separators);
        query::holds(format!("{name}\n{key}\n{caller}").as_bytes());
    }

    #[test]
    fn one_cookie_is_ours_and_every_other_one_is_as_sent(
        key in "[!-:<-~]{1,16}",
        others in prop::collection::vec("[ -~]{0,12}", 0..6),
        copies in prop::collection::vec(prop::sample::select(COOKIES), 0..3),
        separators in prop::collection::vec(prop::sample::select(&["; ", ";", ",", "\n"][..]), 10),
        start in any::<prop::sample::Index>(),
    ) {
        let mut cookies: Vec<&str> = others.iter().map(String::as_str).collect();
        for copy in copies {
            cookies.insert(start.index(cookies.len() + 1), copy);
        }
        let caller = interleaved(&cookies, &separators);
        cookie::holds(format!("sid={key}\n{caller}").as_bytes());
    }
}

fn interleaved(pieces: &[&str], separators: &[&str]) -> String {
    pieces.iter().zip(separators).flat_map(|(piece, separator)| [*piece, *separator]).collect()
}
