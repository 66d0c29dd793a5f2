//! The shipped program on a database that somebody else has had their hands in, that is full, restored, newer,
//! or was left in the middle: what is sound is served, and the rest is named.
use crate::support::Database;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::SmallDisk;
use crate::support::each_engine;
use crate::support::replica;
use attache::store::SCHEMA;
use rustix::process::Signal;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;

/// A deployment's key, and somebody else's of the same version. Neither is secret.
const OURS: &str = "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const THEIRS: &str = "1:a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf";

fn file(database: &Database, name: &str, key: &str) -> PathBuf {
    let path = database.folder.path().join(name);
    fs::write(&path, key).expect("the folder takes files");
    path
}

/// A connector with an embedded connection `many` and the standard ones `one`, `two` and `three`, all by API.
async fn define(gateway: &Process, upstream: &RawUpstream) {
    let operator = gateway.operator();
    let connector = json!({ "base_url": upstream.url(), "auth": { "m": { "bearer": {} } } });
    operator.put("/v1/connectors/api", connector).await.is(201);
    let many = json!({ "connector": "api", "auth": "m", "embedded": true });
    operator.put("/v1/connections/many", many).await.is(201);
    for key in ["one", "two", "three"] {
        let credentials = json!({ "token": format!("token-of-{key}") });
        let body = json!({ "connector": "api", "auth": "m", "credentials": credentials });
        operator.put(&format!("/v1/connections/{key}"), body).await.is(201);
    }
}

async fn activate(gateway: &Process, tenant: &str) {
    let path = format!("/v1/connections/many/activations/{tenant}");
    let body = json!({ "credentials": { "token": format!("token-of-{tenant}") } });
    gateway.operator().put(&path, body).await.is(201);
}

/// It is served, with its own credential.
async fn is_well(gateway: &Process, upstream: &RawUpstream, what: &str) {
    let path = match what {
        "one" | "two" | "three" => format!("/c/{what}/a"),
        tenant => format!("/c/many@{tenant}/a"),
    };
    let answer = gateway.ask(&path).await;
    assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    let arrived = upstream.request().await;
    assert_eq!(arrived.field("authorization"), Some(&*format!("Bearer token-of-{what}")));
}

/// It is refused, and nothing is sent.
async fn is_refused(gateway: &Process, upstream: &RawUpstream, path: &str) -> (u16, String) {
    let answer = gateway.ask(path).await;
    assert!(upstream.request_so_far().await.is_none(), "nothing is sent");
    (answer.status, answer.code().expect("it is an answer of attache's own"))
}

/// Runs `attache keys verify`: exit code, and what it said.
fn verify(database: &Database, key: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attache"));
    command.env_clear().args(["keys", "verify"]).current_dir(database.folder.path());
    command.env("ATTACHE_DATABASE_URL", &database.url).env("ATTACHE_SEAL_KEY_FILE", key);
    let ended = command.stdin(Stdio::null()).output().expect("the program can be run");
    (ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned())
}

/// Two rows' owners or tenants change places.
async fn swap(database: &Database, column: &str, (one, other): (&str, &str)) {
    let set = |from: &str, to: &str| {
        format!("UPDATE credentials SET {column} = '{to}' WHERE {column} = '{from}'; ")
    };
    let sql = set(one, "between") + &set(other, one) + &set("between", other);
    database.run(&format!("BEGIN; {sql} COMMIT")).await;
}

