//! A login on its way: the next call, what its answer yields, and the session at the end.
use super::body::pairs;
use super::settings::SessionLogin;
use super::settings::Source;
use super::settings::Step;
use super::settings::Take;
use crate::grant::answer;
use crate::grant::client_auth::basic_value;
use crate::grant::conceal::conceal;
use crate::grant::error::GrantError;
use crate::grant::expiry;
use crate::grant::expiry::Said;
use crate::grant::failure::is_failure;
use crate::grant::failure::reads_body;
use crate::grant::occasion::Occasion;
use crate::grant::outcome::Fault;
use crate::grant::outcome::Outcome;
use crate::grant::outcome::UNAUTHORIZED;
use crate::grant::outcome::Why;
use crate::grant::reply::REPLY_LEN_MAX;
use crate::grant::reply::Reply;
use crate::grant::reply::ReplyFault;
use crate::grant::reply::shown;
use crate::grant::request::TokenRequest;
use crate::grant::request::sensitive;
use crate::grant::token_set::Expiry;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use http::HeaderMap;
use http::HeaderValue;
use http::header::ACCEPT;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::header::RETRY_AFTER;
use http::header::SET_COOKIE;
use http::header::USER_AGENT;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Longest value that is taken from an answer, in bytes.
const TAKEN_LEN_MAX: usize = 64 << 10;

/// Where a refusal says why.
const WORDS_AT: [&str; 5] =
    ["/message", "/error_description", "/error/message", "/error", "/detail"];

/// What a name in a template stands for.
pub(super) type Find<'f> = &'f dyn Fn(&str) -> Option<&'f str>;

/// A login on its way. Prints without what was taken.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// How many calls have been answered.
    answered: usize,
    taken: BTreeMap<String, Secret>,
}

/// What a login yields. Prints without its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The holder's own fields, and over them what was taken: what the injections name.
    pub values: Credential,
    pub expiry: Expiry,
}

impl SessionLogin {
    /// The next call; `None` once all are answered.
    pub fn request(
        &self,
        login: &Login,
        occasion: &Occasion<'_>,
    ) -> Result<Option<TokenRequest>, GrantError> {
        let Some(step) = self.0.steps.get(login.answered) else { return Ok(None) };
        step.request(login, occasion).map(Some)
    }

    /// Takes the answer to the call that was next, which was sent at `asked_at` and made of `held`.
    pub fn answered(
        &self,
        login: &mut Login,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        held: &Credential,
        asked_at: UnixTime,
    ) -> Result<(), Outcome> {
        let Some(step) = self.0.steps.get(login.answered) else { return Ok(()) };
        if let Some((fault, why)) = step.fault(status, body, held, login) {
            let after = headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok());
            return Err(match fault {
                Some(fault) => {
                    let after = after.and_then(|it| answer::wish(it, asked_at));
                    Outcome::TryAgain { after, fault, why }
                }
                None => Outcome::AuthorizeAgain { why },
            });
        }
        let mut reply = None;
        for take in &step.take {
            let value = match take.value(headers, body, &mut reply) {
                Some(value) => value,
                None if take.optional => continue,
                None => {
                    let (after, fault, why) = (None, Fault::Provider, Why::NoToken { status });
                    return Err(Outcome::TryAgain { after, fault, why });
                }
            };
            login.taken.insert(take.name.to_string(), value);
        }
        login.answered += 1;
        Ok(())
    }

    /// The session, once all calls are answered. `asked_at` is when the last call was sent.
    pub fn session(&self, login: &Login, held: &Credential, asked_at: UnixTime) -> Option<Session> {
        if login.answered < self.0.steps.len() {
            return None;
        }
        let mut values = held.clone();
        for (name, value) in &login.taken {
            values.insert(name.as_str(), vec![value.clone()]);
        }
        let said = self.0.expires_in.as_deref().and_then(|it| login.taken.get(it));
        let said = said.map(|it| Value::String(it.expose().to_owned()));
        let said = Said { expires_in: said.as_ref(), expires_at: None, access_token: "" };
        let expiry = expiry::expiry(&self.0.expiry, &said, asked_at);
        Some(Session { values, expiry })
    }

    /// What ends a session; `values` are the session's.
    pub fn logout(&self, occasion: &Occasion<'_>) -> Result<Option<TokenRequest>, GrantError> {
        let logout = self.0.logout.as_ref();
        logout.map(|it| it.request(&Login::default(), occasion)).transpose()
    }

    /// Whether the body of an answer with this status (of any, where none is given) has to be looked at.
    pub fn failure_reads_body(&self, status: Option<u16>) -> bool {
        reads_body(&self.0.auth_failure, status)
    }

    /// Whether the API says that the session is over.
    pub fn is_auth_failure(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> bool {
        is_failure(&self.0.auth_failure, status, headers, body)
    }
}

