//! YAML to a tree of what is kept.
use super::error::ImportError;
use super::tree::Budget;
use super::tree::DEEP_HINT;
use super::tree::DEPTH_MAX;
use super::tree::Part;
use super::tree::TOO_MUCH_HINT;
use super::tree::TooMuch;
use saphyr_parser::Event;
use saphyr_parser::Parser;
use saphyr_parser::ScalarStyle;
use serde_json::Map;
use serde_json::Value;
use std::collections::HashMap;

/// Line and column, counted from 1.
type Place = (usize, usize);

pub(super) fn read(document: &str) -> Result<Value, ImportError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(document) {
        match event {
            Ok((event, span)) => {
                builder.take(event, (span.start.line(), span.start.col() + 1))?;
            }
            Err(problem) => {
                let marker = problem.marker();
                let what = format!("this is neither JSON nor YAML: {}", problem.info());
                let place = (marker.line(), marker.col() + 1);
                return Err(ImportError::at(place, what, "save the document again, whole"));
            }
        }
    }
    builder.root.ok_or_else(ImportError::empty)
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Value>,
    /// What anchors stand for, kept or not: an alias may stand where it is.
    anchors: HashMap<usize, Value>,
    budget: Budget,
    documents: usize,
}

/// A map or list that is not finished yet.
struct Open {
    part: Part,
    anchor: usize,
    /// Whether what is around it keeps it: not where it was read for its anchor alone.
    is_kept: bool,
    kind: Kind,
}

enum Kind {
    /// Nothing below it is kept.
    Past,
    List(Vec<Value>),
    Map {
        members: Map<String, Value>,
        key: Option<String>,
    },
}

impl Builder {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), ImportError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let hint = "import each from a file of its own";
                    return Err(ImportError::at(place, "a second document begins here", hint));
                }
                Ok(())
            }
            Event::Alias(id) => self.alias(id, place),
            Event::Scalar(text, style, anchor, _) => {
                if let Some(key) = self.key_due() {
                    *key = Some(text.into_owned());
                    return Ok(());
                }
                let part = self.part_due();
                if part == Part::Skipped && anchor == 0 {
                    self.forget_key();
                    return Ok(());
                }
                self.budget.spend(text.len()).map_err(|it| too_much(&it, place))?;
                let value = match (style == ScalarStyle::Plain, &*text) {
                    // YAML 1.2.2 §10.2, less the numbers: they stand where texts are due.
                    (true, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
                    (true, "true" | "True" | "TRUE") => Value::Bool(true),
                    (true, "false" | "False" | "FALSE") => Value::Bool(false),
                    _ => Value::String(text.into_owned()),
                };
                self.finished(value, anchor, part != Part::Skipped, place)
            }
            Event::SequenceStart(anchor, _) => self.begin(anchor, Kind::List(Vec::new()), place),
            Event::MappingStart(anchor, _) => {
                self.begin(anchor, Kind::Map { members: Map::new(), key: None }, place)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                match open.kind {
                    Kind::Past => {
                        self.forget_key();
                        Ok(())
                    }
                    Kind::List(items) => {
                        self.finished(Value::Array(items), open.anchor, open.is_kept, place)
                    }
                    Kind::Map { members, .. } => {
                        self.finished(Value::Object(members), open.anchor, open.is_kept, place)
                    }
                }
            }
        }
    }

    fn begin(&mut self, anchor: usize, kind: Kind, place: Place) -> Result<(), ImportError> {
        if self.key_due().is_some() {
            return Err(ImportError::at(place, "a key is a text, not a map or a list", ""));
        }
        if self.open.len() >= DEPTH_MAX {
            let problem = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(ImportError::at(place, problem, DEEP_HINT));
        }
        let (part, is_kept) = match self.part_due() {
            Part::Skipped if anchor != 0 => (Part::Whole, false),
            part => (part, part != Part::Skipped),
        };
        let kind = if part == Part::Skipped { Kind::Past } else { kind };
        if part != Part::Skipped {
            self.budget.spend(0).map_err(|it| too_much(&it, place))?;
        }
        self.open.push(Open { part, anchor, is_kept, kind });
        Ok(())
    }

    fn alias(&mut self, id: usize, place: Place) -> Result<(), ImportError> {
        if self.key_due().is_some() {
            return Err(ImportError::at(place, "a key is a text, not an alias", "write it out"));
        }
        if self.part_due() == Part::Skipped {
            self.forget_key();
            return Ok(());
        }
        let Some(value) = self.anchors.get(&id) else {
            let problem = "this alias stands inside its own anchor";
            return Err(ImportError::at(place, problem, "write the value out"));
        };
        self.budget.spend_tree(value).map_err(|it| too_much(&it, place))?;
        let value = value.clone();
        self.finished(value, 0, true, place)
    }

    /// Puts a finished value into what is open. Where a key stands twice the later one counts, as in JSON.
    fn finished(
        &mut self,
        value: Value,
        anchor: usize,
        is_kept: bool,
        place: Place,
    ) -> Result<(), ImportError> {
        if anchor != 0 {
            self.budget.spend_tree(&value).map_err(|it| too_much(&it, place))?;
            self.anchors.insert(anchor, value.clone());
        }
        if !is_kept {
            self.forget_key();
            return Ok(());
        }
        match self.open.last_mut().map(|it| &mut it.kind) {
            None => self.root = Some(value),
            Some(Kind::Past) => {}
            Some(Kind::List(items)) => items.push(value),
            Some(Kind::Map { members, key }) => {
                if let Some(key) = key.take() {
                    self.budget.spend_key(key.len()).map_err(|it| too_much(&it, place))?;
                    members.insert(key, value);
                }
            }
        }
        Ok(())
    }

    /// The open map's place for a key, where a key comes next.
    fn key_due(&mut self) -> Option<&mut Option<String>> {
        match self.open.last_mut().map(|it| &mut it.kind) {
            Some(Kind::Map { key, .. }) if key.is_none() => Some(key),
            _ => None,
        }
    }

    /// What the value is that comes next.
    fn part_due(&self) -> Part {
        let Some(open) = self.open.last() else { return Part::Root };
        match &open.kind {
            Kind::Past => Part::Skipped,
            Kind::List(_) => open.part.item(),
            Kind::Map { key, .. } => key.as_deref().map_or(Part::Skipped, |it| open.part.child(it)),
        }
    }

    fn forget_key(&mut self) {
        if let Some(Kind::Map { key, .. }) = self.open.last_mut().map(|it| &mut it.kind) {
            *key = None;
        }
    }
}

fn too_much(it: &TooMuch, place: Place) -> ImportError {
    ImportError::at(place, it.to_string(), TOO_MUCH_HINT)
}
