//! Why a text is no document that a connector could be made of.
use super::DOCUMENT_LEN_MAX;
use std::str::Utf8Error;

/// Where it is, what is wrong, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", placed(*.line, *.column))]
pub struct ImportError {
    /// Counted from 1; 0 where it is the whole document.
    pub line: usize,
    /// Counted from 1; 0 where it is the whole line.
    pub column: usize,
    /// RFC 6901. Empty for the whole document, and where it can't be told.
    pub pointer: String,
    pub problem: String,
    pub hint: String,
}

fn placed(line: usize, column: usize) -> String {
    match (line, column) {
        (0, _) => String::new(),
        (_, 0) => format!("line {line}: "),
        _ => format!("line {line}, column {column}: "),
    }
}

impl ImportError {
    pub(super) fn at(
        (line, column): (usize, usize),
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let (problem, hint) = (problem.into(), hint.into());
        Self { line, column, pointer: String::new(), problem, hint }
    }

    pub(super) fn whole(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::at((0, 0), problem, hint)
    }

    /// In the line where its pointer leads.
    pub(super) fn located(self, document: &str) -> Self {
        let line = super::locate::lines(document, &[&self.pointer]).first().copied();
        Self { line: line.unwrap_or(1), ..self }
    }

    pub(super) fn empty() -> Self {
        Self::whole("the document is empty", "give an OpenAPI or Swagger document")
    }

    pub(super) fn too_long(len: usize) -> Self {
        let problem = format!("{len} bytes are more than {DOCUMENT_LEN_MAX}");
        Self::whole(problem, "take the document with references (`$ref`), not the one without")
    }

    pub(super) fn not_utf8(bytes: &[u8], error: &Utf8Error) -> Self {
        let before = &bytes[..error.valid_up_to()];
        let line = before.split(|it| *it == b'\n').count();
        let column = before.rsplit(|it| *it == b'\n').next().map_or(0, <[u8]>::len) + 1;
        Self::at((line, column), "the document is not UTF-8", "save it as UTF-8")
    }

    pub(super) fn no_title() -> Self {
        let problem = "the document has no title to make a key of";
        Self { pointer: "/info/title".to_owned(), ..Self::whole(problem, "give a key") }
    }
}
