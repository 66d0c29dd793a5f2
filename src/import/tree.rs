//! What of a document is kept in memory: the few parts that a connector is made of.
//!
//! A description is nearly all schemas, parameters and examples. They are read past, so that a document of 32 MiB takes
//! hardly more memory than its own text.
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// Deepest nesting of what is kept, and of YAML at all.
pub(super) const DEPTH_MAX: usize = 100;

/// The way out of what is nested deeper.
pub(super) const DEEP_HINT: &str = "put what is deepest into components";

/// Most that may be kept: each value weighs 1, and another for each 64 bytes of its text. GitHub's description, the
/// largest of well-known ones, weighs about 40,000. What aliases stand for weighs as if it were written out.
pub(super) const WEIGHT_MAX: usize = 200_000;

/// Bytes of text that weigh as much as a value.
const WEIGHED: usize = 64;

/// Longest key of what is kept, in bytes: each place below is told with all of its keys.
pub(super) const KEY_LEN_MAX: usize = 1024;

/// What a place in the document is, as far as it matters for what is kept below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it is kept.
    Whole,
    /// Nothing of it is.
    Skipped,
    Root,
    Components,
    Paths,
    PathItem,
    Operation,
}

/// The fixed methods of a path item (OpenAPI 3.2.0 §4.9); Swagger 2.0 has no `trace`.
pub(super) const METHODS: [&str; 9] =
    ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

impl Part {
    pub(super) fn child(self, key: &str) -> Self {
        match (self, key) {
            (Self::Whole, _) => Self::Whole,
            (Self::Root, "paths") => Self::Paths,
            (Self::Root, "components") => Self::Components,
            (
                Self::Root,
                "openapi"
                | "swagger"
                | "info"
                | "externalDocs"
                | "servers"
                | "host"
                | "basePath"
                | "schemes"
                | "security"
                | "securityDefinitions",
            )
            | (Self::Components, "securitySchemes")
            | (Self::PathItem, "$ref" | "servers")
            | (
                Self::Operation,
                "$ref" | "operationId" | "summary" | "description" | "tags" | "deprecated"
                | "security" | "servers",
            ) => Self::Whole,
            // That there are any is told, and no more.
            (Self::Root, "webhooks") | (Self::Operation, "callbacks") => Self::Operation,
            (Self::Components, "pathItems") => Self::Paths,
            (Self::Paths, key) if !key.starts_with("x-") => Self::PathItem,
            (Self::PathItem, key) if METHODS.contains(&key) => Self::Operation,
            _ => Self::Skipped,
        }
    }

    pub(super) fn item(self) -> Self {
        match self {
            Self::Whole => Self::Whole,
            _ => Self::Skipped,
        }
    }
}

/// What may still be kept.
#[derive(Debug)]
pub(super) struct Budget(usize);

/// What is not kept, and so is refused.
#[derive(Debug)]
pub(super) enum TooMuch {
    /// More would have to be kept than [`WEIGHT_MAX`].
    Heavy,
    /// A key is of so many bytes, which are more than [`KEY_LEN_MAX`].
    Key(usize),
}

impl Default for Budget {
    fn default() -> Self {
        Self(WEIGHT_MAX)
    }
}

impl Budget {
    pub(super) fn spend(&mut self, text_len: usize) -> Result<(), TooMuch> {
        self.0 = self.0.checked_sub(1 + text_len / WEIGHED).ok_or(TooMuch::Heavy)?;
        Ok(())
    }

    pub(super) fn spend_key(&mut self, key_len: usize) -> Result<(), TooMuch> {
        if key_len > KEY_LEN_MAX {
            return Err(TooMuch::Key(key_len));
        }
        self.spend(key_len)
    }

    /// For a copy of all of it. Stops as soon as it is too much.
    pub(super) fn spend_tree(&mut self, value: &Value) -> Result<(), TooMuch> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.spend(0),
            Value::String(text) => self.spend(text.len()),
            Value::Array(items) => {
                self.spend(0)?;
                items.iter().try_for_each(|it| self.spend_tree(it))
            }
            Value::Object(members) => {
                self.spend(0)?;
                members.iter().try_for_each(|(key, it)| {
                    self.spend(key.len())?;
                    self.spend_tree(it)
                })
            }
        }
    }
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heavy => {
                f.write_str("the document has more servers, schemes, paths and texts than are read")
            }
            Self::Key(len) => {
                write!(f, "a name of {len} bytes is longer than any that is read ({KEY_LEN_MAX})")
            }
        }
    }
}

/// The way out of [`TooMuch`].
pub(super) const TOO_MUCH_HINT: &str =
    "split it by tags or paths, give short names, and write out what aliases stand for";

/// A text, or a number that stands where a text is due, as YAML's `version: 1.0`.
pub(super) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A place in the document (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer(String);

impl Pointer {
    pub(super) fn root() -> Self {
        Self(String::new())
    }

    /// `~` and `/` are escaped (RFC 6901 §3).
    pub(super) fn child(&self, key: &str) -> Self {
        Self(format!("{}/{}", self.0, key.replace('~', "~0").replace('/', "~1")))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }

    pub(super) fn parse(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// It, or the place around it that is told in so many bytes.
    pub(super) fn within(mut self, len_max: usize) -> Self {
        while self.0.len() > len_max {
            self.0.truncate(self.0.rfind('/').unwrap_or_default());
        }
        self
    }

    /// Its steps, with what was escaped as it was.
    pub(super) fn tokens(&self) -> impl Iterator<Item = String> {
        self.0.split('/').skip(1).map(|it| it.replace("~1", "/").replace("~0", "~"))
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.0
    }
}
