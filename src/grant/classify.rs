//! The verdict on an answer of a token endpoint: RFC 6749 §5, and the dialects that providers speak.
//!
//! One rule stands above the tables: whatever is not surely the grant's end is not taken for it. A token
//! that is renewed once too often costs a request; a customer who is lost costs the customer.
use super::answer::Answer;
use super::conceal::conceal;
use super::expiry;
use super::expiry::Said;
use super::outcome::Fault;
use super::outcome::Outcome;
use super::outcome::UNAUTHORIZED;
use super::outcome::Why;
use super::raw::GrantType;
use super::reply;
use super::reply::Reply;
use super::reply::as_text;
use super::reply::shown;
use super::request::Ask;
use super::settings::Keep;
use super::settings::Oauth2;
use super::token_set::TokenSet;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Errors that end a grant. RFC 6749 §5.2 has the first; the others are what providers say instead.
const DEAD: &[&str] = &[
    "invalid_grant",
    // OpenID Connect Core §3.1.2.6, which Microsoft answers to refresh tokens too.
    "interaction_required",
    "login_required",
    "consent_required",
    // GitHub.
    "bad_refresh_token",
    "bad_verification_code",
    // Slack.
    "invalid_refresh_token",
    "token_revoked",
    "account_inactive",
    // Slack and Zoho: a code, and at Zoho a refresh token too.
    "invalid_code",
    // Others.
    "refresh_token_expired",
    "refresh_token_revoked",
    "expired_refresh_token",
    "revoked_refresh_token",
    "grant_revoked",
    "user_revoked",
];

/// Errors that end a question to a person (RFC 8628 §3.5), and nothing else: to a refresh token, some say
/// as much while they limit requests.
const SAID_NO: &[&str] = &[
    "access_denied",
    "expired_token",
    // Microsoft and OpenAM: a person's No.
    "authorization_declined",
];

/// Errors that are the app's own: right for no tenant, wrong for all of them.
const OPERATORS: &[&str] = &[
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_request",
    "invalid_scope",
    // RFC 8707 §2.
    "invalid_target",
    // RFC 9449 §5.
    "invalid_dpop_proof",
    // GitHub.
    "incorrect_client_credentials",
    "redirect_uri_mismatch",
    "application_suspended",
    "unverified_user_email",
    // Slack.
    "invalid_client_id",
    "bad_client_secret",
    "bad_redirect_uri",
    "invalid_grant_type",
    // Others.
    "invalid_client_secret",
];

/// Where the code of an error stands, in the order in which it is looked for.
const ERROR_AT: &[&str] = &[
    "/error/code",
    "/error/type",
    "/error/error",
    "/error/status",
    "/error/message",
    "/error",
    "/errors/0/code",
    "/errors/0/error",
    "/errors/0/errorType",
    "/errors/0/message",
    "/errors/0",
    "/error_code",
    "/errorCode",
    "/fault/faultstring",
];

/// Where it is only looked for when the answer is a refusal and says nothing elsewhere.
const STATUS_AT: &[&str] = &["/code", "/errcode", "/status", "/type", "/message"];

/// What says no more than that it is an error.
const VAGUE: &[&str] = &["error", "Error", "ERROR", "fail", "failure", "failed", "false", "0"];

const DESCRIPTION_AT: &[&str] = &[
    "/error_description",
    "/error/message",
    "/error/error_description",
    "/errors/0/message",
    "/errors/0/detail",
    "/errorSummary",
    "/errmsg",
    "/detail",
    "/message",
    "/msg",
    "/error_message",
];

/// Longest value that is kept as a variable, in bytes: it goes into a URL.
const KEPT_LEN_MAX: usize = 1024;

/// A provider's refusal.
struct Refusal {
    error: String,
    description: Option<String>,
}

impl Oauth2 {
    /// What the answer to `ask` means. `held` is what the request was made of: nothing of it is repeated
    /// in words. `asked_at` is when the request was sent.
    pub fn outcome(
        &self,
        ask: Ask<'_>,
        answer: &Answer,
        held: &Credential,
        asked_at: UnixTime,
    ) -> Outcome {
        let status = answer.status;
        let after = answer.retry_after(asked_at);
        let again = |fault, why| Outcome::TryAgain { after, fault, why };
        match status {
            429 => return again(Fault::Provider, Why::Busy { status }),
            503 => return again(Fault::Provider, Why::Busy { status }),
            500..=599 => return again(Fault::Provider, Why::Broken { status }),
            300..=399 => return again(Fault::Operator, Why::Redirected { status }),
            _ => {}
        }
        let reply = match Reply::read(answer.content_type.as_deref(), &answer.body) {
            Ok(reply) => reply,
            // No error code, but a status that has one meaning here (RFC 6749 §5.2).
            Err(_) if status == 401 => {
                let error = UNAUTHORIZED.to_owned();
                return again(Fault::Operator, Why::Refused { status, error, description: None });
            }
            Err(fault) => {
                let whose = if status == 404 { Fault::Operator } else { Fault::Provider };
                return again(whose, Why::Unreadable { status, fault });
            }
        };
        match self.refusal(answer, &reply) {
            Some(refusal) => self.refused(ask, refusal, answer, held, after),
            None if answer.is_success() => match self.token(ask, &reply, asked_at) {
                Ok(Some(token)) => Outcome::Token(Box::new(token)),
                Ok(None) => again(Fault::Provider, Why::NoToken { status }),
                Err(why) => again(Fault::Operator, why),
            },
            None if status == 401 => again(Fault::Operator, Why::NoToken { status }),
            None => again(Fault::Provider, Why::NoToken { status }),
        }
    }

