//! JSON read strictly and without building it: a value's text as sent, each name on the way once.
use super::pointer::Pointer;
use super::refusal::Refusal;
use super::refusal::What;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::str;

/// Longest JSON that is read before anybody proved who sent it: 1 MiB.
pub(super) const UNPROVED_LEN_MAX: usize = 1 << 20;

/// One whole JSON value (RFC 8259), as it was sent and known to be well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Json<'d>(&'d str);

impl<'d> Json<'d> {
    /// Refused where `bytes` are anything but one JSON value in UTF-8.
    pub(super) fn read(bytes: &'d [u8]) -> Result<Self, Refusal> {
        let text = str::from_utf8(bytes).map_err(|_| malformed())?;
        serde_json::from_str::<IgnoredAny>(text).map_err(|_| malformed())?;
        Ok(Self(text.trim_matches(is_space)))
    }

    /// The same of what nobody proved yet: refused beyond its bound too.
    pub(super) fn read_unproved(bytes: &'d [u8]) -> Result<Self, Refusal> {
        if bytes.len() > UNPROVED_LEN_MAX { Err(malformed()) } else { Self::read(bytes) }
    }

    /// What the pointer leads to; None where there is nothing. A name on the way that an object
    /// has twice is refused: readers differ in which of the two they take.
    pub(super) fn at(self, pointer: &Pointer) -> Result<Option<Self>, Refusal> {
        let mut here = self;
        for name in pointer.names() {
            match here.child(name)? {
                Some(child) => here = child,
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    /// A string's text, a number or a boolean as it was sent; None for null, objects and lists.
    pub(super) fn text(self) -> Result<Option<Cow<'d, str>>, Refusal> {
        Ok(match self.0.as_bytes().first() {
            Some(b'"') => Some(unescaped(self.0)?),
            Some(b'{' | b'[' | b'n') | None => None,
            Some(_) => Some(Cow::Borrowed(self.0)),
        })
    }

    /// Every value that the path leads to, where `*` stands for each element of a list; None where
    /// it ends before its end somewhere.
    pub(super) fn all(self, path: &Pointer) -> Result<Option<Vec<Self>>, Refusal> {
        let mut found = vec![self];
        for name in path.names() {
            let mut next = Vec::new();
            for here in found {
                match name {
                    "*" if here.0.starts_with('[') => next.extend(here.elements()),
                    "*" => return Ok(None),
                    _ => match here.child(name)? {
                        Some(child) => next.push(child),
                        None => return Ok(None),
                    },
                }
            }
            found = next;
        }
        Ok(Some(found))
    }

    fn child(self, name: &str) -> Result<Option<Self>, Refusal> {
        match self.0.as_bytes().first() {
            Some(b'[') => {
                let plain = name == "0" || !name.starts_with(['0', '+']);
                let index = name.parse().ok().filter(|_| plain);
                Ok(index.and_then(|index: usize| self.elements().nth(index)))
            }
            Some(b'{') => {
                let mut found = None;
                for (key, value) in self.members() {
                    if *unescaped(key)? == *name && found.replace(value).is_some() {
                        return Err(malformed());
                    }
                }
                Ok(found)
            }
            _ => Ok(None),
        }
    }

    fn elements(self) -> impl Iterator<Item = Self> {
        let mut rest = inside(self.0);
        std::iter::from_fn(move || taken(&mut rest).map(Self))
    }

    /// Names, still in their quotes, and values.
    fn members(self) -> impl Iterator<Item = (&'d str, Self)> {
        let mut rest = inside(self.0);
        std::iter::from_fn(move || Some((taken(&mut rest)?, Self(taken(&mut rest)?))))
    }
}

fn malformed() -> Refusal {
    Refusal::Malformed(What::Value)
}

fn is_space(it: char) -> bool {
    matches!(it, ' ' | '\t' | '\n' | '\r')
}

/// What stands between the brackets.
fn inside(text: &str) -> &str {
    &text[1..text.len() - 1]
}

/// The next value, with the comma or colon behind it taken off too.
fn taken<'d>(rest: &mut &'d str) -> Option<&'d str> {
    let text = rest.trim_start_matches(is_space);
    let end = value_end(text.as_bytes());
    let (value, behind) = text.split_at(end);
    let behind = behind.trim_start_matches(is_space);
    *rest = behind.strip_prefix([',', ':']).unwrap_or(behind);
    (!value.is_empty()).then_some(value)
}

