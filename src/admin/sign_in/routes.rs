//! `/console/session`: who is signed in with this browser, signing in, signing out.
use super::super::AdminState;
use super::super::Api;
use super::super::Peer;
use super::super::body::Media;
use super::super::error::ApiError;
use super::super::operator;
use super::super::role::Role;
use super::super::time;
use super::Via;
use super::cookie;
use super::cookie::Cookie;
use super::oidc;
use super::same_origin;
use super::session;
use crate::config::parse_json;
use crate::config::read_json;
use crate::model::Secret;
use crate::store::RefusedSignIn;
use crate::telemetry::RequestId;
use crate::telemetry::metrics::OperatorFailure;
use crate::telemetry::metrics::SignInOutcome;
use axum::Extension;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use http::request::Parts;
use http_body_util::BodyExt;
use http_body_util::Limited;
use serde::Deserialize;
use serde::Serialize;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longest body, in bytes: a token in JSON, of whoever nobody knows yet.
const BODY_LEN_MAX: usize = 4096;

const SIGNED_OUT: &str = "whoever it is of has signed out";
const ANEW: &str = "somebody has signed in anew with the same browser";

pub(in crate::admin) fn routes() -> Router<AdminState> {
    let session = get(shown).post(sign_in).delete(sign_out);
    Router::new().route("/console/session", session).merge(oidc::routes())
}

/// What a page is told of the browser that it is in.
#[derive(Debug, Default, Serialize)]
struct Session {
    signed_in: bool,
    /// The ways to sign in that there are.
    ways: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc: Option<Provider>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<Shown>,
    /// To be sent with each request, as `Attache-Console`.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    /// When it is over, however much is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// After how long without a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_s: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Provider {
    name: String,
}

#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    role: Role,
    via: &'static str,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    token: Secret,
}

/// What is said, and the cookie that goes with it.
type Said = (Option<Session>, Option<HeaderValue>);

async fn shown(
    State(state): State<AdminState>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (head, _body) = request.into_parts();
    answer(&state, &id, move |api| async move { show(&api, &head).await }).await
}

async fn sign_in(
    State(state): State<AdminState>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let proof = read(&head, body).await;
    let metrics = Arc::clone(&state.metrics);
    let work = move |api: Arc<Api>| async move {
        let came = enter(&api, &head, proof?).await;
        metrics.sign_in(Via::Token.way(), outcome(&came));
        came
    };
    answer(&state, &id, work).await
}

async fn sign_out(
    State(state): State<AdminState>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (head, _body) = request.into_parts();
    answer(&state, &id, move |api| async move { leave(&api, &head).await }).await
}

/// Nobody in particular where the request is not one of a page of ours.
async fn show(api: &Api, head: &Parts) -> Result<Said, ApiError> {
    let signing = &api.sign_in.signing;
    let cookie = Cookie::read(&head.headers, signing.is_secure);
    let cookie = cookie.filter(|_| same_origin::is_ours(head, signing, true));
    let Some(cookie) = cookie else { return Ok((Some(nobody(api)), None)) };
    match session::standing(api, &cookie, Some(peer(head))).await? {
        Some(it) => {
            let session = somebody(api, &cookie, (&it.operator, it.via), it.expires_ms);
            Ok((Some(session), None))
        }
        None => Ok((Some(nobody(api)), Some(cookie::taken_away(signing.is_secure)))),
    }
}

async fn enter(api: &Api, head: &Parts, proof: Proof) -> Result<Said, ApiError> {
    let signing = &api.sign_in.signing;
    let from = peer(head);
    if !same_origin::is_ours(head, signing, false) {
        refused(api, Via::Token, from, "another site's page has sent it").await;
        return Err(ApiError::NotSignedIn("Nobody is signed in from another site's page."));
    }
    let operator = match operator::proven(api, Some(proof.token.clone()), from).await {
        Ok(operator) => operator,
        Err(error) => {
            if matches!(error, ApiError::Unauthenticated) {
                refused(api, Via::Token, from, "the token is wrong").await;
                return Err(ApiError::NotSignedIn("This token is none of an operator's."));
            }
            return Err(error);
        }
    };
    let shown = (Some(&proof.token), &*from.to_string());
    let opened = session::open(api, &operator, shown, None).await?;
    let (cookie, expires_ms) = opened.ok_or(ApiError::Internal)?;
    if let Some(old) = Cookie::read(&head.headers, signing.is_secure) {
        session::end(api, &old, ANEW, None).await?;
    }
    let session = somebody(api, &cookie, (&operator, Via::Token), expires_ms);
    let given = cookie.given(signing.is_secure, signing.sessions.absolute);
    Ok((Some(session), Some(given)))
}

