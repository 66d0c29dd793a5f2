//! Connect sessions: who gets a link, for what, and what everybody else is told.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::each_engine;
use attache::model::ConnectSessionId;
use serde_json::Value;
use serde_json::json;

const SESSIONS: &str = "/v1/connect-sessions";

/// A connection that tenants bring a key to, one that the operator brings it to, one that holds it itself, and one that
/// a file has activated.
const SERVED: &str = r#"
egress: { allow: [127.0.0.0/8] }
connect: { name: Acme, return_urls: ["https://app.example/"] }
connectors:
  desk:
    name: The Desk
    base_url: "https://{subdomain}.desk.example"
    variables: { subdomain: { name: Subdomain, pattern: "[a-z]+", required: true, description: "Before .desk.example" } }
    auth:
      key:
        api_key: { in: header, name: X-Key }
        description: Ask your administrator for a key.
        fields: { key: { name: API key, description: Under Settings } }
connections:
  desk: { name: Your desk, connector: desk, auth: key, embedded: true }
  other: { connector: desk, auth: key, embedded: true, variables: { subdomain: us } }
  ours: { connector: desk, auth: key, embedded: true, supplied_by: operator }
  own: { connector: desk, auth: key, variables: { subdomain: us }, credentials: { key: s3cret-own } }
activations:
  - { connection: desk, tenant: filed, variables: { subdomain: us }, credentials: { key: s3cret-filed } }
integrations: { sync: { connectors: { a: { connector: desk }, b: { connector: desk }, c: { connector: desk }, d: { connector: desk } } } }
environments: { production: { integration: sync, deployed: true, assign: { a: desk, b: other, c: own, d: ours } } }
"#;

async fn made(operator: &Operator, body: Value) -> Value {
    operator.post(SESSIONS, body).await.is(201).body
}

/// What happened, less what the configuration brings with it.
async fn told(operator: &Operator) -> Vec<(String, Value)> {
    let feed = operator.get("/v1/events").await.is(200);
    let items = feed.body["items"].as_array().unwrap().clone();
    let of_sessions =
        items.into_iter().filter(|it| it["type"].as_str().unwrap().starts_with("connect_session"));
    of_sessions.map(|it| (it["type"].as_str().unwrap().to_owned(), it)).collect()
}

