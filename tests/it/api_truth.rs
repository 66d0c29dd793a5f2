//! The admin API says only what is so: also where the store fails right behind a write.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::RawUpstream;
use crate::support::Reply;
use crate::support::Response;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::raw_request;
use crate::support::soon;
use attache::store::CallerKey;
use attache::store::CallerRow;
use attache::store::Expect;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

const EMPTY: &str = "egress: {}\n";

/// From now on what is written to this table can't be read again.
async fn damage(database: &Database, table: &str, event: &str) {
    let sql = format!(
        "CREATE TRIGGER damage_{table} AFTER {event} ON {table} BEGIN
         UPDATE {table} SET checksum = 'damaged' WHERE key = NEW.key; END"
    );
    database.run(&sql).await;
}

async fn once(operator: &Operator, key: &str, path: &str, body: Value) -> Reply {
    let fields = format!("Idempotency-Key: {key}\r\n");
    operator.send("POST", path, &fields, Some(body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_made_is_told_although_what_was_written_can_not_be_read_again() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, EMPTY);
    let operator = gateway.operator();
    operator.post("/v1/callers", json!({ "key": "before" })).await.is(201);
    for table in ["callers", "tokens"] {
        damage(&database, table, "INSERT").await;
    }
    let create = || once(&operator, "k-1", "/v1/callers", json!({ "key": "one" }));
    let (first, again) = (create().await.is(201), create().await.is(201));
    assert!(first.text("caller_key").starts_with("atc_"));
    assert_eq!((&first.body, first.etag()), (&again.body, again.etag()));
    assert_eq!(first.body["keys"].as_array().map(Vec::len), Some(1));
    let token = json!({ "key": "ci", "role": "viewer" });
    let create = || once(&operator, "k-2", "/v1/tokens", token.clone());
    let (first, again) = (create().await.is(201), create().await.is(201));
    assert!(first.text("token").starts_with("ato_"));
    assert_eq!(first.body, again.body);

    database.run("DROP TRIGGER damage_callers").await;
    damage(&database, "callers", "UPDATE").await;
    let rotate = || once(&operator, "k-3", "/v1/callers/before/rotate", json!({}));
    let (first, again) = (rotate().await.is(200), rotate().await.is(200));
    assert!(first.text("caller_key").starts_with("atc_"));
    assert_eq!(first.body, again.body);
    assert_eq!(first.body["keys"].as_array().map(Vec::len), Some(2));
    let keys = "SELECT COUNT(*) FROM caller_keys WHERE caller = 'before'";
    assert_eq!(database.number(keys).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_and_can_not_be_shown_is_no_problem() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, EMPTY);
    let operator = gateway.operator();
    damage(&database, "tenants", "INSERT").await;
    let create = || once(&operator, "k-1", "/v1/tenants", json!({ "key": "acme" }));
    let (first, again) = (create().await.is(202), create().await.is(202));
    assert!(first.text("notice").starts_with("It is written"), "{}", first.body);
    assert_eq!(first.body, again.body);
    operator.post("/v1/tenants", json!({ "key": "acme" })).await.problem("already_exists");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_could_not_be_kept_makes_no_second_key() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, EMPTY);
    let operator = gateway.operator();
    operator.post("/v1/callers", json!({ "key": "one" })).await.is(201);
    let never = "CREATE TRIGGER never BEFORE UPDATE ON idempotency WHEN NEW.status > 0
                 BEGIN SELECT RAISE(ABORT, 'not kept'); END";
    database.run(never).await;
    let rotate = || once(&operator, "k-1", "/v1/callers/one/rotate", json!({}));
    assert!(rotate().await.is(200).text("caller_key").starts_with("atc_"));
    rotate().await.problem("idempotency_in_progress");
    // Whoever began it has died, as far as is known.
    database
        .run("DROP TRIGGER never; UPDATE idempotency SET claimed_at = claimed_at - 600000")
        .await;
    rotate().await.problem("idempotency_answer_lost");
    let keys = operator.get("/v1/callers/one").await.body["keys"].as_array().map(Vec::len);
    assert_eq!(keys, Some(2));
}