    /// The tables' verdict.
    fn refused(
        &self,
        ask: Ask<'_>,
        refusal: Refusal,
        answer: &Answer,
        held: &Credential,
        after: Option<Duration>,
    ) -> Outcome {
        let status = answer.status;
        let error = refusal.error.to_ascii_lowercase();
        let description = refusal.description.as_deref().unwrap_or_default();
        let declared = self.says_again(&refusal.error, description);
        if answer.dpop_nonce.is_some() && error == "use_dpop_nonce" {
            let after = Some(Duration::ZERO);
            return Outcome::TryAgain { after, fault: Fault::Provider, why: Why::Nonce };
        }
        // The verdict is on what was said, and what is told of it holds no secret.
        let why = |it: Refusal| it.why(status, |text| conceal(text, held, &asked_with(&ask)));
        let is_question = matches!(ask, Ask::DeviceToken { .. } | Ask::Code { .. });
        let is_dead = declared
            || DEAD.contains(&error.as_str())
            || is_question && SAID_NO.contains(&error.as_str())
            || error == FACEBOOK_DEAD;
        if is_dead && self.is_a_persons(ask) {
            return Outcome::AuthorizeAgain { why: why(refusal) };
        }
        // 404: the URL is wrong, or an app was taken out over there.
        let is_operators =
            is_dead || OPERATORS.contains(&error.as_str()) || matches!(status, 401 | 404);
        let fault = if is_operators { Fault::Operator } else { Fault::Provider };
        Outcome::TryAgain { after, fault, why: why(refusal) }
    }

    /// Whether a person's consent, or a person's password, is what was refused. What is made anew for
    /// each request from keys of the operator's is not lost by being refused: another clock, or a key
    /// that is put in over there, mends it.
    fn is_a_persons(&self, ask: Ask<'_>) -> bool {
        match ask {
            Ask::Refresh | Ask::Code { .. } | Ask::DeviceToken { .. } => true,
            Ask::Token => self.0.grant == GrantType::Password,
            Ask::Device | Ask::Revoke { .. } | Ask::Introspect { .. } | Ask::Push { .. } => false,
        }
    }

    /// The error that the answer holds, if it is one. An answer of 2xx with a token is none, whatever
    /// stands beside the token, unless it says no in so many words: the token may be the only one.
    fn refusal(&self, answer: &Answer, reply: &Reply) -> Option<Refusal> {
        let places = &self.0.reply;
        let token = reply.text(&places.access_token).is_some();
        let no = ["/ok", "/success"].iter().any(|it| reply.at(it) == Some(&Value::Bool(false)));
        let declared = places.error.as_deref().and_then(|it| error_at(reply, it));
        if token && answer.is_success() && declared.is_none() && !no {
            return None;
        }
        let known = || ERROR_AT.iter().find_map(|it| error_at(reply, it));
        let description = match places.error_description.as_deref() {
            Some(pointer) => reply.text(pointer),
            None => DESCRIPTION_AT.iter().find_map(|it| reply.text(it)),
        };
        let vague = || {
            let mut texts = STATUS_AT.iter().filter_map(|it| reply.text(it));
            let status = answer.status.to_string();
            // What says that all is well may hold a token that other settings find, unless it surely says no.
            let described = description.as_deref().unwrap_or_default();
            let says_no =
                |it: &str| !answer.is_success() || is_known(it) || self.says_again(it, described);
            texts.find(|it| !VAGUE.contains(&it.as_str()) && *it != status && says_no(it))
        };
        let unsaid = || no.then(|| "refused".to_owned());
        let error = declared.or_else(known).or_else(vague).or_else(unsaid)?;
        let description = description.filter(|it| *it != error);
        Some(Refusal { error, description })
    }

