//! One value of a configuration file, and where it stands.
use super::interpolate::Piece;
use indexmap::IndexMap;

/// A value, with its place.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// File (an index into the document's list), line and column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: u32,
    pub(super) line: u32,
    pub(super) column: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    /// Boxed, so that the many scalars are small.
    Map(Box<Fields>),
}

pub(super) type Fields = IndexMap<Box<str>, Field, foldhash::fast::RandomState>;

/// What a key of a map holds. The place is the key's.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) place: Place,
    pub(super) node: Node,
}

#[derive(Clone)]
pub(super) struct Scalar {
    pub(super) text: Box<str>,
    pub(super) style: Style,
}

impl std::fmt::Debug for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[scalar]")
    }
}

/// How a scalar was written, which says what it may be read as.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Style {
    /// Unquoted: a number or a boolean where it looks like one.
    Plain,
    /// In quotes or a block: always a text.
    Quoted,
    /// JSON's, without quotes: a number or a boolean, never a text.
    Bare,
    /// Made by interpolation: a text, a number where a number is due. Messages show how it was
    /// written, never what was filled in.
    Filled { written: Box<str>, pieces: Box<[Piece]> },
    /// Could not be filled in, and that was said: nothing more is said of it. The setting, where it is not set.
    Missing { unset: Option<Box<str>> },
}

/// A step from a node to one of its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Node {
    /// The entries of a map, in the order of the file; none for anything else.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        let map = if let Value::Map(fields) = &self.value { Some(fields) } else { None };
        map.into_iter().flat_map(|it| it.iter()).map(|(key, field)| (&**key, &field.node))
    }

    pub(super) fn fields(&self) -> Option<&Fields> {
        if let Value::Map(fields) = &self.value { Some(fields) } else { None }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// True for a value whose interpolation failed.
    pub(super) fn is_missing(&self) -> bool {
        matches!(&self.value, Value::Scalar(Scalar { style: Style::Missing { .. }, .. }))
    }

    /// The setting that was to fill it in, where it is not set.
    pub(super) fn unset(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(Scalar { style: Style::Missing { unset }, .. }) => unset.as_deref(),
            _ => None,
        }
    }

    /// A map less these entries; anything else as it is.
    pub fn without(&self, names: &[&str]) -> Self {
        let mut node = self.clone();
        if let Value::Map(fields) = &mut node.value {
            fields.retain(|name, _| !names.contains(&&**name));
        }
        node
    }

    pub(super) fn child(&self, step: Step<'_>) -> Option<&Node> {
        match (step, &self.value) {
            (Step::Key(key), Value::Map(fields)) => fields.get(key).map(|it| &it.node),
            (Step::Index(index), Value::List(items)) => items.get(index),
            _ => None,
        }
    }

    pub(super) fn children(&self) -> impl Iterator<Item = (Step<'_>, &Node)> {
        let items = self.items().iter().enumerate().map(|(at, it)| (Step::Index(at), it));
        self.entries().map(|(key, it)| (Step::Key(key), it)).chain(items)
    }

    /// Values in it, itself included.
    pub(super) fn size(&self) -> usize {
        1 + self.children().map(|(_, it)| it.size()).sum::<usize>()
    }

    /// What to call it in a message.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(scalar) => match scalar.style {
                Style::Plain | Style::Bare if scalar.text.parse::<f64>().is_ok() => "a number",
                Style::Plain | Style::Bare if matches!(&*scalar.text, "true" | "false") => {
                    "a boolean"
                }
                _ => "a text",
            },
        }
    }

    /// Tells nodes of one document apart.
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// `connections.github-prod.auth`, `activations[0].tenant`.
pub(super) fn dotted<'a>(path: impl IntoIterator<Item = Step<'a>>) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}
