//! What an answer means for the grant: a token, try again, or a person has to consent again.
use super::reply::ReplyFault;
use super::token_set::TokenSet;
use std::time::Duration;

/// The three ways in which a token request ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Token(Box<TokenSet>),
    /// The grant may be as good as ever: the token that is there goes on being served.
    TryAgain {
        /// The provider's own wish, where it has one.
        after: Option<Duration>,
        fault: Fault,
        why: Why,
    },
    /// The grant is dead, and only a person brings it back.
    AuthorizeAgain {
        why: Why,
    },
}

/// Who has to act before it gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The provider, or the way there: it passes by itself.
    Provider,
    /// The operator: the settings or the app's own credentials are wrong, for every tenant alike. Tried
    /// again slowly, because it may be mended over there.
    Operator,
}

/// What happened, for a person. Provider's texts in it are cut, on one line, and free of what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("the provider did not answer in time")]
    TimedOut,
    #[error("the provider asks for fewer requests (status {status})")]
    Busy { status: u16 },
    #[error("the provider has a fault of its own (status {status})")]
    Broken { status: u16 },
    #[error("{fault} (status {status})")]
    Unreadable { status: u16, fault: ReplyFault },
    #[error("the provider redirects token requests elsewhere (status {status})")]
    Redirected { status: u16 },
    #[error("the provider answered `{error}` (status {status}){}", words(.description))]
    Refused { status: u16, error: String, description: Option<String> },
    #[error("the answer has neither a token nor an error (status {status})")]
    NoToken { status: u16 },
    #[error("the provider asks for a proof with its nonce")]
    Nonce,
    #[error("the token is bound to no key, though it was asked for with one")]
    Unbound,
    #[error("there is no refresh token to renew it with")]
    NoRefreshToken,
}

/// Refusals of the client itself, by RFC 6749 §5.2, GitHub, Slack and others, in lower case.
const CLIENT_REFUSED: [&str; 4] = [
    "invalid_client",
    "incorrect_client_credentials",
    "bad_client_secret",
    "invalid_client_secret",
];

/// The same where the status is 401: a client that is known would be told so by 400. Keycloak says the first
/// of a wrong secret.
const CLIENT_UNAUTHORIZED: [&str; 2] = ["unauthorized_client", UNAUTHORIZED];

/// What stands for the error of an answer that is 401 and names none.
pub(super) const UNAUTHORIZED: &str = "unauthorized";

impl Why {
    /// Whether it was the client that was refused, so that another of its secrets may be good.
    pub fn refuses_client(&self) -> bool {
        match self {
            Self::Refused { status, error, .. } => {
                let error = &*error.to_ascii_lowercase();
                CLIENT_REFUSED.contains(&error)
                    || *status == 401 && CLIENT_UNAUTHORIZED.contains(&error)
            }
            Self::NoToken { status } => *status == 401,
            Self::TimedOut
            | Self::Busy { .. }
            | Self::Broken { .. }
            | Self::Unreadable { .. }
            | Self::Redirected { .. }
            | Self::Nonce
            | Self::Unbound
            | Self::NoRefreshToken => false,
        }
    }
}

fn words(description: &Option<String>) -> String {
    description.as_ref().map_or_else(String::new, |it| format!(": {it}"))
}
