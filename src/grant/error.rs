//! What is wrong with a grant's settings, and why a holder's credential makes no request.
use crate::crypto::KeyError;
use std::borrow::Cow;
use std::fmt;

/// A place in the settings, what is wrong there, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}; {hint}", Dotted(path))]
pub struct SettingsError {
    /// From the settings' root: `reply.keep.host`.
    pub path: Vec<Step>,
    pub problem: String,
    pub hint: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Field(Cow<'static, str>),
    Index(usize),
}

impl From<&'static str> for Step {
    fn from(field: &'static str) -> Self {
        Self::Field(field.into())
    }
}

impl Step {
    /// A key of a map that the operator named.
    pub(super) fn named(name: &str) -> Self {
        Self::Field(name.to_owned().into())
    }
}

struct Dotted<'p>(&'p [Step]);

impl fmt::Display for Dotted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if index == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Why no request could be made of what the holder has. Names the field or the setting, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("neither a credential field nor a variable `{name}` has a value")]
    Missing { name: String },
    #[error("the credential field `{field}` {what}")]
    Unusable { field: String, what: &'static str },
    #[error("nobody knows when the `access_token` ends, and past its end nothing renews it")]
    Endless,
    #[error("the auth method has no `{setting}`")]
    NotSet { setting: &'static str },
    #[error("`{setting}` makes no URL: `{name}` has a character that can't stand there")]
    UrlPart { setting: &'static str, name: String },
    #[error("`{setting}` makes no URL once its variables are filled in")]
    Url { setting: &'static str },
    #[error("the header `{name}` would have a character that can't be sent")]
    Header { name: String },
}

impl GrantError {
    /// The credential field or the variable that it is about, if it is about one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Missing { name } | Self::UrlPart { name, .. } => Some(name),
            Self::Unusable { field, .. } => Some(field),
            Self::Endless => Some("expires_at"),
            Self::NotSet { .. } | Self::Url { .. } | Self::Header { .. } => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { name } => format!("add `{name}: …` under `credentials`"),
            Self::Unusable { .. } => {
                "copy it again whole, without quotes or spaces around it".into()
            }
            Self::Endless => {
                "add `expires_at: …`, in seconds since 1970 or as a date; an earlier time will \
                              do, since it is renewed before then"
                    .into()
            }
            Self::NotSet { setting } => {
                format!("add `{setting}: https://…` to the auth method, or its `issuer`")
            }
            Self::UrlPart { name, .. } => {
                format!("`{name}` fills one place: a part of a host or of one path segment")
            }
            Self::Url { .. } => "look at the variables that it names".into(),
            Self::Header { .. } => "a header takes one line of visible characters".into(),
        }
    }
}

impl From<KeyError> for GrantError {
    fn from(error: KeyError) -> Self {
        let KeyError { field, what } = error;
        Self::Unusable { field: field.into(), what }
    }
}
