//! What the feed meets and has to get over: changes that do not read, another history, keys that take
//! their time, and what is old.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::soon;
use attache::catalog::Reach;
use attache::model::Credential;
use attache::model::Secret;
use attache::model::UnixTime;
use attache::seal::FingerprintKey;
use attache::seal::Keyring;
use attache::store::Bind;
use attache::store::Condition;
use attache::store::ConnectionRow;
use attache::store::Entered;
use attache::store::Expect;
use attache::store::Place;
use attache::store::Secrets;
use attache::store::TenantRow;
use std::fs;
use std::process::Command;
use std::time::Duration;

const OWNER: &str = "file:crm";

fn crm(upstream: &RawUpstream) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors: {{ api: {{ base_url: \"{}\", auth: {{ m: {{ bearer: {{}} }} }} }} }}
connections: {{ crm: {{ connector: api, auth: m, embedded: true }} }}
",
        upstream.url()
    )
}

async fn ask(gateway: &Gateway, connection: &str) -> Response {
    gateway
        .get("/a", &format!("Attache-Connection: {connection}\r\nAttache-Tenant: acme\r\n"))
        .await
}

/// Asks until it is so.
async fn answers(gateway: &Gateway, connection: &str, status: u16) {
    let told = async {
        while ask(gateway, connection).await.status != status {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(&format!("{connection} to answer {status}"), told).await;
}

async fn rereads(gateway: &Gateway, reason: &str) -> f64 {
    let reason = format!("reason=\"{reason}\"");
    gateway.metric("attache_store_rereads_total", &[&reason]).await
}

/// Statements past the gateway, all at once.
async fn at_once(database: &Database, sql: &str) {
    database.run(&format!("BEGIN; {sql}; COMMIT")).await;
}

each_engine! {
    async fn a_change_that_does_not_read_holds_up_nothing_that_comes_after_it(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let writer = gateway.writer();
        writer.activate(OWNER, "crm", "acme", &[("token", "t")]).await;
        assert_eq!(ask(&gateway, "crm").await.status, 200);
        let other = database.open().await;
        let kind = if database.is_postgres() { "'widget'" } else { "x'ff'" };
        // What it hides is taken up all the same.
        let odd = format!(
            "DELETE FROM activations;
             INSERT INTO changes (revision, kind, key, tenant, who, at)
             SELECT revision + 1, {kind}, 'crm', 'acme', 'x', 0 FROM deployment;
             UPDATE deployment SET revision = revision + 1"
        );
        at_once(&database, &odd).await;
        let row = TenantRow { definition: "{}".to_owned() };
        other.tenants().put(SYSTEM, "acme", &row, Expect::Anything).await.unwrap();
        answers(&gateway, "crm", 409).await;
        assert_eq!(rereads(&gateway, "unreadable").await, 1.0);
        assert_eq!(gateway.metric("attache_store_up", &[]).await, 1.0);
        writer.activate(OWNER, "crm", "acme", &[("token", "t")]).await;
        assert_eq!(ask(&gateway, "crm").await.status, 200);
        assert_eq!(rereads(&gateway, "unreadable").await, 1.0, "once");
    }

    /// What an activation's row says of its connection may be damaged: the revocation is told all the same.
    async fn a_revocation_reaches_whoever_uses_it_whatever_the_row_says(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let writer = gateway.writer();
        let api = format!("{{\"base_url\":\"{}\"}}", upstream.url());
        writer.connector("own", &api, &[("m", r#"{"bearer":{}}"#)]).await;
        let id = writer.connection("stored", ("own", "m", 1), true, "{}", &[]).await;
        let connections = [(OWNER, "crm"), (&*id, "stored")];
        for is_by_tenant in [false, true] {
            for (owner, connection) in connections {
                writer.activate(owner, connection, "acme", &[("token", "t")]).await;
                assert_eq!(ask(&gateway, connection).await.status, 200);
            }
            database.run("UPDATE activations SET connection = 'another'").await;
            if is_by_tenant {
                let row = TenantRow { definition: "{}".to_owned() };
                let tenants = writer.store.tenants();
                tenants.put(SYSTEM, "acme", &row, Expect::Anything).await.unwrap();
                let deleted = tenants.delete(SYSTEM, "acme", true, Expect::Anything).await;
                writer.applied(deleted.unwrap()).await;
            } else {
                for (owner, _) in connections {
                    writer.deactivate(owner, "acme").await;
                }
            }
            for (_, connection) in connections {
                assert_eq!(ask(&gateway, connection).await.status, 409, "{connection}");
            }
        }
        // Nor may a connection's own row be trusted where it is damaged.
        writer.activate(&id, "stored", "acme", &[("token", "t")]).await;
        assert_eq!(ask(&gateway, "stored").await.status, 200);
        database.run("UPDATE connections SET checksum = 'damaged'").await;
        writer.deactivate(&id, "acme").await;
        assert_eq!(ask(&gateway, "stored").await.status, 409);
    }

    /// The revision is what it was, and everything else is not.
    async fn a_restored_backup_is_noticed_wherever_its_history_has_come_to(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let writer = gateway.writer();
        for token in ["first", "second"] {
            writer.activate(OWNER, "crm", "acme", &[("token", token)]).await;
        }
        assert_eq!(ask(&gateway, "crm").await.status, 200);
        let restored = "DELETE FROM activations;
             UPDATE changes SET tag = 77, key = 'other' WHERE revision = (SELECT MAX(revision) FROM changes)";
        at_once(&database, restored).await;
        answers(&gateway, "crm", 409).await;
        assert_eq!(rereads(&gateway, "replaced").await, 1.0);
    }

    /// Its revision has been served before, for another change.
    async fn a_write_right_after_a_restored_backup_is_served_when_it_is_answered(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let writer = gateway.writer();
        for round in 0..5 {
            writer.activate(OWNER, "crm", "acme", &[("token", "t")]).await;
            writer.activate(OWNER, "crm", "other", &[("token", "t")]).await;
            assert_eq!(ask(&gateway, "crm").await.status, 200, "{round}");
            let back = "DELETE FROM changes WHERE revision > (SELECT revision - 1 FROM deployment);
                 UPDATE deployment SET revision = revision - 1";
            at_once(&database, back).await;
            writer.deactivate(OWNER, "acme").await;
            assert_eq!(ask(&gateway, "crm").await.status, 404, "{round}");
        }
    }

    async fn a_program_that_takes_its_time_over_keys_holds_up_no_change(database: Database) {
        const FILE: &str = "1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        const PRINTED: &str = "2:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
        const NEXT: &str = "3:4041424344454647484940414243444546474849404142434445464748494a4b";
        let folder = database.folder.path();
        let (key, fifo, slow) = (folder.join("seal.key"), folder.join("fifo"), folder.join("slow"));
        fs::write(&key, FILE).unwrap();
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let script = format!(
            "echo {PRINTED}; if test -e {}; then cat {}; fi", slow.display(), fifo.display()
        );
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::start(&format!(
            "{}store: {{ url: \"{}\" }}
seal: {{ keys: [ {{ file: {} }}, {{ exec: [sh, -c, {script:?}] }} ] }}
",
            crm(&upstream), database.url, key.display()
        ));
        let writer = gateway.writer();
        let api = format!("{{\"base_url\":\"{}\"}}", upstream.url());
        writer.connector("own", &api, &[("m", r#"{"bearer":{}}"#)]).await;
        fs::write(&slow, "").unwrap();

        // Another replica has the next key already.
        let theirs = Keyring::parse(&[Secret::new(NEXT)]).unwrap();
        let (prints, credential) = (FingerprintKey::random(), Credential::from_iter([("token", "t")]));
        let seal = |place: &Place<'_>| Ok(theirs.seal(&prints, &place.binding, &credential, UnixTime::from_s(1)));
        let row = ConnectionRow {
            connector: "own".to_owned(),
            method: "m".to_owned(),
            revision: 1,
            enabled: true,
            definition: "{}".to_owned(),
            ..ConnectionRow::default()
        };
        let origins = [upstream.url()].into();
        let reach = Reach { connector: "own".to_owned(), origins, ..Reach::default() };
        let to = Entered { owner: String::new(), connection: "theirs".to_owned(), reach };
        let bind = Bind { to, confirmed: false, narrows: true, brings: Vec::new() };
        let condition = Condition::from(Expect::Absent).binding(vec![bind]);
        let other = database.open().await;
        let put = other.connections().put(SYSTEM, "theirs", &row, Secrets::Set(&seal), Secrets::Keep, condition);
        writer.applied(put.await.unwrap().revision).await;
        assert_eq!(ask(&gateway, "theirs").await.error(), "connection_not_found");
        assert_eq!(gateway.store_status().await["skipped"], 1);
        writer.connection("ours", ("own", "m", 1), false, "{}", &[("token", "t")]).await;
        assert_eq!(ask(&gateway, "ours").await.status, 200);
        assert!(slow.exists(), "the program is still asked");

        tokio::task::spawn_blocking(move || fs::write(&fifo, NEXT).unwrap()).await.unwrap();
        answers(&gateway, "theirs", 200).await;
        assert_eq!(gateway.store_status().await["skipped"], 0);
    }

    async fn old_changes_are_thrown_away_as_soon_as_a_gateway_starts(database: Database) {
        let store = database.store().await;
        for key in ["a", "b", "c"] {
            let row = TenantRow { definition: "{}".to_owned() };
            store.tenants().put(SYSTEM, key, &row, Expect::Anything).await.unwrap();
        }
        // The last one is kept, however old: it says where the changes are.
        database.run("UPDATE changes SET at = 0 WHERE revision < 3").await;
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let _gateway = Gateway::beside(&database, &crm(&upstream));
        let thrown_away = async {
            while database.number("SELECT COUNT(*) FROM changes WHERE at = 0").await > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon("old changes to go", thrown_away).await;
    }
}
