//! The store when something is wrong: kills, full disks, read-only and damaged files, servers that go away.
use crate::support::ClosedPort;
use crate::support::Database;
use crate::support::SmallDisk;
use crate::support::each_engine;
use crate::support::postgres::Server;
use crate::support::soon;
use attache::catalog::Reach;
use attache::config::StoreUrl;
use attache::model::Credential;
use attache::model::Scope;
use attache::seal::FingerprintKey;
use attache::seal::Sealed;
use attache::seal::SealedField;
use attache::seal::TrailKey;
use attache::store::ActivationRow;
use attache::store::Bind;
use attache::store::CallerKey;
use attache::store::CallerRow;
use attache::store::Condition;
use attache::store::ConnectionRow;
use attache::store::Entered;
use attache::store::Expect;
use attache::store::Place;
use attache::store::SCHEMA;
use attache::store::Secrets;
use attache::store::Store;
use attache::store::StoreError;
use attache::store::TenantRow;
use indexmap::IndexMap;
use serde_json::json;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Seek;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

const SYSTEM: &Scope = &Scope::System;

fn row(text: &str) -> TenantRow {
    TenantRow { definition: text.to_owned() }
}

/// No cipher: as many bytes as one makes.
fn seal(_: &Place<'_>) -> Result<Sealed, String> {
    let field = SealedField { sealed: vec![7; 60], fingerprint: "00".to_owned(), set_at_ms: 1 };
    let fields = [("key".to_owned(), field)].into();
    Ok(Sealed { key_id: "v1-test".to_owned(), wrapped: vec![1; 60], fields })
}

/// A write that is about several tables, so that half of it could be seen.
async fn activate(store: &Store, tenant: &str) -> Result<i64, StoreError> {
    let row = ActivationRow {
        owner: "file:desk".to_owned(),
        tenant: tenant.to_owned(),
        connection: "desk".to_owned(),
        enabled: true,
        definition: "{}".to_owned(),
        account: None,
    };
    let secrets = Secrets::Set(&seal);
    let put = store.activations().put(SYSTEM, &row, secrets, Expect::Anything);
    put.await.map(|it| it.revision)
}

/// What the audit trail is kept under by all that write to one database. Not secret.
fn trail() -> TrailKey {
    let own = Credential::from_iter([(
        "fingerprint_key",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    )]);
    FingerprintKey::from_credential(&own).expect("a key").trail()
}

/// Where a child of this test program writes, in its environment.
const WRITER: &str = "ATTACHE_TEST_WRITER";

/// Not a test of its own: what [`whatever_was_acknowledged_survives_kills`] kills. It says each write
/// that was acknowledged, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_is_killed() {
    let Ok(text) = std::env::var(WRITER) else { return };
    let (life, url) = text.split_once(' ').expect("which life, and where to write");
    let url = StoreUrl::try_from(url).expect("a URL of a store");
    let store = Store::open(&url, Path::new(".")).await.expect("it can be opened again");
    store.keep_trail(trail());
    for number in 0.. {
        let tenant = format!("{life}-{number}");
        match activate(&store, &tenant).await {
            Ok(_) => println!("acknowledged {tenant}"),
            // The server of a killed one may still hold its lock for a moment.
            Err(error) => assert!(error.is_passing(), "{error}"),
        }
    }
}

struct Writer(Child);

