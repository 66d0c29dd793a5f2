//! OAuth 1.0a by a person's consent: temporary credentials, the provider's page, the token; by a connect session and
//! without one, for tenants and for a connection of its own.
use crate::support::Asked;
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Reply;
use crate::support::Says;
use crate::support::Script;
use crate::support::Signed;
use crate::support::each_engine;
use crate::support::raw_request;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;

const BACK: &str = "https://app.example/back";
const ACME: &str = "/v1/connections/crm/activations/acme";
const BETA: &str = "/v1/connections/crm/activations/beta";
const SESSIONS: &str = "/v1/connect-sessions";
const SERVED: &str = "egress: { allow: [127.0.0.0/8] }\nconnect: { name: Acme }\n";
const ANN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const SECRETS: [&str; 3] = ["c0nsumer-s3cret", "tempor4ry-s3cret", "t0ken-s3cret"];

fn method(provider: &Provider) -> Value {
    let url = provider.url();
    json!({ "oauth1": {
        "signature": "hmac_sha256", "request_url": format!("{url}/initiate"),
        "authorize_url": format!("{url}/authorize?name=Acme"), "token_url": format!("{url}/token"),
    } })
}

async fn app(gateway: &Gateway, provider: &Provider, base_url: &str) -> Operator {
    let operator = gateway.operator();
    let connector = json!({ "base_url": base_url, "auth": { "m": method(provider) } });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let connection = json!({
        "connector": "api", "auth": "m", "embedded": true,
        "credentials": { "consumer_key": "app", "consumer_secret": SECRETS[0] },
    });
    operator.put("/v1/connections/crm", connection).await.is(201);
    operator
}

fn form(text: &str) -> Says {
    Says::status(200, text).with("Content-Type: application/x-www-form-urlencoded\r\n")
}

fn temporary(token: &str) -> Says {
    form(&format!(
        "oauth_token={token}&oauth_token_secret={}&oauth_callback_confirmed=true",
        SECRETS[1]
    ))
}

fn token(token: &str) -> Says {
    form(&format!("oauth_token={token}&oauth_token_secret={}&user_id=7", SECRETS[2]))
}

/// The protocol's parameters of a message, which these secrets have signed.
fn checked(asked: &Asked, token_secret: &str) -> BTreeMap<String, String> {
    let line = asked.line();
    let signed = Signed {
        line: &line,
        host: asked.head.field("host").unwrap(),
        authorization: asked.head.field("authorization"),
        form: b"",
    };
    signed.checked(SECRETS[0], token_secret)
}

async fn begin(operator: &Operator, at: &str) -> Reply {
    operator.post(&format!("{at}/authorize"), json!({ "redirect_uri": BACK })).await
}

async fn back(operator: &Operator, at: &str, query: &str) -> Reply {
    operator.post(&format!("{at}/callback"), json!({ "url": format!("{BACK}?{query}") })).await
}

