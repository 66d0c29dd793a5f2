//! What the admin API shows of resources, be they stored or declared in a file, is all that there is to know.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::each_engine;
use serde_json::Value;
use serde_json::json;

const FILE: &str = "\
egress: { allow: [127.0.0.0/8] }
connectors:
  filed:
    base_url: https://{area}.filed.example/{version}
    variables: { version: { default: v1 } }
    auth: { token: { name: Token, description: from the settings page, bearer: {} } }
connections:
  own: { connector: filed, auth: token, variables: { area: eu }, credentials: { token: of-the-file } }
  many: { connector: filed, auth: token, embedded: true, variables: { version: v2 } }
  gone: { connector: filed, auth: token, enabled: false, base_url: https://other.example, credentials: { token: x } }
activations:
- { connection: many, tenant: acme, variables: { area: acme }, credentials: { token: of-acme } }
integrations: { i: { connectors: { x: { connector: filed } } } }
environments: { live: { integration: i, deployed: true, assign: { x: many } } }
";

/// The item of this key.
async fn listed(operator: &Operator, path: &str, key: &str) -> Value {
    let page = operator.get(path).await.is(200);
    let items = page.body["items"].as_array().expect("it is a list");
    items.iter().find(|it| it["key"] == key).expect("it is in the list").clone()
}

/// What is told of a field that nobody has said anything of.
fn field(name: &str) -> Value {
    json!({ "name": name, "label": name, "secret": true, "need": "required" })
}

each_engine! {
    async fn what_there_is_to_fill_in_is_told_wherever_an_auth_method_is_shown(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let api = json!({
            "base_url": "https://{area}.example.com",
            "auth": { "app": {
                "oauth2": {
                    "grant": "authorization_code",
                    "authorize_url": "https://{area}.example.com/authorize",
                    "token_url": "https://{realm}.example.com/token",
                },
                "fields": { "realm": { "name": "Realm", "description": "Part of the address.", "pattern": "[a-z]+",
                    "example": "main", "secret": false } },
            } },
        });
        operator.put("/v1/connectors/api", api).await.is(201);
        let connection = json!({ "connector": "api", "auth": "app", "embedded": true });
        operator.put("/v1/connections/stored", connection).await.is(201);

        let method = "/v1/connectors/api/auth/app";
        let read = operator.get(method).await.is(200).body;
        let fields = read["credential_fields"].clone();
        let needs: Vec<_> = fields.as_array().unwrap().iter().map(|it| (it["name"].as_str().unwrap(), it["need"].as_str().unwrap())).collect();
        for needed in [("client_id", "required"), ("client_secret", "required"), ("realm", "required"),
            ("access_token", "obtained"), ("refresh_token", "obtained")] {
            assert!(needs.contains(&needed), "{needs:?}");
        }
        assert!(needs.iter().all(|it| it.0 != "area"), "a variable of the base URL is none of the credential's");
        let realm = json!({
            "name": "realm", "label": "Realm", "help": "Part of the address.", "pattern": "[a-z]+", "example": "main",
            "secret": false, "need": "required",
        });
        assert!(fields.as_array().unwrap().contains(&realm), "{fields}");
        let of = async |path: &str, at: &str| operator.get(path).await.is(200).body.pointer(at).cloned();
        let list = "/items/0/credential_fields";
        for (path, at) in [
            ("/v1/connectors/api/auth", list),
            ("/v1/connectors/api/auth/app/revisions", list),
            ("/v1/connectors/api/auth/app/revisions/1", "/credential_fields"),
            ("/v1/connectors/api", "/auth/app/credential_fields"),
            ("/v1/connectors?q=api&endpoints=false", "/items/0/auth/app/credential_fields"),
            ("/v1/connections/stored", "/auth_method/credential_fields"),
            ("/v1/connections?q=stored", "/items/0/auth_method/credential_fields"),
        ] {
            assert_eq!(of(path, at).await.as_ref(), Some(&fields), "{path}");
        }
        for (path, at) in [
            ("/v1/connectors/filed/auth/token", "/credential_fields"),
            ("/v1/connectors?q=filed", "/items/0/auth/token/credential_fields"),
            ("/v1/connections/own", "/auth_method/credential_fields"),
        ] {
            assert_eq!(of(path, at).await, Some(json!([field("token")])), "{path}");
        }
        // What was read can be sent, and is the same then: no other revision.
        let same = operator.put(method, read).await.is(200);
        assert_eq!(same.body["revision"], 1);
        let connector = operator.get("/v1/connectors/api").await.is(200).body;
        let same = operator.put("/v1/connectors/api", connector).await.is(200);
        assert_eq!(same.body["auth"]["app"]["revision"], 1);
        let patched = operator.patch("/v1/connectors/api", json!({ "name": "API" })).await.is(200);
        assert_eq!((&patched.body["auth"]["app"]["revision"], &patched.body["auth"]["app"]["credential_fields"]), (&json!(1), &fields));
    }

    async fn a_connection_in_a_file_is_shown_with_all_that_a_stored_one_is(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let settings = json!({
            "name": "Token", "description": "from the settings page", "bearer": {},
            "credential_fields": [field("token")],
        });
        let own = operator.get("/v1/connections/own").await.is(200).body;
        assert_eq!(own["status"], "ready");
        assert_eq!(own["auth_method"], settings);
        assert_eq!(own["effective_base_url"], "https://eu.filed.example/v1");
        assert_eq!((&own["revision"], &own["latest_revision"]), (&json!(1), &json!(1)));
        let unused = json!({ "environments": 0, "deployed": 0, "activations": 0 });
        assert_eq!(own["uses"], unused);
        let many = operator.get("/v1/connections/many").await.is(200).body;
        assert_eq!(many["status"], "ready");
        assert_eq!(many["effective_base_url"], "https://{area}.filed.example/v2");
        let used = json!({ "environments": 1, "deployed": 1, "activations": 0 });
        assert_eq!(many["uses"], used);
        let gone = listed(&operator, "/v1/connections", "gone").await;
        assert_eq!(gone["status"], "disabled");
        assert_eq!(gone["effective_base_url"], "https://other.example");
        assert_eq!(gone["auth_method"], settings);

        let acme = operator.get("/v1/connections/many/activations/acme").await.is(200).body;
        assert_eq!(acme["variables"], json!({ "area": "acme" }));
        for path in ["/v1/connections/many/activations", "/v1/tenants/acme/activations"] {
            let page = operator.get(path).await.is(200);
            assert_eq!(page.body["items"][0]["variables"], json!({ "area": "acme" }), "{path}");
        }
        let method = operator.get("/v1/connectors/filed/auth/token").await.is(200);
        assert_eq!(method.body["revision"], 1);
        let connector = operator.get("/v1/connectors/filed").await.is(200);
        assert_eq!(connector.body["auth"]["token"]["revision"], 1);
    }

    async fn a_connection_is_shown_with_the_settings_of_the_revision_that_it_pins(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let api = json!({
            "base_url": "https://{area}.example.com",
            "auth": { "key": { "api_key": { "in": "header", "name": "X-One" } } },
        });
        operator.put("/v1/connectors/api", api).await.is(201);
        let one = json!({
            "connector": "api", "auth": "key", "variables": { "area": "eu" }, "credentials": { "key": "s3cret" },
        });
        operator.put("/v1/connections/one", one).await.is(201);
        let mut changed = json!({ "api_key": { "in": "query", "name": "two", "format": "{key}" } });
        operator.put("/v1/connectors/api/auth/key", changed.clone()).await.is(200);

        let mut first = json!({ "api_key": { "in": "header", "name": "X-One", "format": "{key}" } });
        for it in [&mut first, &mut changed] {
            it["credential_fields"] = json!([field("key")]);
        }
        let shown = operator.get("/v1/connections/one").await.is(200).body;
        assert_eq!(shown["auth_method"], first);
        assert_eq!((&shown["revision"], &shown["latest_revision"]), (&json!(1), &json!(2)));
        assert_eq!(shown["effective_base_url"], "https://eu.example.com");
        assert_eq!(listed(&operator, "/v1/connections", "one").await["auth_method"], first);
        operator.post("/v1/connections/one/repin", json!({})).await.is(200);
        let shown = operator.get("/v1/connections/one").await.is(200).body;
        assert_eq!(shown["auth_method"], changed);
        // What was read can be sent.
        operator.put("/v1/connections/one", shown).await.is(200);

        let revisions = "/v1/connectors/api/auth/key/revisions";
        let old = operator.get(&format!("{revisions}/1")).await.is(200).body;
        assert_eq!(old["api_key"], first["api_key"]);
        assert_eq!((&old["connections"], &old["connections_total"]), (&json!([]), &json!(0)));
        let new = operator.get(&format!("{revisions}/2")).await.is(200).body;
        assert_eq!(new["connections"], json!(["one"]));
        operator.get(&format!("{revisions}/3")).await.problem("not_found");
        operator.get(&format!("{revisions}/0")).await.problem("bad_request");
    }

    async fn a_connection_that_changed_without_its_version_is_never_said_to_be_at_hand(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let body = json!({ "connector": "filed", "auth": "token", "embedded": true });
        operator.put("/v1/connections/stored", body).await.is(201);
        let before = operator.get("/v1/connections/stored").await.is(200);
        assert_eq!(before.text("status"), "not_activated");
        let acme = json!({ "credentials": { "token": "s3cret" } });
        operator.put("/v1/connections/stored/activations/acme", acme).await.is(201);
        let known = format!("If-None-Match: {}\r\n", before.etag());
        let after = operator.send("GET", "/v1/connections/stored", &known, None).await.is(200);
        assert_eq!((after.text("status"), &after.body["uses"]["activations"]), ("ready", &json!(1)));
        // What was read is what an edit means, all the same.
        let meant = format!("If-Match: {}\r\n", before.etag());
        let patch = Some(json!({ "name": "Stored" }));
        operator.send("PATCH", "/v1/connections/stored", &meant, patch.clone()).await.is(200);
        operator.send("PATCH", "/v1/connections/stored", &meant, patch).await.problem("precondition_failed");
    }

    async fn a_tenant_that_is_activated_is_there_to_be_deleted(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let body = json!({ "connector": "filed", "auth": "token", "embedded": true });
        operator.put("/v1/connections/stored", body).await.is(201);
        let activation = json!({ "credentials": { "token": "s3cret" } });
        let of = |tenant: &str| format!("/v1/connections/stored/activations/{tenant}");
        for tenant in ["undescribed", "acme"] {
            operator.put(&of(tenant), activation.clone()).await.is(201);
        }
        let preview = operator.delete("/v1/tenants/undescribed?dry_run=true").await.is(200).body;
        assert_eq!((&preview["refused"], &preview["code"]), (&json!(true), &json!("in_use")));
        operator.delete("/v1/tenants/undescribed").await.problem("in_use");
        let meant = "If-Match: \"1\"\r\n";
        let path = "/v1/tenants/undescribed?force=true";
        operator.send("DELETE", path, meant, None).await.problem("precondition_failed");
        operator.delete(path).await.is(204);
        operator.get(&of("undescribed")).await.problem("not_found");
        operator.delete(path).await.problem("not_found");
        operator.delete(&format!("{path}&dry_run=true")).await.problem("not_found");

        // What a file activates is taken out there first.
        operator.put("/v1/tenants/acme", json!({ "name": "Acme" })).await.is(201);
        let preview = operator.delete("/v1/tenants/acme?force=true&dry_run=true").await.is(200).body;
        assert_eq!((&preview["refused"], &preview["code"]), (&json!(true), &json!("declared_in_file")));
        let declared = json!({ "kind": "activation", "key": "many", "tenant": "acme" });
        assert_eq!(preview["uses"], json!([{ "kind": "activations", "count": 1 }, declared]));
        assert_eq!((&preview["total"], &preview["activations"]), (&json!(2), &json!(2)));
        let refused = operator.delete("/v1/tenants/acme?force=true").await.problem("declared_in_file");
        assert_eq!(refused.body["uses"], json!([declared]));
        assert_eq!(refused.body["source"]["line"], 12);
        operator.get(&of("acme")).await.is(200);
        operator.get("/v1/tenants/acme").await.is(200);
    }

    async fn one_act_switches_every_use_however_many(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let other = json!({
            "base_url": "https://other.example.com", "auth": { "token": { "bearer": {} } },
        });
        operator.put("/v1/connectors/other", other).await.is(201);
        for (key, connector) in [("next", "filed"), ("foreign", "other")] {
            let body = json!({ "connector": connector, "auth": "token", "embedded": true });
            operator.put(&format!("/v1/connections/{key}"), body).await.is(201);
        }
        let body = json!({ "integration": "i", "assign": { "x": "many" } });
        for number in 0..105 {
            operator.put(&format!("/v1/environments/e{number:03}"), body.clone()).await.is(201);
        }
        let path = "/v1/connections/many/replace";
        let refused = operator.post(path, json!({ "with": "foreign" })).await.problem("invalid");
        assert_eq!(refused.pointers(), ["/with"]);
        let left = json!([{ "kind": "environment", "key": "live", "alias": "x", "deployed": true }]);
        for query in ["?dry_run=true", ""] {
            let replaced =
                operator.post(&format!("{path}{query}"), json!({ "with": "next" })).await.is(200).body;
            assert_eq!(replaced["environments"].as_array().map(Vec::len), Some(105), "{query}");
            assert_eq!(replaced["left"], left, "{query}");
        }
        let uses = operator.get("/v1/connections/many/uses").await.is(200).body;
        assert_eq!((&uses["environments"], &uses["uses"]), (&json!(1), &left));
    }
}
