//! The listener's answers, asked for through its router.
use super::*;
use crate::catalog::Snapshot;
use crate::config::DeliverySettings;
use crate::deliveries::Deliveries;
use crate::journal::Journal;
use crate::journal::Keeping;
use crate::journal::Target;
use crate::model::Secret;
use crate::telemetry::log::Format;
use axum::body::Body;
use axum::body::to_bytes;
use http::Method;
use http::Request;
use http::Response;
use serde_json::Value;
use serde_json::json;
use std::sync::atomic::Ordering;
use tower_service::Service;

const TOKEN: &str = "operators-token-0123456789";

/// One that is as long as those that attache makes.
const LONG: &str = "operators-token-0123456789-0123456789";

fn api(token: Option<Secret>, live: Arc<Live>) -> Arc<Api> {
    Api::new(
        Access { token, ..Access::default() },
        live,
        (None, None),
        (Connecting::default(), hooks()),
        || UnixTime::from_ms(1_700_000_000_007),
        (Arc::default(), journal()),
    )
}

pub(super) fn journal() -> Arc<Journal> {
    let keeping = Keeping { recent: 0, clock: || UnixTime::from_s(0) };
    let metrics = Metrics::new(UnixTime::from_s(0));
    Journal::start((Target::Off, Format::Json), keeping, metrics).unwrap()
}

pub(super) fn hooks() -> Hooks {
    let metrics = Metrics::new(UnixTime::default());
    let deliveries = Deliveries::new(DeliverySettings::default(), None, metrics);
    Hooks { deliveries, vault: None }
}

fn state() -> AdminState {
    let clock = || UnixTime::from_ms(1_700_000_000_007);
    let metrics = Metrics::new(clock());
    let live = Live::fixed(Snapshot::empty(), Arc::clone(&metrics), clock);
    let api = api(Some(Secret::new(TOKEN)), Arc::clone(&live));
    AdminState { live, metrics, draining: Arc::default(), api, clock, front: |_, _| None }
}

