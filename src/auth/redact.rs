//! A credential that an upstream reflects into a URL, taken out again (SECURITY.md, "What is promised").
use super::query;
use crate::model::Secret;

/// Shortest value that is looked for by itself. Shorter ones occur by chance, and taking them out
/// would break redirects; those are found by the parameter's name alone.
const VALUE_LEN_MIN: usize = 8;

/// What stands in a value's place.
const MARK: &str = "redacted";

/// A value to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watched {
    pub value: Secret,
    /// False: only behind the first `?` or `#`, since the value may be a host's or a path's name too.
    pub anywhere: bool,
}

/// Times that a text is gone through: what is left around something taken out may be another thing
/// to take out. No honest answer asks for more than two.
const PASSES_MAX: usize = 8;

/// The text without pairs that one of `names` spells and without the watched values; `None` where
/// there is nothing to take out.
pub(super) fn redacted(text: &str, names: &[Box<str>], watched: &[Watched]) -> Option<String> {
    let mut left: Option<String> = None;
    for _ in 0..PASSES_MAX {
        let now = left.as_deref().unwrap_or(text);
        let Some(next) = without_values(now, watched).or_else(|| without_pairs(now, names)) else {
            break;
        };
        left = Some(next);
    }
    left
}

/// Drops the pairs together with a separator, so that what is left is still a query.
fn without_pairs(text: &str, names: &[Box<str>]) -> Option<String> {
    let is_separator = |it: char| matches!(it, '?' | '&' | ';' | '#');
    // What ends a URL in Link and Refresh fields.
    let ends = |it: char| matches!(it, '<' | '>' | '"' | ' ' | '\t');
    let mut kept = String::with_capacity(text.len());
    let mut dropped = false;
    let mut rest = text;
    while let Some(at) = rest.find(['?', '#']) {
        kept.push_str(&rest[..at]);
        let end = rest[at..].find(ends).map_or(rest.len(), |it| at + it);
        let mut run = &rest[at..end];
        let mut opening = None;
        while let Some(separator) = run.chars().next() {
            let end = run[1..].find(is_separator).map_or(run.len(), |it| it + 1);
            let piece = &run[1..end];
            if names.iter().any(|it| query::spells(piece, it)) {
                dropped = true;
                opening = opening.or(matches!(separator, '?' | '#').then_some(separator));
            } else {
                let joined = matches!(separator, '&' | ';').then_some(opening).flatten();
                kept.push(joined.unwrap_or(separator));
                kept.push_str(piece);
                opening = None;
            }
            run = &run[end..];
        }
        rest = &rest[end..];
    }
    kept.push_str(rest);
    dropped.then_some(kept)
}

/// Puts a mark where a watched value stands, however it is percent-encoded.
fn without_values(text: &str, watched: &[Watched]) -> Option<String> {
    let query_at = text.find(['?', '#']).unwrap_or(text.len());
    let mut kept: Option<String> = None;
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let here = watched.iter().filter(|it| it.anywhere || at > query_at);
        let found = here.filter_map(|it| spelled_len(&text.as_bytes()[at..], &it.value)).max();
        match (found, &mut kept) {
            (Some(_), kept) => kept.get_or_insert_with(|| text[..at].to_owned()).push_str(MARK),
            (None, Some(kept)) => kept.push(next),
            (None, None) => {}
        }
        at += found.unwrap_or(next.len_utf8());
        // A value may end inside what is one character only by chance of spelling.
        while !text.is_char_boundary(at) {
            at += 1;
        }
    }
    kept
}

/// How many bytes at the front of `text` spell `value`: raw, percent-encoded once or twice, in any
/// mixture; the longest of the ways to read it.
fn spelled_len(text: &[u8], value: &Secret) -> Option<usize> {
    let value = value.expose().as_bytes();
    if value.len() < VALUE_LEN_MIN {
        return None;
    }
    // All places where the reading can stand after each byte of the value.
    let mut ends = vec![0];
    for byte in value {
        let mut next = Vec::with_capacity(ends.len());
        for end in ends {
            let rest = &text[end..];
            let plain = rest.first().is_some_and(|it| it == byte || *it == b'+' && *byte == b' ');
            let once = rest.strip_prefix(b"%").is_some_and(|it| is_hex_of(it, *byte));
            let twice = rest.strip_prefix(b"%25").is_some_and(|it| is_hex_of(it, *byte));
            let lens = [(plain, 1), (once, 3), (twice, 5)];
            next.extend(lens.iter().filter(|it| it.0).map(|it| end + it.1));
        }
        next.sort_unstable();
        next.dedup();
        ends = next;
        if ends.is_empty() {
            return None;
        }
    }
    ends.last().copied()
}

