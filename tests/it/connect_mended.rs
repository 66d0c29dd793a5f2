//! Connect sessions where things happen at once, twice, or are left half way: nothing flips, no account is taken unasked,
//! and no token lives on that nobody keeps.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::Reply;
use crate::support::Says;
use crate::support::each_engine;
use crate::support::soon;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

const SESSIONS: &str = "/v1/connect-sessions";
const ACME: &str = "/v1/connections/crm/activations/acme";
const SERVED: &str = "egress: { allow: [127.0.0.0/8] }\nconnect: { name: Acme }\n";

/// A hash of what a browser has.
const ANN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn method(provider: &Provider, more: Value) -> Value {
    let url = provider.url();
    let mut method = json!({
        "grant": "authorization_code", "authorize_url": format!("{url}/authorize"), "token_url": format!("{url}/token"),
        "revoke_url": format!("{url}/revoke"), "userinfo_url": format!("{url}/me"), "scopes": ["read"],
    });
    method.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "oauth2": method })
}

async fn connected(
    gateway: &Gateway,
    base_url: &str,
    method: Value,
    credentials: Value,
) -> Operator {
    let operator = gateway.operator();
    let credentials_are_keys = credentials.get("key").is_some();
    let connector = json!({ "base_url": base_url, "auth": { "m": method } });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let mut connection =
        json!({ "connector": "api", "auth": "m", "embedded": true, "credentials": credentials });
    if credentials_are_keys {
        connection["inputs"] = json!({ "key": "global" });
    }
    operator.put("/v1/connections/crm", connection).await.is(201);
    operator
}

async fn app(gateway: &Gateway, provider: &Provider, more: Value) -> Operator {
    let client = json!({ "client_id": "app", "client_secret": "hush-hush" });
    connected(gateway, "https://api.example", method(provider, more), client).await
}

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

    async fn begin(&self) -> Reply {
        let body = json!({ "connection": "crm", "browser": ANN });
        self.operator.post(&self.at("/begin"), body).await
    }

    /// The state that the person is sent to the provider with.
    async fn redirected(&self) -> String {
        let begun = self.begin().await.is(200);
        let url = begun.text("redirect");
        let query = url.split_once('?').unwrap().1;
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|it| it.0 == "state").unwrap().1.into_owned()
    }

    /// Ann's browser comes back.
    async fn back(&self, query: &str) -> Reply {
        let body = json!({ "query": query, "browsers": [format!("{}:{ANN}", self.id)] });
        self.operator.post(&format!("{SESSIONS}/callback"), body).await
    }

    async fn item(&self) -> Value {
        self.operator.get(&self.at("")).await.is(200).body["items"][0].clone()
    }

    async fn account(&self, take: bool) -> Reply {
        let body = json!({ "connection": "crm", "browser": ANN, "take": take });
        self.operator.post(&self.at("/account"), body).await
    }

    /// Somebody else's tokens than before came, and it is asked about.
    async fn asked_about(operator: &'o Operator, provider: &Provider) -> Self {
        let link = Self::new(operator).await;
        let state = link.redirected().await;
        provider.says([granted(), is("bob"), done()]);
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!(came.body["item"]["state"], "asking", "{}", came.response.text());
        link
    }
}

fn granted() -> Says {
    Says::json(json!({
        "access_token": "a-token", "refresh_token": "r-token", "token_type": "Bearer", "expires_in": 3600, "scope": "read",
    }))
}

fn done() -> Says {
    Says::status(200, "")
}

