//! What is slow or stuck, and does not fail: a reload, the feed, a source of keys, the database. Whatever is
//! revoked is revoked all the same, and whoever can go on goes on.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::soon;
use attache::app::now;
use attache::catalog::Snapshot;
use attache::model::Credential;
use attache::model::Secret;
use attache::model::UnixTime;
use attache::reload::Feed;
use attache::reload::Listener;
use attache::reload::Live;
use attache::reload::News;
use attache::seal::FingerprintKey;
use attache::seal::Keyring;
use attache::seal::Sealer;
use attache::store::ActivationRow;
use attache::store::Expect;
use attache::store::Place;
use attache::store::Secrets;
use attache::store::Store;
use attache::store::TenantRow;
use attache::telemetry::Metrics;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use serde_json::json;
use std::fs;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;

const OWNER: &str = "file:crm";

/// Longer than the feed may be quiet.
const LONG: Duration = Duration::from_secs(60);

fn crm(upstream: &RawUpstream) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors: {{ api: {{ base_url: \"{}\", auth: {{ m: {{ basic: {{}} }} }} }} }}
connections: {{ crm: {{ connector: api, auth: m, embedded: true }} }}
",
        upstream.url()
    )
}

const FIELDS: &[(&str, &str)] = &[("username", "user"), ("password", "p")];

async fn ask(gateway: &Gateway, tenant: &str) -> Response {
    gateway.get("/a", &format!("Attache-Connection: crm\r\nAttache-Tenant: {tenant}\r\n")).await
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("there is mkfifo").success());
}

/// The writing end, as soon as somebody reads: who waits for as long as this is open.
async fn reader_of(fifo: &Path) -> File {
    let opened = async {
        loop {
            match rustix::fs::open(fifo, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()) {
                Ok(end) => break File::from(end),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    soon("somebody to read the pipe", opened).await
}

async fn put_tenant(store: &Store, key: &str) {
    let row = TenantRow { definition: "{}".to_owned() };
    store.tenants().put(SYSTEM, key, &row, Expect::Anything).await.expect("it can be written");
}

async fn put_activation(store: &Store, tenant: &str) {
    let row = ActivationRow {
        owner: OWNER.to_owned(),
        tenant: tenant.to_owned(),
        connection: "crm".to_owned(),
        enabled: true,
        definition: "{}".to_owned(),
        account: None,
    };
    let put = store.activations().put(SYSTEM, &row, Secrets::Keep, Expect::Anything).await;
    put.expect("it can be written");
}

/// A feed on a thread and a runtime of its own, whose listener is the test's, and may block.
async fn feed(database: &Database, listener: Listener) -> (Arc<Live>, watch::Sender<bool>) {
    let live = Live::fixed(Snapshot::empty(), Metrics::new(UnixTime::default()), now);
    let ring = Secret::new("1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let ring = Keyring::parse(&[ring]).expect("it is a key");
    let read = Box::new(|_| Err("there is no more".to_owned()));
    let sealer = Arc::new(Sealer::new(ring, FingerprintKey::random(), read));
    let (stop, stops) = watch::channel(false);
    let (opened, is_open) = tokio::sync::oneshot::channel();
    let (url, fed) = (database.store_url(), Arc::clone(&live));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime can be made").block_on(async {
            let store = Store::open(&url, Path::new("/nowhere")).await.expect("it is there");
            let feed = Feed::open(store, sealer, fed, listener).await;
            opened.send(()).expect("the test waits");
            feed.expect("the store can be read").run(stops).await;
        });
    });
    soon("the feed to be open", is_open).await.expect("it opens");
    (live, stop)
}

fn problem(live: &Live) -> Option<String> {
    live.store_status().expect("there is a store").problem
}

each_engine! {
    async fn a_reload_that_waits_for_a_file_holds_up_no_revocation(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let writer = gateway.writer();
        for tenant in ["first", "second"] {
            writer.activate(OWNER, "crm", tenant, FIELDS).await;
            assert_eq!(ask(&gateway, tenant).await.status, 200);
        }
        let fifo = database.folder.path().join("fifo");
        make_fifo(&fifo);
        let served = fs::read_to_string(gateway.served_file()).expect("it is there");
        let extra = format!(
            "connections: {{ extra: {{ connector: api, auth: m, credentials: {{ username: u, \
             password: \"${{file:{}}}\" }} }}, crm:",
            fifo.display()
        );
        let slow = served.replace("connections: { crm:", &extra);
        assert_ne!(slow, served);
        fs::write(gateway.served_file(), slow).expect("it can be written");
        let mut end = reader_of(&fifo).await;

        writer.deactivate(OWNER, "first").await;
        assert_eq!(ask(&gateway, "first").await.status, 404);
        let operator = gateway.operator();
        let paused = json!({ "base_url": upstream.url(), "auth": { "m": { "basic": {} } } });
        operator.put("/v1/connectors/own", paused).await.is(201);
        operator.delete("/v1/connections/crm/activations/second").await.is(204);
        assert_eq!(ask(&gateway, "second").await.status, 409);
        assert_eq!(gateway.store_status().await["reached"], true);

        end.write_all(b"slow").expect("somebody reads it");
        drop(end);
        let reloaded = async {
            while gateway.app().live().status().generation < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon("the reload to end", reloaded).await;
    }

    async fn a_feed_that_is_stuck_is_said_to_be(database: Database) {
        let store = database.store().await;
        let (go_on, stuck) = mpsc::channel::<()>();
        let (stuck, reached) = (Mutex::new(stuck), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&reached);
        let (live, stop) = feed(&database, Arc::new(move |news| match news {
            News::Activation { .. } => stuck.lock().unwrap().recv().unwrap(),
            News::Reached { .. } => {
                count.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        })).await;
        put_tenant(&store, "acme").await;
        live.look_after_feed(Instant::now());
        assert_eq!(problem(&live), None);
        put_activation(&store, "acme").await;
        let last = async {
            let mut before = 0;
            while reached.load(Ordering::SeqCst) != before {
                before = reached.load(Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        };
        soon("the feed to be stuck", last).await;
        live.look_after_feed(Instant::now() + LONG);
        assert_eq!(problem(&live).unwrap(), "what has changed was not taken up for 10 seconds");
        go_on.send(()).unwrap();
        let told = async {
            while problem(&live).is_some() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon("the feed to go on", told).await;
        stop.send_replace(true);
    }

    async fn a_feed_with_a_fault_in_it_reads_everything_again_and_goes_on(database: Database) {
        let store = database.store().await;
        let (faults, everything) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&everything);
        let (live, stop) = feed(&database, Arc::new(move |news| match news {
            News::Activation { .. } if faults.fetch_add(1, Ordering::SeqCst) == 0 => panic!("a fault"),
            News::Everything => {
                count.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        })).await;
        assert_eq!(everything.load(Ordering::SeqCst), 1, "at the start");
        put_tenant(&store, "acme").await;
        put_activation(&store, "acme").await;
        let again = async {
            while everything.load(Ordering::SeqCst) < 2 || problem(&live).is_some() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon("everything to be read again", again).await;
        put_tenant(&store, "other").await;
        let revision = store.changes().revision(SYSTEM).await.unwrap();
        assert!(live.applied(revision).await);
        stop.send_replace(true);
    }

    async fn a_program_that_takes_its_time_over_keys_holds_up_no_operator(database: Database) {
        const FILE: &str = "1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
        const THEIRS: &str = "3:4041424344454647484940414243444546474849404142434445464748494a4b";
        let folder = database.folder.path();
        let (key, fifo, slow) = (folder.join("seal.key"), folder.join("fifo"), folder.join("slow"));
        fs::write(&key, FILE).unwrap();
        make_fifo(&fifo);
        let script = format!("echo 2:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f; \
                              if test -e {}; then cat {}; fi", slow.display(), fifo.display());
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::start(&format!(
            "{}store: {{ url: \"{}\" }}
seal: {{ keys: [ {{ file: {} }}, {{ exec: [sh, -c, {script:?}] }} ] }}
",
            crm(&upstream), database.url, key.display()
        ));
        // What another replica has sealed, under a key that is not known here.
        let theirs = Keyring::parse(&[Secret::new(THEIRS)]).unwrap();
        let prints = FingerprintKey::random();
        let credential = Credential::from_iter([("username", "u"), ("password", "p")]);
        let seal = |place: &Place<'_>| Ok(theirs.seal(&prints, &place.binding, &credential, UnixTime::from_s(1)));
        let store = &gateway.app().stored().unwrap().store;
        for tenant in ["a", "b", "c", "d"] {
            let row = ActivationRow {
                owner: OWNER.to_owned(),
                tenant: tenant.to_owned(),
                connection: "crm".to_owned(),
                enabled: true,
                definition: "{}".to_owned(), account: None };
            store.activations().put(SYSTEM, &row, Secrets::Set(&seal), Expect::Absent).await.unwrap();
        }
        fs::write(&slow, "").unwrap();

        let operator = gateway.operator();
        let mut edits = tokio::task::JoinSet::new();
        for tenant in ["a", "b", "c", "d"] {
            let (operator, path) = (operator.clone(), format!("/v1/connections/crm/activations/{tenant}"));
            // The password stays: it has to be opened.
            let body = json!({ "credentials": { "username": "new" } });
            edits.spawn(async move { operator.patch(&path, body).await });
        }
        let end = reader_of(&fifo).await;
        tokio::select! {
            biased;
            edited = edits.join_next() => panic!("no key was there yet: {edited:?}"),
            () = async {
                for _ in 0..5 {
                    operator.get("/v1/connections/crm").await.is(200);
                    operator.put("/v1/tenants/acme", json!({})).await;
                }
            } => {}
        }
        drop(end);
        while let Some(edited) = soon("the edits to end", edits.join_next()).await {
            edited.unwrap().is(422);
        }
    }

    async fn while_a_bundle_is_open_and_many_wait_to_write_the_unknown_are_looked_up(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, &crm(&upstream));
        let (writer, operator) = (gateway.writer(), gateway.operator());
        let tenants: Vec<String> = (0..20).map(|it| format!("t{it}")).collect();
        for tenant in &tenants {
            writer.activate(OWNER, "crm", tenant, FIELDS).await;
        }
        let bundle = writer.store.together().await.expect("nobody else writes");
        let mut waiting = tokio::task::JoinSet::new();
        for tenant in &tenants {
            let (operator, path) = (operator.clone(), format!("/v1/tenants/{tenant}"));
            waiting.spawn(async move { operator.put(&path, json!({ "name": "waited" })).await });
        }
        let are_waiting = "SELECT COUNT(*) FROM pg_stat_activity \
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waited = async {
            while database.is_postgres() && database.number(are_waiting).await == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon("somebody to wait for the bundle", waited).await;
        for tenant in &tenants {
            assert_eq!(ask(&gateway, tenant).await.status, 200, "{tenant}");
        }
        operator.get("/v1/tenants").await.is(200);
        drop(bundle);
        while let Some(put) = soon("the writers to be answered", waiting.join_next()).await {
            let put = put.expect("it is answered");
            // On a machine that did something else meanwhile it took too long.
            if put.status != 200 && put.status != 201 {
                put.problem("store_unavailable");
            }
        }
    }
}