    /// Whether the settings say that a person has to consent again: by the code, or by what stands in the description.
    fn says_again(&self, error: &str, description: &str) -> bool {
        self.0.reply.authorize_again.iter().any(|it| {
            it.eq_ignore_ascii_case(error) || !it.is_empty() && description.contains(&**it)
        })
    }

    /// The token set in an answer; `None` where there is no token.
    fn token(
        &self,
        ask: Ask<'_>,
        reply: &Reply,
        asked_at: UnixTime,
    ) -> Result<Option<TokenSet>, Why> {
        let rules = &*self.0;
        let places = &rules.reply;
        let Some(access_token) = reply.text(&places.access_token) else { return Ok(None) };
        let token_type = reply.text(&places.token_type);
        // RFC 9449 §5: a token that is called otherwise is bound to nothing, and not taken. Of a renewal it
        // is taken all the same: there may be a refresh token with it, and no other.
        let unbound = token_type.as_deref().is_some_and(|it| !it.eq_ignore_ascii_case("dpop"));
        if rules.dpop && unbound && !matches!(ask, Ask::Refresh) {
            return Err(Why::Unbound);
        }
        let said = Said {
            expires_in: reply.at(&places.expires_in),
            expires_at: reply.at(&places.expires_at),
            access_token: &access_token,
        };
        let expiry = expiry::expiry(&rules.expiry, &said, asked_at);
        let (kept, unkept) = kept(&places.keep, reply);
        let scopes = reply.at(&places.scope);
        let scopes = scopes.and_then(|it| reply::scopes(it, &rules.scope_separator));
        Ok(Some(TokenSet {
            refresh_token: reply.text(&places.refresh_token).map(Secret::new),
            id_token: reply.text(&places.id_token).map(Secret::new),
            token_type,
            scopes: scopes.filter(|it| !it.is_empty()),
            expiry,
            refresh_expires_at: expiry::refresh_expiry(
                reply.at(&places.refresh_expires_in),
                asked_at,
            ),
            dpop_key: None,
            extra: Box::default(),
            kept,
            unkept: unkept.into(),
            access_token: Secret::new(access_token),
        }))
    }
}

impl Refusal {
    fn why(self, status: u16, conceal: impl Fn(&str) -> String) -> Why {
        let told = |text: &str| shown(&conceal(text));
        Why::Refused {
            status,
            error: told(&self.error),
            description: self.description.as_deref().map(told),
        }
    }
}

/// The error at a pointer: a code or words, no empty text, no `0` and no `false`, which say "none".
fn error_at(reply: &Reply, pointer: &str) -> Option<String> {
    let value = reply.at(pointer)?;
    // A number tells less than the name beside it, unless it is a dialect of its own.
    let is_number = matches!(value, Value::Number(_));
    let text = as_text(value).filter(|it| !matches!(it.as_str(), "" | "0" | "false"))?;
    match (pointer, is_number) {
        ("/error/code", true) if text != FACEBOOK_DEAD => None,
        _ => Some(text),
    }
}

/// Meta's Graph API: `{"error":{"type":"OAuthException","code":190}}`, the access token is no longer good.
const FACEBOOK_DEAD: &str = "190";

/// The variables that an answer yields, and those whose value is not what the pattern allows. These
/// cost no token: the value of the time before stays.
fn kept(keep: &[Keep], reply: &Reply) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut kept, mut unkept) = (BTreeMap::new(), Vec::new());
    for it in keep {
        let Some(value) = reply.text(&it.at) else { continue };
        let value = match &it.pattern {
            None => Some(value),
            Some(pattern) => {
                let captures = pattern.captures(&value);
                captures.and_then(|it| it.get(1)).map(|it| it.as_str().to_owned())
            }
        };
        match value.filter(|it| it.len() <= KEPT_LEN_MAX) {
            Some(value) => _ = kept.insert(it.variable.to_string(), value),
            None => unkept.push(it.variable.to_string()),
        }
    }
    (kept, unkept)
}

/// What is sent with a question itself, besides the holder's fields.
fn asked_with<'a>(ask: &Ask<'a>) -> Vec<&'a Secret> {
    match *ask {
        Ask::Code { code, verifier, .. } => [code].into_iter().chain(verifier).collect(),
        Ask::DeviceToken { device_code } => vec![device_code],
        Ask::Revoke { token, .. } | Ask::Introspect { token, .. } => vec![token],
        Ask::Token | Ask::Refresh | Ask::Device | Ask::Push { .. } => Vec::new(),
    }
}

/// Whether it is an error that somebody has a name for.
fn is_known(error: &str) -> bool {
    let lower = error.to_ascii_lowercase();
    [DEAD, SAID_NO, OPERATORS].into_iter().flatten().any(|it| *it == lower)
}
