//! Secrets that a command is given: in a setting or in a file. Never in a flag: other users of the machine see those.
use crate::cli::stopped::Stopped;
use crate::model::Secret;
use std::env;
use std::env::VarError;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Longest file, in bytes: far more than a token or a key has.
const LEN_MAX: u64 = 64 << 10;

/// Of this setting, else of the file. Whatever ends its line is not part of it.
pub(in crate::cli) fn secret(
    setting: &str,
    file: Option<&Path>,
) -> Result<Option<Secret>, Stopped> {
    match (env::var(setting), file) {
        (Ok(text), _) => line(setting, &text).map(Some),
        (Err(VarError::NotUnicode(_)), _) => Err(Stopped::Invalid(format!("{setting} is no text"))),
        (Err(VarError::NotPresent), Some(path)) => secret_of_file(path).map(Some),
        (Err(VarError::NotPresent), None) => Ok(None),
    }
}

/// Of this file, less what ends its last line.
pub(in crate::cli) fn secret_of_file(path: &Path) -> Result<Secret, Stopped> {
    let place = path.display().to_string();
    let mut text = String::new();
    // One more tells that it is too long: a part of a secret is another one.
    let read = File::open(path).and_then(|it| it.take(LEN_MAX + 1).read_to_string(&mut text));
    read.map_err(|it| Stopped::Invalid(format!("{place} can't be read: {}", it.kind())))?;
    if text.len() as u64 > LEN_MAX {
        let problem = format!("{place} is longer than {LEN_MAX} bytes: is it the right file?");
        return Err(Stopped::Invalid(problem));
    }
    line(&place, &text)
}

fn line(place: &str, text: &str) -> Result<Secret, Stopped> {
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Stopped::Invalid(format!("{place} is empty"))),
        text => Ok(Secret::new(text)),
    }
}
