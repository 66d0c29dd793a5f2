//! `log`: what the process says, and where.
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// `log`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// Default info.
    pub level: LogLevel,
    /// Of both logs. Default text.
    pub format: LogFormat,
    /// Where the access log goes: `off`, `stdout`, `stderr` or a file's path. Default stdout.
    pub access: AccessLog,
    /// How many of the last exchanges are kept to be seen by the API: at most 100000, 0 for none. Default 5000.
    pub recent: Recent,
}

/// How many of the last exchanges are kept. Each takes about 400 bytes and its path; at most about 2.5 KB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "u32")]
#[schemars(with = "u32", extend("maximum" = RECENT_MAX))]
pub struct Recent(pub usize);

const RECENT: u32 = 5_000;

/// With the longest paths 250 MB.
const RECENT_MAX: u32 = 100_000;

impl Default for Recent {
    fn default() -> Self {
        Self(RECENT as usize)
    }
}

impl TryFrom<u32> for Recent {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        if number > RECENT_MAX {
            return Err(format!(
                "{number} exchanges are too many to be kept\nkeep {RECENT_MAX} at most"
            ));
        }
        Ok(Self(number as usize))
    }
}

/// The least important events that are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Json,
    #[default]
    Text,
}

/// Where the access log goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub enum AccessLog {
    Off,
    #[default]
    Stdout,
    Stderr,
    File(PathBuf),
}

impl TryFrom<String> for AccessLog {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match &*text {
            "off" => Ok(Self::Off),
            "stdout" => Ok(Self::Stdout),
            "stderr" => Ok(Self::Stderr),
            path if path.contains('/') => Ok(Self::File(path.into())),
            _ => Err(format!(
                "`{text}` is no place for a log\n\
                 write off, stdout, stderr or a file's path with a slash in it"
            )),
        }
    }
}