async fn ask(state: &AdminState, request: Request<Body>) -> Response<String> {
    let response = router(state.clone()).call(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    Response::from_parts(head, String::from_utf8(body.into()).unwrap())
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn text<'r>(response: &'r Response<String>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |it| it.to_str().unwrap())
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let response = ask(&state(), get("/metrics")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(text(&response, "content-type"), "text/plain; version=0.0.4");
    assert!(response.body().contains("\nattache_reload_generation 1\n"), "{}", response.body());
}

#[tokio::test]
async fn health_is_ok_even_while_draining_and_readiness_is_not() {
    let state = state();
    assert_eq!(ask(&state, get("/readyz")).await.status(), 200);
    state.draining.store(true, Ordering::Release);
    assert_eq!(ask(&state, get("/healthz")).await.status(), 200);
    let response = ask(&state, get("/readyz")).await;
    assert_eq!(response.status(), 503);
    let body: Value = serde_json::from_str(response.body()).unwrap();
    let expected = json!({
        "ready": false,
        "draining": true,
        "configuration":
            { "generation": 1, "loaded_at": "2023-11-14T22:13:20.007Z", "last_error": null },
        "store": null,
        "seal": null,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_refused_reload_is_told_of_and_leaves_it_ready() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("attache.yaml");
    std::fs::write(&path, "callers: {}\n").unwrap();
    let good = state();
    let source = crate::reload::Source {
        paths: vec![path.clone()],
        env: Box::new(|_| None),
        has_store: true,
        clock: good.clock,
    };
    let (live, _) = Live::start(source, Arc::clone(&good.metrics)).unwrap();
    let state = AdminState { live, ..good };

    std::fs::write(&path, "caler: {}\n").unwrap();
    state.live.reload_now().unwrap_err();

    let response = ask(&state, as_admin(get("/readyz"))).await;
    assert_eq!(response.status(), 200);
    let body: Value = serde_json::from_str(response.body()).unwrap();
    assert_eq!(body["configuration"]["generation"], 1);
    let error = body["configuration"]["last_error"].as_str().unwrap();
    assert!(error.contains("caler"), "{error}");
    // Strangers learn that it was, and so does whoever guesses.
    let mut guess = get("/readyz");
    guess.headers_mut().insert("authorization", HeaderValue::from_static("Bearer wrong"));
    for request in [get("/readyz"), guess] {
        let response = ask(&state, request).await;
        assert_eq!(response.status(), 200);
        let body: Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!(body["configuration"]["last_error"], "the last reload was refused");
    }
}

#[tokio::test]
async fn errors_are_problems_with_their_code_and_request_id() {
    let post = |path: &str| Request::post(path).body(Body::empty()).unwrap();
    for (request, status, code) in [
        (get("/nothing"), 404, "not_found"),
        (get("/metrics/x"), 404, "not_found"),
        (get("/v1/connections"), 401, "operator_unauthenticated"),
        (get("/v1"), 401, "operator_unauthenticated"),
        (post("/v1/whoami"), 401, "operator_unauthenticated"),
        (post("/metrics"), 405, "method_not_allowed"),
    ] {
        let at = request.uri().to_string();
        let response = ask(&state(), request).await;
        assert_eq!(response.status(), status, "{at}");
        assert_eq!(text(&response, "attache-error"), code, "{at}");
        assert_eq!(text(&response, "content-type"), "application/problem+json", "{at}");
        let body: Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!((&body["code"], &body["status"]), (&json!(code), &json!(status)), "{at}");
        assert_eq!(body["request_id"], text(&response, "attache-request-id"), "{at}");
        assert_eq!(text(&response, "allow") == "GET, HEAD", status == 405, "{at}");
    }
}

#[tokio::test]
async fn every_answer_has_the_request_s_own_id_or_a_new_one() {
    for path in ["/", "/metrics", "/healthz", "/readyz", "/nothing"] {
        let mut request = get(path);
        request.headers_mut().insert("attache-request-id", HeaderValue::from_static("mine-1"));
        let response = ask(&state(), request).await;
        assert_eq!(text(&response, "attache-request-id"), "mine-1", "{path}");
        assert_eq!(text(&response, "cache-control"), "no-store", "{path}");
        assert_eq!(text(&ask(&state(), get(path)).await, "attache-request-id").len(), 36);
    }
}

#[tokio::test]
async fn only_the_one_right_token_is_let_in() {
    let right = format!("Bearer {TOKEN}");
    // Each row of the second part breaks one thing of the good one.
    let wrong = [
        vec![],
        vec!["Bearer"],
        vec!["Bearer "],
        vec![TOKEN],
        vec!["Basic operators-token-0123456789"],
        vec!["Bearer operators-token-012345678"],
        vec!["Bearer operators-token-0123456789 "],
        vec!["Bearer OPERATORS-TOKEN-0123456789"],
        vec![right.as_str(), right.as_str()],
    ];
    let good = [vec![right.as_str()], vec!["bearer operators-token-0123456789"]];
    let cases = good.iter().map(|it| (it, 200)).chain(wrong.iter().map(|it| (it, 401)));
    for (values, status) in cases {
        let mut request = get("/v1/whoami");
        for value in values {
            let value = HeaderValue::try_from(*value).unwrap();
            request.headers_mut().append("authorization", value);
        }
        assert_eq!(ask(&state(), request).await.status(), status, "{values:?}");
    }
}

fn as_admin(mut request: Request<Body>) -> Request<Body> {
    let value = HeaderValue::try_from(format!("Bearer {TOKEN}")).unwrap();
    request.headers_mut().insert("authorization", value);
    request
}

#[tokio::test]
async fn whoever_guesses_has_to_wait_and_is_told_how_long() {
    let state = state();
    let guess = || {
        let mut request = get("/v1/whoami");
        request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer wrong"));
        request.extensions_mut().insert(Peer("192.0.2.7".parse().unwrap()));
        request
    };
    for _ in 0..10 {
        assert_eq!(ask(&state, guess()).await.status(), 401);
    }
    let refused = ask(&state, guess()).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(text(&refused, "attache-error"), "rate_limited");
    assert_eq!(text(&refused, "retry-after"), "6");
    // Right or wrong, where it is so short that it could be guessed. Others are not affected.
    assert_eq!(ask(&state, as_admin(guess())).await.status(), 429);
    assert_eq!(ask(&state, as_admin(get("/v1/whoami"))).await.status(), 200);
}

#[tokio::test]
async fn nobody_keeps_a_long_token_out_by_guessing_beside_it() {
    let state = state();
    let state = AdminState { api: api(Some(Secret::new(LONG)), Arc::clone(&state.live)), ..state };
    let from_there = |token: &str| {
        let mut request = get("/v1/whoami");
        let value = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        request.headers_mut().insert("authorization", value);
        request.extensions_mut().insert(Peer("192.0.2.7".parse().unwrap()));
        request
    };
    let wrong = LONG.replace('9', "8");
    for _ in 0..10 {
        assert_eq!(ask(&state, from_there(&wrong)).await.status(), 401);
    }
    for _ in 0..3 {
        assert_eq!(ask(&state, from_there(&wrong)).await.status(), 429);
        assert_eq!(ask(&state, from_there(LONG)).await.status(), 200);
    }
}

#[tokio::test]
async fn a_path_says_which_methods_it_takes_once_the_token_is_right() {
    let state = state();
    let of = |method: &str, path: &str| {
        as_admin(Request::builder().method(method).uri(path).body(Body::empty()).unwrap())
    };
    for (method, path, status, allow) in [
        ("POST", "/v1/whoami", 405, "GET, HEAD"),
        ("DELETE", "/v1/connectors", 405, "GET, POST, HEAD"),
        ("HEAD", "/v1/whoami", 200, ""),
        ("GET", "/v1/nothing", 404, ""),
        ("GET", "/v1/connectors/", 404, ""),
        ("GET", "/v1/connectors/a/b", 404, ""),
        ("GET", "/v1/connectors/A", 400, ""),
        ("GET", "/v1/connectors/a", 404, ""),
        ("GET", "/v1/connectors?x=1", 400, ""),
        ("GET", "/v1/connectors", 200, ""),
        ("PUT", "/v1/connectors/a", 415, ""),
        ("DELETE", "/v1/connectors/a", 409, ""),
    ] {
        let answer = ask(&state, of(method, path)).await;
        assert_eq!(
            (answer.status().as_u16(), text(&answer, "allow")),
            (status, allow),
            "{method} {path}"
        );
        assert_eq!(method == "HEAD", answer.body().is_empty(), "{method} {path}");
    }
}

#[tokio::test]
async fn without_a_token_the_api_is_closed() {
    let state = state();
    let state = AdminState { api: api(None, Arc::clone(&state.live)), ..state };
    for authorization in ["Bearer ", "Bearer x"] {
        let mut request = get("/v1/x");
        request.headers_mut().insert("authorization", HeaderValue::from_static(authorization));
        assert_eq!(ask(&state, request).await.status(), 401);
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let mut request = get("/metrics");
    *request.method_mut() = Method::HEAD;
    let response = ask(&state(), request).await;
    assert_eq!((response.status().as_u16(), response.body().as_str()), (200, ""));
}

#[tokio::test]
async fn whatever_is_at_no_path_of_the_listeners_is_asked_of_the_front() {
    let front: Front = |head, generation| {
        let told = format!("{} at {generation}", head.uri.path());
        (head.uri.path() != "/none").then(|| Response::new(told.into()))
    };
    let state = AdminState { front, ..state() };
    for path in ["/", "/connectors/a", "/v1x"] {
        assert_eq!(ask(&state, get(path)).await.body(), &format!("{path} at 1"));
    }
    for (path, status) in
        [("/none", 404), ("/v1", 401), ("/v1/x", 401), ("/healthz", 200), ("/openapi.json", 200)]
    {
        let answer = ask(&state, get(path)).await;
        assert_eq!(answer.status(), status, "{path}");
        assert!(!answer.body().contains(" at 1"), "{path}");
    }
}

#[tokio::test]
async fn the_pages_ask_as_an_operator_and_without_http() {
    let api = state().api;
    let ask = async |method: Method, path: &str| api.ask(method, path, json!({})).await;
    let (status, body) = ask(Method::GET, "/v1/whoami").await;
    assert_eq!(
        (status.as_u16(), &body["name"], &body["role"]),
        (200, &json!("connect"), &json!("operator"))
    );
    for (method, path, expected, code) in [
        (Method::GET, "/v1/none", 404, "not_found"),
        (Method::PUT, "/v1/whoami", 405, "method_not_allowed"),
        (Method::GET, "/v1/connectors?x=1", 400, "bad_request"),
        (Method::POST, "/v1/tokens", 403, "operator_forbidden"),
        (Method::POST, "/v1/connect-sessions", 422, "invalid"),
        (Method::GET, "/v1/connect-sessions", 409, "no_store"),
    ] {
        let (status, body) = ask(method, path).await;
        assert_eq!((status.as_u16(), &body["code"]), (expected, &json!(code)), "{path}: {body}");
    }
}
