//! Definitions in a store, beside those of files: served as they are written, each on its own.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::SYSTEM;
use crate::support::Script;
use crate::support::Writer;
use crate::support::each_engine;
use crate::support::raw_request;
use attache::store::CallerKey;
use attache::store::CallerRow;
use attache::store::EnvironmentRow;
use attache::store::Expect;
use attache::store::IntegrationRow;
use sha2::Digest;
use sha2::Sha256;

const ALLOW: &str = "egress: { allow: [127.0.0.0/8] }\n";

async fn ask(gateway: &Gateway, path: &str) -> Response {
    ask_as(gateway, CALLER_KEY, path).await
}

async fn ask_as(gateway: &Gateway, key: &str, path: &str) -> Response {
    let request = format!("GET {path} HTTP/1.1\r\nHost: g\r\nAttache-Key: {key}\r\n\r\n");
    raw_request(gateway.proxy, request).await
}

/// A connector with one method, and a connection of it.
async fn api(writer: &Writer, upstream: &RawUpstream) {
    let definition = format!("{{\"base_url\":\"{}\"}}", upstream.url());
    let method = r#"{"api_key":{"in":"header","name":"X-One"}}"#;
    writer.connector("api", &definition, &[("m", method)]).await;
    writer.connection("prod", ("api", "m", 1), false, "{}", &[("key", "s3cret")]).await;
}

async fn caller(
    writer: &Writer,
    key: &str,
    definition: &str,
    caller_key: &str,
    expires: Option<i64>,
) {
    let row = CallerRow { definition: definition.to_owned() };
    let new_key = CallerKey {
        caller: key.to_owned(),
        hash: Sha256::digest(caller_key).into(),
        prefix: caller_key[..4].to_owned(),
        created_at_ms: 0,
        expires_at_ms: expires,
    };
    let put = writer.store.callers().put(SYSTEM, key, &row, Some(&new_key), Expect::Anything);
    writer.applied(put.await.unwrap().written.revision).await;
}

