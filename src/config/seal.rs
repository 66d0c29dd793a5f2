//! `seal`: where the keys come from that stored credentials are sealed under.
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;

/// The setting that a key is looked for in, where `seal.keys` names no source.
pub const SEAL_KEY: &str = "ATTACHE_SEAL_KEY";

/// Most sources of keys.
const SOURCES_MAX: usize = 16;

/// `seal`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SealSettings {
    /// Sources of keys; all are read. The newest key of all seals, each opens. Default: the setting
    /// ATTACHE_SEAL_KEY.
    #[serde(deserialize_with = "sources")]
    pub keys: Vec<KeySource>,
}

impl Default for SealSettings {
    fn default() -> Self {
        Self { keys: vec![KeySource::Env(SEAL_KEY.to_owned())] }
    }
}

/// One source of keys, which may give several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "RawKeySource")]
#[schemars(with = "RawKeySource")]
pub enum KeySource {
    /// A setting of the environment, or the file that the setting of the same name and `_FILE` names.
    Env(String),
    File(PathBuf),
    /// A program and its arguments, run without a shell.
    Exec(Vec<String>),
}

/// A source of keys as written: exactly one of these.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct RawKeySource {
    /// A setting of the environment; with `_FILE` behind its name, that of a file.
    env: Option<String>,
    /// A file. Read again every 10 seconds.
    file: Option<PathBuf>,
    /// A program and its arguments, which prints keys within 10 seconds. No shell.
    exec: Option<Vec<String>>,
}

impl TryFrom<RawKeySource> for KeySource {
    type Error = String;

    fn try_from(raw: RawKeySource) -> Result<Self, String> {
        match raw {
            RawKeySource { env: Some(name), file: None, exec: None } => {
                let is_name = !name.is_empty()
                    && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
                // What is no name may be the key itself, and is not repeated.
                if is_name { Ok(Self::Env(name)) } else { Err(NOT_A_NAME.to_owned()) }
            }
            RawKeySource { env: None, file: Some(path), exec: None } => Ok(Self::File(path)),
            RawKeySource { env: None, file: None, exec: Some(command) } => {
                let is_named = command.first().is_some_and(|it| !it.is_empty());
                if is_named { Ok(Self::Exec(command)) } else { Err(NO_PROGRAM.to_owned()) }
            }
            _ => Err(NOT_ONE.to_owned()),
        }
    }
}

const NOT_A_NAME: &str = "this is not the name of a setting\n\
                          write the name, not the key: `env: ATTACHE_SEAL_KEY`";
const NO_PROGRAM: &str =
    "there is no program\nwrite it with its arguments: `exec: [get-key, --name, attache]`";
const NOT_ONE: &str = "a source of keys is one of `env`, `file` and `exec`\n\
                       write another item of the list for another source";

fn sources<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<KeySource>, D::Error> {
    let sources = Vec::<KeySource>::deserialize(deserializer)?;
    match sources.len() {
        0 => Err(serde::de::Error::custom(
            "there is no source of keys\nleave `keys` out for the setting ATTACHE_SEAL_KEY",
        )),
        1..=SOURCES_MAX => Ok(sources),
        _ => Err(serde::de::Error::custom(format!("there are more than {SOURCES_MAX} sources"))),
    }
}

/// As messages name it.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            // Its arguments may say more than a log should.
            Self::Exec(command) => write!(f, "{} (exec)", command.first().map_or("", |it| it)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Vec<KeySource>, String> {
        serde_yaml::from_str::<SealSettings>(yaml).map(|it| it.keys).map_err(|it| it.to_string())
    }

    #[test]
    fn a_source_is_exactly_one_thing() {
        let all = "keys: [{ env: NAME }, { file: /run/secrets/x }, { exec: [get, -k] }]";
        assert_eq!(
            read(all).unwrap(),
            [
                KeySource::Env("NAME".into()),
                KeySource::File("/run/secrets/x".into()),
                KeySource::Exec(vec!["get".into(), "-k".into()]),
            ]
        );
        assert_eq!(read("{}").unwrap(), [KeySource::Env("ATTACHE_SEAL_KEY".into())]);
        for (bad, problem) in [
            ("keys: []", "no source of keys"),
            ("keys: [{}]", "one of `env`, `file` and `exec`"),
            ("keys: [{ env: A, file: /b }]", "one of `env`, `file` and `exec`"),
            ("keys: [{ env: '' }]", "not the name of a setting"),
            ("keys: [{ env: '1:5ecret=' }]", "not the name of a setting"),
            ("keys: [{ exec: [] }]", "no program"),
            ("keys: [{ exec: [''] }]", "no program"),
        ] {
            let said = read(bad).unwrap_err();
            assert!(said.contains(problem) && !said.contains("5ecret"), "{bad}: {said}");
        }
        let many = format!("keys: [{}]", "{ env: A },".repeat(17));
        assert!(read(&many).unwrap_err().contains("more than 16"));
    }
}
