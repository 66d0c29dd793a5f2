//! Credentials go where they were entered for. What would send them elsewhere is refused until somebody says
//! that they may, or enters them anew: edits by API as well as files that change.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::each_engine;
use serde_json::Value;
use serde_json::json;
use std::fs;

const EGRESS: &str = "egress: { allow: [127.0.0.0/8] }\n";

const ONE: &str = "Attache-Connection: one\r\n";
const MANY: &str = "Attache-Connection: many\r\nAttache-Tenant: acme\r\n";

/// Two third parties: the one that credentials are entered for, and another.
struct Two {
    old: RawUpstream,
    new: RawUpstream,
}

impl Two {
    async fn start() -> Self {
        Self {
            old: RawUpstream::start([Script::ok("old")]).await,
            new: RawUpstream::start([Script::ok("new")]).await,
        }
    }

    /// A connector of the old one, with a standard connection and an embedded one, which a tenant has
    /// activated.
    async fn set_up(&self, gateway: &Gateway) {
        let operator = gateway.operator();
        let api = json!({ "base_url": self.old.url(), "auth": { "token": { "bearer": {} } } });
        operator.put("/v1/connectors/api", api).await.is(201);
        let one = json!({
            "connector": "api", "auth": "token", "credentials": { "token": "s3cret-one" },
        });
        operator.put("/v1/connections/one", one).await.is(201);
        let many = json!({ "connector": "api", "auth": "token", "embedded": true });
        operator.put("/v1/connections/many", many).await.is(201);
        let acme = json!({ "credentials": { "token": "s3cret-of-acme" } });
        operator.put("/v1/connections/many/activations/acme", acme).await.is(201);
    }

    /// Who answered, and with which credential the request came.
    async fn ask(&self, gateway: &Gateway, tags: &str) -> (String, Option<String>) {
        let answer = gateway.get("/", tags).await;
        let text = match answer.code() {
            Some(code) => code,
            None => answer.text(),
        };
        let received = match text.as_str() {
            "old" => Some(self.old.request().await),
            "new" => Some(self.new.request().await),
            _ => None,
        };
        let credential = received.and_then(|it| it.field("authorization").map(ToOwned::to_owned));
        (text, credential)
    }

    /// Nothing has come to the new one.
    fn is_untouched(&self) -> bool {
        self.new.links() == 0
    }
}

fn says(who: &str, token: &str) -> (String, Option<String>) {
    (who.to_owned(), Some(format!("Bearer {token}")))
}

fn refused(code: &str) -> (String, Option<String>) {
    (code.to_owned(), None)
}

/// The connections whose credentials would go elsewhere.
fn moved(body: &Value) -> Vec<&str> {
    let moves = body["moves"].as_array().expect("it says what would go elsewhere");
    moves.iter().filter_map(|it| it["connection"].as_str()).collect()
}