each_engine! {
    /// ST-03, by hand in the database, under a gateway that starts and one that runs.
    async fn credentials_that_changed_places_open_nowhere_and_are_told_while_others_go_on(database: Database) {
        let key = file(&database, "key", OURS);
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Process::replica(&database.url, &key, "").await;
        define(&gateway, &upstream).await;
        for tenant in ["acme", "globex", "initech", "hooli"] {
            activate(&gateway, tenant).await;
        }
        is_well(&gateway, &upstream, "initech").await;
        // Tenants, under a gateway that has not looked either up.
        swap(&database, "tenant", ("acme", "globex")).await;
        let mut ids = Vec::new();
        for connection in ["one", "two"] {
            let read = gateway.operator().get(&format!("/v1/connections/{connection}")).await.is(200);
            ids.push(read.text("id").to_owned());
        }
        swap(&database, "owner", (&ids[0], &ids[1])).await;
        // The running one has the standard connections open; one that starts has not.
        let fresh = Process::replica(&database.url, &key, "").await;
        for (gateway, has_opened) in [(&gateway, true), (&fresh, false)] {
            for tenant in ["acme", "globex"] {
                let (status, code) = is_refused(gateway, &upstream, &format!("/c/many@{tenant}/a")).await;
                assert_eq!((status, &*code), (503, "credential_unavailable"), "{tenant}");
                gateway.logs(tenant).await;
            }
            for well in ["initech", "hooli", "three"] {
                is_well(gateway, &upstream, well).await;
            }
            assert!(gateway.metric("attache_store_lookups_total{outcome=\"damaged\"}").await >= 2.0);
            let status = gateway.store_status().await;
            if has_opened {
                is_well(gateway, &upstream, "one").await;
                continue;
            }
            for connection in ["one", "two"] {
                let (status, _) = is_refused(gateway, &upstream, &format!("/c/{connection}/a")).await;
                assert!(matches!(status, 404 | 503), "{status}");
                gateway.logs(&format!("connection {connection}")).await;
            }
            assert_eq!(status["skipped"], 2, "{status}");
            assert_eq!(gateway.metric("attache_store_skipped").await, 2.0);
        }
        let (code, said) = verify(&database, &key);
        assert_eq!(code, Some(1), "{said}");
        for place in ["tenant \"acme\"", "tenant \"globex\"", "connection one", "connection two"] {
            assert!(said.contains(place), "{place}: {said}");
        }
        assert!(said.contains("\n4 of 8 do not open"), "{said}");
        // Set anew by API they are well again.
        let body = json!({ "credentials": { "token": "token-of-acme" } });
        fresh.operator().put("/v1/connections/many/activations/acme", body).await.is(200);
        is_well(&fresh, &upstream, "acme").await;
    }

    /// Row by row, by hand in the database: each costs itself, is named by a gateway that starts, and by lists.
    async fn rows_that_are_not_what_was_written_are_left_out_and_named_and_stop_nothing(database: Database) {
        let key = file(&database, "key", OURS);
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Process::replica(&database.url, &key, "").await;
        define(&gateway, &upstream).await;
        activate(&gateway, "acme").await;
        activate(&gateway, "globex").await;
        let operator = gateway.operator();
        let other = json!({ "base_url": upstream.url(), "auth": { "m": { "bearer": {} } } });
        operator.put("/v1/connectors/other", other).await.is(201);
        let expires_at = json!({ "key": "guest", "expires_at": "2100-01-01T00:00:00Z" });
        let guest = operator.post("/v1/callers", expires_at).await.is(201);
        let guest = guest.text("caller_key").to_owned();
        let as_guest = async |gateway: &Process| {
            let request = format!("GET /c/three/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {guest}\r\n\r\n");
            crate::support::raw_request(gateway.proxy, request).await.status
        };
        assert_eq!(as_guest(&gateway).await, 200);
        upstream.request().await;
        for sql in [
            "UPDATE origins SET reach = '{' WHERE connection = 'one'",
            "UPDATE credentials SET fields = '{' WHERE slot = 'own' \
             AND owner = (SELECT id FROM connections WHERE key = 'two')",
            "UPDATE caller_keys SET expires_at = NULL",
            "UPDATE auth_methods SET definition = '{}' WHERE connector = 'other'",
            "UPDATE activations SET enabled = 0 WHERE tenant = 'acme'",
        ] {
            database.run(sql).await;
        }
        let fresh = Process::replica(&database.url, &key, "").await;
        // The running one reads them when they are touched.
        operator.patch("/v1/connections/three", json!({ "name": "touched" })).await.is(200);
        operator.patch("/v1/callers/guest", json!({ "connections": ["three"] })).await.is(200);
        for gateway in [&fresh, &gateway] {
            let status = gateway.store_status().await;
            assert_eq!(status["reached"], true, "{status}");
            assert!(status["skipped"].as_u64() >= Some(1), "{status}");
            assert_eq!(as_guest(gateway).await, 401, "it may have ended: nobody knows");
            is_well(gateway, &upstream, "three").await;
            is_well(gateway, &upstream, "globex").await;
        }
        // What it was entered for does not read: it goes nowhere.
        let (_, code) = is_refused(&fresh, &upstream, "/c/one/a").await;
        assert_eq!(code, "base_url_forbidden");
        is_refused(&fresh, &upstream, "/c/two/a").await;

        let listed = async |path: &str| {
            let page = fresh.operator().get(path).await.is(200);
            let unreadable = page.body["unreadable"].as_array().cloned().unwrap_or_default();
            let named: Vec<_> = unreadable.iter().map(|it| it["key"].as_str().unwrap_or_default().to_owned()).collect();
            (page.keys().join(" "), named)
        };
        let counted = fresh.metric("attache_store_unreadable_total").await;
        assert_eq!(listed("/v1/connections").await, ("many one three".to_owned(), vec!["two".to_owned()]));
        assert_eq!(listed("/v1/connectors").await, ("api".to_owned(), vec!["other".to_owned()]));
        assert_eq!(listed("/v1/callers").await.0, "guest runtime");
        let activations = fresh.operator().get("/v1/connections/many/activations").await.is(200);
        assert_eq!(activations.body["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(activations.body["unreadable"].as_array().map(Vec::len), Some(1));
        let origins = json!({ "origins": [upstream.url()] });
        fresh.operator().post("/v1/connections/one/confirm", origins).await.is(200);
        is_well(&fresh, &upstream, "one").await;
        // A page of damaged rows alone is not the last one.
        database.run("UPDATE connections SET definition = '[]' WHERE key IN ('many', 'one')").await;
        let first = fresh.operator().get("/v1/connections?limit=2").await.is(200);
        assert_eq!((first.keys().len(), first.body["unreadable"].as_array().map(Vec::len)), (0, Some(2)));
        let next = format!("/v1/connections?cursor={}", first.text("next"));
        assert_eq!(listed(&next).await.0, "three");
        assert!(fresh.metric("attache_store_unreadable_total").await >= counted + 5.0);
        // Written anew they are well again: a method by its next revision.
        let anew = json!({ "base_url": upstream.url(), "auth": { "m": { "bearer": {} } } });
        fresh.operator().put("/v1/connectors/other", anew).await.is(200);
        let anew = json!({ "connector": "api", "auth": "m", "credentials": { "token": "token-of-two" } });
        fresh.operator().put("/v1/connections/two", anew).await.is(200);
        is_well(&fresh, &upstream, "two").await;
    }

    async fn rows_of_another_deployment_do_not_open_and_are_told_while_others_go_on(database: Database) {
        let key = file(&database, "key", OURS);
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Process::replica(&database.url, &key, "").await;
        define(&gateway, &upstream).await;
        for tenant in ["acme", "globex"] {
            activate(&gateway, tenant).await;
        }
        // As another deployment wrote it, whose key has the same version.
        let theirs = Database::sqlite();
        let their_key = file(&theirs, "key", THEIRS);
        let another = Process::replica(&theirs.url, &their_key, "").await;
        define(&another, &upstream).await;
        activate(&another, "acme").await;
        let key_id = "SELECT key_id FROM credentials WHERE tenant = 'acme'";
        let theirs = theirs.text(key_id).await;
        assert_ne!(theirs, database.text(key_id).await);
        database.run(&format!("UPDATE credentials SET key_id = '{theirs}' WHERE tenant = 'acme'")).await;
        let (status, code) = is_refused(&gateway, &upstream, "/c/many@acme/a").await;
        assert_eq!((status, &*code), (503, "credential_unavailable"));
        gateway.logs(&theirs).await;
        is_well(&gateway, &upstream, "globex").await;
        let (code, said) = verify(&database, &key);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("{theirs} (not among ours): 0 open, 1 do not")), "{said}");
        // A start says which key it would need.
        let (code, said) = Process::refused(&replica(&database.url, &key, ""));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(&format!("{theirs} (1 credential)")), "{said}");
    }

    /// ST-07.
    async fn a_backup_is_readable_with_its_key_and_not_without(database: Database) {
        let key = file(&database, "key", OURS);
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Process::replica(&database.url, &key, "").await;
        define(&gateway, &upstream).await;
        activate(&gateway, "acme").await;
        // While it runs, as an operator does it.
        let elsewhere = database.empty().await;
        database.copy_into(&elsewhere).await;
        activate(&gateway, "after-the-backup").await;
        drop(gateway);

        let restored = Process::replica(&elsewhere.url, &key, "").await;
        for well in ["acme", "one", "two", "three"] {
            is_well(&restored, &upstream, well).await;
        }
        let (status, code) = is_refused(&restored, &upstream, "/c/many@after-the-backup/a").await;
        assert_eq!((status, &*code), (404, "activation_not_found"));
        activate(&restored, "globex").await;
        is_well(&restored, &upstream, "globex").await;
        drop(restored);
        let (code, said) = verify(&elsewhere, &key);
        assert_eq!(code, Some(0), "{said}");

        let key_id = elsewhere.text("SELECT key_id FROM credentials WHERE tenant = 'acme'").await;
        let other = file(&elsewhere, "other", THEIRS);
        let gone = elsewhere.folder.path().join("gone");
        for without in [&other, &gone] {
            let (code, said) = Process::refused(&replica(&elsewhere.url, without, ""));
            assert_eq!(code, Some(2), "{said}");
            assert!(without == &gone || said.contains(&key_id), "{said}");
        }
        let (code, said) = verify(&elsewhere, &other);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(": 0 open, 6 do not"), "{said}");
    }

    async fn a_newer_database_is_left_alone(database: Database) {
        let key = file(&database, "key", OURS);
        drop(Process::replica(&database.url, &key, "").await);
        let newer = SCHEMA + 2;
        let sql = format!("INSERT INTO schema_versions (version, name, at) VALUES ({newer}, 'x', 0)");
        database.run(&sql).await;
        let (code, said) = Process::refused(&replica(&database.url, &key, ""));
        assert_eq!(code, Some(2), "{said}");
        let plain = format!("the database is at schema {newer}, this attache knows {SCHEMA}");
        assert!(said.contains(&plain) && said.trim_end().lines().count() <= 2, "{said}");
    }

    /// Three kills; thirty in `make test-long`.
    async fn what_the_api_acknowledged_is_served_after_a_kill(database: Database) {
        let kills = if std::env::var_os("ATTACHE_TEST_LONG").is_some() { 30 } else { 3 };
        let key = file(&database, "key", OURS);
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let mut gateway = Process::replica(&database.url, &key, "").await;
        define(&gateway, &upstream).await;
        let acknowledged: Arc<Mutex<Vec<String>>> = Arc::default();
        for life in 0..kills {
            let before = acknowledged.lock().expect("no holder panics").len();
            let writers: Vec<_> = (0..4).map(|writer| {
                let (admin, acknowledged) = (gateway.admin, Arc::clone(&acknowledged));
                tokio::spawn(async move {
                    for number in 0.. {
                        let tenant = format!("tenant-{life}-{writer}-{number}");
                        if !put(admin, &tenant).await {
                            return;
                        }
                        acknowledged.lock().expect("no holder panics").push(tenant);
                    }
                })
            }).collect();
            while acknowledged.lock().expect("no holder panics").len() < before + 5 + life {
                tokio::task::yield_now().await;
            }
            gateway.signal(Signal::KILL);
            gateway.ended().await;
            for writer in writers {
                writer.await.expect("it ends with the gateway");
            }
            // It is ready as any start is: there is nothing to be mended first.
            gateway = Process::replica(&database.url, &key, "").await;
            let status = gateway.store_status().await;
            assert_eq!((&status["reached"], &status["skipped"]), (&json!(true), &json!(0)), "{status}");
            assert_eq!(gateway.metric("attache_store_rereads_total").await, 0.0);
            let all = acknowledged.lock().expect("no holder panics").clone();
            assert!(all.len() > before);
            for tenant in &all[before..] {
                is_well(&gateway, &upstream, tenant).await;
            }
        }
        let all = acknowledged.lock().expect("no holder panics").clone();
        for tenant in &all {
            is_well(&gateway, &upstream, tenant).await;
        }
        // Nothing half-done: each activation has its credential.
        let activations = database.number("SELECT COUNT(*) FROM activations").await;
        let sealed = "SELECT COUNT(*) FROM credentials WHERE slot = 'activation'";
        assert_eq!(database.number(sealed).await, activations);
        let (code, said) = verify(&database, &key);
        assert_eq!(code, Some(0), "{said}");
    }
}

