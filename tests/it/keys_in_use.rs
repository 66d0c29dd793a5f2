//! A key is changed while everybody sends: nobody notices, and the old one opens nothing afterwards.
use crate::support::CALLER_KEY;
use crate::support::Database;
use crate::support::Process;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::entered_for;
use crate::support::replica;
use attache::model::Credential;
use attache::model::Scope;
use attache::model::Secret;
use attache::model::UnixTime;
use attache::seal::FingerprintKey;
use attache::seal::Keyring;
use attache::store::Activation;
use attache::store::ActivationRow;
use attache::store::Expect;
use attache::store::Place;
use attache::store::Secrets;
use attache::store::Store;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::task::JoinSet;

/// Two keys of a deployment. Neither is secret.
const OLD: &str = "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEW: &str = "2:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

/// Callers that never stop.
const LINKS: usize = 64;

/// From one tenant of a link to its next: a prime, so that each is passed, and memory holds few of them.
const STEP: usize = 7919;

/// Written in one transaction.
const LOT: usize = 1000;

fn tenant(number: usize) -> String {
    format!("tenant-{number:06}")
}

/// Activations of so many tenants under the connection `many` of a file, each with a secret of its own.
async fn fill(store: &Store, count: usize) {
    let keyring = Keyring::parse(&[Secret::new(OLD)]).expect("a key");
    let fingerprints = FingerprintKey::random();
    let seal = |place: &Place<'_>| {
        let secret = format!("secret-of-{}", place.binding.tenant);
        let credential = Credential::from_iter([("token", &*secret)]);
        Ok(keyring.seal(&fingerprints, &place.binding, &credential, UnixTime::from_s(1)))
    };
    for from in (0..count).step_by(LOT) {
        let row = |number| ActivationRow {
            owner: "file:many".to_owned(),
            tenant: tenant(number),
            connection: "many".to_owned(),
            enabled: true,
            definition: "{}".to_owned(),
            account: None,
        };
        let activate = |number| Activation {
            row: row(number),
            secrets: Secrets::Set(&seal),
            condition: Expect::Anything.into(),
        };
        let lot: Vec<_> = (from..count.min(from + LOT)).map(activate).collect();
        store.activations().put_all(&Scope::System, &lot, &[]).await.expect("they are sound");
    }
}

/// What the callers have been through.
#[derive(Default)]
struct Traffic {
    ends: AtomicBool,
    answered: AtomicUsize,
    failed: std::sync::Mutex<Vec<String>>,
}

