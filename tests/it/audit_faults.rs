//! What the audit trail and the events do where something is wrong with them, or with what they are kept under.
use crate::support::Database;
use crate::support::Process;
use crate::support::SYSTEM;
use crate::support::each_engine;
use attache::model::Key;
use attache::model::Scope;
use attache::store::ActivationRow;
use attache::store::AuditFilter;
use attache::store::Break;
use attache::store::Expect;
use attache::store::Secrets;
use attache::store::Store;
use attache::store::StoreError;
use attache::store::TenantRow;
use indexmap::IndexMap;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// Not secret.
const KEY: &str = "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEXT: &str = "2:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

const WIPED: &str =
    "DELETE FROM audit; UPDATE deployment SET audit_seq = 0, audit_mac = '', audit_head = ''";

fn ci() -> Scope {
    Scope::Operator(Key::try_from("ci").unwrap())
}

fn key_file(database: &Database, keys: &str) -> PathBuf {
    let path = database.folder.path().join("key");
    fs::write(&path, keys).expect("the folder takes files");
    path
}

/// A command as an operator runs it beside the gateways: exit code, and what it printed.
async fn run(database: &Database, key: &Path, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attache"));
    command.env_clear().args(words).current_dir(database.folder.path());
    command.env("ATTACHE_DATABASE_URL", &database.url).env("ATTACHE_SEAL_KEY_FILE", key);
    let ended = tokio::task::spawn_blocking(move || command.output()).await;
    let ended = ended.expect("it does not panic").expect("the program can be run");
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.code(), String::from_utf8_lossy(&said).into_owned())
}

async fn tenant(store: &Store, key: &str) -> Result<(), StoreError> {
    let row = TenantRow { definition: "{}".to_owned() };
    store.tenants().put(&ci(), key, &row, Expect::Anything).await.map(drop)
}

async fn found(database: &Database, store: &Store) -> Vec<(Break, i64)> {
    let checked = store.audit().verify(SYSTEM, &database.trail, None, |_, _| {}).await.unwrap();
    checked.findings.iter().map(|it| (it.what, *it.seqs.start())).collect()
}

/// Overwrites the beginning of the SQLite file's page that this text stands in.
fn break_page(path: &Path, text: &str) {
    let bytes = fs::read(path).unwrap();
    let found = bytes.windows(text.len()).position(|it| it == text.as_bytes());
    let page = found.expect("it stands in the file") / 4096 * 4096;
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(page as u64)).unwrap();
    file.write_all(&[0xff; 64]).unwrap();
}