fn hides(reply: &Reply) {
    let text = reply.response.text();
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

each_engine! {
    async fn a_customer_consents_and_requests_are_signed_with_the_token(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi").again()]).await;
        let provider = Provider::start([temporary("tmp-1"), token("t-1")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, &upstream.url()).await;
        operator.put(ACME, json!({})).await.is(201);
        let ask = async || {
            let request = format!("GET /c/crm@acme/a?b=1 HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
            raw_request(gateway.proxy, request).await
        };
        let before = operator.get(ACME).await.is(200);
        assert_eq!(before.body["grant"]["state"], "reauthorization_required");
        let none = ask().await;
        assert_eq!((none.status, none.error()), (424, "reauthorization_required"));
        assert!(provider.asked().is_empty());

        let begun = begin(&operator, ACME).await.is(200);
        assert_eq!(begun.text("url"), format!("{}/authorize?name=Acme&oauth_token=tmp-1", provider.url()));
        assert_eq!(begun.text("state"), "tmp-1");
        hides(&begun);
        let asked = provider.asked_once();
        assert_eq!(asked.line(), "POST /initiate");
        let protocol = checked(&asked, "");
        assert_eq!(protocol["oauth_callback"], BACK);
        assert!(!protocol.contains_key("oauth_token"));

        let given = back(&operator, ACME, "oauth_token=tmp-1&oauth_verifier=v-1").await.is(200);
        assert_eq!(given.body["grant"]["state"], "active", "{}", given.response.text());
        assert_eq!(given.body["grant"]["expires_at"], Value::Null);
        hides(&given);
        let asked = provider.asked();
        assert_eq!((asked.len(), asked[1].line()), (2, "POST /token".to_owned()));
        let protocol = checked(&asked[1], SECRETS[1]);
        assert_eq!((&*protocol["oauth_token"], &*protocol["oauth_verifier"]), ("tmp-1", "v-1"));

        for _ in 0..2 {
            let answer = ask().await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let received = upstream.request().await;
            let signed = Signed {
                line: received.line(),
                host: received.field("host").unwrap(),
                authorization: received.field("authorization"),
                form: b"",
            };
            assert_eq!(signed.checked(SECRETS[0], SECRETS[2])["oauth_token"], "t-1");
        }
        assert_eq!(provider.asked().len(), 2, "it has no end");

        back(&operator, ACME, "oauth_token=tmp-1&oauth_verifier=v-1").await.problem("invalid");
        assert_eq!(provider.asked().len(), 2, "a temporary token is good once");
        for path in ["/v1/events", "/v1/audit", ACME] {
            hides(&operator.get(path).await);
        }

        // Another replica, or an earlier life of this one, finds it.
        let other = Gateway::beside(&database, SERVED);
        let request = format!("GET /c/crm@acme/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
        let answer = raw_request(other.proxy, request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(provider.asked().len(), 2);
    }

    async fn what_does_not_belong_to_the_consent_is_not_exchanged(database: Database) {
        let provider = Provider::start([temporary("tmp-1"), token("t-1")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, "https://api.example").await;
        for at in [ACME, BETA] {
            operator.put(at, json!({})).await.is(201);
        }
        begin(&operator, ACME).await.is(200);
        let good = "oauth_token=tmp-1&oauth_verifier=v";
        back(&operator, BETA, good).await.problem("invalid");
        for other in [
            "oauth_verifier=v", "oauth_token=guessed&oauth_verifier=v", "oauth_token=&oauth_verifier=v",
            "oauth_token=tmp-1&oauth_token=tmp-1&oauth_verifier=v",
        ] {
            back(&operator, ACME, other).await.problem("invalid");
        }
        let session = json!({ "url": format!("{BACK}?{good}"), "state": "of another session" });
        let refused = operator.post(&format!("{ACME}/callback"), session).await.is(422);
        assert_eq!(refused.pointers(), ["/state"]);
        assert_eq!(provider.asked().len(), 1);
        back(&operator, ACME, good).await.is(200);
        assert_eq!(provider.asked().len(), 2, "none of that used it up");
    }

    async fn asking_for_another_token_leaves_a_good_one_as_it_is(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi").again()]).await;
        let provider = Provider::start([temporary("tmp-1"), token("t-1")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, &upstream.url()).await;
        operator.put(ACME, json!({})).await.is(201);
        begin(&operator, ACME).await.is(200);
        back(&operator, ACME, "oauth_token=tmp-1&oauth_verifier=v-1").await.is(200);
        let other = Gateway::beside(&database, SERVED);
        // The other one knows nothing of it yet.
        for proxy in [gateway.proxy, gateway.proxy, other.proxy, other.proxy] {
            let request = format!(
                "GET /c/crm@acme/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Force-Refresh: true\r\n\r\n"
            );
            let answer = raw_request(proxy, request).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let received = upstream.request().await;
            assert!(received.field("authorization").unwrap().contains("oauth_token=\"t-1\""));
        }
        let refused = operator.post(&format!("{ACME}/renew"), json!({})).await.is(422);
        assert!(refused.response.text().contains("only a person's consent"), "{}", refused.response.text());
        let grant = operator.get(ACME).await.is(200).body["grant"].clone();
        assert_eq!(grant["state"], "active", "{grant}");
        assert_eq!(database.number("SELECT COUNT(*) FROM grants WHERE state <> 'active'").await, 0);
        assert_eq!(provider.asked().len(), 2);
    }

    async fn a_callback_goes_with_the_person_where_the_provider_has_it_so(database: Database) {
        let unconfirmed = form(&format!("oauth_token=tmp-1&oauth_token_secret={}", SECRETS[1]));
        let provider = Provider::start([unconfirmed, token("t-1")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, "https://api.example").await;
        let mut method = method(&provider);
        method["oauth1"]["callback"] = json!("authorize");
        let connector = json!({ "base_url": "https://api.example", "auth": { "m": method } });
        operator.put("/v1/connectors/api", connector).await.is(200);
        operator.post("/v1/connections/crm/repin", json!({})).await.is(200);
        operator.put(ACME, json!({})).await.is(201);
        let begun = begin(&operator, ACME).await.is(200);
        let url = format!(
            "{}/authorize?name=Acme&oauth_token=tmp-1&oauth_callback=https%3A%2F%2Fapp.example%2Fback",
            provider.url()
        );
        assert_eq!(begun.text("url"), url);
        assert!(!checked(&provider.asked_once(), "").contains_key("oauth_callback"));
        back(&operator, ACME, "oauth_token=tmp-1&oauth_verifier=v-1").await.is(200);
        assert_eq!(checked(&provider.asked()[1], SECRETS[1])["oauth_verifier"], "v-1");
    }

    async fn a_no_is_told_and_used_up(database: Database) {
        let provider = Provider::start([temporary("tmp-1")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, "https://api.example").await;
        operator.put(ACME, json!({})).await.is(201);
        for (number, query) in
            ["denied=tmp-", "oauth_verifier=NULL&oauth_token=tmp-", "oauth_token=tmp-"].into_iter().enumerate()
        {
            provider.says([temporary(&format!("tmp-{number}"))]);
            let asked = provider.asked().len();
            begin(&operator, ACME).await.is(200);
            let query = format!("{query}{number}");
            let told = back(&operator, ACME, &query).await;
            // Nobody has consented: the same as before; what is no answer at all is whoever's that sent it.
            assert_eq!(told.status, if number == 2 { 422 } else { 424 }, "{query}: {}", told.response.text());
            let words = if number == 2 { "he redirect has no code" } else { "onsent was denied" };
            assert!(told.response.text().contains(words), "{query}: {}", told.response.text());
            back(&operator, ACME, &format!("oauth_token=tmp-{number}&oauth_verifier=v")).await.problem("invalid");
            assert_eq!(provider.asked().len(), asked + 1);
        }
    }

    async fn a_provider_that_gives_no_temporary_credentials_is_told(database: Database) {
        let provider = Provider::start([temporary("tmp-1")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, "https://api.example").await;
        operator.put(ACME, json!({})).await.is(201);
        for (says, words) in [
            (form("oauth_token=a&oauth_token_secret=b"), "oauth_callback_confirmed"),
            (form("oauth_token_secret=b&oauth_callback_confirmed=true"), "has no `oauth_token`"),
            (Says::status(401, "oauth_problem=timestamp_refused"), "timestamp_refused"),
            (Says::status(503, ""), "status 503"),
            (Says::nothing(), ""),
        ] {
            provider.says([says]);
            let told = begin(&operator, ACME).await;
            assert!(told.status >= 400, "{words}: {}", told.response.text());
            assert!(told.response.text().contains(words), "{words}: {}", told.response.text());
            hides(&told);
        }
        assert_eq!(database.number("SELECT COUNT(*) FROM authorizations").await, 0);
    }

    async fn a_person_connects_by_a_link_in_one_browser(database: Database) {
        let provider = Provider::start([temporary("tmp-1"), token("t-1")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, "https://api.example").await;
        let made = operator.post(SESSIONS, json!({ "tenant": "acme", "connection": "crm" })).await.is(201);
        let id = made.text("id").to_owned();
        let begun = json!({ "connection": "crm", "browser": ANN });
        let begun = operator.post(&format!("{SESSIONS}/{id}/begin"), begun).await.is(200);
        assert_eq!(begun.text("redirect"), format!("{}/authorize?name=Acme&oauth_token=tmp-1", provider.url()));
        let callback = checked(&provider.asked_once(), "")["oauth_callback"].clone();
        assert_eq!(callback, format!("http://{}/oauth/callback", gateway.public));

        let good = "oauth_token=tmp-1&oauth_verifier=v-1";
        let came = async |query: &str, browsers: Value| {
            let body = json!({ "query": query, "browsers": browsers });
            operator.post(&format!("{SESSIONS}/callback"), body).await
        };
        for browsers in [json!([]), json!([format!("{id}:{BOB}")])] {
            came(good, browsers).await.problem("connect_other_browser");
        }
        let ann = json!([format!("{id}:{ANN}")]);
        came("oauth_token=tmp-2&oauth_verifier=v-1", ann.clone()).await.problem("consent_unknown");
        assert_eq!(provider.asked().len(), 1);
        let connected = came(good, ann.clone()).await.is(200);
        assert_eq!(connected.body["item"]["state"], "connected", "{}", connected.response.text());
        hides(&connected);
        assert_eq!(checked(&provider.asked()[1], SECRETS[1])["oauth_verifier"], "v-1");
        let activation = operator.get(ACME).await.is(200);
        assert_eq!(activation.body["grant"]["state"], "active");
        // The page that was loaded again says the same, and nothing is sent for it.
        assert_eq!(came(good, ann).await.is(200).body["item"]["state"], "connected");
        assert_eq!(provider.asked().len(), 2);
    }

    async fn a_person_who_says_no_may_try_again(database: Database) {
        let provider = Provider::start([temporary("tmp-1")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, "https://api.example").await;
        let made = operator.post(SESSIONS, json!({ "tenant": "acme", "connection": "crm" })).await.is(201);
        let id = made.text("id").to_owned();
        for (number, (query, says, reason)) in [
            ("denied=", vec![], "consent_denied"),
            ("oauth_token=", vec![], "provider_error"),
            ("oauth_verifier=v&oauth_token=", vec![Says::status(401, "no")], "provider_error"),
            ("oauth_verifier=v&oauth_token=", vec![Says::status(500, "no")], "provider_unavailable"),
        ].into_iter().enumerate() {
            let tmp = format!("tmp-{number}");
            provider.says([vec![temporary(&tmp)], says].concat());
            let begun = json!({ "connection": "crm", "browser": ANN });
            operator.post(&format!("{SESSIONS}/{id}/begin"), begun).await.is(200);
            let body = json!({ "query": format!("{query}{tmp}"), "browsers": [format!("{id}:{ANN}")] });
            let came = operator.post(&format!("{SESSIONS}/callback"), body).await.is(200);
            let item = &came.body["item"];
            assert_eq!((&item["state"], &item["reason"]), (&json!("failed"), &json!(reason)), "{query}: {item}");
            assert_eq!(came.body["session"]["state"], "open");
        }
        assert_eq!(database.number("SELECT COUNT(*) FROM grants").await, 0);
    }

    async fn a_connection_of_its_own_has_its_own_consent(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi").again()]).await;
        let provider = Provider::start([temporary("tmp-1"), token("t-1")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = gateway.operator();
        let connector = json!({ "base_url": upstream.url(), "auth": { "m": method(&provider) } });
        operator.put("/v1/connectors/api", connector).await.is(201);
        let connection = json!({
            "connector": "api", "auth": "m",
            "credentials": { "consumer_key": "app", "consumer_secret": SECRETS[0] },
        });
        operator.put("/v1/connections/own", connection).await.is(201);
        let own = "/v1/connections/own";
        begin(&operator, own).await.is(200);
        back(&operator, own, "oauth_token=tmp-1&oauth_verifier=v").await.is(200);
        let request = format!("GET /c/own/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
        let answer = raw_request(gateway.proxy, request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let received = upstream.request().await;
        assert!(received.field("authorization").unwrap().contains("oauth_token=\"t-1\""));
    }

    async fn a_token_that_is_brought_counts_as_one(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi").again()]).await;
        let provider = Provider::start([temporary("tmp-1")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, &upstream.url()).await;
        let brought = json!({ "credentials": { "token": "br0ught", "token_secret": SECRETS[2] } });
        operator.put(ACME, brought).await.is(201);
        let activation = operator.get(ACME).await.is(200);
        assert_eq!(activation.body["grant"]["state"], "active", "{}", activation.response.text());
        let request = format!("GET /c/crm@acme/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
        assert_eq!(raw_request(gateway.proxy, request).await.status, 200);
        let received = upstream.request().await;
        let signed = Signed {
            line: received.line(),
            host: received.field("host").unwrap(),
            authorization: received.field("authorization"),
            form: b"",
        };
        assert_eq!(signed.checked(SECRETS[0], SECRETS[2])["oauth_token"], "br0ught");
        assert!(provider.asked().is_empty());
    }
}
