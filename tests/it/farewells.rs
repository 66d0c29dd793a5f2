//! Whatever takes a grant away with it has its provider end the tokens, and never waits for that.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::Says;
use crate::support::each_engine;
use crate::support::soon;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Notify;

const ALLOW: &str = "egress: { allow: [127.0.0.0/8] }\n";

/// A machine's own connection, and an app with these customers: each has a token of its own.
async fn app(gateway: &Gateway, provider: &Provider, tenants: &[&str]) -> Operator {
    let operator = gateway.operator();
    let url = provider.url();
    let method = |grant: &str| {
        json!({ "oauth2": {
        "grant": grant, "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
        "revoke_url": format!("{url}/revoke"),
    } })
    };
    let mut machine = method("client_credentials");
    machine["oauth2"].as_object_mut().unwrap().remove("authorize_url");
    let auth = json!({ "account": method("authorization_code"), "machine": machine });
    let connector = json!({ "base_url": "https://api.example", "auth": auth });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let credentials = json!({ "client_id": "app", "client_secret": "hush-hush" });
    let own = json!({ "connector": "api", "auth": "machine", "credentials": credentials });
    operator.put("/v1/connections/own", own).await.is(201);
    for key in ["crm", "erp"] {
        let embedded = json!({
            "connector": "api", "auth": "account", "embedded": true, "credentials": credentials,
        });
        operator.put(&format!("/v1/connections/{key}"), embedded).await.is(201);
        for tenant in tenants {
            let at = format!("/v1/connections/{key}/activations/{tenant}");
            operator
                .put(&at, json!({ "credentials": { "refresh_token": "brought" } }))
                .await
                .is(201);
            renew(&operator, provider, &at, &format!("{key}-{tenant}")).await;
        }
    }
    renew(&operator, provider, "/v1/connections/own", "own").await;
    provider.says([Says::status(200, "")]);
    operator
}

async fn renew(operator: &Operator, provider: &Provider, at: &str, token: &str) {
    provider.says([Says::json(json!({ "access_token": token, "expires_in": 3600 }))]);
    operator.send("POST", &format!("{at}/renew"), "", None).await.is(200);
}

