//! `log`: what the process says, and where.
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// `log`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// error, warn, info, debug or trace, also per module: `info,attache::upstream=debug`.
    /// Default info.
    pub level: LogLevel,
    /// Of both logs. Default text.
    pub format: LogFormat,
    /// Where the access log goes: `off`, `stdout`, `stderr` or a file's path. Default stdout.
    pub access: AccessLog,
}

/// A filter that the logger takes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct LogLevel(String);

impl LogLevel {
    pub fn as_str(&self) -> &str {
        &self.0
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

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: LogLevel("info".into()),
            format: LogFormat::default(),
            access: AccessLog::default(),
        }
    }
}

impl TryFrom<String> for LogLevel {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let known = !text.is_empty() && EnvFilter::builder().parse(&text).is_ok();
        // A bare word is taken for a module's name by the logger, and hides everything.
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        let bare = text.split(',').find(|it| !it.contains('=') && !levels.contains(&it.trim()));
        if !known || bare.is_some() {
            return Err(format!(
                "`{text}` is not a log level\n\
                 write error, warn, info, debug or trace, also as in info,attache::upstream=debug"
            ));
        }
        Ok(Self(text))
    }
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
