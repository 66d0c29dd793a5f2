//! `POST /v1/webhooks/verify`: a captured request held against a connection, step by step.
//!
//! It says whether a request is signed right, as the public listener says it to anybody, and what was signed. It never
//! says what the signature would have to be, and gives no answer of a handshake, which some senders have signed: whoever
//! could have that of any content could sign with a secret that nobody is shown. The secret itself is not opened here:
//! what is served has the verifier at hand.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::sent;
use super::time;
use crate::catalog::Auth;
use crate::catalog::Connection;
use crate::catalog::Fetched;
use crate::catalog::Kind;
use crate::catalog::Ready;
use crate::model::TenantId;
use crate::model::UnixTime;
use crate::resolve;
use crate::vault::Asker;
use crate::vault::Found;
use crate::webhook::Captured;
use crate::webhook::Case;
use crate::webhook::Examined;
use crate::webhook::Findings;
use crate::webhook::HandshakeCheck;
use crate::webhook::KeysForm;
use crate::webhook::Part;
use crate::webhook::PublicKeys;
use crate::webhook::Refusal;
use crate::webhook::Request;
use crate::webhook::Sender;
use crate::webhook::Verifier;
use crate::webhook::What;
use crate::webhook::captured;
use crate::webhook::code;
use crate::webhook::findings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Requests that are looked at at the same time: each is hashed some hundred times.
pub(super) const AT_ONCE: usize = 2;

/// Longest content that is shown, in bytes; of a longer one the beginning is.
const CONTENT_LEN_MAX: usize = 4096;

/// A captured request, and whose it is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "WebhookVerification", deny_unknown_fields)]
pub(super) struct Asked {
    /// The key of a connection that takes webhooks.
    connection: String,
    /// The tenant, where each has a secret of its own.
    tenant: Option<String>,
    request: Pasted,
    /// The time that the request's clock is compared with: RFC 3339. Default: what that clock says, so that a request
    /// that was captured a while ago is looked at as when it came; where it has none, now.
    at: Option<String>,
    /// Where the sender publishes its keys, what is there: a JWK set, or a certificate in PEM. Nothing is fetched here.
    keys: Option<String>,
}

/// A captured request: as raw HTTP, or in parts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "CapturedRequest", untagged)]
enum Pasted {
    /// The request line, the fields, an empty line and the body.
    Raw(String),
    Parts(Parts),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "CapturedParts", deny_unknown_fields)]
struct Parts {
    /// Default: POST.
    method: Option<String>,
    /// With its query; or the whole URL that was called.
    path: String,
    /// Name and value of each.
    headers: Vec<(String, String)>,
    body: Option<String>,
    /// Instead of `body`, where it is no text.
    body_base64: Option<String>,
}

