//! What a provider answers to the two signed messages (RFC 5849 §2.1, §2.3): a form, whatever it calls it.
use super::super::answer::Answer;
use super::super::reply::REPLY_LEN_MAX;
use super::super::reply::shown;
use super::super::token_set::TokenSet;
use super::settings::Oauth1Grant;
use super::settings::token_set;
use crate::model::Secret;

/// Longest token that is taken, in bytes.
const TOKEN_LEN_MAX: usize = 1024;

/// Temporary credentials: they say which consent it is, and sign the message that ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Temporary {
    /// Comes back with the person.
    pub token: Secret,
    pub secret: Secret,
}

/// Why an answer has no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Oauth1Error {
    /// The provider's own problem, where it says one (OAuth Problem Reporting), cut and without control characters.
    #[error("the provider answered with status {status}{}", named(problem.as_deref()))]
    Refused { status: u16, problem: Option<String> },
    #[error("the provider answered with status {status}, which says nothing of the token")]
    Away { status: u16 },
    #[error("the provider's answer has no `{0}`")]
    Lacks(&'static str),
    #[error("the provider's answer is longer than {REPLY_LEN_MAX} bytes")]
    TooLong,
    /// OAuth 1.0 before 1.0a, where anybody could finish what another began.
    #[error(
        "the provider did not confirm where the person comes back to: `oauth_callback_confirmed` is not true"
    )]
    Unconfirmed,
}

impl Oauth1Grant {
    /// The answer to the first message.
    pub fn temporary(&self, answer: &Answer) -> Result<Temporary, Oauth1Error> {
        let pairs = pairs(answer)?;
        let (token, secret) = (token(&pairs)?, secret(&pairs)?);
        let is_confirmed = value(&pairs, "oauth_callback_confirmed") == Some("true");
        // What it was not told it does not confirm.
        if !is_confirmed && !self.callback_on_url {
            return Err(Oauth1Error::Unconfirmed);
        }
        Ok(Temporary { token, secret })
    }

    /// The answer to the second one.
    pub fn token(answer: &Answer) -> Result<TokenSet, Oauth1Error> {
        let pairs = pairs(answer)?;
        Ok(token_set(token(&pairs)?, secret(&pairs)?))
    }
}

type Pairs = Vec<(String, Secret)>;

fn pairs(answer: &Answer) -> Result<Pairs, Oauth1Error> {
    if answer.body.len() > REPLY_LEN_MAX {
        return Err(Oauth1Error::TooLong);
    }
    let form = url::form_urlencoded::parse(&answer.body);
    let pairs: Pairs = form.map(|it| (it.0.into_owned(), Secret::new(it.1.into_owned()))).collect();
    let status = answer.status;
    match status {
        200..=299 => Ok(pairs),
        400..=499 if !matches!(status, 408 | 425 | 429) => {
            let problem = value(&pairs, "oauth_problem").map(shown);
            Err(Oauth1Error::Refused { status, problem })
        }
        _ => Err(Oauth1Error::Away { status }),
    }
}

/// The value of what stands there once.
fn value<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    let mut values = pairs.iter().filter(|it| it.0 == name);
    let value = values.next()?.1.expose();
    values.next().is_none().then_some(value)
}

fn token(pairs: &Pairs) -> Result<Secret, Oauth1Error> {
    let token = value(pairs, "oauth_token");
    let token = token.filter(|it| !it.is_empty() && it.len() <= TOKEN_LEN_MAX);
    token.map(Secret::new).ok_or(Oauth1Error::Lacks("oauth_token"))
}

/// It may be empty, and has to be there.
fn secret(pairs: &Pairs) -> Result<Secret, Oauth1Error> {
    let secret = value(pairs, "oauth_token_secret").filter(|it| it.len() <= TOKEN_LEN_MAX);
    secret.map(Secret::new).ok_or(Oauth1Error::Lacks("oauth_token_secret"))
}

fn named(problem: Option<&str>) -> String {
    problem.map_or_else(String::new, |it| format!(" and `{it}`"))
}
