//! YAML text to a tree of [`Node`]s, with every bound that keeps a hostile file small.
use super::error::ConfigError;
use super::error::split_hint;
use super::interpolate::FillError;
use super::interpolate::Sources;
use super::interpolate::fill;
use super::node::Field;
use super::node::Fields;
use super::node::Node;
use super::node::Place;
use super::node::Scalar;
use super::node::Step;
use super::node::Style;
use super::node::Value;
use super::node::dotted;
use indexmap::map::Entry;
use saphyr_parser::Event;
use saphyr_parser::Parser;
use saphyr_parser::ScalarStyle;
use saphyr_parser::Span;
use saphyr_parser::Tag;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

/// Deepest nesting of maps and lists. Nothing that attache reads has more than 12.
const DEPTH_MAX: usize = 64;

/// Values that all anchors and aliases of a file may stand for together: no "billion laughs".
const ALIASED_MAX: usize = 10_000;

/// What a file is parsed with.
pub(super) struct Input<'a> {
    /// As it is shown in messages.
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    /// Which file of the document it is.
    pub(super) index: u32,
    pub(super) sources: Sources<'a>,
}

/// The tree, as far as it could be made; what is wrong goes to `errors`. `None` where the text is
/// not YAML, or holds nothing.
pub(super) fn parse(input: &Input<'_>, errors: &mut Vec<ConfigError>) -> Option<Node> {
    // A byte order mark is not content (YAML 1.2.2 §5.2).
    let text = input.text.strip_prefix('\u{feff}').unwrap_or(input.text);
    let mut builder = Builder {
        input,
        errors,
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        aliased: 0,
        documents: 0,
    };
    for event in Parser::new_from_str(text) {
        let step = match event {
            Ok((event, span)) => builder.take(event, builder.place(span)),
            Err(problem) => {
                let marker = problem.marker();
                let place = builder.at(marker.line(), marker.col());
                let what = format!("this is not YAML: {}", problem.info());
                let line = text.lines().nth(marker.line().saturating_sub(1)).unwrap_or_default();
                let fills = line.contains("${");
                let hint = if fills { "put a value with ${…} in it into quotes" } else { "" };
                Err(builder.error(place, &what, hint))
            }
        };
        if let Err(problem) = step {
            builder.errors.push(*problem);
            return None;
        }
    }
    builder.root
}

struct Builder<'a, 'e> {
    input: &'a Input<'a>,
    errors: &'e mut Vec<ConfigError>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
    documents: usize,
}

/// A map or list that is not finished yet.
struct Open {
    place: Place,
    anchor: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Map { fields: Fields, key: Option<(String, Place)> },
}

/// Boxed: it is returned for each event, and nearly never there.
type Stop = Box<ConfigError>;