/// True where it was acknowledged; a gateway that is killed says nothing.
async fn put(admin: std::net::SocketAddr, tenant: &str) -> bool {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    let body = json!({ "credentials": { "token": format!("token-of-{tenant}") } }).to_string();
    let request = format!(
        "PUT /v1/connections/many/activations/{tenant} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        crate::support::ADMIN_TOKEN,
        body.len()
    );
    let Ok(mut link) = tokio::net::TcpStream::connect(admin).await else { return false };
    if link.write_all(request.as_bytes()).await.is_err() {
        return false;
    }
    let mut answer = String::new();
    drop(link.read_to_string(&mut answer).await);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 201"), "{answer}");
    !answer.is_empty()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_the_rest_goes_on() {
    let Some(disk) = SmallDisk::mounted("3m") else { return };
    let database = Database::sqlite();
    let key = file(&database, "key", OURS);
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let url = format!("sqlite:{}", disk.path().join("attache.db").display());
    let gateway = Process::replica(&url, &key, "").await;
    define(&gateway, &upstream).await;
    for tenant in ["warm", "cold"] {
        activate(&gateway, tenant).await;
    }
    is_well(&gateway, &upstream, "warm").await;
    let ballast = disk.path().join("ballast");
    // What is left of it.
    drop(fs::write(&ballast, vec![1; 4 << 20]));
    let operator = gateway.operator();
    let large = json!({ "name": "x".repeat(4000) });
    let mut refused = None;
    for number in 0..2000 {
        let reply = operator.put(&format!("/v1/tenants/t{number}"), large.clone()).await;
        if reply.status != 201 {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("the disk is full").is(507);
    assert_eq!(refused.response.code().as_deref(), Some("store_full"));
    assert!(refused.response.text().contains("nothing was written"));
    for well in ["warm", "cold", "one"] {
        is_well(&gateway, &upstream, well).await;
    }
    assert_eq!(gateway.store_status().await["reached"], true);
    fs::remove_file(&ballast).expect("it is there");
    activate(&gateway, "after").await;
    is_well(&gateway, &upstream, "after").await;
}
