//! Connections as those meet them who have many: shared, told apart, tried out, let in and taken away; by API
//! alone, on both engines.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::each_engine;
use serde_json::json;

const EMPTY: &str = "egress: { allow: [127.0.0.0/8] }\n";

each_engine! {
    async fn a_hundred_integrations_share_one_connector_and_one_connection(database: Database) {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let desk = json!({ "base_url": upstream.url(), "auth": { "token": { "bearer": {} } } });
        operator.put("/v1/connectors/desk", desk).await.is(201);
        let prod = json!({ "connector": "desk", "auth": "token", "credentials": { "token": "s3cret-1" } });
        operator.put("/v1/connections/desk-prod", prod).await.is(201);
        for number in 1..=100 {
            let links = json!({ "connectors": { "desk": { "connector": "desk" } } });
            operator.put(&format!("/v1/integrations/sync-{number}"), links).await.is(201);
            let assign = json!({ "integration": format!("sync-{number}"), "assign": { "desk": "desk-prod" } });
            operator.put(&format!("/v1/environments/live-{number}"), assign).await.is(201);
        }
        let uses = operator.get("/v1/connections/desk-prod").await.is(200).body["uses"].clone();
        assert_eq!(uses["environments"], 100);

        // Credentials are entered once, and changed once.
        let renewed = json!({ "token": "s3cret-2" });
        operator.put("/v1/connections/desk-prod/credentials", renewed).await.is(200);
        for number in [1, 50, 100] {
            let tags = format!("Attache-Environment: live-{number}\r\nAttache-Connector: desk\r\n");
            assert_eq!(gateway.get("/tickets", &tags).await.status, 200);
            assert_eq!(upstream.request().await.field("authorization"), Some("Bearer s3cret-2"));
        }
    }

    async fn each_of_several_connections_of_a_connector_says_what_it_is(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        operator.put("/v1/connectors/desk", json!({ "base_url": "https://desk.example.com" })).await.is(201);
        // To make an auth method is one act, to make connections by it others.
        let token = json!({
            "name": "Token", "description": "From the settings of Desk",
            "api_key": { "in": "header", "name": "X-Api-Key" },
        });
        let method = operator.put("/v1/connectors/desk/auth/token", token).await.is(201);
        assert_eq!(method.text("name"), "Token");
        let connection = |name: &str| json!({
            "name": name, "connector": "desk", "auth": "token", "credentials": { "key": "s3cret" },
        });
        operator.put("/v1/connections/desk-us", connection("Desk, United States")).await.is(201);
        let mut eu = connection("Desk, Europe");
        eu["base_url"] = json!("https://eu.desk.example.com");
        eu["allowed_origins"] = json!([]);
        operator.put("/v1/connections/desk-eu", eu).await.is(201);

        let listed = operator.get("/v1/connections").await.is(200);
        assert_eq!(listed.keys(), ["desk-eu", "desk-us"]);
        for (key, name, base_url) in [
            ("desk-us", "Desk, United States", json!(null)),
            ("desk-eu", "Desk, Europe", json!("https://eu.desk.example.com")),
        ] {
            let shown = operator.get(&format!("/v1/connections/{key}")).await.is(200).body;
            assert_eq!((&shown["name"], &shown["key"], &shown["base_url"]), (&json!(name), &json!(key), &base_url));
            assert_eq!((&shown["status"], &shown["auth"]), (&json!("ready"), &json!("token")));
            assert!(shown["created_at"].as_str().unwrap().ends_with('Z'), "{shown}");
            // Of the method as the connection has pinned it: its type and name, where the key goes, what it is.
            let pinned = &shown["auth_method"];
            assert_eq!((&pinned["name"], &pinned["description"]), (&json!("Token"), &json!("From the settings of Desk")));
            assert_eq!((&pinned["api_key"]["in"], &pinned["api_key"]["name"]), (&json!("header"), &json!("X-Api-Key")));
            // What is shown can be sent back.
            operator.put(&format!("/v1/connections/{key}"), shown).await.is(200);
        }
        operator.put("/v1/connectors/desk/auth/token", json!({ "bearer": {} })).await.is(200);
        let shown = operator.get("/v1/connections/desk-eu").await.is(200).body;
        assert!(shown["auth_method"]["bearer"].is_null() && shown["auth_method"]["api_key"].is_object(), "{shown}");
    }

    async fn edited_test_credentials_take_effect_with_the_next_request(database: Database) {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let desk = json!({ "base_url": upstream.url(), "auth": { "token": { "bearer": {} } } });
        operator.put("/v1/connectors/desk", desk).await.is(201);
        let many = json!({ "connector": "desk", "auth": "token", "embedded": true });
        operator.put("/v1/connections/many", many).await.is(201);
        let tags = "Attache-Connection: many\r\nAttache-Tenant: acme\r\nAttache-Test: true\r\n";
        assert_ne!(gateway.get("/tickets", tags).await.status, 200);
        for token in ["s3cret-1", "s3cret-2"] {
            let test = json!({ "token": token });
            operator.put("/v1/connections/many/test_credentials", test).await.is(200);
            assert_eq!(gateway.get("/tickets", tags).await.status, 200);
            let sent = format!("Bearer {token}");
            assert_eq!(upstream.request().await.field("authorization"), Some(&*sent));
        }
        operator.delete("/v1/connections/many/test_credentials").await.is(200);
        assert_ne!(gateway.get("/tickets", tags).await.status, 200);
        assert!(upstream.request_so_far().await.is_none());
    }

    async fn a_private_target_is_reachable_once_somebody_allows_it(database: Database) {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let gateway = Gateway::beside(&database, "egress: {}\n");
        let operator = gateway.operator();
        let mut inside = json!({ "base_url": upstream.url(), "auth": { "open": { "none": {} } } });
        let refused = operator.put("/v1/connectors/inside", inside.clone()).await.problem("invalid");
        assert_eq!(refused.pointers(), ["/base_url"]);
        inside["egress"] = json!({ "allow": ["127.0.0.1"] });
        operator.put("/v1/connectors/inside", inside).await.is(201);
        operator.put("/v1/connections/inside", json!({ "connector": "inside", "auth": "open" })).await.is(201);
        assert_eq!(gateway.get("/tickets", "Attache-Connection: inside\r\n").await.status, 200);
        // Not for anybody else.
        let other = json!({ "base_url": upstream.url(), "auth": { "open": { "none": {} } } });
        operator.put("/v1/connectors/other", other).await.problem("invalid");
    }

    async fn what_is_in_use_goes_by_force_alone_and_leaves_its_place_empty(database: Database) {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        let desk = json!({ "base_url": upstream.url(), "auth": { "open": { "none": {} } } });
        operator.put("/v1/connectors/desk", desk).await.is(201);
        for key in ["one", "two"] {
            let open = json!({ "connector": "desk", "auth": "open" });
            operator.put(&format!("/v1/connections/{key}"), open).await.is(201);
        }
        let links = json!({ "connectors": { "a": { "connector": "desk" }, "b": { "connector": "desk" } } });
        operator.put("/v1/integrations/sync", links).await.is(201);
        let assign = json!({ "integration": "sync", "deployed": true, "assign": { "a": "one", "b": "two" } });
        operator.put("/v1/environments/live", assign).await.is(201);
        operator.delete("/v1/connections/one").await.problem("in_use");
        operator.delete("/v1/connections/one?force=true").await.is(204);
        let of = |alias: &str| format!("Attache-Environment: live\r\nAttache-Connector: {alias}\r\n");
        assert_eq!(gateway.get("/tickets", &of("a")).await.code().as_deref(), Some("connector_not_assigned"));
        assert_eq!(gateway.get("/tickets", &of("b")).await.status, 200);
        operator.patch("/v1/environments/live", json!({ "assign": { "a": "two" } })).await.is(200);
        assert_eq!(gateway.get("/tickets", &of("a")).await.status, 200);
    }
}
