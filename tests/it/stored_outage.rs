//! A database that goes away and comes back: what is known goes on, the rest says so and waits.
use crate::support::CALLER_KEY;
use crate::support::Database;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::postgres::Server;
use crate::support::raw_request;
use crate::support::soon;
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
