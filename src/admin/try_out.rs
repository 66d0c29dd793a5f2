//! `POST /v1/try`: one request through the proxy, as a caller would send it.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::sent;
use super::tried::TriedView;
use crate::model::Key;
use crate::model::TenantId;
use crate::model::TimeSpan;
use crate::store::TrialOf;
use crate::telemetry::Trial;
use crate::telemetry::Tried;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Uri;
use http::header;
use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// Requests that are tried out at the same time: each holds its answer.
pub(super) const AT_ONCE: usize = 8;

/// Longest body, in bytes.
const BODY_LEN_MAX: usize = 1 << 20;

/// Fields, at most: more than any API asks for.
const FIELDS_MAX: usize = 100;

/// How long it may take until the answer is whole, and how long it may where nothing is said.
const TIME_MAX: Duration = Duration::from_secs(60);
const TIME: Duration = Duration::from_secs(30);

/// What is not plain in `Attache-Tenant`.
const TENANT_ESCAPES: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request to be tried out. It names a connection, or an environment and a connector.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Try")]
pub(super) struct Wanted {
    pub(super) connection: Option<String>,
    /// Its assignment of `connector` is meant.
    pub(super) environment: Option<String>,
    /// A connector's key or a link's alias, in `environment`.
    pub(super) connector: Option<String>,
    /// Whose credentials go on it, where the connection is embedded.
    pub(super) tenant: Option<String>,
    /// Whether the connection's test credentials go on it.
    #[serde(default)]
    pub(super) test: bool,
    /// Default: `GET`.
    pub(super) method: Option<String>,
    /// Below the base URL, with the query: `/me?fields=id`.
    pub(super) path: String,
    /// Names and values.
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    /// As text; at most 1 MiB, as is the next.
    pub(super) body: Option<String>,
    /// Instead of `body`.
    pub(super) body_base64: Option<String>,
    /// Until the answer is whole: at most `60s`. Default: `30s`.
    pub(super) timeout: Option<TimeSpan>,
}

/// `POST /v1/try`
pub(super) async fn try_out(mut call: Call) -> Result<Answer, ApiError> {
    let wanted: Wanted = sent::read(&call.take_object()?)?;
    let trial = wanted.trial()?;
    let _turn = call.api.trials.try_acquire();
    let _turn = _turn.map_err(|_| ApiError::Crowded("requests that are tried out"))?;
    let providing = call.api.providing()?;
    let run = Arc::clone(&providing.try_out);
    let (method, target) = (trial.method.clone(), trial.target.path().to_owned());
    let unsent = "The request was not sent: the audit trail can't be written to, and what can't be entered is not done.";
    enter(&call, &wanted, (&method, &target), None, unsent).await?;
    let tried = run(trial).await.ok_or_else(|| ApiError::NoToken {
        words: "the request came to no end in its time, or attache is stopping".to_owned(),
        retry_after_s: 1,
    })?;
    let unshown = "The request was sent, and the audit trail, which can't be written to, does not have what came of it: \
                   so that is not shown.";
    enter(&call, &wanted, (&method, &target), Some(&tried), unshown).await?;
    Answer::of(&TriedView::new(&wanted, tried, &providing.proxy_url)?)
}

/// Has the trail say that it will be sent, or what came of it; without a store the log does.
async fn enter(
    call: &Call,
    wanted: &Wanted,
    (method, path): (&Method, &str),
    tried: Option<&Tried>,
    refusal: &str,
) -> Result<(), ApiError> {
    let known = tried.and_then(|it| it.exchange.connection.as_ref()).map(Key::as_str);
    let connection = known.or(wanted.connection.as_deref()).unwrap_or_default();
    let tenant = wanted.tenant.as_deref().unwrap_or_default();
    let status = tried.map(|it| it.status.as_u16());
    let Some(backing) = call.api.backing() else {
        let operator = call.operator.name.to_string();
        let (environment, connector) = (wanted.environment.as_deref(), wanted.connector.as_deref());
        tracing::info!(operator, connection, environment, connector, tenant, %method, path, status, "a request is tried out");
        return Ok(());
    };
    let within = wanted.environment.as_deref().zip(wanted.connector.as_deref());
    let (method, test) = (method.as_str(), wanted.test);
    let of = TrialOf { connection, within, tenant, method, path, status, test };
    let entered = backing.store.connections().tried(&call.scope(), &of).await;
    entered.map_err(|error| {
        tracing::warn!("a request is tried out, and the audit trail can't have it: {error}");
        ApiError::NoTrail(refusal.to_owned())
    })
}

