//! What can be wrong with a scheme's settings, and with a credential given to it.
use super::slot::Place;
use crate::crypto::KeyError;

/// Why a credential does not fit its scheme. Names the field, never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    #[error("the credential field `{field}` is missing")]
    Missing { field: String },
    #[error("the credential field `{field}` is unknown here")]
    Unknown { field: String, expected: String },
    #[error("the credential field `{field}` has several values")]
    Several { field: String },
    #[error("the credential field `{field}` is empty")]
    Empty { field: String },
    #[error("the credential field `{field}` has {what}, which can't be sent")]
    Unsendable { field: String, what: &'static str },
    #[error("two of the types put {place} `{name}` on the request")]
    Twice { field: String, place: Place, name: String },
    #[error("one of the types sends another body, and another one signs requests as well")]
    BodyChanged { field: String },
    #[error("the credential field `{field}` {what}")]
    Unusable { field: String, what: &'static str },
}

impl AuthError {
    /// The credential field that it is about.
    pub fn field(&self) -> &str {
        match self {
            Self::Missing { field }
            | Self::Unknown { field, .. }
            | Self::Several { field }
            | Self::Empty { field }
            | Self::Unsendable { field, .. }
            | Self::Twice { field, .. }
            | Self::BodyChanged { field }
            | Self::Unusable { field, .. } => field,
        }
    }

    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { field } => format!("add `{field}: …` under `credentials`"),
            Self::Unknown { expected, .. } => expected.clone(),
            Self::Several { .. } => "write one value; only a webhook's secret takes a list".into(),
            Self::Empty { field } => format!("is the setting that `{field}` comes from empty?"),
            Self::Twice { .. } => {
                "they would replace each other: say `in` or `name` otherwise for one of them".into()
            }
            Self::BodyChanged { .. } => {
                "no other signature could cover what is sent: say `in: header` for the one that changes the body".into()
            }
            Self::Unusable { .. } => "copy it again, all of it".into(),
            Self::Unsendable { .. } => {
                "copy it again without quotes, spaces or line breaks around it".into()
            }
        }
    }
}

impl From<KeyError> for AuthError {
    fn from(error: KeyError) -> Self {
        Self::Unusable { field: error.field.to_owned(), what: error.what }
    }
}

/// Why a scheme's settings can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct SettingsError {
    /// Which entry of `inject`, counted from 0; `None` where the scheme has no such list.
    pub injection: Option<usize>,
    /// The setting's name as written: `name`, `format`, `value` or `inject`.
    pub setting: &'static str,
    pub fault: SettingsFault,
}

/// What is wrong with one setting of a scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    #[error("`{name}` can't be the name of a {place}")]
    Name { place: Place, name: String },
    #[error("the header `{name}` belongs to the connection to the upstream, not to a credential")]
    Reserved { name: String },
    #[error("`{name}` is injected twice")]
    Twice { name: String },
    #[error("nothing is injected")]
    Nothing,
    #[error("the template has a `{{` that no `}}` closes")]
    Unclosed,
    #[error("the template has a `}}` without its `{{`")]
    Unopened,
    #[error("the template names no field between `{{` and `}}`, or an impossible one")]
    FieldName,
    #[error("the template has an unknown filter `{filter}`")]
    Filter { filter: String },
    #[error("the template names the unknown field `{field}`")]
    UnknownField { field: String, expected: &'static str },
    #[error("the template names no credential field, so nothing secret would be sent")]
    NoField,
    #[error("the template has {what}, which can't be sent there")]
    Unsendable { what: &'static str },
}

impl SettingsFault {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::Name { place: Place::Query, .. } => {
                "write the parameter's name, as `api_key`".into()
            }
            Self::Name { .. } => "write letters, digits and dashes, as `X-Api-Key`".into(),
            Self::Reserved { .. } => {
                "name the header that the API reads the credential from".into()
            }
            Self::Twice { .. } => "keep one of the two; they would replace each other".into(),
            Self::Nothing => {
                "write `inject: [{ in: header, name: …, value: \"{key}\" }]`, or use `none: {}`"
                    .into()
            }
            Self::Unclosed | Self::Unopened => {
                "a brace that is meant as such is written twice: `{{` or `}}`".into()
            }
            Self::FieldName => "a field's name has letters, digits, `_` and `-`: `{key}`".into(),
            Self::Filter { .. } => "the only filter is `base64`: `{key|base64}`".into(),
            Self::UnknownField { expected, .. } => {
                format!("the field here is `{expected}`: write `{{{expected}}}`")
            }
            Self::NoField => "name one, as in `Bearer {key}`".into(),
            Self::Unsendable { .. } => "remove it".into(),
        }
    }
}

/// "it takes `a`, `b` and nothing else", for a hint.
pub(super) fn listed(fields: &[&str]) -> String {
    match fields {
        [] => "this auth method takes no credentials".into(),
        fields => {
            let quoted: Vec<String> = fields.iter().map(|it| format!("`{it}`")).collect();
            format!("this auth method takes {}", quoted.join(" and "))
        }
    }
}
