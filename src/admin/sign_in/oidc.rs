//! `/console/oidc/…`: a person is sent to the identity provider, and comes back with what it says of them.
use super::super::AdminState;
use super::super::Api;
use super::super::error::ApiError;
use super::super::operator::Operator;
use super::super::role::Role;
use super::Via;
use super::claims;
use super::claims::Claimed;
use super::dance;
use super::dance::LIVES_S;
use super::dance::SigningIn;
use super::page;
use super::routes::peer;
use super::routes::refused;
use super::session;
use crate::config::OidcSettings;
use crate::model::OperatorName;
use crate::model::Secret;
use crate::renewal::ErrandError;
use crate::renewal::Voucher;
use crate::telemetry::RequestId;
use crate::telemetry::metrics::OperatorFailure;
use crate::telemetry::metrics::SignInOutcome;
use crate::webhook::ExpectedIdToken;
use crate::webhook::verified_id_token;
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
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

/// Where the provider sends people back to, below the URL that operators know.
const CALLBACK: &str = "/console/oidc/callback";

pub(super) fn routes() -> Router<AdminState> {
    Router::new().route("/console/oidc/start", get(start)).route(CALLBACK, get(come_back))
}

/// Why somebody is not let in, in words for that person.
struct Refused {
    status: StatusCode,
    words: String,
    /// For the audit trail; empty where nobody has tried anything.
    entered: String,
}

impl Refused {
    fn new(status: StatusCode, words: impl Into<String>, entered: impl Into<String>) -> Self {
        Self { status, words: words.into(), entered: entered.into() }
    }

    /// As it is counted; none where nobody signs in so.
    fn outcome(&self) -> Option<SignInOutcome> {
        match self.status {
            StatusCode::NOT_FOUND => None,
            StatusCode::TOO_MANY_REQUESTS => Some(SignInOutcome::Limited),
            status if status.is_server_error() => Some(SignInOutcome::Failed),
            _ => Some(SignInOutcome::Refused),
        }
    }
}

async fn start(
    State(state): State<AdminState>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (head, _body) = request.into_parts();
    let api = Arc::clone(&state.api);
    let is_secure = api.sign_in.signing.is_secure;
    match begin(&api, &head).await {
        Ok((url, cookie)) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::SEE_OTHER;
            let headers = response.headers_mut();
            headers.insert(header::LOCATION, url);
            headers.insert(header::SET_COOKIE, cookie);
            response
        }
        Err(refused) => {
            if let Some(outcome) = refused.outcome() {
                state.metrics.sign_in(Via::Oidc.way(), outcome);
            }
            told(refused.status, &refused.words, is_secure, id.as_str())
        }
    }
}

async fn begin(api: &Api, head: &Parts) -> Result<(HeaderValue, HeaderValue), Refused> {
    let (oidc, redirect_uri) = provider(api)?;
    may_try(api, peer(head))?;
    let query = head.uri.query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let goes_on = pairs.find(|it| it.0 == "return").map(|it| it.1).unwrap_or_default();
    let signing_in = SigningIn::begin(session::now_ms(api) / 1000, &goes_on);
    let settings = Arc::clone(api.live.snapshot_full().upstream_defaults());
    let errands = api.errands().map_err(|it| of_fault(&it))?;
    let url = errands.vouching_url(voucher(oidc)?, settings, signing_in.dance(redirect_uri)).await;
    let url = url.map_err(|it| of_errand(oidc, &it))?;
    let url = HeaderValue::try_from(url.as_str()).map_err(|_| of_fault(&ApiError::Internal))?;
    Ok((url, signing_in.given(api.sign_in.signing.is_secure)))
}

