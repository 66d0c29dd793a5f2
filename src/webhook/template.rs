//! What is signed, and what a delivery is called, as a template over the delivery's parts.
//!
//! `{x}` is a value, `{x?}` one that may be absent, `[..{x}..]` a group that is left out where x is
//! absent, `{x|pctdecode(chars)}` a value with these percent-encoded characters decoded; `{{`, `}}`,
//! `[[` and `]]` are the characters themselves.
use super::delivery::Facts;
use super::pointer::Pointer;
use super::refusal::Refusal;
use super::refusal::What;
use http::HeaderName;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template(Box<[Part]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Slot(Slot),
    Group(Box<[Part]>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    value: Value,
    optional: bool,
    /// Characters whose percent-encoding is undone.
    decode: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Body,
    Timestamp,
    Method,
    Url,
    UrlNoQuery,
    Key,
    Header(HeaderName),
    /// A query parameter's name, decoded.
    Query(Box<str>),
    /// What an entry of the signature's list begins with: `t=` for `{label.t}`.
    Label(Box<str>),
    Json(Pointer),
}

/// A piece of an evaluated template. The key is left to whoever has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'d> {
    Bytes(Cow<'d, [u8]>),
    Key,
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateError {
    #[error("`{0}` has no counterpart; a literal one is written twice")]
    Unpaired(char),
    #[error("there is no value `{0}`")]
    UnknownValue(String),
    #[error("there is no filter `{0}`")]
    UnknownFilter(String),
    #[error("a group within a group")]
    NestedGroup,
    #[error("the group `[{0}]` has no value whose absence could drop it")]
    GroupWithoutValue(String),
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        parsed(text, false).map(Self)
    }

    /// The values that are there whatever the request looks like: not optional, not in a group.
    pub(super) fn certain(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().filter_map(|part| match part {
            Part::Slot(slot) if !slot.optional => Some(&slot.value),
            Part::Slot(_) | Part::Literal(_) | Part::Group(_) => None,
        })
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        let slots = self.0.iter().flat_map(|part| match part {
            Part::Group(inner) => &inner[..],
            Part::Slot(_) | Part::Literal(_) => std::slice::from_ref(part),
        });
        slots.filter_map(|part| match part {
            Part::Slot(slot) => Some(&slot.value),
            Part::Literal(_) | Part::Group(_) => None,
        })
    }

    /// The pieces in order. A value that is absent without being optional, or there twice, is a
    /// refusal.
    pub(super) fn pieces<'d>(&'d self, facts: &Facts<'d>) -> Result<Vec<Piece<'d>>, Refusal> {
        let mut pieces = Vec::with_capacity(self.0.len());
        for part in &self.0 {
            match part {
                Part::Literal(text) => pieces.push(Piece::of(text.as_bytes())),
                Part::Slot(slot) => match slot.piece(facts)? {
                    Some(piece) => pieces.push(piece),
                    None if slot.optional => {}
                    None => return Err(Refusal::Missing(What::Value)),
                },
                Part::Group(inner) => pieces.extend(group(inner, facts)?.into_iter().flatten()),
            }
        }
        Ok(pieces)
    }

    /// The text in one piece; None where a value is absent.
    pub(super) fn text(&self, facts: &Facts<'_>) -> Result<Option<Vec<u8>>, Refusal> {
        let pieces = match self.pieces(facts) {
            Err(Refusal::Missing(_)) => return Ok(None),
            other => other?,
        };
        let bytes = pieces.iter().flat_map(|it| match it {
            Piece::Bytes(bytes) => &bytes[..],
            Piece::Key => &[],
        });
        Ok(Some(bytes.copied().collect::<Vec<u8>>()).filter(|it| !it.is_empty()))
    }
}

/// A group's pieces; None where one of its values is absent.
fn group<'d>(inner: &'d [Part], facts: &Facts<'d>) -> Result<Option<Vec<Piece<'d>>>, Refusal> {
    let mut pieces = Vec::with_capacity(inner.len());
    for part in inner {
        match part {
            Part::Literal(text) => pieces.push(Piece::of(text.as_bytes())),
            Part::Slot(slot) => match slot.piece(facts)? {
                Some(piece) => pieces.push(piece),
                None => return Ok(None),
            },
            Part::Group(_) => {}
        }
    }
    Ok(Some(pieces))
}

impl Slot {
    fn parse(text: &str) -> Result<Self, TemplateError> {
        let (text, decode) = match text.split_once('|') {
            None => (text, None),
            Some((text, filter)) => {
                let chars = filter.strip_prefix("pctdecode(").and_then(|it| it.strip_suffix(')'));
                let chars = chars.filter(|it| !it.is_empty() && it.is_ascii());
                let unknown = || TemplateError::UnknownFilter(filter.to_owned());
                (text, Some(chars.ok_or_else(unknown)?.into()))
            }
        };
        let (text, optional) = text.strip_suffix('?').map_or((text, false), |it| (it, true));
        let unknown = || TemplateError::UnknownValue(text.to_owned());
        Ok(Self { value: Value::parse(text).ok_or_else(unknown)?, optional, decode })
    }

    fn piece<'d>(&'d self, facts: &Facts<'d>) -> Result<Option<Piece<'d>>, Refusal> {
        let value: Option<Cow<'d, [u8]>> = match &self.value {
            Value::Key => return Ok(Some(Piece::Key)),
            Value::Body => Some(Cow::Borrowed(facts.delivery.body)),
            Value::Method => Some(Cow::Borrowed(facts.delivery.method.as_bytes())),
            Value::Url => Some(Cow::Borrowed(facts.delivery.url.as_bytes())),
            Value::UrlNoQuery => {
                let end = facts.delivery.url.find('?').unwrap_or(facts.delivery.url.len());
                Some(Cow::Borrowed(&facts.delivery.url.as_bytes()[..end]))
            }
            Value::Timestamp => facts.timestamp.map(|it| Cow::Borrowed(it.as_bytes())),
            Value::Header(name) => facts.delivery.header(name)?.map(Cow::Borrowed),
            Value::Query(name) => facts.delivery.query_value(name)?.map(|it| match it {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
            Value::Label(label) => facts.labelled(label)?.map(|it| Cow::Borrowed(it.as_bytes())),
            Value::Json(pointer) => {
                pointer.find(facts.delivery.body).map(|it| Cow::Owned(it.into_bytes()))
            }
        };
        Ok(value.map(|bytes| match &self.decode {
            None => Piece::Bytes(bytes),
            Some(chars) => Piece::Bytes(Cow::Owned(decoded(&bytes, chars.as_bytes()))),
        }))
    }
}

impl Value {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "body" => Self::Body,
            "timestamp" => Self::Timestamp,
            "method" => Self::Method,
            "url" => Self::Url,
            "url.no_query" => Self::UrlNoQuery,
            "key" => Self::Key,
            _ => match text.split_once('.')? {
                ("header", name) => Self::Header(name.parse().ok()?),
                ("query", name) if !name.is_empty() => {
                    Self::Query(percent_decode_str(name).decode_utf8().ok()?.into())
                }
                ("label", name) if !name.is_empty() => {
                    Self::Label(format!("{}=", name.trim_end_matches('=')).into())
                }
                ("json", pointer) => Self::Json(Pointer::parse(pointer)?),
                _ => return None,
            },
        })
    }
}

