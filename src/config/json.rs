//! JSON (RFC 8259) as the API is sent it: the reader of files, with JSON pointers for places.
use super::document::EVERY_KEY;
use super::node::Field;
use super::node::Fields;
use super::node::Node;
use super::node::Place;
use super::node::Scalar;
use super::node::Step;
use super::node::Style;
use super::node::Value;
use super::read::read_tree;
use serde::de::DeserializeOwned;
use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Value as Json;
use std::cell::RefCell;
use std::fmt;

/// Deepest nesting. Nothing that attache is sent has more than 12 levels.
const DEPTH_MAX: usize = 32;

/// Where the API's fields are described.
const EVERY_FIELD: &str = "/openapi.json describes every field";

/// What is wrong with JSON that was sent, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonProblem {
    /// RFC 6901; empty for the whole.
    pub pointer: String,
    pub problem: String,
    /// What to send instead. May be empty.
    pub hint: String,
}

/// Why a text is not JSON that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// It is not JSON at all: in words, with line and column.
    Syntax(String),
    /// It is JSON, but a key stands twice, or it is nested too deep.
    Unsound(JsonProblem),
}

/// Parses a text. A key that stands twice is refused: readers differ in which one counts.
pub fn parse_json(text: &[u8]) -> Result<Json, JsonError> {
    let found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let parsed = Checked { found: &found, depth: 0 }.deserialize(&mut deserializer);
    let parsed = parsed.and_then(|it| deserializer.end().map(|()| it));
    parsed.map_err(|error| match found.problem.into_inner() {
        Some(problem) => JsonError::Unsound(problem),
        None => JsonError::Syntax(error.to_string()),
    })
}

/// Reads a value as `T`; everything that is wrong with it at once.
pub fn read_json<T: DeserializeOwned>(json: &Json) -> Result<T, Vec<JsonProblem>> {
    let node = node(json);
    let (value, misread) = read_tree(&node);
    match value {
        Some(value) if misread.is_empty() => Ok(value),
        _ => Err(misread
            .into_iter()
            .map(|it| JsonProblem {
                pointer: pointer(
                    it.steps.iter().copied().chain(it.unknown.as_deref().map(Step::Key)),
                ),
                problem: it.problem,
                hint: it.hint.replace(EVERY_KEY, EVERY_FIELD),
            })
            .collect()),
    }
}

/// RFC 6901 §3: `~` and `/` in a key are escaped.
pub fn pointer<'a>(steps: impl IntoIterator<Item = Step<'a>>) -> String {
    let mut text = String::new();
    for step in steps {
        text.push('/');
        match step {
            Step::Key(key) => text.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => text.push_str(&index.to_string()),
        }
    }
    text
}

fn node(json: &Json) -> Node {
    let place = Place { file: 0, line: 0, column: 0 };
    let bare = |it: String| Value::Scalar(Scalar { text: it.into(), style: Style::Bare });
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(it) => bare(it.to_string()),
        Json::Number(it) => bare(it.to_string()),
        Json::String(it) => {
            Value::Scalar(Scalar { text: it.as_str().into(), style: Style::Quoted })
        }
        Json::Array(items) => Value::List(items.iter().map(node).collect()),
        Json::Object(members) => {
            let fields = members.iter().map(|(key, it)| (&**key, node(it)));
            let fields = fields.map(|(key, node)| (key.into(), Field { place, node }));
            Value::Map(Box::new(fields.collect::<Fields>()))
        }
    };
    Node { place, value }
}

/// Where the parser is, and what it stopped at.
#[derive(Default)]
struct Found {
    path: RefCell<Vec<Owned>>,
    problem: RefCell<Option<JsonProblem>>,
}

enum Owned {
    Key(String),
    Index(usize),
}

impl Found {
    fn stop<E: Error>(&self, problem: String, hint: &str) -> E {
        let path = self.path.borrow();
        let steps = path.iter().map(|it| match it {
            Owned::Key(key) => Step::Key(key),
            Owned::Index(index) => Step::Index(*index),
        });
        let pointer = pointer(steps);
        *self.problem.borrow_mut() = Some(JsonProblem { pointer, problem, hint: hint.to_owned() });
        E::custom("unsound")
    }

    fn within<T>(&self, step: Owned, read: impl FnOnce() -> T) -> T {
        self.path.borrow_mut().push(step);
        read()
    }

    fn leave(&self) {
        self.path.borrow_mut().pop();
    }
}