async fn come_back(
    State(state): State<AdminState>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (head, _body) = request.into_parts();
    let api = Arc::clone(&state.api);
    let is_secure = api.sign_in.signing.is_secure;
    let from = peer(&head);
    let (own, metrics) = (Arc::clone(&api), Arc::clone(&state.metrics));
    let work = async move {
        let came = enter(&own, &head, from).await;
        let outcome = match &came {
            Ok(_) => Some(SignInOutcome::SignedIn),
            Err(refused) => refused.outcome(),
        };
        if let Some(outcome) = outcome {
            metrics.sign_in(Via::Oidc.way(), outcome);
        }
        // Whoever hangs up on what is said then was refused all the same.
        if let Err(it) = &came
            && !it.entered.is_empty()
        {
            metrics.operator_failure(OperatorFailure::Unauthenticated);
            refused(&own, Via::Oidc, from, &it.entered).await;
        }
        Ok::<_, ApiError>(came)
    };
    let done = api.to_the_end(Box::pin(work)).await;
    match done.unwrap_or_else(|error| Err(of_fault(&error))) {
        Ok((goes_on, cookie)) => {
            let mut response = page::signed_in(&goes_on);
            let headers = response.headers_mut();
            headers.append(header::SET_COOKIE, cookie);
            headers.append(header::SET_COOKIE, dance::taken_away(is_secure));
            response
        }
        Err(it) => told(it.status, &it.words, is_secure, id.as_str()),
    }
}

/// Where to go on, and the cookie of the session.
async fn enter(api: &Api, head: &Parts, from: IpAddr) -> Result<(String, HeaderValue), Refused> {
    let signing = &api.sign_in.signing;
    let (oidc, redirect_uri) = provider(api)?;
    may_try(api, from)?;
    let now_ms = session::now_ms(api);
    let signing_in = SigningIn::read(&head.headers, signing.is_secure);
    let signing_in = signing_in.filter(|it| it.is_due(now_ms / 1000)).ok_or_else(|| {
        let words = "This sign-in did not begin in this browser, or took longer than ten minutes.";
        Refused::new(StatusCode::BAD_REQUEST, words, "")
    })?;
    let dance = signing_in.dance(redirect_uri);
    let nonce = dance.nonce.clone();
    let query = Zeroizing::new(head.uri.query().unwrap_or_default().to_owned());
    let settings = Arc::clone(api.live.snapshot_full().upstream_defaults());
    let errands = api.errands().map_err(|it| of_fault(&it))?;
    let vouched = errands.vouched(voucher(oidc)?, settings, dance, query).await;
    let vouched = vouched.map_err(|it| {
        if matches!(it, ErrandError::Callback(_) | ErrandError::Refused(_)) {
            api.attempts.failed(from, Instant::now());
        }
        of_errand(oidc, &it)
    })?;
    let expected = ExpectedIdToken {
        issuer: &oidc.issuer,
        client_id: &oidc.client_id,
        nonce: &nonce,
        access_token: &vouched.access_token,
        now: (api.clock)(),
    };
    let said = verified_id_token(vouched.id_token.expose(), &vouched.keys, expected);
    let said = said.map_err(|it| {
        let words = format!("What {} said can't be relied on: {it}.", oidc.name);
        Refused::new(StatusCode::UNAUTHORIZED, words, format!("its id token is not taken: {it}"))
    })?;
    let claimed = claims::read(oidc, &said).ok_or_else(|| {
        let words = format!(
            "What {} said can't be relied on: its id token has no `sub` of 1 to 255 bytes on one line.",
            oidc.name
        );
        Refused::new(StatusCode::UNAUTHORIZED, words, "its id token has no `sub` that is taken")
    })?;
    let operator = operator(oidc, &claimed)?;
    let once = (&signing_in.id(), now_ms.saturating_add(2 * LIVES_S * 1000));
    let opened = session::open(api, &operator, (None, &from.to_string()), Some(once)).await;
    let opened = opened.map_err(|it| of_fault(&it))?;
    let (cookie, _expires_ms) = opened.ok_or_else(|| {
        let words = "This sign-in was used before.";
        Refused::new(StatusCode::BAD_REQUEST, words, "it was used before")
    })?;
    Ok((signing_in.goes_on, cookie.given(signing.is_secure, signing.sessions.absolute)))
}