fn is(id: &str) -> Says {
    Says::json(json!({ "sub": id }))
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

fn events(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect()
}

fn lines(provider: &Provider) -> Vec<String> {
    provider.asked().iter().map(|it| it.line()).collect()
}

async fn waiting_for(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    soon(what, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

each_engine! {
    async fn what_is_kept_is_kept_whatever_becomes_of_its_session(database: Database) {
        let provider = Provider::start([granted(), is("ann"), done()]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        // It is forgotten the moment that it is kept.
        database.run(match database.is_postgres() {
            false => "CREATE TRIGGER gone AFTER UPDATE ON connect_sessions WHEN NEW.items LIKE '%\"connected\"%' \
                      BEGIN DELETE FROM connect_sessions WHERE id = NEW.id; END",
            true => "CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS \
                     $$ BEGIN DELETE FROM connect_sessions WHERE id = NEW.id; RETURN NULL; END $$; \
                     CREATE TRIGGER gone AFTER UPDATE ON connect_sessions FOR EACH ROW \
                     WHEN (NEW.items LIKE '%\"connected\"%') EXECUTE FUNCTION gone()",
        }).await;
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!(came.body["item"]["state"], "connected");
        assert_eq!(operator.get(ACME).await.is(200).body["grant"]["state"], "active");
        assert_eq!(database.number("SELECT COUNT(*) FROM authorizations").await, 0, "nothing is left to be ended");
        assert_eq!(lines(&provider), ["POST /token", "GET /me"]);
    }

    async fn of_two_links_at_once_the_second_account_is_asked_about(database: Database) {
        let gate = Arc::new(Notify::new());
        let provider = Provider::start([granted(), is("ann").after(&gate), granted(), is("bob")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        operator.put(ACME, json!({})).await.is(201);
        let (first, second) = (Link::new(&operator).await, Link::new(&operator).await);
        let (one, two) = (first.redirected().await, second.redirected().await);
        let code = format!("code=c&state={one}");
        let (came, ()) = tokio::join!(first.back(&code), async {
            provider.was_asked(2).await;
            let came = second.back(&format!("code=c&state={two}")).await.is(200);
            assert_eq!(came.body["item"]["state"], "connected", "{}", came.response.text());
            gate.notify_one();
        });
        let came = came.is(200);
        assert_eq!(came.body["item"]["state"], "asking", "{}", came.response.text());
        assert_eq!(operator.get(ACME).await.body["account"]["id"], "bob");
        assert_eq!(told(&operator).await, events(&[("connected", ""), ("failed", "account_differs")]));
    }

    async fn a_reconnect_that_changes_nothing_is_connected(database: Database) {
        let api = Provider::start([Says::json(json!({ "id": "ann" }))]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let method = json!({
            "api_key": { "in": "header", "name": "X-Key" }, "probe": { "path": "/me", "account": { "id": "/id" } },
        });
        let operator = connected(&gateway, api.url(), method, json!({ "key": "global-key" })).await;
        operator.put(ACME, json!({})).await.is(201);
        let link = Link::new(&operator).await;
        let begun = link.begin().await.is(200);
        assert_eq!(begun.body["connected"]["state"], "connected", "{}", begun.response.text());
        assert_eq!(link.item().await["state"], "connected");
        assert_eq!(operator.get(ACME).await.body["account"]["id"], "ann");
        assert_eq!(told(&operator).await, events(&[("connected", "")]));
        link.begin().await.problem("invalid");
        assert_eq!(link.item().await["state"], "connected", "what is connected stays");
    }

    async fn a_consent_that_is_not_kept_ends_nothing_that_is_in_use(database: Database) {
        let provider = Provider::start([granted(), is("ann")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({ "required_scopes": ["read"] })).await;
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        link.back(&format!("code=c&state={state}")).await.is(200);
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        let fewer = json!({ "access_token": "b-token", "refresh_token": "s-token", "token_type": "Bearer", "scope": "x" });
        provider.says([Says::json(fewer), granted()]);
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!(came.body["item"]["reason"], "scopes_missing", "{}", came.response.text());
        operator.post(&format!("{ACME}/renew"), json!({})).await.is(200);
        assert_eq!(lines(&provider), ["POST /token", "GET /me", "POST /token", "POST /token"]);
    }

    async fn a_consent_without_a_refresh_token_keeps_the_one_of_the_same_account(database: Database) {
        let provider = Provider::start([granted(), is("ann")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        link.back(&format!("code=c&state={state}")).await.is(200);
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        let bare = json!({ "access_token": "b-token", "token_type": "Bearer", "expires_in": 3600, "scope": "read" });
        provider.says([Says::json(bare), is("ann"), granted()]);
        let came = link.back(&format!("code=c&state={state}")).await.is(200);
        assert_eq!(came.body["item"]["state"], "connected", "{}", came.response.text());
        operator.post(&format!("{ACME}/renew"), json!({})).await.is(200);
        assert_eq!(provider.asked().last().unwrap().parameter("refresh_token").as_deref(), Some("r-token"));
    }

    async fn who_is_asked_about_an_account_has_a_way_out_though_the_tokens_are_gone(database: Database) {
        let provider = Provider::start([granted(), is("ann")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        link.back(&format!("code=c&state={state}")).await.is(200);
        for (take, reason) in [(true, "consent_expired"), (false, "account_differs")] {
            let link = Link::asked_about(&operator, &provider).await;
            database.run("DELETE FROM authorizations").await;
            let said = link.account(take).await.is(200);
            assert_eq!((&said.body["state"], &said.body["reason"]), (&json!("failed"), &json!(reason)), "{take}");
            link.begin().await.is(200);
        }
        assert_eq!(operator.get(ACME).await.body["account"]["id"], "ann");
    }

    async fn tokens_that_are_aside_go_to_nobody_else(database: Database) {
        let provider = Provider::start([granted(), is("ann")]).await;
        let other = Provider::start([done()]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        link.back(&format!("code=c&state={state}")).await.is(200);
        let link = Link::asked_about(&operator, &provider).await;
        let client = json!({ "credentials": { "client_id": "another-app", "client_secret": "hush-hush" } });
        operator.patch("/v1/connections/crm", client).await.is(200);
        let asked = provider.asked().len();
        operator.delete(&link.at("")).await.is(204);
        let metrics = gateway.admin("/metrics").await.text();
        let lost = |it: &&str| it.starts_with("attache_token_revocations_total") && it.contains("\"operator\"") && it.ends_with(" 1");
        assert!(metrics.lines().any(|it| lost(&it)), "{metrics}");
        assert_eq!((provider.asked().len(), other.asked().len()), (asked, 0));
        assert_eq!(database.number("SELECT COUNT(*) FROM authorizations WHERE aside = 1").await, 0);
    }

    async fn a_second_tab_changes_nothing_of_what_is_connected(database: Database) {
        let provider = Provider::start([granted(), is("ann")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let link = Link::new(&operator).await;
        let (first, second) = (link.redirected().await, link.redirected().await);
        let late = link.back(&format!("error=access_denied&state={first}")).await.is(200);
        assert_eq!(late.body["item"]["state"], "waiting", "the second one is waited for");
        link.back(&format!("code=c&state={second}")).await.is(200);
        for state in [&first, &second] {
            let late = link.back(&format!("error=access_denied&state={state}")).await;
            let is_last = *state == second;
            assert_eq!(late.status, if is_last { 200 } else { 404 }, "{}", late.response.text());
            assert!(!is_last || late.body["item"]["state"] == "connected", "a page that is loaded again");
        }
        assert_eq!(link.item().await["state"], "connected");
        assert_eq!(told(&operator).await, events(&[("connected", "")]));
        assert_eq!(lines(&provider), ["POST /token", "GET /me"]);
    }

    async fn tokens_that_are_left_behind_are_ended(database: Database) {
        let gate = Arc::new(Notify::new());
        let provider = Provider::start([granted(), is("ann").after(&gate), done()]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let link = Link::new(&operator).await;
        let state = link.redirected().await;
        let code = format!("code=c&state={state}");
        let (came, ()) = tokio::join!(link.back(&code), async {
            provider.was_asked(2).await;
            // As if whoever looks at them had died long ago.
            assert_eq!(database.number("SELECT COUNT(*) FROM authorizations WHERE aside = 1").await, 1);
            database.run("UPDATE authorizations SET expires_at = 1, next_at = 1 WHERE aside = 1").await;
            provider.was_asked(4).await;
            gate.notify_one();
        });
        assert_eq!(lines(&provider)[2..], ["POST /revoke", "POST /revoke"]);
        let came = came.is(200);
        assert_eq!(came.body["item"]["reason"], "consent_expired", "{}", came.response.text());
        operator.get(ACME).await.is(404);
    }

    async fn a_consent_without_a_link_is_left_behind_no_more_than_with_one(database: Database) {
        let gate = Arc::new(Notify::new());
        let provider = Provider::start([granted(), is("ann").after(&gate), done()]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        operator.put(ACME, json!({})).await.is(201);
        let back = "https://app.example/back";
        let begun = operator.post(&format!("{ACME}/authorize"), json!({ "redirect_uri": back })).await.is(200);
        let (at, url) = (format!("{ACME}/callback"), format!("{back}?code=c&state={}", begun.text("state")));
        let (came, ()) = tokio::join!(operator.post(&at, json!({ "url": url })), async {
            provider.was_asked(2).await;
            database.run("UPDATE authorizations SET expires_at = 1, next_at = 1 WHERE aside = 1").await;
            provider.was_asked(4).await;
            gate.notify_one();
        });
        assert_eq!(lines(&provider)[2..], ["POST /revoke", "POST /revoke"]);
        came.problem("reauthorization_required");
        assert_eq!(operator.get(ACME).await.body["grant"]["state"], "reauthorization_required");
    }

    async fn another_device_brings_no_other_account_unasked(database: Database) {
        let codes = || Says::json(json!({
            "device_code": "d-code", "user_code": "WDJB-MJHT", "verification_uri": "https://id.example/device",
            "expires_in": 600, "interval": 1,
        }));
        let provider = Provider::start([codes(), granted(), is("ann")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let device = json!({ "grant": "device_code", "client_auth": "basic", "device_url": format!("{}/device", provider.url()), "authorize_url": null });
        let operator = app(&gateway, &provider, device).await;
        operator.put(ACME, json!({})).await.is(201);
        operator.post(&format!("{ACME}/authorize"), json!({})).await.is(200);
        waiting_for("ann", async || operator.get(ACME).await.body["account"]["id"] == "ann").await;
        provider.says([codes(), granted(), is("bob"), done()]);
        operator.post(&format!("{ACME}/authorize"), json!({})).await.is(200);
        provider.was_asked(8).await;
        assert_eq!(lines(&provider)[6..], ["POST /revoke", "POST /revoke"]);
        assert_eq!(operator.get(ACME).await.body["account"]["id"], "ann");
    }

    async fn a_link_may_be_begun_twenty_times(database: Database) {
        let provider = Provider::start([granted(), is("ann")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        let link = Link::new(&operator).await;
        for _ in 0..20 {
            link.begin().await.is(200);
        }
        link.begin().await.is(429).problem("rate_limited");
        Link::new(&operator).await.begin().await.is(200);
    }

    async fn a_link_whose_tenant_goes_says_so_and_none_is_in_the_way_of_others(database: Database) {
        let provider = Provider::start([granted(), is("ann")]).await;
        let gateway = Gateway::beside(&database, SERVED);
        let operator = app(&gateway, &provider, json!({})).await;
        operator.put("/v1/tenants/acme", json!({})).await.is(201);
        let link = Link::new(&operator).await;
        link.redirected().await;
        operator.delete("/v1/tenants/acme").await.is(204);
        waiting_for("that is told", async || !told(&operator).await.is_empty()).await;
        assert_eq!(told(&operator).await, events(&[("failed", "tenant_gone")]));
        let session = operator.get(&link.at("")).await.is(200).body;
        assert_eq!((&session["state"], &session["items"][0]["reason"]), (&json!("ended"), &json!("tenant_gone")));

        let (damaged, sound) = (Link::new(&operator).await, Link::new(&operator).await);
        sound.redirected().await;
        database.run(&format!("UPDATE connect_sessions SET items = 'x', expires_at = 1 WHERE id = '{}'", damaged.id)).await;
        database.run(&format!("UPDATE connect_sessions SET expires_at = 2 WHERE id = '{}'", sound.id)).await;
        waiting_for("the sound one", async || told(&operator).await.len() == 2).await;
        assert_eq!(told(&operator).await[1], events(&[("failed", "session_expired")])[0]);
    }
}
