//! Many activations at once by API: each entry for itself, written together, and entered in the trail one by one.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Rotating;
use crate::support::Script;
use crate::support::each_engine;
use serde_json::Value;
use serde_json::json;

const ALLOW: &str = "egress: { allow: [127.0.0.0/8] }\n";
const IMPORT: &str = "/v1/activations/import";

/// An app whose customers bring tokens, and an API whose customers bring keys.
async fn apps(operator: &Operator, provider: &str, base_url: &str) {
    let oauth2 = json!({
        "grant": "authorization_code", "authorize_url": format!("{provider}/authorize"),
        "token_url": format!("{provider}/token"),
    });
    let connector = json!({
        "base_url": base_url,
        "variables": { "region": { "pattern": "[a-z]+" } },
        "auth": { "account": { "oauth2": oauth2 }, "key": { "bearer": {} } },
    });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let app = json!({ "client_id": "app", "client_secret": "canary-secret" });
    let crm =
        json!({ "connector": "api", "auth": "account", "embedded": true, "credentials": app });
    operator.put("/v1/connections/crm", crm).await.is(201);
    let keys = json!({ "connector": "api", "auth": "key", "embedded": true });
    operator.put("/v1/connections/keys", keys).await.is(201);
}

fn crm(tenant: &str) -> Value {
    json!({
        "connection": "crm", "tenant": tenant, "access_token": format!("a-{tenant}"),
        "refresh_token": format!("{tenant}-0"), "expires_at": 4_000_000_000_u64, "scopes": ["x", "y"],
    })
}

/// The outcomes of an import, and where what was refused is wrong.
fn outcomes(reply: &Value) -> Vec<(String, String)> {
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let all = reply["activations"].as_array().expect("it has one for each entry");
    all.iter().map(|it| (text(&it["outcome"]), text(&it["pointer"]))).collect()
}

async fn entries(operator: &Operator) -> Vec<(String, String)> {
    let listed = operator.get("/v1/audit?kind=activation&limit=200").await.is(200);
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> = listed.body["items"]
        .as_array()
        .expect("it is a list")
        .iter()
        .map(|it| (text(&it["act"]), text(&it["tenant"])))
        .collect();
    all.reverse();
    all
}

/// `attache audit verify` as an operator runs it.
async fn verified(database: &Database) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_attache"));
    let key = database.folder.path().join("seal.key");
    command.env_clear().args(["audit", "verify"]).current_dir(database.folder.path());
    command.env("ATTACHE_DATABASE_URL", &database.url).env("ATTACHE_SEAL_KEY_FILE", key);
    let ended = tokio::task::spawn_blocking(move || command.output()).await;
    let ended = ended.expect("it does not panic").expect("the program can be run");
    (ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned())
}

async fn count(database: &Database, of: &str) -> i64 {
    database.number(&format!("SELECT COUNT(*) FROM {of}")).await
}

