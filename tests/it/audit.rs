//! The audit trail: what is done to one of its rows in SQL is found, and where it was done.
use crate::support::Database;
use crate::support::Process;
use crate::support::each_engine;
use attache::model::Key;
use attache::model::Scope;
use attache::store::AuditFilter;
use attache::store::Break;
use attache::store::Expect;
use attache::store::Store;
use attache::store::StoreError;
use attache::store::TenantRow;
use serde_json::json;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

fn ci() -> Scope {
    Scope::Operator(Key::try_from("ci").unwrap())
}

fn row(text: &str) -> TenantRow {
    TenantRow { definition: format!(r#"{{"name":"{text}"}}"#) }
}

/// Entries 1 to 10: the beginning, nine changes.
async fn ten_entries(store: &Store) {
    for number in 1..=9 {
        let (key, text) = (format!("t{}", number % 3), number.to_string());
        store.tenants().put(&ci(), &key, &row(&text), Expect::Anything).await.unwrap();
    }
}

/// Not secret.
const KEY: &str = "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn key_file(database: &Database) -> PathBuf {
    let path = database.folder.path().join("key");
    std::fs::write(&path, KEY).expect("the folder takes files");
    path
}

/// `attache audit verify` as an operator runs it: exit code, and what it printed.
async fn verify(database: &Database, key: &Path, kept: Option<&str>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attache"));
    command.env_clear().args(["audit", "verify"]).current_dir(database.folder.path());
    command.env("ATTACHE_DATABASE_URL", &database.url).env("ATTACHE_SEAL_KEY_FILE", key);
    command.args(kept.map(|it| format!("--kept={it}")));
    let ended = tokio::task::spawn_blocking(move || command.output()).await;
    let ended = ended.expect("it does not panic").expect("the program can be run");
    (ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned())
}

/// What somebody does to a trail of ten entries in SQL, what is found first, where, and where it goes on.
type Case<'a> = (&'a str, &'a str, Break, i64, Option<i64>);

each_engine! {
    /// By the program as it is shipped, against a gateway that goes on.
    async fn a_row_that_is_changed_deleted_or_put_in_is_found_and_located_by_the_command(database: Database) {
        let key = key_file(&database);
        let gateway = Process::replica(&database.url, &key, "").await;
        let operator = gateway.operator();
        let connector = json!({"base_url": "https://api.test", "auth": {"m": {"bearer": {}}}});
        assert_eq!(operator.put("/v1/connectors/api", connector).await.status, 201);
        for token in ["hunter2-the-first", "hunter2-the-second"] {
            let connection = json!({"connector": "api", "auth": "m", "credentials": {"token": token}});
            let put = operator.put("/v1/connections/one", connection).await;
            assert!(put.status < 300, "{put:?}");
        }
        for name in ["A", "B", "C"] {
            assert!(operator.put("/v1/tenants/acme", json!({"name": name})).await.status < 300);
        }
        let listed = operator.get("/v1/audit?kind=connection").await;
        let of = |at: usize, side: &str| {
            listed.body["items"][at][side]["credentials"]["own"]["token"]["fingerprint"].clone()
        };
        assert!(of(0, "before").is_string() && of(0, "before") == of(1, "after"), "{listed:?}");
        assert_ne!(of(0, "before"), of(0, "after"));
        let all = operator.get("/v1/audit?limit=200").await;
        assert_eq!(all.status, 200, "{all:?}");
        let entries = database.number("SELECT COUNT(*) FROM audit").await;
        assert_eq!(all.body["items"].as_array().map(Vec::len), usize::try_from(entries).ok(), "{all:?}");
        assert!(!all.body.to_string().contains("hunter2"), "{all:?}");
        let (code, good) = verify(&database, &key, None).await;
        assert_eq!(code, Some(0), "{good}");
        assert!(!good.contains("begins with"), "{good}");
        let last = database.number("SELECT MAX(seq) FROM audit").await;
        let head = good.split(['\n', ' ']).find(|it| it.starts_with(&format!("{last}:"))).expect("the last");

        let columns = "at, who, act, kind, key, tenant, revision, was, became, prior, mac";
        let put_in = format!(
            "INSERT INTO audit (seq, {columns}) SELECT {}, {columns} FROM audit WHERE seq = 4",
            last + 1
        );
        let tail = format!("DELETE FROM audit WHERE seq >= {}", last - 1);
        let wiped = "DELETE FROM audit; \
                     UPDATE deployment SET audit_seq = 0, audit_mac = '', audit_head = ''";
        let behind = format!("entry {}: outside the trail, and not attache's", last + 1);
        let missing = format!("entries {} to {last}: missing", last - 1);
        for (sql, said) in [
            ("UPDATE audit SET who = 'operator eve' WHERE seq = 4", "entry 4: not what attache entered"),
            ("DELETE FROM audit WHERE seq = 4", "entry 4: missing; the chain goes on at 5"),
            (&put_in, &behind),
            (&tail, &missing),
            (wiped, "there is no trail, though the database was written to"),
        ] {
            let broken = database.empty().await;
            database.copy_into(&broken).await;
            broken.run(sql).await;
            let (code, found) = verify(&broken, &key, None).await;
            assert_eq!(code, Some(1), "{sql}: {found}");
            assert_eq!(found.matches(said).count(), 1, "{sql}: {found}");
        }

        // An older backup that is put back whole is found by what was kept alone.
        let backup = database.empty().await;
        database.copy_into(&backup).await;
        assert!(operator.put("/v1/tenants/acme", json!({"name": "D"})).await.status < 300);
        let (code, now) = verify(&database, &key, Some(head)).await;
        assert_eq!(code, Some(0), "{now}");
        let kept = now.split(['\n', ' ']).find(|it| it.starts_with(&format!("{}:", last + 1)));
        let (code, said) = verify(&backup, &key, kept).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("not there as it was kept"), "{said}");
    }

    async fn a_trail_that_is_taken_away_whole_begins_anew_where_it_says_so(database: Database) {
        let store = database.store().await;
        ten_entries(&store).await;
        let sql = "DELETE FROM audit; UPDATE deployment SET audit_seq = 0, audit_mac = '', audit_head = ''";
        database.run(sql).await;
        let verify = || store.audit().verify(&Scope::System, &database.trail, None, |_, _| {});
        let found = verify().await.unwrap().findings;
        assert_eq!(found.first().map(|it| it.what), Some(Break::Absent));
        // By whoever has not seen it: another process.
        let other = database.open().await;
        other.audit().begin(&Scope::System).await.unwrap();
        other.audit().begin(&Scope::System).await.unwrap();
        let checked = verify().await.unwrap();
        assert_eq!((checked.entries, checked.begins_with, checked.findings), (1, Some(10), vec![]));
    }

    async fn what_a_write_changes_is_told_once_and_in_the_order_of_the_commits(database: Database) {
        let store = database.store().await;
        store.tenants().put(&ci(), "acme", &row("1"), Expect::Anything).await.unwrap();
        store.tenants().put(&ci(), "acme", &row("2"), Expect::Anything).await.unwrap();
        let refused = |is_failing| store.events().refused(&Scope::System, ("api", ""), is_failing);
        assert_eq!(refused(false).await, Ok(false));
        assert_eq!(refused(true).await, Ok(true));
        assert_eq!(refused(true).await, Ok(false));
        assert_eq!(refused(false).await, Ok(true));
        let (events, broken) = store.events().after(&Scope::System, 1, &[], 10).await.unwrap();
        let shown: Vec<_> = events.iter().map(|it| (it.seq, &*it.name)).collect();
        assert_eq!(
            shown,
            [(2, "tenant.updated"), (3, "connection.failing"), (4, "connection.recovered")]
        );
        assert_eq!(broken, []);
        assert_eq!(store.events().bounds(&Scope::System).await, Ok((1, 4)));
    }

    async fn a_row_that_was_changed_put_in_or_taken_away_is_found_and_located(database: Database) {
        // Each begins from ten good entries, and breaks one thing.
        let columns = "at, who, act, kind, key, tenant, revision, was, became, prior, mac";
        let swap = format!(
            "CREATE TABLE kept AS SELECT * FROM audit WHERE seq IN (4, 7); \
             DELETE FROM audit WHERE seq IN (4, 7); \
             INSERT INTO audit (seq, {columns}) SELECT 11 - seq, {columns} FROM kept"
        );
        let put_in = format!(
            "UPDATE audit SET seq = -seq WHERE seq > 4; UPDATE audit SET seq = 1 - seq WHERE seq < 0; \
             INSERT INTO audit (seq, {columns}) SELECT 5, {columns} FROM audit WHERE seq = 4"
        );
        let behind =
            format!("INSERT INTO audit (seq, {columns}) SELECT 11, {columns} FROM audit WHERE seq = 10");
        let cases: [Case<'_>; 14] = [
            ("who", "UPDATE audit SET who = 'operator eve' WHERE seq = 4", Break::Changed, 4, Some(5)),
            ("at", "UPDATE audit SET at = at + 1 WHERE seq = 4", Break::Changed, 4, Some(5)),
            ("act", "UPDATE audit SET act = 'deleted' WHERE seq = 4", Break::Changed, 4, Some(5)),
            ("kind", "UPDATE audit SET kind = 'token' WHERE seq = 4", Break::Changed, 4, Some(5)),
            ("key", "UPDATE audit SET key = 'x' WHERE seq = 4", Break::Changed, 4, Some(5)),
            ("tenant", "UPDATE audit SET tenant = 'x' WHERE seq = 4", Break::Changed, 4, Some(5)),
            ("before", "UPDATE audit SET was = '' WHERE seq = 5", Break::Changed, 5, Some(6)),
            ("after", "UPDATE audit SET became = '{}' WHERE seq = 1", Break::Changed, 1, Some(2)),
            ("deleted", "DELETE FROM audit WHERE seq = 4", Break::Missing, 4, Some(5)),
            ("swapped", &swap, Break::Changed, 4, Some(5)),
            ("put in", &put_in, Break::Changed, 5, None),
            ("behind", &behind, Break::Added, 11, None),
            ("cut", "DELETE FROM audit WHERE seq > 7", Break::Missing, 8, None),
            (
                "cut, and the end moved there",
                "DELETE FROM audit WHERE seq > 7; UPDATE deployment SET audit_seq = 7, \
                 audit_mac = (SELECT mac FROM audit WHERE seq = 7)",
                Break::End,
                7,
                None,
            ),
        ];
        for (name, sql, what, at, goes_on_at) in cases {
            let broken = database.empty().await;
            let store = broken.store().await;
            ten_entries(&store).await;
            let verify = || store.audit().verify(&Scope::System, &broken.trail, None, |_, _| {});
            let good = verify().await.unwrap();
            assert_eq!((good.entries, good.findings.len()), (10, 0), "{name}");
            broken.run(sql).await;
            let found = verify().await.unwrap().findings;
            let first = found.first().map(|it| (it.what, *it.seqs.start(), it.goes_on_at));
            assert_eq!(first, Some((what, at, goes_on_at)), "{name}: {found:?}");
        }
    }

    async fn a_tail_that_was_cut_is_still_found_once_more_is_written(database: Database) {
        let store = database.store().await;
        ten_entries(&store).await;
        let sql = "DELETE FROM audit WHERE seq > 7; UPDATE deployment SET audit_seq = 7, \
                   audit_mac = (SELECT mac FROM audit WHERE seq = 7)";
        database.run(sql).await;
        ten_entries(&store).await;
        let found = store.audit().verify(&Scope::System, &database.trail, None, |_, _| {}).await;
        let found = found.unwrap().findings;
        let first = found.first().map(|it| (it.what, *it.seqs.start(), it.goes_on_at));
        assert_eq!(first, Some((Break::GoesOn, 8, Some(8))), "{found:?}");
    }

    async fn whoever_has_the_database_alone_can_not_make_an_entry(database: Database) {
        let store = database.open().await;
        store.migrate().await.unwrap();
        ten_entries(&store).await;
        let forger = database.empty().await;
        let checked = store.audit().verify(&Scope::System, &forger.trail, None, |_, _| {}).await;
        let found = checked.unwrap().findings;
        assert_eq!((found[0].what, found[0].seqs.clone()), (Break::Changed, 1..=10));
    }

    async fn what_can_not_be_entered_is_not_done(database: Database) {
        database.store().await;
        let without_key = Store::open(&database.store_url(), database.folder.path()).await.unwrap();
        let put = without_key.tenants().put(&ci(), "acme", &row("1"), Expect::Anything).await;
        let Err(refused @ StoreError::NoTrail { .. }) = put else { panic!("{put:?}") };
        assert!(refused.to_string().contains("the audit trail can't be kept"), "{refused}");
        // Nor is what somebody else's row stands in the way of.
        let store = database.open().await;
        store.tenants().put(&ci(), "a", &row("1"), Expect::Anything).await.unwrap();
        let columns = "at, who, act, kind, key, tenant, revision, was, became, prior, mac";
        database.run(&format!("INSERT INTO audit (seq, {columns}) SELECT 3, {columns} FROM audit WHERE seq = 2")).await;
        let put = store.tenants().put(&ci(), "b", &row("1"), Expect::Anything).await;
        let Err(refused @ StoreError::NoTrail { .. }) = put else { panic!("{put:?}") };
        assert!(refused.to_string().contains("row 3 of `audit`"), "{refused}");
        assert_eq!(database.number("SELECT COUNT(*) FROM tenants").await, 1);
        assert_eq!(database.number("SELECT COUNT(*) FROM changes").await, 1);
        database.run("DELETE FROM audit WHERE seq = 3").await;
        store.tenants().put(&ci(), "b", &row("1"), Expect::Anything).await.unwrap();
    }

    async fn an_entry_says_who_did_what_from_what_to_what(database: Database) {
        let store = database.store().await;
        let tenants = store.tenants();
        tenants.put(&ci(), "acme", &row("Acme"), Expect::Anything).await.unwrap();
        tenants.put(&ci(), "acme", &row("ACME"), Expect::Anything).await.unwrap();
        tenants.delete(&Scope::System, "acme", false, Expect::Anything).await.unwrap();
        let rehearsed = store.rehearsing();
        rehearsed.tenants().put(&ci(), "other", &row("x"), Expect::Anything).await.unwrap();
        let filter = AuditFilter { key: Some("acme".to_owned()), ..AuditFilter::default() };
        let (entries, _) = store.audit().list(&Scope::System, &filter, None, 10).await.unwrap();
        let shown: Vec<_> =
            entries.iter().map(|it| (it.seq, &*it.who, &*it.act, &*it.was, &*it.became)).collect();
        let (acme, shouted) =
            (r#"{"definition":{"name":"Acme"}}"#, r#"{"definition":{"name":"ACME"}}"#);
        assert_eq!(
            shown,
            [
                (4, "attache", "deleted", shouted, ""),
                (3, "operator ci", "updated", acme, shouted),
                (2, "operator ci", "created", "", acme),
            ]
        );
        assert_eq!(database.number("SELECT MAX(seq) FROM audit").await, 4);
    }
}
