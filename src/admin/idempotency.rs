//! `Idempotency-Key`: a request that may be sent again is done once.
//!
//! Source: draft-ietf-httpapi-idempotency-key-header-07.
use super::answer::Answer;
use super::api::Backing;
use super::call::Call;
use super::error::ApiError;
use super::progress;
use super::route::Run;
use crate::model::Claimed;
use crate::model::Credential;
use crate::model::Secret;
use crate::seal::Binding;
use crate::seal::Sealer;
use crate::seal::Slot;
use crate::store::Claim;
use crate::store::SealedCredential;
use http::HeaderMap;
use http::StatusCode;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

const HEADER: &str = "idempotency-key";

/// Longest key, in bytes.
const KEY_LEN_MAX: usize = 128;

/// After this long without an answer, whoever began it has died.
const ABANDONED: Duration = Duration::from_secs(120);

/// The waits before an answer is tried to be kept: whoever asked waits as well.
const KEEPING: [Duration; 3] =
    [Duration::ZERO, Duration::from_millis(100), Duration::from_millis(400)];

/// The field that an answer is sealed as: it may hold a key that is told once.
const REPLY: &str = "reply";

/// Where nobody can look whether it was done already.
const NOT_CLAIMED: &str = "The store did not say in time whether this was done before under its Idempotency-Key: \
                           nothing was done now. Send it again under the same key.";

/// The key that a request came with.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bytes = value.as_bytes();
    let fits = (1..=KEY_LEN_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    if !fits || values.next().is_some() {
        let problem = format!("Idempotency-Key is 1 to {KEY_LEN_MAX} visible ASCII characters.");
        return Err(ApiError::BadRequest(problem));
    }
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// Does it, unless it was done under this key.
pub(super) async fn once(mut call: Call, key: &str, run: Run) -> Result<Answer, ApiError> {
    let api = Arc::clone(&call.api);
    let backing = api.store()?;
    let (scope, token) = (call.scope(), call.operator.identity.clone());
    let request = digest(&call, &backing.sealer);
    let abandoned_ms = i64::try_from(ABANDONED.as_millis()).unwrap_or(i64::MAX);
    let claims = backing.store.idempotency();
    let claim = claims.claim(&scope, &token, key, &request, abandoned_ms).await;
    // Whether or not the claim is kept, nothing was done under it; under one before it something may have been.
    let claim = claim.map_err(|it| match it {
        it if it.is_passing() => ApiError::StoreUnavailable(NOT_CLAIMED),
        error => ApiError::of_store(error, "request", key),
    });
    let claimed_at_ms = match claim? {
        Claim::New { claimed_at_ms } => claimed_at_ms,
        Claim::Different => return Err(ApiError::KeyReused),
        Claim::InProgress => return Err(ApiError::InProgress),
        Claim::Lost => return Err(ApiError::AnswerLost),
        Claim::Replay { status, reply } => {
            return replayed(backing, &token, key, status, &reply).await;
        }
    };
    let claim = Claimed {
        operator: call.operator.name.clone(),
        token: token.clone(),
        key: key.to_owned(),
        claimed_at_ms,
    };
    call.claim = Some(Arc::new(claim));
    let answer = match progress::done(call, run).await {
        Ok(answer) => answer,
        Err(error) => {
            // Nothing was done: it may be asked again under the same key. Or nobody knows: the claim does, which is
            // spent where it was done.
            let abandoned = claims.abandon(&scope, &token, key, claimed_at_ms).await;
            if let Err(error) = abandoned {
                tracing::warn!("store: a claim is left to expire: {error}");
            }
            return Err(error);
        }
    };
    let reply = written(&answer);
    let status = answer.status.as_u16();
    for wait in KEEPING {
        tokio::time::sleep(wait).await;
        let seal = |binding: &Binding<'_>| backing.sealer.seal(binding, &reply, (api.clock)());
        match claims.finish(&scope, &token, key, claimed_at_ms, status, seal).await {
            Ok(_) => break,
            // It was done, and is said so. Where it is asked again it is not done again.
            Err(error) => {
                tracing::warn!("store: an answer is not kept for its repetition: {error}");
            }
        }
    }
    Ok(answer)
}

/// What the request is known by. It may hold credentials: under the deployment's key nobody can try out which.
fn digest(call: &Call, sealer: &Sealer) -> [u8; 32] {
    let body = Zeroizing::new(call.body.to_string());
    let document = call.document.as_ref().map_or(&[][..], |it| &it.bytes);
    sealer.digest(&[call.path.as_bytes(), call.query.text().as_bytes(), body.as_bytes(), document])
}

fn written(answer: &Answer) -> Credential {
    let reply = json!({
        "body": answer.body, "version": answer.version, "location": answer.location,
    });
    let mut credential = Credential::default();
    credential.insert(REPLY, vec![Secret::new(reply.to_string())]);
    credential
}

async fn replayed(
    backing: &Backing,
    token: &str,
    key: &str,
    status: u16,
    reply: &SealedCredential,
) -> Result<Answer, ApiError> {
    let owner = format!("reply:{token}");
    let generation = reply.generation;
    let binding = Binding { owner: &owner, tenant: key, slot: Slot::Reply, generation };
    let opened = backing.keys.open_field(&binding, &reply.sealed, REPLY).await;
    let damaged =
        |problem: String| ApiError::Damaged { noun: "answer", key: key.to_owned(), problem };
    let opened = opened.map_err(|it| damaged(it.to_string()))?;
    let text = opened.first().map_or("", Secret::expose);
    let mut reply: Value = serde_json::from_str(text).map_err(|it| damaged(it.to_string()))?;
    let status = StatusCode::from_u16(status).map_err(|it| damaged(it.to_string()))?;
    let body = Some(reply["body"].take()).filter(|it| !it.is_null());
    let location = reply["location"].as_str().map(ToOwned::to_owned);
    let version = reply["version"].as_i64();
    Ok(Answer { status, body, version, location, stream: None })
}
