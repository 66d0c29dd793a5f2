//! `POST /v1/check_base_url`: whether an API is where somebody is about to say that it is.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::sent;
use crate::catalog::BaseUrlTemplate;
use crate::catalog::UpstreamSettings;
use crate::catalog::VariableRules;
use crate::model::BaseUrl;
use crate::renewal::Answered;
use crate::renewal::Reached;
use crate::renewal::Unreached;
use crate::upstream::SendError;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Base URLs that are asked at the same time.
pub(super) const AT_ONCE: usize = 4;

/// A base URL that is to be asked: without any credential.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "CheckBaseUrl")]
pub(super) struct Wanted {
    /// As in `https://api.example.com/v1`; variables stand in braces.
    base_url: String,
    /// A connector that there is: its variables, certificates to trust and networks that may be reached count.
    connector: Option<String>,
    /// The values of the variables.
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

/// What is there.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename = "CheckedBaseUrl")]
pub(super) struct View {
    /// Whether something answers in HTTP, whatever it answers.
    reachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// From the look-up of the name to the answer's head.
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    /// What is wrong, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What to do about it, or what to make of the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

pub(super) async fn check(mut call: Call) -> Result<Answer, ApiError> {
    let wanted: Wanted = sent::read(&call.take_object()?)?;
    let (base, settings) = wanted.place(&call)?;
    let _turn = call.api.checks.try_acquire();
    let _turn = _turn.map_err(|_| ApiError::Crowded("checks of base URLs"))?;
    let reached = call.api.errands()?.reach(base, settings).await?;
    Answer::of(&View::of(reached))
}

impl Wanted {
    /// Where to ask, and what is allowed there: only what is saved allows more than what is public.
    fn place(&self, call: &Call) -> Result<(BaseUrl, Arc<UpstreamSettings>), ApiError> {
        let snapshot = call.api.live.snapshot_full();
        let invalid = |it: &crate::catalog::TemplateError| {
            ApiError::invalid("/base_url", it.to_string(), it.hint())
        };
        let template = BaseUrlTemplate::parse(&self.base_url).map_err(|it| invalid(&it))?;
        let (rules, settings) = match &self.connector {
            None => (Arc::<VariableRules>::default(), Arc::clone(snapshot.upstream_defaults())),
            Some(key) => {
                let connector = snapshot.connector(key).ok_or_else(|| {
                    let problem = format!("there is no connector `{}`", key.escape_debug());
                    ApiError::invalid(
                        "/connector",
                        problem,
                        "leave it out where it is not saved yet",
                    )
                })?;
                (Arc::clone(&connector.variables), Arc::clone(&connector.upstream))
            }
        };
        let base = template.expand(&rules, &self.variables).map_err(|it| {
            ApiError::invalid(
                "/variables",
                it.to_string(),
                "give each variable that stands in braces",
            )
        })?;
        Ok((base, settings))
    }
}

impl View {
    fn of(reached: Reached) -> Self {
        match reached {
            Ok(Answered { status, took }) => Self {
                reachable: true,
                status: Some(status),
                ms: Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
                problem: None,
                hint: meaning(status),
            },
            Err(why) => {
                let (problem, hint) = unreached(why);
                let (reachable, status, ms) = (false, None, None);
                Self { reachable, status, ms, problem: Some(problem), hint: Some(hint) }
            }
        }
    }
}

/// What a status says of the base URL to whoever has just written it.
fn meaning(status: u16) -> Option<&'static str> {
    match status {
        300..=399 => Some(
            "It sends elsewhere, and requests do not follow: the base URL may have moved, or lack `https` or a path.",
        ),
        401 | 403 => Some("It wants a credential, as it should: none was sent."),
        404 | 405 => Some("Many APIs have nothing at their base URL itself: try an endpoint."),
        500.. => Some("Something is there, and has a fault of its own right now."),
        _ => None,
    }
}

/// Never an address: only what was asked for, and which class the guard found.
fn unreached(why: Unreached) -> (String, &'static str) {
    const SPELLING: &str = "Look at the host's spelling.";
    const UP: &str = "Look at the host and port, and whether a firewall lets attache through.";
    const TLS: &str =
        "Look whether the port speaks TLS: without it the base URL begins with `http://`.";
    const HTTP: &str = "Look at the port: with TLS the base URL begins with `https://`.";
    const LATER: &str = "Try again in a moment.";
    let says = |problem: &str| problem.to_owned();
    match why {
        Unreached::Unsendable => (says("No request can be made of this base URL."), SPELLING),
        Unreached::TimedOut => (says("Nothing was answered within 5 seconds."), UP),
        Unreached::Failed(error) => match error {
            SendError::Unresolved => (says("The host's name is not known (DNS)."), SPELLING),
            SendError::Refused => (says("Nothing listens there, or it drops connections."), UP),
            SendError::ConnectTimedOut => (says("No connection came about in time."), UP),
            SendError::Certificate { class } => (
                format!("The certificate is not trusted: {class}."),
                "Give the certificates to trust in `upstream.ca` of the connector, if it is of your own authority.",
            ),
            SendError::Handshake | SendError::HandshakeTimedOut | SendError::TlsEnded => {
                (says("No TLS connection came about."), TLS)
            }
            SendError::NoHttp2 => (
                says("It does not speak HTTP/2, which `upstream.http` of the connector asks for."),
                "Leave `upstream.http` out, or make it `auto`.",
            ),
            SendError::NotHttp => (says("What answers there is not HTTP."), HTTP),
            SendError::Closed => (says("It closed the connection before it answered."), HTTP),
            SendError::Forbidden { class } => (
                format!("The host's address is a {class} one, which attache does not contact."),
                "Allow it with `egress.allow` of the connector, save that, and check again with the `connector`.",
            ),
            SendError::NoLink | SendError::NoDescriptor => {
                (says("attache has no connection to spare right now."), LATER)
            }
            SendError::RequestBody | SendError::OutsideOrigin => {
                (says("The request could not be sent."), LATER)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_that_a_base_url_is_to_blame_for_has_a_meaning() {
        for (status, words) in [
            (301, "sends elsewhere"),
            (401, "wants a credential"),
            (404, "try an endpoint"),
            (502, "fault of its own"),
        ] {
            assert!(meaning(status).unwrap().contains(words), "{status}");
        }
        assert_eq!(meaning(200), None);
    }

    #[test]
    fn each_failure_names_the_way_out() {
        for (error, problem, hint) in [
            (SendError::Unresolved, "DNS", "spelling"),
            (SendError::Refused, "Nothing listens", "port"),
            (SendError::Certificate { class: "expired" }, "not trusted: expired", "upstream.ca"),
            (SendError::Handshake, "TLS", "http://"),
            (SendError::NotHttp, "not HTTP", "https://"),
            (SendError::Forbidden { class: "private" }, "private", "egress.allow"),
        ] {
            let view = View::of(Err(Unreached::Failed(error)));
            assert!(view.problem.unwrap().contains(problem), "{error:?}");
            assert!(view.hint.unwrap().contains(hint), "{error:?}");
        }
    }
}
