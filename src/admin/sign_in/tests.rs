//! Sessions over hours: the clock is an argument.
use super::super::Access;
use super::super::AdminState;
use super::super::Api;
use super::super::Connecting;
use super::super::operator;
use super::super::operator::Operator;
use super::super::role::Role;
use super::super::router;
use super::super::tests::hooks;
use super::super::tests::journal;
use super::Signing;
use super::cookie::Cookie;
use super::session;
use crate::catalog::Snapshot;
use crate::model::OperatorName;
use crate::model::Scope;
use crate::model::Secret;
use crate::model::UnixTime;
use crate::reload::Live;
use crate::telemetry::Metrics;
use axum::body::Body;
use axum::body::to_bytes;
use http::Request;
use http::Response;
use serde_json::Value;
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tower_service::Service;

const TOKEN: &str = "operators-token-0123456789";
const MINUTE_MS: u64 = 60_000;

thread_local! {
    static NOW_MS: Cell<u64> = const { Cell::new(1_700_000_000_000) };
}

fn clock() -> UnixTime {
    UnixTime::from_ms(NOW_MS.get())
}

fn pass(minutes: i64) {
    NOW_MS.set(NOW_MS.get().saturating_add_signed(minutes * MINUTE_MS.cast_signed()));
}

fn state() -> AdminState {
    state_with(Signing::default())
}

fn state_with(signing: Signing) -> AdminState {
    state_of(TOKEN, signing)
}

fn state_of(token: &str, signing: Signing) -> AdminState {
    let metrics = Metrics::new(clock());
    let live = Live::fixed(Snapshot::empty(), Arc::clone(&metrics), clock);
    let access = Access { token: Some(Secret::new(token)), signing, ..Access::default() };
    let parts = (None, None);
    let api = Api::new(
        access,
        Arc::clone(&live),
        parts,
        (Connecting::default(), hooks()),
        clock,
        (Arc::default(), journal()),
    );
    AdminState { live, metrics, draining: Arc::default(), api, clock, front: |_, _| None }
}

