//! Connect sessions from the link to the end: forms, redirects and devices, whatever comes of them; nothing is ever half
//! saved.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::Reply;
use crate::support::Says;
use crate::support::each_engine;
use crate::support::soon;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

const SESSIONS: &str = "/v1/connect-sessions";
const ACME: &str = "/v1/connections/crm/activations/acme";
const SERVED: &str = "egress: { allow: [127.0.0.0/8] }\nconnect: { name: Acme }\n";

/// A hash of what a browser has.
const ANN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// An app that people consent to in a browser; each has a region of their own.
async fn app(gateway: &Gateway, provider: &Provider, more: Value) -> Operator {
    let url = provider.url();
    let mut method = json!({
        "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
        "revoke_url": format!("{url}/revoke"), "scopes": ["read", "write"], "required_scopes": ["read"],
    });
    method.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    connected(
        gateway,
        json!({ "oauth2": method }),
        json!({ "client_id": "app", "client_secret": "hush-hush" }),
    )
    .await
}

async fn connected(gateway: &Gateway, method: Value, credentials: Value) -> Operator {
    let operator = gateway.operator();
    let connector = json!({
        "base_url": "https://api.example/{region}", "variables": { "region": { "pattern": "[a-z]+", "required": true } },
        "auth": { "m": method },
    });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let connection =
        json!({ "connector": "api", "auth": "m", "embedded": true, "credentials": credentials });
    operator.put("/v1/connections/crm", connection).await.is(201);
    operator
}

/// A session of acme's, and what happens by it.
struct Link<'o> {
    operator: &'o Operator,
    id: String,
}

impl<'o> Link<'o> {
    async fn new(operator: &'o Operator) -> Self {
        let made =
            operator.post(SESSIONS, json!({ "tenant": "acme", "connection": "crm" })).await.is(201);
        Self { operator, id: made.text("id").to_owned() }
    }

    fn at(&self, act: &str) -> String {
        format!("{SESSIONS}/{}{act}", self.id)
    }

