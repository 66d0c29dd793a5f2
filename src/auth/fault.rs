//! What is wrong with the settings of a scheme whose settings have settings in them.
use std::borrow::Cow;

/// A place in the settings, what is wrong there, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemeFault {
    /// From the settings' root.
    pub path: Vec<Step>,
    pub problem: String,
    pub hint: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Field(Cow<'static, str>),
    Index(usize),
}

impl SchemeFault {
    /// At one setting of the root.
    pub(super) fn at(
        setting: &'static str,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let path = vec![Step::Field(setting.into())];
        Self { path, problem: problem.into(), hint: hint.into() }
    }
}