/// True where the text begins with the byte's two hexadecimal digits, in either case.
fn is_hex_of(text: &[u8], byte: u8) -> bool {
    let mut digits = [0; 2];
    hex::encode_to_slice([byte], &mut digits).is_ok()
        && text.get(..2).is_some_and(|it| it.eq_ignore_ascii_case(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "s3cr3t/v lue";

    fn taken(text: &str, anywhere: bool) -> Option<String> {
        let watched = [Watched { value: Secret::new(VALUE), anywhere }];
        redacted(text, &["api_key".into()], &watched)
    }

    #[test]
    fn the_pair_goes_and_the_rest_stays_a_query() {
        for (text, left) in [
            ("/a?api_key=x", "/a"),
            ("/a?api_key=x&b=1", "/a?b=1"),
            ("/a?b=1&api_key=x", "/a?b=1"),
            ("/a?b=1&API%5fKEY=x&c=2#f", "/a?b=1&c=2#f"),
            ("/a?api_key=x#f", "/a#f"),
            ("/a?api_key=x&api_key=y&c=2", "/a?c=2"),
            ("/a#api_key=x&b=1", "/a#b=1"),
            ("https://h/a?api_key", "https://h/a"),
            (
                "<https://h/a?page=2&api_key=x>; rel=\"next\", </b?api_key=x>; rel=last",
                "<https://h/a?page=2>; rel=\"next\", </b>; rel=last",
            ),
            ("5; url=/a?api_key=x&b=1", "5; url=/a?b=1"),
            ("/a?next=/b?api_key=x", "/a?next=/b"),
        ] {
            assert_eq!(taken(text, true).as_deref(), Some(left), "{text}");
        }
    }

    #[test]
    fn the_value_goes_however_it_is_spelled() {
        for (text, left) in [
            (
                "/login?next=%2Fx%3Fapi_key%3Ds3cr3t%2Fv%20lue%26b",
                "/login?next=%2Fx%3Fapi_key%3Dredacted%26b",
            ),
            ("/login?next=%252Fs3cr3t%252fv%2520lue", "/login?next=%252Fredacted"),
            ("/a?b=s3cr3t/v+lue&c", "/a?b=redacted&c"),
            ("/a?b=%73%33%63%72%33%74%2f%76%20%6c%75%65", "/a?b=redacted"),
            ("/a?b=s3cr3t/v lue", "/a?b=redacted"),
        ] {
            assert_eq!(taken(text, false).as_deref(), Some(left), "{text}");
        }
        assert_eq!(taken("/s3cr3t/v%20lue/x?y", true).as_deref(), Some("/redacted/x?y"));
        assert_eq!(taken("/s3cr3t/v%20lue/x?y", false), None);
    }

    #[test]
    fn what_comes_together_when_something_goes_goes_too() {
        for (text, left) in [
            ("<https://h/a?s3cr3t/v luepage=2&api_key=x>", "<https://h/a?redactedpage=2>"),
            ("/s3cr3t/v?api_key=x lue", "/redacted"),
            ("/a?api_key=s3cr3t/v lue&b=1", "/a?b=1"),
        ] {
            assert_eq!(taken(text, true).as_deref(), Some(left), "{text}");
        }
        let mark = [Watched { value: Secret::new(MARK), anywhere: true }];
        assert_eq!(redacted("/redacted", &[], &mark).as_deref(), Some("/redacted"));
    }

    #[test]
    fn nothing_to_take_out_is_no_new_text() {
        for text in
            ["", "/", "/a?b=1&c=api_key#d", "/a?xapi_key=1", "<é?a>", "/s3cr3t?s3cr3t/v", "/%"]
        {
            assert_eq!(taken(text, true), None, "{text}");
        }
    }

    #[test]
    fn short_values_are_found_by_name_alone() {
        let watched = [Watched { value: Secret::new("abc"), anywhere: true }];
        assert_eq!(
            redacted("/abc?k=abc&d=abc", &["k".into()], &watched).as_deref(),
            Some("/abc?d=abc")
        );
    }
}
