//! What came of a request that was tried out, as whoever tried it sees it.
use super::error::ApiError;
use super::exchanges::ShownExchange;
use super::try_out::Wanted;
use crate::journal::http_version;
use crate::telemetry::SentHead;
use crate::telemetry::Tried;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::HeaderName;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Names the code of an answer that attache makes itself.
const ERROR: HeaderName = HeaderName::from_static("attache-error");

/// What came of it. The credential is in none of it: where the answer has it, `••••` stands in its place.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "Tried")]
pub(super) struct TriedView {
    request_id: String,
    /// As a caller gets it: where `error` is there, it is attache's own.
    status: u16,
    /// That the API answered in; null where it did not.
    http_version: Option<&'static str>,
    /// Names and values, as a caller gets them.
    headers: Vec<(String, String)>,
    /// Where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    /// The body's length, as far as it was read.
    bytes: u64,
    /// Whether there was more of the body than the first MiB, or it broke off.
    truncated: bool,
    /// Why the body is not shown at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<&'static str>,
    /// Why attache answered instead of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<OwnAnswer>,
    exchange: ShownExchange,
    /// What went to the API last; not there where nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<SentView>,
    /// The same request as a caller sends it: its key stands in `ATTACHE_KEY`.
    curl: String,
}

/// attache's own answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "TriedError")]
struct OwnAnswer {
    code: String,
    detail: String,
}

/// A request's head as it went to the API.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "TriedSent")]
struct SentView {
    method: String,
    /// What attache has put on it stands there as `••••`.
    url: String,
    headers: Vec<SentFieldView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "TriedField")]
struct SentFieldView {
    name: String,
    value: String,
    /// Whether attache has put it on.
    injected: bool,
    /// Whether the value, or a part of it, is not shown.
    redacted: bool,
}

const COMPRESSED: &str = "The answer is compressed, though it was asked for as it is: nobody can tell whether the \
    credential is in it, so its body is not shown.";

impl TriedView {
    pub(super) fn new(wanted: &Wanted, tried: Tried, proxy_url: &str) -> Result<Self, ApiError> {
        let error = own_answer(&tried);
        let (body, body_base64) = shown(&tried.body, tried.is_cut);
        Ok(Self {
            request_id: tried.exchange.request_id.to_string(),
            status: tried.status.as_u16(),
            http_version: tried.exchange.http_out.map(http_version),
            headers: listed(&tried.headers),
            body,
            body_base64,
            bytes: tried.bytes,
            truncated: tried.is_cut,
            withheld: tried.is_withheld.then_some(COMPRESSED),
            error,
            exchange: ShownExchange::new(&tried.exchange, &tried.path),
            sent: tried.sent.map(SentView::from),
            curl: wanted.curl(proxy_url)?,
        })
    }
}

impl From<SentHead> for SentView {
    fn from(it: SentHead) -> Self {
        let headers = it.fields.into_iter().map(|it| SentFieldView {
            name: it.name,
            value: it.value,
            injected: it.is_injected,
            redacted: it.is_redacted,
        });
        Self { method: it.method.to_string(), url: it.url, headers: headers.collect() }
    }
}

fn own_answer(tried: &Tried) -> Option<OwnAnswer> {
    let code = tried.headers.get(ERROR)?.to_str().ok()?.to_owned();
    let problem: Value = serde_json::from_slice(&tried.body).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or_default().to_owned();
    Some(OwnAnswer { code, detail })
}

fn listed(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}

/// As text where it is UTF-8, else as base64. One that is cut may end within a character.
fn shown(body: &[u8], is_cut: bool) -> (Option<String>, Option<String>) {
    let whole = match str::from_utf8(body) {
        Ok(text) => Some(text),
        Err(error) if is_cut && error.error_len().is_none() => {
            str::from_utf8(&body[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    match whole {
        Some("") => (None, None),
        // A NUL is in no text that is meant to be read.
        Some(text) if !text.contains('\0') => (Some(text.to_owned()), None),
        _ => (None, Some(BASE64_STANDARD.encode(body))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_text_where_it_can_be_read() {
        let text = |it: &str| (Some(it.to_owned()), None);
        assert_eq!(shown("a \u{e9}".as_bytes(), false), text("a \u{e9}"));
        assert_eq!(shown(b"a \xc3", true), text("a "));
        assert_eq!(shown(b"a \xc3", false), (None, Some("YSDD".to_owned())));
        assert_eq!(shown(b"a\0", false), (None, Some("YQA=".to_owned())));
        assert_eq!(shown(b"", false), (None, None));
    }
}
