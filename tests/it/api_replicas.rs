//! Several attaches on one database: a write at one is served at the other; and what is said while the
//! database is away.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::postgres;
use crate::support::soon;
use serde_json::json;
use std::time::Duration;

/// Asks at one replica until it answers so: the other's write has come.
async fn until(gateway: &Gateway, tags: &str, status: u16) {
    let asking = async {
        while gateway.get("/", tags).await.status != status {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(&format!("{status} for {tags:?}"), asking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_activated_and_deactivated_by_api_at_another_replica() {
    let Some(database) = Database::postgres().await else { return };
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let egress = "egress: { allow: [127.0.0.0/8] }\n";
    let other = Process::beside(&database, egress).await;
    let gateway = Gateway::beside(&database, egress);
    let operator = Operator::at(other.admin);
    let api = json!({ "base_url": upstream.url(), "auth": { "token": { "bearer": {} } } });
    operator.put("/v1/connectors/api", api).await.is(201);
    let many = json!({ "connector": "api", "auth": "token", "embedded": true });
    operator.put("/v1/connections/many", many).await.is(201);
    let tags = "Attache-Connection: many\r\nAttache-Tenant: acme\r\n";
    until(&gateway, tags, 409).await;
    let path = "/v1/connections/many/activations/acme";
    operator.put(path, json!({ "credentials": { "token": "s3cret" } })).await.is(201);
    until(&gateway, tags, 200).await;
    operator.delete(path).await.is(204);
    until(&gateway, tags, 409).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_the_api_says_so_and_files_are_still_shown() {
    let Some(server) = postgres::Server::start() else { return };
    let database = Database::on(&server.url).await;
    let gateway =
        Gateway::beside(&database, "connectors: { api: { base_url: https://api.example.com } }\n");
    let operator = gateway.operator();
    let token = operator.post("/v1/tokens", json!({ "key": "ci", "role": "viewer" })).await.is(201);
    let viewer = operator.with_token(token.text("token"));
    server.crash();
    for reply in [
        operator.put("/v1/tenants/acme", json!({})).await,
        operator.get("/v1/tenants").await,
        viewer.get("/v1/whoami").await,
    ] {
        let reply = reply.problem("store_unavailable");
        assert_eq!(reply.status, 503);
        assert!(reply.response.field("retry-after").is_some());
    }
    operator.get("/v1/connectors/api").await.is(200);
    server.restart();
    let back = async {
        while operator.put("/v1/tenants/acme", json!({})).await.status != 201 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("the database to be found again", back).await;
    viewer.get("/v1/whoami").await.is(200);
}