async fn leave(api: &Api, head: &Parts) -> Result<Said, ApiError> {
    let signing = &api.sign_in.signing;
    if let Some(cookie) = Cookie::read(&head.headers, signing.is_secure) {
        let is_ours = same_origin::is_ours(head, signing, false);
        if !is_ours || !same_origin::is_told(&head.headers, &cookie) {
            return Err(ApiError::NotSignedIn(
                "Whoever is signed in signs out from the console's own pages alone: send `Attache-Console`.",
            ));
        }
        session::end(api, &cookie, SIGNED_OUT, Some(peer(head))).await?;
    }
    Ok((None, Some(cookie::taken_away(signing.is_secure))))
}

fn outcome<T>(came: &Result<T, ApiError>) -> SignInOutcome {
    match came.as_ref().map_err(ApiError::turned_away) {
        Ok(_) => SignInOutcome::SignedIn,
        Err(Some(OperatorFailure::Limited)) => SignInOutcome::Limited,
        Err(Some(OperatorFailure::Unauthenticated | OperatorFailure::Forbidden)) => {
            SignInOutcome::Refused
        }
        Err(None) => SignInOutcome::Failed,
    }
}

/// Enters it, where the trail has room for it.
pub(super) async fn refused(api: &Api, via: Via, from: IpAddr, why: &str) {
    let Some(left_out) = api.sign_in.told.may_tell(session::now_ms(api)) else { return };
    let more = format!("{why}; {left_out} more were refused before and not entered");
    let why = if left_out == 0 { why } else { &*more };
    let from = from.to_string();
    session::ledger(api).refused(RefusedSignIn { via: via.as_str(), from: &from, why }).await;
}

pub(super) fn peer(head: &Parts) -> IpAddr {
    head.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |it| it.0)
}

fn nobody(api: &Api) -> Session {
    let oidc = api.sign_in.signing.oidc.as_ref();
    let ways = [Some(Via::Token), oidc.map(|_| Via::Oidc)];
    Session {
        ways: ways.into_iter().flatten().map(Via::as_str).collect(),
        oidc: oidc.map(|it| Provider { name: it.name.clone() }),
        ..Session::default()
    }
}

fn somebody(
    api: &Api,
    cookie: &Cookie,
    (operator, via): (&operator::Operator, Via),
    expires_ms: i64,
) -> Session {
    Session {
        signed_in: true,
        operator: Some(Shown {
            name: operator.name.to_string(),
            role: operator.role,
            via: via.as_str(),
        }),
        csrf: Some(cookie.csrf().expose().to_owned()),
        expires_at: Some(time::shown(expires_ms)),
        idle_s: Some(api.sign_in.signing.sessions.idle.as_secs()),
        ..nobody(api)
    }
}

/// JSON alone: what a form of another site can send is nothing here.
async fn read(head: &Parts, body: Body) -> Result<Proof, ApiError> {
    Media::Json.check(&head.headers)?;
    let whole = Limited::new(body, BODY_LEN_MAX).collect().await;
    let whole = whole.map_err(|it| match it.is::<http_body_util::LengthLimitError>() {
        true => ApiError::BodyTooLarge { most: BODY_LEN_MAX },
        false => ApiError::BadRequest("The body broke off.".to_owned()),
    })?;
    let text = Zeroizing::new(whole.to_bytes().to_vec());
    let value = parse_json(&text).ok();
    let proof = value.and_then(|it| read_json(&it).ok());
    proof.ok_or_else(|| ApiError::invalid("/token", "there is no token", "send {\"token\": \"…\"}"))
}

/// Does it to its end, whether or not the browser waits for it.
async fn answer<F>(state: &AdminState, id: &RequestId, work: impl FnOnce(Arc<Api>) -> F) -> Response
where
    F: Future<Output = Result<Said, ApiError>> + Send + 'static,
{
    let api = Arc::clone(&state.api);
    match api.to_the_end(work(Arc::clone(&api))).await {
        Ok(said) => told(said),
        Err(error) => {
            if let Some(reason) = error.turned_away() {
                state.metrics.operator_failure(reason);
            }
            error.response(id.as_str())
        }
    }
}

fn told((session, cookie): Said) -> Response {
    let text = session.map(|it| serde_json::to_string(&it).unwrap_or_default());
    let has_body = text.is_some();
    let mut response = Response::new(text.map_or_else(Body::empty, Body::from));
    if has_body {
        let kind = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    } else {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
