//! Events: followed by program, in order, without a gap that is not told; and what they tell of upstreams.
use crate::support::ADMIN_TOKEN;
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::soon;
use attache::model::UnixTime;
use attache::store::Act;
use attache::store::ActivationRow;
use attache::store::AuditFilter;
use attache::store::Expect;
use attache::store::Secrets;
use attache::store::Store;
use attache::store::TenantRow;
use attache::telemetry::Metrics;
use serde_json::Value;
use serde_json::json;
use sqlx::Connection;
use sqlx::SqliteConnection;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

async fn tenant(store: &Store, key: &str) {
    let row = TenantRow { definition: "{}".to_owned() };
    store.tenants().put(SYSTEM, key, &row, Expect::Anything).await.unwrap();
}

/// The feed as it was answered: numbers and types.
fn shown(feed: &Value) -> Vec<(i64, String)> {
    let items = feed["items"].as_array().expect("a list");
    let one = |it: &Value| Some((it["seq"].as_i64()?, it["type"].as_str()?.to_owned()));
    items.iter().filter_map(one).collect()
}

fn refusing(upstream: &RawUpstream) -> String {
    format!(
        "connectors: {{ api: {{ base_url: \"{}\", auth: {{ m: {{ bearer: {{}} }}, none: {{ none: {{}} }} }} }} }}
connections:
  one: {{ connector: api, auth: m, credentials: {{ token: t }} }}
  open: {{ connector: api, auth: none }}
events: {{ failing: {{ refusals: 3, lasting: 0s }} }}
egress: {{ allow: [127.0.0.0/8] }}",
        upstream.url()
    )
}

