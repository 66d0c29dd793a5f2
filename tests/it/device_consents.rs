//! Consents on other devices: what came of one is told where the grant is, also where nothing did.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::Says;
use crate::support::each_engine;
use crate::support::soon;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

const ALLOW: &str = "egress: { allow: [127.0.0.0/8] }\n";
const ACME: &str = "/v1/connections/tv/activations/acme";

/// An app whose customers consent on another device.
async fn app(gateway: &Gateway, provider: &Provider) -> Operator {
    let operator = gateway.operator();
    let url = provider.url();
    let oauth2 = json!({
        "grant": "device_code", "device_url": format!("{url}/device"), "token_url": format!("{url}/token"),
    });
    let connector =
        json!({ "base_url": "https://api.example", "auth": { "m": { "oauth2": oauth2 } } });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let connection = json!({
        "connector": "api", "auth": "m", "embedded": true, "credentials": { "client_id": "app" },
    });
    operator.put("/v1/connections/tv", connection).await.is(201);
    operator.put(ACME, json!({})).await.is(201);
    operator
}

fn codes() -> Says {
    Says::json(json!({
        "device_code": "d-code", "user_code": "WDJB-MJHT", "verification_uri": "https://id.example/device",
        "expires_in": 600, "interval": 1,
    }))
}

async fn begin(operator: &Operator) {
    operator.post(&format!("{ACME}/authorize"), json!({})).await.is(200);
}

/// Waits until the grant's consent is so, and has the grant.
async fn until(operator: &Operator, state: Value) -> Value {
    let told = async {
        loop {
            let grant = operator.get(ACME).await.is(200).body["grant"].clone();
            if grant["consent"]["state"] == state {
                return grant;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(&format!("the consent to be {state}"), told).await
}

each_engine! {
    async fn whoever_is_waited_for_is_told_and_whoever_refused_as_well(database: Database) {
        let provider = Provider::start([
            codes(), Says::error(400, "authorization_pending"), Says::error(400, "access_denied"),
        ]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider).await;
        assert_eq!(operator.get(ACME).await.body["grant"]["consent"], Value::Null);
        begin(&operator).await;
        let waiting = until(&operator, json!("waiting")).await;
        assert!(waiting["consent"]["expires_at"].is_string() && waiting["consent"]["why"].is_null(), "{waiting}");
        let failed = until(&operator, json!("failed")).await;
        let consent = &failed["consent"];
        assert!(consent["why"].as_str().is_some_and(|it| it.contains("access_denied")), "{failed}");
        assert!(consent["began_at"].is_string() && consent["expires_at"].is_null(), "{failed}");
        assert_eq!(failed["state"], "reauthorization_required");
        let listed = operator.get("/v1/connections/tv/activations").await.is(200);
        assert_eq!(listed.body["items"][0]["grant"], failed);
        let of_tenant = operator.get("/v1/tenants/acme/activations").await.is(200);
        assert_eq!(of_tenant.body["items"][0]["grant"], failed);
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials WHERE owner LIKE 'authorization:%'").await, 0);

        // Another try that goes well makes it forgotten.
        provider.says([codes(), Says::token("one")]);
        begin(&operator).await;
        let active = until(&operator, Value::Null).await;
        assert_eq!(active["state"], "expiring", "no refresh token came: {active}");
        assert_eq!(database.number("SELECT COUNT(*) FROM authorizations").await, 0);
    }

    async fn whoever_takes_too_long_is_told_of(database: Database) {
        let provider = Provider::start([codes(), Says::error(400, "authorization_pending")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider).await;
        begin(&operator).await;
        provider.was_asked(2).await;
        database.run("UPDATE authorizations SET expires_at = 1").await;
        let failed = until(&operator, json!("failed")).await;
        assert_eq!(failed["consent"]["why"], "nobody has consented in time");
        // Nor does another's consent make it forgotten.
        operator.put("/v1/connections/tv/activations/beta", json!({})).await.is(201);
        provider.says([codes(), Says::error(400, "authorization_pending")]);
        operator.post("/v1/connections/tv/activations/beta/authorize", json!({})).await.is(200);
        assert_eq!(until(&operator, json!("failed")).await, failed);
    }

    async fn what_the_method_knows_nothing_of_is_refused_where_it_is_set(database: Database) {
        let provider = Provider::start([codes()]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = app(&gateway, &provider).await;
        let connection = json!({
            "connector": "api", "auth": "m", "embedded": true,
            "credentials": { "client_id": "app", "client_secret": "hush-hush" },
        });
        let refused = operator.put("/v1/connections/other", connection).await.is(422);
        assert_eq!(refused.pointers(), ["/credentials/client_secret"]);
        let text = refused.response.text();
        assert!(text.contains("unknown here") && text.contains("client_id"), "{text}");
        assert!(!text.contains("hush-hush"));
    }
}
