//! An edit breaks nobody silently: who works now and would not any more is named first, and a preview of any
//! edit changes nothing.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::each_engine;
use serde_json::Value;
use serde_json::json;

const EMPTY: &str = "egress: { allow: [127.0.0.0/8] }\n";

/// An integration of two links with a deployed environment, and a tenant under one of its connections.
async fn furnish(operator: &Operator) {
    let api = json!({
        "base_url": "https://api.example.com/{area}",
        "variables": { "area": { "pattern": "[a-z]+" } },
        "auth": { "token": { "bearer": {} }, "login": { "basic": {} } },
    });
    operator.put("/v1/connectors/api", api).await.is(201);
    let other = json!({
        "base_url": "https://other.example.com", "auth": { "token": { "bearer": {} } },
    });
    operator.put("/v1/connectors/other", other).await.is(201);
    let many = json!({ "connector": "api", "auth": "token", "embedded": true });
    operator.put("/v1/connections/many", many).await.is(201);
    let one = json!({
        "connector": "api", "auth": "token", "variables": { "area": "eu" },
        "credentials": { "token": "s3cret" },
    });
    operator.put("/v1/connections/one", one).await.is(201);
    let acme = json!({ "variables": { "area": "acme" }, "credentials": { "token": "s3cret" } });
    operator.put("/v1/connections/many/activations/acme", acme).await.is(201);
    let links =
        json!({ "connectors": { "a": { "connector": "api" }, "b": { "connector": "api" } } });
    operator.put("/v1/integrations/sync", links).await.is(201);
    let live = json!({
        "integration": "sync", "deployed": true, "assign": { "a": "many", "b": "one" },
    });
    operator.put("/v1/environments/live", live).await.is(201);
}

fn in_live(alias: &str) -> Value {
    json!([{ "kind": "environment", "key": "live", "alias": alias, "deployed": true }])
}

/// How much has been written.
async fn revision(gateway: &Gateway) -> i64 {
    let ready: Value = serde_json::from_slice(&gateway.admin("/readyz").await.body).unwrap();
    ready["store"]["revision"].as_i64().unwrap()
}

