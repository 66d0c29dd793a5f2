//! Which files a configuration is made of, and their texts.
use crate::config::ConfigError;
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

/// Longest configuration file, in bytes: room for some 300,000 connections.
const CONFIG_LEN_MAX: u64 = 64 << 20;

/// Longest file that `${file:…}` reads, in bytes: a bundle of certificates is the longest known.
const VALUE_LEN_MAX: u64 = 1 << 20;

/// What tells one content of a file from another: device, inode, length, time of change.
pub(super) type Fingerprint = (u64, u64, u64, i64, i64);

/// Files and folders as they were when they were last looked at; `None` for what was not there.
pub(super) type Fingerprints = BTreeMap<PathBuf, Option<Fingerprint>>;

pub(super) fn fingerprint(path: &Path) -> Option<Fingerprint> {
    let it = fs::metadata(path).ok()?;
    Some((it.dev(), it.ino(), it.len(), it.mtime(), it.mtime_nsec()))
}

/// A configuration file's name and text.
pub struct ConfigFile {
    pub name: String,
    pub text: String,
}

/// The files that the paths name: a file names itself, a folder the YAML files right in it, in the
/// order of their names. A file that is named twice is read once.
pub fn listed(paths: &[PathBuf], errors: &mut Vec<ConfigError>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        match yaml_files(path) {
            Ok(found) if found.is_empty() => errors.push(ConfigError::in_file(
                path.display().to_string(),
                "there is no .yaml or .yml file in this folder",
                "name the folder that the configuration lies in, or a file",
            )),
            Ok(found) => files.extend(found),
            Err(problem) => errors.push(unreadable(path, &problem)),
        }
    }
    let mut seen = HashSet::new();
    files.retain(|it| seen.insert(it.canonicalize().unwrap_or_else(|_| it.clone())));
    files
}

fn yaml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_yaml = path.extension().is_some_and(|it| it == "yaml" || it == "yml");
        let is_hidden = path.file_name().is_some_and(|it| it.as_encoded_bytes().starts_with(b"."));
        if is_yaml && !is_hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub fn config_file(path: &Path) -> Result<ConfigFile, ConfigError> {
    let name = path.display().to_string();
    match text(path, CONFIG_LEN_MAX) {
        Ok(text) => Ok(ConfigFile { name, text }),
        Err(problem) => Err(unreadable(path, &problem)),
    }
}

/// The text that a `${file:…}` stands for.
pub fn value(path: &Path) -> Result<String, String> {
    text(path, VALUE_LEN_MAX).map_err(|it| reason(&it))
}

fn text(path: &Path, most: u64) -> io::Result<String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    // The length is counted as it is read: that of a pipe or a device is not known before.
    fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let problem = format!("it is longer than {} MiB", most >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn unreadable(path: &Path, problem: &io::Error) -> ConfigError {
    let hint = match problem.kind() {
        io::ErrorKind::NotFound => "is the path right? It is looked for in the working folder",
        io::ErrorKind::PermissionDenied => "let the user that attache runs as read it",
        _ => "",
    };
    ConfigError::in_file(
        path.display().to_string(),
        format!("cannot be read: {}", reason(problem)),
        hint,
    )
}

/// In words, without the system's number.
fn reason(problem: &io::Error) -> String {
    match problem.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        _ => problem.to_string(),
    }
}
