//! Consents: a person is asked, what comes back is looked at before anything is exchanged, and what was given counts.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Reply;
use crate::support::Says;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use crate::support::soon;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinSet;

const BACK: &str = "https://app.example/back";
const ACME: &str = "/v1/connections/crm/activations/acme";
const BETA: &str = "/v1/connections/crm/activations/beta";

/// The method of a provider whose people consent in a browser, with these settings beside the usual ones.
fn method(provider: &Provider, more: Value) -> Value {
    let url = provider.url();
    let mut method = json!({
        "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
        "scopes": ["read", "write"],
    });
    method.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    method
}

/// An app with two customers, neither of whom has consented.
async fn app(gateway: &Gateway, method: Value) -> Operator {
    let operator = gateway.operator();
    let connector =
        json!({ "base_url": "https://api.example", "auth": { "m": { "oauth2": method } } });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let connection = json!({
        "connector": "api", "auth": "m", "embedded": true,
        "credentials": { "client_id": "app", "client_secret": "hush-hush" },
    });
    operator.put("/v1/connections/crm", connection).await.is(201);
    for activation in [ACME, BETA] {
        operator.put(activation, json!({})).await.is(201);
    }
    operator
}

fn on(gateway_of: &str) -> String {
    format!("egress: {{ allow: [127.0.0.0/8] }}\n{gateway_of}")
}

async fn begin(operator: &Operator, at: &str) -> Reply {
    let asked = json!({ "redirect_uri": BACK, "login_hint": "jo@acme.test" });
    operator.post(&format!("{at}/authorize"), asked).await.is(200)
}

async fn back(operator: &Operator, at: &str, query: &str) -> Reply {
    operator.post(&format!("{at}/callback"), json!({ "url": format!("{BACK}?{query}") })).await
}

