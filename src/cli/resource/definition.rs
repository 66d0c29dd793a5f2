//! A definition as it is given to a command: from a file, from `--set`, or of both.
use crate::cli::stopped::Stopped;
use crate::config::Document;
use crate::config::File;
use crate::config::Sources;
use clap::Args;
use serde_json::Map;
use serde_json::Value;
use std::fs;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// How messages name what `--set` says.
const SET: &str = "--set";

/// Longest file or standard input, in bytes: a connector with all its endpoints.
const LEN_MAX: u64 = 16 << 20;

/// Below the help of each command that takes a definition.
const MEMBERS: &str = "\
What members there are: `attache config schema`, docs/contract.md, or `get` one. What it looks like typed: the
help of the command one word shorter.";

/// What a resource is to be.
#[derive(Args, Clone, Debug)]
#[command(after_help = MEMBERS)]
pub(in crate::cli) struct Definition {
    /// A YAML or JSON file with its members; - is standard input. ${NAME} and ${file:…} are filled in
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// One member, over the file's, by its path: name='GitHub', credentials.token='${GITHUB_TOKEN}'
    ///
    /// The value is JSON where it reads as JSON (auth.t.bearer='{}', docs=null), else a text. May be given several
    /// times.
    #[arg(long, value_name = "MEMBER=VALUE")]
    set: Vec<String>,
}

impl Definition {
    pub(super) fn members(&self) -> Result<Map<String, Value>, Stopped> {
        let mut members = match &self.file {
            None => Map::new(),
            Some(path) => {
                let name = path.display().to_string();
                let text = read(path).map_err(|it| {
                    Stopped::Invalid(format!("{name} can't be read: {}", it.kind()))
                })?;
                filled(&name, &text)?
            }
        };
        if !self.set.is_empty() {
            let mut set = Map::new();
            for pair in &self.set {
                let (path, value) = pair.split_once('=').ok_or_else(|| {
                    Stopped::Invalid(format!("--set {pair}: write it as MEMBER=VALUE"))
                })?;
                put(&mut set, path, value)?;
            }
            over(&mut members, filled(SET, &Value::Object(set).to_string())?);
        }
        Ok(members)
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // One more tells that it is too long.
    if path == Path::new("-") {
        io::stdin().take(LEN_MAX + 1).read_to_string(&mut text)?;
    } else {
        fs::File::open(path)?.take(LEN_MAX + 1).read_to_string(&mut text)?;
    }
    if text.len() as u64 > LEN_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// What a text says, its `${…}` filled in, as in a configuration file.
fn filled(name: &str, text: &str) -> Result<Map<String, Value>, Stopped> {
    let file = |it: &Path| fs::read_to_string(it).map_err(|it| it.kind().to_string());
    let setting = |it: &str| std::env::var(it).ok();
    let mut errors = Vec::new();
    let sources = Sources { setting: &setting, file: &file };
    let document = Document::parse(&[File { name, text }], sources, &mut errors);
    let members = document.read::<Map<String, Value>>(&[], &mut errors);
    document.conceal(&mut errors);
    match members {
        Some(members) if errors.is_empty() => Ok(members),
        _ => {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(Stopped::Invalid(texts.join("\n")))
        }
    }
}

/// Sets `a.b.c`.
fn put(set: &mut Map<String, Value>, path: &str, text: &str) -> Result<(), Stopped> {
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    let mut steps: Vec<&str> = path.split('.').collect();
    let last = steps.pop().unwrap_or_default();
    let mut here = set;
    for step in steps {
        let next = here.entry(step).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(next) = next else {
            let problem = format!("--set {path}: `{step}` has a value of its own already");
            return Err(Stopped::Invalid(problem));
        };
        here = next;
    }
    here.insert(last.to_owned(), value);
    Ok(())
}

/// Maps member by member, anything else whole.
fn over(members: &mut Map<String, Value>, set: Map<String, Value>) {
    for (name, value) in set {
        match (members.get_mut(&name), value) {
            (Some(Value::Object(ours)), Value::Object(theirs)) => over(ours, theirs),
            (_, value) => {
                members.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(pairs: &[&str]) -> Result<Value, Stopped> {
        let set = pairs.iter().map(|it| (*it).to_owned()).collect();
        Definition { file: None, set }.members().map(Value::Object)
    }

    #[test]
    fn members_are_set_by_their_path_and_are_json_where_they_read_as_it() {
        let pairs =
            ["auth.t.bearer={}", "auth.t.name=A key", "embedded=true", "base_url=https://{x}"];
        assert_eq!(
            set(&pairs).unwrap(),
            json!({
                "auth": { "t": { "bearer": {}, "name": "A key" } },
                "embedded": true, "base_url": "https://{x}",
            })
        );
        assert!(matches!(set(&["x"]), Err(Stopped::Invalid(_))));
        assert!(matches!(set(&["a=1", "a.b=2"]), Err(Stopped::Invalid(_))));
    }

    #[test]
    fn what_is_set_goes_over_a_file_member_by_member() {
        let Value::Object(mut ours) = json!({"a": {"x": 1, "y": 1}, "b": [1]}) else { panic!() };
        let Value::Object(theirs) = json!({"a": {"y": 2}, "b": [2], "c": 3}) else { panic!() };
        over(&mut ours, theirs);
        assert_eq!(Value::Object(ours), json!({"a": {"x": 1, "y": 2}, "b": [2], "c": 3}));
    }

    #[test]
    fn what_is_too_long_is_refused_and_not_cut() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(LEN_MAX).unwrap();
        assert!(read(file.path()).is_ok());
        file.as_file().set_len(LEN_MAX + 1).unwrap();
        assert_eq!(read(file.path()).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_secret_that_is_not_there_is_named() {
        let Err(Stopped::Invalid(told)) = set(&["credentials.token=${ATTACHE_NOWHERE}"]) else {
            panic!("it is not set");
        };
        assert!(told.contains("ATTACHE_NOWHERE"), "{told}");
    }
}