    async fn begin(&self, more: Value) -> Reply {
        let mut body =
            json!({ "connection": "crm", "browser": ANN, "variables": { "region": "eu" } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.operator.post(&self.at("/begin"), body).await
    }

    /// The state that the person is sent to the provider with.
    async fn redirected(&self) -> String {
        let begun = self.begin(json!({})).await.is(200);
        query(begun.text("redirect"))["state"].clone()
    }

    /// Ann's browser comes back.
    async fn back(&self, query: &str) -> Reply {
        self.back_in(query, json!([format!("{}:{ANN}", self.id)])).await
    }

    async fn back_in(&self, query: &str, browsers: Value) -> Reply {
        let body = json!({ "query": query, "browsers": browsers });
        self.operator.post(&format!("{SESSIONS}/callback"), body).await
    }

    async fn item(&self) -> Value {
        self.operator.get(&self.at("")).await.is(200).body["items"][0].clone()
    }
}

fn query(url: &str) -> BTreeMap<String, String> {
    let query = url.split_once('?').unwrap().1;
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn granted(scope: &str) -> Says {
    Says::json(json!({
        "access_token": "a-token", "refresh_token": "r-token", "token_type": "Bearer", "expires_in": 3600, "scope": scope,
    }))
}

fn done() -> Says {
    Says::status(200, "")
}

fn is(id: &str) -> Says {
    Says::json(json!({ "sub": id, "email": format!("{id}@acme.test") }))
}

/// What was told of sessions, less that they were made: the type's end, and why.
async fn told(operator: &Operator) -> Vec<(String, String)> {
    let feed = operator.get("/v1/events").await.is(200);
    let of = |it: &Value| {
        let end = it["type"].as_str()?.strip_prefix("connect_session.")?.to_owned();
        Some((end, it["data"]["reason"].as_str().unwrap_or_default().to_owned()))
            .filter(|it| it.0 != "created")
    };
    feed.body["items"].as_array().unwrap().iter().filter_map(of).collect()
}

/// Nothing of acme's is there.
async fn nothing_is_saved(database: &Database, name: &str) {
    for table in ["activations", "grants"] {
        let count = database.number(&format!("SELECT COUNT(*) FROM {table}")).await;
        assert_eq!(count, 0, "{name}: {table}");
    }
    let sealed = "SELECT COUNT(*) FROM credentials WHERE tenant = 'acme'";
    assert_eq!(database.number(sealed).await, 0, "{name}: credentials");
}

fn lines(provider: &Provider) -> Vec<String> {
    provider.asked().iter().map(|it| it.line()).collect()
}

each_engine! {
    async fn a_person_consents_and_all_of_it_is_there_at_once(database: Database) {
        let provider = Provider::start([granted("read write"), is("ann")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let userinfo = json!({ "userinfo_url": format!("{}/me", provider.url()) });
        let operator = app(&gateway, &provider, userinfo).await;
        let link = Link::new(&operator).await;
        let begun = link.begin(json!({})).await.is(200);
        let sent = query(begun.text("redirect"));
        assert_eq!(sent["redirect_uri"], format!("http://{}/oauth/callback", gateway.public));
        assert_eq!(sent["code_challenge_method"], "S256");
        nothing_is_saved(&database, "before the consent").await;
        for _ in 0..3 {
            assert_eq!(link.item().await["state"], "waiting", "looking uses up nothing");
        }
        let state = &sent["state"];
        let came = link.back(&format!("code=c-1&state={state}")).await.is(200);
        assert_eq!(came.body["item"]["state"], "connected", "{}", came.response.text());
        assert_eq!(came.body["item"]["account"], json!({ "id": "ann", "name": "ann@acme.test" }));
        for secret in ["a-token", "r-token", "hush-hush"] {
            assert!(!came.response.text().contains(secret), "{secret}");
        }
        let activation = operator.get(ACME).await.is(200);
        assert_eq!(activation.body["variables"], json!({ "region": "eu" }));
        assert_eq!(activation.body["grant"]["state"], "active");
        assert_eq!(activation.body["account"]["id"], "ann");
        assert_eq!(lines(&provider), ["POST /token", "GET /me"]);
        assert_eq!(told(&operator).await, [("connected".to_owned(), String::new())]);

        // A code, a state and a link are good once.
        link.back_in(&format!("code=c-1&state={state}"), json!([format!("{}:{BOB}", link.id)])).await.problem("consent_unknown");
        link.back("code=c-1&state=guessed-guessed-guessed-guessed-guessed-gues").await.problem("consent_unknown");
        assert_eq!(provider.asked().len(), 2);
        let done = operator.post(&link.at("/finish"), json!({ "browser": ANN })).await.is(200);
        assert_eq!(done.body["state"], "done");
        operator.post(&link.at("/finish"), json!({ "browser": ANN })).await.is(200);
        link.begin(json!({})).await.problem("connect_session_over");
        for (name, text) in [
            ("events", operator.get("/v1/events").await.response.text()), ("audit", operator.get("/v1/audit").await.response.text()),
        ] {
            for secret in [&**state, ANN, "a-token"] {
                assert!(!text.contains(secret), "{name} has {secret}");
            }
        }
    }

    async fn what_comes_back_amiss_is_told_and_leaves_nothing_behind(database: Database) {
        let provider = Provider::start([done()]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let issuer = json!({ "issuer": "https://id.example", "callback": { "iss": "optional" } });
        let operator = app(&gateway, &provider, issuer).await;
        let page = Says::status(500, "<h1>Oops</h1>").with("Content-Type: text/html\r\n");
        let cases: [(&str, &str, Vec<Says>, &str, usize); 9] = [
            ("denied", "error=access_denied", vec![], "consent_denied", 0),
            ("an error", "error=server_error", vec![], "provider_error", 0),
            ("no code", "x=1", vec![], "provider_error", 0),
            ("two codes", "code=a&code=b", vec![], "provider_error", 0),
            ("mixed up", "code=c&iss=https%3A%2F%2Fevil.example", vec![], "issuer_mismatch", 0),
            ("a code that was used", "code=c", vec![Says::error(400, "invalid_grant")], "provider_error", 1),
            ("an error page", "code=c", vec![page], "provider_unavailable", 1),
            ("never an answer", "code=c", vec![Says::nothing()], "provider_unavailable", 1),
            ("fewer scopes", "code=c", vec![granted("write"), done()], "scopes_missing", 3),
        ];
        for (name, query, says, reason, asked) in cases {
            if !says.is_empty() {
                provider.says(says);
            }
            let (before, told_before) = (provider.asked().len(), told(&operator).await.len());
            let link = Link::new(&operator).await;
            let state = link.redirected().await;
            let came = link.back(&format!("{query}&state={state}")).await.is(200);
            let item = &came.body["item"];
            assert_eq!((&item["state"], &item["reason"]), (&json!("failed"), &json!(reason)), "{name}: {item}");
            assert_eq!(came.body["session"]["state"], "open", "{name}: it may be tried again");
            nothing_is_saved(&database, name).await;
            provider.was_asked(before + asked).await;
            if reason == "scopes_missing" {
                assert_eq!(item["missing_scopes"], json!(["read"]));
                assert_eq!(lines(&provider)[before + 1..], ["POST /revoke", "POST /revoke"]);
            }
            let events = told(&operator).await;
            assert_eq!(events[told_before..], [("failed".to_owned(), reason.to_owned())], "{name}");
            link.back(&format!("{query}&state={state}")).await.problem("consent_unknown");
        }
    }

    async fn another_browser_is_turned_away_and_uses_up_nothing(database: Database) {
        let provider = Provider::start([granted("read")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let (link, other) = (Link::new(&operator).await, Link::new(&operator).await);
        let state = link.redirected().await;
        link.begin(json!({ "browser": BOB })).await.problem("connect_session_in_use");
        link.begin(json!({ "browser": "x" })).await.problem("invalid");
        let code = format!("code=c&state={state}");
        for browsers in [
            json!([]), json!([format!("{}:{BOB}", link.id)]), json!([format!("{}:{ANN}", other.id)]), json!([ANN]), json!([format!("{}:", link.id)]),
        ] {
            link.back_in(&code, browsers).await.problem("connect_other_browser");
        }
        for act in ["/finish", "/account"] {
            let body = json!({ "browser": BOB, "connection": "crm", "take": true });
            let body = if act == "/finish" { json!({ "browser": BOB }) } else { body };
            operator.post(&link.at(act), body).await.problem("connect_session_in_use");
        }
        assert!(provider.asked().is_empty());
        // Without a browser of its own nobody's is right.
        let headless = operator.post(&other.at("/begin"), json!({ "connection": "crm", "variables": { "region": "eu" } })).await.is(200);
        let headless = query(headless.text("redirect"))["state"].clone();
        other.back_in(&format!("code=c&state={headless}"), json!([format!("{}:", other.id)])).await.problem("connect_other_browser");
        let came = link.back(&code).await.is(200);
        assert_eq!(came.body["item"]["state"], "connected", "none of that used it up");
    }

    async fn of_two_browsers_at_once_one_connects(database: Database) {
        let provider = Provider::start([granted("read")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let link = Link::new(&operator).await;
        let mut all = JoinSet::new();
        for browser in 0..6 {
            let (operator, at) = (operator.clone(), link.at("/begin"));
            let body = json!({ "connection": "crm", "browser": format!("{browser:032x}"), "variables": { "region": "eu" } });
            all.spawn(async move { operator.post(&at, body).await.status });
        }
        let mut statuses = all.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409, 409, 409]);
    }

    async fn what_is_gone_meanwhile_is_not_made_anew(database: Database) {
        let provider = Provider::start([granted("read")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        operator.put("/v1/tenants/acme", json!({})).await.is(201);
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        operator.delete("/v1/tenants/acme").await.is(204);
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!(came.body["item"]["reason"], "tenant_gone");

        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        operator.delete(&link.at("")).await.is(204);
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!((&came.body["session"]["state"], &came.body["item"]["reason"]), (&json!("ended"), &json!("session_expired")));

        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        database.run("UPDATE authorizations SET expires_at = 1").await;
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!(came.body["item"]["reason"], "consent_expired");

        operator.put(ACME, json!({ "variables": { "region": "us" } })).await.is(201);
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        operator.delete(ACME).await.is(204);
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!(came.body["item"]["reason"], "tenant_gone");

        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        let other = json!({ "credentials": { "client_id": "another-app", "client_secret": "hush-hush" } });
        operator.patch("/v1/connections/crm", other).await.is(200);
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!(came.body["item"]["reason"], "consent_expired", "{}", came.response.text());

        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        operator.delete("/v1/connections/crm").await.is(204);
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!(came.body["item"]["reason"], "connection_gone");
        nothing_is_saved(&database, "gone").await;
        assert!(provider.asked().is_empty(), "no code was exchanged for any of these");
    }

    async fn a_link_that_ends_while_the_provider_thinks_keeps_nothing(database: Database) {
        let gate = Arc::new(Notify::new());
        let provider = Provider::start([granted("read").after(&gate), done()]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        let (code, end) = (format!("code=c&state={state}"), async {
            provider.was_asked(1).await;
            operator.delete(&link.at("")).await.is(204);
            gate.notify_one();
        });
        let (came, ()) = tokio::join!(link.back(&code), end);
        assert_eq!(came.is(200).body["item"]["reason"], "session_expired");
        nothing_is_saved(&database, "ended").await;
        provider.was_asked(3).await;
        assert_eq!(lines(&provider)[1..], ["POST /revoke", "POST /revoke"]);
    }

    async fn another_account_is_asked_about(database: Database) {
        let provider = Provider::start([granted("read"), is("ann")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let userinfo = json!({ "userinfo_url": format!("{}/me", provider.url()) });
        let operator = app(&gateway, &provider, userinfo).await;
        let first = Link::new(&operator).await;
        let state = first.redirected().await;
        first.back(&format!("code=c&state={state}")).await.is(200);
        let before = operator.get(ACME).await.is(200).body;

        let stopped = async || {
            let link = Link::new(&operator).await;
            assert_eq!(link.item().await["is_reconnect"], true);
            let begun = operator.post(&link.at("/begin"), json!({ "connection": "crm", "browser": ANN })).await.is(200);
            let state = query(begun.text("redirect"))["state"].clone();
            provider.says([granted("read"), is("bob"), done()]);
            let came = link.back(&format!("code=c&state={state}")).await.is(200);
            let item = &came.body["item"];
            assert_eq!(item["state"], "asking", "{item}");
            assert_eq!((&item["account"]["id"], &item["given_account"]["name"]), (&json!("ann"), &json!("bob@acme.test")));
            assert_eq!(operator.get(ACME).await.body, before, "nothing is changed");
            link
        };
        let asked = |it: &str| lines(&provider).iter().filter(|line| *line == it).count();
        let link = stopped().await;
        let answer = json!({ "connection": "crm", "browser": ANN, "take": false });
        let left = operator.post(&link.at("/account"), answer.clone()).await.is(200);
        assert_eq!((&left.body["state"], &left.body["reason"]), (&json!("failed"), &json!("account_differs")));
        soon("the farewell", async {
            while asked("POST /revoke") < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }).await;
        assert_eq!(operator.get(ACME).await.body, before);
        operator.post(&link.at("/account"), answer).await.problem("invalid");

        // Of a link that ends undecided the same.
        let link = stopped().await;
        operator.delete(&link.at("")).await.is(204);
        soon("the farewell", async {
            while asked("POST /revoke") < 4 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }).await;
        assert_eq!(database.number("SELECT COUNT(*) FROM authorizations").await, 0);

        let link = stopped().await;
        let take = json!({ "connection": "crm", "browser": ANN, "take": true });
        let taken = operator.post(&link.at("/account"), take.clone()).await.is(200);
        assert_eq!((&taken.body["state"], &taken.body["account"]["id"]), (&json!("connected"), &json!("bob")));
        operator.post(&link.at("/account"), take).await.problem("invalid");
        let after = operator.get(ACME).await.is(200).body;
        assert_eq!((&after["account"]["id"], &after["variables"]), (&json!("bob"), &before["variables"]));
        let differs = || ("failed".to_owned(), "account_differs".to_owned());
        let connected = || ("connected".to_owned(), String::new());
        assert_eq!(told(&operator).await, [connected(), differs(), differs(), differs(), connected()]);
    }

    async fn a_form_counts_once_the_api_takes_it(database: Database) {
        let api = Provider::start([Says::status(401, ""), Says::json(json!({ "id": "ann" }))]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let method = json!({
            "api_key": { "in": "header", "name": "X-Key" }, "fields": { "key": { "name": "API key", "pattern": "k-[0-9]+" } },
            "probe": { "path": "/me", "account": { "id": "/id" } },
        });
        let operator = connected(&gateway, method, json!({})).await;
        let local = json!({ "base_url": format!("{}/{{region}}", api.url()) });
        operator.patch("/v1/connectors/api", local).await.is(200);
        let link = Link::new(&operator).await;
        for (name, body, pointers) in [
            ("nothing", json!({}), vec!["/credentials/key"]),
            ("empty", json!({ "credentials": { "key": "" } }), vec!["/credentials/key"]),
            ("not its pattern", json!({ "credentials": { "key": "hush-1" } }), vec!["/credentials/key"]),
            ("unknown", json!({ "credentials": { "key": "k-1", "x": "y" } }), vec!["/credentials/x"]),
            ("a host", json!({ "credentials": { "key": "k-1" }, "variables": { "region": "a.evil/" } }), vec!["/variables/region"]),
            ("another", json!({ "connection": "x" }), vec!["/connection"]),
        ] {
            let refused = link.begin(body).await.is(422);
            assert_eq!(refused.pointers(), pointers, "{name}: {}", refused.response.text());
            assert!(!refused.response.text().contains("hush-1"));
        }
        assert!(api.asked().is_empty());
        let refused = link.begin(json!({ "credentials": { "key": "k-1" } })).await.is(422).problem("credential_refused");
        assert!(refused.text("detail").contains("401"), "{}", refused.response.text());
        nothing_is_saved(&database, "refused").await;
        let item = link.item().await;
        assert_eq!((&item["state"], &item["reason"]), (&json!("failed"), &json!("credential_refused")));
        let taken = link.begin(json!({ "credentials": { "key": "k-2" } })).await.is(200);
        assert_eq!(taken.body["connected"]["state"], "connected");
        assert_eq!(taken.body["connected"]["account"]["id"], "ann");
        let asked = api.asked();
        assert_eq!((asked[1].line(), asked[1].head.field("x-key").unwrap()), ("GET /eu/me".to_owned(), "k-2"));
        let activation = operator.get(ACME).await.is(200);
        assert_eq!((&activation.body["variables"]["region"], &activation.body["account"]["id"]), (&json!("eu"), &json!("ann")));
        let refused = || ("failed".to_owned(), "credential_refused".to_owned());
        assert_eq!(told(&operator).await, [refused(), ("connected".to_owned(), String::new())]);

        // Another account's key is asked about as well.
        api.says([Says::json(json!({ "id": "bob" }))]);
        let link = Link::new(&operator).await;
        let asking = link.begin(json!({ "credentials": { "key": "k-3" } })).await.is(200);
        assert_eq!(asking.body["asking"]["given_account"]["id"], "bob");
        let take = json!({ "connection": "crm", "browser": ANN, "take": true });
        let taken = operator.post(&link.at("/account"), take).await.is(200);
        assert_eq!(taken.body["state"], "connected", "{}", taken.response.text());
        assert_eq!(operator.get(ACME).await.body["account"]["id"], "bob");
        assert_eq!(api.asked().last().unwrap().head.field("x-key"), Some("k-3"));
    }

    async fn on_another_device_a_link_shows_the_code_and_waits(database: Database) {
        let codes = json!({
            "device_code": "d-code", "user_code": "WDJB-MJHT", "verification_uri": "https://id.example/device",
            "expires_in": 600, "interval": 1,
        });
        let provider = Provider::start([Says::json(codes), Says::error(400, "authorization_pending"), granted("read")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let device = json!({
            "grant": "device_code", "client_auth": "basic", "device_url": format!("{}/device", provider.url()), "authorize_url": null,
        });
        let operator = app(&gateway, &provider, device).await;
        let link = Link::new(&operator).await;
        assert_eq!(link.item().await["way"], "device");
        let begun = link.begin(json!({})).await.is(200);
        assert_eq!(begun.body["device"]["device"]["user_code"], "WDJB-MJHT");
        assert!(!begun.response.text().contains("d-code"));
        soon("the consent", async {
            while link.item().await["state"] != "connected" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }).await;
        assert_eq!(operator.get(ACME).await.is(200).body["grant"]["state"], "active");
        assert_eq!(told(&operator).await, [("connected".to_owned(), String::new())]);
    }

    async fn a_link_that_nobody_comes_to_the_end_of_is_told_of_once(database: Database) {
        let provider = Provider::start([granted("read")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        database.run("UPDATE connect_sessions SET expires_at = 1").await;
        link.begin(json!({})).await.problem("connect_session_over");
        soon("the sweep", async {
            while told(&operator).await.is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }).await;
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!((&came.body["session"]["state"], &came.body["item"]["reason"]), (&json!("expired"), &json!("session_expired")));
        assert_eq!(told(&operator).await, [("failed".to_owned(), "session_expired".to_owned())]);
        nothing_is_saved(&database, "expired").await;
        assert!(provider.asked().is_empty());
    }

    async fn an_application_that_runs_the_dance_itself_is_told_the_same(database: Database) {
        let provider = Provider::start([granted("write"), done()]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let userinfo = json!({ "userinfo_url": format!("{}/me", provider.url()) });
        let operator = app(&gateway, &provider, userinfo).await;
        operator.put(ACME, json!({ "variables": { "region": "eu" } })).await.is(201);
        const BACK: &str = "https://app.example/back";
        let back = async |says: Vec<Says>| {
            provider.says(says);
            let begun = operator.post(&format!("{ACME}/authorize"), json!({ "redirect_uri": BACK })).await.is(200);
            let url = format!("{BACK}?code=c&state={}", begun.text("state"));
            (operator.post(&format!("{ACME}/callback"), json!({ "url": url })).await, url)
        };
        let (refused, _) = back(vec![granted("write"), done()]).await;
        assert_eq!(refused.problem("scopes_missing").body["missing_scopes"], json!(["read"]));
        provider.was_asked(3).await;
        assert_eq!(operator.get(ACME).await.body["grant"]["state"], "reauthorization_required");
        back(vec![granted("read"), is("ann")]).await.0.is(200);
        let (differs, url) = back(vec![granted("read"), is("bob"), done()]).await;
        let differs = differs.is(409).problem("account_differs");
        assert_eq!((&differs.body["account"]["id"], &differs.body["given_account"]["id"]), (&json!("ann"), &json!("bob")));
        assert_eq!(operator.get(ACME).await.body["account"]["id"], "ann");
        operator.post(&format!("{ACME}/callback"), json!({ "url": url })).await.problem("invalid");
        let confirmed = json!({ "url": url, "confirm_account": true });
        provider.says([is("bob")]);
        let taken = operator.post(&format!("{ACME}/callback"), confirmed.clone()).await.is(200);
        assert_eq!(taken.body["account"]["id"], "bob");
        operator.post(&format!("{ACME}/callback"), confirmed).await.problem("invalid");
        // One that nobody confirms is ended.
        back(vec![granted("read"), is("eve"), done()]).await.0.problem("account_differs");
        let before = provider.asked().len();
        database.run("UPDATE authorizations SET expires_at = 1, next_at = 1").await;
        provider.was_asked(before + 2).await;
        assert_eq!(lines(&provider)[before..], ["POST /revoke", "POST /revoke"]);
    }
}
