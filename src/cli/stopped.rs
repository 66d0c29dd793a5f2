//! Why a command ends before it has done its work.
use crate::app::KeysError;
use crate::config::ConfigError;
use crate::store::StoreError;
use std::process::ExitCode;

/// What is said to whoever ran it, and with which exit code it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// What it was given is not sound: 2.
    Invalid(String),
    /// It could not be done: 1.
    Failed(String),
}

impl Stopped {
    pub(super) fn tell(self) -> ExitCode {
        match self {
            Self::Invalid(said) => {
                eprintln!("attache: {said}");
                ExitCode::from(2)
            }
            Self::Failed(said) => {
                eprintln!("attache: {said}");
                ExitCode::FAILURE
            }
        }
    }
}

impl From<Vec<ConfigError>> for Stopped {
    fn from(errors: Vec<ConfigError>) -> Self {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Self::Invalid(format!("the configuration is not valid\n{}", texts.join("\n")))
    }
}

impl From<KeysError> for Stopped {
    fn from(error: KeysError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Failed(format!("the store: {error}"))
    }
}
