//! What is signed, and what a delivery is called, as a template over the delivery's parts.
//!
//! `{x}` is a value, `{x?}` one that may be absent, `[..{x}..]` a group that is left out where x is
//! absent, `{x|filter}` a value with something done to it; `{{`, `}}`, `[[` and `]]` are the
//! characters themselves.
mod filter;
mod value;

pub(super) use filter::Filter;
pub(super) use value::Canonical;
pub(super) use value::Value;

use super::delivery::Facts;
use super::refusal::Refusal;
use super::refusal::What;
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
pub(super) struct Slot {
    pub(super) value: Value,
    pub(super) optional: bool,
    /// In the order in which they are applied.
    pub(super) filters: Box<[Filter]>,
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
    #[error("`{{key}}` has a filter, which would hash something else")]
    FilteredKey,
    #[error("a group within a group")]
    NestedGroup,
    #[error("the group `[{0}]` has no value whose absence could drop it")]
    GroupWithoutValue(String),
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        parsed(text, false).map(Self)
    }

    /// What is there whatever the request looks like: not optional, not in a group.
    pub(super) fn certain(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().filter_map(|part| match part {
            Part::Slot(slot) if !slot.optional => Some(slot),
            Part::Slot(_) | Part::Literal(_) | Part::Group(_) => None,
        })
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        let slots = self.0.iter().flat_map(|part| match part {
            Part::Group(inner) => &inner[..],
            Part::Slot(_) | Part::Literal(_) => std::slice::from_ref(part),
        });
        slots.filter_map(|part| match part {
            Part::Slot(slot) => Some(slot),
            Part::Literal(_) | Part::Group(_) => None,
        })
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        self.slots().map(|it| &it.value)
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
        let mut filters = text.split('|');
        let text = filters.next().unwrap_or_default();
        let (text, optional) = text.strip_suffix('?').map_or((text, false), |it| (it, true));
        let unknown = || TemplateError::UnknownValue(text.to_owned());
        let value = Value::parse(text).ok_or_else(unknown)?;
        let filters = filters.map(Filter::parse).collect::<Result<Box<[_]>, _>>()?;
        if value == Value::Key && !filters.is_empty() {
            return Err(TemplateError::FilteredKey);
        }
        Ok(Self { value, optional, filters })
    }

    /// Whether this is what `value` stands for, with nothing lost on the way.
    pub(super) fn has_all_of(&self, value: &Value) -> bool {
        self.value == *value && self.keeps_all()
    }

    /// Whether every filter keeps what there is to know.
    pub(super) fn keeps_all(&self) -> bool {
        self.filters.iter().all(Filter::keeps_all)
    }

    fn piece<'d>(&'d self, facts: &Facts<'d>) -> Result<Option<Piece<'d>>, Refusal> {
        match self.value.piece(facts)? {
            Some(Piece::Bytes(mut bytes)) => {
                for filter in &self.filters {
                    bytes = filter.apply(&bytes, facts)?;
                }
                Ok(Some(Piece::Bytes(bytes)))
            }
            whole => Ok(whole),
        }
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
        let facts = Facts { timestamp: Some("1700"), ..Facts::of(&delivery) };
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
