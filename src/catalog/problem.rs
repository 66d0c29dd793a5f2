//! What is wrong with a definition, and at which path of it.

/// One problem. A file's loader turns the path into line and column, the API into a JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: Vec<PathSegment>,
    pub problem: String,
    /// What to write instead. May be empty.
    pub hint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathSegment {
    Key(String),
    Index(usize),
}

/// A path under construction: a list on the stack, so that what is right costs no allocation.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// True where nothing was written, so that nothing is shown of it either.
pub(super) fn unsaid<T: Default + PartialEq>(written: &T) -> bool {
    *written == T::default()
}

impl<'a> At<'a> {
    /// A top-level section.
    pub(super) fn section(name: &'a str) -> Self {
        Self { parent: None, step: Step::Key(name) }
    }

    pub(super) fn key(&'a self, name: &'a str) -> At<'a> {
        At { parent: Some(self), step: Step::Key(name) }
    }

    pub(super) fn index(&'a self, index: usize) -> At<'a> {
        At { parent: Some(self), step: Step::Index(index) }
    }

    pub(super) fn path(&self) -> Vec<PathSegment> {
        let mut path = self.parent.map_or_else(Vec::new, At::path);
        path.push(match self.step {
            Step::Key(key) => PathSegment::Key(key.to_owned()),
            Step::Index(index) => PathSegment::Index(index),
        });
        path
    }

    pub(super) fn problem(&self, problem: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem { path: self.path(), problem: problem.into(), hint: hint.into() }
    }
}
