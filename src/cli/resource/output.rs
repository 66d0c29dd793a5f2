//! How answers are shown.
use super::Kind;
use super::table::table;
use crate::cli::api::Answer;
use crate::cli::api::Listed;
use crate::cli::stopped::Stopped;
use crate::cli::text::plain;
use crate::config::keep_plain;
use serde_json::Value;
use std::io;
use std::io::Write;

/// How answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Output {
    /// For people
    Text,
    /// For programs: what the API answered
    Json,
    /// The same, as files have it
    Yaml,
}

impl Output {
    /// Many of a kind, and on standard error what does not read.
    pub(in crate::cli) fn listed(self, kind: &Kind, listed: Listed) -> Result<(), Stopped> {
        for it in &listed.unreadable {
            eprintln!("attache: not readable: {it}");
        }
        match self {
            Self::Text => written(&table(kind.columns, &listed.items)),
            Self::Json | Self::Yaml => self.one(&Value::Array(listed.items)),
        }
    }

    /// An answer, with its notice on standard error.
    pub(in crate::cli) fn answer(self, answer: &Answer) -> Result<(), Stopped> {
        if let Some(notice) = answer.notice() {
            eprintln!("attache: {}", plain(notice));
        }
        if answer.body.is_null() { Ok(()) } else { self.one(&answer.body) }
    }

    pub(in crate::cli) fn one(self, value: &Value) -> Result<(), Stopped> {
        let unwritable = |it: String| Stopped::Failed(format!("the answer can't be shown: {it}"));
        let text = match self {
            Self::Json => {
                serde_json::to_string_pretty(value).map_err(|it| unwritable(it.to_string()))? + "\n"
            }
            // Quoted and escaped, whatever stands in it.
            Self::Text | Self::Yaml => serde_yaml::to_string(&as_in_files(value))
                .map_err(|it| unwritable(it.to_string()))?,
        };
        written(&text)
    }
}

/// One a line, as JSON. False where nobody reads any more.
pub(super) fn lines(listed: Listed) -> Result<bool, Stopped> {
    for it in &listed.unreadable {
        eprintln!("attache: not readable: {it}");
    }
    let text: String = listed.items.iter().map(|it| format!("{it}\n")).collect();
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written
            .map(|()| true)
            .map_err(|it| Stopped::Failed(format!("the answer: {}", it.kind()))),
    }
}

/// So that it can be given to `--file`, which fills in references. What a file declares is shown as it is written there.
fn as_in_files(value: &Value) -> Value {
    if let Value::Array(items) = value {
        return Value::Array(items.iter().map(as_in_files).collect());
    }
    let mut value = value.clone();
    if value.get("source").is_none() {
        keep_plain(&mut value);
    }
    value
}

fn written(text: &str) -> Result<(), Stopped> {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has read enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|it| Stopped::Failed(format!("the answer: {}", it.kind()))),
    }
}
