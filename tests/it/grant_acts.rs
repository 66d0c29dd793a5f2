//! What operators do with grants: renewed now, ended here and at the provider, asked about.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Says;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use serde_json::Value;
use serde_json::json;

const ACME: &str = "/v1/connections/crm/activations/acme";

fn token(name: &str) -> Says {
    let refresh = format!("r-{name}");
    Says::json(json!({ "access_token": name, "refresh_token": refresh, "expires_in": 3600 }))
}

/// An app with one customer, who brought a refresh token along.
async fn app(gateway: &Gateway, upstream: &RawUpstream, provider: &Provider) -> Operator {
    let operator = gateway.operator();
    let url = provider.url();
    let oauth2 = json!({
        "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
        "revoke_url": format!("{url}/revoke"), "introspect_url": format!("{url}/introspect"),
    });
    let connector = json!({ "base_url": upstream.url(), "auth": { "m": { "oauth2": oauth2 } } });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let connection = json!({
        "connector": "api", "auth": "m", "embedded": true,
        "credentials": { "client_id": "app", "client_secret": "hush-hush" },
    });
    operator.put("/v1/connections/crm", connection).await.is(201);
    let brought = json!({ "credentials": { "refresh_token": "r-brought" } });
    operator.put(ACME, brought).await.is(201);
    operator
}

async fn act(operator: &Operator, act: &str) -> crate::support::Reply {
    operator.send("POST", &format!("{ACME}/{act}"), "", None).await
}

async fn ask(gateway: &Gateway) -> crate::support::Response {
    let request =
        format!("GET /c/crm@acme/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
    raw_request(gateway.proxy, request).await
}

fn state(body: &Value) -> &str {
    body["grant"]["state"].as_str().unwrap_or_default()
}

each_engine! {
    async fn a_grant_is_renewed_when_an_operator_says_so(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::start([token("one"), Says::status(503, ""), Says::error(400, "invalid_grant")]).await;
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let operator = app(&gateway, &upstream, &provider).await;
        let renewed = act(&operator, "renew").await.is(200);
        assert_eq!(state(&renewed.body), "active");
        assert!(renewed.body["grant"]["last_renewed_at"].is_string());
        assert_eq!(provider.asked_once().parameter("refresh_token").as_deref(), Some("r-brought"));
        assert_eq!(ask(&gateway).await.status, 200);
        assert_eq!(upstream.request().await.field("authorization"), Some("Bearer one"));
        assert_eq!(provider.asked().len(), 1, "one token for both");
        let viewer = operator.post("/v1/tokens", json!({ "key": "eyes", "role": "viewer" })).await.is(201);
        let viewer = operator.with_token(viewer.text("token"));
        for kind in ["renew", "revoke", "introspect"] {
            act(&viewer, kind).await.problem("operator_forbidden");
        }
        operator.send("POST", "/v1/connections/crm/renew", "", None).await.is(422);
    }

    async fn what_is_ended_serves_no_request_any_more_whatever_the_provider_says(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::start([token("one"), Says::status(200, ""), Says::status(200, "")]).await;
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let operator = app(&gateway, &upstream, &provider).await;
        assert_eq!(ask(&gateway).await.status, 200);
        let ended = act(&operator, "revoke").await.is(200);
        assert_eq!((&ended.body["at_provider"], state(&ended.body)), (&json!(true), "revoked"));
        let answer = ask(&gateway).await;
        assert_eq!((answer.status, answer.error()), (424, "reauthorization_required"));
        let asked = provider.asked();
        let lines: Vec<_> = asked.iter().map(|it| (it.line(), it.parameter("token"))).collect();
        let revoked = |token: &str| ("POST /revoke".to_owned(), Some(token.to_owned()));
        assert_eq!(lines[1..], [revoked("r-one"), revoked("one")], "the refresh token first");
        // Nothing brings it back by itself.
        act(&operator, "renew").await.problem("reauthorization_required");
        assert_eq!(provider.asked().len(), 3);
        // Another account does.
        provider.says([token("two"), Says::status(500, "")]);
        let brought = json!({ "credentials": { "refresh_token": "r-other" } });
        operator.patch(ACME, brought).await.is(200);
        assert_eq!(ask(&gateway).await.status, 200);
        let ended = act(&operator, "revoke").await.is(200);
        assert_eq!((&ended.body["at_provider"], state(&ended.body)), (&json!(false), "revoked"));
        assert!(ended.text("why").contains("status 500"), "{}", ended.body);
        assert_eq!(ask(&gateway).await.status, 424);
        let log = operator.get("/v1/audit?kind=grant").await.is(200);
        let acts: Vec<_> = log.body["items"].as_array().unwrap().iter().map(|it| it["act"].as_str()).collect();
        assert_eq!(acts, [Some("revoked"), Some("revoked")]);
    }

    async fn st_10_tokens_of_what_is_deleted_are_ended_at_the_provider(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::start([token("one"), Says::status(503, "")]).await;
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let operator = app(&gateway, &upstream, &provider).await;
        assert_eq!(ask(&gateway).await.status, 200);
        operator.delete(&format!("{ACME}?dry_run=true")).await.is(200);
        operator.delete(ACME).await.is(204);
        provider.was_asked(3).await;
        let ended: Vec<_> = provider.asked()[1..].iter().map(|it| it.parameter("token")).collect();
        assert_eq!(ended, [Some("r-one".to_owned()), Some("one".to_owned())]);
        assert_eq!(ask(&gateway).await.status, 409, "and the provider's fault keeps nothing");
        assert_eq!(database.number("SELECT COUNT(*) FROM grants").await, 0);
    }

    async fn a_provider_is_asked_what_it_knows_of_a_token(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let known = json!({ "active": true, "scope": "a b", "exp": 1_900_000_000, "username": "jo", "jti": "secret-id" });
        let provider = Provider::start([token("one"), Says::json(known), Says::status(200, "<html>")]).await;
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let operator = app(&gateway, &upstream, &provider).await;
        act(&operator, "introspect").await.problem("reauthorization_required");
        act(&operator, "renew").await.is(200);
        let told = act(&operator, "introspect").await.is(200);
        let expected = json!({
            "active": true, "scopes": ["a", "b"], "expires_at": "2030-03-17T17:46:40Z", "account": "jo",
        });
        assert_eq!(told.body, expected);
        assert_eq!(provider.asked()[1].parameter("token").as_deref(), Some("one"));
        act(&operator, "introspect").await.problem("credential_unavailable");
    }
}