async fn ask(state: &AdminState, request: Request<Body>) -> Response<Value> {
    let response = router(state.clone()).call(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    Response::from_parts(head, serde_json::from_slice(&body).unwrap_or_default())
}

/// Cookie and `csrf` of a browser that is signed in.
async fn signed_in(state: &AdminState) -> (String, String) {
    let body = Body::from(format!("{{\"token\": \"{TOKEN}\"}}"));
    let request = Request::post("/console/session").header("content-type", "application/json");
    let response = ask(state, request.body(body).unwrap()).await;
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    (cookie, response.body()["csrf"].as_str().unwrap().to_owned())
}

async fn status(state: &AdminState, (cookie, csrf): &(String, String)) -> u16 {
    let request =
        Request::get("/v1/whoami").header("cookie", cookie).header("attache-console", csrf);
    ask(state, request.body(Body::empty()).unwrap()).await.status().as_u16()
}

#[tokio::test]
async fn a_browser_that_asks_nothing_for_half_an_hour_is_signed_out() {
    let state = state();
    let browser = signed_in(&state).await;
    for minutes in [29, 29, 1, 29] {
        pass(minutes);
        assert_eq!(status(&state, &browser).await, 200);
    }
    pass(30);
    assert_eq!(status(&state, &browser).await, 401);
    // For good, whatever the clock does.
    pass(-30);
    assert_eq!(status(&state, &browser).await, 401);
}

#[tokio::test]
async fn a_browser_is_signed_out_after_half_a_day_however_much_it_asks() {
    let state = state();
    let browser = signed_in(&state).await;
    for _ in 0..47 {
        pass(15);
        assert_eq!(status(&state, &browser).await, 200);
    }
    pass(15);
    assert_eq!(status(&state, &browser).await, 401);
    let another = signed_in(&state).await;
    assert_eq!(status(&state, &another).await, 200);
}

#[tokio::test]
async fn a_clock_that_jumps_signs_nobody_in_and_nobody_out_early() {
    let state = state();
    let browser = signed_in(&state).await;
    pass(-60 * 24 * 365);
    assert_eq!(status(&state, &browser).await, 200);
    pass(60 * 24 * 365 * 2);
    assert_eq!(status(&state, &browser).await, 401);
}

#[tokio::test]
async fn what_is_kept_in_memory_is_nothing_to_another_process() {
    let old = state();
    let browser = signed_in(&old).await;
    assert_eq!(status(&old, &browser).await, 200);
    assert_eq!(status(&state(), &browser).await, 401);
}

fn with_provider(settings: &str) -> AdminState {
    let oidc = Some(serde_yaml::from_str(settings).unwrap());
    state_with(Signing { oidc, ..Signing::default() })
}

const PROVIDER: &str = "{issuer: 'https://id.test', client_id: a, role_claim: groups, \
                        roles: {admin: [root], operator: [ops, dev], viewer: []}}";

#[tokio::test]
async fn a_person_signs_in_anew_once_roles_are_given_by_something_else() {
    let old = with_provider(PROVIDER);
    let identity = session::identity_of("https://id.test", "7");
    let name = OperatorName::Person("ann@example.com".into());
    let ann = Operator { name, role: Role::Admin, identity };
    let opened = session::open(&old.api, &ann, (None, "192.0.2.1"), None).await.unwrap();
    let cookie = opened.expect("it is the first").0;
    let kept = session::ledger(&old.api).find(&cookie.id()).await.unwrap().unwrap();
    for (settings, stands) in [
        (PROVIDER.to_owned(), true),
        (PROVIDER.replace("client_id", "name: Other, name_claim: name, client_id"), true),
        (PROVIDER.replace("https://id.test", "https://id.test/x"), false),
        (PROVIDER.replace("client_id: a", "client_id: b"), false),
        (PROVIDER.replace("groups", "roles"), false),
        (PROVIDER.replace("admin: [root]", "admin: []"), false),
        (PROVIDER.replace("[ops, dev]", "[ops]"), false),
        (PROVIDER.replace("[ops, dev]", "[opsdev]"), false),
        (PROVIDER.replace("dev], viewer: []", "], viewer: [dev]"), false),
    ] {
        let state = with_provider(&settings);
        let ledger = session::ledger(&state.api);
        assert!(ledger.open(&Scope::System, kept.clone(), "192.0.2.1", None).await.unwrap());
        let found = session::standing(&state.api, &cookie, None).await.unwrap();
        assert_eq!(found.is_some(), stands, "{settings}");
    }
}

#[tokio::test]
async fn whoever_has_signed_in_by_the_configuration_s_token_signs_in_anew_once_it_is_another() {
    let old = state();
    let admin = operator::configured();
    let token = Secret::new(TOKEN);
    let opened = session::open(&old.api, &admin, (Some(&token), "192.0.2.1"), None).await.unwrap();
    let cookie = opened.expect("it is the first").0;
    let kept = session::ledger(&old.api).find(&cookie.id()).await.unwrap().unwrap();
    for (token, stands) in [(TOKEN, true), ("operators-token-9876543210", false), ("", false)] {
        let state = state_of(token, Signing::default());
        let ledger = session::ledger(&state.api);
        assert!(ledger.open(&Scope::System, kept.clone(), "192.0.2.1", None).await.unwrap());
        let found = session::standing(&state.api, &cookie, None).await.unwrap();
        assert_eq!(found.is_some(), stands, "{token}");
    }
}

#[tokio::test]
async fn one_sign_in_opens_one_session() {
    let state = with_provider(PROVIDER);
    let name = OperatorName::Person("ann@example.com".into());
    let identity = session::identity_of("https://id.test", "7");
    let ann = Operator { name, role: Role::Admin, identity };
    let expires_ms = i64::MAX;
    for (once, opens) in [([7; 32], true), ([7; 32], false), ([8; 32], true)] {
        let once = Some((&once, expires_ms));
        let opened = session::open(&state.api, &ann, (None, "192.0.2.1"), once).await.unwrap();
        assert_eq!(opened.is_some(), opens);
    }
}

#[tokio::test]
async fn cookies_that_are_made_up_are_not_looked_up_without_end() {
    let state = state();
    let browser = signed_in(&state).await;
    let made_up = Cookie::new();
    let line = made_up.given(false, Duration::from_secs(60)).to_str().unwrap().to_owned();
    let line = line.split(';').next().unwrap().to_owned();
    let made_up = (line, made_up.csrf().expose().to_owned());
    assert_eq!(status(&state, &made_up).await, 401);
    let (from, later) = (Ipv4Addr::UNSPECIFIED.into(), Instant::now() + Duration::from_secs(3600));
    for _ in 0..30 {
        state.api.sign_in.made_up.is_not_there(&[0; 32], from, later);
    }
    assert_eq!(status(&state, &made_up).await, 429);
    for request in [Request::get("/console/session"), Request::delete("/console/session")] {
        let request = request.header("cookie", &made_up.0).header("attache-console", &made_up.1);
        let response = ask(&state, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 429);
        assert!(response.headers().contains_key("retry-after"));
    }
    assert_eq!(status(&state, &browser).await, 200, "whoever is there already goes on");
    let another = signed_in(&state).await;
    assert_eq!(status(&state, &another).await, 200, "nobody signs in the later for it");
}