each_engine! {
    async fn a_link_that_environments_assign_is_not_taken_away_unasked(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        furnish(&operator).await;
        let less = json!({ "connectors": { "b": null } });
        let refused = operator.patch("/v1/integrations/sync", less.clone()).await.problem("in_use");
        assert_eq!(refused.body["uses"], in_live("b"));
        // Nor does a link lead to another connector than that of what is assigned to it.
        let turned = json!({ "connectors": { "a": { "connector": "other" } } });
        let refused = operator.patch("/v1/integrations/sync", turned).await.problem("in_use");
        assert_eq!(refused.body["uses"], in_live("a"));
        // What nobody assigns comes and goes.
        let more = json!({ "connectors": { "c": { "connector": "other" } } });
        operator.patch("/v1/integrations/sync", more).await.is(200);
        operator.patch("/v1/integrations/sync", json!({ "connectors": { "c": null } })).await.is(200);
        operator.patch("/v1/integrations/sync?force=true", less).await.is(200);
        let assigned = operator.get("/v1/environments/live").await.is(200).body["assign"].clone();
        assert_eq!(assigned["a"], "many");
    }

    async fn what_tenants_have_brought_goes_on_working_unless_somebody_says_so(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        furnish(&operator).await;
        let acme = json!([{ "kind": "activation", "key": "many", "tenant": "acme" }]);
        // The connection's edit: an input that tenants have brought becomes everybody's.
        let global = json!({ "inputs": { "area": "global" }, "variables": { "area": "eu" } });
        let refused = operator.patch("/v1/connections/many", global).await.problem("in_use");
        assert_eq!(refused.body["uses"], acme);
        // The connector's: a variable that is written in another way.
        let digits = json!({ "variables": { "area": { "pattern": "[0-9]+" } } });
        let refused = operator.patch("/v1/connectors/api", digits).await.problem("in_use");
        assert!(refused.body["uses"].as_array().unwrap().contains(&acme[0]), "{}", refused.body);
        // The auth method's: its next revision takes other fields.
        let basic = json!({ "basic": {} });
        operator.put("/v1/connectors/api/auth/token", basic).await.is(200);
        let path = "/v1/connections/many/repin";
        let preview = operator.post(&format!("{path}?dry_run=true"), json!({})).await.is(200);
        assert_eq!((&preview.body["breaks"], &preview.body["uses"]["deployed"]), (&acme, &json!(1)));
        operator.post(path, json!({})).await.problem("in_use");
        assert_eq!(operator.get("/v1/connections/many").await.is(200).body["revision"], 1);
        operator.post(&format!("{path}?force=true"), json!({})).await.is(200);
        assert_eq!(operator.get("/v1/connections/many").await.is(200).body["revision"], 2);
    }

    async fn a_connection_goes_to_no_other_connector_where_environments_assign_it(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        furnish(&operator).await;
        let turned = json!({
            "connector": "other", "auth": "token", "credentials": { "token": "s3cret-2" },
        });
        let refused = operator.put("/v1/connections/one", turned.clone()).await.problem("in_use");
        assert_eq!(refused.body["uses"], in_live("b"));
        operator.put("/v1/connections/one?force=true", turned).await.is(200);
    }

    async fn a_deployed_environment_is_not_deleted_unasked(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        furnish(&operator).await;
        let live = "/v1/environments/live";
        let refused = operator.delete(live).await.problem("in_use");
        assert_eq!(refused.body["uses"], json!([{ "kind": "environment", "key": "live", "deployed": true }]));
        let preview = operator.delete(&format!("{live}?dry_run=true")).await.is(200);
        assert_eq!((&preview.body["refused"], &preview.body["deployed"]), (&json!(true), &json!(1)));
        operator.patch(live, json!({ "deployed": false })).await.is(200);
        operator.delete(live).await.is(204);
        furnish_again(&operator).await;
        operator.delete(&format!("{live}?force=true")).await.is(204);
    }

    async fn a_preview_says_who_is_affected_and_changes_nothing(database: Database) {
        let gateway = Gateway::beside(&database, EMPTY);
        let operator = gateway.operator();
        furnish(&operator).await;
        let before = revision(&gateway).await;
        let there = json!({ "base_url": "https://evil.example.com/{area}" });
        let rehearse = |path: &str| format!("{path}?dry_run=true");
        for (path, edit, code) in [
            ("/v1/connectors/api", there, json!("origin_changed")),
            ("/v1/connectors/api", json!({ "name": "API" }), json!(null)),
            ("/v1/connections/one", json!({ "base_url": "https://evil.example.com" }), json!("origin_changed")),
            ("/v1/connections/one", json!({ "enabled": false }), json!(null)),
            ("/v1/connections/one", json!({ "embedded": true }), json!("confirmation_required")),
            ("/v1/integrations/sync", json!({ "connectors": { "b": null } }), json!("in_use")),
            ("/v1/integrations/sync", json!({ "name": "Sync" }), json!(null)),
            ("/v1/environments/live", json!({ "deployed": false }), json!(null)),
        ] {
            let told = operator.patch(&rehearse(path), edit.clone()).await.is(200).body;
            let refused = json!(!code.is_null());
            assert_eq!((&told["code"], &told["refused"]), (&code, &refused), "{path} {edit}: {told}");
            let mut whole = operator.get(path).await.is(200).body;
            for (name, value) in edit.as_object().unwrap() {
                // A merge patch goes deeper than a PUT.
                if name != "connectors" {
                    whole[name] = value.clone();
                    let put = operator.put(&rehearse(path), whole.clone()).await.is(200).body;
                    assert_eq!(put["code"], code, "{path} {edit}");
                }
            }
        }
        let told = operator.patch(&rehearse("/v1/connections/one"), json!({ "name": "One" })).await.is(200).body;
        assert_eq!((&told["uses"], &told["environments"]), (&in_live("b"), &json!(1)));
        // What is not sound is told as ever.
        operator.patch(&rehearse("/v1/connections/one"), json!({ "auth": "none-such" })).await.problem("invalid");
        let method = operator.put(&rehearse("/v1/connectors/api/auth/token"), json!({ "basic": {} })).await.is(200);
        assert_eq!(method.body["total"], 2);
        let own = json!({ "token": "s3cret-new" });
        operator.put(&rehearse("/v1/connections/one/credentials"), own.clone()).await.is(200);
        operator.put(&rehearse("/v1/connections/many/test_credentials"), own).await.is(200);
        operator.delete(&rehearse("/v1/connections/many/test_credentials")).await.is(200);
        let gone = operator.delete(&rehearse("/v1/connections/many/activations/acme")).await.is(200);
        assert_eq!(gone.body["activations"], 1);
        for path in ["/v1/connectors/api", "/v1/connections/one", "/v1/integrations/sync", "/v1/environments/live"] {
            let told = operator.delete(&rehearse(path)).await.is(200).body;
            assert_eq!(told["refused"], true, "{path}");
        }
        for (act, body) in [
            ("many/repin", json!({})),
            ("one/switch", json!({ "to": "embedded" })),
            ("one/replace", json!({ "with": "many" })),
        ] {
            operator.post(&rehearse(&format!("/v1/connections/{act}")), body).await.is(200);
        }
        assert_eq!(revision(&gateway).await, before);
    }
}

/// The environment once more.
async fn furnish_again(operator: &Operator) {
    let live = json!({ "integration": "sync", "deployed": true, "assign": { "b": "one" } });
    operator.put("/v1/environments/live", live).await.is(201);
}