#[derive(Clone, Copy)]
struct Checked<'f> {
    found: &'f Found,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Checked<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Checked<'_> {
    fn inside<E: Error>(self) -> Result<Self, E> {
        if self.depth >= DEPTH_MAX {
            return Err(self.found.stop(format!("nested deeper than {DEPTH_MAX} levels"), ""));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> Visitor<'de> for Checked<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let mut list = Vec::new();
        loop {
            let step = Owned::Index(list.len());
            let Some(item) = self.found.within(step, || items.next_element_seed(inside))? else {
                self.found.leave();
                return Ok(Json::Array(list));
            };
            self.found.leave();
            list.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let mut members = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let step = Owned::Key(key.clone());
            if members.contains_key(&key) {
                self.found.path.borrow_mut().push(step);
                let problem = format!("`{}` is set twice", key.escape_debug());
                return Err(self.found.stop(problem, "keep one of them"));
            }
            let value = self.found.within(step, || entries.next_value_seed(inside))?;
            self.found.leave();
            members.insert(key, value);
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: String,
        #[serde(default)]
        on: bool,
        #[serde(default)]
        count: Option<u32>,
        #[serde(default)]
        names: BTreeMap<String, String>,
    }

    fn problems(text: &str) -> Vec<(String, String, String)> {
        let json = match parse_json(text.as_bytes()) {
            Ok(json) => json,
            Err(JsonError::Syntax(text)) => return vec![("?".into(), text, String::new())],
            Err(JsonError::Unsound(it)) => return vec![(it.pointer, it.problem, it.hint)],
        };
        let read = read_json::<Sample>(&json).map(|_| ()).unwrap_err();
        read.into_iter().map(|it| (it.pointer, it.problem, it.hint)).collect()
    }

    #[test]
    fn what_is_sound_is_read() {
        let text =
            r#"{"name": "a\u00e9\ud83d\ude00", "on": true, "count": 3, "names": {"x": "1"}}"#;
        let sample: Sample = read_json(&parse_json(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(sample.name, "a\u{e9}\u{1f600}");
        assert_eq!((sample.on, sample.count, &*sample.names["x"]), (true, Some(3), "1"));
    }

    #[test]
    fn each_problem_has_its_pointer_and_all_are_told_at_once() {
        // Each row breaks `{"name": "a"}` in its own way.
        let cases: &[(&str, &[(&str, &str)])] = &[
            (r#"{"name": 5}"#, &[("/name", "expected a string, found a number")]),
            (r#"{"name": "a", "on": "true"}"#, &[("/on", "expected a boolean, found a text")]),
            (r#"{"name": "a", "on": 1}"#, &[("/on", "expected a boolean, found a number")]),
            (
                r#"{"name": "a", "nam": "b"}"#,
                &[("/nam", "unknown field `nam`, expected `name`, `on`, `count` or `names`")],
            ),
            (r#"{}"#, &[("", "`name` is missing")]),
            (r#"[]"#, &[("", "expected struct Sample, found a list")]),
            (
                r#"{"name": "a", "names": {"a/b~c": 1}}"#,
                &[("/names/a~1b~0c", "expected a string, found a number")],
            ),
            (
                r#"{"name": 1, "count": -1}"#,
                &[
                    ("/name", "expected a string, found a number"),
                    ("/count", "expected u32, found a number"),
                ],
            ),
            (r#"{"name": "a", "name": "a"}"#, &[("/name", "`name` is set twice")]),
            (
                r#"{"name": "a", "names": {"x": "1", "x": "1"}}"#,
                &[("/names/x", "`x` is set twice")],
            ),
            (r#"{"name": "a""#, &[("?", "EOF while parsing an object at line 1 column 12")]),
            (r#"{"name": "a"} x"#, &[("?", "trailing characters at line 1 column 15")]),
        ];
        for (text, expected) in cases {
            let found = problems(text);
            let found: Vec<_> = found.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
            assert_eq!(&found[..], *expected, "{text}");
        }
    }

    #[test]
    fn a_hint_names_the_api_s_own_description() {
        assert_eq!(problems("{}")[0].2, EVERY_FIELD);
    }

    #[test]
    fn nesting_has_a_bound() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse_json(nested(DEPTH_MAX).as_bytes()).is_ok());
        let error = parse_json(nested(DEPTH_MAX + 1).as_bytes()).unwrap_err();
        let JsonError::Unsound(problem) = error else { panic!("{error:?}") };
        assert_eq!(problem.pointer, "/0".repeat(DEPTH_MAX));
    }
}
