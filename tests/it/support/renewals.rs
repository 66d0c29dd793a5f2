//! Grants whose tokens are used up by renewing them, in front of a store.
use super::CALLER_KEY;
use super::Database;
use super::Gateway;
use super::Operator;
use super::Provider;
use super::RawUpstream;
use super::Response;
use super::Rotating;
use super::Script;
use super::asked;
use super::raw_request;
use super::soon;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinSet;

/// The tests' upstreams and providers are on loopback.
pub const EGRESS: &str = "egress: { allow: [127.0.0.0/8] }\n";

/// An embedded connection `crm` whose tenants bring their refresh tokens.
pub async fn set_up(operator: &Operator, upstream: &RawUpstream, provider: &Provider) {
    let oauth2 =
        json!({ "grant": "refresh_token", "token_url": format!("{}/token", provider.url()) });
    let connector = json!({ "base_url": upstream.url(), "auth": { "m": { "oauth2": oauth2 } } });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let connection = json!({
        "connector": "api", "auth": "m", "embedded": true,
        "credentials": { "client_id": "app", "client_secret": "hush-hush" },
    });
    operator.put("/v1/connections/crm", connection).await.is(201);
}

/// A tenant with a refresh token of its own.
pub async fn activate(operator: &Operator, tenant: &str) {
    let path = format!("/v1/connections/crm/activations/{tenant}");
    let credentials = json!({ "refresh_token": format!("{tenant}-0") });
    operator.put(&path, json!({ "credentials": credentials })).await.is(201);
}

/// One request of this tenant.
pub async fn ask(proxy: SocketAddr, tenant: &str) -> Response {
    asked(proxy, &format!("/c/crm@{tenant}/a")).await
}

/// For another token than there is.
pub async fn force(proxy: SocketAddr) -> Response {
    let request = format!(
        "GET /c/crm@acme/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Force-Refresh: true\r\n\r\n"
    );
    raw_request(proxy, request).await
}

/// So many at once: how many of them were answered by the upstream.
pub async fn ask_all(proxies: &[SocketAddr], each: usize) -> usize {
    let mut asking = JoinSet::new();
    for proxy in proxies {
        for _ in 0..each {
            let proxy = *proxy;
            asking.spawn(async move { ask(proxy, "acme").await.status });
        }
    }
    asking.join_all().await.into_iter().filter(|it| *it == 200).count()
}

/// What went out to the API as its token, of the next request.
pub async fn sent(upstream: &RawUpstream) -> String {
    upstream.request().await.field("authorization").unwrap_or_default().to_owned()
}

/// What the store has of the grant, as soon as it is so.
pub async fn grant_becomes(database: &Database, column: &str, expected: &str) {
    let sql = format!("SELECT CAST({column} AS TEXT) FROM grants");
    soon(&format!("the grant's {column} is {expected}"), async {
        while database.text(&sql).await != expected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// A gateway in front of an API, with a tenant `acme`, and the provider that has its tokens.
pub struct Scene {
    pub database: Database,
    pub upstream: RawUpstream,
    pub provider: Provider,
    pub gateway: Gateway,
}

impl Scene {
    pub async fn of(database: Database, rotating: Rotating) -> Self {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::rotating(rotating).await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        set_up(&operator, &upstream, &provider).await;
        activate(&operator, "acme").await;
        Self { database, upstream, provider, gateway }
    }

    pub async fn ask(&self) -> Response {
        ask(self.gateway.proxy, "acme").await
    }

    /// Whether so it ended once.
    pub async fn metric(&self, outcome: &str) -> bool {
        let metrics = self.gateway.admin("/metrics").await.text();
        metrics.contains(&format!("attache_token_renewals_total{{outcome=\"{outcome}\"}} 1\n"))
    }
}