impl Builder<'_, '_> {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), Stop> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let hint = "put each document into a file of its own";
                    return Err(self.error(place, "a second document begins here", hint));
                }
                Ok(())
            }
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id).cloned() else {
                    let hint = "write the value out";
                    return Err(self.error(place, "this alias stands inside its own anchor", hint));
                };
                self.count_aliased(&node, place)?;
                self.finished(Node { place, ..node }, 0)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text_by_tag = self.check_tag(tag.as_deref(), place)?;
                if let Some(key) = self.key_due() {
                    *key = Some((text.into_owned(), place));
                    return Ok(());
                }
                let plain = style == ScalarStyle::Plain && !text_by_tag;
                let value = self.scalar(text, plain, place);
                self.finished(Node { place, value }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), place)?;
                self.begin(Open { place, anchor, kind: Kind::List(Vec::new()) })
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), place)?;
                let kind = Kind::Map { fields: Fields::default(), key: None };
                self.begin(Open { place, anchor, kind })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let value = match open.kind {
                    Kind::List(mut items) => {
                        items.shrink_to_fit();
                        Value::List(items)
                    }
                    Kind::Map { mut fields, .. } => {
                        fields.shrink_to_fit();
                        Value::Map(Box::new(fields))
                    }
                };
                self.finished(Node { place: open.place, value }, open.anchor)
            }
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), Stop> {
        if self.key_due().is_some() {
            return Err(self.error(open.place, "a key is a text, not a map or a list", ""));
        }
        if self.open.len() >= DEPTH_MAX {
            let problem = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(self.error(open.place, &problem, ""));
        }
        self.open.push(open);
        Ok(())
    }

    /// Puts a finished value into what is open.
    fn finished(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        if anchor != 0 {
            self.count_aliased(&node, node.place)?;
            self.anchors.insert(anchor, node.clone());
        }
        let duplicate = match self.open.last_mut().map(|it| &mut it.kind) {
            None => {
                self.root = Some(node);
                None
            }
            Some(Kind::List(items)) => {
                items.push(node);
                None
            }
            Some(Kind::Map { fields, key }) => match key.take() {
                // An alias in a key's place.
                None => return Err(self.error(node.place, "a key is a text, not an alias", "")),
                Some((key, place)) => match fields.entry(key.into()) {
                    Entry::Vacant(entry) => {
                        entry.insert(Field { place, node });
                        None
                    }
                    Entry::Occupied(entry) => {
                        Some((entry.key().clone(), place, entry.get().place.line))
                    }
                },
            },
        };
        if let Some((key, place, first)) = duplicate {
            let problem = format!("`{key}` is set twice: here and in line {first}");
            let error = self.error(place, &problem, "keep one of them");
            self.errors.push(*error);
        }
        Ok(())
    }

    /// The open map's place for a key, where a key comes next.
    fn key_due(&mut self) -> Option<&mut Option<(String, Place)>> {
        match self.open.last_mut().map(|it| &mut it.kind) {
            Some(Kind::Map { key, .. }) if key.is_none() => Some(key),
            _ => None,
        }
    }

    fn scalar(&mut self, text: Cow<'_, str>, plain: bool, place: Place) -> Value {
        let folder = Path::new(self.input.name).parent().unwrap_or(Path::new(""));
        match fill(&text, folder, &self.input.sources) {
            Ok(Some(filled)) => Value::Scalar(Scalar {
                text: filled.text.into(),
                style: Style::Filled { written: text.into(), pieces: filled.pieces },
            }),
            Ok(None) if plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") => {
                Value::Null
            }
            Ok(None) => Value::Scalar(Scalar {
                text: text.into(),
                style: if plain { Style::Plain } else { Style::Quoted },
            }),
            Err(problem) => {
                let unset = match &problem {
                    FillError::Unset(name) => Some(name.as_str().into()),
                    _ => None,
                };
                let (problem, hint) = split_hint(&problem.to_string());
                let error = self.error(place, &problem, &hint);
                self.errors.push(*error);
                // The value is missing, and said so: nothing more is to be said of it. The text keeps
                // what stands beside it from being called wrong for its sake.
                Value::Scalar(Scalar { text: "unset".into(), style: Style::Missing { unset } })
            }
        }
    }

    /// True where the tag says that the value is a text. The other tags mean nothing here.
    fn check_tag(&self, tag: Option<&Tag>, place: Place) -> Result<bool, Stop> {
        let Some(tag) = tag else { return Ok(false) };
        if tag.is_yaml_core_schema() && tag.suffix == "str" || tag.to_string() == "!" {
            return Ok(true);
        }
        Err(self.error(place, &format!("the tag `{tag}` means nothing here"), "leave it out"))
    }

    fn count_aliased(&mut self, node: &Node, place: Place) -> Result<(), Stop> {
        self.aliased += node.size();
        if self.aliased > ALIASED_MAX {
            let problem = format!("anchors and aliases stand for more than {ALIASED_MAX} values");
            return Err(self.error(place, &problem, "write them out, or split the file"));
        }
        Ok(())
    }

    fn place(&self, span: Span) -> Place {
        self.at(span.start.line(), span.start.col())
    }

    /// The parser counts lines from 1 and columns from 0.
    fn at(&self, line: usize, column: usize) -> Place {
        let count = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
        Place { file: self.input.index, line: count(line), column: count(column + 1) }
    }

    fn error(&self, place: Place, problem: &str, hint: &str) -> Stop {
        let steps = self.open.iter().filter_map(|open| match &open.kind {
            Kind::List(items) => Some(Step::Index(items.len())),
            Kind::Map { key, .. } => key.as_ref().map(|(key, _)| Step::Key(key)),
        });
        Box::new(ConfigError {
            file: self.input.name.to_owned(),
            line: place.line,
            column: place.column,
            key: dotted(steps),
            problem: problem.to_owned(),
            hint: hint.to_owned(),
        })
    }
}
