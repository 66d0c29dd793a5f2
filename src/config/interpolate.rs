//! `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `${file:/path}` in values.
//!
//! Done after parsing, so that a value cannot inject YAML, and once, so that it cannot inject
//! another interpolation. `$${` stands for a plain `${`.
use serde_json::Value;
use std::path::Path;

/// Where interpolated values come from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The value of a setting (a process environment variable), `None` where it is not set.
    pub setting: &'a dyn Fn(&str) -> Option<String>,
    /// A file's text, or why there is none.
    pub file: &'a dyn Fn(&Path) -> Result<String, String>,
}

/// Why a value could not be filled in. The second line of the message is the hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FillError {
    #[error(
        "the setting `{0}` is not set\nset {0} in the environment, or write ${{{0}:-default}} here"
    )]
    Unset(String),
    #[error("the setting `{0}` is not set: {1}\nset {0} in the environment")]
    Required(String, String),
    #[error("`${{{0}}}` is not an interpolation\n{FORMS}")]
    Malformed(String),
    #[error("`${{` is not closed\n{FORMS}")]
    Open,
    #[error("the file {0} cannot be read: {1}\n${{file:…}} takes the path of a readable text file")]
    File(String, String),
}

const FORMS: &str = "write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${file:/path}, \
                     and $${ for a plain ${";

/// What stands in these texts is no interpolation where they are written into a file: `$${` is a plain `${`.
pub fn keep_plain(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace("${", "$${"),
        Value::Array(items) => items.iter_mut().for_each(keep_plain),
        Value::Object(members) => members.values_mut().for_each(keep_plain),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text with its interpolations filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) text: String,
    /// What stands where within the text; empty where one interpolation is all of it.
    pub(super) pieces: Box<[Piece]>,
}

/// One interpolation.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) value: Box<str>,
    /// With its `${` and `}`.
    pub(super) written: Box<str>,
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written)
    }
}

/// The text with its interpolations filled in, or `None` where there is nothing to fill in.
///
/// `folder` is where the file lies that a relative `${file:…}` path is meant from.
pub(super) fn fill(
    text: &str,
    folder: &Path,
    sources: &Sources<'_>,
) -> Result<Option<Filled>, FillError> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut filled = String::with_capacity(text.len());
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            filled.push_str(before);
            filled.push_str("${");
            rest = after;
            continue;
        }
        filled.push_str(before);
        let end = after.find('}').ok_or(FillError::Open)?;
        let value = value(&after[..end], folder, sources)?;
        filled.push_str(&value);
        pieces.push(Piece { value: value.into(), written: rest[at..at + end + 3].into() });
        rest = &after[end + 1..];
    }
    filled.push_str(rest);
    pieces.retain(|it| *it.value != *filled);
    Ok(Some(Filled { text: filled, pieces: pieces.into() }))
}

fn value(inner: &str, folder: &Path, sources: &Sources<'_>) -> Result<String, FillError> {
    let malformed = || FillError::Malformed(inner.to_owned());
    if inner.contains("${") {
        return Err(malformed());
    }
    if let Some(path) = inner.strip_prefix("file:").filter(|it| !it.is_empty()) {
        let text = (sources.file)(&folder.join(path))
            .map_err(|problem| FillError::File(path.to_owned(), problem))?;
        let trimmed = text.strip_suffix('\n').unwrap_or(&text);
        return Ok(trimmed.strip_suffix('\r').unwrap_or(trimmed).to_owned());
    }
    let (name, otherwise) = match inner.split_once(':') {
        None => (inner, None),
        Some((name, rest)) => {
            let message = rest.strip_prefix('?').map(Err);
            let default = rest.strip_prefix('-').map(Ok);
            (name, Some(default.or(message).ok_or_else(malformed)?))
        }
    };
    if !is_name(name) {
        return Err(malformed());
    }
    let set = (sources.setting)(name);
    match otherwise {
        None => set.ok_or_else(|| FillError::Unset(name.to_owned())),
        // As in a shell, `:-` and `:?` also speak where the setting is empty.
        Some(otherwise) => match (set.filter(|it| !it.is_empty()), otherwise) {
            (Some(text), _) => Ok(text),
            (None, Ok(default)) => Ok(default.to_owned()),
            (None, Err(message)) => Err(FillError::Required(name.to_owned(), message.to_owned())),
        },
    }
}

fn is_name(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|it| it.is_ascii_alphabetic() || it == b'_')
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<Option<String>, FillError> {
        let setting = |name: &str| match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${SET}: [1]".to_owned()),
            _ => None,
        };
        let file = |path: &Path| match path.to_str() {
            Some("/run/secrets/key") => Ok("secret\n\n".to_owned()),
            Some("/etc/attache/near") => Ok("near\r\n".to_owned()),
            _ => Err("no such file".to_owned()),
        };
        let sources = Sources { setting: &setting, file: &file };
        Ok(fill(text, Path::new("/etc/attache"), &sources)?.map(|it| it.text))
    }

    #[test]
    fn fills_in_settings_and_files_once() {
        for (text, want) in [
            ("${SET}", "value"),
            ("a ${SET}-${SET} b", "a value-value b"),
            ("${EMPTY}", ""),
            ("${EMPTY:-default}", "default"),
            ("${UNSET:-}", ""),
            ("${UNSET:-a:b-c}", "a:b-c"),
            ("${SET:?must be set}", "value"),
            ("${NESTED}", "${SET}: [1]"),
            ("$${SET}", "${SET}"),
            ("$$${SET}", "$${SET}"),
            ("${file:/run/secrets/key}", "secret\n"),
            ("${file:near}", "near"),
        ] {
            assert_eq!(filled(text), Ok(Some(want.to_owned())), "{text}");
        }
        for plain in ["", "plain", "$SET", "{SET}", "$"] {
            assert_eq!(filled(plain), Ok(None), "{plain}");
        }
    }

    #[test]
    fn says_what_could_not_be_filled_in() {
        for (text, message) in [
            (
                "${UNSET}",
                "the setting `UNSET` is not set\nset UNSET in the environment, or write \
                 ${UNSET:-default} here",
            ),
            (
                "${EMPTY:?ask Ann}",
                "the setting `EMPTY` is not set: ask Ann\nset EMPTY in the environment",
            ),
            (
                "${file:/none}",
                "the file /none cannot be read: no such file\n${file:…} takes the path of a \
                 readable text file",
            ),
        ] {
            assert_eq!(filled(text).unwrap_err().to_string(), message);
        }
        for malformed in
            ["${}", "${1A}", "${A B}", "${A:}", "${A:+b}", "${file:}", "${A:-${SET}}", "${A"]
        {
            let message = filled(malformed).unwrap_err().to_string();
            assert!(message.ends_with(FORMS), "{malformed}: {message}");
        }
    }
}
