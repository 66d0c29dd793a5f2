//! The redirect back (RFC 5849 §2.2): which consent it belongs to, and what was said.
use super::super::callback::CALLBACK_LEN_MAX;
use super::super::callback::CallbackError;
use super::super::callback::parameter;
use super::super::reply::shown;
use super::settings::Oauth1Grant;
use crate::model::Secret;

/// In what a redirect back names its consent: what providers send where somebody says no is not in the RFC.
const TOKENS: [&str; 2] = ["oauth_token", "denied"];

/// The verifier that is none.
const DENIED: &str = "NULL";

impl Oauth1Grant {
    /// The temporary token in a redirect back, by which its consent is found.
    pub fn callback_token(query: &str) -> Option<String> {
        TOKENS.iter().find_map(|it| parameter(query, it).ok().flatten())
    }

    /// Reads a redirect back, which belongs to the temporary `token`: the verifier.
    ///
    /// The order is the argument: whose it is before what it says.
    pub fn verifier(query: &str, token: &Secret) -> Result<Secret, CallbackError> {
        if query.len() > CALLBACK_LEN_MAX {
            return Err(CallbackError::TooLong);
        }
        let denied = parameter(query, "denied")?;
        let given = parameter(query, "oauth_token")?.or_else(|| denied.clone()).map(Secret::new);
        if given.as_ref() != Some(token) || token.is_empty() {
            return Err(CallbackError::State);
        }
        if denied.is_some() {
            return Err(CallbackError::Denied);
        }
        // OAuth Problem Reporting, which some providers have.
        if let Some(problem) = parameter(query, "oauth_problem")?.filter(|it| !it.is_empty()) {
            return Err(match problem.as_str() {
                "user_refused" | "permission_denied" => CallbackError::Denied,
                problem => CallbackError::Provider { error: shown(problem), description: None },
            });
        }
        let verifier = parameter(query, "oauth_verifier")?.filter(|it| !it.is_empty());
        match verifier {
            // What Garmin sends where somebody says no.
            Some(it) if it == DENIED => Err(CallbackError::Denied),
            verifier => verifier.map(Secret::new).ok_or(CallbackError::NoCode),
        }
    }
}
