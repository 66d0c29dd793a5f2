//! Lists are searched by words in key and name, over files and store alike, and connections by what they are.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::each_engine;
use attache::model::Scope;
use attache::store::Expect;
use attache::store::Only;
use attache::store::Search;
use attache::store::Store;
use attache::store::TenantRow;
use serde_json::Value;
use serde_json::json;

const SYSTEM: &Scope = &Scope::System;

const FILE: &str = "\
egress: { allow: [127.0.0.0/8] }
connectors: { filed: { name: Filed API, base_url: https://filed.example, auth: { token: { bearer: {} } } } }
connections:
  filed-eu: { name: Zürich Filed, connector: filed, auth: token, credentials: { token: x } }
  filed-us: { connector: filed, auth: token, enabled: false, credentials: { token: x } }
  many: { connector: filed, auth: token, embedded: true }
integrations: { filed: { connectors: { api: { connector: filed } } }, empty: { connectors: {} } }
activations:
- { connection: many, tenant: Acme-1, credentials: { token: x } }
";

/// The keys of all pages of a list, and how many pages there were.
async fn keys(operator: &Operator, path: &str) -> Vec<String> {
    let (mut keys, mut cursor) = (Vec::new(), String::new());
    loop {
        let and = if path.contains('?') { '&' } else { '?' };
        let page = operator.get(&format!("{path}{and}limit=2{cursor}")).await.is(200).body;
        let items = page["items"].as_array().expect("a page has items");
        let key = |it: &Value| it["key"].as_str().or(it["tenant"].as_str()).map(str::to_owned);
        keys.extend(items.iter().filter_map(key));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return keys,
        }
    }
}

async fn tenant(store: &Store, key: &str, name: &str) {
    let definition = json!({ "name": name }).to_string();
    store.tenants().put(SYSTEM, key, &TenantRow { definition }, Expect::Anything).await.unwrap();
}

fn words(words: &[&str]) -> Search {
    let words = words.iter().map(|it| (*it).to_owned()).collect();
    Search { words, ..Search::default() }
}

each_engine! {
    async fn what_has_every_word_is_found_in_files_and_store(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        for (key, name) in [("own-eu", "ZÜRICH stored"), ("own-us", "Boston"), ("zz", "zürich")] {
            let body = json!({ "key": key, "name": name, "connector": "filed", "auth": "token",
                "embedded": key == "zz", "credentials": if key == "zz" { json!({}) } else { json!({ "token": "t" }) } });
            operator.post("/v1/connections", body).await.is(201);
        }
        let of = async |query: &str| keys(&operator, &format!("/v1/connections{query}")).await;
        assert_eq!(of("?q=z%C3%BCrich").await, ["filed-eu", "own-eu", "zz"]);
        assert_eq!(of("?q=Z%C3%9CRICH+EU").await, ["filed-eu", "own-eu"]);
        assert_eq!(of("?q=-us").await, ["filed-us", "own-us"]);
        assert_eq!(of("?q=%25").await, [""; 0], "no pattern, but a word");
        assert_eq!(of("?q=").await.len(), 6);
        assert_eq!(of("?connector=filed").await.len(), 6);
        assert_eq!(of("?connector=other").await, [""; 0]);
        assert_eq!(of("?auth=other").await, [""; 0]);
        assert_eq!(of("?auth=token&q=boston").await, ["own-us"]);
        assert_eq!(of("?embedded=true").await, ["many", "zz"]);
        assert_eq!(of("?embedded=false&q=us").await, ["filed-us", "own-us"]);
        assert_eq!(of("?state=disabled").await, ["filed-us"]);
        assert_eq!(of("?state=not_activated").await, ["zz"]);
        assert_eq!(of("?state=ready").await, ["filed-eu", "many", "own-eu", "own-us"]);
        for bad in ["?state=fine", "?embedded=yes", &format!("?q={}", "x".repeat(201)), "?q=a+b+c+d+e+f+g+h+i"] {
            operator.get(&format!("/v1/connections{bad}")).await.is(400).problem("bad_request");
        }
        // A new name is found, and the one before is not.
        operator.patch("/v1/connections/own-us", json!({ "name": "Lisboa" })).await.is(200);
        assert_eq!(of("?q=boston").await, [""; 0]);
        assert_eq!(of("?q=LISB").await, ["own-us"]);
        // In the name of the file's own, though the store has one of this key.
        assert_eq!(keys(&operator, "/v1/connectors?q=api").await, ["filed"]);
    }

    async fn every_list_is_searched(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        operator.post("/v1/connectors", json!({ "key": "c", "name": "Wanted One", "base_url": "https://c.example" })).await.is(201);
        operator.post("/v1/integrations", json!({ "key": "i", "name": "Wanted Two", "connectors": {} })).await.is(201);
        operator.post("/v1/environments", json!({ "key": "e", "name": "Wanted Three", "integration": "i" })).await.is(201);
        operator.post("/v1/tenants", json!({ "key": "T-Wanted", "name": "Four" })).await.is(201);
        operator.post("/v1/callers", json!({ "key": "wanted-caller" })).await.is(201);
        for (list, key) in [("connectors", "c"), ("integrations", "i"), ("environments", "e"),
            ("tenants", "T-Wanted"), ("callers", "wanted-caller")] {
            assert_eq!(keys(&operator, &format!("/v1/{list}?q=WANTED")).await, [key], "{list}");
            assert_eq!(keys(&operator, &format!("/v1/{list}?q=nowhere")).await, [""; 0], "{list}");
        }
        let credentials = json!({ "credentials": { "token": "t" } });
        for tenant in ["acme-2", "ACME-3", "other"] {
            operator.put(&format!("/v1/connections/many/activations/{tenant}"), credentials.clone()).await.is(201);
        }
        let activations = "/v1/connections/many/activations";
        assert_eq!(keys(&operator, &format!("{activations}?q=aCme")).await, ["ACME-3", "Acme-1", "acme-2"]);
        assert_eq!(keys(&operator, &format!("{activations}?q=acme+3")).await, ["ACME-3"]);
        assert_eq!(keys(&operator, activations).await.len(), 4);
    }

    async fn integrations_are_found_by_the_connector_that_they_link(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        operator.post("/v1/connectors", json!({ "key": "own", "base_url": "https://own.example" })).await.is(201);
        for (key, links) in [
            ("both", json!({ "a": { "connector": "own" }, "b": { "connector": "filed" } })),
            ("other", json!({ "filed": { "connector": "own" } })),
            ("twice", json!({ "x": { "connector": "filed" }, "y": { "connector": "filed" } })),
        ] {
            operator.post("/v1/integrations", json!({ "key": key, "connectors": links })).await.is(201);
        }
        let of = async |query: &str| keys(&operator, &format!("/v1/integrations{query}")).await;
        assert_eq!(of("?connector=filed").await, ["both", "filed", "twice"]);
        assert_eq!(of("?connector=own").await, ["both", "other"]);
        assert_eq!(of("?connector=own&q=oth+o").await, ["both", "other"]);
        assert_eq!(of("?connector=own&q=other").await, ["other"]);
        assert_eq!(of("?connector=nobody").await, [""; 0]);
        assert_eq!(of("").await.len(), 5);
        // What links it no more is not found by it, though an environment has it still.
        operator.patch("/v1/integrations/both", json!({ "connectors": { "b": null } })).await.is(200);
        operator.delete("/v1/integrations/twice").await.is(204);
        assert_eq!(of("?connector=filed").await, ["filed"]);
    }

    async fn a_search_goes_on_where_its_lot_of_rows_ended(database: Database) {
        let store = database.store().await;
        for number in 0..20 {
            tenant(&store, &format!("t{number:02}"), if number % 7 == 6 { "Wanted" } else { "no" }).await;
        }
        let search = Search { lot: 5, ..words(&["wanted"]) };
        let (mut found, mut after, mut lots) = (Vec::new(), None, 0);
        loop {
            let lot = store.tenants().found(SYSTEM, &search, after.as_deref(), 10).await.unwrap();
            found.extend(lot.rows.into_iter().map(|it| it.key));
            lots += 1;
            after = lot.next;
            if after.is_none() { break }
        }
        assert_eq!((found, lots), (vec!["t06".to_owned(), "t13".to_owned()], 5));
        // Where there are more than are asked for it goes on behind the last of them.
        let first = store.tenants().found(SYSTEM, &words(&["t"]), None, 3).await.unwrap();
        assert_eq!(first.next.as_deref(), Some("t02"));
        assert_eq!(first.rows.len(), 3);
        let none = Search { only: vec![Only::Connector("x".into())], ..Search::default() };
        assert!(store.connections().found(SYSTEM, &none, None, 3).await.unwrap().rows.is_empty());
    }

    async fn rows_of_before_are_found_once_the_database_is_brought_up_to_date(database: Database) {
        let store = database.store().await;
        for number in 0..150 {
            tenant(&store, &format!("t{number:03}"), &format!("Name {number}")).await;
        }
        let undo = "DELETE FROM schema_versions WHERE version >= (SELECT version FROM schema_versions WHERE name = 'search'); \
                    DROP INDEX tenants_words; DROP INDEX webhook_deliveries_size; DROP INDEX webhook_deliveries_verdict; \
                    DROP INDEX webhook_deliveries_gone_old; ALTER TABLE webhook_deliveries DROP COLUMN size; \
                    CREATE INDEX webhook_deliveries_verdict ON webhook_deliveries (verdict, id);";
        database.run(undo).await;
        for table in ["connectors", "integrations", "environments", "connections", "tenants", "callers"] {
            database.run(&format!("ALTER TABLE {table} DROP COLUMN words")).await;
        }
        store.migrate().await.unwrap();
        let found = store.tenants().found(SYSTEM, &words(&["name", "149"]), None, 10).await.unwrap();
        assert_eq!(found.rows.iter().map(|it| &*it.key).collect::<Vec<_>>(), ["t149"]);
    }
}
