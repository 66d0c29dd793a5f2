//! Writes at the admin API: versions, repetition, what is kept, what is in use; on both engines.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Reply;
use crate::support::SYSTEM;
use crate::support::each_engine;
use crate::support::soon;
use attache::store::Expect;
use attache::store::TokenRow;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use sqlx::Connection;
use sqlx::PgConnection;

const EMPTY: &str = "egress: {}\n";

/// A connector with one method, and a connection of it.
async fn furnish(operator: &Operator) {
    let api = json!({
        "base_url": "https://api.example.com",
        "auth": { "token": { "bearer": {} } },
    });
    operator.put("/v1/connectors/api", api).await.is(201);
    let main =
        json!({ "connector": "api", "auth": "token", "credentials": { "token": "s3cret-1" } });
    operator.put("/v1/connections/main", main).await.is(201);
}

/// All of these at the same time.
async fn together<F: Future<Output = Reply>>(calls: impl IntoIterator<Item = F>) -> Vec<Reply> {
    let mut pending: Vec<_> = calls.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<Reply>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (call, reply) in pending.iter_mut().zip(&mut done) {
            if reply.is_none()
                && let std::task::Poll::Ready(it) = call.as_mut().poll(cx)
            {
                *reply = Some(it);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

each_engine! {
    async fn what_was_asked_is_kept_so_that_nobody_can_try_out_its_secrets(database: Database) {
        let another = database.empty().await;
        let gateways = [Gateway::beside(&database, EMPTY), Gateway::beside(&another, EMPTY)];
        for gateway in &gateways {
            let operator = gateway.operator();
            furnish(&operator).await;
            let body = json!({
                "key": "two", "connector": "api", "auth": "token", "credentials": { "token": "guess" },
            });
            let create = async || {
                let fields = "Idempotency-Key: k-1\r\n";
                operator.send("POST", "/v1/connections", fields, Some(body.clone())).await.is(201)
            };
            // It is known again all the same.
            assert_eq!(create().await.etag(), create().await.etag());
        }
        let hex = if database.is_postgres() { "encode(request, 'hex')" } else { "hex(request)" };
        let sql = format!("SELECT {hex} FROM idempotency");
        let (one, other) = (database.text(&sql).await, another.text(&sql).await);
        assert_eq!((one.len(), other.len()), (64, 64));
        assert_ne!(one, other, "the same request is another digest in another deployment");
    }

    async fn of_writers_who_mean_one_version_one_wins_and_the_others_learn_who(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let created = operator.put("/v1/tenants/acme", json!({ "name": "Acme" })).await.is(201);
        let meant = format!("If-Match: {}\r\n", created.etag());
        let write = |number: usize| {
            let (operator, meant) = (operator.clone(), meant.clone());
            let body = json!({ "name": format!("Acme {number}") });
            async move { operator.send("PUT", "/v1/tenants/acme", &meant, Some(body)).await }
        };
        let replies = together((0..8).map(write)).await;
        let winners: Vec<_> = replies.iter().filter(|it| it.status == 200).collect();
        assert_eq!(winners.len(), 1, "{replies:?}");
        let winner = winners[0].body.clone();
        for loser in replies.into_iter().filter(|it| it.status != 200) {
            let loser = loser.problem("precondition_failed");
            assert_eq!((loser.status, loser.text("changed_by")), (412, "operator admin"));
            assert_eq!(loser.body["version"], winner["version"]);
            assert_eq!(loser.etag(), format!("\"{}\"", winner["version"]));
            assert!(loser.text("changed_at").ends_with('Z'));
        }
        assert_eq!(operator.get("/v1/tenants/acme").await.is(200).body, winner);
    }

    async fn what_somebody_else_has_changed_is_neither_deleted_nor_acted_upon(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let connector = json!({ "base_url": "https://desk.example", "auth": { "t": { "bearer": {} } } });
        let connection = json!({ "connector": "desk", "auth": "t", "credentials": { "token": "x" } });
        let all = [
            ("connectors/desk", connector),
            ("connections/desk", connection),
            ("integrations/sync", json!({ "connectors": { "desk": { "connector": "desk" } } })),
            ("environments/prod", json!({ "integration": "sync", "assign": { "desk": "desk" } })),
            ("tenants/acme", json!({})),
            ("callers/app", json!({})),
        ];
        let mut read = Vec::new();
        for (path, body) in all {
            let change = match path {
                "callers/app" => json!({ "methods": ["GET"] }),
                _ => json!({ "name": "Changed" }),
            };
            let path = format!("/v1/{path}");
            let created = operator.put(&path, body).await.is(201);
            let changed = operator.patch(&path, change).await.is(200);
            read.push((path, created.etag().to_owned(), changed.etag().to_owned()));
        }
        let meaning = |tag: &str| format!("If-Match: {tag}\r\n");
        for (path, before, now) in read.iter().rev() {
            let refused = operator.send("DELETE", path, &meaning(before), None).await.is(412);
            assert_eq!((refused.etag(), &*refused.body["version"].to_string()), (&**now, now.trim_matches('"')), "{path}");
        }
        let (path, before, now) = &read[1];
        for (act, body) in [("repin", json!({})), ("switch", json!({ "to": "embedded", "confirm": true }))] {
            let refused = operator.send("POST", &format!("{path}/{act}"), &meaning(before), Some(body)).await.is(412);
            assert_eq!(refused.etag(), now, "{act}");
        }
        for (path, _, now) in read.iter().rev() {
            operator.send("DELETE", path, &meaning(now), None).await.is(204);
        }
    }

    async fn changes_without_a_version_all_take_effect(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        operator.put("/v1/tenants/acme", json!({})).await.is(201);
        let change = |number: usize| {
            let operator = operator.clone();
            let body = json!({ "metadata": { format!("note-{number}"): "x" } });
            async move { operator.patch("/v1/tenants/acme", body).await }
        };
        for reply in together((0..3).map(change)).await {
            reply.is(200);
        }
        let tenant = operator.get("/v1/tenants/acme").await.is(200);
        assert_eq!(tenant.body["metadata"], json!({ "note-0": "x", "note-1": "x", "note-2": "x" }));
    }

    async fn a_write_happens_only_where_there_is_what_it_expects(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let path = "/v1/tenants/acme";
        let send = |fields: &'static str| {
            let operator = operator.clone();
            async move { operator.send("PUT", path, fields, Some(json!({}))).await }
        };
        for fields in ["If-Match: *\r\n", "If-Match: \"1\"\r\n"] {
            let refused = send(fields).await.problem("precondition_failed");
            assert_eq!(refused.body["version"], Value::Null);
            assert_eq!(refused.response.field("etag"), None, "there is no version");
        }
        let created = send("If-None-Match: *\r\n").await.is(201);
        send("If-None-Match: *\r\n").await.problem("precondition_failed");
        send("If-Match: \"0\"\r\n").await.problem("precondition_failed");
        send("If-Match: *\r\n").await.is(200);
        send("If-Match: 1\r\n").await.problem("bad_request");
        operator.post("/v1/tenants", json!({ "key": "acme" })).await.problem("already_exists");
        // A reader who has it is told so; who has an older one gets the new one.
        let current = operator.get(path).await.is(200);
        assert_ne!(current.etag(), created.etag());
        let fields = format!("If-None-Match: {}\r\n", current.etag());
        // Its activations come and go without it.
        operator.send("GET", path, &fields, None).await.is(200);
        let integration = "/v1/integrations/sync";
        let written = operator.put(integration, json!({ "connectors": {} })).await.is(201);
        let known = format!("If-None-Match: {}\r\n", written.etag());
        let same = operator.send("GET", integration, &known, None).await.is(304);
        assert_eq!((same.etag(), same.response.body.len()), (written.etag(), 0));
        let fields = format!("If-None-Match: {}\r\n", created.etag());
        operator.send("GET", path, &fields, None).await.is(200);
        let fields = format!("If-Match: {}\r\n", created.etag());
        operator.send("DELETE", path, &fields, None).await.problem("precondition_failed");
        let fields = format!("If-Match: {}\r\n", current.etag());
        operator.send("DELETE", path, &fields, None).await.is(204);
        let gone = operator.send("DELETE", path, &fields, None).await.problem("precondition_failed");
        assert_eq!((gone.body["version"].clone(), gone.text("changed_by")), (Value::Null, "operator admin"));
        operator.delete(path).await.problem("not_found");
    }

    async fn the_same_create_under_the_same_key_is_done_once(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let create = |key: &str, body: Value| {
            let operator = operator.clone();
            let fields = format!("Idempotency-Key: {key}\r\n");
            async move { operator.send("POST", "/v1/callers", &fields, Some(body)).await }
        };
        let first = create("k-1", json!({ "key": "one" })).await.is(201);
        let again = create("k-1", json!({ "key": "one" })).await.is(201);
        assert_eq!((&again.body, again.etag()), (&first.body, first.etag()));
        assert_eq!(again.response.field("location"), Some("/v1/callers/one"));
        assert!(first.text("caller_key").starts_with("atc_"), "it is told again, and to nobody else");
        create("k-1", json!({ "key": "two" })).await.problem("idempotency_key_reused");
        // Another operator's keys are its own.
        let token = operator.post("/v1/tokens", json!({ "key": "ci", "role": "operator" })).await.is(201);
        let other = operator.with_token(token.text("token"));
        let fields = "Idempotency-Key: k-1\r\n";
        other.send("POST", "/v1/callers", fields, Some(json!({ "key": "two" }))).await.is(201);
        // What failed may be asked again under the same key, mended.
        create("k-2", json!({ "key": "three", "conections": [] })).await.problem("invalid");
        create("k-2", json!({ "key": "three" })).await.is(201);
        // Rotation likewise.
        let rotate = |operator: &Operator| {
            let operator = operator.clone();
            let fields = "Idempotency-Key: k-3\r\n";
            async move { operator.send("POST", "/v1/callers/one/rotate", fields, Some(json!({}))).await }
        };
        let (one, two) = (rotate(&operator).await.is(200), rotate(&operator).await.is(200));
        assert_eq!(one.text("caller_key"), two.text("caller_key"));
        assert_eq!(operator.get("/v1/callers/one").await.body["keys"].as_array().map(Vec::len), Some(2));
        for bad in ["", "a b", &"x".repeat(129)] {
            create(bad, json!({ "key": "four" })).await.problem("bad_request");
        }
        // All at once: one does it, and nobody else does.
        let replies = together((0..6).map(|_| create("k-4", json!({ "key": "five" })))).await;
        let (mut told, mut waiting) = (Vec::new(), 0);
        for reply in replies {
            match reply.status {
                201 => told.push(reply.text("caller_key").to_owned()),
                _ => {
                    reply.problem("idempotency_in_progress");
                    waiting += 1;
                }
            }
        }
        told.dedup();
        assert_eq!(told.len(), 1, "and {waiting} were told to wait");
        assert_eq!(operator.get("/v1/callers/five").await.body["keys"].as_array().map(Vec::len), Some(1));
    }

    async fn what_was_read_can_be_sent_and_changes_nothing(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        furnish(&operator).await;
        let many = json!({
            "connector": "api", "auth": "token", "embedded": true,
            "test_credentials": { "token": "s3cret-2" },
        });
        operator.put("/v1/connections/many", many).await.is(201);
        operator.put("/v1/connections/many/activations/acme", json!({ "credentials": { "token": "s3cret-1" } })).await.is(201);
        operator.put("/v1/integrations/sync", json!({ "connectors": { "a": { "connector": "api" } } })).await.is(201);
        operator.put("/v1/environments/dev", json!({ "integration": "sync", "assign": { "a": "main" } })).await.is(201);
        operator.put("/v1/tenants/acme", json!({ "metadata": { "plan": "gold" } })).await.is(201);
        operator.put("/v1/callers/runtime-2", json!({ "tenants": ["acme"], "rate": { "requests": 5 } })).await.is(201);
        for path in [
            "/v1/connectors/api",
            "/v1/connectors/api/auth/token",
            "/v1/connections/main",
            "/v1/connections/many",
            "/v1/connections/many/activations/acme",
            "/v1/integrations/sync",
            "/v1/environments/dev",
            "/v1/tenants/acme",
            "/v1/callers/runtime-2",
        ] {
            let read = operator.get(path).await.is(200).body;
            let mut sent = operator.put(path, read.clone()).await.is(200).body;
            for changing in ["version", "updated_at"] {
                assert!(read.get(changing).is_none() || sent[changing] != Value::Null, "{path}");
                sent[changing] = read[changing].clone();
            }
            if read.get("version").is_none() {
                sent.as_object_mut().unwrap().retain(|it, _| it != "version" && it != "updated_at");
            }
            assert_eq!(sent, read, "{path}");
        }
    }

    async fn credentials_are_kept_replaced_and_removed_field_by_field(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let login = json!({ "base_url": "https://api.example.com", "auth": { "login": { "basic": {} } } });
        operator.put("/v1/connectors/api", login).await.is(201);
        let body = json!({
            "connector": "api", "auth": "login", "credentials": { "username": "u", "password": "s3cret-1" },
        });
        let path = "/v1/connections/main";
        let before = operator.put(path, body.clone()).await.is(201).body["credentials"].clone();
        // Left out they are kept; a patch changes what it names.
        operator.put(path, json!({ "connector": "api", "auth": "login", "name": "Main" })).await.is(200);
        let kept = operator.get(path).await.is(200).body["credentials"].clone();
        assert_eq!(kept, before);
        let patched = operator.patch(path, json!({ "credentials": { "password": "s3cret-2" } })).await.is(200);
        let after = &patched.body["credentials"];
        assert_eq!(after["username"], before["username"]);
        assert_ne!(after["password"]["fingerprint"], before["password"]["fingerprint"]);
        // The same value has the same fingerprint anywhere; another one has not.
        operator.put("/v1/connections/other", body).await.is(201);
        let other = operator.get("/v1/connections/other").await.is(200).body["credentials"].clone();
        assert_eq!(other["password"]["fingerprint"], before["password"]["fingerprint"]);
        // A fingerprint is kept only where it is the one.
        let wrong = json!({ "username": "u", "password": { "fingerprint": "0000000000000000" } });
        let refused = operator.put("/v1/connections/main/credentials", wrong).await.problem("invalid");
        assert_eq!(refused.pointers(), ["/password"]);
        let some = json!({ "username": "u2", "password": after["password"] });
        let set = operator.put("/v1/connections/main/credentials", some).await.is(200);
        assert_eq!(set.body["credentials"]["password"], after["password"]);
        // What the method needs can't be taken away.
        let refused = operator.delete("/v1/connections/main/credentials").await.problem("invalid");
        assert!(refused.pointers().contains(&"/username"), "{}", refused.body);
        let refused = operator.patch(path, json!({ "credentials": null })).await.problem("invalid");
        assert!(refused.pointers().contains(&"/credentials/username"), "{}", refused.body);
        assert!(!refused.response.text().contains("s3cret"));
    }

    async fn what_is_used_stays_unless_it_is_forced(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        furnish(&operator).await;
        operator.put("/v1/integrations/sync", json!({ "connectors": { "a": { "connector": "api" } } })).await.is(201);
        operator.put("/v1/environments/dev", json!({ "integration": "sync", "assign": { "a": "main" } })).await.is(201);
        // A change that would break a connection is refused, and says which.
        let broken = json!({ "base_url": "https://{area}.example.com", "variables": { "area": { "required": true } } });
        operator.patch("/v1/connectors/api?confirm=origin", broken).await.is(200);
        let eu = json!({ "variables": { "area": "eu" } });
        operator.patch("/v1/connections/main?confirm=origin", eu).await.is(200);
        let back = json!({ "base_url": "https://api.example.com", "variables": { "area": null } });
        let refused = operator.patch("/v1/connectors/api", back.clone()).await.problem("in_use");
        assert_eq!(refused.body["uses"], json!([{ "kind": "connection", "key": "main" }]));
        operator.patch("/v1/connectors/api?force=true&confirm=origin", back).await.is(200);
        let main = operator.get("/v1/connections/main").await.is(200);
        assert_eq!(main.text("status"), "unsound");
        operator.patch("/v1/connections/main", json!({ "variables": null })).await.is(200);
        // A method that is pinned stays, by whatever way it would go.
        operator.delete("/v1/connectors/api/auth/token").await.problem("in_use");
        operator.patch("/v1/connectors/api", json!({ "auth": { "token": null } })).await.problem("in_use");
        let uses = operator.delete("/v1/connectors/api").await.problem("in_use").body["uses"].clone();
        assert_eq!(uses, json!([
            { "kind": "connection", "key": "main" },
            { "kind": "integration", "key": "sync", "alias": "a" },
        ]));
        let uses = operator.delete("/v1/integrations/sync").await.problem("in_use").body["uses"].clone();
        assert_eq!(uses, json!([{ "kind": "environment", "key": "dev", "deployed": false }]));
        // A preview changes nothing.
        let before = operator.get("/v1/whoami").await.is(200).body;
        for path in ["/v1/connectors/api", "/v1/connections/main", "/v1/integrations/sync", "/v1/environments/dev"] {
            operator.delete(&format!("{path}?dry_run=true&force=true")).await.is(200);
            operator.get(path).await.is(200);
        }
        assert_eq!(operator.get("/v1/whoami").await.is(200).body, before);
        // Forced, whoever used it goes on without.
        operator.delete("/v1/connections/main?force=true").await.is(204);
        assert_eq!(operator.get("/v1/environments/dev").await.is(200).body["assign"], json!({}));
        operator.delete("/v1/integrations/sync?force=true").await.is(204);
        operator.delete("/v1/connectors/api?force=true").await.is(204);
        operator.get("/v1/connectors/api").await.problem("not_found");
        // A tenant goes with all that it has, and nobody else's goes with it.
        furnish(&operator).await;
        let many = json!({ "connector": "api", "auth": "token", "embedded": true });
        operator.put("/v1/connections/many", many).await.is(201);
        for tenant in ["acme", "acme%20", "globex"] {
            let body = json!({ "credentials": { "token": "s3cret-3" } });
            operator.put(&format!("/v1/connections/many/activations/{tenant}"), body).await.is(201);
        }
        operator.put("/v1/tenants/acme", json!({})).await.is(201);
        operator.delete("/v1/tenants/acme").await.problem("in_use");
        operator.delete("/v1/tenants/acme?force=true").await.is(204);
        let left = operator.get("/v1/connections/many/activations").await.is(200);
        let left: Vec<_> = left.body["items"].as_array().unwrap().iter().map(|it| it["tenant"].clone()).collect();
        assert_eq!(left, [json!("acme "), json!("globex")]);
    }

    async fn lists_come_in_pages_in_the_order_of_keys(database: Database) {
        let gateway = Gateway::beside(&database, "connectors: { c-file: { base_url: https://a.example }, a-file: {} }\n");
        let operator = gateway.operator();
        for key in ["b-stored", "d-stored", "e-stored"] {
            operator.put(&format!("/v1/connectors/{key}"), json!({})).await.is(201);
        }
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = operator.get(&format!("/v1/connectors?limit=2{cursor}")).await.is(200);
            assert!(page.keys().len() <= 2);
            seen.extend(page.keys().iter().map(|it| (*it).to_owned()));
            match page.body["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, ["a-file", "b-stored", "c-file", "d-stored", "e-stored"]);
        assert_eq!(operator.get("/v1/connectors").await.is(200).keys().len(), 5);
        let next = operator.get("/v1/connectors?limit=1").await.is(200).text("next").to_owned();
        operator.get(&format!("/v1/connections?cursor={next}")).await.problem("bad_request");
        operator.get("/v1/connectors?limit=0").await.problem("bad_request");
    }

    async fn what_a_file_declares_is_shown_and_changed_there(database: Database) {
        let file = "\
connectors:
  api: { base_url: https://api.example.com, auth: { token: { bearer: {} } } }
connections:
  main: { connector: api, auth: token, credentials: { token: s3cret-of-the-file } }
  many: { connector: api, auth: token, embedded: true }
activations:
  - { connection: many, tenant: acme, credentials: { token: s3cret-of-acme } }
";
        let gateway = Gateway::beside(&database, file);
        let operator = gateway.operator();
        for (path, line) in [("/v1/connectors/api", 2), ("/v1/connections/main", 4), ("/v1/callers/runtime", 1)] {
            let shown = operator.get(path).await.is(200);
            assert_eq!(shown.body["source"]["line"], line, "{path}: {}", shown.body);
            assert!(!shown.response.text().contains("s3cret"), "{path}");
            let refused = operator.put(path, shown.body.clone()).await.problem("declared_in_file");
            assert_eq!((refused.status, &refused.body["source"]), (409, &shown.body["source"]), "{path}");
            operator.patch(path, json!({})).await.problem("declared_in_file");
            operator.delete(path).await.problem("declared_in_file");
        }
        let twin = json!({ "key": "main", "connector": "api", "auth": "token" });
        operator.post("/v1/connections", twin).await.problem("declared_in_file");
        operator.post("/v1/connections/main/switch", json!({ "to": "embedded" })).await.problem("declared_in_file");
        // Tenants are activated under a file's connection all the same; the file's own stay.
        let body = json!({ "credentials": { "token": "s3cret-of-globex" } });
        operator.put("/v1/connections/many/activations/globex", body.clone()).await.is(201);
        operator.put("/v1/connections/many/activations/acme", body).await.problem("declared_in_file");
        operator.delete("/v1/connections/many/activations/acme").await.problem("declared_in_file");
        let listed = operator.get("/v1/connections/many/activations").await.is(200);
        let tenants: Vec<_> = listed.body["items"].as_array().unwrap().iter().map(|it| it["tenant"].clone()).collect();
        assert_eq!(tenants, [json!("acme"), json!("globex")]);
        // A stored connection pins a revision of the file's method, which is recorded when it is seen.
        let stored = json!({ "connector": "api", "auth": "token", "credentials": { "token": "s3cret" } });
        assert_eq!(operator.put("/v1/connections/own", stored).await.is(201).body["revision"], 1);
    }

    async fn tokens_and_caller_keys_end_when_they_expire_or_are_withdrawn(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let past = json!({ "key": "old", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z" });
        assert_eq!(operator.post("/v1/tokens", past).await.problem("invalid").pointers(), ["/expires_at"]);
        // The configured token's own name.
        let taken = json!({ "key": "admin", "role": "viewer" });
        assert_eq!(operator.post("/v1/tokens", taken).await.problem("invalid").pointers(), ["/key"]);
        let soon = json!({ "key": "soon", "role": "viewer", "expires_at": "2099-01-01T00:00:00Z" });
        let token = operator.post("/v1/tokens", soon).await.is(201);
        assert_eq!(token.text("expires_at"), "2099-01-01T00:00:00Z");
        let viewer = operator.with_token(token.text("token"));
        viewer.get("/v1/tokens").await.is(200);
        // One whose time has come opens nothing.
        let ended = format!("ato_{}", "e".repeat(43));
        let row = TokenRow {
            role: "admin".to_owned(),
            hash: Sha256::digest(&ended).into(),
            prefix: "ato_eeee".to_owned(),
            expires_at_ms: Some(1),
        };
        let store = gateway.writer().store;
        store.tokens().put(SYSTEM, "ended", &row, Expect::Absent).await.expect("it can be written");
        operator.with_token(&ended).get("/v1/whoami").await.problem("operator_unauthenticated");
        let caller = operator.post("/v1/callers", json!({ "key": "a" })).await.is(201);
        let prefix = caller.body["keys"][0]["prefix"].as_str().unwrap().to_owned();
        assert!(caller.text("caller_key").starts_with(&prefix));
        // A caller key is no operator's token.
        operator.with_token(caller.text("caller_key")).get("/v1/whoami").await.problem("operator_unauthenticated");
        operator.delete("/v1/callers/a/keys/atc_none").await.problem("not_found");
        operator.delete(&format!("/v1/callers/a/keys/{prefix}")).await.is(204);
        assert_eq!(operator.get("/v1/callers/a").await.is(200).body["keys"], json!([]));
    }
}

/// What it is decided on is changed between the decision and the write: all or none is still so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_activated_in_a_whole_environment_or_not_at_all_whoever_writes_meanwhile() {
    let Some(database) = Database::postgres().await else { return };
    let gateway = Gateway::beside(&database, EMPTY);
    let operator = gateway.operator();
    furnish(&operator).await;
    for key in ["a", "b", "c"] {
        let body = json!({ "connector": "api", "auth": "token", "embedded": true });
        operator.put(&format!("/v1/connections/{key}"), body).await.is(201);
    }
    let links =
        json!({ "connectors": { "x": { "connector": "api" }, "y": { "connector": "api" } } });
    operator.put("/v1/integrations/sync", links).await.is(201);
    let live = json!({ "integration": "sync", "assign": { "x": "a", "y": "b" } });
    operator.put("/v1/environments/live", live).await.is(201);
    let credentials = json!({ "credentials": { "token": "t" } });
    let waiting = async |count: i64| {
        let sql = "SELECT COUNT(*) FROM pg_stat_activity \
                   WHERE wait_event_type = 'Lock' AND datname = current_database()";
        let waits = async { while database.number(sql).await < count {} };
        soon(&format!("{count} writers to wait"), waits).await;
    };
    for (tenant, other) in [("acme", "DELETE"), ("globex", "PATCH")] {
        let path = format!("/v1/connections/b/activations/{tenant}");
        operator.put(&path, credentials.clone()).await.is(201);
        // Both have read and wait for their turn; the other one is first.
        let mut lock = PgConnection::connect(&database.url).await.unwrap();
        sqlx::raw_sql("BEGIN; SELECT 1 FROM deployment FOR UPDATE")
            .execute(&mut lock)
            .await
            .unwrap();
        let writer = operator.clone();
        let first = tokio::spawn(async move {
            match other {
                "DELETE" => writer.delete(&path).await,
                _ => writer.patch("/v1/environments/live", json!({ "assign": { "y": "c" } })).await,
            }
        });
        waiting(1).await;
        let (writer, body) = (operator.clone(), json!({ "connections": { "a": credentials } }));
        let whole = format!("/v1/environments/live/activations/{tenant}");
        let second = tokio::spawn(async move { writer.put(&whole, body).await });
        waiting(2).await;
        sqlx::raw_sql("COMMIT").execute(&mut lock).await.unwrap();
        assert!(first.await.unwrap().status < 300);
        second.await.unwrap().problem("invalid");
        let of_a = format!("/v1/connections/a/activations/{tenant}");
        operator.get(&of_a).await.problem("not_found");
    }
}
