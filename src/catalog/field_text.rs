//! What is said of a field of credentials, for whoever fills it in.
use super::problem::At;
use super::problem::Problem;
use super::variables::anchored;
use super::variables::written;
use crate::model::Secret;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Longest example, in bytes: it stands in a form.
const EXAMPLE_LEN_MAX: usize = 200;

/// What a field of credentials is to whoever fills it in.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawFieldText {
    /// Default: the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is found, and what it looks like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A regular expression that the whole value has to match where it is set. What was set before stays good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What it looks like. Everybody sees it: never a value that somebody uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// Whether it is not to be seen while somebody writes it. Default: yes, but for what is known to be none:
    /// `username`, `client_id` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<bool>,
}

/// The same, checked.
#[derive(Clone, Debug)]
pub struct FieldText {
    pub name: Box<str>,
    /// May be empty, as may the example.
    pub description: Box<str>,
    pub example: Box<str>,
    /// Anchored at both ends.
    pub pattern: Option<Regex>,
    pub secret: Option<bool>,
}

impl FieldText {
    pub(super) fn build(
        field: &str,
        raw: &RawFieldText,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let pattern = raw.pattern.as_deref();
        let pattern = pattern.and_then(|it| anchored(it, at.key("pattern"), problems));
        let example = raw.example.as_deref().unwrap_or_default();
        if example.len() > EXAMPLE_LEN_MAX {
            let problem = format!("{} bytes are more than {EXAMPLE_LEN_MAX}", example.len());
            problems.push(at.key("example").problem(problem, "write less"));
        }
        if !example.is_empty() && pattern.as_ref().is_some_and(|it| !it.is_match(example)) {
            let problem = "the example does not match the pattern";
            problems.push(at.key("example").problem(problem, "write one that does"));
        }
        Self {
            name: raw.name.as_deref().unwrap_or(field).into(),
            description: raw.description.as_deref().unwrap_or_default().into(),
            example: example.into(),
            pattern,
            secret: raw.secret,
        }
    }

    /// The pattern as it is written.
    pub fn written_pattern(&self) -> Option<&str> {
        self.pattern.as_ref().map(written)
    }

    /// What is wrong with a value of the field, and what to write instead: never the value.
    pub(super) fn misfit(&self, field: &str, value: &Secret) -> Option<(String, String)> {
        let pattern = self.pattern.as_ref().filter(|it| !it.is_match(value.expose()))?;
        let pattern = written(pattern);
        let problem =
            format!("the credential field `{field}` does not match its pattern `{pattern}`");
        let hint = match (&*self.example, &*self.description) {
            ("", description) => description.to_owned(),
            (example, _) => format!("write it as in {example}"),
        };
        Some((problem, hint))
    }
}
