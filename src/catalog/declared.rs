//! Which definitions stand in files, and where: the API shows them, and changes none of them.
use super::problem::PathSegment;
use crate::model::Key;
use crate::model::Secret;
use hashbrown::HashMap;
use serde::Serialize;
use serde_json::Value;
use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

/// A section of the catalogue whose entries have keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    Callers,
    Connectors,
    Connections,
    Integrations,
    Environments,
}

impl Section {
    pub const ALL: [Self; 5] = [
        Self::Callers,
        Self::Connectors,
        Self::Connections,
        Self::Integrations,
        Self::Environments,
    ];

    /// As configuration files and the API's paths have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Callers => "callers",
            Self::Connectors => "connectors",
            Self::Connections => "connections",
            Self::Integrations => "integrations",
            Self::Environments => "environments",
        }
    }

    /// One of its entries.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Callers => "caller",
            Self::Connectors => "connector",
            Self::Connections => "connection",
            Self::Integrations => "integration",
            Self::Environments => "environment",
        }
    }
}

/// A line of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u32,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A value that was filled in.
#[derive(Clone, Debug)]
pub struct Filled {
    /// Within its entry.
    pub path: Vec<PathSegment>,
    pub written: String,
    /// What may be seen nowhere, each with what was written for it.
    pub values: Vec<(Secret, String)>,
}

/// Where the entries of a configuration stand; nothing of what is in no file.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    pub entries: HashMap<(Section, String), Line>,
    /// What was filled in of them, by path: as it was written. Whoever sees a definition does not see secrets
    /// that stand in it by mistake.
    pub filled: HashMap<(Section, String), Vec<Filled>>,
    /// In the order of the list.
    pub activations: Vec<Line>,
}

/// A definition that stands in a file.
#[derive(Clone, Debug)]
pub struct Declared {
    pub line: Option<Line>,
    definition: Box<str>,
    /// What was filled in, each with what was written for it: the longest first, which may have another in it.
    hidden: Box<[(Secret, String)]>,
}

impl Declared {
    /// As it is written, less its secrets: for people. What a value was filled in with does not stand in it.
    pub fn definition(&self) -> Value {
        let mut value = serde_json::from_str(&self.definition).unwrap_or_default();
        drop_nulls(&mut value);
        value
    }

    /// What was filled in of it.
    pub(super) fn hidden(&self) -> &[(Secret, String)] {
        &self.hidden
    }
}

/// A piece of a text that is shown.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Open(&'a str),
    /// What was written for a value: it may have another value in it, which is to stay.
    Written(&'a str),
}

/// A text that was made of definitions, with what was written in the place of what was filled in.
pub(super) fn as_written<'a>(
    text: &'a str,
    hidden: impl Iterator<Item = &'a (Secret, String)>,
) -> String {
    let mut pieces = vec![Piece::Open(text)];
    for (value, written) in hidden {
        let parted = |piece: &Piece<'a>| match *piece {
            Piece::Written(_) => vec![*piece],
            Piece::Open(open) => {
                let parts = open.split(value.expose()).map(Piece::Open);
                let mut parted: Vec<Piece<'a>> =
                    parts.flat_map(|it| [Piece::Written(written), it]).collect();
                parted.remove(0);
                parted
            }
        };
        pieces = pieces.iter().flat_map(parted).collect();
    }
    let texts = pieces.into_iter().map(|it| match it {
        Piece::Open(text) | Piece::Written(text) => text,
    });
    texts.collect()
}

/// All the definitions that stand in files, by section and key.
#[derive(Clone, Debug, Default)]
pub struct Declarations([HashMap<Key, Declared, foldhash::fast::RandomState>; 5]);

impl Declarations {
    pub fn find(&self, section: Section, key: &str) -> Option<&Declared> {
        self.of(section).get(key)
    }

    /// In no order.
    pub fn all(&self, section: Section) -> impl Iterator<Item = (&Key, &Declared)> {
        self.of(section).iter()
    }

    pub(super) fn add(
        &mut self,
        section: Section,
        key: &Key,
        written: &impl Serialize,
        lines: &mut Lines,
    ) {
        let entry = (section, key.to_string());
        let line = lines.entries.remove(&entry);
        // What was read can be written: there are no keys in it but texts.
        let mut definition = serde_json::to_value(written).unwrap_or_default();
        let mut hidden = Vec::new();
        for Filled { path, written, values } in lines.filled.remove(&entry).unwrap_or_default() {
            put_back(&mut definition, &path, written);
            hidden.extend(values);
        }
        hidden.sort_by_key(|it| Reverse(it.0.expose().len()));
        let definition = definition.to_string().into();
        self.0[section as usize]
            .insert(key.clone(), Declared { line, definition, hidden: hidden.into() });
    }

    fn of(&self, section: Section) -> &HashMap<Key, Declared, foldhash::fast::RandomState> {
        &self.0[section as usize]
    }
}

/// Puts what was written in the place of the text at a path.
fn put_back(definition: &mut Value, path: &[PathSegment], written: String) {
    let mut steps = path.iter();
    let place = steps.try_fold(definition, |value, step| match step {
        PathSegment::Key(key) => value.get_mut(key.as_str()),
        PathSegment::Index(index) => value.get_mut(*index),
    });
    if let Some(Value::String(text)) = place {
        *text = written;
    }
}

/// A definition as it is written, in JSON, less what was not said.
pub(super) fn written(definition: &impl Serialize) -> Box<str> {
    // What was read can be written: there are no keys in it but texts.
    let mut value = serde_json::to_value(definition).unwrap_or_default();
    drop_nulls(&mut value);
    value.to_string().into()
}

/// What is null is the same as what was not said, which is not shown.
pub fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, it| !it.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_not_looked_at_again() {
        let hidden = [("eu.example.com", "${HOST:-eu.example.com}"), ("eu.example", "${PART}")];
        let hidden = hidden.map(|it| (Secret::new(it.0), it.1.to_owned()));
        let shown = as_written("https://eu.example.com/eu.example/eu.example", hidden.iter());
        assert_eq!(shown, "https://${HOST:-eu.example.com}/${PART}/${PART}");
        assert_eq!(as_written("", hidden.iter()), "");
    }
}