each_engine! {
    async fn a_cut_tail_whose_end_is_put_back_is_found_by_the_versions(database: Database) {
        let store = database.store().await;
        for key in ["a", "b"] {
            tenant(&store, key).await.unwrap();
        }
        database.run("CREATE TABLE noted AS SELECT audit_mac AS mac, audit_head AS head FROM deployment").await;
        store.tenants().delete(&ci(), "a", false, Expect::Anything).await.unwrap();
        database
            .run(
                "DELETE FROM audit WHERE seq > 3; UPDATE deployment SET audit_seq = 3, \
                 audit_mac = (SELECT mac FROM noted), audit_head = (SELECT head FROM noted)",
            )
            .await;
        assert_eq!(found(&database, &store).await, [(Break::Untold(3, 3), 3)]);
        // Another process, which knows nothing of it, goes on.
        tenant(&database.open().await, "c").await.unwrap();
        assert_eq!(found(&database, &store).await, [(Break::Untold(3, 3), 3)]);
    }

    async fn what_an_attache_without_a_trail_writes_is_found(database: Database) {
        let store = database.store().await;
        tenant(&store, "a").await.unwrap();
        database.run("UPDATE deployment SET revision = revision + 5").await;
        assert_eq!(found(&database, &store).await, [(Break::Untold(2, 6), 2)]);
        tenant(&store, "b").await.unwrap();
        assert_eq!(found(&database, &store).await, [(Break::Untold(2, 6), 2)]);
    }

    async fn who_has_seen_the_trail_does_not_begin_another(database: Database) {
        let (store, other) = (database.store().await, database.open().await);
        tenant(&store, "a").await.unwrap();
        // What another replica writes is nothing to wonder at.
        tenant(&other, "b").await.unwrap();
        tenant(&store, "c").await.unwrap();
        assert_eq!(found(&database, &store).await, []);
        database.run(WIPED).await;
        tenant(&store, "d").await.unwrap();
        let (entries, _) =
            store.audit().list(SYSTEM, &AuditFilter::default(), None, 10).await.unwrap();
        let shown: Vec<_> = entries.iter().map(|it| (&*it.act, &*it.who)).collect();
        assert_eq!(shown, [("created", "operator ci"), ("broken", "attache")]);
        let became: Value = serde_json::from_str(&entries[1].became).unwrap();
        assert_eq!((&became["by"], &became["gone"]["seq"]), (&json!("operator ci"), &json!(4)));
        assert_eq!(found(&database, &store).await, [(Break::GoesOn, 1)]);
        let (events, _) = store.events().after(SYSTEM, 3, &[], 10).await.unwrap();
        let told: Vec<_> = events.iter().map(|it| (&*it.name, it.data.contains("\"by\":\"attache\""))).collect();
        assert_eq!(told, [("audit.broken", true), ("tenant.created", false)]);
        // Nor after a start, where it was there at the start.
        let started = database.open().await;
        started.audit().begin(SYSTEM).await.unwrap();
        database.run(WIPED).await;
        tenant(&started, "e").await.unwrap();
        assert_eq!(found(&database, &store).await, [(Break::GoesOn, 1)]);
    }

    async fn a_trail_that_begins_late_has_to_be_named(database: Database) {
        let key = key_file(&database, KEY);
        let gateway = Process::replica(&database.url, &key, "").await;
        for tenant in ["a", "b"] {
            gateway.operator().put(&format!("/v1/tenants/{tenant}"), json!({})).await.is(201);
        }
        drop(gateway);
        database.run(WIPED).await;
        let gateway = Process::replica(&database.url, &key, "").await;
        gateway.operator().put("/v1/tenants/c", json!({})).await.is(201);
        let (code, said) = run(&database, &key, &["audit", "verify"]).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("begins with version 3") && said.contains("`--begins-with 3`"), "{said}");
        let (code, said) = run(&database, &key, &["audit", "verify", "--begins-with", "3"]).await;
        assert_eq!(code, Some(0), "{said}");
        let (code, _) = run(&database, &key, &["audit", "verify", "--begins-with", "2"]).await;
        assert_eq!(code, Some(1));
    }

    async fn each_connection_whose_credentials_may_go_elsewhere_is_told_with_its_own_origins(database: Database) {
        let key = key_file(&database, KEY);
        let gateway = Process::replica(&database.url, &key, "").await;
        let operator = gateway.operator();
        let connector = |host: &str| json!({ "base_url": format!("https://{host}.test"), "auth": { "m": { "bearer": {} } } });
        operator.put("/v1/connectors/api", connector("old")).await.is(201);
        for name in ["a", "b"] {
            let origins = [format!("https://{name}.test")];
            let body = json!({ "connector": "api", "auth": "m", "credentials": { "token": "t" }, "allowed_origins": origins });
            operator.put(&format!("/v1/connections/{name}"), body).await.is(201);
        }
        operator.put("/v1/connectors/api?confirm=origin", connector("new")).await.is(200);
        let evil = json!({ "connector": "api", "auth": "m", "base_url": "https://elsewhere.test" });
        operator.put("/v1/connections/a", evil.clone()).await.problem("origin_changed");
        operator.put("/v1/connections/a?confirm=origin", evil.clone()).await.is(200);
        // Nothing new is confirmed by saying it again.
        operator.put("/v1/connections/a?confirm=origin", evil).await.is(200);
        let listed = operator.get("/v1/audit?kind=connection&limit=200").await.is(200);
        let items = listed.body["items"].as_array().expect("a list").iter();
        let mut confirmed: Vec<_> = items.filter(|it| it["act"] == "confirmed").collect();
        // The two of one write stand in any order.
        confirmed[1..].sort_by_key(|it| it["key"].to_string());
        let keys: Vec<_> = confirmed.iter().map(|it| it["key"].as_str().unwrap()).collect();
        assert_eq!(keys, ["a", "a", "b"], "{confirmed:?}");
        for (entry, (was, became)) in
            confirmed.iter().zip([("new", "elsewhere"), ("old", "new"), ("old", "new")])
        {
            let (before, after) = (entry["before"].to_string(), entry["after"].to_string());
            assert!(before.contains(&format!("{was}.test")), "{entry}");
            assert!(after.contains(&format!("{became}.test")), "{entry}");
        }
        for (entry, (own, other)) in confirmed[1..].iter().zip([("a", "b"), ("b", "a")]) {
            for side in ["before", "after"] {
                let reach = entry[side].to_string();
                assert!(reach.contains(&format!("//{own}.test")) || reach.contains(&format!("\"{own}.test")), "{entry}");
                assert!(!reach.contains(&format!("//{other}.test")) && !reach.contains(&format!("\"{other}.test")), "{entry}");
            }
        }
    }

    async fn a_definition_that_is_too_long_to_repeat_is_told_by_its_digest(database: Database) {
        let store = database.store().await;
        let method = |length: usize| {
            let text = json!({ "description": "x".repeat(length), "bearer": {} }).to_string();
            IndexMap::from([("m".to_owned(), text)])
        };
        for (key, length) in [("short", 1000), ("long", 70_000)] {
            let (who, methods) = (ci(), method(length));
            let put = store.connectors().put(&who, key, "{}", &methods, false, Expect::Absent);
            put.await.unwrap();
        }
        let filter = AuditFilter { kind: Some("auth method".to_owned()), ..AuditFilter::default() };
        let (entries, _) = store.audit().list(SYSTEM, &filter, None, 10).await.unwrap();
        let became = |at: usize| serde_json::from_str::<Value>(&entries[at].became).unwrap();
        assert!(entries[0].became.len() < 1000, "{}", entries[0].became.len());
        assert_eq!(became(0)["definition"]["bytes"], method(70_000)["m"].len());
        assert_eq!(became(0)["definition"]["sha256"].as_str().map(str::len), Some(64));
        assert_eq!(became(1)["definition"]["bearer"], json!({}));
    }

    async fn a_row_that_did_not_read_and_is_put_again_is_told_as_updated_alone(database: Database) {
        let store = database.store().await;
        let row = ActivationRow {
            owner: "file:desk".to_owned(),
            tenant: "acme".to_owned(),
            connection: "desk".to_owned(),
            enabled: true,
            definition: "{}".to_owned(), account: None };
        for sql in ["UPDATE activations SET checksum = 'x'", "SELECT 1"] {
            let put = store.activations().put(SYSTEM, &row, Secrets::Keep, Expect::Anything);
            put.await.unwrap();
            database.run(sql).await;
        }
        let (events, _) = store.events().after(SYSTEM, 0, &[], 10).await.unwrap();
        let told: Vec<_> = events.iter().map(|it| &*it.name).collect();
        assert_eq!(told, ["activation.created", "activation.updated"]);
    }

    async fn a_row_in_the_way_refuses_writes_with_what_to_do(database: Database) {
        let key = key_file(&database, KEY);
        let gateway = Process::replica(&database.url, &key, "").await;
        let operator = gateway.operator();
        operator.put("/v1/tenants/a", json!({})).await.is(201);
        let last = database.number("SELECT audit_seq FROM deployment").await;
        let events = database.number("SELECT events_seq FROM deployment").await;
        let audit = format!(
            "INSERT INTO audit (seq, at, who, act, kind, key, tenant, revision, was, became, prior, mac) \
             SELECT {}, at, who, act, kind, key, tenant, revision, was, became, prior, mac FROM audit WHERE seq = {last}",
            last + 1
        );
        let event = format!(
            "INSERT INTO events (seq, id, at, type, connection, tenant, environment, data) \
             VALUES ({}, 'evt_x', 0, 'x', '', '', '', '')",
            events + 1
        );
        for (table, number, sql) in [("audit", last + 1, audit), ("events", events + 1, event)] {
            database.run(&sql).await;
            for path in ["/v1/tenants/b", "/v1/tenants/b?dry_run=true"] {
                let refused = operator.put(path, json!({})).await.is(503).problem("store_unavailable");
                let said = refused.text("detail");
                assert!(said.contains(&format!("row {number} of `{table}`")), "{said}");
                assert!(said.contains("delete that row") && !said.contains("tenant"), "{said}");
            }
            database.run(&format!("DELETE FROM {table} WHERE seq = {number}")).await;
        }
        operator.put("/v1/tenants/b", json!({})).await.is(201);
        let (code, said) = run(&database, &key, &["audit", "verify"]).await;
        assert_eq!(code, Some(0), "{said}");
    }

    async fn no_new_key_is_made_beside_a_trail(database: Database) {
        let key = key_file(&database, KEY);
        let gateway = Process::replica(&database.url, &key, "").await;
        gateway.operator().put("/v1/tenants/a", json!({})).await.is(201);
        drop(gateway);
        database.run("CREATE TABLE kept AS SELECT * FROM credentials WHERE owner = 'deployment'").await;
        for (loss, left) in [
            ("UPDATE credentials SET fields = '{' WHERE owner = 'deployment'", 1),
            ("DELETE FROM credentials WHERE owner = 'deployment'", 0),
        ] {
            database.run(loss).await;
            let gateway = Process::replica(&database.url, &key, "").await;
            let operator = gateway.operator();
            let refused = operator.put("/v1/tenants/b", json!({})).await.is(503);
            let said = refused.text("detail");
            assert!(said.contains("`deployment`") && said.contains("`credentials`"), "{loss}: {said}");
            operator.get("/v1/tenants/a").await.is(200);
            let stored = "SELECT COUNT(*) FROM credentials WHERE owner = 'deployment'";
            assert_eq!(database.number(stored).await, left, "{loss}");
        }
        database.run("INSERT INTO credentials SELECT * FROM kept").await;
        let gateway = Process::replica(&database.url, &key, "").await;
        gateway.operator().put("/v1/tenants/b", json!({})).await.is(201);
        let (code, said) = run(&database, &key, &["audit", "verify"]).await;
        assert_eq!(code, Some(0), "{said}");
    }

    async fn keys_are_checked_and_rotated_where_the_deployments_own_row_does_not_read(database: Database) {
        let key = key_file(&database, KEY);
        let gateway = Process::replica(&database.url, &key, "").await;
        let operator = gateway.operator();
        let connector = json!({ "base_url": "https://api.test", "auth": { "m": { "bearer": {} } } });
        operator.put("/v1/connectors/api", connector).await.is(201);
        for name in ["a", "b"] {
            let body = json!({ "connector": "api", "auth": "m", "credentials": { "token": "t" } });
            operator.put(&format!("/v1/connections/{name}"), body).await.is(201);
        }
        drop(gateway);
        let broken = database.empty().await;
        database.copy_into(&broken).await;
        broken.run("UPDATE credentials SET fields = '{' WHERE owner = 'deployment'").await;
        let (code, said) = run(&broken, &key, &["keys", "verify"]).await;
        assert!(code == Some(1) && said.contains("2 open"), "{said}");
        fs::write(&key, format!("{KEY}\n{NEXT}\n")).unwrap();
        let (code, said) = run(&broken, &key, &["keys", "rotate"]).await;
        assert_eq!(code, Some(1), "{said}");
        let of_connections = "SELECT COUNT(*) FROM credentials WHERE owner <> 'deployment' AND key_id LIKE 'v2%'";
        assert_eq!(broken.number(of_connections).await, 2, "{said}");

        // Where it reads, a rotation is entered in each of its lots, and told once.
        let (code, said) = run(&database, &key, &["keys", "rotate", "--batch", "1"]).await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(database.number("SELECT COUNT(*) FROM audit WHERE act = 'rewrapped'").await, 3);
        assert_eq!(database.number("SELECT COUNT(*) FROM events WHERE type = 'keys.rotated'").await, 1);
        let (code, said) = run(&database, &key, &["audit", "verify"]).await;
        assert_eq!(code, Some(0), "{said}");
    }

    async fn a_query_that_no_store_can_be_asked_is_a_bad_request(database: Database) {
        let key = key_file(&database, KEY);
        let gateway = Process::replica(&database.url, &key, "").await;
        let operator = gateway.operator();
        for path in ["/v1/audit?kind", "/v1/audit?who", "/v1/events?type", "/v1/catalogue?q", "/v1/tenants?cursor"] {
            operator.get(&format!("{path}=%00")).await.is(400);
            operator.get(&format!("{path}={}", "x".repeat(3000))).await.is(400);
        }
    }
}

