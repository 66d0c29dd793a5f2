//! Variables of base URLs that come with tokens: where a request goes, the token's answer says.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Says;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use serde_json::Value;
use serde_json::json;

const NO: &str = "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno";

/// A token, with the instance that it is good at.
fn token(token: &str, upstream: &RawUpstream) -> Says {
    Says::json(
        json!({ "access_token": token, "expires_in": 3600, "instance_url": upstream.url(), "realm": "r-7" }),
    )
}

/// `crm`, whose tokens tell the port and the realm.
fn configuration(provider: &Provider, connection: &str) -> String {
    let url = provider.url();
    format!(
        r#"egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: "http://127.0.0.1:{{port}}/v1/{{realm}}"
    variables: {{ port: {{ pattern: "[0-9]+" }}, realm: {{ pattern: "[a-z0-9-]+" }} }}
    auth:
      m:
        oauth2:
          grant: client_credentials
          token_url: {url}/token
          reply: {{ keep: {{ port: {{ at: /instance_url, pattern: "http://127[.]0[.]0[.]1:([0-9]+)" }}, realm: /realm }} }}
connections:
  crm: {{ connector: api, auth: m, credentials: {{ client_id: app, client_secret: hush-hush }}, {connection} }}
"#
    )
}

async fn upstream() -> RawUpstream {
    RawUpstream::start([Script::ok("hi")]).await
}

/// The target and the token of the next request that came.
async fn came(upstream: &RawUpstream) -> (String, String) {
    let request = upstream.request().await;
    let token = request.field("authorization").unwrap_or_default().to_owned();
    (request.line().split(' ').nth(1).unwrap_or_default().to_owned(), token)
}

fn at(path: &str, token: &str) -> (String, String) {
    (path.to_owned(), format!("Bearer {token}"))
}

async fn ask(gateway: &Gateway, fields: &str) -> Response {
    gateway.get("/c/crm/thing?a=b", fields).await
}

#[tokio::test]
async fn the_first_request_waits_for_the_token_that_says_where_it_goes() {
    let upstream = upstream().await;
    let provider = Provider::start([token("t", &upstream)]).await;
    let gateway = Gateway::start(&configuration(&provider, ""));
    for _ in 0..3 {
        assert_eq!(ask(&gateway, "").await.status, 200);
        assert_eq!(came(&upstream).await, at("/v1/r-7/thing?a=b", "t"));
    }
    provider.asked_once();
}

#[tokio::test]
async fn what_came_with_the_token_counts_more_than_what_stands_in_the_file() {
    let (upstream, other) = (upstream().await, upstream_that_nobody_reaches().await);
    let provider = Provider::start([token("t", &upstream)]).await;
    let port = other.url().rsplit(':').next().unwrap().to_owned();
    let own = format!("variables: {{ port: \"{port}\", realm: own }}");
    let gateway = Gateway::start(&configuration(&provider, &own));
    assert_eq!(ask(&gateway, "").await.status, 200);
    assert_eq!(came(&upstream).await, at("/v1/r-7/thing?a=b", "t"));
    assert_eq!(other.links(), 0);
}

#[tokio::test]
async fn no_request_says_where_the_token_goes() {
    let (upstream, other) = (upstream().await, upstream_that_nobody_reaches().await);
    let provider = Provider::start([token("t", &upstream)]).await;
    let gateway = Gateway::start(&configuration(&provider, ""));
    let port = other.url().rsplit(':').next().unwrap().to_owned();
    for _ in 0..2 {
        let fields = format!("Attache-Variables: port={port}\r\n");
        let answer = ask(&gateway, &fields).await;
        assert_eq!(answer.code().as_deref(), Some("base_url_forbidden"), "{answer:?}");
        let fields = format!("Attache-Base-Url: {}/v1\r\n", other.url());
        let answer = ask(&gateway, &fields).await;
        assert_eq!(answer.code().as_deref(), Some("base_url_forbidden"), "{answer:?}");
    }
    assert_eq!(other.links(), 0);
    // Below the instance it may say where.
    let answer = ask(&gateway, "Attache-Variables: realm=other\r\n").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(came(&upstream).await, at("/v1/other/thing?a=b", "t"));
}

