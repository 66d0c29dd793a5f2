//! A database that goes away and comes back: what is known goes on, the rest says so and waits.
use crate::support::CALLER_KEY;
use crate::support::Database;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::postgres::Server;
use crate::support::raw_request;
use crate::support::soon;
use attache::store::CallerKey;
use attache::store::CallerRow;
use attache::store::EnvironmentRow;
use attache::store::Expect;
use sha2::Digest;
use sha2::Sha256;
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

async fn ask(gateway: &Gateway, tenant: &str) -> Response {
    let request =
        format!("GET /c/crm@{tenant}/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n");
    raw_request(gateway.proxy, request).await
}

/// Waits until `/readyz` says whether the store is reached.
async fn reached(gateway: &Gateway, reached: bool) {
    let told = async {
        while gateway.store_status().await["reached"] != reached {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(&format!("the store to be reached: {reached}"), told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_warm_goes_on_while_the_database_is_away_and_what_is_cold_says_so() {
    let Some(server) = Server::start() else { return };
    let database = Database::on(&server.url).await;
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::beside(&database, &crm(&upstream));
    let writer = gateway.writer();
    for tenant in ["warm", "cold"] {
        writer.activate(OWNER, "crm", tenant, &[("token", tenant)]).await;
    }
    assert_eq!(ask(&gateway, "warm").await.status, 200);

    server.crash();
    reached(&gateway, false).await;
    assert_eq!(gateway.metric("attache_store_up", &[]).await, 0.0);
    assert_eq!(gateway.admin("/readyz").await.status, 200, "it still takes work");
    for _ in 0..3 {
        assert_eq!(ask(&gateway, "warm").await.status, 200);
        let cold = ask(&gateway, "cold").await;
        assert_eq!((cold.status, cold.error()), (503, "credential_unavailable"));
        assert_eq!(cold.head.field("retry-after"), Some("1"));
    }

    server.restart();
    reached(&gateway, true).await;
    assert_eq!(gateway.metric("attache_store_up", &[]).await, 1.0);
    for tenant in ["warm", "cold"] {
        assert_eq!(ask(&gateway, tenant).await.status, 200, "{tenant}");
    }
    writer.deactivate(OWNER, "warm").await;
    assert_eq!(ask(&gateway, "warm").await.error(), "activation_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_warm_goes_no_longer_than_serve_stale() {
    let Some(server) = Server::start() else { return };
    let database = Database::on(&server.url).await;
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::beside_with(&database, "serve_stale: 0s", &crm(&upstream));
    gateway.writer().activate(OWNER, "crm", "warm", &[("token", "t")]).await;
    assert_eq!(ask(&gateway, "warm").await.status, 200);
    server.crash();
    reached(&gateway, false).await;
    assert_eq!(ask(&gateway, "warm").await.error(), "credential_unavailable");
    server.restart();
    reached(&gateway, true).await;
    assert_eq!(ask(&gateway, "warm").await.status, 200);
}

/// A file's connection and caller, stored ones beside them, and what is asked of each.
struct Beside {
    gateway: Gateway,
    asked: [(&'static str, &'static str, &'static str); 6],
}

impl Beside {
    const STORED_KEY: &str = "the-stored-caller-s-key-0123";

    async fn start(database: &Database, settings: &str, upstream: &RawUpstream) -> Self {
        let configuration = format!(
            "egress: {{ allow: [127.0.0.0/8] }}
connectors: {{ api: {{ base_url: \"{}\", auth: {{ m: {{ none: {{}} }}, hook: {{ hmac: {{ preset: github }} }} }} }} }}
connections: {{ plain: {{ connector: api, auth: m }} }}
integrations: {{ sync: {{ connectors: {{ main: {{ connector: api }} }} }} }}
",
            upstream.url()
        );
        let gateway = Gateway::beside_with(database, settings, &configuration);
        let writer = gateway.writer();
        writer.connection("stored", ("api", "m", 1), false, "{}", &[]).await;
        let hook = format!("{{\"base_url\":\"{}\"}}", upstream.url());
        writer.connection("hooks", ("api", "hook", 1), false, &hook, &[("secret", "s")]).await;
        let key = CallerKey {
            caller: "theirs".to_owned(),
            hash: Sha256::digest(Self::STORED_KEY).into(),
            prefix: "the".to_owned(),
            created_at_ms: 0,
            expires_at_ms: None,
        };
        let row = CallerRow { definition: "{}".to_owned() };
        let callers = writer.store.callers();
        let put = callers.put(SYSTEM, "theirs", &row, Some(&key), Expect::Absent).await;
        writer.applied(put.expect("it can be written").written.revision).await;
        let assign = [("main".to_owned(), "plain".to_owned())].into_iter().collect();
        let row = EnvironmentRow::new("sync".to_owned(), true, "{}".to_owned(), assign);
        let environments = writer.store.environments();
        let put = environments.put(SYSTEM, "prod", &row, Expect::Absent).await;
        writer.applied(put.expect("it can be written").revision).await;
        let asked = [
            ("a file's caller and connection", CALLER_KEY, "/c/plain/a"),
            ("a stored caller", Self::STORED_KEY, "/c/plain/a"),
            ("a stored connection", CALLER_KEY, "/c/stored/a"),
            ("a stored environment", CALLER_KEY, "/e/prod/main/a"),
            ("both stored", Self::STORED_KEY, "/c/stored/a"),
            ("a stored caller's key as a bearer token", "", "/c/plain/a"),
        ];
        Self { gateway, asked }
    }

    /// What is answered: the status of each.
    async fn answers(&self) -> [u16; 6] {
        let mut statuses = [0; 6];
        for (status, (what, key, path)) in statuses.iter_mut().zip(self.asked) {
            let key = match key {
                "" => format!("Authorization: Bearer {}", Self::STORED_KEY),
                key => format!("Attache-Key: {key}"),
            };
            let request = format!("GET {path} HTTP/1.1\r\nHost: g\r\n{key}\r\n\r\n");
            let answer = raw_request(self.gateway.proxy, request).await;
            *status = answer.status;
            if answer.status != 200 {
                assert_eq!(answer.error(), "credential_unavailable", "{what}");
                assert_eq!(answer.head.field("retry-after"), Some("1"), "{what}");
            }
        }
        statuses
    }

    async fn until(&self, expected: [u16; 6]) {
        let told = async {
            while self.answers().await != expected {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon(&format!("the answers {expected:?}"), told).await;
    }

    async fn deliver(&self) -> Response {
        let request = "POST /hooks/hooks HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n";
        raw_request(self.gateway.public, request).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_callers_and_connections_go_no_longer_than_serve_stale_and_those_of_files_go_on() {
    let Some(server) = Server::start() else { return };
    let database = Database::on(&server.url).await;
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let beside = Beside::start(&database, "serve_stale: 0s", &upstream).await;
    assert_eq!(beside.answers().await, [200; 6]);
    assert_eq!(beside.deliver().await.error(), "webhook_unsigned");
    for _ in 0..2 {
        server.crash();
        beside.until([200, 503, 503, 503, 503, 503]).await;
        assert_eq!(beside.deliver().await.error(), "credential_unavailable");
        server.restart();
        beside.until([200; 6]).await;
        assert_eq!(beside.deliver().await.error(), "webhook_unsigned");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_callers_and_connections_go_on_for_serve_stale() {
    let Some(server) = Server::start() else { return };
    let database = Database::on(&server.url).await;
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let beside = Beside::start(&database, "", &upstream).await;
    server.crash();
    reached(&beside.gateway, false).await;
    assert_eq!(beside.answers().await, [200; 6]);
    assert_eq!(beside.deliver().await.error(), "webhook_unsigned");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_while_a_replica_was_cut_off_reaches_it_when_it_is_back() {
    let Some(server) = Server::start() else { return };
    let database = Database::on(&server.url).await;
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::beside(&database, &crm(&upstream));
    let writer = gateway.writer();
    writer.activate(OWNER, "crm", "acme", &[("token", "t")]).await;
    assert_eq!(ask(&gateway, "acme").await.status, 200);
    server.crash();
    reached(&gateway, false).await;
    server.restart();
    // Past this gateway, and with the changes forgotten: it has to read everything again.
    let other = database.open().await;
    other
        .activations()
        .delete(crate::support::SYSTEM, OWNER, "acme", attache::store::Expect::Anything)
        .await
        .expect("the server is back");
    database.run("DELETE FROM changes").await;
    let gone = async {
        while ask(&gateway, "acme").await.status != 409 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the deactivation to be known", gone).await;
}
