//! A tenant is there by what is written of it, and by its activations: of the store, and of files.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::each_engine;
use attache::model::Scope;
use attache::store::Search;
use serde_json::Value;
use serde_json::json;

const FILE: &str = "\
egress: { allow: [127.0.0.0/8] }
connectors: { api: { base_url: https://api.example, auth: { token: { bearer: {} } } } }
connections:
  filed: { connector: api, auth: token, embedded: true }
activations:
- { connection: filed, tenant: in-file, credentials: { token: x } }
- { connection: filed, tenant: both, credentials: { token: x } }
";

const ALL: [&str; 6] = ["ACTIVE", "active", "both", "in-file", "written", "written-active"];

/// A list's tenants, two a page.
async fn listed(operator: &Operator, query: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/tenants?limit=2{query}{cursor}");
        let page = operator.get(&path).await.is(200).body;
        items.extend(page["items"].as_array().expect("a page has items").iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

async fn keys(operator: &Operator, query: &str) -> Vec<String> {
    let items = listed(operator, query).await;
    items.iter().map(|it| it["key"].as_str().expect("it has a key").to_owned()).collect()
}

async fn activate(operator: &Operator, connection: &str, tenants: &[&str]) {
    for tenant in tenants {
        let path = format!("/v1/connections/{connection}/activations/{tenant}");
        operator.put(&path, json!({ "credentials": { "token": "t" } })).await.is(201);
    }
}

async fn filled(operator: &Operator) {
    for key in ["stored", "other"] {
        let body = json!({ "key": key, "connector": "api", "auth": "token", "embedded": true });
        operator.post("/v1/connections", body).await.is(201);
    }
    let named = [("written", "Globex"), ("written-active", "Initech"), ("both", "Both")];
    for (key, name) in named {
        operator.post("/v1/tenants", json!({ "key": key, "name": name })).await.is(201);
    }
    activate(operator, "stored", &["active", "ACTIVE", "written-active", "both"]).await;
    activate(operator, "other", &["active", "written-active"]).await;
}

each_engine! {
    async fn each_is_listed_once_and_found_by_id_and_name(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        filled(&operator).await;
        assert_eq!(keys(&operator, "").await, ALL);
        assert_eq!(keys(&operator, "&q=active").await, ["ACTIVE", "active", "written-active"]);
        assert_eq!(keys(&operator, "&q=initech").await, ["written-active"]);
        assert_eq!(keys(&operator, "&q=file").await, ["in-file"]);
        assert_eq!(keys(&operator, "&q=nobody").await, [""; 0]);
        let items = listed(&operator, "").await;
        let of = |key: &str| items.iter().find(|it| it["key"] == key).expect("it is listed");
        assert_eq!(of("both")["name"], "Both", "what is written goes before a file's activation");
        assert!(of("both")["version"].is_i64());
        assert!(of("active")["created_at"].is_string() && of("active")["version"].is_null());
        assert_eq!(of("in-file")["created_at"], Value::Null);
        let totals: Vec<_> = ALL.iter().map(|it| of(it)["activations"]["total"].clone()).collect();
        assert_eq!(totals, [1, 2, 2, 1, 0, 2]);
    }

    async fn one_that_is_activated_is_read_and_becomes_written(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        filled(&operator).await;
        for key in ["active", "in-file"] {
            let path = format!("/v1/tenants/{key}");
            let seen = operator.get(&path).await.is(200);
            assert_eq!((seen.response.field("etag"), &seen.body["key"]), (None, &json!(key)));
            operator.patch(&path, json!({ "name": "Named" })).await.is(200);
            let seen = operator.get(&path).await.is(200);
            assert!(seen.response.field("etag").is_some());
            assert_eq!(seen.body["name"], "Named");
        }
        operator.get("/v1/tenants/nobody").await.is(404).problem("not_found");
        operator.patch("/v1/tenants/nobody", json!({ "name": "x" })).await.is(404).problem("not_found");
    }

    async fn a_condition_is_of_what_there_is(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        filled(&operator).await;
        let put = async |key: &str, fields: &str| {
            operator.send("PUT", &format!("/v1/tenants/{key}"), fields, Some(json!({ "name": "x" }))).await
        };
        for fields in ["If-Match: \"0\"\r\n", "If-Match: \"1\"\r\n"] {
            put("nobody", fields).await.is(412);
            put("active", fields).await.is(412);
        }
        put("nobody", "If-Match: *\r\n").await.is(412);
        put("active", "If-Match: *\r\n").await.is(201);
        put("ACTIVE", "If-None-Match: *\r\n").await.is(201);
        let fields = "If-Match: \"1\"\r\n";
        let patched = operator.send("PATCH", "/v1/tenants/in-file", fields, Some(json!({ "name": "x" }))).await;
        patched.is(412);
    }

    async fn a_bundle_takes_away_those_alone_that_were_written(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        filled(&operator).await;
        let bundle = json!({ "tenants": { "written": { "name": "Globex" }, "both": { "name": "Both" }, "written-active": {} } });
        let pruned = operator.post("/v1/apply?prune=true", bundle).await.is(200).body;
        assert_eq!(pruned["delete"], json!([]), "{pruned}");
        let bundle = json!({ "tenants": { "both": { "name": "Both" }, "written-active": {} } });
        operator.post("/v1/apply?prune=true", bundle).await.is(200);
        assert_eq!(keys(&operator, "").await, ["ACTIVE", "active", "both", "in-file", "written-active"]);
        assert_eq!(database.number("SELECT COUNT(*) FROM activations").await, 6, "none went");
    }

    async fn letters_beyond_a_to_z_are_found_as_they_are_written(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        filled(&operator).await;
        activate(&operator, "stored", &["%C3%84-GmbH"]).await;
        assert_eq!(keys(&operator, "&q=%C3%84-gmbh").await, ["Ä-GmbH"]);
    }

    async fn how_its_activations_stand_is_told(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        filled(&operator).await;
        let day_ms = 24 * 60 * 60 * 1000;
        let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
        for (tenant, since_ms) in [("active", now_ms - day_ms), ("written-active", now_ms + day_ms)] {
            database.run(&format!(
                "INSERT INTO grants (owner, tenant, slot, version, fingerprint, former, generation, state, since, why, \
                 failures, tried_with, attempt, attempt_of, attempt_at, holder, held_until, fence) \
                 SELECT owner, tenant, 'activation', 0, '', '', 1, 'failing', {since_ms}, '', 0, '', '', '', 0, '', 0, 1 \
                 FROM activations WHERE connection = 'other' AND tenant = '{tenant}'",
            )).await;
        }
        database.run("INSERT INTO refused (connection, tenant, since) VALUES ('stored', 'active', 1)").await;
        let seen = operator.get("/v1/tenants/active").await.is(200);
        assert_eq!(seen.body["activations"], json!({ "total": 2, "failing": 1, "refused": 1, "dying_7d": 0 }));
        let items = listed(&operator, "&q=written-active").await;
        assert_eq!(items[0]["activations"], json!({ "total": 2, "failing": 0, "refused": 0, "dying_7d": 1 }));
    }

    async fn one_goes_with_its_last_activation(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        filled(&operator).await;
        operator.delete("/v1/connections/stored/activations/active").await.is(204);
        assert_eq!(keys(&operator, "").await, ALL, "it is active under another");
        operator.delete("/v1/connections/other/activations/active").await.is(204);
        operator.get("/v1/tenants/active").await.is(404).problem("not_found");
        // With the connection as well, before what is left of it was swept up.
        operator.delete("/v1/connections/stored?force=true").await.is(204);
        assert_eq!(keys(&operator, "").await, ["both", "in-file", "written", "written-active"]);
        operator.delete("/v1/tenants/written-active?force=true").await.is(204);
        assert_eq!(keys(&operator, "").await, ["both", "in-file", "written"]);
    }

    async fn a_search_goes_on_where_the_nearer_of_both_lots_ended(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        filled(&operator).await;
        let store = database.store().await;
        let many: Vec<_> = (0..9).map(|it| format!("m{it}")).collect();
        activate(&operator, "stored", &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
        for words in [vec![], vec!["a".to_owned()], vec!["m".to_owned(), "7".to_owned()]] {
            let wanted = Search { words, lot: 2, ..Search::default() };
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let lot = store.tenants().all_known(&Scope::System, (&wanted, &wanted), after.as_deref(), 3).await.unwrap();
                assert!(lot.rows.len() <= 3 && lot.unreadable.is_empty());
                found.extend(lot.rows.into_iter().map(|it| it.key));
                assert!(lot.next.as_ref().is_none_or(|it| Some(it) > after.as_ref()), "it goes on");
                after = lot.next;
                if after.is_none() { break }
            }
            let stored = ["ACTIVE", "active", "both", "written", "written-active"].map(str::to_owned);
            let mut all: Vec<_> = stored.into_iter().chain(many.clone()).collect();
            all.sort();
            all.retain(|it| wanted.words.iter().all(|word| it.to_lowercase().contains(word)));
            assert_eq!(found, all, "{:?}", wanted.words);
        }
    }
}

#[tokio::test]
async fn those_of_files_are_there_without_a_store() {
    let gateway = Gateway::start(FILE);
    let operator = gateway.operator();
    assert_eq!(keys(&operator, "").await, ["both", "in-file"]);
    operator.get("/v1/tenants/both").await.is(200);
}