impl Step {
    fn request(&self, login: &Login, occasion: &Occasion<'_>) -> Result<TokenRequest, GrantError> {
        let find = |name: &str| {
            let taken = login.taken.get(name).map(Secret::expose);
            taken.or_else(|| occasion.find(name))
        };
        let query = pairs(&self.query, &find)?.query();
        let target = self.url.expand("url", find)?.with_query(&query);
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(USER_AGENT, HeaderValue::from_static("attache"));
        let (content_type, body) = self.body.render(&find)?;
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(basic) = &self.basic
            && let Some(pair) = basic.render_by(find)?
        {
            headers.insert(AUTHORIZATION, basic_value(&pair));
        }
        for (name, template) in &self.headers {
            if let Some(value) = template.render_by(find)? {
                headers.insert(name, sensitive(name.as_str(), &value)?);
            }
        }
        Ok(TokenRequest { method: self.method.clone(), target, headers, body })
    }

    /// What is wrong with the answer, and who has to act: nobody but a person where it is `None`. `None` of all
    /// where it is good.
    fn fault(
        &self,
        status: u16,
        body: &[u8],
        held: &Credential,
        login: &Login,
    ) -> Option<(Option<Fault>, Why)> {
        let good = match &*self.expect {
            [] => (200..=299).contains(&status),
            expected => expected.contains(&status),
        };
        if good {
            let why = Why::Unreadable { status, fault: ReplyFault::TooLong };
            return (body.len() > REPLY_LEN_MAX).then_some((Some(Fault::Provider), why));
        }
        let words = || {
            let reply = Reply::read(None, body).ok()?;
            let words = WORDS_AT.iter().find_map(|at| reply.text(at))?;
            let taken: Vec<&Secret> = login.taken.values().collect();
            Some(shown(&conceal(&words, held, &taken)))
        };
        if self.refused.contains(&status) {
            let (error, description) = (UNAUTHORIZED.to_owned(), words());
            return Some((None, Why::Refused { status, error, description }));
        }
        Some(match status {
            429 | 503 => (Some(Fault::Provider), Why::Busy { status }),
            300..=399 => (Some(Fault::Operator), Why::Redirected { status }),
            400..=499 => {
                // RFC 9110 §15.5.9, RFC 8470 §5.2: they pass by themselves.
                let passes = matches!(status, 408 | 425);
                let fault = if passes { Fault::Provider } else { Fault::Operator };
                let refused = |error| Why::Refused { status, error, description: None };
                (Some(fault), words().map_or(Why::NoToken { status }, refused))
            }
            _ => (Some(Fault::Provider), Why::Broken { status }),
        })
    }
}

impl Take {
    /// `reply` is the body, once it has been read.
    fn value(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        reply: &mut Option<Option<Reply>>,
    ) -> Option<Secret> {
        let value = match &self.from {
            Source::Json(pointer) => {
                let reply = reply.get_or_insert_with(|| Reply::read(None, body).ok());
                reply.as_ref()?.text(pointer)?
            }
            Source::Header(name) => headers.get(name)?.to_str().ok()?.to_owned(),
            Source::Cookie(name) => cookie(headers, name)?,
            Source::Body => String::from_utf8_lossy(body).into_owned(),
        };
        let value = match &self.pattern {
            None => value,
            Some(pattern) => pattern.captures(&value)?.get(1)?.as_str().to_owned(),
        };
        (!value.is_empty() && value.len() <= TAKEN_LEN_MAX).then(|| Secret::new(value))
    }
}

/// The value of a cookie that is set (RFC 6265 §5.2); the last one counts, as in a browser.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(SET_COOKIE).iter().filter_map(|it| it.to_str().ok());
    let pairs = lines.filter_map(|it| it.split(';').next()?.split_once('='));
    let mut values = pairs.filter(|it| it.0.trim() == name).map(|it| it.1.trim());
    values.next_back().map(str::to_owned)
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({} answered)", self.answered)
    }
}
