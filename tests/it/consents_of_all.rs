//! Consents of whoever has a grant: a connection of its own, test credentials, at another replica, from the shell.
use crate::support::CALLER_KEY;
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Reply;
use crate::support::Says;
use crate::support::Script;
use crate::support::Shell;
use crate::support::each_engine;
use crate::support::raw_request;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

const ALLOW: &str = "egress: { allow: [127.0.0.0/8] }\n";
const BACK: &str = "https://app.example/back";
const OWN: &str = "/v1/connections/own";
const CRM: &str = "/v1/connections/crm";

/// A standard connection, and an embedded one with test credentials.
async fn app(operator: &Operator, provider: &Provider, base_url: &str, more: Value) {
    let url = provider.url();
    let mut method = json!({
        "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
    });
    method.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let connector = json!({ "base_url": base_url, "auth": { "m": { "oauth2": method } } });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let credentials = json!({ "client_id": "app", "client_secret": "hush-hush" });
    let own = json!({ "connector": "api", "auth": "m", "credentials": credentials });
    operator.put(OWN, own).await.is(201);
    let embedded = json!({
        "connector": "api", "auth": "m", "embedded": true, "credentials": credentials,
        "test_credentials": { "refresh_token": "r-test" },
    });
    operator.put(CRM, embedded).await.is(201);
}

async fn begin(operator: &Operator, at: &str, test: bool) -> Reply {
    let asked = json!({ "redirect_uri": BACK, "test": test });
    operator.post(&format!("{at}/authorize"), asked).await.is(200)
}

async fn back(operator: &Operator, at: &str, test: bool, begun: &Reply) -> Reply {
    let url = format!("{BACK}?code=c&state={}", begun.text("state"));
    operator.post(&format!("{at}/callback"), json!({ "url": url, "test": test })).await
}

fn granted(token: &str) -> Says {
    Says::json(json!({ "access_token": token, "refresh_token": "r", "expires_in": 3600 }))
}