/// What the gateway would do with the request.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "WebhookVerified")]
pub(super) struct Verdict {
    /// `verified`, `refused`, or `handshake`: it is answered, and goes no further.
    verdict: &'static str,
    /// What a refused one is answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// In the order in which they are done; the last is where it failed, if it did.
    steps: Vec<Step>,
    /// What is odd, and what would have to be otherwise. Whole sentences.
    hints: Vec<String>,
    /// The sender's own id for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_id: Option<String>,
    /// The tenant that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// The time that its clock was compared with.
    at: String,
    /// What its clock says.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "WebhookStep")]
struct Step {
    name: String,
    /// `passed`, `failed`, or `skipped`: nothing depends on it.
    outcome: &'static str,
    detail: String,
    /// The bytes that are signed, as text, with `[key]` where the key is; the beginning of a long one.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

/// `POST /v1/webhooks/verify`
pub(super) async fn verify(mut call: Call) -> Result<Answer, ApiError> {
    let asked: Asked = sent::read(&call.take_object()?)?;
    let verifier = verifier(&call, &asked).await?;
    let public_url = call.api.connecting.public_url.as_deref();
    let request = Request::of(asked.request.captured()?, public_url);
    let keys = keys(&verifier, &request, asked.keys.as_deref())?;
    let at = match asked.at.as_deref() {
        None => None,
        Some(text) => Some(time::read(text, "/at")?),
    };
    let at = at.map(|it| UnixTime::from_ms(u64::try_from(it).unwrap_or_default()));
    let now = call.now();
    let _room = call.api.verifications.try_acquire();
    let _room = _room.map_err(|_| ApiError::Crowded("captured requests"))?;
    let looked = tokio::task::spawn_blocking(move || {
        let said = verifier.sent_at(&request.delivery(), now);
        let case = Case {
            sender: Sender::of(Value::Null),
            request,
            now: at.or(said).unwrap_or(now),
            keys: keys.as_ref(),
            ready: Some(Arc::clone(&verifier)),
        };
        look(&case, &verifier, now)
    });
    Answer::of(&looked.await.map_err(|_| ApiError::Internal)?)
}

/// What checks deliveries to this connection, of this tenant.
async fn verifier(call: &Call, asked: &Asked) -> Result<Arc<Verifier>, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let key = &*asked.connection;
    let missing = || ApiError::NotFound { noun: "connection", key: key.to_owned() };
    let connection = snapshot.connection(key).ok_or_else(missing)?;
    if !matches!(connection.method.auth, Auth::Inbound(_)) {
        let hint = "name one whose auth method is of the type `hmac`; GET /v1/hooks lists them";
        return Err(ApiError::invalid("/connection", "it takes no webhooks", hint));
    }
    let tenant = match asked.tenant.as_deref() {
        None => None,
        Some(text) => Some(
            TenantId::try_from(text)
                .map_err(|it| ApiError::invalid("/tenant", it.to_string(), ""))?,
        ),
    };
    match (&connection.kind, &tenant, connection.shared_verifier()) {
        (Kind::Standard(_), Some(_), _) => {
            let problem = "the connection has one secret for everybody";
            return Err(ApiError::invalid("/tenant", problem, "leave it out"));
        }
        (Kind::Embedded { .. }, None, Some(shared)) => return Ok(Arc::clone(shared)),
        (Kind::Embedded { .. }, None, None) => {
            let problem = "each tenant has a secret of its own under this connection";
            return Err(ApiError::invalid("/tenant", problem, "say whose the request is"));
        }
        (Kind::Standard(_), None, _) | (Kind::Embedded { .. }, Some(_), _) => {}
    }
    let found = match (&tenant, &call.api.hooks.vault) {
        (Some(tenant), Some(vault)) => stored(vault, connection, tenant).await?,
        (None, _) | (_, None) => None,
    };
    let fetched = found.as_ref().map_or(Fetched::NoStore, Found::fetched);
    let tenant = tenant.as_ref().map(|it| it.as_str());
    let holder = resolve::holder(connection, tenant, false, fetched);
    let named = tenant.unwrap_or_default().to_owned();
    let (holder, _) =
        holder.map_err(|_| ApiError::NotFound { noun: "activation of the tenant", key: named })?;
    match &holder.ready {
        Ready::Inbound(verifier) => Ok(Arc::clone(verifier)),
        Ready::Outbound(_) | Ready::Token(_) => Err(missing()),
    }
}

async fn stored(
    vault: &Arc<crate::vault::Vault>,
    connection: &Arc<Connection>,
    tenant: &TenantId,
) -> Result<Option<Found>, ApiError> {
    const AWAY: &str = "The tenant's secret can't be looked up right now: nothing was done.";
    let found = vault.activation(connection, tenant, Asker::Stranger).await;
    found.map(Some).map_err(|_| ApiError::StoreUnavailable(AWAY))
}

impl Pasted {
    fn captured(self) -> Result<Captured, ApiError> {
        let at = "/request";
        let Parts { method, path, headers: listed, body, body_base64 } = match self {
            Self::Raw(text) => {
                let hint = "send the request line, the headers, an empty line and the body";
                return captured(text.as_bytes()).map_err(|it| ApiError::invalid(at, it, hint));
            }
            Self::Parts(parts) => parts,
        };
        let method = Method::try_from(method.as_deref().unwrap_or("POST"));
        let method = method.map_err(|_| ApiError::invalid("/request/method", "no method", ""))?;
        if !path.starts_with('/') && !path.contains("://") {
            let problem = "neither a path nor a URL";
            return Err(ApiError::invalid("/request/path", problem, "begin with a slash"));
        }
        let mut headers = HeaderMap::with_capacity(listed.len());
        for (index, (name, value)) in listed.iter().enumerate() {
            let at = format!("/request/headers/{index}");
            let problem = || ApiError::invalid(&at, "no header", "send a name and a value");
            let name = HeaderName::try_from(name.trim()).map_err(|_| problem())?;
            headers.append(name, HeaderValue::try_from(value.trim()).map_err(|_| problem())?);
        }
        let body = match (body, body_base64) {
            (Some(_), Some(_)) => {
                let problem = "there are two bodies";
                return Err(ApiError::invalid(at, problem, "send `body` or `body_base64`"));
            }
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => STANDARD.decode(text).map_err(|_| {
                ApiError::invalid("/request/body_base64", "no base64", "RFC 4648 §4, padded")
            })?,
            (None, None) => Vec::new(),
        };
        Ok(Captured { method, target: path, headers, body, oddities: Vec::new() })
    }
}

/// The keys that the gateway would fetch.
fn keys(
    verifier: &Verifier,
    request: &Request,
    given: Option<&str>,
) -> Result<Option<PublicKeys>, ApiError> {
    // Where the place itself is refused, the verdict says so.
    let Ok(Some(at)) = verifier.keys_at(&request.delivery()) else { return Ok(None) };
    let what = match at.form {
        KeysForm::Jwks => "the JWK set",
        KeysForm::Certificate => "the certificate",
    };
    let hint = format!("send {what} that is at {}", at.url);
    let Some(text) = given else {
        let problem = "it is signed with a key that the sender publishes";
        return Err(ApiError::invalid("/keys", problem, &hint));
    };
    let keys = PublicKeys::read(at.form, text.as_bytes());
    keys.map(Some).ok_or_else(|| ApiError::invalid("/keys", format!("this is not {what}"), &hint))
}

fn look(case: &Case<'_>, verifier: &Verifier, now: UnixTime) -> Verdict {
    let delivery = case.request.delivery();
    let check = verifier.handshake(&delivery).map(|it| it.check());
    let explained = match check {
        None | Some(HandshakeCheck::Signature) => {
            Some(verifier.explain(&delivery, case.now, case.keys))
        }
        Some(HandshakeCheck::Token | HandshakeCheck::None) => None,
    };
    let mut refusal = explained.as_ref().and_then(|it| it.verdict.as_ref().err().copied());
    if let (Some(handshake), None) = (verifier.handshake(&delivery), refusal) {
        // Whether there is an answer, and never the answer.
        refusal = verifier.answer(handshake, &delivery).err();
    }
    let mut steps: Vec<Step> = check.into_iter().map(handshake).collect();
    let examined = explained.iter().flat_map(|it| &it.steps);
    steps.extend(examined.filter(|it| check.is_none() || !is_named(it.part)).map(step));
    let sent = verifier.sent_at(&delivery, case.now);
    let verified = explained.as_ref().and_then(|it| it.verdict.as_ref().ok());
    let mut hints = case.request.oddities.clone();
    match refusal {
        Some(refusal) => hints.extend(causes(case, verifier, refusal)),
        None if verified.is_some() && verifier.verify(&delivery, now, case.keys).is_err() => {
            let now = time::shown(ms(now));
            hints.push(format!("Now, at {now}, its clock would be off by more than is taken."));
        }
        None => {}
    }
    Verdict {
        verdict: match (refusal, check) {
            (Some(_), _) => "refused",
            (None, Some(_)) => "handshake",
            (None, None) => "verified",
        },
        code: refusal.map(code),
        steps,
        hints,
        webhook_id: verified.and_then(|it| it.id.clone()),
        tenant: verified.and_then(|it| it.tenant.clone()),
        at: time::shown(ms(case.now)),
        sent_at: sent.map(|it| time::shown(ms(it))),
    }
}

fn handshake(check: HandshakeCheck) -> Step {
    let detail = match check {
        HandshakeCheck::Signature => "it is answered here, once its signature is right",
        HandshakeCheck::Token => "it is answered here, if it shows the verify_token",
        HandshakeCheck::None => "it is answered here, whoever asks",
    };
    let (name, detail) = ("handshake".to_owned(), detail.to_owned());
    Step { name, outcome: "skipped", detail, content: None }
}

/// What is answered here is called nothing, and comes again as often as it likes.
fn is_named(part: Part) -> bool {
    matches!(part, Part::Id | Part::Replay)
}

fn step(it: &Examined) -> Step {
    let content = it.content.as_ref().map(|bytes| {
        let shown = &bytes[..bytes.len().min(CONTENT_LEN_MAX)];
        String::from_utf8_lossy(shown).into_owned()
    });
    let outcome = if it.passed { "passed" } else { "failed" };
    Step { name: it.part.to_string(), outcome, detail: it.text.clone(), content }
}

fn causes(case: &Case<'_>, verifier: &Verifier, refusal: Refusal) -> Vec<String> {
    let mut told = Vec::new();
    let expectations = verifier.expectations(&case.request.delivery());
    if let Refusal::Missing(what) | Refusal::Malformed(what) = refusal {
        let signature = || {
            expectations.signatures.iter().map(|it| format!("The signature is expected in {it}."))
        };
        let clock = || {
            expectations.timestamp.iter().map(|it| format!("The timestamp is expected in {it}."))
        };
        match what {
            What::Signature => told.extend(signature()),
            What::Timestamp => told.extend(signature().chain(clock())),
            What::Required | What::Value => {}
        }
    }
    let Findings { with, only_stale } = findings(case);
    if only_stale {
        let sent = verifier.sent_at(&case.request.delivery(), case.now);
        told.extend(sent.map(|it| {
            let at = time::shown(ms(it));
            format!("Nothing but its clock is wrong: it verifies with `at: {at}`, which it says.")
        }));
    }
    let besides = if refusal == Refusal::Stale { "Besides its clock, it" } else { "It" };
    told.extend(with.iter().map(|it| format!("{besides} would verify with {it}.")));
    if refusal == Refusal::Mismatch && with.is_empty() && !only_stale {
        told.push(
            "Nothing that is often changed on the way explains it: the secret is perhaps not the sender's, or the \
             body is not byte for byte what was sent."
                .to_owned(),
        );
        if case.request.is_url_assumed {
            let url = &case.request.url;
            told.push(format!("Where the URL is signed, it was taken to be {url}."));
        }
    }
    told
}

fn ms(time: UnixTime) -> i64 {
    i64::try_from(time.as_ms()).unwrap_or(i64::MAX)
}
