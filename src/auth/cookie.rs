//! The caller's Cookie fields, byte for byte, less the cookies that are ours (RFC 6265 §4.2).
use super::query;
use http::HeaderMap;
use http::header::COOKIE;

/// Appends to `line` the cookies of `sent` that are not ours, as they were sent. Ours stand first in it,
/// so that no unclosed quote of the caller's can swallow them.
pub(super) fn keep_others(sent: &[u8], names: &[Box<str>], line: &mut Vec<u8>) {
    let mut first = true;
    let mut before = b';';
    for (piece, after) in pieces(sent) {
        let separator = std::mem::replace(&mut before, after);
        let is_ours = names.iter().any(|it| spells(piece, it));
        if is_ours {
            continue;
        }
        if !first {
            line.push(separator);
            line.extend_from_slice(piece);
        } else if !piece.trim_ascii().is_empty() {
            line.extend_from_slice(b"; ");
            line.extend_from_slice(piece.trim_ascii_start());
            first = false;
        }
    }
}

/// The cookies and the separator after each. A comma separates too: servers that read RFC 2965
/// (§3.3.4) take it so, and what they would read as our name has to go.
fn pieces(line: &[u8]) -> impl Iterator<Item = (&[u8], u8)> {
    let is_separator = |it: &u8| matches!(it, b';' | b',');
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(at) = text.iter().position(is_separator) else {
            rest = None;
            return Some((text, b';'));
        };
        rest = Some(&text[at + 1..]);
        Some((&text[..at], text[at]))
    })
}

/// True where a server could read the cookie's name as `name`: in another case, with spaces
/// around it, percent-encoded or with `+` for a space (as PHP did until CVE-2020-7070).
fn spells(cookie: &[u8], name: &str) -> bool {
    let end = cookie.iter().position(|it| *it == b'=').unwrap_or(cookie.len());
    query::reads_as(cookie[..end].trim_ascii(), name)
}

/// The value of the one cookie called `name`, its quotes taken off; `None` where there are two.
pub(super) fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let mut found = None;
    for line in headers.get_all(COOKIE) {
        for cookie in line.as_bytes().split(|it| *it == b';') {
            if !spells(cookie, name) {
                continue;
            }
            let at = cookie.iter().position(|it| *it == b'=')?;
            let value = cookie[at + 1..].trim_ascii();
            let bare = value.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\""));
            if found.replace(bare.unwrap_or(value)).is_some() {
                return None;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn sent(lines: &[&str]) -> String {
        let mut sent = b"sid=ours".to_vec();
        lines.iter().for_each(|it| keep_others(it.as_bytes(), &["sid".into()], &mut sent));
        String::from_utf8(sent).unwrap()
    }

    #[test]
    fn the_callers_other_cookies_stay_as_sent() {
        for (lines, line) in [
            (&[][..], "sid=ours"),
            (&["a=1"], "sid=ours; a=1"),
            (&["a=1; b=2"], "sid=ours; a=1; b=2"),
            (&["a=1;b=2"], "sid=ours; a=1;b=2"),
            (&["a=1", "b=2"], "sid=ours; a=1; b=2"),
            (&["a=\"x  y\"; b=\"\""], "sid=ours; a=\"x  y\"; b=\"\""),
            (&["a=\"x;  y\""], "sid=ours; a=\"x;  y\""),
            (&["a=x,y; b={\"c\":1,\"d\":2}"], "sid=ours; a=x,y; b={\"c\":1,\"d\":2}"),
            (&["a=sid=x; sid2=y; xsid=z; a"], "sid=ours; a=sid=x; sid2=y; xsid=z; a"),
            (&["a=é"], "sid=ours; a=é"),
            (&["a=1;"], "sid=ours; a=1;"),
            (&[""], "sid=ours"),
            (&["a=\""], "sid=ours; a=\""),
        ] {
            assert_eq!(sent(lines), line, "{lines:?}");
        }
    }

    #[test]
    fn every_copy_of_ours_goes() {
        for spelling in [
            "sid=x",
            "SID=x",
            "sid",
            "sid=",
            " sid = x",
            "%73id=x",
            "s%69d=x",
            "+sid=x",
            "sid%00+=x",
            "sid=\"x y\"",
            "sid=\"x",
        ] {
            for lines in [
                &[spelling.to_owned()][..],
                &[spelling.to_owned(), spelling.to_owned()],
                &[format!("{spelling}; {spelling}")],
                &[format!("{spelling},{spelling}")],
            ] {
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                assert_eq!(sent(&lines), "sid=ours", "{lines:?}");
            }
            assert_eq!(sent(&[&format!("a=1; {spelling}; b=2")]), "sid=ours; a=1; b=2");
            assert_eq!(sent(&[&format!("a=1,{spelling}; b=2"), spelling]), "sid=ours; a=1; b=2");
        }
    }

    #[test]
    fn the_value_of_one_cookie_is_read_and_of_two_is_not() {
        let read = |line: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(line));
            value(&headers, "sid").map(|it| String::from_utf8(it.to_vec()).unwrap())
        };
        assert_eq!(read("a=1; sid=k3y; b=2").as_deref(), Some("k3y"));
        assert_eq!(read("sid=\"k3y\"").as_deref(), Some("k3y"));
        assert_eq!(read("sid=a; sid=b"), None);
        assert_eq!(read("a=1"), None);
    }

    proptest! {
        #[test]
        fn other_cookies_survive_in_order_and_ours_is_there_once(
            cookies in prop::collection::vec(("[a-rt-z][a-z]{0,4}", "[!#-+\\--:<-~]{0,8}"), 0..6),
            at in any::<prop::sample::Index>(),
        ) {
            let others: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut caller = others.clone();
            caller.insert(at.index(others.len() + 1), "sid=theirs".into());
            let sent = sent(&[&caller.join("; ")]);
            let expected: Vec<&str> = std::iter::once("sid=ours").chain(others.iter().map(String::as_str)).collect();
            prop_assert_eq!(sent, expected.join("; "));
        }
    }
}