fn operator(oidc: &OidcSettings, claimed: &Claimed) -> Result<Operator, Refused> {
    let Claimed { name, subject, role } = claimed;
    let role: Role = role.ok_or_else(|| {
        let words = format!(
            "{} knows you as {name}, and nothing that it says of you gives you a role here. Whoever runs attache adds \
             one: `server.admin.oidc.roles` has the values of `{}` that do.",
            oidc.name, oidc.role_claim
        );
        let entered = format!("{name} ({}) has no role", subject.escape_debug());
        Refused::new(StatusCode::FORBIDDEN, words, entered)
    })?;
    let identity = session::identity_of(&oidc.issuer, subject);
    Ok(Operator { name: OperatorName::Person(name.as_str().into()), role, identity })
}

fn provider(api: &Api) -> Result<(&OidcSettings, String), Refused> {
    let signing = &api.sign_in.signing;
    let missing = |words: &str| Refused::new(StatusCode::NOT_FOUND, words, "");
    let oidc = signing.oidc.as_ref().ok_or_else(|| {
        missing("Nobody signs in by an identity provider here: `server.admin.oidc` is not set.")
    })?;
    let url = signing
        .url
        .as_deref()
        .ok_or_else(|| missing("Nobody could be sent back here: `server.admin.url` is not set."))?;
    Ok((oidc, [url, CALLBACK].concat()))
}

fn voucher(oidc: &OidcSettings) -> Result<Voucher, Refused> {
    let secret: Option<&Secret> = oidc.client_secret.as_ref();
    let voucher = Voucher::new(&oidc.issuer, (&oidc.client_id, secret), &oidc.scopes);
    voucher.ok_or_else(|| of_fault(&ApiError::Internal))
}

/// Whoever was wrong too often waits, as with tokens.
fn may_try(api: &Api, from: IpAddr) -> Result<(), Refused> {
    api.attempts.may_try(from, Instant::now()).map_err(|wait_s| {
        let words = format!("Too many sign-ins from your address failed: wait {wait_s} seconds.");
        Refused::new(StatusCode::TOO_MANY_REQUESTS, words, "")
    })
}

fn of_errand(oidc: &OidcSettings, error: &ErrandError) -> Refused {
    let name = &oidc.name;
    let (status, words) = match error {
        ErrandError::Callback(it) => {
            (StatusCode::BAD_REQUEST, format!("{name} did not let you in: {it}."))
        }
        ErrandError::Refused(it) => {
            (StatusCode::BAD_REQUEST, format!("{name} does not stand by this sign-in: {it}."))
        }
        ErrandError::Operator(it) => (
            StatusCode::BAD_GATEWAY,
            format!(
                "{name} and this gateway do not agree: {it}. Whoever runs attache looks at `server.admin.oidc`."
            ),
        ),
        ErrandError::Provider { words, .. } => {
            (StatusCode::BAD_GATEWAY, format!("{name} can't be asked at the moment: {words}."))
        }
        other @ (ErrandError::NotTaken { .. } | ErrandError::NotSet(_) | ErrandError::Unfit(_)) => {
            (StatusCode::BAD_GATEWAY, format!("{name} can't be asked: {other}."))
        }
        ErrandError::Busy => {
            (StatusCode::SERVICE_UNAVAILABLE, "attache has too much to do: try again.".to_owned())
        }
    };
    let entered = match error {
        ErrandError::Callback(it) => it.to_string(),
        ErrandError::Refused(it) | ErrandError::Operator(it) => it.clone(),
        _ => String::new(),
    };
    Refused::new(status, words, entered)
}

fn of_fault(error: &ApiError) -> Refused {
    let status = StatusCode::from_u16(error.code().status()).unwrap_or(StatusCode::BAD_GATEWAY);
    Refused::new(status, error.to_string(), "")
}

fn told(status: StatusCode, words: &str, is_secure: bool, request_id: &str) -> Response {
    let mut response = page::refused(status, words, request_id);
    response.headers_mut().append(header::SET_COOKIE, dance::taken_away(is_secure));
    response
}
