//! Edits of the admin API: each can be rehearsed and sent again, and none asks for more than it changes.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::each_engine;
use crate::support::raw_request;
use serde_json::Value;
use serde_json::json;

const FILE: &str = "\
egress: { allow: [127.0.0.0/8] }
connectors:
  api: { base_url: https://api.example, auth: { login: { basic: {} }, token: { bearer: {} } } }
connections: { filed: { connector: api, auth: token, embedded: true } }
integrations: { i: { connectors: { x: { connector: api }, y: { connector: api } } } }
environments: { e-file: { integration: i, assign: { x: filed } } }
";

/// Beside the file: two embedded connections, which two environments assign.
async fn furnish(operator: &Operator) {
    for key in ["many", "more"] {
        let body = json!({ "connector": "api", "auth": "token", "embedded": true });
        operator.put(&format!("/v1/connections/{key}"), body).await.is(201);
    }
    for (key, deployed) in [("dev", false), ("live", true)] {
        let assign = json!({ "x": "many", "y": "more" });
        let body = json!({ "integration": "i", "deployed": deployed, "assign": assign });
        operator.put(&format!("/v1/environments/{key}"), body).await.is(201);
    }
}

/// How much has been written.
async fn revision(gateway: &Gateway) -> i64 {
    let ready: Value = serde_json::from_slice(&gateway.admin("/readyz").await.body).unwrap();
    ready["store"]["revision"].as_i64().unwrap()
}

/// How often what is sealed for a connection of a name, or for its tenants, was sealed anew.
async fn generation(database: &Database) -> i64 {
    database.number("SELECT MAX(generation) FROM credentials").await
}

each_engine! {
    async fn an_edit_of_any_resource_is_rehearsed_without_a_trace(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        furnish(&operator).await;
        operator.put("/v1/tenants/acme", json!({ "name": "Acme" })).await.is(201);
        operator.put("/v1/callers/one", json!({ "connections": ["many"] })).await.is(201);
        let acme = "/v1/connections/many/activations/acme";
        operator.put(acme, json!({ "credentials": { "token": "s3cret" } })).await.is(201);
        let keys = operator.get("/v1/callers/one").await.is(200).body["keys"].clone();
        let key = format!("/v1/callers/one/keys/{}", keys[0]["prefix"].as_str().unwrap());
        let in_live = "/v1/environments/live/activations/acme";
        let before = revision(&gateway).await;

        let token = json!({ "credentials": { "token": "other" } });
        let both = json!({ "connections": { "many": token, "more": token } });
        for (method, path, body) in [
            ("PUT", "/v1/tenants/acme", json!({ "name": "Other" })),
            ("PUT", "/v1/tenants/fresh", json!({})),
            ("PATCH", "/v1/tenants/acme", json!({ "name": "Other" })),
            ("PUT", "/v1/callers/one", json!({})),
            ("PUT", "/v1/callers/fresh", json!({})),
            ("PATCH", "/v1/callers/one", json!({ "connections": ["*"] })),
            ("PUT", acme, token.clone()),
            ("PUT", "/v1/connections/many/activations/fresh", token.clone()),
            ("PATCH", acme, json!({ "enabled": false })),
            ("PUT", in_live, both.clone()),
        ] {
            let rehearsed = operator.send(method, &format!("{path}?dry_run=true"), "", Some(body)).await.is(200);
            assert_eq!((&rehearsed.body["refused"], &rehearsed.body["code"]), (&json!(false), &Value::Null), "{method} {path}");
        }
        let one = operator.put(&format!("{acme}?dry_run=true"), token).await.is(200);
        assert_eq!(one.body["uses"], json!([{ "kind": "activation", "key": "many", "tenant": "acme" }]));
        // What is wrong with it is told as it would be.
        let half = json!({ "connections": { "more": { "credentials": { "token": "" } } } });
        let wrong = operator.put(&format!("{in_live}?dry_run=true"), half).await.problem("invalid");
        assert_eq!(wrong.pointers(), ["/connections/more/credentials/token"]);

        let ended = operator.post("/v1/callers/one/rotate?dry_run=true", json!({ "overlap": "0s" })).await.is(200);
        assert_eq!(ended.body["keys"], json!([]), "those before end at once");
        let rotated = operator.post("/v1/callers/one/rotate?dry_run=true", json!({ "overlap": "1m" })).await.is(200);
        assert_eq!(rotated.body["keys"].as_array().map(Vec::len), Some(1));
        assert!(rotated.body["keys"][0]["expires_at"].is_string() && rotated.body["caller_key"].is_null());
        let preview = operator.delete(&format!("{key}?dry_run=true")).await.is(200);
        assert_eq!(preview.body["refused"], false);
        operator.delete("/v1/callers/one/keys/atc_none?dry_run=true").await.problem("not_found");

        // Whoever loses it elsewhere as well is named.
        let gone = operator.delete(&format!("{in_live}?dry_run=true")).await.is(200);
        let of_acme = json!([{ "kind": "activation", "key": "many", "tenant": "acme" }]);
        assert_eq!(gone.body["activations"], of_acme);
        let dev = json!([{ "kind": "environment", "key": "dev", "alias": "x", "deployed": false }]);
        assert_eq!(gone.body["environments"], dev);

        assert_eq!(revision(&gateway).await, before);
        assert_eq!(operator.get("/v1/callers/one").await.body["keys"], keys);
        operator.put(in_live, both).await.is(200);
    }

    async fn every_act_is_done_once_under_its_key(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        furnish(&operator).await;
        let login = json!({ "credentials": { "token": "s3cret" } });
        operator.put("/v1/connections/filed/activations/acme", login).await.is(201);
        let origins = json!({ "origins": ["https://api.example"] });
        let standard = json!({ "to": "standard", "confirm": true, "credentials": { "token": "s3cret" } });
        for (path, body) in [
            ("/v1/connections/many/repin", json!({})),
            ("/v1/connections/many/replace", json!({ "with": "more" })),
            ("/v1/connections/many/switch", standard),
            ("/v1/connections/filed/confirm", origins),
        ] {
            let fields = format!("Idempotency-Key: {path}\r\n");
            let first = operator.send("POST", path, &fields, Some(body.clone())).await.is(200);
            let done = revision(&gateway).await;
            let again = operator.send("POST", path, &fields, Some(body)).await.is(200);
            assert_eq!((&first.body, revision(&gateway).await), (&again.body, done), "{path}");
            let other = operator.send("POST", path, &fields, Some(json!({ "other": 1 }))).await;
            other.problem("idempotency_key_reused");
        }
    }

    async fn what_stays_as_it_is_need_not_open_and_is_not_sealed_anew(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let own = json!({
            "connector": "api", "auth": "login", "credentials": { "username": "u", "password": "p" },
        });
        operator.put("/v1/connections/own", own).await.is(201);
        let many = json!({ "connector": "api", "auth": "token", "embedded": true });
        operator.put("/v1/connections/many", many.clone()).await.is(201);
        let mut tested = many;
        tested["test_credentials"] = json!({ "token": "t" });
        operator.put("/v1/connections/tested", tested).await.is(201);
        let acme = "/v1/connections/many/activations/acme";
        operator.put(acme, json!({ "credentials": { "token": "s3cret" } })).await.is(201);
        let sealed = generation(&database).await;
        let all = ["/v1/connections/own", "/v1/connections/tested", acme];
        for lost in [false, true] {
            if lost {
                database.run("UPDATE credentials SET key_id = 'v9-00000000'").await;
            }
            for path in all {
                let shown = operator.get(path).await.is(200).body;
                operator.put(path, shown).await.is(200);
                operator.patch(path, json!({ "enabled": false })).await.is(200);
                operator.patch(path, json!({ "enabled": true })).await.is(200);
            }
            let named = operator.patch("/v1/connections/own", json!({ "name": "Own" })).await.is(200);
            assert_eq!(named.text("name"), "Own");
            assert_eq!(generation(&database).await, sealed, "{lost}");
        }
        // A field that is kept beside a new one has to be there.
        let half = json!({ "credentials": { "password": "other" } });
        let refused = operator.patch("/v1/connections/own", half).await.problem("invalid");
        assert_eq!(refused.pointers(), ["/credentials/username"]);
        let whole = json!({ "credentials": { "username": "u", "password": "other" } });
        operator.patch("/v1/connections/own", whole).await.is(200);
        assert_eq!(operator.get("/v1/connections/own").await.text("status"), "ready");
        assert!(generation(&database).await > sealed);
    }

    async fn who_brings_what_is_said_of_embedded_connections_alone(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let own = json!({
            "connector": "api", "auth": "token", "credentials": { "token": "s3cret" }, "expose": true,
        });
        let shown = operator.put("/v1/connections/own", own.clone()).await.is(201).body;
        assert_eq!((&shown["supplied_by"], &shown["inputs"]), (&Value::Null, &Value::Null));
        for (member, value) in [
            ("supplied_by", json!("tenant")),
            ("supplied_by", json!("operator")),
            ("inputs", json!({ "token": "tenant" })),
        ] {
            let mut body = own.clone();
            body[member] = value;
            let refused = operator.put("/v1/connections/own", body).await.problem("invalid");
            assert_eq!(refused.pointers(), [format!("/{member}")]);
        }
        let many = json!({ "connector": "api", "auth": "token", "embedded": true });
        for (inputs, pointer) in [
            (json!({ "tokem": "tenant" }), "/inputs/tokem"),
            (json!({ "area": "global" }), "/inputs/area"),
        ] {
            let mut body = many.clone();
            body["inputs"] = inputs;
            let refused = operator.put("/v1/connections/many", body).await.problem("invalid");
            assert_eq!(refused.pointers(), [pointer]);
        }
        let of_tenants = json!({
            "connector": "api", "auth": "token", "embedded": true, "supplied_by": "operator",
            "inputs": { "token": "tenant" }, "tenant_rate": { "requests": 5 },
        });
        operator.put("/v1/connections/many", of_tenants).await.is(201);
        // What a standard connection does not have goes with the switch, which says so.
        let to = json!({ "to": "standard", "credentials": { "token": "s3cret" } });
        let path = "/v1/connections/many/switch";
        let preview = operator.post(&format!("{path}?dry_run=true"), to.clone()).await.is(200).body;
        assert_eq!(preview["settings_deleted"], json!(["supplied_by", "inputs", "tenant_rate"]));
        let standard = operator.post(path, to).await.is(200).body;
        assert_eq!((&standard["supplied_by"], &standard["status"]), (&Value::Null, &json!("ready")));

        let caller = json!({ "tenant_scoped": true, "tenants": ["acme"] });
        let caller = operator.put("/v1/callers/scoped", caller).await.is(201);
        let asked = format!(
            "GET /-/connections HTTP/1.1\r\nHost: gateway\r\nAttache-Key: {}\r\n\r\n", caller.text("caller_key")
        );
        let listing = raw_request(gateway.proxy, asked).await;
        let listing: Value = serde_json::from_slice(&listing.body).unwrap();
        assert_eq!(listing["connections"][0]["key"], "own");
        assert!(listing["connections"][0]["supplied_by"].is_null(), "{listing}");
    }
}