/// Waits until so many tokens were ended, and says which.
async fn ended(gateway: &Gateway, provider: &Provider, grants: f64) -> BTreeSet<String> {
    let told = async {
        while gateway.metric("attache_token_revocations_total", &["\"revoked\""]).await < grants {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    soon("the providers to be told", told).await;
    let revoked = provider.asked().into_iter().filter(|it| it.line() == "POST /revoke");
    let tokens = revoked.filter_map(|it| it.parameter("token")).filter(|it| it != "brought");
    tokens.collect()
}

fn set(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

each_engine! {
    async fn st_10_a_tenant_that_is_deleted_leaves_no_token_at_any_provider(database: Database) {
        let provider = Provider::start([Says::status(200, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider, &["acme", "beta"]).await;
        operator.delete("/v1/tenants/acme?force=true&dry_run=true").await.is(200);
        operator.delete("/v1/tenants/acme").await.problem("in_use");
        operator.delete("/v1/tenants/acme?force=true").await.is(204);
        assert_eq!(ended(&gateway, &provider, 2.0).await, set(&["crm-acme", "erp-acme"]));
        assert_eq!(database.number("SELECT COUNT(*) FROM grants WHERE tenant = 'acme'").await, 0);
    }

    async fn a_connection_that_is_deleted_leaves_none_of_its_tenants_either(database: Database) {
        let provider = Provider::start([Says::status(200, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider, &["acme", "beta"]).await;
        operator.delete("/v1/connections/crm?force=true&dry_run=true").await.is(200);
        operator.delete("/v1/connections/crm?force=true").await.is(204);
        assert_eq!(ended(&gateway, &provider, 2.0).await, set(&["crm-acme", "crm-beta"]));
        operator.delete("/v1/connections/own").await.is(204);
        assert_eq!(ended(&gateway, &provider, 3.0).await, set(&["crm-acme", "crm-beta", "own"]));
    }

    async fn test_credentials_that_are_removed_leave_no_token(database: Database) {
        let provider = Provider::start([Says::status(200, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider, &["acme"]).await;
        for key in ["crm", "erp"] {
            let at = format!("/v1/connections/{key}");
            let test = json!({ "refresh_token": "brought" });
            operator.put(&format!("{at}/test_credentials"), test).await.is(200);
            provider.says([Says::json(json!({ "access_token": format!("{key}-test"), "expires_in": 3600 }))]);
            operator.send("POST", &format!("{at}/renew?test=true"), "", None).await.is(200);
        }
        provider.says([Says::status(200, "")]);
        let left = async || database.number("SELECT COUNT(*) FROM grants WHERE slot = 'test'").await;
        let sealed = async || {
            database.number("SELECT COUNT(*) FROM credentials WHERE slot LIKE 'test%'").await
        };
        operator.delete("/v1/connections/crm/test_credentials?dry_run=true").await.is(200);
        assert_eq!((left().await, sealed().await), (2, 4));
        operator.delete("/v1/connections/crm/test_credentials").await.is(200);
        assert_eq!(ended(&gateway, &provider, 1.0).await, set(&["crm-test"]));
        assert_eq!((left().await, sealed().await), (1, 2));
        let nothing = json!({ "test_credentials": null });
        operator.patch("/v1/connections/erp", nothing).await.is(200);
        assert_eq!(ended(&gateway, &provider, 2.0).await, set(&["crm-test", "erp-test"]));
        assert_eq!((left().await, sealed().await), (0, 0));
    }

    async fn tokens_that_nobody_can_tell_of_are_counted(database: Database) {
        let provider = Provider::start([Says::status(200, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider, &["acme"]).await;
        database.run("UPDATE grants SET fingerprint = 'former' WHERE tenant = 'acme'").await;
        operator.delete("/v1/tenants/acme?force=true").await.is(204);
        let counted = async {
            while gateway.metric("attache_token_revocations_total", &["\"operator\""]).await < 2.0 {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        soon("them to be counted", counted).await;
    }

    async fn what_is_pruned_is_told_of_each_once_and_a_plan_tells_nobody(database: Database) {
        let provider = Provider::start([Says::status(200, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider, &["acme", "beta"]).await;
        let activation = |key: &str| json!({ "connection": key, "tenant": "beta" });
        let path = "/v1/apply?prune=true&force=true";
        let few = json!({ "activations": [activation("erp")] });
        operator.post(&format!("{path}&dry_run=true"), few.clone()).await.is(200);
        operator.post(path, few).await.is(200);
        assert_eq!(ended(&gateway, &provider, 1.0).await, set(&["erp-acme"]));
        operator.post(path, json!({ "connections": {} })).await.is(200);
        let all = set(&["erp-acme", "erp-beta", "crm-acme", "crm-beta", "own"]);
        assert_eq!(ended(&gateway, &provider, 5.0).await, all);
        let revocations = provider.asked().into_iter().filter(|it| {
            it.line() == "POST /revoke" && it.parameter("token").is_some_and(|it| it != "brought")
        });
        assert_eq!(revocations.count(), 5, "each once");
    }

    async fn whose_connection_and_tenant_go_together_is_told_of_once(database: Database) {
        let provider = Provider::start([Says::status(200, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider, &["acme"]).await;
        operator.put("/v1/tenants/acme", json!({})).await.is(201);
        let nothing = json!({ "connections": {}, "tenants": {} });
        operator.post("/v1/apply?prune=true&force=true", nothing).await.is(200);
        assert_eq!(ended(&gateway, &provider, 3.0).await, set(&["crm-acme", "erp-acme", "own"]));
        let asked = provider.asked().into_iter().filter(|it| it.line() == "POST /revoke");
        let mut tokens: Vec<_> = asked.filter_map(|it| it.parameter("token")).collect();
        tokens.retain(|it| it != "brought");
        tokens.sort_unstable();
        assert_eq!(tokens, ["crm-acme", "erp-acme", "own"]);
    }

    async fn a_tenant_leaves_an_environment_with_its_tokens_ended(database: Database) {
        let provider = Provider::start([Says::status(200, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider, &["acme", "beta"]).await;
        let integration = json!({ "connectors": { "main": { "connector": "api" } } });
        operator.put("/v1/integrations/sync", integration).await.is(201);
        let environment = json!({ "integration": "sync", "assign": { "main": "crm" } });
        operator.put("/v1/environments/live", environment).await.is(201);
        operator.delete("/v1/environments/live/activations/acme").await.is(204);
        assert_eq!(ended(&gateway, &provider, 1.0).await, set(&["crm-acme"]));
        let switch = json!({ "to": "standard", "confirm": true, "credentials": { "client_id": "app", "client_secret": "s" } });
        operator.post("/v1/connections/crm/switch", switch).await.is(200);
        assert_eq!(ended(&gateway, &provider, 2.0).await, set(&["crm-acme", "crm-beta"]));
    }

    async fn no_deletion_waits_for_a_provider(database: Database) {
        let provider = Provider::start([Says::status(200, "")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider, &["acme", "beta"]).await;
        let gate = Arc::new(Notify::new());
        provider.says([Says::status(500, "").after(&gate)]);
        operator.delete("/v1/tenants/acme?force=true").await.is(204);
        operator.delete("/v1/connections/crm?force=true").await.is(204);
        let refused = async || gateway.metric("attache_token_revocations_total", &["\"refused\""]).await;
        assert_eq!(refused().await, 0.0, "nobody has answered");
        let told = async {
            while refused().await < 3.0 {
                gate.notify_waiters();
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        soon("the providers to be told", told).await;
        operator.get("/v1/connections/crm").await.is(404);
    }
}