impl<'d> Piece<'d> {
    fn of(bytes: &'d [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

fn parsed(text: &str, in_group: bool) -> Result<Box<[Part]>, TemplateError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        if matches!(first, '{' | '}' | '[' | ']') && after.starts_with(first) {
            literal.push(first);
            rest = &after[1..];
            continue;
        }
        let part = match first {
            '{' => {
                let (inside, behind) = after.split_once('}').ok_or(TemplateError::Unpaired('{'))?;
                rest = behind;
                Part::Slot(Slot::parse(inside)?)
            }
            '[' if in_group => return Err(TemplateError::NestedGroup),
            '[' => {
                let end = group_end(after).ok_or(TemplateError::Unpaired('['))?;
                let inner = parsed(&after[..end], true)?;
                if !inner.iter().any(|it| matches!(it, Part::Slot(_))) {
                    return Err(TemplateError::GroupWithoutValue(after[..end].to_owned()));
                }
                rest = &after[end + 1..];
                Part::Group(inner)
            }
            '}' | ']' => return Err(TemplateError::Unpaired(first)),
            _ => {
                literal.push(first);
                rest = after;
                continue;
            }
        };
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal).into()));
        }
        parts.push(part);
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.into()));
    }
    Ok(parts.into())
}

/// Where the group's `]` is: the first that is neither doubled nor within braces.
fn group_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut in_braces) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        let doubled = bytes.get(at + 1) == Some(&byte);
        match byte {
            b'{' | b']' | b'[' if !in_braces && doubled => at += 1,
            b'{' => in_braces = true,
            b'}' if in_braces => in_braces = false,
            b']' if !in_braces => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// `bytes` with `%XX` replaced where it stands for one of `chars`.
fn decoded(bytes: &[u8], chars: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = if first == b'%' { after.first_chunk::<2>() } else { None };
        let byte = escaped.and_then(|pair| {
            let mut byte = [0];
            hex::decode_to_slice(pair, &mut byte).ok().filter(|()| chars.contains(&byte[0]))?;
            Some(byte[0])
        });
        plain.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::super::delivery::Delivery;
    use super::*;
    use http::HeaderMap;

    fn text(template: &str) -> Result<Option<String>, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert("x-id", "7".parse().unwrap());
        headers.append("x-twice", "1".parse().unwrap());
        headers.append("x-twice", "1".parse().unwrap());
        let delivery = Delivery {
            method: "POST",
            url: "https://hooks.example/a%2Fb%3a?data.id=9&x=a%20b&x=c",
            query: "data.id=9&x=a%20b&x=c",
            headers: &headers,
            body: br#"{"id":"evt_1"}"#,
        };
        let facts = Facts { delivery: &delivery, list: None, timestamp: Some("1700") };
        let text = Template::parse(template).unwrap().text(&facts)?;
        Ok(text.map(|it| String::from_utf8(it).unwrap()))
    }

    #[test]
    fn values_are_the_deliverys_own_bytes() {
        for (template, value) in [
            ("{timestamp}.{body}", r#"1700.{"id":"evt_1"}"#),
            ("{method}{url.no_query}", "POSThttps://hooks.example/a%2Fb%3a"),
            ("{url}", "https://hooks.example/a%2Fb%3a?data.id=9&x=a%20b&x=c"),
            ("{url.no_query|pctdecode(/:)}", "https://hooks.example/a/b:"),
            ("{url.no_query|pctdecode(:)}", "https://hooks.example/a%2Fb:"),
            ("v0:{header.X-ID}", "v0:7"),
            ("id:{query.data.id}", "id:9"),
            ("{json./id}", "evt_1"),
            ("{{{method}}} [[x]]", "{POST} [x]"),
            ("a{header.none?}b", "ab"),
            ("a[;id:{header.none};]b[ {header.x-id}[[]", "ab 7["),
            ("[{header.x-id}{header.none}]x", "x"),
        ] {
            assert_eq!(text(template).unwrap().as_deref(), Some(value), "{template}");
        }
    }

    #[test]
    fn absent_and_repeated_values() {
        assert_eq!(text("{header.none}"), Ok(None));
        assert_eq!(text("{header.none?}"), Ok(None), "an empty text is no text");
        for twice in ["{header.x-twice}", "{header.x-twice?}", "[{header.x-twice}]", "{query.x}"] {
            assert_eq!(text(twice), Err(Refusal::Malformed(What::Value)), "{twice}");
        }
    }

    #[test]
    fn what_is_no_template_says_why() {
        use TemplateError::{
            GroupWithoutValue, NestedGroup, UnknownFilter, UnknownValue, Unpaired,
        };
        for (bad, problem) in [
            ("{body", Unpaired('{')),
            ("body}", Unpaired('}')),
            ("[{body}", Unpaired('[')),
            ("{body}]", Unpaired(']')),
            ("{bodi}", UnknownValue("bodi".into())),
            ("{header.}", UnknownValue("header.".into())),
            ("{header.a b}", UnknownValue("header.a b".into())),
            ("{query.}", UnknownValue("query.".into())),
            ("{json.id}", UnknownValue("json.id".into())),
            ("{}", UnknownValue(String::new())),
            ("{url|upper}", UnknownFilter("upper".into())),
            ("{url|pctdecode()}", UnknownFilter("pctdecode()".into())),
            ("[a[{body}] ]", NestedGroup),
            ("[a]", GroupWithoutValue("a".into())),
        ] {
            assert_eq!(Template::parse(bad), Err(problem), "{bad}");
        }
    }
}
