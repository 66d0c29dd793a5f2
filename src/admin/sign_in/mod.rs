//! Operators sign in with a browser, by their token or by an identity provider, and are known again by a cookie.
//!
//! A cookie alone is nobody: it counts with what only a page of ours can say beside it (`same_origin`). Who somebody
//! is stands beside the hash of the cookie where all replicas see it (`books`), and is asked for anew with each
//! request (`session`).
mod books;
mod claims;
mod cookie;
mod dance;
mod listed;
mod made_up;
mod oidc;
mod page;
mod refusals;
mod routes;
mod same_origin;
mod session;

pub(super) use listed::end as end_session;
pub(super) use listed::list as list_sessions;
pub(super) use listed::page as session_page;
pub(super) use routes::routes;
pub(super) use session::of_cookie;
pub(super) use session::still;

use crate::config::OidcSettings;
use crate::config::SessionSettings;
use crate::telemetry::metrics::SignInWay;
use books::Books;
use made_up::MadeUp;
use refusals::Told;

/// How operators sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signing {
    pub sessions: SessionSettings,
    /// The URL that operators know the listener by, without a final slash; none where nobody has said it.
    pub url: Option<String>,
    /// Whether browsers reach it by https.
    pub is_secure: bool,
    pub oidc: Option<OidcSettings>,
}

/// The same at work.
#[derive(Debug, Default)]
pub(super) struct SignIn {
    pub(super) signing: Signing,
    /// Of a gateway without a store.
    books: Books,
    made_up: MadeUp,
    told: Told,
}

impl SignIn {
    pub(super) fn new(signing: Signing) -> Self {
        Self { signing, ..Self::default() }
    }
}

/// How an operator has proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    Token,
    Oidc,
}

impl Via {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Oidc => "oidc",
        }
    }

    /// As it is counted.
    const fn way(self) -> SignInWay {
        match self {
            Self::Token => SignInWay::Token,
            Self::Oidc => SignInWay::Oidc,
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Token, Self::Oidc].into_iter().find(|it| it.as_str() == name)
    }
}

#[cfg(test)]
mod tests;
