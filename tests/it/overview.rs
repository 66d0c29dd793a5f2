//! How many there are of everything: of files and store together, each once.
use crate::support::Gateway;
use crate::support::each_engine;
use serde_json::json;

const FILE: &str = "\
egress: { allow: [127.0.0.0/8] }
connectors: { filed: { base_url: https://filed.example, auth: { token: { bearer: {} }, login: { basic: {} } } } }
connections:
  own: { connector: filed, auth: token, credentials: { token: x } }
  off: { connector: filed, auth: token, enabled: false, credentials: { token: x } }
  many: { connector: filed, auth: token, embedded: true }
activations:
- { connection: many, tenant: acme, credentials: { token: x } }
integrations: { i: { connectors: { x: { connector: filed } } } }
environments: { live: { integration: i, deployed: true, assign: { x: many } } }
";

each_engine! {
    async fn files_and_store_are_counted_together(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let credentials = json!({ "token": "t" });
        for (key, enabled) in [("stored", true), ("stored-off", false)] {
            let body = json!({ "key": key, "connector": "filed", "auth": "token", "enabled": enabled, "credentials": credentials });
            operator.post("/v1/connections", body).await.is(201);
        }
        operator.post("/v1/connections", json!({ "key": "each", "connector": "filed", "auth": "token", "embedded": true })).await.is(201);
        operator.post("/v1/environments", json!({ "key": "test", "integration": "i" })).await.is(201);
        operator.post("/v1/tenants", json!({ "key": "Acme" })).await.is(201);
        for tenant in ["a", "b", "acme"] {
            let path = format!("/v1/connections/each/activations/{tenant}");
            operator.put(&path, json!({ "credentials": credentials })).await.is(201);
        }
        // One is refused by its upstream, and so is the connection `own`.
        database.run("INSERT INTO refused (connection, tenant, since) VALUES ('each', 'a', 1), ('own', '', 1)").await;

        let gone = json!({ "key": "gone", "base_url": "https://gone.example", "auth": { "m": { "bearer": {} } } });
        operator.post("/v1/connectors", gone).await.is(201);
        let mut seen = operator.get("/v1/overview").await.is(200).body;
        assert!(seen["as_of"].take().is_string());
        assert_eq!(seen, json!({
            "connectors": 2,
            "connections": { "total": 6, "embedded": 2, "disabled": 2, "failing": 1 },
            "integrations": 1,
            "environments": { "total": 2, "deployed": 1 },
            // Written of, activated, and of the file as well.
            "tenants": 4,
            "activations": { "total": 4, "failing": 0, "refused": 1, "dying_7d": 0 },
            "callers": seen["callers"],
            "hooks": 0,
            "as_of": null,
        }));
    }

    async fn what_stands_in_a_file_and_in_the_store_is_counted_once(database: Database) {
        let gateway = Gateway::beside(&database, "connectors: { filed: { base_url: https://filed.example, auth: { token: { bearer: {} } } } }\n");
        let operator = gateway.operator();
        for (key, more) in [
            ("own", json!({ "credentials": { "token": "t" } })),
            ("off", json!({ "credentials": { "token": "t" }, "enabled": false })),
            ("many", json!({ "embedded": true })),
        ] {
            let mut body = more;
            (body["key"], body["connector"], body["auth"]) = (json!(key), json!("filed"), json!("token"));
            operator.post("/v1/connections", body).await.is(201);
        }
        operator.post("/v1/integrations", json!({ "key": "i", "connectors": { "x": { "connector": "filed" } } })).await.is(201);
        let live = json!({ "key": "live", "integration": "i", "deployed": true, "assign": { "x": "many" } });
        operator.post("/v1/environments", live).await.is(201);
        let seen = operator.get("/v1/overview").await.is(200).body;
        gateway.stop();
        // The same by a file.
        let again = Gateway::beside(&database, FILE).operator().get("/v1/overview").await.is(200).body;
        for name in ["connectors", "integrations", "environments", "hooks"] {
            assert_eq!(again[name], seen[name], "{name}");
        }
        assert_eq!(again["connections"], json!({ "total": 3, "embedded": 1, "disabled": 1, "failing": 0 }));
    }
}