each_engine! {
    async fn a_token_that_is_made_anew_is_not_told_what_the_one_before_was(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let token = json!({ "key": "ci", "role": "operator" });
        let first = operator.post("/v1/tokens", token.clone()).await.is(201);
        let first = operator.with_token(first.text("token"));
        let create = |operator: Operator| async move {
            once(&operator, "k-1", "/v1/callers", json!({ "key": "one" })).await
        };
        create(first.clone()).await.is(201);
        create(first).await.is(201);
        operator.delete("/v1/tokens/ci").await.is(204);
        let second = operator.post("/v1/tokens", token).await.is(201);
        let second = operator.with_token(second.text("token"));
        create(second).await.problem("already_exists");
    }

    async fn every_list_that_can_grow_comes_in_pages(database: Database) {
        let file = "\
connectors: { c: { base_url: https://a.example, auth: { m: { bearer: {} } } } }
integrations: { i: { connectors: { x: { connector: c } } } }
connections: { filed: { connector: c, auth: m, embedded: true } }
environments: { e-file: { integration: i, assign: { x: filed } } }
";
        let gateway = Gateway::beside(&database, file);
        let operator = gateway.operator();
        let linked = json!({ "connectors": { "x": { "connector": "c" }, "y": { "connector": "c" } } });
        operator.put("/v1/integrations/two", linked).await.is(201);
        for key in ["a", "z"] {
            let body = json!({ "integration": "two", "deployed": key == "z", "assign": { "x": "filed", "y": "filed" } });
            operator.put(&format!("/v1/environments/{key}"), body).await.is(201);
        }
        let acme = "/v1/connections/filed/activations/acme";
        operator.put(acme, json!({ "credentials": { "token": "t" } })).await.is(201);
        let (uses, count) = pages(&operator, "/v1/connections/filed/uses", "uses").await;
        let told: Vec<_> = uses.iter().map(|it| (it["key"].as_str(), it["alias"].as_str(), it["count"].as_i64())).collect();
        let environment = |key, alias| (Some(key), Some(alias), None);
        assert_eq!(told, [
            (None, None, Some(1)),
            environment("a", "x"), environment("a", "y"),
            environment("e-file", "x"),
            environment("z", "x"), environment("z", "y"),
        ]);
        assert_eq!(count, 3);
        let all = operator.get("/v1/connections/filed/uses?limit=1").await.is(200).body;
        let totals = ["total", "environments", "deployed", "activations"].map(|it| all[it].as_i64());
        assert_eq!(totals, [Some(6), Some(3), Some(1), Some(1)]);

        operator.put("/v1/connectors/own", json!({ "base_url": "https://b.example", "auth": { "m": { "bearer": {} } } })).await.is(201);
        for (number, method) in ["l", "n", "o", "p"].iter().enumerate() {
            let path = format!("/v1/connectors/own/auth/{method}");
            operator.put(&path, json!({ "bearer": {}, "name": number.to_string() })).await.is(201);
            operator.put("/v1/connectors/own/auth/m", json!({ "bearer": {}, "name": number.to_string() })).await.is(200);
        }
        for key in ["one", "two"] {
            let body = json!({ "connector": "own", "auth": "m", "credentials": { "token": "t" } });
            operator.put(&format!("/v1/connections/{key}"), body).await.is(201);
        }
        let (methods, _) = pages(&operator, "/v1/connectors/own/auth", "items").await;
        let keys: Vec<_> = methods.iter().map(|it| it["key"].as_str().unwrap()).collect();
        assert_eq!(keys, ["l", "m", "n", "o", "p"]);
        let (revisions, count) = pages(&operator, "/v1/connectors/own/auth/m/revisions", "items").await;
        let told: Vec<_> = revisions.iter().map(|it| (it["revision"].as_i64().unwrap(), it["connections"].clone(), it["connections_total"].as_i64())).collect();
        let nobody = |revision| (revision, json!([]), Some(0));
        assert_eq!(told, [(5, json!(["one", "two"]), Some(2)), nobody(4), nobody(3), nobody(2), nobody(1)]);
        assert_eq!(count, 3);

        let method = operator.get("/v1/connectors/own/auth/m").await.is(200);
        let at_hand = format!("If-None-Match: {}\r\n", method.etag());
        let same = operator.send("GET", "/v1/connectors/own/auth/m", &at_hand, None).await.is(304);
        assert_eq!(same.etag(), method.etag());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_that_are_turned_away_are_counted_by_why() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, EMPTY);
    let operator = gateway.operator();
    let viewer = operator.post("/v1/tokens", json!({ "key": "v", "role": "viewer" })).await.is(201);
    let viewer = operator.with_token(viewer.text("token"));
    viewer.put("/v1/tenants/acme", json!({})).await.problem("operator_forbidden");
    let guesser = operator.with_token("a-guess");
    for _ in 0..10 {
        guesser.get("/v1/whoami").await.problem("operator_unauthenticated");
    }
    guesser.get("/v1/whoami").await.problem("rate_limited");
    operator.get("/v1/whoami").await.problem("rate_limited");
    for (reason, count) in [("unauthenticated", 10.0), ("forbidden", 1.0), ("limited", 2.0)] {
        let counted = gateway
            .metric("attache_operator_failures_total", &[&format!("reason=\"{reason}\"")])
            .await;
        assert_eq!(counted, count, "{reason}");
    }
}