each_engine! {
    async fn a_gateway_without_any_file_definition_serves_what_is_written(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let writer = gateway.writer();
        assert_eq!(ask(&gateway, "/c/prod/a").await.error(), "connection_not_found");
        api(&writer, &upstream).await;
        assert_eq!(ask(&gateway, "/c/prod/a").await.status, 200);
        assert_eq!(upstream.request().await.field("x-one"), Some("s3cret"));

        let links = [("hub".to_owned(), "api".to_owned())].into_iter().collect();
        let sync = r#"{"connectors":{"hub":{"connector":"api"}}}"#.to_owned();
        let sync = IntegrationRow::new(sync, links);
        let written = writer.store.integrations().put(SYSTEM, "sync", &sync, Expect::Absent).await;
        writer.applied(written.unwrap().revision).await;
        let assign = [("hub".to_owned(), "prod".to_owned())].into_iter().collect();
        let live = EnvironmentRow::new("sync".to_owned(), true, "{}".to_owned(), assign);
        let written = writer.store.environments().put(SYSTEM, "live", &live, Expect::Absent).await;
        writer.applied(written.unwrap().revision).await;
        assert_eq!(ask(&gateway, "/e/live/hub/a").await.status, 200);

        writer.delete_connection("prod").await;
        assert_eq!(ask(&gateway, "/c/prod/a").await.error(), "connection_not_found");
        assert_eq!(ask(&gateway, "/e/live/hub/a").await.error(), "connector_not_assigned");
    }

    async fn what_is_stored_is_served_after_a_restart_and_after_a_reload(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        api(&gateway.writer(), &upstream).await;
        gateway.stop();
        let gateway = Gateway::beside(&database, ALLOW);
        assert_eq!(ask(&gateway, "/c/prod/a").await.status, 200);
        let file = gateway.served_file();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}connectors: {{ other: {{ name: Other }} }}\n")).unwrap();
        gateway.app().reload();
        assert_eq!(gateway.app().live().status().last_error, None);
        assert!(gateway.app().live().snapshot().connector("other").is_some());
        assert_eq!(ask(&gateway, "/c/prod/a").await.status, 200);
    }

    async fn an_edit_of_a_method_leaves_the_connections_that_pin_it_as_they_are(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let writer = gateway.writer();
        api(&writer, &upstream).await;
        let changed = r#"{"api_key":{"in":"header","name":"X-Two"}}"#;
        let connectors = writer.store.connectors();
        let put = connectors.put_method(SYSTEM, "api", "m", changed, Expect::Anything).await;
        let (written, revision) = put.unwrap();
        writer.applied(written.revision).await;
        assert_eq!(revision, 2);
        assert_eq!(ask(&gateway, "/c/prod/a").await.status, 200);
        assert_eq!(upstream.request().await.field("x-one"), Some("s3cret"));
        writer.connection("prod", ("api", "m", 2), false, "{}", &[("key", "s3cret")]).await;
        assert_eq!(ask(&gateway, "/c/prod/a").await.status, 200);
        assert_eq!(upstream.request().await.field("x-two"), Some("s3cret"));
    }

    async fn a_stored_connection_pins_a_revision_of_a_method_in_a_file(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let file = |header: &str| {
            format!(
                "{ALLOW}connectors: {{ api: {{ base_url: \"{}\", auth: {{ m: {{ api_key: {{ in: header, name: {header} }} }} }} }} }}\n",
                upstream.url()
            )
        };
        let gateway = Gateway::beside(&database, &file("X-One"));
        let key = [("key", "s3cret")];
        gateway.writer().connection("prod", ("api", "m", 1), false, "{}", &key).await;
        gateway.stop();
        let gateway = Gateway::beside(&database, &file("X-Two"));
        assert_eq!(ask(&gateway, "/c/prod/a").await.status, 200);
        assert_eq!(upstream.request().await.field("x-one"), Some("s3cret"), "as it was made");
        let repin = gateway.writer();
        repin.connection("prod", ("api", "m", 2), false, "{}", &key).await;
        assert_eq!(ask(&gateway, "/c/prod/a").await.status, 200);
        assert_eq!(upstream.request().await.field("x-two"), Some("s3cret"));
    }

    async fn a_key_in_a_file_and_in_the_store_is_the_file_s_and_said(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        api(&gateway.writer(), &upstream).await;
        gateway.stop();
        let file = format!(
            "{ALLOW}connectors: {{ web: {{ base_url: \"{}\", auth: {{ m: {{ bearer: {{}} }} }} }} }}
connections:
  prod: {{ connector: web, auth: m, credentials: {{ token: of-the-file }} }}\n",
            upstream.url()
        );
        let gateway = Gateway::beside(&database, &file);
        assert_eq!(ask(&gateway, "/c/prod/a").await.status, 200);
        assert_eq!(upstream.request().await.field("authorization"), Some("Bearer of-the-file"));
        let status = gateway.store_status().await;
        assert_eq!(status["skipped"], 1);
        let said = status["first_skipped"].as_str().unwrap();
        assert!(said.starts_with("connection prod: ") && said.contains("served.yaml:4"), "{said}");
        assert_eq!(gateway.metric("attache_store_skipped", &[]).await, 1.0);
    }

    async fn a_row_that_does_not_read_is_skipped_and_named_and_costs_no_other(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let writer = gateway.writer();
        api(&writer, &upstream).await;
        writer.connection("other", ("api", "m", 1), false, "{}", &[("key", "o")]).await;
        gateway.stop();
        database.run("UPDATE connections SET definition = 'not JSON' WHERE key = 'prod'").await;
        let gateway = Gateway::beside(&database, ALLOW);
        assert_eq!(ask(&gateway, "/c/other/a").await.status, 200);
        assert_eq!(ask(&gateway, "/c/prod/a").await.error(), "connection_not_found");
        let status = gateway.store_status().await;
        assert_eq!((&status["reached"], &status["skipped"]), (&true.into(), &1.into()));
        assert!(status["first_skipped"].as_str().unwrap().contains("prod"), "{status}");

        // Made anew, it is served again.
        gateway.writer().delete_connection("prod").await;
        gateway.writer().connection("prod", ("api", "m", 1), false, "{}", &[("key", "k")]).await;
        assert_eq!(ask(&gateway, "/c/prod/a").await.status, 200);
        assert_eq!(gateway.store_status().await["skipped"], 0);
    }

    async fn a_stored_caller_is_let_in_by_each_of_its_keys_until_it_expires(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let writer = gateway.writer();
        api(&writer, &upstream).await;
        let (first, second) = ("atc_first-key-of-the-worker", "atc_second-key-of-the-worker");
        assert_eq!(ask_as(&gateway, first, "/c/prod/a").await.error(), "caller_unauthenticated");
        caller(&writer, "worker", r#"{"connections":["prod"]}"#, first, None).await;
        assert_eq!(ask_as(&gateway, first, "/c/prod/a").await.status, 200);
        // Expired in 1970.
        caller(&writer, "worker", r#"{"connections":["prod"]}"#, second, Some(1)).await;
        assert_eq!(ask_as(&gateway, second, "/c/prod/a").await.error(), "caller_unauthenticated");
        assert_eq!(ask_as(&gateway, first, "/c/prod/a").await.status, 200);
        let deleted = writer.store.callers().delete(SYSTEM, "worker", Expect::Anything).await;
        writer.applied(deleted.unwrap()).await;
        assert_eq!(ask_as(&gateway, first, "/c/prod/a").await.error(), "caller_unauthenticated");
    }

    async fn a_tenant_scoped_caller_sees_and_lists_what_is_exposed(database: Database) {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::beside(&database, ALLOW);
        let writer = gateway.writer();
        api(&writer, &upstream).await;
        let pin = ("api", "m", 1);
        let exposed = r#"{"name":"Shared","expose":true}"#;
        writer.connection("shared", pin, false, exposed, &[("key", "s")]).await;
        writer.connection("each", pin, true, r#"{"expose":true}"#, &[]).await;
        let key = "atc_key-of-acme-s-own-program";
        let grants = r#"{"tenants":["acme"],"tenant_scoped":true}"#;
        caller(&writer, "acme", grants, key, None).await;
        assert_eq!(ask_as(&gateway, key, "/c/prod/a").await.error(), "connection_not_found");
        assert_eq!(ask_as(&gateway, key, "/c/shared/a").await.status, 200);
        let list = |query: &'static str| {
            let gateway = &gateway;
            async move {
                let answer = ask_as(gateway, key, &format!("/-/connections{query}")).await;
                serde_json::from_str::<serde_json::Value>(&answer.text()).unwrap()
            }
        };
        let listed = list("").await;
        let keys: Vec<&str> =
            listed["connections"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
        assert_eq!((keys, &listed["next"]), (vec!["each", "shared"], &serde_json::Value::Null));
        let first = list("?limit=1").await;
        assert_eq!(first["next"], "each");
        let second = list("?limit=1&cursor=each").await;
        assert_eq!((&second["connections"][0]["name"], &second["next"]), (&"Shared".into(), &serde_json::Value::Null));
        assert_eq!(ask(&gateway, "/-/connections").await.error(), "caller_forbidden");
    }

    async fn listing_takes_from_the_caller_s_own_rate(database: Database) {
        let gateway = Gateway::beside(&database, ALLOW);
        let key = "atc_key-of-acme-s-own-program";
        let grants = r#"{"tenants":["acme"],"tenant_scoped":true,"rate":{"requests":1,"per":"1h","burst":2}}"#;
        caller(&gateway.writer(), "acme", grants, key, None).await;
        for status in [200, 200, 429] {
            assert_eq!(ask_as(&gateway, key, "/-/connections").await.status, status);
        }
        let refused = ask_as(&gateway, key, "/-/connections").await;
        assert_eq!((refused.error(), refused.field("retry-after")), ("rate_limited", Some("3600")));
        assert_eq!(gateway.metric("attache_limited_total", &["limit=\"caller_rate\""]).await, 2.0);
    }
}
