//! What was made of a document, and what was not, each with its place.
use super::format::Format;
use super::locate;
use super::names::clipped;
use super::tree::Pointer;
use crate::catalog::RawConnector;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::fmt;

/// Most places that are told. How many there are beyond them is told as well.
const PLACES_MAX: usize = 500;

/// Longest sentence about a place, in bytes: documents put what they like into names.
const SENTENCE_LEN_MAX: usize = 300;

/// Longest place that is told, in bytes: beyond it what is around the place is.
const POINTER_LEN_MAX: usize = 4096;

/// What came of a document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Report {
    /// What it is written in: `OpenAPI 3.1`.
    pub format: String,
    /// The API's own version.
    pub version: String,
    pub base_url: Option<String>,
    /// What became auth methods.
    pub auth: Vec<Mapped>,
    /// How many endpoints there are now.
    pub endpoints: usize,
    /// What was left out, or is not as the document has it: at most 500 places.
    pub places: Vec<Told>,
    /// Places beyond those.
    pub more: usize,
}

/// A security scheme, or several together, that became an auth method.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Mapped {
    /// Where it stands in the document (RFC 6901).
    pub pointer: String,
    /// The method's key.
    pub method: String,
    /// Its type.
    pub r#type: String,
}

/// One place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Told {
    /// In which line of the document, counted from 1.
    pub line: usize,
    /// Where it stands in the document (RFC 6901).
    pub pointer: String,
    pub subject: Subject,
    pub verdict: Verdict,
    pub problem: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// What a place is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Document,
    Server,
    Auth,
    Endpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is not in the connector.
    Skipped,
    /// It is, and not just as it stands in the document; or it should be looked at.
    Noted,
}

/// A report while it is written.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    auth: Vec<Mapped>,
    places: Vec<Told>,
    more: usize,
}

impl Reporter {
    pub(super) fn mapped(&mut self, pointer: &Pointer, method: &str, kind: &str) {
        let (method, r#type) = (method.to_owned(), kind.to_owned());
        let pointer = pointer.clone().within(POINTER_LEN_MAX).into();
        self.auth.push(Mapped { pointer, method, r#type });
    }

    /// Puts so many that were told first behind the others.
    pub(super) fn mapped_last(&mut self, count: usize) {
        self.auth.rotate_left(count);
    }

    pub(super) fn skipped(
        &mut self,
        subject: Subject,
        at: Pointer,
        problem: impl AsRef<str>,
        hint: impl AsRef<str>,
    ) {
        self.tell(Verdict::Skipped, subject, at, problem.as_ref(), hint.as_ref());
    }

    /// What is left out of many places: told whatever there is no room for.
    pub(super) fn summed_up(
        &mut self,
        subject: Subject,
        at: Pointer,
        problem: impl AsRef<str>,
        hint: impl AsRef<str>,
    ) {
        if self.places.len() >= PLACES_MAX {
            self.places.pop();
            self.more += 1;
        }
        self.skipped(subject, at, problem, hint);
    }

    pub(super) fn noted(
        &mut self,
        subject: Subject,
        at: Pointer,
        problem: impl AsRef<str>,
        hint: impl AsRef<str>,
    ) {
        self.tell(Verdict::Noted, subject, at, problem.as_ref(), hint.as_ref());
    }

    fn tell(&mut self, verdict: Verdict, subject: Subject, at: Pointer, problem: &str, hint: &str) {
        if self.places.len() >= PLACES_MAX {
            self.more += 1;
            return;
        }
        let problem = clipped(problem, SENTENCE_LEN_MAX);
        let hint = clipped(hint, SENTENCE_LEN_MAX);
        // The lines are looked up once all places are known.
        let pointer = at.within(POINTER_LEN_MAX).into();
        self.places.push(Told { line: 0, pointer, subject, verdict, problem, hint });
    }

    pub(super) fn finish(
        mut self,
        document: &str,
        connector: &RawConnector,
        format: Format,
        version: &str,
    ) -> Report {
        let pointers: Vec<&str> = self.places.iter().map(|it| &*it.pointer).collect();
        let lines = locate::lines(document, &pointers);
        for (place, line) in self.places.iter_mut().zip(lines) {
            place.line = line;
        }
        Report {
            format: format.to_string(),
            version: clipped(version, SENTENCE_LEN_MAX),
            base_url: connector.base_url.clone(),
            auth: self.auth,
            endpoints: connector.endpoints.len(),
            places: self.places,
            more: self.more,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Skipped => "left out",
            Verdict::Noted => "note",
        };
        write!(f, "{}: {verdict}: {}", self.line, self.problem)?;
        if !self.pointer.is_empty() {
            write!(f, "\n  at {}", self.pointer)?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n  {}", self.hint)?;
        }
        Ok(())
    }
}
