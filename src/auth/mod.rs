//! How a credential goes on a request head: one file per scheme, one dispatch, nothing but bytes.
mod api_key;
mod basic;
mod bearer;
mod cookie;
mod custom;
mod error;
mod onto;
mod prepared;
mod presented;
mod query;
mod redact;
mod slot;
mod template;

pub use api_key::ApiKey;
pub use api_key::RawApiKey;
pub use basic::RawBasic;
pub use bearer::RawBearer;
pub use custom::Custom;
pub use custom::Injection;
pub use custom::RawCustom;
pub use custom::RawInjection;
pub use error::AuthError;
pub use error::SettingsError;
pub use error::SettingsFault;
pub use onto::Onto;
pub use prepared::Placed;
pub use prepared::Prepared;
pub use slot::Place;

use crate::model::Credential;
use http::request::Parts;
use std::borrow::Cow;

/// An authentication scheme (RFC 9110 §11.1): how a credential goes on the wire.
///
/// A closed set on purpose: the compiler lists every place that a new scheme has to be thought of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// No authentication at all: nothing is put on, and nothing of the caller's is dropped.
    None,
    ApiKey(ApiKey),
    Basic,
    Bearer,
    Custom(Custom),
}

/// The settings of [`Scheme::None`] as written: `none: {}`.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct RawNone {}

impl Scheme {
    /// The scheme's type as configuration files write it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ApiKey(_) => "api_key",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Custom(_) => "custom",
        }
    }

    /// The credential fields that the scheme takes: all of them required, no others allowed.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Self::None => Vec::new(),
            Self::ApiKey(_) => vec![api_key::FIELD],
            Self::Basic => basic::FIELDS.to_vec(),
            Self::Bearer => vec![bearer::FIELD],
            Self::Custom(scheme) => scheme.fields(),
        }
    }

    /// Checks the credential and makes the finished values: once, when the snapshot is built.
    ///
    /// Errors name the field and what is wrong with it, all of them at once, and never its value.
    pub fn prepare(&self, credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
        let faults = self.wrong_fields(credential);
        if !faults.is_empty() {
            return Err(faults);
        }
        match self {
            Self::None => Ok(Prepared::default()),
            Self::ApiKey(scheme) => scheme.prepare(credential),
            Self::Basic => basic::prepare(credential),
            Self::Bearer => bearer::prepare(credential),
            Self::Custom(scheme) => scheme.prepare(credential),
        }
    }

    /// The caller key, where a client that can send nothing else put it in the credential's place.
    ///
    /// `None` where nothing stands there, or where more than one thing does. With [`Scheme::None`]
    /// it is looked for in the Authorization field, and nothing replaces it there: whoever takes it
    /// for a caller key has to drop that field.
    pub fn presented_key<'h>(&self, head: &'h Parts) -> Option<Cow<'h, [u8]>> {
        match self {
            Self::ApiKey(scheme) => scheme.presented_key(head),
            Self::None | Self::Basic | Self::Bearer => presented::in_authorization(&head.headers),
            Self::Custom(scheme) => scheme.presented_key(head),
        }
    }

    /// Missing, unknown and repeated fields.
    fn wrong_fields(&self, credential: &Credential) -> Vec<AuthError> {
        let expected = self.fields();
        let missing = expected.iter().filter(|it| credential.field(it).is_none());
        let missing = missing.map(|it| AuthError::Missing { field: (*it).to_owned() });
        let unknown = credential.fields().filter(|it| !expected.contains(it)).map(|it| {
            AuthError::Unknown { field: it.to_owned(), expected: error::listed(&expected) }
        });
        let several = credential.fields().filter(|it| credential.values(it).len() > 1);
        let several = several.map(|it| AuthError::Several { field: it.to_owned() });
        missing.chain(unknown).chain(several).collect()
    }
}
