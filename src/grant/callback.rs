//! The redirect back from the provider (RFC 6749 §4.1.2), checked before anything else is done with it.
use super::raw::RawIss;
use super::reply::shown;
use super::settings::Oauth2;
use crate::model::Secret;
use std::collections::BTreeMap;

/// Longest query of a redirect back, in bytes.
pub const CALLBACK_LEN_MAX: usize = 16 << 10;

/// A consent: the code to exchange, and what else is kept of the redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub code: Secret,
    /// Variables of the holder.
    pub kept: BTreeMap<String, String>,
}

/// Why a redirect back yields no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The person said no.
    #[error("consent was denied")]
    Denied,
    /// The provider's error, cut and without control characters.
    #[error("the provider answered `{error}`")]
    Provider { error: String, description: Option<String> },
    #[error("the redirect is not the answer to this authorization")]
    State,
    #[error("the redirect comes from another provider than the one that was asked")]
    Issuer,
    #[error("the redirect has no code")]
    NoCode,
    #[error("the redirect has `{0}` twice")]
    Twice(String),
    #[error("the redirect is longer than {CALLBACK_LEN_MAX} bytes")]
    TooLong,
}

impl Oauth2 {
    /// The state in a redirect back, by which its authorization is found.
    pub fn callback_state(&self, query: &str) -> Option<String> {
        parameter(query, &self.0.callback.state).ok().flatten()
    }

    /// Reads a redirect back: `query` is the redirect's, or the form that was posted, `state` what the
    /// authorization was sent with, `issuer` the authorization server, where it is known.
    ///
    /// The order is the argument: whose it is before what it says.
    pub fn consent(
        &self,
        query: &str,
        state: &Secret,
        issuer: Option<&str>,
    ) -> Result<Consent, CallbackError> {
        if query.len() > CALLBACK_LEN_MAX {
            return Err(CallbackError::TooLong);
        }
        let names = &self.0.callback;
        let given = parameter(query, &names.state)?.map(Secret::new);
        if given.as_ref() != Some(state) || state.is_empty() {
            return Err(CallbackError::State);
        }
        // RFC 9207 §2.4: where it is there it has to be right, and where it is due it has to be there.
        match (parameter(query, "iss")?, issuer) {
            (Some(iss), Some(issuer)) if iss != issuer => return Err(CallbackError::Issuer),
            (None, _) if names.iss == Some(RawIss::Required) => return Err(CallbackError::Issuer),
            (Some(_), None) if names.iss == Some(RawIss::Required) => {
                return Err(CallbackError::Issuer);
            }
            _ => {}
        }
        if let Some(error) = parameter(query, &names.error)?.filter(|it| !it.is_empty()) {
            let description = parameter(query, "error_description").ok().flatten();
            return Err(match error.as_str() {
                "access_denied"
                | "user_denied"
                | "user_cancelled_login"
                | "user_cancelled_authorize" => CallbackError::Denied,
                _ => CallbackError::Provider {
                    error: shown(&error),
                    description: description.map(|it| shown(&it)),
                },
            });
        }
        let code = parameter(query, &names.code)?.filter(|it| !it.is_empty());
        let code = Secret::new(code.ok_or(CallbackError::NoCode)?);
        let mut kept = BTreeMap::new();
        for (variable, name) in &names.keep {
            if let Some(value) = parameter(query, name)? {
                kept.insert(variable.to_string(), value);
            }
        }
        Ok(Consent { code, kept })
    }
}

/// The value of a parameter that may stand once.
pub(super) fn parameter(query: &str, name: &str) -> Result<Option<String>, CallbackError> {
    let mut values = url::form_urlencoded::parse(query.as_bytes()).filter(|it| it.0 == name);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(CallbackError::Twice(name.to_owned())),
        (value, None) => Ok(value.map(|it| it.1.into_owned())),
    }
}
