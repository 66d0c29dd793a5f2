//! `POST /v1/apply`: what a plan is bound to, and what is not gone without a word.
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::each_engine;
use crate::support::soon;
use attache::model::Claimed;
use attache::model::Key;
use attache::model::OperatorName;
use attache::model::Scope;
use attache::store::Expect;
use attache::store::TenantRow;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

const FILE: &str = "egress: { allow: [127.0.0.0/8] }\n";

async fn plan(operator: &Operator, bundle: &Value) -> String {
    let planned = operator.post("/v1/apply?dry_run=true", bundle.clone()).await.is(200).body;
    format!("/v1/apply?plan={}", planned["plan"].as_str().expect("a plan is known by a text"))
}

fn connector(base_url: &str) -> Value {
    json!({ "base_url": base_url, "auth": { "token": { "bearer": {} }, "login": { "basic": {} } } })
}

/// Entries of the audit trail that say this was done to connections, the oldest first.
async fn acts(operator: &Operator, act: &str) -> Vec<Value> {
    let page = operator.get("/v1/audit?kind=connection&limit=200").await.is(200).body;
    let items = page["items"].as_array().expect("a page has items").iter().rev();
    items.filter(|it| it["act"] == act).cloned().collect()
}

fn broken(outcome: &Value) -> Vec<String> {
    let name = |it: &Value| {
        let tenant = it["tenant"].as_str().map(|it| format!(" of {it}")).unwrap_or_default();
        format!("{} {}{tenant}", it["kind"].as_str().unwrap(), it["key"].as_str().unwrap())
    };
    outcome["breaks"].as_array().expect("breaks are a list").iter().map(name).collect()
}