impl Writer {
    fn start(life: usize, url: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let child = Command::new(program)
            .args(["store_faults::a_writer_that_is_killed", "--exact", "--nocapture"])
            .env(WRITER, format!("{life} {url}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("this program can be run"))
    }

    /// Kills it after so many acknowledged writes; these.
    fn kill_after(mut self, count: usize) -> Vec<String> {
        let output = self.0.stdout.take().expect("its output is ours");
        let mut acknowledged = Vec::new();
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // The first one shares its line with what the test program says.
            let Some((_, tenant)) = line.split_once("acknowledged ") else { continue };
            acknowledged.push(tenant.to_owned());
            if acknowledged.len() == count {
                self.0.kill().expect("it runs");
            }
        }
        drop(self.0.wait());
        assert!(acknowledged.len() >= count, "it ended by itself after {acknowledged:?}");
        acknowledged
    }
}

each_engine! {
    async fn whatever_was_acknowledged_survives_kills(database: Database) {
        let mut database = database;
        database.trail = trail();
        let kills = if std::env::var_os("ATTACHE_TEST_LONG").is_some() { 50 } else { 4 };
        let store = database.store().await;
        let mut acknowledged = Vec::new();
        for life in 0..kills {
            let writer = Writer::start(life, &database.url);
            let killed = tokio::task::spawn_blocking(move || writer.kill_after(1 + life * 7 % 23));
            acknowledged.extend(killed.await.unwrap());
        }
        for tenant in &acknowledged {
            let found = store.activations().find(SYSTEM, "file:desk", tenant).await.unwrap();
            assert!(found.is_some_and(|it| it.1.is_some()), "{tenant} was acknowledged");
        }
        // And nothing half-done: each activation has its credential and its change.
        let activations = database.number("SELECT COUNT(*) FROM activations").await;
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials").await, activations);
        assert_eq!(database.number("SELECT COUNT(*) FROM changes").await, activations);
        let revision = store.changes().revision(SYSTEM).await.unwrap();
        assert_eq!(database.number("SELECT MAX(revision) FROM changes").await, revision);
        // The trail has one entry of each, behind the one that begins it, and is whole.
        let checked = store.audit().verify(SYSTEM, &trail(), None, |_, _| {}).await.unwrap();
        assert_eq!((checked.entries, checked.findings), (activations + 1, vec![]));
        assert_eq!(database.number("SELECT MAX(seq) FROM events").await, activations);
    }

    async fn an_empty_database_is_made_and_an_older_one_brought_up_to_date(database: Database) {
        let store = database.open().await;
        assert_eq!(store.schema().await, Ok(0));
        let (one, two) = tokio::join!(store.migrate(), store.migrate());
        let mut from = [one.unwrap().from, two.unwrap().from];
        from.sort_unstable();
        assert!(matches!(from, [0, 0 | SCHEMA]), "made once, whoever else tries: {from:?}");
        assert_eq!(database.number("SELECT COUNT(*) FROM schema_versions").await, SCHEMA);
        assert_eq!(database.number("SELECT COUNT(*) FROM deployment").await, 1);
        activate(&store, "acme").await.unwrap();
        // As a version made it that knew no callers yet.
        const CALLERS: i64 = 4;
        let later = "DROP INDEX credentials_shared; DROP INDEX changes_of; DROP INDEX tenants_words";
        database.run(&format!("{later}; ALTER TABLE changes DROP COLUMN tag")).await;
        for table in ["orphans", "origins", "idempotency", "tokens", "caller_keys", "callers"]
            .into_iter()
            .chain(["audit", "events", "refused"])
            .chain(["event_subscriptions", "event_feeds", "deliveries", "grants", "authorizations"])
            .chain(["connect_sessions", "received", "webhook_refusals"])
            .chain(["webhook_deliveries", "webhook_deliveries_gone"])
            .chain(["console_sessions", "console_sign_ins"])
        {
            database.run(&format!("DROP TABLE {table}")).await;
        }
        for column in ["audit_seq", "audit_mac", "audit_head", "events_seq"] {
            database.run(&format!("ALTER TABLE deployment DROP COLUMN {column}")).await;
        }
        for table in ["connectors", "integrations", "environments", "connections", "tenants"] {
            database.run(&format!("ALTER TABLE {table} DROP COLUMN words")).await;
        }
        for column in ["account_id", "account_name"] {
            database.run(&format!("ALTER TABLE activations DROP COLUMN {column}")).await;
        }
        database.run(&format!("DELETE FROM schema_versions WHERE version >= {CALLERS}")).await;
        // By a process that has not seen the trail that there was.
        let store = database.open().await;
        let migrated = store.migrate().await.unwrap();
        assert_eq!((migrated.from, migrated.to), (CALLERS - 1, SCHEMA));
        assert!(store.callers().all(SYSTEM).await.unwrap().rows.is_empty());
        assert!(store.activations().any(SYSTEM, "file:desk").await.unwrap(), "what was there is there");
        activate(&store, "other").await.unwrap();
        let checked = store.audit().verify(SYSTEM, &database.trail, None, |_, _| {}).await.unwrap();
        assert_eq!((checked.entries, checked.begins_with, checked.findings), (2, Some(2), vec![]));
        assert_eq!(store.migrate().await.unwrap().from, SCHEMA);
    }

    async fn a_migration_that_fails_leaves_nothing_behind(database: Database) {
        let store = database.open().await;
        database.run("CREATE TABLE callers (key TEXT)").await;
        assert!(matches!(store.migrate().await, Err(StoreError::Refused(_))));
        assert_eq!(store.schema().await, Ok(0));
        database.run("DROP TABLE callers").await;
        assert_eq!(store.migrate().await.unwrap().from, 0);
    }

    async fn a_newer_schema_is_refused(database: Database) {
        let store = database.store().await;
        let newer = SCHEMA + 3;
        let sql = format!("INSERT INTO schema_versions (version, name, at) VALUES ({newer}, 'x', 0)");
        database.run(&sql).await;
        let refused = store.migrate().await;
        assert_eq!(refused, Err(StoreError::SchemaNewer { found: newer, known: SCHEMA }));
    }

    async fn a_database_without_tables_says_what_to_do(database: Database) {
        let store = database.open().await;
        let Err(StoreError::Refused(said)) = store.tenants().all(SYSTEM).await else { panic!() };
        assert!(said.contains("attache migrate"), "{said}");
    }

    async fn a_row_that_was_changed_behind_our_back_is_named_and_left_out(database: Database) {
        let store = database.store().await;
        for key in ["a", "b", "c"] {
            store.tenants().put(SYSTEM, key, &row("{}"), Expect::Absent).await.unwrap();
            activate(&store, key).await.unwrap();
        }
        database.run("UPDATE tenants SET definition = '[]' WHERE key = 'b'").await;
        let named = StoreError::Corrupt { table: "tenants", key: Some("b".to_owned()) };
        assert_eq!(store.tenants().get(SYSTEM, "b").await, Err(named.clone()));
        let all = store.tenants().all(SYSTEM).await.unwrap();
        assert_eq!(all.rows.iter().map(|it| &*it.key).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(all.unreadable, [named]);
        // It can be written over, and deleted.
        store.tenants().put(SYSTEM, "b", &row("{}"), Expect::Anything).await.unwrap();
        assert!(store.tenants().get(SYSTEM, "b").await.unwrap().is_some());

        database.run("UPDATE activations SET enabled = 0 WHERE tenant = 'a'").await;
        database.run("UPDATE credentials SET fields = '{' WHERE tenant = 'b'").await;
        let corrupt = |table, tenant: &str| {
            let key = Some(format!("file:desk of {tenant}"));
            StoreError::Corrupt { table, key }
        };
        let listed = store.activations().of_owner(SYSTEM, "file:desk", None, 10).await.unwrap();
        assert_eq!(listed.rows.len(), 1);
        assert_eq!(listed.unreadable, [corrupt("activations", "a"), corrupt("credentials", "b")]);
        activate(&store, "b").await.unwrap();
        let found = store.activations().find(SYSTEM, "file:desk", "b").await.unwrap();
        assert!(found.is_some());
    }
}

#[tokio::test]
async fn a_new_file_and_its_folder_are_for_this_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = Store::open(&StoreUrl::Sqlite(None), &data).await.unwrap();
    store.migrate().await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for name in ["attache.db", "attache.db-wal", "attache.db-shm"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn what_is_no_database_is_refused_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "These are notes, and no database at all. ".repeat(100)).unwrap();
    let url = StoreUrl::Sqlite(Some(path.clone()));
    let refused = Store::open(&url, folder.path()).await.map(drop);
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert!(fs::read_to_string(&path).unwrap().starts_with("These are notes"));
    let under_a_file = StoreUrl::Sqlite(Some(path.join("attache.db")));
    let refused = Store::open(&under_a_file, folder.path()).await.map(drop);
    assert!(
        matches!(&refused, Err(StoreError::Refused(said)) if said.contains("notes.txt")),
        "{refused:?}"
    );
}

/// Overwrites bytes of the SQLite file wherever this text stands, which has to be somewhere.
fn damage(path: &Path, text: &str, with: &[u8]) {
    let bytes = fs::read(path).unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let found: Vec<_> = bytes
        .windows(text.len())
        .enumerate()
        .filter(|(_, it)| *it == text.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert!(!found.is_empty(), "{text} stands in the file");
    for at in found {
        file.seek(std::io::SeekFrom::Start(at as u64)).unwrap();
        file.write_all(with).unwrap();
    }
}

/// Overwrites the beginning of the SQLite file's page that this text stands in.
fn break_page(path: &Path, text: &str) {
    let bytes = fs::read(path).unwrap();
    let found = bytes.windows(text.len()).position(|it| it == text.as_bytes());
    let page = found.expect("it stands in the file") / 4096 * 4096;
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(std::io::SeekFrom::Start(page as u64)).unwrap();
    file.write_all(&[0xff; 64]).unwrap();
}

#[tokio::test]
async fn a_flipped_byte_is_found_and_named() {
    let database = Database::sqlite();
    let store = database.store().await;
    for key in ["a", "b"] {
        let definition = format!(r#"{{"base_url":"https://api-{key}.example.com"}}"#);
        store.tenants().put(SYSTEM, key, &row(&definition), Expect::Absent).await.unwrap();
    }
    // The last link writes the log back into the file.
    store.close().await;
    damage(&database.file(), "api-b.example", b"api-b.exbmple");
    let store = database.store().await;
    let all = store.tenants().all(SYSTEM).await.unwrap();
    assert_eq!(all.rows.len(), 1);
    let named = StoreError::Corrupt { table: "tenants", key: Some("b".to_owned()) };
    assert_eq!(all.unreadable, [named]);
}

#[tokio::test]
async fn rows_on_other_pages_than_a_damaged_one_are_read() {
    let database = Database::sqlite();
    let store = database.store().await;
    // Each larger than a page, so that it has pages of its own.
    for number in 0..20 {
        let definition = format!("begin-{number:02}-{}", "x".repeat(9000));
        let key = format!("t{number:02}");
        store.tenants().put(SYSTEM, &key, &row(&definition), Expect::Absent).await.unwrap();
    }
    store.close().await;
    break_page(&database.file(), "begin-07-");

    let store = database.open().await;
    let all = store.tenants().all(SYSTEM).await.unwrap();
    assert_eq!(all.rows.len() + all.unreadable.len(), 20);
    assert!(!all.rows.is_empty() && !all.unreadable.is_empty(), "{:?}", all.unreadable);
    let key = Some("t07".to_owned());
    assert!(all.unreadable.contains(&StoreError::Corrupt { table: "tenants", key }));
}

/// Everything that is read whole at a start: a page of each table is damaged, of which rows of others are not on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_page_of_any_table_costs_its_rows_alone_and_is_named() {
    const COUNT: usize = 40;
    let long = |number: usize| format!("long-{number:02}-{}", "x".repeat(1500));
    let database = Database::sqlite();
    let store = database.store().await;
    for number in 0..COUNT {
        let (key, text) = (format!("k{number:02}"), long(number));
        let method = json!({ "description": format!("m-{text}"), "bearer": {} }).to_string();
        let methods = IndexMap::from([("m".to_owned(), method)]);
        let put = store.connectors().put(SYSTEM, &key, "{}", &methods, false, Expect::Absent);
        put.await.unwrap();
        let row = ConnectionRow {
            connector: key.clone(),
            method: "m".to_owned(),
            revision: 1,
            definition: "{}".to_owned(),
            ..ConnectionRow::default()
        };
        let seal = |_: &Place<'_>| {
            let fingerprint = format!("f-{}", long(number));
            let field = SealedField { sealed: vec![7; 60], fingerprint, set_at_ms: 1 };
            let fields = [("key".to_owned(), field)].into();
            Ok(Sealed { key_id: "v1-test".to_owned(), wrapped: vec![1; 60], fields })
        };
        let reach = Reach {
            connector: key.clone(),
            origins: [format!("o-{text}")].into(),
            ..Reach::default()
        };
        let to = Entered { owner: String::new(), connection: key.clone(), reach };
        let bind = Bind { to, confirmed: false, narrows: true, brings: Vec::new() };
        let condition = Condition::from(Expect::Absent).binding(vec![bind]);
        let (own, test) = (Secrets::Set(&seal), Secrets::Keep);
        store.connections().put(SYSTEM, &key, &row, own, test, condition).await.unwrap();
        let issued = CallerKey {
            caller: key.clone(),
            hash: [u8::try_from(number).unwrap(); 32],
            prefix: format!("p-{text}"),
            created_at_ms: 0,
            expires_at_ms: None,
        };
        let row = CallerRow { definition: "{}".to_owned() };
        let put = store.callers().put(SYSTEM, &key, &row, Some(&issued), Expect::Absent);
        put.await.unwrap();
    }
    // Its entries repeat most of this, and their pages would be hit in place of the tables' own. What a damaged page
    // of the trail itself costs is in `audit_faults`.
    database.run("DELETE FROM audit; VACUUM").await;
    store.close().await;
    for kind in ["m", "f", "o", "p"] {
        break_page(&database.file(), &format!("{kind}-long-20-"));
    }

    let store = database.open().await;
    let check = |table: &str, read: usize, broken: &[StoreError]| {
        assert_eq!(read + broken.len(), COUNT, "{table}: {broken:?}");
        assert!((1..8).contains(&broken.len()), "{table}: {broken:?}");
        let is_named = |it: &StoreError| matches!(it, StoreError::Corrupt { table: of, key: Some(_) } if *of == table);
        assert!(broken.iter().all(is_named), "{broken:?}");
    };
    let (methods, broken) = store.auth_methods().in_use(SYSTEM).await.unwrap();
    check("auth_methods", methods.len(), &broken);
    let (credentials, broken) = store.credentials().of_connections(SYSTEM).await.unwrap();
    check("credentials", credentials.len(), &broken);
    let (keys, broken) = store.callers().all_keys(SYSTEM).await.unwrap();
    check("caller_keys", keys.len(), &broken);
    let (entered, broken) = store.origins().all(SYSTEM).await.unwrap();
    check("origins", entered.len(), &broken);
    let (of_one, broken) = store.callers().keys(SYSTEM, "k20").await.unwrap();
    assert!(of_one.is_empty() && !broken.is_empty());
    let (of_one, _) = store.callers().keys(SYSTEM, "k00").await.unwrap();
    assert_eq!(of_one.len(), 1);
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_keeps_what_was_acknowledged() {
    let Some(disk) = SmallDisk::mounted("2m") else { return };
    let path = disk.path().join("attache.db");
    let store = Store::open(&StoreUrl::Sqlite(Some(path)), disk.path()).await.unwrap();
    store.keep_trail(trail());
    store.migrate().await.unwrap();
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![1; 512 << 10]).unwrap();
    let definition = row(&"x".repeat(32 << 10));
    let mut kept = Vec::new();
    let refused = loop {
        let key = format!("t{}", kept.len());
        match store.tenants().put(SYSTEM, &key, &definition, Expect::Absent).await {
            Ok(_) => kept.push(key),
            Err(error) => break error,
        }
    };
    assert_eq!(refused, StoreError::Full);
    assert!(!kept.is_empty());
    let all = store.tenants().all(SYSTEM).await.unwrap();
    assert_eq!(all.rows.len(), kept.len(), "reads go on");
    // Room again: nobody has to restart anything.
    fs::remove_file(&ballast).unwrap();
    store.tenants().put(SYSTEM, "after", &definition, Expect::Absent).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_read_only_disk_is_told() {
    let Some(disk) = SmallDisk::mounted("2m") else { return };
    let url = StoreUrl::Sqlite(Some(disk.path().join("attache.db")));
    let store = Store::open(&url, disk.path()).await.unwrap();
    store.keep_trail(trail());
    store.migrate().await.unwrap();
    store.tenants().put(SYSTEM, "a", &row("{}"), Expect::Absent).await.unwrap();
    store.close().await;
    disk.read_only();
    match Store::open(&url, disk.path()).await {
        Err(error) => assert_eq!(error, StoreError::ReadOnly),
        Ok(store) => {
            store.keep_trail(trail());
            let refused = store.tenants().put(SYSTEM, "b", &row("{}"), Expect::Absent).await;
            assert_eq!(refused, Err(StoreError::ReadOnly));
        }
    }
    let none = StoreUrl::Sqlite(Some(disk.path().join("other.db")));
    assert_eq!(Store::open(&none, disk.path()).await.map(drop), Err(StoreError::ReadOnly));
}

#[tokio::test]
async fn a_read_only_postgres_is_read_and_not_written() {
    let Some(database) = Database::postgres().await else { return };
    let store = database.store().await;
    store.tenants().put(SYSTEM, "a", &row("{}"), Expect::Absent).await.unwrap();
    let name = database.url.rsplit('/').next().unwrap();
    database.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    let store = database.open().await;
    assert_eq!(store.migrate().await.unwrap().from, SCHEMA, "there is nothing to do");
    assert!(store.tenants().get(SYSTEM, "a").await.unwrap().is_some());
    let refused = store.tenants().put(SYSTEM, "b", &row("{}"), Expect::Absent).await;
    assert_eq!(refused, Err(StoreError::ReadOnly));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_crashes_is_told_and_found_again() {
    let Some(server) = Server::start() else { return };
    let database = Database::on(&server.url).await;
    let store = database.store().await;
    activate(&store, "before").await.unwrap();
    let mut signals = store.signals().await.unwrap();
    server.crash();
    let passing = |it: Result<_, StoreError>| it.is_err_and(|it| it.is_passing());
    assert!(passing(store.changes().revision(SYSTEM).await));
    assert!(passing(activate(&store, "meanwhile").await));
    let told = soon("the broken link to be told", signals.written()).await;
    assert!(told.is_err_and(|it| it.is_passing()));
    server.restart();
    let found = store.activations().find(SYSTEM, "file:desk", "before").await.unwrap();
    assert!(found.is_some());
    activate(&store, "after").await.unwrap();
    let found = store.activations().find(SYSTEM, "file:desk", "meanwhile").await.unwrap();
    assert!(found.is_none(), "what was refused was not done");
    let mut signals = store.signals().await.unwrap();
    activate(&store, "told").await.unwrap();
    soon("a write to be told again", signals.written()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_or_lets_nobody_in_is_told_without_its_password() {
    let closed = ClosedPort::reserve();
    let url = closed.url().replace("http://", "postgres://me:hunter2@") + "/attache";
    let opened = Store::open(&StoreUrl::try_from(&*url).unwrap(), Path::new(".")).await;
    let error = opened.map(drop).unwrap_err();
    assert!(error.is_passing(), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");

    let Some(database) = Database::postgres().await else { return };
    let url = StoreUrl::try_from(&*format!("{}_gone", database.url)).unwrap();
    let opened = Store::open(&url, Path::new(".")).await.map(drop);
    assert!(
        matches!(&opened, Err(StoreError::Refused(said)) if said.contains("3D000")),
        "{opened:?}"
    );
}
