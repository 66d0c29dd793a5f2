//! Tokens of what is stored: tenants that were activated by API have theirs, each its own.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Says;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use serde_json::json;
use std::net::SocketAddr;

async fn ask(proxy: SocketAddr, path: &str) -> Response {
    let request = format!("GET {path} HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
    raw_request(proxy, request).await
}

async fn sent(upstream: &RawUpstream) -> String {
    upstream.request().await.field("authorization").unwrap_or_default().to_owned()
}

each_engine! {
    async fn each_tenant_has_a_token_of_its_own_by_the_app_of_the_connection(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let says = ["of-acme", "of-beta", "of-acme-again"].map(Says::token);
        let provider = Provider::start(says).await;
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let operator = gateway.operator();
        let oauth2 = json!({
            "grant": "password", "token_url": format!("{}/token", provider.url()), "client_auth": "body",
        });
        let connector = json!({ "base_url": upstream.url(), "auth": { "m": { "oauth2": oauth2 } } });
        operator.put("/v1/connectors/api", connector).await.is(201);
        let connection = json!({
            "connector": "api", "auth": "m", "embedded": true,
            "credentials": { "client_id": "app", "client_secret": "hush-hush" },
        });
        operator.put("/v1/connections/crm", connection).await.is(201);
        for tenant in ["acme", "beta"] {
            let credentials = json!({ "username": tenant, "password": format!("of {tenant}") });
            let path = format!("/v1/connections/crm/activations/{tenant}");
            operator.put(&path, json!({ "credentials": credentials })).await.is(201);
        }
        for (tenant, token) in [("acme", "of-acme"), ("beta", "of-beta"), ("acme", "of-acme")] {
            let answer = ask(gateway.proxy, &format!("/c/crm@{tenant}/a")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(sent(&upstream).await, format!("Bearer {token}"));
        }
        let asked = provider.asked();
        assert_eq!(asked.len(), 2);
        for (asked, tenant) in asked.iter().zip(["acme", "beta"]) {
            assert_eq!(asked.parameter("client_secret").as_deref(), Some("hush-hush"));
            assert_eq!(asked.parameter("username").as_deref(), Some(tenant));
            assert_eq!(asked.parameter("password"), Some(format!("of {tenant}")));
        }
        // Another password, another token.
        let path = "/v1/connections/crm/activations/acme";
        let credentials = json!({ "username": "acme", "password": "a new one" });
        operator.patch(path, json!({ "credentials": credentials })).await.is(200);
        assert_eq!(ask(gateway.proxy, "/c/crm@acme/a").await.status, 200);
        assert_eq!(sent(&upstream).await, "Bearer of-acme-again");
    }

    async fn what_can_not_be_served_is_refused_with_its_member_and_the_way_out(database: Database) {
        let gateway = Gateway::beside(&database, "");
        let operator = gateway.operator();
        let method = |oauth2: serde_json::Value| {
            json!({ "base_url": "https://api.example", "auth": { "m": { "oauth2": oauth2 } } })
        };
        for (oauth2, pointer) in [
            (json!({ "grant": "client_credentials" }), "/auth/m/oauth2/token_url"),
            (json!({ "grant": "magic" }), "/auth/m/oauth2/grant"),
            (json!({ "grant": "client_credentials", "token_url": "https://id.example", "dpop": true, "in": "query", "name": "t" }), "/auth/m/oauth2/in"),
            (json!({ "grant": "client_credentials", "token_url": "https://id.example", "name": "a b" }), "/auth/m/oauth2/name"),
            (json!({ "grant": "client_credentials", "token_url": "https://id.example", "reply": { "keep": { "x": "no pointer" } } }), "/auth/m/oauth2/reply/keep/x"),
        ] {
            let refused = operator.put("/v1/connectors/api", method(oauth2.clone())).await.is(422);
            assert_eq!(refused.pointers(), [pointer], "{oauth2}");
        }
        let code = json!({ "grant": "authorization_code", "authorize_url": "https://id.example/a", "token_url": "https://id.example/t" });
        operator.put("/v1/connectors/api", method(code)).await.is(201);
        let connection = |credentials: serde_json::Value| {
            json!({ "connector": "api", "auth": "m", "credentials": credentials })
        };
        let refused = operator.put("/v1/connections/crm", connection(json!({ "client_id": "a", "kez": "b" }))).await;
        assert_eq!(refused.is(422).pointers(), ["/credentials/client_secret", "/credentials/kez"]);
        // What a token is had with later is not there yet: the store will keep it.
        let app = json!({ "client_id": "a", "client_secret": "b" });
        operator.put("/v1/connections/own", connection(app)).await.is(201);
        assert_eq!(ask(gateway.proxy, "/c/own/a").await.error(), "reauthorization_required");
        // Tenants may consent once it is there: the connection itself is sound.
        let embedded = json!({ "connector": "api", "auth": "m", "embedded": true, "credentials": { "client_id": "a", "client_secret": "b" } });
        operator.put("/v1/connections/crm", embedded).await.is(201);
        assert_eq!(ask(gateway.proxy, "/c/crm@acme/a").await.error(), "embedded_not_activated");
    }
}