each_engine! {
    async fn what_no_database_keeps_is_refused_and_no_fault(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        for bundle in [json!({ "callers": { "a\0b": {} } }), json!({ "callers": { "a": { "name": "\0" } } })] {
            let told = operator.post("/v1/apply?dry_run=true", bundle).await.problem("invalid");
            assert!(told.body.to_string().contains("NUL"), "{}", told.body);
        }
    }

    async fn a_plan_is_of_what_was_sent_and_of_nothing_else(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let bundle = |url: &str, token: &str| json!({
            "connectors": { "crm": connector(url) },
            "connections": { "prod": { "connector": "crm", "auth": "token", "credentials": { "token": token } } },
        });
        let good = bundle("https://good.example", "s3cret");
        let planned = plan(&operator, &good).await;
        for other in [bundle("https://evil.example", "s3cret"), bundle("https://good.example", "another")] {
            operator.post(&planned, other).await.problem("precondition_failed");
        }
        operator.get("/v1/connectors/crm").await.problem("not_found");
        operator.post(&planned, good).await.is(200);
        // Of one that is there as well: the same member gets another value.
        let moved = bundle("https://good.example/v2", "s3cret");
        let planned = plan(&operator, &moved).await;
        let other = bundle("https://good.example/v3", "s3cret");
        operator.post(&planned, other).await.problem("precondition_failed");
        operator.post(&planned, moved).await.is(200);
    }

    async fn a_plan_is_another_one_where_what_it_refers_to_is_another(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let crm = "/v1/connectors/crm";
        operator.put(crm, connector("https://crm.example")).await.is(201);
        let fresh = json!({ "connections": {
            "prod": { "connector": "crm", "auth": "token", "credentials": { "token": "s3cret" } },
        } });
        let planned = plan(&operator, &fresh).await;
        // The credential was to go to the one, and would be bound to the other.
        operator.patch(crm, json!({ "base_url": "https://evil.example" })).await.is(200);
        operator.post(&planned, fresh.clone()).await.problem("precondition_failed");
        operator.get("/v1/connections/prod").await.problem("not_found");
        // With another revision of its auth method.
        let planned = plan(&operator, &fresh).await;
        let method = json!({ "bearer": {}, "name": "Anew" });
        operator.put("/v1/connectors/crm/auth/token", method).await.is(200);
        operator.post(&planned, fresh.clone()).await.problem("precondition_failed");
        operator.post(&plan(&operator, &fresh).await, fresh).await.is(200);

        // An environment, by what it is assigned and what it is of.
        let links = json!({ "connectors": { "main": { "connector": "crm" } } });
        operator.put("/v1/integrations/sync", links).await.is(201);
        let live = json!({ "environments": { "live": {
            "integration": "sync", "deployed": true, "assign": { "main": "prod" },
        } } });
        for (path, change) in [
            ("/v1/connections/prod", json!({ "name": "Other" })),
            ("/v1/integrations/sync", json!({ "name": "Other" })),
        ] {
            let planned = plan(&operator, &live).await;
            operator.patch(path, change).await.is(200);
            operator.post(&planned, live.clone()).await.problem("precondition_failed");
        }
        operator.post(&plan(&operator, &live).await, live).await.is(200);
    }

    async fn activations_and_callers_with_good_keys_are_not_pruned_unless_that_is_said(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let activation = |tenant: &str| json!({
            "connection": "users", "tenant": tenant, "credentials": { "username": "u", "password": "p" },
        });
        let mut bundle = json!({
            "connectors": { "crm": connector("https://crm.example") },
            "connections": { "users": { "connector": "crm", "auth": "login", "embedded": true } },
            "callers": {
                "kept": { "key": "the-key-of-the-one-kept" }, "gone": { "key": "the-key-of-the-one-gone" },
                "keyless": {},
            },
            "activations": [activation("acme"), activation("other")],
        });
        operator.post("/v1/apply", bundle.clone()).await.is(200);
        bundle["callers"].as_object_mut().unwrap().retain(|it, _| it == "kept");
        bundle["activations"] = json!([activation("acme")]);
        let refused = operator.post("/v1/apply?prune=true", bundle.clone()).await.problem("in_use");
        assert_eq!(broken(&refused.body), ["activation users of other", "caller gone"]);
        operator.get("/v1/connections/users/activations/other").await.is(200);
        operator.get("/v1/callers/gone").await.is(200);
        operator.post("/v1/apply?prune=true&force=true", bundle).await.is(200);
        operator.get("/v1/connections/users/activations/other").await.problem("not_found");
        operator.get("/v1/callers/gone").await.problem("not_found");
        operator.get("/v1/callers/keyless").await.problem("not_found");
    }

    async fn an_activation_stands_in_a_bundle_once(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let activation = |tenant: &str, password: &str| json!({
            "connection": "users", "tenant": tenant, "credentials": { "username": "u", "password": password },
        });
        let bundle = json!({
            "connectors": { "crm": connector("https://crm.example") },
            "connections": { "users": { "connector": "crm", "auth": "login", "embedded": true } },
            "activations": [activation("acme", "one"), activation("other", "one"), activation("acme", "two")],
        });
        let told = operator.post("/v1/apply", bundle).await.problem("invalid");
        assert_eq!(told.pointers(), ["/activations/2"], "{}", told.body);
    }

    async fn a_section_that_says_nothing_prunes_nothing(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        operator.put("/v1/connectors/crm", connector("https://crm.example")).await.is(201);
        let empty = json!({ "connectors": null, "activations": null });
        let told = operator.post("/v1/apply?prune=true&force=true", empty.clone()).await.problem("invalid");
        assert_eq!(told.pointers(), ["/connectors", "/activations"]);
        let errors = told.body["errors"].to_string();
        assert!(errors.contains("write `{}`") && errors.contains("write `[]`"), "{errors}");
        operator.get("/v1/connectors/crm").await.is(200);
        operator.post("/v1/apply", empty).await.is(200);
        operator.post("/v1/apply?prune=true", json!({ "connectors": {} })).await.is(200);
        operator.get("/v1/connectors/crm").await.problem("not_found");
    }

    async fn a_key_that_was_rotated_away_and_is_given_again_does_not_end(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let with = |key: &str| json!({ "callers": { "eu": { "key": key } } });
        let (former, other) = (with("the-former-key-of-eu"), with("another-key-of-eu-it-is"));
        operator.post("/v1/apply", former.clone()).await.is(200);
        operator.post("/v1/apply", other).await.is(200);
        let back = operator.post("/v1/apply", former.clone()).await.is(200).body;
        assert_eq!(back["change"][0]["key"], "eu", "{back}");
        let keys = operator.get("/v1/callers/eu").await.is(200).body["keys"].clone();
        let ends = |prefix: &str| {
            let key = keys.as_array().unwrap().iter().find(|it| it["prefix"] == prefix);
            key.unwrap_or_else(|| panic!("{prefix}: {keys}"))["expires_at"].clone()
        };
        assert!(ends("the-").is_null() && ends("anot").is_string(), "{keys}");
        let again = operator.post("/v1/apply", former).await.is(200).body;
        assert_eq!((&again["change"], &again["unchanged"]), (&json!([]), &json!(1)), "{again}");
    }

    async fn a_repetition_is_told_of_the_first_one_while_that_holds_up_whoever_writes(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let sent = || {
            let body = json!({ "tenants": { "acme": {} } });
            operator.send("POST", "/v1/apply", "Idempotency-Key: k-1\r\n", Some(body))
        };
        sent().await.is(200);
        // As it is in the midst of it: claimed, and what was done under the claim is not kept yet.
        database.run("UPDATE idempotency SET status = NULL").await;
        let claimed = Claimed {
            operator: OperatorName::Token(Key::try_from("admin").unwrap()),
            token: database.text("SELECT token FROM idempotency").await,
            key: "k-1".to_owned(),
            claimed_at_ms: database.number("SELECT claimed_at FROM idempotency").await,
        };
        let together = gateway.writer().store.together().await.unwrap();
        let row = TenantRow { definition: "{}".to_owned() };
        let tenants = together.store().tenants();
        tenants.put(&Scope::Once(Arc::new(claimed)), "other", &row, Expect::Absent).await.unwrap();
        let told = sent().await.problem("idempotency_in_progress");
        assert!(told.response.field("retry-after").is_some());
        // Of another nothing is known, and nothing was done.
        let fields = "Idempotency-Key: k-2\r\n";
        let body = json!({ "tenants": { "third": {} } });
        let other = operator.send("POST", "/v1/apply", fields, Some(body)).await;
        other.problem("store_unavailable");
        drop(together);
        operator.get("/v1/tenants/third").await.problem("not_found");
    }

    async fn what_moves_is_judged_by_where_it_is_in_the_end(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let bundle = |url: &str, own: Value, token: &str| json!({
            "connectors": { "crm": connector(url) },
            "connections": { "prod": {
                "connector": "crm", "auth": "token", "base_url": own, "credentials": { "token": token },
            } },
        });
        let (one, two) = ("https://one.example", "https://two.example");
        operator.post("/v1/apply", bundle(one, Value::Null, "first")).await.is(200);
        let moves = |outcome: &Value| outcome["moves"].as_array().unwrap().len();
        // Its connector goes elsewhere, and it stays where it was.
        let there_and_back = bundle(two, one.into(), "first");
        let planned = operator.post("/v1/apply?dry_run=true", there_and_back.clone()).await.is(200).body;
        assert_eq!(moves(&planned), 0, "{planned}");
        operator.post("/v1/apply", there_and_back).await.is(200);
        // The credential goes there, one that is entered for it does not go elsewhere.
        let same = bundle(two, Value::Null, "first");
        let planned = operator.post("/v1/apply?dry_run=true", same.clone()).await.is(200).body;
        assert_eq!(moves(&planned), 1, "{planned}");
        let moved = &planned["moves"][0];
        assert_eq!((&moved["credentials"], &moved["from"]["origins"], &moved["to"]["origins"]),
            (&json!(true), &json!([one]), &json!([two])));
        operator.post("/v1/apply", same).await.problem("origin_changed");
        operator.post("/v1/apply", bundle(two, Value::Null, "another")).await.is(200);
        // Together with the connector as well.
        operator.post("/v1/apply", bundle(one, Value::Null, "third")).await.is(200);
        let shown = operator.get("/v1/connections/prod").await.is(200).body;
        assert_eq!((&shown["status"], &shown["effective_base_url"]), (&json!("ready"), &json!(one)));
        // The trail tells where they go, and that somebody has confirmed it where somebody has.
        assert_eq!(acts(&operator, "confirmed").await, [] as [Value; 0]);
        let bound = acts(&operator, "bound").await;
        assert_eq!(bound.last().map(|it| &it["after"]["reach"]["origins"]), Some(&json!([one])), "{bound:?}");
        operator.post("/v1/apply?confirm=origin", bundle(two, Value::Null, "third")).await.is(200);
        let [only] = &acts(&operator, "confirmed").await[..] else { panic!("one is confirmed") };
        assert_eq!((&only["before"]["reach"]["origins"], &only["after"]["reach"]["origins"]), (&json!([one]), &json!([two])));
    }

    async fn what_a_tenants_variables_and_its_connection_send_elsewhere_is_told_once(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let bundle = |domain: &str, regions: &[&str]| {
            let activation = |(index, region): (usize, &&str)| json!({
                "connection": "users", "tenant": format!("t{index}"), "variables": { "region": region },
                "credentials": { "username": "u", "password": "p" },
            });
            json!({
                "connectors": { "crm": {
                    "base_url": format!("https://{{region}}.{domain}"), "auth": { "login": { "basic": {} } },
                    "variables": { "region": { "pattern": "[a-z]+" } },
                } },
                "connections": { "users": { "connector": "crm", "auth": "login", "embedded": true } },
                "activations": regions.iter().enumerate().map(activation).collect::<Vec<_>>(),
            })
        };
        operator.post("/v1/apply", bundle("crm.example", &["one", "one", "one"])).await.is(200);
        let moves = async |bundle: Value| {
            let planned = operator.post("/v1/apply?dry_run=true", bundle).await.is(200).body;
            planned["moves"].as_array().unwrap().clone()
        };
        // All of them, with their connection.
        let [all] = &moves(bundle("evil.example", &["two", "two", "one"])).await[..] else { panic!("one") };
        assert_eq!((&all["activations"], &all["from"]["origins"]), (&json!(3), &json!(["https://{region}.crm.example"])));
        // By their own variables alone: one for those who go the same way.
        let [two, three] = &moves(bundle("crm.example", &["two", "two", "three"])).await[..] else { panic!("two") };
        assert_eq!((&two["activations"], &two["from"]["origins"], &two["to"]["origins"]),
            (&json!(2), &json!(["https://one.crm.example"]), &json!(["https://two.crm.example"])));
        assert_eq!((&three["activations"], &three["to"]["origins"]), (&json!(1), &json!(["https://three.crm.example"])));
    }

    async fn a_credential_that_does_not_read_moves_with_its_connection_once_that_is_confirmed(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let bundle = |url: &str, token: &str| json!({
            "connectors": { "crm": connector(url) },
            "connections": { "prod": { "connector": "crm", "auth": "token", "credentials": { "token": token } } },
        });
        operator.post("/v1/apply", bundle("https://one.example", "first")).await.is(200);
        database.run("UPDATE credentials SET fields = '{' WHERE slot = 'own'").await;
        let moved = bundle("https://two.example", "second");
        operator.post("/v1/apply", moved.clone()).await.problem("origin_changed");
        operator.post("/v1/apply?confirm=origin", moved).await.is(200);
        let shown = operator.get("/v1/connections/prod").await.is(200).body;
        assert_eq!((&shown["status"], &shown["effective_base_url"]), (&json!("ready"), &json!("https://two.example")));
    }

    async fn what_stays_of_a_credential_moves_along_with_what_is_new_of_it(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let bundle = |url: &str, username: &str, tenants: Value| json!({
            "connectors": { "crm": connector(url) },
            "connections": {
                "prod": { "connector": "crm", "auth": "login", "credentials": { "username": username, "password": "p" } },
                "users": { "connector": "crm", "auth": "login", "embedded": true },
            },
            "activations": tenants,
        });
        let activation = |tenant: &str, password: &str| json!({
            "connection": "users", "tenant": tenant, "credentials": { "username": tenant, "password": password },
        });
        let both = json!([activation("acme", "one"), activation("other", "one")]);
        operator.post("/v1/apply", bundle("https://one.example", "a", both)).await.is(200);
        let one = json!([activation("acme", "two"), { "connection": "users", "tenant": "other", "credentials": {
            "username": "anew", "password": "anew" } }]);
        let planned = bundle("https://two.example", "b", one);
        let planned = operator.post("/v1/apply?dry_run=true", planned).await.is(200).body;
        let [prod, users] = &planned["moves"].as_array().unwrap()[..] else { panic!("{planned}") };
        assert_eq!((&prod["connection"], &prod["credentials"]), (&json!("prod"), &json!(true)));
        // Of one tenant the name stays, of the other nothing.
        assert_eq!((&users["connection"], &users["activations"]), (&json!("users"), &json!(1)));
    }

    async fn what_a_tenants_own_variables_send_elsewhere_is_a_move(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let bundle = |region: &str, password: &str| json!({
            "connectors": { "crm": {
                "base_url": "https://{region}.crm.example", "auth": { "login": { "basic": {} } },
                "variables": { "region": { "pattern": "[a-z]+" } },
            } },
            "connections": { "users": { "connector": "crm", "auth": "login", "embedded": true } },
            "activations": [{
                "connection": "users", "tenant": "acme", "variables": { "region": region },
                "credentials": { "username": "u", "password": password },
            }],
        });
        operator.post("/v1/apply", bundle("one", "p")).await.is(200);
        let moved = bundle("two", "p");
        let planned = operator.post("/v1/apply?dry_run=true", moved.clone()).await.is(200).body;
        let [only] = &planned["moves"].as_array().unwrap()[..] else { panic!("{planned}") };
        assert_eq!((&only["activations"], &only["to"]["origins"]),
            (&json!(1), &json!(["https://two.crm.example"])));
        operator.post("/v1/apply", moved.clone()).await.problem("origin_changed");
        operator.post("/v1/apply?confirm=origin", moved).await.is(200);
        // What is entered for it goes where it is entered for.
        let anew = bundle("three", "another");
        operator.post("/v1/apply", anew.clone()).await.problem("origin_changed");
        let mut anew = anew;
        anew["activations"][0]["credentials"]["username"] = "other".into();
        operator.post("/v1/apply", anew).await.is(200);
    }

    async fn what_is_as_it_was_is_looked_at_where_it_refers_to_what_is_not(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let bundle = |auth: Value, username: &str| json!({
            "connectors": { "crm": { "base_url": "https://crm.example", "auth": auth } },
            "connections": {
                "prod": { "connector": "crm", "auth": "token", "credentials": { "token": "s3cret" } },
                "users": { "connector": "crm", "auth": "login", "embedded": true },
            },
            "activations": [{ "connection": "users", "tenant": "acme",
                "credentials": { "username": username, "password": "p" } }],
        });
        let auth = json!({ "token": { "bearer": {} }, "login": { "basic": {} } });
        operator.post("/v1/apply", bundle(auth.clone(), "u")).await.is(200);
        let again = operator.post("/v1/apply", bundle(auth.clone(), "u")).await.is(200).body;
        assert_eq!(again["unchanged"], 4, "{again}");
        // The same connection of a connector that has not its method any more.
        let less = bundle(json!({ "login": { "basic": {} } }), "u");
        let told = operator.post("/v1/apply?force=true", less).await.problem("invalid");
        assert_eq!(told.pointers(), ["/connections/prod/auth"], "{}", told.body);
        // The same activation of a connection that takes other fields.
        let other = json!({ "token": { "bearer": {} }, "login": { "api_key": { "in": "header", "name": "X-Key" } } });
        let told = operator.post("/v1/apply?force=true", bundle(other, "u")).await.problem("invalid");
        assert!(told.pointers().iter().all(|it| it.starts_with("/activations/0/credentials")), "{}", told.body);
        let changed = operator.post("/v1/apply", bundle(auth, "another")).await.is(200).body;
        assert_eq!((&changed["unchanged"], &changed["change"][0]["kind"]), (&json!(3), &json!("activation")), "{changed}");
    }

    async fn what_is_as_it_was_and_does_not_work_is_said_not_to(database: Database) {
        let file = |origin: &str| format!(
            "{FILE}connectors: {{ filed: {{ base_url: \"{origin}\", auth: {{ login: {{ basic: {{}} }} }} }} }}
connections: {{ users: {{ connector: filed, auth: login, embedded: true }} }}
"
        );
        let gateway = Gateway::beside(&database, &file("https://one.example"));
        let operator = gateway.operator();
        let activations = json!({ "activations": [{ "connection": "users", "tenant": "acme",
            "credentials": { "username": "u", "password": "p" } }] });
        let integrations = json!({ "integrations": { "sync": { "connectors": { "main": { "connector": "crm" } } } } });
        operator.put("/v1/connectors/crm", connector("https://crm.example")).await.is(201);
        operator.post("/v1/apply", activations.clone()).await.is(200);
        operator.post("/v1/apply", integrations.clone()).await.is(200);
        operator.delete("/v1/connectors/crm?force=true").await.is(204);
        let told = operator.post("/v1/apply", integrations).await.problem("invalid");
        assert_eq!(told.pointers(), ["/integrations/sync/connectors/main/connector"], "{}", told.body);
        let served = fs::read_to_string(gateway.served_file()).unwrap();
        fs::write(gateway.served_file(), served.replace("one.example", "two.example")).unwrap();
        let moved = async {
            while operator.get("/v1/connections/users").await.body["status"] != "origin_changed" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon("the file to be read again", moved).await;
        operator.post("/v1/apply", activations).await.problem("origin_changed");
    }
}