/// Long enough for each entry to have pages of its own.
async fn forty_entries(database: &Database) -> Store {
    let store = database.store().await;
    for number in 0..40 {
        let text = format!("mark-{number:02}-{}", "x".repeat(6000));
        let row = TenantRow { definition: json!({ "name": text }).to_string() };
        store.tenants().put(&ci(), &format!("t{number:02}"), &row, Expect::Absent).await.unwrap();
    }
    store.tenants().delete(&ci(), "t20", false, Expect::Anything).await.unwrap();
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_page_of_the_trail_costs_its_entries_alone_and_is_named() {
    let database = Database::sqlite();
    let store = forty_entries(&database).await;
    // The trail's own copies of it are left.
    database.run("DELETE FROM tenants; VACUUM").await;
    store.close().await;
    break_page(&database.file(), "mark-20-");
    let store = database.open().await;
    let (entries, broken) =
        store.audit().list(SYSTEM, &AuditFilter::default(), None, 100).await.unwrap();
    assert_eq!(entries.len() + broken.len(), 42);
    assert!((1..8).contains(&broken.len()), "{broken:?}");
    let is_named =
        |it: &StoreError| matches!(it, StoreError::Corrupt { table: "audit", key: Some(_) });
    assert!(broken.iter().all(is_named), "{broken:?}");
    let numbers: Vec<_> = entries.iter().map(|it| it.seq).collect();
    assert!(numbers.is_sorted_by(|a, b| a > b), "{numbers:?}");
    let filter = AuditFilter { kind: Some("tenant".to_owned()), ..AuditFilter::default() };
    let (of_kind, _) = store.audit().list(SYSTEM, &filter, None, 100).await.unwrap();
    assert_eq!(of_kind.len(), entries.len() - 1);
    let checked = store.audit().verify(SYSTEM, &database.trail, None, |_, _| {}).await.unwrap();
    assert_eq!(checked.findings[0].what, Break::Damaged, "{:?}", checked.findings);
    assert_eq!(checked.findings[0].goes_on_at.map(|it| it > 1), Some(true));
    assert_eq!(checked.head.map(|it| it.seq), Some(42), "{:?}", checked.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_can_not_be_entered_for_damage_says_so_and_not_of_what_was_written() {
    let database = Database::sqlite();
    let store = forty_entries(&database).await;
    database.run("DELETE FROM tenants; VACUUM").await;
    store.close().await;
    // The last one's page: where the next entry goes.
    let page = database
        .number("SELECT MAX(pageno) FROM dbstat WHERE name = 'audit' AND pagetype = 'leaf'")
        .await;
    let mut file = fs::OpenOptions::new().write(true).open(database.file()).unwrap();
    file.seek(SeekFrom::Start(u64::try_from(page - 1).unwrap() * 4096)).unwrap();
    file.write_all(&[0xff; 64]).unwrap();
    let store = database.open().await;
    let refused = tenant(&store, "new").await;
    let Err(StoreError::NoTrail { problem, remedy }) = &refused else { panic!("{refused:?}") };
    assert!(problem.contains("`audit`") && remedy.contains("REINDEX"), "{problem}; {remedy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_entries_or_events_that_do_not_read_does_not_hold_up_the_next() {
    let database = Database::sqlite();
    let key = key_file(&database, KEY);
    let gateway = Process::replica(&database.url, &key, "").await;
    let operator = gateway.operator();
    for tenant in ["a", "b", "c", "d"] {
        operator.put(&format!("/v1/tenants/{tenant}"), json!({})).await.is(201);
    }
    let last = database.number("SELECT MAX(seq) FROM audit").await;
    database
        .run(&format!("UPDATE audit SET who = x'ff' WHERE seq IN ({last}, {})", last - 1))
        .await;
    database.run("UPDATE events SET data = x'ff' WHERE seq IN (1, 2)").await;
    let first = operator.get("/v1/audit?limit=2").await.is(200);
    assert_eq!(first.body["unreadable"].as_array().map(Vec::len), Some(2), "{first:?}");
    let next = first.body["next"].as_str().expect("there is more");
    let second = operator.get(&format!("/v1/audit?limit=2&cursor={next}")).await.is(200);
    assert_eq!(second.body["items"][0]["seq"], last - 2, "{second:?}");
    let first = operator.get("/v1/events?after=0&limit=2").await.is(200);
    assert_eq!(first.body["next"], 2, "{first:?}");
    let second = operator.get("/v1/events?after=2&limit=2").await.is(200);
    assert_eq!(second.body["items"][0]["seq"], 3, "{second:?}");
    // A good answer has all that its schema requires, and nothing else.
    let document = operator.get("/openapi.json").await.is(200).body;
    for (name, answer) in [("Events", &second.body), ("Event", &second.body["items"][0])] {
        let schema = &document["components"]["schemas"][name];
        let required = schema["required"].as_array().expect("some are");
        for member in required.iter().map(|it| it.as_str().expect("a name")) {
            assert!(answer.get(member).is_some(), "{name} requires {member}: {answer}");
        }
        let known = schema["properties"].as_object().expect("an object");
        for member in answer.as_object().expect("an object").keys() {
            assert!(known.contains_key(member), "{name} has no {member}");
        }
    }
}