#[tokio::test]
async fn a_token_for_another_instance_never_goes_to_the_former_one() {
    let first = RawUpstream::start([Script::answer(NO)]).await;
    let second = upstream().await;
    let provider = Provider::start([token("one", &first), token("two", &second)]).await;
    let gateway = Gateway::start(&configuration(&provider, ""));
    let answer = ask(&gateway, "").await;
    assert_eq!((answer.status, answer.text().as_str()), (401, "no"), "it is the caller's");
    assert_eq!(came(&first).await, at("/v1/r-7/thing?a=b", "one"));
    assert_eq!(ask(&gateway, "").await.status, 200);
    assert_eq!(came(&second).await, at("/v1/r-7/thing?a=b", "two"));
    assert!(first.request_so_far().await.is_none());
}

#[tokio::test]
async fn an_answer_that_leads_nowhere_is_told_and_nothing_is_sent() {
    let other = upstream_that_nobody_reaches().await;
    for instance in
        [json!(null), json!("https://evil.example"), json!(format!("{}/x", other.url()))]
    {
        let body = json!({ "access_token": "t", "instance_url": instance, "realm": "r" });
        let provider = Provider::start([Says::json(body)]).await;
        let gateway = Gateway::start(&configuration(&provider, ""));
        for _ in 0..2 {
            let answer = ask(&gateway, "").await;
            assert_eq!(answer.code().as_deref(), Some("credential_unavailable"), "{answer:?}");
            assert!(answer.text().contains("`port`"), "{answer:?}");
        }
        provider.asked_once();
    }
    assert_eq!(other.links(), 0);
}

async fn upstream_that_nobody_reaches() -> RawUpstream {
    RawUpstream::start([Script::ok("not for you")]).await
}

each_engine! {
    async fn where_a_tenants_requests_go_is_kept_with_its_token(database: Database) {
        let (acmes, betas) = (upstream().await, upstream().await);
        let provider = Provider::start([token("of-acme", &acmes), token("of-beta", &betas)]).await;
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let operator = gateway.operator();
        let keep: Value = json!({
            "port": { "at": "/instance_url", "pattern": "http://127[.]0[.]0[.]1:([0-9]+)" }, "realm": "/realm",
        });
        let oauth2 = json!({
            "grant": "password", "token_url": format!("{}/token", provider.url()), "reply": { "keep": keep },
        });
        let connector = json!({
            "base_url": "http://127.0.0.1:{port}/v1/{realm}", "auth": { "m": { "oauth2": oauth2 } },
            "variables": { "port": { "pattern": "[0-9]+" }, "realm": { "pattern": "[a-z0-9-]+" } },
        });
        operator.put("/v1/connectors/api", connector).await.is(201);
        let connection = json!({
            "connector": "api", "auth": "m", "embedded": true,
            "credentials": { "client_id": "app", "client_secret": "hush-hush" },
        });
        operator.put("/v1/connections/crm", connection).await.is(201);
        for tenant in ["acme", "beta"] {
            let credentials = json!({ "username": tenant, "password": "pass" });
            let path = format!("/v1/connections/crm/activations/{tenant}");
            operator.put(&path, json!({ "credentials": credentials })).await.is(201);
        }
        let both = async |gateway: &Gateway| {
            for (tenant, upstream) in [("acme", &acmes), ("beta", &betas)] {
                let request = format!(
                    "GET /c/crm@{tenant}/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n"
                );
                let answer = raw_request(gateway.proxy, request).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                assert_eq!(came(upstream).await, at("/v1/r-7/a", &format!("of-{tenant}")));
            }
        };
        both(&gateway).await;
        gateway.stop();
        // Another life has them from the store.
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        both(&gateway).await;
        assert_eq!(provider.asked().len(), 2);
    }
}