/// The `Authorization` that the API is asked with.
async fn sent(gateway: &Gateway, upstream: &RawUpstream, connection: &str, fields: &str) -> String {
    let request = format!(
        "GET /c/{connection}/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{fields}\r\n"
    );
    let answer = raw_request(gateway.proxy, request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    upstream.request().await.field("authorization").unwrap_or_default().to_owned()
}

each_engine! {
    async fn a_connection_of_its_own_is_consented_to_and_so_are_test_credentials(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let provider = Provider::start([granted("own"), granted("test")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = gateway.operator();
        app(&operator, &provider, &upstream.url(), json!({})).await;
        let begun = begin(&operator, OWN, false).await;
        // What is begun for one is of no use to another.
        let test = json!({ "redirect_uri": BACK, "test": true });
        operator.post(&format!("{OWN}/authorize"), test).await.is(422);
        back(&operator, CRM, true, &begun).await.is(422);
        assert!(provider.asked().is_empty());
        let given = back(&operator, OWN, false, &begun).await.is(200);
        assert_eq!((&given.body["key"], &given.body["grant"]["state"]), (&json!("own"), &json!("active")));
        back(&operator, OWN, false, &begun).await.is(422);

        let begun = begin(&operator, CRM, true).await;
        back(&operator, CRM, false, &begun).await.is(422);
        let given = back(&operator, CRM, true, &begun).await.is(200);
        assert_eq!(given.body["test_grant"]["state"], "active");
        assert_eq!(given.body["grant"], Value::Null);
        assert_eq!(sent(&gateway, &upstream, "own", "").await, "Bearer own");
        assert_eq!(sent(&gateway, &upstream, "crm@nobody", "Attache-Test: true\r\n").await, "Bearer test");
        assert_eq!(provider.asked().len(), 2);
    }

    async fn a_consent_is_begun_and_completed_from_the_shell(database: Database) {
        let provider = Provider::start([granted("own")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = gateway.operator();
        app(&operator, &provider, "https://api.example", json!({})).await;
        operator.put(&format!("{CRM}/activations/acme"), json!({})).await.is(201);
        let shell = Shell::at(&format!("http://{}", gateway.admin), &format!("http://{}", gateway.proxy));
        for of in ["connection authorize own", "activation authorize crm@acme", "connection authorize crm --test"] {
            let begun = shell.done(&format!("attache {of} --redirect-uri {BACK} -o json")).await.json();
            assert!(begun["url"].as_str().unwrap().starts_with(&format!("{}/authorize?", provider.url())));
            let state = begun["state"].as_str().unwrap();
            let of = of.replace("authorize", "callback");
            let line = format!("attache {of} '{BACK}?code=c&state={state}' -o json");
            shell.run(&format!("{line} --state -of-another")).await.is(2).says(&["/state"]);
            let given = shell.done(&format!("{line} --state {state}")).await.json();
            let grant = if of.contains("--test") { "test_grant" } else { "grant" };
            assert_eq!(given[grant]["state"], "active", "{of}");
            shell.run(&line).await.is(2).says(&["begin again"]);
        }
        assert_eq!(provider.asked().len(), 3);
    }

    async fn a_code_is_bound_to_the_key_that_its_token_will_be_bound_to(database: Database) {
        let bound = json!({ "access_token": "a", "refresh_token": "r", "token_type": "DPoP", "expires_in": 3600 });
        let provider = Provider::start([Says::json(bound)]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = gateway.operator();
        app(&operator, &provider, "https://api.example", json!({ "dpop": true })).await;
        let begun = begin(&operator, OWN, false).await;
        let url = begun.text("url");
        let query = url::form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes());
        let bound_to = query.into_owned().find(|it| it.0 == "dpop_jkt").expect("RFC 9449 §10").1;
        back(&operator, OWN, false, &begun).await.is(200);
        let asked = provider.asked_once();
        let header = asked.head.field("dpop").expect("a proof").split('.').next().unwrap();
        let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        let jwk = &header["jwk"];
        let text = format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":{},\"y\":{}}}", jwk["x"], jwk["y"]);
        // RFC 7638 §3.
        assert_eq!(bound_to, BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text)));
    }

    async fn what_an_operator_brings_is_shown_as_it_is_used(database: Database) {
        let provider = Provider::start([granted("a")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = gateway.operator();
        app(&operator, &provider, "https://api.example", json!({})).await;
        let ends = |at_s: u64| {
            let claims = BASE64_URL_SAFE_NO_PAD.encode(json!({ "exp": at_s }).to_string());
            json!({ "credentials": { "access_token": format!("e30.{claims}.c2ln") } })
        };
        let acme = format!("{CRM}/activations/acme");
        let shown = operator.put(&acme, ends(4_000_000_000)).await.is(201).body["grant"].clone();
        assert_eq!(shown["state"], "expiring", "{shown}");
        assert_eq!(shown["expires_at"], "2096-10-02T07:06:40Z");
        let shown = operator.put(&acme, ends(1_000_000_000)).await.is(200).body["grant"].clone();
        assert_eq!(shown["state"], "reauthorization_required", "{shown}");
    }
}

#[tokio::test]
async fn a_consent_that_is_begun_at_one_replica_is_completed_at_another() {
    let Some(database) = Database::postgres().await else { return };
    let provider = Provider::start([granted("own")]).await;
    let (one, other) = (Gateway::beside(&database, ALLOW), Gateway::beside(&database, ALLOW));
    let (first, second) = (one.operator(), other.operator());
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    app(&first, &provider, &upstream.url(), json!({})).await;
    let begun = begin(&first, OWN, false).await;
    crate::support::soon("the other replica to have it", async {
        while second.get(OWN).await.body["status"] != "ready" {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    back(&second, OWN, false, &begun).await.is(200);
    back(&first, OWN, false, &begun).await.is(422);
    assert_eq!(sent(&one, &upstream, "own", "").await, "Bearer own");
    assert_eq!(sent(&other, &upstream, "own", "").await, "Bearer own");
    assert_eq!(provider.asked().len(), 1);
    assert_eq!(first.get(OWN).await.body["grant"], second.get(OWN).await.body["grant"]);
}

#[tokio::test]
async fn without_a_store_memory_tells_how_a_grant_stands() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let provider = Provider::start([granted("one"), Says::error(401, "invalid_client")]).await;
    let configuration = format!(
        "{ALLOW}
connectors:
  api:
    base_url: {}
    auth: {{ m: {{ oauth2: {{ grant: client_credentials, token_url: \"{}/token\" }} }} }}
connections:
  well: {{ connector: api, auth: m, credentials: {{ client_id: a, client_secret: b }} }}
  sick: {{ connector: api, auth: m, credentials: {{ client_id: c, client_secret: d }} }}
",
        upstream.url(),
        provider.url()
    );
    let gateway = Gateway::start(&configuration);
    let operator = gateway.operator();
    let grant = async |key: &str| {
        operator.get(&format!("/v1/connections/{key}")).await.is(200).body["grant"].clone()
    };
    assert_eq!(grant("well").await, json!({ "state": "active" }));
    assert_eq!(sent(&gateway, &upstream, "well", "").await, "Bearer one");
    let well = grant("well").await;
    assert_eq!(well["state"], "active");
    assert!(well["since"].is_string() && well["expires_at"].is_string(), "{well}");
    assert_eq!(gateway.get("/a", "Attache-Connection: sick\r\n").await.status, 503);
    let sick = grant("sick").await;
    assert_eq!(sick["state"], "failing");
    assert!(sick["why"].as_str().is_some_and(|it| it.contains("invalid_client")), "{sick}");
    let shell =
        Shell::at(&format!("http://{}", gateway.admin), &format!("http://{}", gateway.proxy));
    let typed = shell.done("attache connection get sick -o json").await.json();
    assert_eq!(typed["grant"], sick);
}
