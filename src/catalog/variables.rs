//! The variables of base URLs: what a connector declares, and what is given for them.
use super::problem::At;
use super::problem::Problem;
use indexmap::IndexMap;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;

/// Longest value of a variable, in bytes: it goes into a host name or a path.
pub const VARIABLE_LEN_MAX: usize = 253;

/// Most memory that a pattern may take once compiled, in bytes.
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// A variable as written.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawVariable {
    /// What whoever fills it in calls it. Default: the variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A regular expression that the whole value has to match.
    pub pattern: Option<String>,
    /// Whether there has to be a value. A variable that the base URL names always has to have one.
    pub required: bool,
    /// The value where none is given.
    pub default: Option<String>,
    /// What it is, for whoever fills it in.
    pub description: Option<String>,
}

/// The variables that a connector declares, by name.
#[derive(Clone, Debug, Default)]
pub struct VariableRules {
    rules: BTreeMap<String, VariableRule>,
    definition: Box<str>,
}

#[derive(Clone, Debug, Default)]
pub struct VariableRule {
    /// Anchored at both ends.
    pub pattern: Option<Regex>,
    pub required: bool,
    pub default: Option<String>,
}

impl VariableRule {
    /// The pattern as it is written.
    pub(super) fn written(&self) -> Option<&str> {
        self.pattern.as_ref().map(written)
    }
}

/// The pattern of a regular expression that is anchored, as it is written.
pub(super) fn written(anchored: &Regex) -> &str {
    let pattern = anchored.as_str();
    let written = pattern.strip_prefix("^(?:").and_then(|it| it.strip_suffix(")$"));
    written.unwrap_or(pattern)
}

/// The regular expression, which all of a text has to match.
pub(super) fn anchored(text: &str, at: At<'_>, problems: &mut Vec<Problem>) -> Option<Regex> {
    let built = |text: &str| regex::RegexBuilder::new(text).size_limit(PATTERN_SIZE_MAX).build();
    // By itself too: with a bracket that is closed too often it would come out of its anchors.
    let anchored = built(text).and_then(|_| built(&format!("^(?:{text})$")));
    let problem = |_| {
        let problem = format!("`{text}` is not a regular expression");
        let hint = "write one as in `[a-z0-9-]+`; it is anchored at both ends";
        problems.push(at.problem(problem, hint));
    };
    anchored.map_err(problem).ok()
}

/// Why variables do not make a base URL. Names the variable, not its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    #[error("the variable `{0}` has no value")]
    Missing(String),
    #[error("there is no variable `{0}` here")]
    Unknown(String),
    #[error("the variable `{name}` does not match its pattern `{pattern}`")]
    Pattern { name: String, pattern: String },
    #[error("the variable `{0}` is longer than {VARIABLE_LEN_MAX} bytes")]
    TooLong(String),
    #[error("the variable `{0}` is not the name of a host or a part of one")]
    Host(String),
    #[error("the variable `{0}` is not a port")]
    Port(String),
    #[error("the variable `{0}` has a character that can't stand in one path segment")]
    Path(String),
    #[error("the variables make a base URL of another shape than its template's")]
    Shape,
}

impl VariableError {
    /// The variable that it is about, if it is about one.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Missing(name)
            | Self::Unknown(name)
            | Self::Pattern { name, .. }
            | Self::TooLong(name)
            | Self::Host(name)
            | Self::Port(name)
            | Self::Path(name) => Some(name),
            Self::Shape => None,
        }
    }
}

impl VariableRules {
    pub fn rule(&self, name: &str) -> Option<&VariableRule> {
        self.rules.get(name)
    }

    /// As they are written, in JSON.
    pub(super) fn definition(&self) -> &str {
        &self.definition
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().map(String::as_str)
    }

    /// The required variables that have neither a value nor a default.
    pub(super) fn missing<'r>(
        &'r self,
        values: &'r BTreeMap<String, String>,
    ) -> impl Iterator<Item = &'r str> {
        let missing = |(name, rule): (&'r String, &'r VariableRule)| {
            let is_due = rule.required && rule.default.is_none() && !values.contains_key(name);
            is_due.then_some(name.as_str())
        };
        self.rules.iter().filter_map(missing)
    }

    /// The value for a variable: the given one, else the default.
    pub(super) fn value<'v>(
        &'v self,
        name: &str,
        values: &'v BTreeMap<String, String>,
    ) -> Result<&'v str, VariableError> {
        let given = values.get(name).map(String::as_str);
        let default = || self.rule(name).and_then(|it| it.default.as_deref());
        given.or_else(default).ok_or_else(|| VariableError::Missing(name.to_owned()))
    }

    /// Length and pattern of one value.
    pub(super) fn check(&self, name: &str, value: &str) -> Result<(), VariableError> {
        if value.len() > VARIABLE_LEN_MAX {
            return Err(VariableError::TooLong(name.to_owned()));
        }
        let Some(rule) = self.rule(name) else { return Ok(()) };
        match &rule.pattern {
            Some(pattern) if !pattern.is_match(value) => {
                let pattern = rule.written().unwrap_or_default().to_owned();
                Err(VariableError::Pattern { name: name.to_owned(), pattern })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn build(
        raw: &IndexMap<String, RawVariable>,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut rules = Self::default();
        if !raw.is_empty() {
            // Names and texts: they can be written.
            rules.definition = serde_json::to_string(raw).unwrap_or_default().into();
        }
        for (name, raw) in raw {
            let at = at.key(name);
            if !is_variable_name(name) {
                problems.push(at.problem(
                    format!("`{name}` can't be the name of a variable"),
                    "a name has letters, digits and `_`, and begins with a letter",
                ));
            }
            let pattern = raw.pattern.as_deref();
            let pattern = pattern.and_then(|it| anchored(it, at.key("pattern"), problems));
            let rule =
                VariableRule { pattern, required: raw.required, default: raw.default.clone() };
            rules.rules.insert(name.clone(), rule);
            if let Some(default) = &raw.default
                && let Err(problem) = rules.check(name, default)
            {
                problems.push(at.key("default").problem(problem.to_string(), ""));
            }
        }
        rules
    }
}

pub(super) fn is_variable_name(name: &str) -> bool {
    name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}