/// Where the value that `text` begins with ends. The text is known to be well-formed.
fn value_end(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return at + 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

fn string_end(text: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// A string's text. Half of a surrogate pair is refused, as nothing in UTF-8 stands for it.
fn unescaped(quoted: &str) -> Result<Cow<'_, str>, Refusal> {
    if quoted.contains('\\') {
        serde_json::from_str::<String>(quoted).map(Cow::Owned).map_err(|_| malformed())
    } else {
        Ok(Cow::Borrowed(inside(quoted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str, pointer: &str) -> Result<Option<String>, Refusal> {
        let found = Json::read(json.as_bytes())?.at(&Pointer::parse(pointer).unwrap())?;
        Ok(found.map(Json::text).transpose()?.flatten().map(Cow::into_owned))
    }

    #[test]
    fn values_are_their_text_as_sent() {
        let json = "\n{\"a\" : {\"b\":[1, \"two\",{\"c\":-3}]} ,\"x/y\":\"slash\",\"m~n\":\"tilde\",\
            \"\":\"empty\",\"f\":1.0,\"e\":1E+3,\"t\":true,\"n\":null,\"u\":\"\\u00e9\\\"]}\",\"\\u006b\":\"k\",\
            \"big\":123456789012345678901234567890}\r\n";
        for (pointer, value) in [
            ("/a/b/0", Some("1")),
            ("/a/b/1", Some("two")),
            ("/a/b/2/c", Some("-3")),
            ("/x~1y", Some("slash")),
            ("/m~0n", Some("tilde")),
            ("/", Some("empty")),
            ("/f", Some("1.0")),
            ("/e", Some("1E+3")),
            ("/t", Some("true")),
            ("/u", Some("é\"]}")),
            ("/k", Some("k")),
            ("/big", Some("123456789012345678901234567890")),
            ("/n", None),
            ("/a", None),
            ("/a/b", None),
            ("/a/b/00", None),
            ("/a/b/+1", None),
            ("/a/b/3", None),
            ("/a/b/x", None),
            ("/a/b/1/c", None),
            ("/nope", None),
        ] {
            assert_eq!(text(json, pointer).unwrap().as_deref(), value, "{pointer}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for (json, pointer) in [
            (r#"{"a":1,"a":1}"#, "/a"),
            (r#"{"a":1,"\u0061":2}"#, "/a"),
            (r#"{"a":{"b":1},"a":{"b":1}}"#, "/a/b"),
            (r#"{"a":{"b":1,"b":2}}"#, "/a/b"),
            (r#"{"a":"\ud800"}"#, "/a"),
            ("", "/a"),
            (r#"{"a":1}{"a":2}"#, "/a"),
            (r#"{"a":1,}"#, "/a"),
            (r#"{'a':1}"#, "/a"),
            (r#"{"a":01}"#, "/a"),
            (r#"{"a":NaN}"#, "/a"),
            ("\u{feff}{\"a\":1}", "/a"),
            ("x=1&a=2", "/a"),
        ] {
            assert_eq!(text(json, pointer), Err(malformed()), "{json}");
        }
        assert_eq!(Json::read(b"{\"a\":\"\xff\"}"), Err(malformed()));
        assert_eq!(
            text(r#"{"x":1,"x":2,"a":3}"#, "/a").unwrap().as_deref(),
            Some("3"),
            "elsewhere"
        );
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert!(Json::read(deep.as_bytes()).is_err() || text(&deep, "/0/0").unwrap().is_none());
    }

    #[test]
    fn a_path_with_stars_leads_to_every_element() {
        let path = Pointer::parse("/items/*/it").unwrap();
        let all = |json: &'static str| {
            let found = Json::read(json.as_bytes()).unwrap().all(&path).unwrap();
            found.map(|it| it.iter().map(|it| it.0).collect::<Vec<_>>())
        };
        assert_eq!(all(r#"{"items":[{"it":1},{"it":[ 2 ]}]}"#), Some(vec!["1", "[ 2 ]"]));
        assert_eq!(all(r#"{"items":[]}"#), Some(vec![]));
        for short in [r#"{"items":[{"it":1},{}]}"#, r#"{"items":{"it":1}}"#, "{}", "[]"] {
            assert_eq!(all(short), None, "{short}");
        }
    }
}