impl Wanted {
    /// As the proxy takes it.
    fn trial(&self) -> Result<Trial, ApiError> {
        let body = self.body()?;
        let timeout = self.timeout.map_or(TIME, |it| it.0);
        if timeout.is_zero() || timeout > TIME_MAX {
            let problem = "it may take as long as 60s, and no longer";
            return Err(ApiError::invalid("/timeout", problem, "write one as in 10s"));
        }
        let mut headers = self.fields()?;
        for (name, value) in self.tags()? {
            headers.append(name, value);
        }
        let timeout_tag = format!("{}ms", timeout.as_millis().max(1));
        let timeout_tag = HeaderValue::try_from(timeout_tag).expect("digits and letters");
        headers.insert("attache-timeout", timeout_tag);
        headers.insert(header::HOST, HeaderValue::from_static("console"));
        // What is compressed could have the credential in it, unseen.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if !headers.contains_key(header::ACCEPT) {
            headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        }
        if !body.is_empty() {
            headers.insert(header::CONTENT_LENGTH, body.len().into());
        }
        Ok(Trial { method: self.method()?, target: self.target()?, headers, body, timeout })
    }

    pub(super) fn method(&self) -> Result<Method, ApiError> {
        let method = self.method.as_deref().unwrap_or("GET");
        let invalid = |_| ApiError::invalid("/method", "this is no method", "write one as in POST");
        Method::try_from(method).map_err(invalid)
    }

    fn target(&self) -> Result<Uri, ApiError> {
        let hint =
            "write one as in /me?fields=id, with what else would have a meaning percent-encoded";
        let invalid = |problem: &str| ApiError::invalid("/path", problem, hint);
        if self.path.contains('#') {
            return Err(invalid("a `#` begins what is never sent"));
        }
        let is_sendable = |it: u8| it.is_ascii_graphic();
        if !self.path.bytes().all(is_sendable) {
            return Err(invalid("only visible ASCII characters can be sent"));
        }
        Uri::try_from(self.below()).map_err(|_| invalid("no request can be made of it"))
    }

    /// The path and query, from its first slash.
    pub(super) fn below(&self) -> String {
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        format!("{slash}{}", self.path)
    }

    pub(super) fn body(&self) -> Result<Bytes, ApiError> {
        let (at, body) = match (&self.body, &self.body_base64) {
            (None, None) => return Ok(Bytes::new()),
            (Some(text), None) => ("/body", Bytes::from(text.clone())),
            (None, Some(text)) => {
                let invalid = |_| ApiError::invalid("/body_base64", "this is no base64", "");
                ("/body_base64", BASE64_STANDARD.decode(text).map_err(invalid)?.into())
            }
            (Some(_), Some(_)) => {
                let problem = "there is a `body` as well";
                return Err(ApiError::invalid("/body_base64", problem, "send one of the two"));
            }
        };
        if body.len() > BODY_LEN_MAX {
            let problem = format!("it is longer than {BODY_LEN_MAX} bytes");
            return Err(ApiError::invalid(at, problem, "send longer ones through the proxy"));
        }
        Ok(body)
    }

    pub(super) fn fields(&self) -> Result<HeaderMap, ApiError> {
        if self.headers.len() > FIELDS_MAX {
            let problem = format!("there are more than {FIELDS_MAX} fields");
            return Err(ApiError::invalid("/headers", problem, ""));
        }
        let mut fields = HeaderMap::new();
        for (index, (name, value)) in self.headers.iter().enumerate() {
            let invalid = |part: usize, problem: &str, hint: &str| {
                ApiError::invalid(format!("/headers/{index}/{part}"), problem, hint)
            };
            let name = HeaderName::try_from(&**name)
                .map_err(|_| invalid(0, "this is no header's name", ""))?;
            if let Some(hint) = refused(&name) {
                return Err(invalid(0, &format!("`{name}` can't be given here"), hint));
            }
            let value = HeaderValue::try_from(&**value)
                .map_err(|_| invalid(1, "no header can have this value", ""))?;
            fields.append(name, value);
        }
        Ok(fields)
    }

    /// What names the connection and whose it is.
    pub(super) fn tags(&self) -> Result<Vec<(HeaderName, HeaderValue)>, ApiError> {
        let mut tags = Vec::new();
        let mut tag = |name: &'static str, value: &str| {
            let value = HeaderValue::try_from(value).expect("keys and escapes are visible ASCII");
            tags.push((HeaderName::from_static(name), value));
        };
        let key = |member: &str, text: &str| {
            let problem = |it| ApiError::invalid(format!("/{member}"), format!("{it}"), "");
            Key::try_from(text).map_err(problem)
        };
        match (&self.connection, &self.environment, &self.connector) {
            (Some(connection), None, None) => {
                tag("attache-connection", key("connection", connection)?.as_str());
            }
            (None, Some(environment), Some(connector)) => {
                tag("attache-environment", key("environment", environment)?.as_str());
                tag("attache-connector", key("connector", connector)?.as_str());
            }
            _ => {
                let problem = "it does not name one connection";
                let hint = "send `connection`, or `environment` and `connector`";
                return Err(ApiError::invalid("", problem, hint));
            }
        }
        if let Some(tenant) = &self.tenant {
            let problem = |it| ApiError::invalid("/tenant", format!("{it}"), "");
            let tenant = TenantId::try_from(&**tenant).map_err(problem)?;
            tag(
                "attache-tenant",
                &utf8_percent_encode(tenant.as_str(), TENANT_ESCAPES).to_string(),
            );
        }
        if self.test {
            tag("attache-test", "true");
        }
        Ok(tags)
    }
}

/// What to do instead of giving this field, where it is not the request's own to give.
fn refused(name: &HeaderName) -> Option<&'static str> {
    const HOP: &str = "it is of one link alone, and never reaches the API";
    let text = name.as_str();
    if let Some(mark) = text.strip_prefix("attache").and_then(|it| it.bytes().next())
        && !mark.is_ascii_alphanumeric()
    {
        return Some(
            "say it by `connection`, `tenant`, `environment`, `connector`, `test` and `timeout`",
        );
    }
    match *name {
        header::HOST => Some("the connection's base URL says it"),
        header::CONTENT_LENGTH => Some("the body says it"),
        header::ACCEPT_ENCODING => {
            Some("the answer is asked for as it is, so that it can be shown")
        }
        header::EXPECT => Some("the body goes with the request"),
        header::CONNECTION
        | header::TE
        | header::TRAILER
        | header::TRANSFER_ENCODING
        | header::UPGRADE => Some(HOP),
        _ if text == "keep-alive" || text.starts_with("proxy-") => Some(HOP),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
