//! What is wrong with a configuration, where, and what to write instead.
use std::fmt;

/// One problem in a file. `Display` is what the operator reads:
///
/// ```text
/// config/attache.yaml:12:5: connections.github-prod: unknown field `aut`, expected `auth` or …
///   did you mean `auth`?
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as it was named; empty where the problem is in no file.
    pub file: String,
    /// Counted from 1; 0 where the problem is the file itself.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    /// Dotted path of the key, list items in brackets: `activations[0].tenant`. May be empty.
    pub key: String,
    pub problem: String,
    /// What to write instead. May be empty.
    pub hint: String,
}

impl ConfigError {
    /// A problem of a whole file.
    pub fn in_file(
        file: impl Into<String>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            key: String::new(),
            problem: problem.into(),
            hint: hint.into(),
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            f.write_str(&self.file)?;
            if self.line > 0 {
                write!(f, ":{}:{}", self.line, self.column)?;
            }
            f.write_str(": ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)?;
        if !self.hint.is_empty() {
            write!(f, "\n  {}", self.hint)?;
        }
        Ok(())
    }
}

/// The problem and, after the first line break, the hint: how a `TryFrom` says both in one text.
pub(super) fn split_hint(text: &str) -> (String, String) {
    let (problem, hint) = text.split_once('\n').unwrap_or((text, ""));
    (problem.to_owned(), hint.to_owned())
}
