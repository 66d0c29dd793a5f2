//! One value out of a JSON text, found without building the rest (RFC 6901).
use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use std::fmt;

/// A JSON pointer: `/a/0/b`, with `~1` for a slash and `~0` for a tilde in a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer(Box<[Box<str>]>);

impl Pointer {
    /// None where `text` does not begin with a slash or has a tilde without 0 or 1 behind it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let names = text.strip_prefix('/')?.split('/');
        names.map(unescaped).collect::<Option<_>>().map(Self)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|it| &**it)
    }

    /// The string or whole number it points to, as text; None for whatever else. It stops reading
    /// once found, so it must only be asked of a body whose signature is good.
    pub(super) fn find(&self, json: &[u8]) -> Option<String> {
        let mut found = None;
        let mut reader = serde_json::Deserializer::from_slice(json);
        // Stopping early is an error to the parser; what counts is whether the value was found.
        let _ = Seek { names: &self.0, found: &mut found }.deserialize(&mut reader);
        found
    }
}

fn unescaped(name: &str) -> Option<Box<str>> {
    let mut pieces = name.split('~');
    let mut plain = pieces.next()?.to_owned();
    for piece in pieces {
        plain.push(match piece.as_bytes().first()? {
            b'0' => '~',
            b'1' => '/',
            _ => return None,
        });
        plain.push_str(&piece[1..]);
    }
    Some(plain.into())
}

struct Seek<'s> {
    names: &'s [Box<str>],
    found: &'s mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seek<'_> {
    fn take<E: Error>(self, text: String) -> Result<(), E> {
        if self.names.is_empty() {
            *self.found = Some(text);
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a whole number at the pointer's end")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.take(text.to_owned())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.take(number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.take(number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (first, names) = self.names.split_first().ok_or_else(|| A::Error::custom("a map"))?;
        while let Some(key) = map.next_key::<String>()? {
            if *key == **first {
                return map.next_value_seed(Seek { names, found: self.found });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let (first, names) = self.names.split_first().ok_or_else(|| A::Error::custom("a list"))?;
        let index: usize = first.parse().map_err(|_| A::Error::custom("a list"))?;
        for _ in 0..index {
            if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        seq.next_element_seed(Seek { names, found: self.found })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_strings_and_whole_numbers_and_nothing_else() {
        let json = br#"{"a":{"b":[1,"two",{"c":-3}]},"x/y":"slash","m~n":"tilde","":"empty",
            "f":1.5,"e":1e3,"t":true,"n":null,"u":"\u00e9"}"#;
        for (pointer, value) in [
            ("/a/b/0", Some("1")),
            ("/a/b/1", Some("two")),
            ("/a/b/2/c", Some("-3")),
            ("/x~1y", Some("slash")),
            ("/m~0n", Some("tilde")),
            ("/", Some("empty")),
            ("/u", Some("é")),
            ("/a", None),
            ("/a/b", None),
            ("/a/b/9", None),
            ("/a/b/x", None),
            ("/a/b/1/c", None),
            ("/f", None),
            ("/e", None),
            ("/t", None),
            ("/n", None),
            ("/nope", None),
        ] {
            let found = Pointer::parse(pointer).unwrap().find(json);
            assert_eq!(found.as_deref(), value, "{pointer}");
        }
    }

    #[test]
    fn what_is_no_json_has_no_values() {
        for body in ["", "null", "x=1&y=2", "{", "[1", "\u{feff}{\"a\":1}"] {
            assert_eq!(Pointer::parse("/a").unwrap().find(body.as_bytes()), None, "{body}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(Pointer::parse("/0/0").unwrap().find(deep.as_bytes()), None);
    }

    #[test]
    fn a_pointer_begins_with_a_slash() {
        for bad in ["", "a", "#/a", "/a~", "/a~2"] {
            assert_eq!(Pointer::parse(bad), None, "{bad}");
        }
    }
}