each_engine! {
    async fn what_is_sound_is_written_and_what_is_not_is_told(database: Database) {
        let provider = Provider::rotating(Rotating::living(3600)).await;
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = gateway.operator();
        apps(&operator, provider.url(), &upstream.url()).await;
        let mut expired = crm("initech");
        expired["expires_at"] = json!("2020-01-31T00:00:00Z");
        let sent = json!({ "activations": [
            crm("acme"),
            { "connection": "keys", "tenant": "acme", "credentials": { "token": "canary-key" }, "enabled": false },
            { "connection": "keys", "tenant": "bad", "access_token": "canary-a", "credentials": { "token": "canary-k" } },
            { "connection": "nothing", "tenant": "acme", "access_token": "canary-a" },
            { "connection": "crm", "tenant": "acme", "access_token": "canary-a" },
            { "connection": "keys", "tenant": "odd", "credentials": { "token": "canary-k" }, "variables": { "x": "y" } },
            { "tenant": "none" },
            expired,
        ] });
        let before = entries(&operator).await;
        assert!(before.is_empty(), "{before:?}");
        let rehearsed = operator.post(&format!("{IMPORT}?dry_run=true"), sent.clone()).await.is(200);
        assert!(entries(&operator).await.is_empty(), "nothing is changed");
        let done = operator.post(IMPORT, sent.clone()).await.is(200);
        assert_eq!(rehearsed.body, done.body);
        let text = done.response.text();
        assert!(!text.contains("canary"), "{text}");
        let expected = [
            ("created", ""), ("created", ""), ("refused", "/access_token"), ("refused", "/connection"),
            ("refused", "/tenant"), ("refused", "/variables/x"), ("refused", "/connection"), ("created", ""),
        ];
        assert_eq!(outcomes(&done.body), expected.map(|it| (it.0.to_owned(), it.1.to_owned())), "{text}");
        assert_eq!((&done.body["created"], &done.body["refused"]), (&json!(3), &json!(5)));
        let expected = ["acme", "acme", "initech"].map(|it| ("created".to_owned(), it.to_owned()));
        assert_eq!(entries(&operator).await, expected);
        let events = operator.get("/v1/events?type=activation.created").await.is(200);
        assert_eq!(events.body["items"].as_array().map(Vec::len), Some(3), "{}", events.body);
        let shown = operator.get("/v1/connections/keys/activations/acme").await.is(200);
        assert_eq!(shown.body["enabled"], false);

        // The token that was brought is used, and where it is over it is renewed with the one beside it.
        for (tenant, token) in [("acme", "a-acme"), ("initech", "a-initech-1")] {
            let fields = format!("Attache-Connection: crm\r\nAttache-Tenant: {tenant}\r\n");
            let answer = gateway.get("/contacts", &fields).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let asked = upstream.request().await;
            assert_eq!(asked.field("authorization"), Some(&*format!("Bearer {token}")));
        }

        // The same again.
        let again = |existing: &str| json!({ "activations": [crm("acme")], "existing": existing });
        let refused = operator.post(IMPORT, json!({ "activations": [crm("acme")] })).await.is(200);
        assert_eq!(outcomes(&refused.body), [("refused".to_owned(), "/tenant".to_owned())]);
        for (existing, outcome, count) in [("skip", "skipped", 3), ("refuse", "refused", 3), ("replace", "replaced", 4)] {
            let done = operator.post(IMPORT, again(existing)).await.is(200);
            assert_eq!(outcomes(&done.body)[0].0, outcome, "{}", done.body);
            assert_eq!(entries(&operator).await.len(), count, "{existing}");
        }
        assert_eq!(entries(&operator).await[3], ("updated".to_owned(), "acme".to_owned()));
        let (code, said) = verified(&database).await;
        assert_eq!(code, Some(0), "{said}");
    }

    async fn one_of_a_thousand_is_written_once_under_its_key(database: Database) {
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = gateway.operator();
        apps(&operator, "https://id.example", "https://api.example").await;
        let tenants: Vec<String> = (0..1000).map(|it| format!("t{it}")).collect();
        let all: Vec<Value> = tenants.iter().map(|it| crm(it)).collect();
        let sent = json!({ "activations": all });
        let fields = "Idempotency-Key: batch-1\r\n";
        let first = operator.send("POST", IMPORT, fields, Some(sent.clone())).await.is(200);
        assert_eq!(first.body["created"], 1000);
        let second = operator.send("POST", IMPORT, fields, Some(sent.clone())).await.is(200);
        assert_eq!(first.body, second.body, "the same answer");
        let unkeyed = operator.post(IMPORT, sent).await.is(200);
        assert_eq!(unkeyed.body["refused"], 1000);
        assert_eq!(count(&database, "activations").await, 1000);
        assert_eq!(count(&database, "credentials WHERE slot = 'activation'").await, 1000);
        assert_eq!(count(&database, "audit WHERE kind = 'activation'").await, 1000);
        assert_eq!(count(&database, "changes WHERE kind = 'activation'").await, 1000);
        let more: Vec<Value> = (0..1001).map(|it| crm(&format!("m{it}"))).collect();
        let refused = operator.post(IMPORT, json!({ "activations": more })).await.is(422);
        assert_eq!(refused.pointers(), ["/activations"]);
    }

    async fn what_is_not_an_import_is_refused_whole(database: Database) {
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = gateway.operator();
        for (sent, pointer) in [
            (json!({}), "/activations"),
            (json!({ "activations": {} }), "/activations"),
            (json!({ "activations": [], "existing": "keep" }), "/existing"),
            (json!({ "activations": [], "other": 1 }), "/other"),
        ] {
            assert_eq!(operator.post(IMPORT, sent).await.is(422).pointers(), [pointer]);
        }
        let empty = operator.post(IMPORT, json!({ "activations": [] })).await.is(200);
        assert_eq!(empty.body["activations"], json!([]));
    }

    async fn credentials_that_would_go_elsewhere_are_refused_and_no_others(database: Database) {
        let gateway = Gateway::beside(&database, ALLOW);
        let operator = gateway.operator();
        apps(&operator, "https://id.example", "https://api.example").await;
        let key = |tenant: &str| json!({ "connection": "keys", "tenant": tenant, "credentials": { "token": "t" } });
        operator.post(IMPORT, json!({ "activations": [key("a"), key("b")] })).await.is(200);
        // Whoever has to say that what is there may go elsewhere has not said so.
        database.run("UPDATE origins SET reach = '{}', checksum = '' WHERE connection = 'keys'").await;
        let done = operator.post(IMPORT, json!({ "activations": [key("c"), crm("c")] })).await.is(200);
        let expected = [("refused", "/connection"), ("created", "")];
        assert_eq!(outcomes(&done.body), expected.map(|it| (it.0.to_owned(), it.1.to_owned())), "{}", done.body);
    }
}