each_engine! {
    async fn a_link_is_told_once_and_leads_to_what_it_says(database: Database) {
        let gateway = Gateway::beside(&database, SERVED);
        let operator = gateway.operator();
        let new = json!({
            "tenant": "acme", "connection": "desk", "return_url": "https://app.example/done?x=1", "login_hint": "jo@acme.test",
        });
        let reply = operator.post(SESSIONS, new).await.is(201);
        let session = reply.body.clone();
        let url = session["url"].as_str().unwrap();
        let token = url.strip_prefix(&format!("http://{}/connect/", gateway.public)).unwrap();
        let id = session["id"].as_str().unwrap();
        assert_eq!(ConnectSessionId::of_token(token).unwrap().as_str(), id);
        let location = reply.response.field("location").unwrap();
        assert_eq!(location, format!("{SESSIONS}/{id}"));
        assert_eq!(session["tenant"], "acme");
        assert_eq!(session["name"], "Acme");
        assert_eq!(session["state"], "open");
        assert_eq!(session["browser"], Value::Null);
        assert_eq!(session["return_url"], "https://app.example/done?x=1");
        let item = json!({
            "connection": "desk", "name": "Your desk", "connector": "desk", "connector_name": "The Desk",
            "description": "Ask your administrator for a key.", "way": "form", "state": "waiting",
            "is_reconnect": false, "missing_scopes": [],
            "fields": [
                {
                    "in": "variables", "name": "subdomain", "label": "Subdomain", "help": "Before .desk.example",
                    "pattern": "[a-z]+", "secret": false, "required": true,
                },
                {
                    "in": "credentials", "name": "key", "label": "API key", "help": "Under Settings",
                    "secret": true, "required": true,
                },
            ],
        });
        assert_eq!(session["items"], json!([item]));

        let mut shown = session.clone();
        shown.as_object_mut().unwrap().remove("url");
        let read = operator.get(&format!("{SESSIONS}/{id}")).await.is(200);
        assert_eq!(read.body, shown);
        made(&operator, json!({ "tenant": "beta", "connection": "desk" })).await;
        let listed = operator.get(&format!("{SESSIONS}?tenant=acme")).await.is(200);
        assert_eq!(listed.body["items"], json!([shown]));
        let first = operator.get(&format!("{SESSIONS}?limit=1")).await.is(200);
        assert_eq!(first.body["items"][0]["tenant"], "beta");
        let next = first.text("next");
        let second = operator.get(&format!("{SESSIONS}?limit=1&cursor={next}")).await.is(200);
        assert_eq!(second.body["items"], json!([shown]));

        let events = told(&operator).await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].0, "connect_session.created");
        assert_eq!((&events[0].1["tenant"], &events[0].1["data"]["key"]), (&json!("acme"), &json!(id)));
        let entries = operator.get("/v1/audit?kind=connect%20session").await.is(200);
        assert_eq!(entries.body["items"].as_array().unwrap().len(), 2);
        for (name, text) in [
            ("read", read.response.text()), ("list", listed.response.text()), ("audit", entries.response.text()),
            ("events", operator.get("/v1/events").await.response.text()),
        ] {
            assert!(!text.contains(token), "{name}");
        }
        let kept = database.text("SELECT id || items || return_url || login_hint FROM connect_sessions WHERE tenant = 'acme'").await;
        assert!(!kept.contains(token));
        let logged = gateway.stop();
        assert!(!json!(logged).to_string().contains(token));
    }

    async fn a_link_that_was_asked_for_twice_under_one_key_is_one(database: Database) {
        let gateway = Gateway::beside(&database, SERVED);
        let operator = gateway.operator();
        let new = json!({ "tenant": "acme", "connection": "desk" });
        let field = "Idempotency-Key: once-1\r\n";
        let first = operator.send("POST", SESSIONS, field, Some(new.clone())).await.is(201);
        let second = operator.send("POST", SESSIONS, field, Some(new)).await.is(201);
        assert_eq!(first.body["url"], second.body["url"]);
        let token = first.text("url").rsplit('/').next().unwrap();
        assert_eq!(database.number("SELECT COUNT(*) FROM connect_sessions").await, 1);
        let kept = database.text("SELECT fields FROM credentials WHERE slot = 'reply'").await;
        assert!(!kept.contains(token), "the answer is sealed");
    }

    async fn what_no_tenant_connects_gets_no_link(database: Database) {
        let gateway = Gateway::beside(&database, SERVED);
        let operator = gateway.operator();
        let ours = |more: Value| {
            let mut body = json!({ "tenant": "acme", "connection": "desk" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let cases = [
            ("no connection", json!({ "connection": "none" }), "/connection"),
            ("one that holds its credentials", json!({ "connection": "own" }), "/connection"),
            ("one that the operator supplies", json!({ "connection": "ours" }), "/connection"),
            ("no tenant", json!({ "tenant": "" }), "/tenant"),
            ("both", json!({ "environment": "production" }), ""),
            ("none of both", json!({ "connection": null }), ""),
            ("no environment", json!({ "connection": null, "environment": "none" }), "/environment"),
            ("a choice of one", json!({ "connections": ["desk"] }), "/connections"),
            ("not the environment's", json!({ "connection": null, "environment": "production", "connections": ["desk", "x"] }), "/connections/1"),
            ("own of the environment", json!({ "connection": null, "environment": "production", "connections": ["own"] }), "/connections/0"),
            ("another's variables", json!({ "variables": { "other": {} } }), "/variables/other"),
            ("no variable", json!({ "variables": { "desk": { "x": "y" } } }), "/variables/desk/x"),
            ("not its pattern", json!({ "variables": { "desk": { "subdomain": "a.evil/x" } } }), "/variables/desk/subdomain"),
            ("a hint on two lines", json!({ "login_hint": "a\r\nb" }), "/login_hint"),
            ("another host", json!({ "return_url": "https://evil.test/" }), "/return_url"),
            ("a longer host", json!({ "return_url": "https://app.example.evil.test/" }), "/return_url"),
            ("a user", json!({ "return_url": "https://app.example@evil.test/" }), "/return_url"),
            ("two slashes", json!({ "return_url": "https://app.example//evil.test" }), "/return_url"),
            ("no scheme", json!({ "return_url": "//app.example/" }), "/return_url"),
            ("another scheme", json!({ "return_url": "http://app.example/" }), "/return_url"),
            ("a script", json!({ "return_url": "javascript:alert(1)" }), "/return_url"),
            ("a line end", json!({ "return_url": "https://app.example/%0d%0aX:1" }), "/return_url"),
            ("another port", json!({ "return_url": "https://app.example:444/" }), "/return_url"),
            ("unknown", json!({ "scope": "x" }), "/scope"),
        ];
        for (name, more, pointer) in cases {
            let reply = operator.post(SESSIONS, ours(more)).await;
            assert_eq!(reply.status, 422, "{name}: {}", reply.response.text());
            assert_eq!(reply.pointers(), [pointer], "{name}: {}", reply.response.text());
        }
        operator.post(SESSIONS, ours(json!({ "tenant": "filed" }))).await.problem("declared_in_file");
        assert_eq!(database.number("SELECT COUNT(*) FROM connect_sessions").await, 0);
        assert!(told(&operator).await.is_empty());
        for id in ["x", "cs_", "cs_00000000000000000000000000000000"] {
            operator.get(&format!("{SESSIONS}/{id}")).await.problem("not_found");
            operator.delete(&format!("{SESSIONS}/{id}")).await.problem("not_found");
        }
    }

    async fn an_environment_s_link_has_what_tenants_connect(database: Database) {
        let gateway = Gateway::beside(&database, SERVED);
        let operator = gateway.operator();
        let keys = |it: &Value| -> Vec<String> {
            it["items"].as_array().unwrap().iter().map(|it| it["connection"].as_str().unwrap().to_owned()).collect()
        };
        let all = made(&operator, json!({ "tenant": "acme", "environment": "production" })).await;
        assert_eq!(keys(&all), ["desk", "other"]);
        let filed = made(&operator, json!({ "tenant": "filed", "environment": "production" })).await;
        assert_eq!(keys(&filed), ["other"], "a file has activated the other one");
        let known = json!({
            "tenant": "acme", "environment": "production", "connections": ["desk"], "variables": { "desk": { "subdomain": "acme" } },
        });
        let one = made(&operator, known).await;
        assert_eq!(keys(&one), ["desk"]);
        let fields = one["items"][0]["fields"].as_array().unwrap();
        let names: Vec<_> = fields.iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["key"], "what is known already is not asked for");
    }

    async fn a_link_ends_by_an_operator_and_with_its_tenant(database: Database) {
        let gateway = Gateway::beside(&database, SERVED);
        let operator = gateway.operator();
        let ended = made(&operator, json!({ "tenant": "acme", "connection": "desk" })).await;
        let one = format!("{SESSIONS}/{}", ended["id"].as_str().unwrap());
        operator.delete(&one).await.is(204);
        operator.delete(&one).await.is(204);
        assert_eq!(operator.get(&one).await.is(200).body["state"], "ended");
        operator.put("/v1/tenants/acme", json!({})).await.is(201);
        let gone = made(&operator, json!({ "tenant": "acme", "connection": "desk" })).await;
        operator.delete("/v1/tenants/acme").await.is(204);
        let gone = operator.get(&format!("{SESSIONS}/{}", gone["id"].as_str().unwrap())).await.is(200);
        assert_eq!(gone.body["state"], "ended");
        let late = made(&operator, json!({ "tenant": "acme", "connection": "desk" })).await;
        database.run("UPDATE connect_sessions SET expires_at = 1 WHERE state = 'open'").await;
        let late = operator.get(&format!("{SESSIONS}/{}", late["id"].as_str().unwrap())).await.is(200);
        assert_eq!(late.body["state"], "expired");
    }

    async fn what_came_of_links_is_known_for_a_day(database: Database) {
        let gateway = Gateway::beside(&database, SERVED);
        let operator = gateway.operator();
        let new = json!({ "tenant": "acme", "connection": "desk" });
        for _ in 0..2 {
            made(&operator, new.clone()).await;
        }
        database.run("UPDATE connect_sessions SET over_at = over_at - 86400000 - 1900000").await;
        made(&operator, new).await;
        assert_eq!(database.number("SELECT COUNT(*) FROM connect_sessions").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_place_to_lead_to_there_is_no_link() {
    let database = Database::sqlite();
    let gateway = Gateway::beside_public(&database, SERVED, "{ listen: \"0.0.0.0:0\" }");
    let reply =
        gateway.operator().post(SESSIONS, json!({ "tenant": "acme", "connection": "desk" })).await;
    let reply = reply.problem("invalid");
    assert!(reply.response.text().contains("server.public.url"));
}
