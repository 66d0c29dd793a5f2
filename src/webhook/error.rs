//! What is wrong with a description, or with a secret for it.
use std::borrow::Cow;
use std::fmt;

/// A place in a description, what is wrong there, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}; {hint}", Dotted(path))]
pub struct DescriptionError {
    /// From the description's root, or from the credential's for a secret: `signature.header`.
    pub path: Vec<Step>,
    pub problem: String,
    pub hint: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Field(Cow<'static, str>),
    Index(usize),
}

impl DescriptionError {
    pub(super) fn new(
        path: Vec<Step>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { path, problem: problem.into(), hint: hint.into() }
    }
}

impl From<&'static str> for Step {
    fn from(field: &'static str) -> Self {
        Self::Field(field.into())
    }
}

struct Dotted<'p>(&'p [Step]);

impl fmt::Display for Dotted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if index == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