fn query(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').unwrap().1;
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn granted() -> Says {
    Says::json(json!({
        "access_token": "a-token", "refresh_token": "r-token", "token_type": "Bearer", "expires_in": 3600,
        "scope": "read",
    }))
}

each_engine! {
    async fn a_customer_consents_and_the_code_is_exchanged_once(database: Database) {
        let provider = Provider::start([granted()]).await;
        let gateway = Gateway::beside(&database, &on(""));
        let operator = app(&gateway, method(&provider, json!({ "required_scopes": ["read"] }))).await;
        let before = operator.get(ACME).await.is(200);
        assert_eq!(before.body["grant"]["state"], "reauthorization_required");
        assert!(before.body["grant"]["why"].as_str().unwrap().contains("nobody has consented yet"));

        let begun = begin(&operator, ACME).await;
        let sent = query(begun.text("url"));
        assert!(begun.text("url").starts_with(&format!("{}/authorize?", provider.url())));
        let expected = [
            ("response_type", "code"), ("client_id", "app"), ("redirect_uri", BACK), ("scope", "read write"),
            ("state", begun.text("state")), ("login_hint", "jo@acme.test"), ("code_challenge_method", "S256"),
        ];
        for (name, value) in expected {
            assert_eq!(sent[name], value, "{name}");
        }
        assert!(sent["state"].len() >= 43, "256 bits");
        assert!(!begun.response.text().contains("hush-hush"));

        let state = begun.text("state");
        let given = back(&operator, ACME, &format!("code=c-1&state={state}")).await.is(200);
        let grant = &given.body["grant"];
        assert_eq!((&given.body["tenant"], &grant["state"]), (&json!("acme"), &json!("active")), "{grant}");
        assert_eq!(grant["scopes"], json!(["read"]));
        assert_eq!(grant["missing_scopes"], Value::Null, "{grant}");
        for time in ["since", "expires_at", "renews_at", "last_renewed_at"] {
            assert!(grant[time].is_string(), "{time}: {grant}");
        }
        for secret in ["a-token", "r-token", "hush-hush"] {
            assert!(!given.response.text().contains(secret), "{secret}");
        }
        assert_eq!(operator.get(ACME).await.body["grant"], *grant);
        let listed = operator.get("/v1/connections/crm/activations").await.is(200);
        assert_eq!(listed.body["items"][0]["grant"], *grant);
        assert_eq!(listed.body["items"][1]["grant"]["state"], "reauthorization_required");

        let asked = provider.asked_once();
        assert_eq!(asked.line(), "POST /token");
        assert_eq!(asked.parameter("grant_type").as_deref(), Some("authorization_code"));
        assert_eq!(asked.parameter("code").as_deref(), Some("c-1"));
        assert_eq!(asked.parameter("redirect_uri").as_deref(), Some(BACK));
        let verifier = asked.parameter("code_verifier").unwrap();
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        assert_eq!(sent["code_challenge"], challenge);

        back(&operator, ACME, &format!("code=c-1&state={state}")).await.problem("invalid");
        assert_eq!(provider.asked().len(), 1, "RF-18: a state that is replayed");
        let entries = operator.get("/v1/audit?kind=grant").await.is(200);
        let acts: Vec<_> = entries.body["items"].as_array().unwrap().iter().map(|it| &it["act"]).collect();
        assert_eq!(acts, ["authorized"]);
    }

    async fn what_was_given_goes_on_requests_at_once_and_so_does_what_is_given_anew(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let token = |it: &str| {
            Says::json(json!({ "access_token": it, "refresh_token": format!("r-{it}"), "expires_in": 3600 }))
        };
        let provider = Provider::start([token("first"), token("second")]).await;
        let gateway = Gateway::beside(&database, &on(""));
        let operator = app(&gateway, method(&provider, json!({}))).await;
        let connector = json!({ "base_url": upstream.url() });
        operator.patch("/v1/connectors/api?confirm=origin", connector).await.is(200);
        let ask = async || {
            let request = format!("GET /c/crm@acme/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
            raw_request(gateway.proxy, request).await
        };
        let none = ask().await;
        assert_eq!((none.status, none.error()), (424, "reauthorization_required"));
        for token in ["first", "second"] {
            let state = begin(&operator, ACME).await.text("state").to_owned();
            back(&operator, ACME, &format!("code=c&state={state}")).await.is(200);
            let answer = ask().await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let sent = upstream.request().await.field("authorization").unwrap().to_owned();
            assert_eq!(sent, format!("Bearer {token}"));
        }
        assert_eq!(provider.asked().len(), 2);
    }

    async fn rf_18_nothing_is_exchanged_for_what_does_not_belong_to_the_consent(database: Database) {
        let provider = Provider::start([granted()]).await;
        let gateway = Gateway::beside(&database, &on(""));
        let issuer = json!({ "issuer": "https://id.example", "callback": { "iss": "optional" } });
        let operator = app(&gateway, method(&provider, issuer)).await;
        let refused = |reply: Reply, pointer: &str| {
            let reply = reply.is(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.response.text());
        };

        let state = begin(&operator, ACME).await.text("state").to_owned();
        refused(back(&operator, BETA, &format!("code=c&state={state}")).await, "/url");
        let twice = format!("code=c&state={state}&state={state}");
        refused(back(&operator, ACME, &twice).await, "/url");
        refused(back(&operator, ACME, "code=c&state=").await, "/url");
        refused(back(&operator, ACME, "code=c").await, "/url");
        refused(back(&operator, ACME, "code=c&state=guessed").await, "/url");
        let session = json!({ "url": format!("{BACK}?code=c&state={state}"), "state": "of another session" });
        refused(operator.post(&format!("{ACME}/callback"), session).await, "/state");
        assert!(provider.asked().is_empty());
        back(&operator, ACME, &format!("code=c&state={state}")).await.is(200);
        assert_eq!(provider.asked().len(), 1, "none of that used it up");

        for (name, query) in [
            ("of another server", "code=c&iss=https%3A%2F%2Fevil.example"),
            ("of none", "x=1"),
            ("with two codes", "code=c&code=d"),
        ] {
            let state = begin(&operator, ACME).await.text("state").to_owned();
            let reply = back(&operator, ACME, &format!("{query}&state={state}")).await;
            assert_eq!(reply.status, 422, "{name}: {}", reply.response.text());
        }
        let state = begin(&operator, ACME).await.text("state").to_owned();
        for elsewhere in ["https://app.example/other", "https://app.example.evil.test/back"] {
            let elsewhere = json!({ "url": format!("{elsewhere}?code=c&state={state}") });
            refused(operator.post(&format!("{ACME}/callback"), elsewhere).await, "/url");
        }
        let state = begin(&operator, ACME).await.text("state").to_owned();
        database.run("UPDATE authorizations SET expires_at = 1").await;
        refused(back(&operator, ACME, &format!("code=c&state={state}")).await, "/url");
        assert_eq!(provider.asked().len(), 1, "nothing was exchanged for any of these");
    }

    async fn where_a_person_comes_back_to_has_to_be_plain(database: Database) {
        let provider = Provider::start([granted()]).await;
        let gateway = Gateway::beside(&database, &on(""));
        let operator = app(&gateway, method(&provider, json!({}))).await;
        for bad in [
            "https://app.example@evil.test/", "https://app.example//evil.test/", "https://app.example/%0d%0aX",
            "http://app.example/", "app.example/back", "https://app.example/#x", "javascript:alert(1)",
        ] {
            let asked = json!({ "redirect_uri": bad });
            let refused = operator.post(&format!("{ACME}/authorize"), asked).await.is(422);
            assert_eq!(refused.pointers(), ["/redirect_uri"], "{bad}");
        }
        let refused = operator.post(&format!("{ACME}/authorize"), json!({})).await.is(422);
        assert!(refused.response.text().contains("redirect_uri"));
        let own = json!({ "redirect_uri": BACK });
        operator.post("/v1/connections/crm/authorize", own.clone()).await.is(422);
        operator.post("/v1/connections/none/authorize", own.clone()).await.is(404);
        operator.post("/v1/connections/crm/activations/nobody/authorize", own).await.is(404);
    }

    async fn whoever_says_no_changes_nothing(database: Database) {
        let provider = Provider::start([granted(), Says::error(400, "invalid_grant"), Says::status(503, "")]).await;
        let gateway = Gateway::beside(&database, &on(""));
        let operator = app(&gateway, method(&provider, json!({}))).await;
        let state = begin(&operator, ACME).await.text("state").to_owned();
        let first = back(&operator, ACME, &format!("code=c&state={state}")).await.is(200);
        for (query, code) in [
            ("error=access_denied", "reauthorization_required"),
            ("error=server_error&error_description=oops", "reauthorization_required"),
            ("code=stale", "reauthorization_required"),
            ("code=later", "credential_unavailable"),
        ] {
            let state = begin(&operator, ACME).await.text("state").to_owned();
            back(&operator, ACME, &format!("{query}&state={state}")).await.problem(code);
            assert_eq!(operator.get(ACME).await.body["grant"], first.body["grant"], "{query}");
        }
        operator.delete(ACME).await.is(204);
        let gone = back(&operator, ACME, "code=c&state=any").await;
        assert_eq!(gone.status, 404);
        operator.put(ACME, json!({})).await.is(201);
        assert_eq!(operator.get(ACME).await.body["grant"]["state"], "reauthorization_required", "ST-10");
    }

    async fn of_several_who_come_back_with_one_state_one_is_let_through(database: Database) {
        let provider = Provider::start([granted()]).await;
        let gateway = Gateway::beside(&database, &on(""));
        let operator = app(&gateway, method(&provider, json!({}))).await;
        let state = begin(&operator, ACME).await.text("state").to_owned();
        let query = format!("code=c&state={state}");
        let mut all = JoinSet::new();
        for _ in 0..8 {
            let (operator, query) = (operator.clone(), query.clone());
            all.spawn(async move { back(&operator, ACME, &query).await.status });
        }
        let mut statuses = all.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422, 422, 422, 422, 422, 422, 422]);
        assert_eq!(provider.asked().len(), 1);
    }

    async fn parameters_that_are_pushed_stay_out_of_the_browser(database: Database) {
        let pushed = json!({ "request_uri": "urn:ietf:params:oauth:request_uri:x1", "expires_in": 60 });
        let provider = Provider::start([Says::status(201, &pushed.to_string()), granted()]).await;
        let gateway = Gateway::beside(&database, &on(""));
        let par = json!({ "par_url": format!("{}/par", provider.url()) });
        let operator = app(&gateway, method(&provider, par)).await;
        let begun = begin(&operator, ACME).await;
        let sent = query(begun.text("url"));
        let expected = [("client_id", "app"), ("request_uri", "urn:ietf:params:oauth:request_uri:x1")];
        let expected = expected.map(|it| (it.0.to_owned(), it.1.to_owned()));
        assert_eq!(sent, BTreeMap::from(expected));
        let asked = provider.asked_once();
        assert_eq!(asked.line(), "POST /par");
        assert_eq!(asked.basic().as_deref(), Some("app:hush-hush"));
        assert_eq!(asked.parameter("state").as_deref(), Some(begun.text("state")));
        let state = begun.text("state");
        back(&operator, ACME, &format!("code=c&state={state}")).await.is(200);
    }

    async fn an_id_token_has_to_be_of_this_very_consent(database: Database) {
        let provider = Provider::start([granted()]).await;
        let gateway = Gateway::beside(&database, &on(""));
        let operator = app(&gateway, method(&provider, json!({ "scopes": ["openid"] }))).await;
        let says = |nonce: &str| {
            let claims = json!({ "nonce": nonce, "email": "jo@acme.test", "sub": "1" });
            let payload = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
            Says::json(json!({
                "access_token": "a", "token_type": "Bearer", "id_token": format!("e30.{payload}.c2ln"),
            }))
        };
        let begun = begin(&operator, ACME).await;
        provider.says([says("of another one")]);
        let state = begun.text("state");
        back(&operator, ACME, &format!("code=c&state={state}")).await.problem("invalid");
        let begun = begin(&operator, ACME).await;
        provider.says([says(&query(begun.text("url"))["nonce"])]);
        let state = begun.text("state");
        let given = back(&operator, ACME, &format!("code=c&state={state}")).await.is(200);
        assert_eq!(given.body["grant"]["account"], "jo@acme.test");
        assert_eq!(given.body["grant"]["state"], "active", "nobody knows of an end");
    }

    async fn on_another_device_the_provider_is_asked_until_somebody_consents(database: Database) {
        let codes = json!({
            "device_code": "d-code", "user_code": "WDJB-MJHT", "verification_uri": "https://id.example/device",
            "expires_in": 600, "interval": 1,
        });
        let provider = Provider::start([
            Says::json(codes), Says::error(400, "authorization_pending"), Says::status(503, ""), granted(),
        ]).await;
        let gateway = Gateway::beside(&database, &on(""));
        let url = provider.url();
        let device = json!({ "grant": "device_code", "client_auth": "basic", "device_url": format!("{url}/device") });
        let operator = app(&gateway, method(&provider, device)).await;
        let asked = json!({ "redirect_uri": BACK });
        let refused = operator.post(&format!("{ACME}/authorize"), asked).await.is(422);
        assert_eq!(refused.pointers(), ["/redirect_uri"]);
        let begun = operator.post(&format!("{ACME}/authorize"), json!({})).await.is(200);
        assert_eq!(begun.text("user_code"), "WDJB-MJHT");
        assert_eq!(begun.text("verification_uri"), "https://id.example/device");
        assert_eq!(begun.body["interval_s"], 1);
        assert!(!begun.response.text().contains("d-code"));
        provider.was_asked(4).await;
        let is_active = async {
            while operator.get(ACME).await.body["grant"]["state"] != "active" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        soon("the consent", is_active).await;
        assert_eq!(provider.asked()[3].parameter("device_code").as_deref(), Some("d-code"));
        assert_eq!(provider.asked().len(), 4);
        let is_over = async {
            while database.number("SELECT COUNT(*) FROM authorizations").await > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        soon("its end", is_over).await;
    }
}