/// The items of all pages of a list, and in how many of them they came.
async fn pages(operator: &Operator, path: &str, member: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = operator.get(&format!("{path}?limit=2{cursor}")).await.is(200);
        let of_page = page.body[member].as_array().expect("a list has its items").clone();
        assert!((1..=2).contains(&of_page.len()), "{}", page.body);
        items.extend(of_page);
        pages += 1;
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (items, pages),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_has_a_hundred_good_keys_at_most() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, EMPTY);
    let operator = gateway.operator();
    operator.post("/v1/callers", json!({ "key": "one" })).await.is(201);
    let store = database.open().await;
    let row = CallerRow { definition: "{}".to_owned() };
    let add = async |number: u8, expires_at_ms| {
        let (caller, prefix) = ("one".to_owned(), format!("atc_{number}"));
        let key = CallerKey { caller, hash: [number; 32], prefix, created_at_ms: 0, expires_at_ms };
        store.callers().put(SYSTEM, "one", &row, Some(&key), Expect::Present).await.unwrap();
    };
    for number in 1..100 {
        add(number, None).await;
    }
    let rotate = || operator.post("/v1/callers/one/rotate", json!({}));
    assert_eq!(rotate().await.problem("invalid").pointers(), [""]);
    // What has expired is no good key, and is forgotten with the next one.
    for number in 89..100 {
        operator.delete(&format!("/v1/callers/one/keys/atc_{number}")).await.is(204);
        add(number, Some(1)).await;
    }
    let keys = rotate().await.is(200).body["keys"].as_array().map(Vec::len);
    assert_eq!(keys, Some(90));
}

/// One request to a connection with a caller's key.
async fn ask(gateway: &Gateway, caller_key: &str, path: &str) -> Response {
    let request = format!("GET {path} HTTP/1.1\r\nHost: g\r\nAttache-Key: {caller_key}\r\n\r\n");
    raw_request(gateway.proxy, request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tn_01_what_was_changed_is_not_used_as_it_was_although_the_store_can_not_be_read() {
    let database = Database::sqlite();
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
    let operator = gateway.operator();
    let api = json!({ "base_url": upstream.url(), "auth": { "token": { "bearer": {} } } });
    operator.put("/v1/connectors/api", api).await.is(201);
    let token = |it: &str| json!({ "token": it });
    let main = json!({ "connector": "api", "auth": "token", "credentials": token("s3cret-old") });
    operator.put("/v1/connections/main", main).await.is(201);
    let many = json!({ "connector": "api", "auth": "token", "embedded": true });
    operator.put("/v1/connections/many", many).await.is(201);
    let acme = "/v1/connections/many/activations/acme";
    operator.put(acme, json!({ "credentials": token("s3cret-acme") })).await.is(201);
    let stays = operator.post("/v1/callers", json!({ "key": "stays" })).await.is(201);
    let goes = operator.post("/v1/callers", json!({ "key": "goes" })).await.is(201);
    let (stays, goes) = (stays.text("caller_key"), goes.text("caller_key"));
    for (key, path) in [(stays, "/c/main/a"), (goes, "/c/main/a"), (stays, "/c/many@acme/a")] {
        assert_eq!(ask(&gateway, key, path).await.status, 200, "{path}");
    }

    // What is written is committed, and nothing of it can be read any more.
    database
        .run(
            "ALTER TABLE integrations RENAME TO away;
             CREATE TRIGGER lost AFTER INSERT ON changes BEGIN DELETE FROM changes; END",
        )
        .await;
    let rotated = operator.put("/v1/connections/main/credentials", token("s3cret-new"));
    let (rotated, deactivated, deleted) =
        tokio::join!(rotated, operator.delete(acme), operator.delete("/v1/callers/goes"));
    for reply in [rotated, deactivated, deleted] {
        assert!(reply.is(202).text("notice").contains("not used here any more"));
    }
    assert_eq!(ask(&gateway, goes, "/c/main/a").await.error(), "caller_unauthenticated");
    assert_eq!(ask(&gateway, stays, "/c/main/a").await.error(), "connection_not_found");
    assert_eq!(ask(&gateway, stays, "/c/many@acme/a").await.error(), "embedded_not_activated");

    database.run("DROP TRIGGER lost; ALTER TABLE away RENAME TO integrations").await;
    let served = async {
        while ask(&gateway, stays, "/c/main/a").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the new credential to be served", served).await;
    for sent in ["s3cret-old", "s3cret-old", "s3cret-acme", "s3cret-new"] {
        let bearer = format!("Bearer {sent}");
        assert_eq!(upstream.request().await.field("authorization"), Some(&*bearer));
    }
    assert_eq!(ask(&gateway, goes, "/c/main/a").await.error(), "caller_unauthenticated");
    assert_eq!(ask(&gateway, stays, "/c/many@acme/a").await.error(), "embedded_not_activated");
}
