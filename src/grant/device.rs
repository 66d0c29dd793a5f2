//! Consent on another device (RFC 8628).
use super::answer::Answer;
use super::outcome::Outcome;
use super::outcome::Why;
use super::reply::Reply;
use super::reply::shown;
use super::request::Ask;
use super::settings::Oauth2;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use std::time::Duration;

/// Between two questions, where the provider does not say (RFC 8628 §3.2).
const INTERVAL_DEFAULT_S: u64 = 5;

/// What `slow_down` adds (RFC 8628 §3.5).
const SLOWER_S: u64 = 5;

const INTERVAL_MAX_S: u64 = 300;

/// How long codes live where the provider does not say, though it must.
const LIFETIME_DEFAULT_S: u64 = 600;

/// What a person is shown, and what is asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCodes {
    pub device_code: Secret,
    /// For the person to type.
    pub user_code: String,
    /// Where to type it.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<String>,
    pub expires_at: UnixTime,
    pub interval: Duration,
}

/// What the provider says while a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// Not yet: ask again after this long.
    Pending {
        interval: Duration,
    },
    Ended(Outcome),
}

impl Oauth2 {
    /// Reads the answer to [`Ask::Device`].
    pub fn device_codes(
        &self,
        answer: &Answer,
        held: &Credential,
        asked_at: UnixTime,
    ) -> Result<DeviceCodes, Outcome> {
        let refused = || match self.outcome(Ask::Device, answer, held, asked_at) {
            Outcome::Token(_) => Outcome::TryAgain {
                after: None,
                fault: super::outcome::Fault::Provider,
                why: Why::NoToken { status: answer.status },
            },
            other => other,
        };
        if !answer.is_success() {
            return Err(refused());
        }
        let reply = Reply::read(answer.content_type.as_deref(), &answer.body);
        let reply = reply.map_err(|_| refused())?;
        let number = |name: &str| reply.text(name).and_then(|it| it.parse::<f64>().ok());
        let seconds = |name: &str| number(name).filter(|it| *it >= 1.0).map(|it| it as u64);
        // Google calls it `verification_url`.
        let uri = |names: [&str; 2]| {
            let uri = names.iter().find_map(|it| reply.text(it))?;
            let is_web = uri.starts_with("https://") || uri.starts_with("http://");
            is_web.then(|| shown(&uri))
        };
        let codes = || {
            let lifetime_s = seconds("/expires_in").unwrap_or(LIFETIME_DEFAULT_S);
            Some(DeviceCodes {
                device_code: Secret::new(reply.text("/device_code")?),
                user_code: shown(&reply.text("/user_code")?),
                verification_uri: uri(["/verification_uri", "/verification_url"])?,
                verification_uri_complete: uri([
                    "/verification_uri_complete",
                    "/verification_url_complete",
                ]),
                expires_at: UnixTime::from_s(asked_at.as_s().saturating_add(lifetime_s)),
                interval: Duration::from_secs(
                    seconds("/interval").unwrap_or(INTERVAL_DEFAULT_S).min(INTERVAL_MAX_S),
                ),
            })
        };
        codes().ok_or_else(refused)
    }

    /// What the answer to [`Ask::DeviceToken`] means. `interval` is how long was waited before it.
    pub fn polled(
        &self,
        device_code: &Secret,
        answer: &Answer,
        held: &Credential,
        asked_at: UnixTime,
        interval: Duration,
    ) -> Polled {
        let ask = Ask::DeviceToken { device_code };
        let outcome = self.outcome(ask, answer, held, asked_at);
        let longest = Duration::from_secs(INTERVAL_MAX_S);
        match &outcome {
            Outcome::TryAgain { why: Why::Refused { error, .. }, .. } => {
                match &*error.to_ascii_lowercase() {
                    "authorization_pending" => Polled::Pending { interval },
                    "slow_down" => {
                        let slower = interval.saturating_add(Duration::from_secs(SLOWER_S));
                        Polled::Pending { interval: slower.min(longest) }
                    }
                    _ => Polled::Ended(outcome),
                }
            }
            Outcome::TryAgain { .. } | Outcome::Token(_) | Outcome::AuthorizeAgain { .. } => {
                Polled::Ended(outcome)
            }
        }
    }
}