#[tokio::test]
async fn what_was_told_by_another_waits_for_nobody_who_writes() {
    let database = Database::sqlite();
    let store = database.store().await;
    assert_eq!(store.events().refused(SYSTEM, ("one", ""), true).await, Ok(true));
    let url = format!("sqlite://{}", database.file().display());
    let mut writer = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
    for (connection, is_failing) in [("one", true), ("other", false)] {
        let told = store.events().refused(SYSTEM, (connection, ""), is_failing).await;
        assert_eq!(told, Ok(false));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_at_a_shell_is_told_as_it_happens() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, &Gateway::usual("http://127.0.0.1:1"));
    let operator = gateway.operator();
    assert_eq!(operator.put("/v1/tenants/a", json!({})).await.status, 201);
    let mut child = Command::new(env!("CARGO_BIN_EXE_attache"))
        .env_clear()
        .env("ATTACHE_URL", format!("http://{}", gateway.admin))
        .env("ATTACHE_TOKEN", ADMIN_TOKEN)
        .args(["event", "follow", "--after", "0", "--type", "tenant.created"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program can be run");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is ours")).lines();
    for key in ["a", "b"] {
        let told = tokio::task::spawn_blocking(move || (lines.next(), lines));
        let (line, more) = soon("a line", told).await.expect("it does not panic");
        lines = more;
        let line = line.expect("it goes on").expect("a line");
        let event: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(event["data"]["key"], key, "{event}");
        if key == "a" {
            assert_eq!(operator.put("/v1/tenants/b", json!({})).await.status, 201);
        }
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

each_engine! {
    async fn a_follower_misses_nothing_and_is_told_where_it_has(database: Database) {
        let gateway = Gateway::beside(&database, &Gateway::usual("http://127.0.0.1:1"));
        let operator = gateway.operator();
        let begin = operator.get("/v1/events").await.body["next"].as_i64().expect("a number");
        for key in ["a", "b"] {
            assert_eq!(operator.put(&format!("/v1/tenants/{key}"), json!({})).await.status, 201);
        }
        let first = operator.get(&format!("/v1/events?after={begin}&limit=1")).await.body;
        assert_eq!(shown(&first), [(begin + 1, "tenant.created".to_owned())]);
        assert_eq!(first["items"][0]["data"]["by"], "operator admin", "{first}");
        assert_eq!(first["items"][0]["tenant"], "a", "{first}");
        let rest = operator.get(&format!("/v1/events?after={}", first["next"])).await.body;
        assert_eq!(shown(&rest), [(begin + 2, "tenant.created".to_owned())]);
        // What nobody asked for is passed over.
        let others = format!("/v1/events?after={begin}&type=token.created,tenant.deleted&wait=1ms");
        let none = operator.get(&others).await.body;
        assert_eq!((shown(&none), &none["next"]), (vec![], &json!(begin + 2)));

        // Whoever waits is told, at once or as soon as there is something.
        let waiting = format!("/v1/events?after={begin}&type=tenant.deleted&wait=15s");
        let waiting = tokio::spawn({
            let operator = operator.clone();
            async move { operator.get(&waiting).await.body }
        });
        assert_eq!(operator.put("/v1/tenants/c", json!({})).await.status, 201);
        assert_eq!(operator.delete("/v1/tenants/c").await.status, 204);
        let told = soon("the one who waits to be told", waiting).await.unwrap();
        assert_eq!(shown(&told), [(begin + 4, "tenant.deleted".to_owned())]);

        // 30 days later.
        database.run(&format!("UPDATE events SET at = 0 WHERE seq <= {}", begin + 2)).await;
        let store = gateway.writer().store;
        let pruned = store.events().prune(SYSTEM, 30 * 24 * 60 * 60 * 1000).await;
        assert_eq!(pruned, Ok(u64::try_from(begin).unwrap() + 2));
        let oldest = begin + 3;
        let behind = operator.get(&format!("/v1/events?after={}", oldest - 2)).await;
        assert_eq!((behind.status, &behind.body["code"]), (410, &json!("events_forgotten")));
        assert_eq!((&behind.body["oldest"], &behind.body["last"]), (&json!(oldest), &json!(oldest + 1)));
        let ahead = operator.get(&format!("/v1/events?after={}", oldest + 2)).await;
        assert_eq!((ahead.status, &ahead.body["code"]), (410, &json!("events_forgotten")));
        for good in ["".to_owned(), format!("?after={}", oldest - 1)] {
            let feed = operator.get(&format!("/v1/events{good}")).await;
            assert_eq!(feed.status, 200, "{feed:?}");
            assert_eq!(shown(&feed.body).first().map(|it| it.0), Some(oldest));
        }
        database.run("DELETE FROM events").await;
        let last = operator.get(&format!("/v1/events?after={}", oldest + 1)).await;
        assert_eq!((last.status, &last.body["oldest"]), (200, &json!(oldest + 2)), "{last:?}");
        let missed = operator.get(&format!("/v1/events?after={oldest}")).await;
        assert_eq!(missed.status, 410, "{missed:?}");
        for bad in ["after=-1", "after=x", "type=tenant", "wait=2m", "wait=1"] {
            assert_eq!(operator.get(&format!("/v1/events?{bad}")).await.status, 400, "{bad}");
        }
    }

    async fn a_credential_that_is_refused_again_and_again_is_told_once_and_so_is_its_recovery(database: Database) {
        let refused = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let refused = Script::new().read_request().write(refused);
        let mut scripts = vec![refused; 8];
        scripts.push(Script::ok("hi"));
        let upstream = RawUpstream::start(scripts).await;
        let configuration = refusing(&upstream);
        let first = Process::beside(&database, &configuration).await;
        let feed = "/v1/events?type=connection.failing,connection.recovered&wait=15s";
        for _ in 0..4 {
            assert_eq!(first.ask("/c/open/a").await.status, 401, "it has none that could fail");
        }
        for _ in 0..2 {
            assert_eq!(first.ask("/c/one/a").await.status, 401);
        }
        assert_eq!(first.metric("attache_credentials_failing").await, 0.0);
        assert_eq!(first.ask("/c/one/a").await.status, 401);
        let told = first.operator().get(feed).await.body;
        assert_eq!(told["items"].as_array().map(Vec::len), Some(1), "{told}");
        assert_eq!(
            (&told["items"][0]["type"], &told["items"][0]["connection"]),
            (&json!("connection.failing"), &json!("one"))
        );
        assert_eq!(first.ask("/c/one/a").await.status, 401);
        drop(first);

        // Another one knows what the first has told, and tells the end of it.
        let second = Process::beside(&database, &configuration).await;
        soon("the second to know", async {
            while second.metric("attache_credentials_failing").await < 1.0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        assert_eq!(second.ask("/c/one/a").await.status, 200);
        let told = second.operator().get(&format!("{feed}&after={}", told["next"])).await.body;
        let types: Vec<_> = shown(&told).into_iter().map(|it| it.1).collect();
        assert_eq!(types, ["connection.recovered"], "{told}");
        assert_eq!(second.metric("attache_events_total").await, 1.0);
    }

    async fn what_is_gone_does_not_recover(database: Database) {
        let store = database.store().await;
        let refused = |tenant: &'static str| store.events().refused(SYSTEM, ("one", tenant), true);
        for tenant in ["", "acme", "other"] {
            assert_eq!(refused(tenant).await, Ok(true));
        }
        assert_eq!(store.events().all_refused(SYSTEM).await.unwrap().len(), 3);
        let row = ActivationRow {
            owner: "file:one".to_owned(),
            tenant: "acme".to_owned(),
            connection: "one".to_owned(),
            enabled: true,
            definition: "{}".to_owned(), account: None };
        let put = store.activations().put(SYSTEM, &row, Secrets::Keep, Expect::Anything);
        put.await.unwrap();
        store.activations().delete(SYSTEM, "file:one", "acme", Expect::Anything).await.unwrap();
        let mut left = store.events().all_refused(SYSTEM).await.unwrap();
        left.sort();
        assert_eq!(left, [("one".to_owned(), String::new()), ("one".to_owned(), "other".to_owned())]);
    }

    async fn all_that_fail_are_known_however_many(database: Database) {
        let store = database.store().await;
        let row = |it: usize| format!("('c{}', 't{}', {it})", it % 7, it / 7);
        let rows: Vec<_> = (0..2500).map(row).collect();
        let rows = rows.join(", ");
        database.run(&format!("INSERT INTO refused (connection, tenant, since) VALUES {rows}")).await;
        let all: BTreeSet<_> = store.events().all_refused(SYSTEM).await.unwrap().into_iter().collect();
        assert_eq!(all.len(), 2500);
    }

    async fn what_failed_for_long_is_forgotten_where_it_is_served_no_more(database: Database) {
        let store = database.store().await;
        for tenant in ["old", "new", "other"] {
            assert_eq!(store.events().refused(SYSTEM, ("one", tenant), true).await, Ok(true));
        }
        database.run("UPDATE refused SET since = since - 172800000 WHERE tenant <> 'new'").await;
        let gone = ["old", "new"].map(|it| ("one".to_owned(), it.to_owned()));
        let forgotten = store.events().forget_unserved(SYSTEM, &gone, 86_400_000).await;
        assert_eq!(forgotten, Ok(1));
        let left = store.events().all_refused(SYSTEM).await.unwrap();
        assert_eq!(left.iter().map(|it| &*it.1).collect::<Vec<_>>(), ["new", "other"]);
    }

    async fn what_fails_for_activations_that_are_gone_is_not_counted(database: Database) {
        let store = database.store().await;
        for tenant in ["filed", "stored", "gone"] {
            assert_eq!(store.events().refused(SYSTEM, ("many", tenant), true).await, Ok(true));
        }
        let row = ActivationRow {
            owner: "file:many".to_owned(),
            tenant: "stored".to_owned(),
            connection: "many".to_owned(),
            enabled: true,
            definition: "{}".to_owned(), account: None };
        let put = store.activations().put(SYSTEM, &row, Secrets::Keep, Expect::Anything);
        put.await.unwrap();
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let configuration = refusing(&upstream).replace(
            "connections:",
            "activations: [{ connection: many, tenant: filed, credentials: { token: t } }]
connections:
  many: { connector: api, auth: m, embedded: true }",
        );
        let process = Process::beside(&database, &configuration).await;
        let counted = async {
            while process.metric("attache_credentials_failing").await < 1.0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon("them to be counted", counted).await;
        assert_eq!(process.metric("attache_credentials_failing").await, 2.0);
    }

    async fn what_fails_under_a_connection_that_files_do_not_have_is_not_counted_and_stays_for_a_replica_that_has_it(database: Database) {
        let store = database.store().await;
        for connection in ["one", "old"] {
            assert_eq!(store.events().refused(SYSTEM, (connection, ""), true).await, Ok(true));
        }
        database.run("UPDATE refused SET since = since - 172800000").await;
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let process = Process::beside(&database, &refusing(&upstream)).await;
        soon("the one to be counted", async {
            while process.metric("attache_credentials_failing").await < 1.0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let left = store.events().all_refused(SYSTEM).await.unwrap();
        assert_eq!(left.iter().map(|it| &*it.0).collect::<Vec<_>>(), ["old", "one"]);
        assert_eq!(process.metric("attache_credentials_failing").await, 1.0);
    }

    async fn an_end_of_the_trail_that_is_not_as_it_was_left_is_counted(database: Database) {
        let store = database.store().await;
        let metrics = Metrics::new(UnixTime::from_s(1));
        store.counted_by(metrics.clone());
        let counted = |name: &str| {
            let text = metrics.render();
            let line = text.lines().find(|it| it.starts_with(name) && it[name.len()..].starts_with(' '));
            line.and_then(|it| it.rsplit(' ').next()?.parse::<u64>().ok())
        };
        tenant(&store, "a").await;
        tenant(&store, "b").await;
        assert_eq!(counted("attache_audit_entries_total"), Some(3), "the one that begins it, and two");
        assert_eq!(counted("attache_events_total{type=\"tenant.created\"}"), Some(2));
        store.audit().look_at_end(SYSTEM).await.unwrap();
        assert_eq!(counted("attache_audit_breaks_total"), Some(0));
        database.run("UPDATE audit SET who = 'eve' WHERE seq = 3").await;
        store.audit().look_at_end(SYSTEM).await.unwrap();
        assert_eq!(counted("attache_audit_breaks_total"), Some(1));
        database.run("UPDATE deployment SET audit_mac = audit_head").await;
        tenant(&store, "c").await;
        assert_eq!(counted("attache_audit_breaks_total"), Some(2));
        assert_eq!(counted("attache_events_total{type=\"audit.broken\"}"), Some(1));
        let (entries, _) =
            store.audit().list(SYSTEM, &AuditFilter::default(), None, 2).await.unwrap();
        let acts: Vec<_> = entries.iter().map(|it| &*it.act).collect();
        assert_eq!(acts, [Act::Created.as_str(), Act::Broken.as_str()]);
        store.audit().look_at_end(SYSTEM).await.unwrap();
        assert_eq!(counted("attache_audit_breaks_total"), Some(2), "it was gone on behind");
    }
}