impl Traffic {
    /// One link, on which one tenant after another asks; all of them in an order of this link's own.
    async fn send(self: Arc<Self>, proxy: SocketAddr, link: usize, count: usize) {
        let mut client = RawClient::connect(proxy).await;
        let mut number = link * count / LINKS;
        while !self.ends.load(Ordering::Relaxed) {
            number = (number + STEP) % count;
            let tenant = tenant(number);
            let request = format!(
                "GET /{tenant} HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\
                 Attache-Connection: many\r\nAttache-Tenant: {tenant}\r\n\r\n"
            );
            client.send(request).await;
            let answer = client.response().await;
            if answer.as_ref().is_none_or(|it| it.status != 200) {
                let failed = format!("{tenant}: {answer:?}");
                self.failed.lock().expect("no holder panics").push(failed);
                client = RawClient::connect(proxy).await;
            }
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Until so many more were answered.
    async fn goes_on(&self, count: usize) {
        let until = self.answered.load(Ordering::Relaxed) + count;
        while self.answered.load(Ordering::Relaxed) < until {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// Runs `attache keys` with the keys of this file: exit code, and what it said.
async fn keys(database: &Database, what: &str, keys: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attache"));
    command.env_clear().args(["keys", what]).current_dir(database.folder.path());
    command.env("ATTACHE_DATABASE_URL", &database.url).env("ATTACHE_SEAL_KEY_FILE", keys);
    let ended = tokio::task::spawn_blocking(move || command.output()).await;
    let ended = ended.expect("it does not panic").expect("the program can be run");
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn file(database: &Database, name: &str, keys: &str) -> PathBuf {
    let path = database.folder.path().join(name);
    fs::write(&path, format!("{keys}\n")).expect("the folder takes files");
    path
}

each_engine! {
    /// 100,000 credentials in `make test-long`.
    async fn a_rotation_under_load_fails_no_request_and_the_old_key_then_opens_nothing(database: Database) {
        let is_long = std::env::var_os("ATTACHE_TEST_LONG").is_some();
        let count = if is_long { 100_000 } else { 2000 };
        let store = database.store().await;
        fill(&store, count).await;
        let ring = file(&database, "ring", OLD);
        let (old, new) = (file(&database, "old", OLD), file(&database, "new", NEW));
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        entered_for(&store, "many", &upstream.url()).await;
        store.close().await;
        let many = format!(
            "connectors: {{ api: {{ base_url: \"{}\", auth: {{ m: {{ bearer: {{}} }} }} }} }}
connections: {{ many: {{ connector: api, auth: m, embedded: true }} }}",
            upstream.url()
        );
        // A file of SQLite has one gateway.
        let replicas = if database.is_postgres() { 2 } else { 1 };
        let mut gateways = Vec::new();
        for _ in 0..replicas {
            gateways.push(Process::replica(&database.url, &ring, &many).await);
        }
        let traffic = Arc::new(Traffic::default());
        let mut links = JoinSet::new();
        for link in 0..LINKS {
            links.spawn(Arc::clone(&traffic).send(gateways[link % replicas].proxy, link, count));
        }
        traffic.goes_on(1000).await;

        // As an operator does: one more line, and the gateways go on.
        let mut more = fs::OpenOptions::new().append(true).open(&ring).expect("it is there");
        writeln!(more, "{NEW}").expect("it can be written");
        let (since, before) = (Instant::now(), traffic.answered.load(Ordering::Relaxed));
        let (code, said) = keys(&database, "rotate", &ring).await;
        let (took, meanwhile) = (since.elapsed(), traffic.answered.load(Ordering::Relaxed) - before);
        assert_eq!(code, Some(0), "{said}");
        traffic.goes_on(500).await;
        // And without the old one, in the file at least.
        fs::write(&ring, format!("{NEW}\n")).expect("it can be written");
        traffic.goes_on(500).await;
        traffic.ends.store(true, Ordering::Relaxed);
        links.join_all().await;
        let failed = traffic.failed.lock().expect("no holder panics").clone();
        assert!(failed.is_empty(), "{} failed: {}", failed.len(), failed[0]);
        assert!(meanwhile > 0, "callers sent while it was rotated");
        for gateway in &gateways {
            let looked_up = gateway.metric("attache_store_lookups_total").await;
            assert!(looked_up > 500.0, "most had to be opened anew: {looked_up}");
        }
        println!("{count} credentials were put under the new key in {took:?}; {meanwhile} requests meanwhile");

        // Each had its own tenant's credential.
        let mut arrived = 0;
        while let Some(request) = upstream.request_so_far().await {
            let tenant = request.line().split(['/', ' ']).nth(2).expect("a path").to_owned();
            let bearer = format!("Bearer secret-of-{tenant}");
            assert_eq!(request.field("authorization"), Some(&*bearer));
            arrived += 1;
        }
        assert!(arrived >= 1500, "{arrived}");

        let (code, said) = keys(&database, "verify", &old).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("(not among ours): 0 open, ") && !said.contains("(seals)"), "{said}");
        let (code, said) = keys(&database, "verify", &new).await;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("(seals): ") && said.contains("\n0 of "), "{said}");
        drop(gateways);
        let (code, said) = Process::refused(&replica(&database.url, &old, &many));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("v2-"), "{said}");
        let gateway = Process::replica(&database.url, &new, &many).await;
        let asked = gateway.ask(&format!("/c/many@{}/a", tenant(count - 1))).await;
        assert_eq!(asked.status, 200);
    }
}