each_engine! {
    async fn an_edit_of_a_connection_takes_its_credentials_nowhere_unasked(database: Database) {
        let two = Two::start().await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        two.set_up(&gateway).await;
        let there = json!({ "base_url": two.new.url() });
        let wider = json!({ "allowed_origins": [two.new.url()] });
        for path in ["/v1/connections/one", "/v1/connections/many"] {
            for edit in [&there, &wider] {
                let reply = operator.patch(path, edit.clone()).await.problem("origin_changed");
                assert_eq!((reply.status, moved(&reply.body)), (409, vec![&path["/v1/connections/".len()..]]));
                let mut whole = operator.get(path).await.is(200).body;
                whole.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
                operator.put(path, whole).await.problem("origin_changed");
            }
        }
        let reply = operator.patch("/v1/connections/many", there.clone()).await;
        let expected = json!([{
            "connection": "many",
            "from": { "connector": "api", "origins": [two.old.url()] },
            "to": { "connector": "api", "origins": [two.new.url()] },
            "credentials": false, "test_credentials": false, "activations": 1,
        }]);
        assert_eq!(reply.body["moves"], expected);
        assert_eq!(two.ask(&gateway, ONE).await, says("old", "s3cret-one"));
        assert_eq!(two.ask(&gateway, MANY).await, says("old", "s3cret-of-acme"));
        assert!(two.is_untouched());

        // Another path of the same origin, a name, fewer origins: nothing goes elsewhere.
        for edit in [json!({ "base_url": format!("{}/v2", two.old.url()) }), json!({ "name": "One" })] {
            operator.patch("/v1/connections/one", edit).await.is(200);
        }
        // What is entered with the edit is entered for where it goes then.
        let anew = json!({ "base_url": two.new.url(), "credentials": { "token": "s3cret-two" } });
        operator.patch("/v1/connections/one", anew).await.is(200);
        assert_eq!(two.ask(&gateway, ONE).await, says("new", "s3cret-two"));
        // And that may not go back.
        let back = json!({ "base_url": two.old.url() });
        operator.patch("/v1/connections/one", back.clone()).await.problem("origin_changed");
        operator.patch("/v1/connections/one?confirm=yes", back.clone()).await.problem("bad_request");
        operator.patch("/v1/connections/one?confirm=origin", back).await.is(200);
        assert_eq!(two.ask(&gateway, ONE).await, says("old", "s3cret-two"));
        // Test credentials are credentials.
        let test = json!({ "token": "s3cret-of-tests" });
        operator.delete("/v1/connections/many/activations/acme").await.is(204);
        operator.put("/v1/connections/many/test_credentials", test).await.is(200);
        let reply = operator.patch("/v1/connections/many", there.clone()).await.problem("origin_changed");
        assert_eq!(reply.body["moves"][0]["test_credentials"], true);
        operator.delete("/v1/connections/many/test_credentials").await.is(200);
        // Where there is nothing, nothing goes anywhere.
        operator.patch("/v1/connections/many", there).await.is(200);
    }

    async fn an_edit_of_a_connector_takes_nobody_along_unasked(database: Database) {
        let two = Two::start().await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        two.set_up(&gateway).await;
        let own = json!({
            "connector": "api", "auth": "token", "base_url": two.old.url(),
            "credentials": { "token": "s3cret-own" },
        });
        operator.put("/v1/connections/own", own).await.is(201);
        let there = json!({ "base_url": two.new.url() });
        let reply = operator.patch("/v1/connectors/api", there.clone()).await.problem("origin_changed");
        let mut named = moved(&reply.body);
        named.sort_unstable();
        assert_eq!(named, ["many", "one"]);
        operator.patch("/v1/connectors/api?force=true", there.clone()).await.problem("origin_changed");
        assert_eq!(two.ask(&gateway, MANY).await, says("old", "s3cret-of-acme"));
        assert!(two.is_untouched());
        operator.patch("/v1/connectors/api?confirm=origin", there).await.is(200);
        assert_eq!(two.ask(&gateway, MANY).await, says("new", "s3cret-of-acme"));
        assert_eq!(two.ask(&gateway, ONE).await, says("new", "s3cret-one"));
        assert_eq!(two.ask(&gateway, "Attache-Connection: own\r\n").await, says("old", "s3cret-own"));
        // What is entered from now on is entered for the new one.
        let globex = json!({ "credentials": { "token": "s3cret-of-globex" } });
        operator.put("/v1/connections/many/activations/globex", globex).await.is(201);
        // Another connector is another API, wherever it is.
        let twin = json!({ "base_url": two.new.url(), "auth": { "token": { "bearer": {} } } });
        operator.put("/v1/connectors/twin", twin).await.is(201);
        let other = json!({ "connector": "twin" });
        operator.patch("/v1/connections/one", other).await.problem("origin_changed");
    }

    async fn a_tenant_s_variables_take_its_credentials_nowhere_unasked(database: Database) {
        let two = Two::start().await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        let port = |it: &RawUpstream| it.address().port().to_string();
        let api = json!({
            "base_url": "http://127.0.0.1:{port}", "variables": { "port": { "pattern": "[0-9]+" } },
            "auth": { "token": { "bearer": {} } },
        });
        operator.put("/v1/connectors/api", api).await.is(201);
        let many = json!({ "connector": "api", "auth": "token", "embedded": true });
        operator.put("/v1/connections/many", many).await.is(201);
        let path = "/v1/connections/many/activations/acme";
        let acme = json!({
            "variables": { "port": port(&two.old) }, "credentials": { "token": "s3cret-of-acme" },
        });
        operator.put(path, acme).await.is(201);
        let there = json!({ "variables": { "port": port(&two.new) } });
        operator.patch(path, there.clone()).await.problem("origin_changed");
        assert_eq!(two.ask(&gateway, MANY).await, says("old", "s3cret-of-acme"));
        assert!(two.is_untouched());
        // A pattern that allows more lets requests take them further.
        let loose = json!({ "variables": { "port": { "pattern": "[0-9a-z]+" } } });
        operator.patch("/v1/connectors/api", loose).await.problem("origin_changed");
        operator.patch(&format!("{path}?confirm=origin"), there).await.is(200);
        assert_eq!(two.ask(&gateway, MANY).await, says("new", "s3cret-of-acme"));
        let anew = json!({
            "variables": { "port": port(&two.old) }, "credentials": { "token": "s3cret-anew" },
        });
        operator.put(path, anew).await.is(200);
        assert_eq!(two.ask(&gateway, MANY).await, says("old", "s3cret-anew"));
    }

    async fn what_a_file_points_elsewhere_takes_stored_credentials_nowhere_unasked(database: Database) {
        let two = Two::start().await;
        let file = |url: &str| format!(
            "{EGRESS}connectors: {{ api: {{ base_url: \"{url}\", auth: {{ token: {{ bearer: {{}} }} }} }} }}\n\
             connections:\n  many: {{ connector: api, auth: token, embedded: true }}\n\
             activations:\n  - {{ connection: many, tenant: filed, credentials: {{ token: s3cret-filed }} }}\n"
        );
        let gateway = Gateway::beside(&database, &file(&two.old.url()));
        let operator = gateway.operator();
        // Under a connection of the file, and a stored connection that follows the file's connector.
        let acme = json!({ "credentials": { "token": "s3cret-of-acme" } });
        operator.put("/v1/connections/many/activations/acme", acme.clone()).await.is(201);
        let one = json!({
            "connector": "api", "auth": "token", "credentials": { "token": "s3cret-one" },
        });
        operator.put("/v1/connections/one", one).await.is(201);
        assert_eq!(two.ask(&gateway, MANY).await, says("old", "s3cret-of-acme"));

        fs::write(gateway.served_file(), file(&two.new.url())).unwrap();
        gateway.app().reload();
        for tags in [MANY, ONE] {
            assert_eq!(two.ask(&gateway, tags).await, refused("base_url_forbidden"));
        }
        assert!(two.is_untouched());
        // What stands in the file goes where the file says.
        let filed = "Attache-Connection: many\r\nAttache-Tenant: filed\r\n";
        assert_eq!(two.ask(&gateway, filed).await, says("new", "s3cret-filed"));
        // It is said everywhere.
        let ready: Value = serde_json::from_slice(&gateway.admin("/readyz").await.body).unwrap();
        assert_eq!(ready["store"]["skipped"], 2);
        let first = ready["store"]["first_skipped"].as_str().unwrap();
        assert!(first.contains("connection many") && first.contains(&two.old.url()), "{first}");
        assert_eq!(operator.get("/v1/connections/one").await.is(200).body["status"], "origin_changed");
        let globex = "/v1/connections/many/activations/globex";
        operator.put(globex, acme.clone()).await.problem("origin_changed");
        // Nobody confirms what they were not shown.
        let old = json!({ "origins": [two.old.url()] });
        let new = json!({ "origins": [two.new.url()] });
        let wrong = operator.post("/v1/connections/many/confirm", old).await.problem("invalid");
        assert_eq!(wrong.pointers(), ["/origins"]);
        for key in ["many", "one"] {
            let path = format!("/v1/connections/{key}/confirm");
            let preview = operator.post(&format!("{path}?dry_run=true"), new.clone()).await.is(200);
            assert_eq!(preview.body["from"]["origins"], json!([two.old.url()]));
            let tags = if key == "one" { ONE } else { MANY };
            assert_eq!(two.ask(&gateway, tags).await, refused("base_url_forbidden"));
            operator.post(&path, new.clone()).await.is(200);
        }
        assert_eq!(two.ask(&gateway, MANY).await, says("new", "s3cret-of-acme"));
        assert_eq!(two.ask(&gateway, ONE).await, says("new", "s3cret-one"));
        operator.put(globex, acme).await.is(201);
        let ready: Value = serde_json::from_slice(&gateway.admin("/readyz").await.body).unwrap();
        assert_eq!(ready["store"]["skipped"], 0);
    }

    async fn a_connection_made_again_has_nothing_of_the_one_before(database: Database) {
        let two = Two::start().await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        two.set_up(&gateway).await;
        assert_eq!(two.ask(&gateway, MANY).await, says("old", "s3cret-of-acme"));
        operator.delete("/v1/connections/many?force=true").await.is(204);
        let many = json!({
            "connector": "api", "auth": "token", "embedded": true, "base_url": two.new.url(),
        });
        operator.put("/v1/connections/many", many).await.is(201);
        assert_eq!(two.ask(&gateway, MANY).await, refused("embedded_not_activated"));
        let acme = json!({ "credentials": { "token": "s3cret-of-the-second" } });
        operator.put("/v1/connections/many/activations/acme", acme).await.is(201);
        assert_eq!(two.ask(&gateway, MANY).await, says("new", "s3cret-of-the-second"));
    }

    async fn secrets_of_webhooks_go_out_to_nobody_unasked(database: Database) {
        let two = Two::start().await;
        let gateway = Gateway::beside(&database, EGRESS);
        let operator = gateway.operator();
        let out = json!({ "custom": { "inject": [
            { "in": "header", "name": "Authorization", "value": "Bearer {secret}" },
        ] } });
        let hook = hook_of("github");
        let api = json!({ "base_url": two.new.url(), "auth": { "hook": hook, "out": out } });
        operator.put("/v1/connectors/api", api).await.is(201);
        let one = json!({
            "connector": "api", "auth": "hook", "base_url": two.new.url(),
            "credentials": { "secret": "s3cret-of-hooks" },
        });
        operator.put("/v1/connections/one", one.clone()).await.is(201);
        let outwards = json!({ "auth": "out" });
        let refused = operator.patch("/v1/connections/one", outwards.clone()).await.problem("origin_changed");
        let moved = &refused.body["moves"][0];
        assert_eq!((&moved["from"]["origins"], &moved["to"]["origins"]), (&json!([]), &json!([two.new.url()])));
        // Another revision of the method is another way out.
        operator.put("/v1/connectors/api/auth/hook", out).await.is(200);
        let repin = operator.post("/v1/connections/one/repin", json!({})).await;
        repin.problem("origin_changed");
        // Nor where nothing is known of what they were entered for.
        database.run("DELETE FROM origins").await;
        operator.patch("/v1/connections/one", outwards.clone()).await.problem("origin_changed");
        assert!(two.is_untouched());
        operator.patch("/v1/connections/one?confirm=origin", outwards).await.is(200);
        assert_eq!(two.ask(&gateway, ONE).await, says("new", "s3cret-of-hooks"));
        // And what is inwards only may stand anywhere.
        let other = json!({ "auth": "hook", "base_url": two.old.url() });
        operator.put("/v1/connectors/api/auth/hook", hook_of("github")).await.is(200);
        operator.patch("/v1/connections/one", other).await.is(200);
    }

    async fn a_file_sends_secrets_of_webhooks_to_nobody_unasked(database: Database) {
        let two = Two::start().await;
        let file = |method: &str| format!(
            "{EGRESS}connectors: {{ api: {{ auth: {{ m: {method} }} }} }}\n\
             connections:\n  many: {{ connector: api, auth: m, embedded: true, base_url: \"{}\" }}\n",
            two.new.url(),
        );
        let gateway = Gateway::beside(&database, &file("{ hmac: { preset: github } }"));
        let operator = gateway.operator();
        let acme = json!({ "credentials": { "secret": "s3cret-of-hooks" } });
        operator.put("/v1/connections/many/activations/acme", acme).await.is(201);
        let out = "{ custom: { inject: [{ in: header, name: Authorization, value: \"Bearer {secret}\" }] } }";
        fs::write(gateway.served_file(), file(out)).unwrap();
        gateway.app().reload();
        assert_eq!(two.ask(&gateway, MANY).await, refused("base_url_forbidden"));
        assert!(two.is_untouched());
        let origins = json!({ "origins": [two.new.url()] });
        operator.post("/v1/connections/many/confirm", origins).await.is(200);
        assert_eq!(two.ask(&gateway, MANY).await, says("new", "s3cret-of-hooks"));
    }

    async fn what_a_switch_keeps_goes_where_it_was_entered_for(database: Database) {
        let two = Two::start().await;
        let file = |url: &str| format!(
            "{EGRESS}connectors: {{ api: {{ base_url: \"{url}\", auth: {{ token: {{ bearer: {{}} }} }} }} }}\n"
        );
        let gateway = Gateway::beside(&database, &file(&two.old.url()));
        let operator = gateway.operator();
        let one = json!({
            "connector": "api", "auth": "token", "embedded": true, "inputs": { "token": "global" },
            "credentials": { "token": "s3cret-of-all" },
        });
        operator.put("/v1/connections/one", one).await.is(201);
        let kept = operator.get("/v1/connections/one").await.is(200).body["credentials"].clone();
        fs::write(gateway.served_file(), file(&two.new.url())).unwrap();
        gateway.app().reload();
        operator.patch("/v1/connections/one", json!({ "name": "One" })).await.problem("origin_changed");
        let switch = json!({ "to": "standard", "confirm": true, "credentials": kept });
        let refused = operator.post("/v1/connections/one/switch", switch).await.problem("origin_changed");
        assert_eq!(refused.body["moves"][0]["credentials"], true);
        assert!(two.is_untouched());
        // What comes with it is for where it goes then.
        let anew = json!({ "to": "standard", "confirm": true, "credentials": { "token": "s3cret-anew" } });
        operator.post("/v1/connections/one/switch", anew).await.is(200);
        assert_eq!(two.ask(&gateway, ONE).await.0, "new");
    }

    async fn nobody_confirms_a_wider_variable_or_another_connector_unseen(database: Database) {
        let two = Two::start().await;
        let file = |connector: &str, pattern: &str| format!(
            "{EGRESS}connectors: {{ {connector}: {{ base_url: \"http://127.0.0.1:{{port}}\", \
             variables: {{ port: {{ pattern: \"{pattern}\" }} }}, auth: {{ token: {{ bearer: {{}} }} }} }} }}\n\
             connections:\n  many: {{ connector: {connector}, auth: token, embedded: true }}\n"
        );
        let gateway = Gateway::beside(&database, &file("api", "[0-9]+"));
        let operator = gateway.operator();
        let port = two.old.address().port().to_string();
        let acme = json!({ "variables": { "port": port }, "credentials": { "token": "s3cret-of-acme" } });
        operator.put("/v1/connections/many/activations/acme", acme).await.is(201);
        let confirm = "/v1/connections/many/confirm";
        let origins = json!(["http://127.0.0.1:{port}"]);
        let variables = json!({ "port": { "pattern": "[0-9a-z]+" } });
        for (connector, lacking, whole) in [
            ("api", "/variables", json!({ "origins": origins, "variables": variables })),
            ("twin", "/connector", json!({ "connector": "twin", "origins": origins, "variables": variables })),
        ] {
            fs::write(gateway.served_file(), file(connector, "[0-9a-z]+")).unwrap();
            gateway.app().reload();
            assert_eq!(two.ask(&gateway, MANY).await, refused("base_url_forbidden"));
            let mut partly = whole.clone();
            partly.as_object_mut().unwrap().remove(&lacking[1..]);
            let wrong = operator.post(confirm, partly).await.problem("invalid");
            assert_eq!(wrong.pointers(), [lacking]);
            let preview = operator.post(&format!("{confirm}?dry_run=true"), whole.clone()).await.is(200);
            assert_eq!((&preview.body["to"]["variables"], preview.body["to"]["connector"].as_str()), (&variables, Some(connector)));
            operator.post(confirm, whole).await.is(200);
            assert_eq!(two.ask(&gateway, MANY).await, says("old", "s3cret-of-acme"));
        }
    }

    async fn an_activation_by_an_older_file_holds_nobody_back(database: Database) {
        let two = Two::start().await;
        let file = |allowed: &str| format!(
            "{EGRESS}connectors: {{ api: {{ base_url: \"{}\", auth: {{ token: {{ bearer: {{}} }} }} }} }}\n\
             connections:\n  many: {{ connector: api, auth: token, embedded: true{allowed} }}\n",
            two.old.url(),
        );
        let wider = Gateway::beside(&database, &file(&format!(", allowed_origins: [\"{}\"]", two.new.url())));
        let acme = json!({ "credentials": { "token": "s3cret-of-acme" } });
        let put = wider.operator();
        put.put("/v1/connections/many/activations/acme", acme.clone()).await.is(201);
        assert_eq!(two.ask(&wider, MANY).await, says("old", "s3cret-of-acme"));
        let older = Gateway::beside(&database, &file(""));
        older.operator().put("/v1/connections/many/activations/globex", acme).await.is(201);
        // A write of its own: it has taken up what was before.
        put.put("/v1/tenants/initech", json!({})).await.is(201);
        assert_eq!(two.ask(&wider, MANY).await, says("old", "s3cret-of-acme"));
    }

    async fn what_a_file_s_connection_has_left_can_be_deleted(database: Database) {
        let two = Two::start().await;
        let file = |connections: &str| format!(
            "{EGRESS}connectors: {{ api: {{ base_url: \"{}\", auth: {{ token: {{ bearer: {{}} }} }} }} }}\n\
             connections: {{ {connections} }}\n",
            two.old.url(),
        );
        let gateway = Gateway::beside(&database, &file("many: { connector: api, auth: token, embedded: true }"));
        let operator = gateway.operator();
        let path = |tenant: &str| format!("/v1/connections/many/activations/{tenant}");
        for tenant in ["acme", "globex", "initech"] {
            let own = json!({ "credentials": { "token": format!("s3cret-of-{tenant}") } });
            operator.put(&path(tenant), own).await.is(201);
        }
        fs::write(gateway.served_file(), file("")).unwrap();
        gateway.app().reload();
        assert_eq!(two.ask(&gateway, MANY).await, refused("connection_not_found"));
        let listed = operator.get("/v1/connections/many/activations").await.is(200);
        assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(3));
        let listed = operator.get("/v1/tenants/acme/activations").await.is(200);
        assert_eq!(listed.body["items"][0]["connection"], "many");
        // Nothing is put where nothing is.
        operator.put(&path("acme"), json!({})).await.problem("not_found");
        operator.delete(&path("acme")).await.is(204);
        operator.delete(&path("acme")).await.problem("not_found");
        // Another connection of the same key has nothing of it, and whoever leaves that leaves both.
        let many = json!({ "connector": "api", "auth": "token", "embedded": true });
        operator.put("/v1/connections/many", many).await.is(201);
        let own = json!({ "credentials": { "token": "s3cret-anew" } });
        operator.put(&path("globex"), own).await.is(201);
        for tenant in ["globex", "initech"] {
            operator.delete(&path(tenant)).await.is(204);
            let left = operator.get(&format!("/v1/tenants/{tenant}/activations")).await.is(200);
            assert_eq!(left.body["items"], json!([]));
        }
        assert_eq!(database.number("SELECT COUNT(*) FROM credentials WHERE slot = 'activation'").await, 0);
    }
}

fn hook_of(preset: &str) -> Value {
    json!({ "hmac": { "preset": preset } })
}
