//! `POST /v1/apply`: what would be is told before anything is, and then all of it is done, or nothing.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use crate::support::each_engine;
use serde_json::Value;
use serde_json::json;

const FILE: &str = "\
egress: { allow: [127.0.0.0/8] }
connectors: { filed: { base_url: https://filed.example, auth: { token: { bearer: {} } } } }
connections: { in-file: { connector: filed, auth: token, credentials: { token: of-the-file } } }
";

/// One of each kind.
fn bundle() -> Value {
    json!({
        "connectors": { "crm": {
            "base_url": "https://crm.example",
            "auth": { "token": { "bearer": {} }, "login": { "basic": {} } },
        } },
        "tenants": { "acme": { "name": "Acme" } },
        "connections": {
            "crm-prod": { "connector": "crm", "auth": "token", "credentials": { "token": "s3cret" } },
            "crm-users": { "connector": "crm", "auth": "login", "embedded": true },
        },
        "integrations": { "sync": { "connectors": { "main": { "connector": "crm" } } } },
        "environments": { "live": {
            "integration": "sync", "deployed": true, "assign": { "main": "crm-prod" },
        } },
        "callers": { "runtime-eu": { "key": "a-caller-key-of-the-bundle", "connections": ["crm-*"] } },
        "activations": [{
            "connection": "crm-users", "tenant": "acme",
            "credentials": { "username": "u", "password": "s3cret-of-acme" },
        }],
    })
}

async fn plan(operator: &Operator, bundle: &Value) -> Value {
    operator.post("/v1/apply?dry_run=true", bundle.clone()).await.is(200).body
}

async fn applied(operator: &Operator, bundle: &Value) -> Value {
    let body = operator.post("/v1/apply", bundle.clone()).await.is(200).body;
    assert_eq!(body["applied"], true);
    body
}

/// `connector crm`.
fn named(list: &Value) -> Vec<String> {
    let name = |it: &Value| {
        let tenant = it["tenant"].as_str().map(|it| format!(" of {it}")).unwrap_or_default();
        format!("{} {}{tenant}", it["kind"].as_str().unwrap(), it["key"].as_str().unwrap())
    };
    list.as_array().unwrap().iter().map(name).collect()
}

/// How much was written, and how many entries tell of it.
async fn traces(database: &Database) -> (i64, i64, i64) {
    (
        database.number("SELECT revision FROM deployment").await,
        database.number("SELECT COUNT(*) FROM audit").await,
        database.number("SELECT COUNT(*) FROM events").await,
    )
}

fn is_nothing(outcome: &Value) -> bool {
    ["create", "change", "repin", "delete"].iter().all(|it| outcome[it] == json!([]))
}

each_engine! {
    async fn a_bundle_is_planned_without_a_trace_applied_whole_and_the_second_time_nothing(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let before = traces(&database).await;
        let planned = plan(&operator, &bundle()).await;
        assert_eq!(traces(&database).await, before, "a plan leaves nothing");
        assert_eq!(named(&planned["create"]), [
            "connector crm", "tenant acme", "connection crm-prod", "connection crm-users",
            "integration sync", "environment live", "caller runtime-eu", "activation crm-users of acme",
        ]);
        assert_eq!((&planned["applied"], &planned["unchanged"]), (&json!(false), &json!(0)));
        operator.get("/v1/connectors/crm").await.problem("not_found");

        let done = applied(&operator, &bundle()).await;
        assert_eq!(done["create"], planned["create"]);
        assert_eq!(done["plan"], planned["plan"], "it is what was planned");
        let live = operator.get("/v1/environments/live").await.is(200);
        assert_eq!(live.body["assign"]["main"], "crm-prod");
        assert_eq!(operator.get("/v1/connections/crm-prod").await.is(200).body["status"], "ready");

        let after = traces(&database).await;
        let again = applied(&operator, &bundle()).await;
        assert!(is_nothing(&again), "{again}");
        assert_eq!(again["unchanged"], 8);
        assert_eq!(traces(&database).await, after, "no revision, no entry, no event");
        let told = plan(&operator, &bundle()).await.to_string() + &done.to_string();
        assert!(!told.contains("s3cret") && !told.contains("a-caller-key"), "{told}");
    }

    async fn a_plan_tells_what_changes_what_is_pinned_anew_and_whom_it_affects(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        applied(&operator, &bundle()).await;
        // Somebody else's, of the same connector: it keeps its revision.
        let other = json!({ "connector": "crm", "auth": "token", "credentials": { "token": "t" } });
        operator.put("/v1/connections/others", other).await.is(201);
        let mut next = bundle();
        next["connectors"]["crm"]["auth"]["token"] = json!({ "api_key": { "in": "header", "name": "X-Key" } });
        next["connections"]["crm-prod"] = json!({ "connector": "crm", "auth": "token", "credentials": { "key": "s3cret" } });
        next["environments"]["live"]["name"] = "Live".into();
        let planned = plan(&operator, &next).await;
        assert_eq!(named(&planned["change"]), ["connector crm", "connection crm-prod", "environment live"]);
        assert_eq!(planned["change"][0]["fields"], json!(["auth.token"]));
        assert_eq!(planned["change"][1]["fields"], json!(["credentials.key", "credentials.token"]));
        assert_eq!(planned["change"][2]["fields"], json!(["name"]));
        let uses = json!([{ "kind": "environment", "key": "live", "alias": "main", "deployed": true }]);
        assert_eq!(planned["repin"], json!([{
            "connection": "crm-prod", "connector": "crm", "method": "token", "from": 1, "to": 2,
            "uses": { "uses": uses, "total": 1, "environments": 1, "deployed": 1, "activations": 0 },
        }]));
        assert_eq!(planned["change"][0]["uses"]["uses"].as_array().unwrap().len(), 4, "{planned}");
        assert_eq!(planned["unchanged"], 5);
        applied(&operator, &next).await;
        let pinned = |it: Value| it["revision"].as_i64();
        assert_eq!(pinned(operator.get("/v1/connections/crm-prod").await.is(200).body), Some(2));
        assert_eq!(pinned(operator.get("/v1/connections/others").await.is(200).body), Some(1));
        assert!(is_nothing(&plan(&operator, &next).await));
    }

    async fn everything_that_is_wrong_is_told_at_once_and_nothing_is_done(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let before = traces(&database).await;
        let mut wrong = bundle();
        wrong["connectors"]["bad"] = json!({ "base_url": "https://x.example", "auht": {} });
        wrong["connections"]["of-bad"] = json!({ "connector": "bad", "auth": "token" });
        wrong["connections"]["nowhere"] = json!({ "connector": "none", "auth": "token" });
        wrong["connections"]["in-file"] = json!({ "connector": "crm", "auth": "token", "credentials": { "token": "x" } });
        wrong["connections"]["unset"] =
            json!({ "connector": "crm", "auth": "token", "credentials": { "token": { "unset": "CRM_TOKEN" } } });
        wrong["environments"]["live"]["assign"]["main"] = "gone".into();
        wrong["callers"]["short"] = json!({ "key": "short" });
        wrong["callers"]["same"] = json!({ "key": "a-caller-key-of-the-bundle" });
        wrong["activations"][0]["connection"] = "crm-prod".into();
        wrong["server"] = json!({ "admin": {} });
        wrong["conections"] = json!({});
        let told = operator.post("/v1/apply", wrong).await.problem("invalid");
        let mut pointers = told.pointers();
        pointers.sort_unstable();
        assert_eq!(pointers, [
            "/activations/0", "/callers/same/key", "/callers/short/key", "/conections", "/connections/in-file",
            "/connections/nowhere/connector", "/connections/unset/credentials/token", "/connectors/bad/auht",
            "/environments/live/assign/main", "/server",
        ], "{}", told.body);
        let errors = told.body["errors"].to_string();
        for text in ["CRM_TOKEN", "leave it out here", "did you mean `auth`", "create it first"] {
            assert!(errors.contains(text), "{text}: {errors}");
        }
        assert_eq!(traces(&database).await, before);
    }

    async fn what_is_not_in_the_bundle_stays_unless_it_is_pruned(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        applied(&operator, &bundle()).await;
        let mut less = bundle();
        less["environments"] = json!({});
        less["connections"].as_object_mut().unwrap().shift_remove("crm-prod");
        less.as_object_mut().unwrap().shift_remove("tenants");
        less.as_object_mut().unwrap().shift_remove("activations");
        assert!(is_nothing(&plan(&operator, &less).await));
        let planned = operator.post("/v1/apply?dry_run=true&prune=true", less.clone()).await.is(200).body;
        assert_eq!(named(&planned["delete"]), ["environment live", "connection crm-prod"]);
        assert_eq!(named(&planned["breaks"]), ["environment live"], "which is deployed");
        operator.post("/v1/apply?prune=true", less.clone()).await.problem("in_use");
        operator.patch("/v1/environments/live", json!({ "deployed": false })).await.is(200);
        let planned = operator.post("/v1/apply?dry_run=true&prune=true", less.clone()).await.is(200).body;
        assert_eq!(planned["breaks"], json!([]), "what uses the connection goes as well");
        operator.post("/v1/apply?prune=true", less.clone()).await.is(200);
        operator.get("/v1/connections/crm-prod").await.problem("not_found");
        operator.get("/v1/connections/in-file").await.is(200);
        operator.get("/v1/tenants/acme").await.is(200);
        assert!(is_nothing(&operator.post("/v1/apply?prune=true", less.clone()).await.is(200).body));

        // With the embedded one a tenant's activation would go.
        less["connections"] = json!({});
        let broken = operator.post("/v1/apply?prune=true", less.clone()).await.problem("in_use");
        assert_eq!(named(&broken.body["breaks"]), ["activation crm-users"]);
        operator.get("/v1/connections/crm-users").await.is(200);
        operator.post("/v1/apply?prune=true&force=true", less).await.is(200);
        operator.get("/v1/connections/crm-users").await.problem("not_found");
    }

    async fn what_works_now_is_not_broken_and_credentials_go_nowhere_else_unless_that_is_said(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        applied(&operator, &bundle()).await;
        let mut moved = bundle();
        moved["connectors"]["crm"]["base_url"] = "https://elsewhere.example".into();
        // What a credential is is known, and so it is kept: it would go along.
        let planned = plan(&operator, &moved).await;
        let to: Vec<_> = planned["moves"].as_array().unwrap().iter().map(|it| it["connection"].clone()).collect();
        assert_eq!(to, ["crm-prod", "crm-users"]);
        operator.post("/v1/apply", moved.clone()).await.problem("origin_changed");
        assert!(is_nothing(&plan(&operator, &bundle()).await));
        operator.post("/v1/apply?confirm=origin", moved.clone()).await.is(200);
        assert_eq!(operator.get("/v1/connections/crm-prod").await.is(200).body["status"], "ready");

        // An environment of somebody else would lose its link.
        let mut unlinked = moved;
        unlinked["integrations"]["sync"] = json!({ "connectors": { "other": { "connector": "crm" } } });
        unlinked.as_object_mut().unwrap().shift_remove("environments");
        let planned = plan(&operator, &unlinked).await;
        assert_eq!(named(&planned["breaks"]), ["environment live"]);
        operator.post("/v1/apply", unlinked.clone()).await.problem("in_use");
        operator.post("/v1/apply?force=true", unlinked).await.is(200);
    }

    async fn what_is_not_given_is_kept_and_what_is_given_anew_is_a_change(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        applied(&operator, &bundle()).await;
        let mut kept = bundle();
        kept["connections"]["crm-prod"]["credentials"] = json!({ "token": { "unset": "CRM_TOKEN" } });
        kept["callers"]["runtime-eu"]["key"] = json!({ "unset": "KEY" });
        kept["activations"][0]["credentials"] = json!({ "username": { "unset": "A" }, "password": { "unset": "B" } });
        let generation = "SELECT MAX(generation) FROM credentials WHERE owner NOT LIKE 'reply%'";
        let sealed = database.number(generation).await;
        assert!(is_nothing(&applied(&operator, &kept).await));
        assert_eq!(database.number(generation).await, sealed);
        kept["connections"]["crm-prod"]["credentials"] = json!({ "token": "another" });
        kept["callers"]["runtime-eu"]["key"] = "another-key-of-this-caller".into();
        kept["callers"]["fresh"] = json!({ "key": { "unset": "FRESH" } });
        let done = applied(&operator, &kept).await;
        assert_eq!(named(&done["change"]), ["connection crm-prod", "caller runtime-eu"]);
        assert_eq!(done["keyless"], json!(["fresh"]));
        let keys = operator.get("/v1/callers/runtime-eu").await.is(200).body["keys"].clone();
        let keys = keys.as_array().unwrap();
        assert_eq!(keys.len(), 2, "the former one goes on for a while");
        assert!(keys[0]["expires_at"].is_string() && keys[1]["expires_at"].is_null(), "{keys:?}");
        assert!(is_nothing(&applied(&operator, &kept).await));
    }

    async fn a_plan_that_is_not_so_any_more_is_not_carried_out(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        applied(&operator, &bundle()).await;
        let mut next = bundle();
        next["integrations"]["sync"]["name"] = "Sync".into();
        let planned = plan(&operator, &next).await;
        let with = |plan: &Value| format!("/v1/apply?plan={}", plan["plan"].as_str().unwrap());
        // What somebody else does that has nothing to do with it does not matter.
        operator.put("/v1/tenants/other", json!({})).await.is(201);
        operator.patch("/v1/integrations/sync", json!({ "name": "Theirs" })).await.is(200);
        operator.post(&with(&planned), next.clone()).await.problem("precondition_failed");
        assert_eq!(operator.get("/v1/integrations/sync").await.is(200).body["name"], "Theirs");
        let planned = plan(&operator, &next).await;
        operator.put("/v1/tenants/one-more", json!({})).await.is(201);
        operator.post(&with(&planned), next).await.is(200);
    }

    async fn activations_are_pruned_of_the_connections_that_have_some_in_the_bundle(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let mut two = bundle();
        two["connections"]["crm-more"] = two["connections"]["crm-users"].clone();
        let activation = |connection: &str, tenant: &str| {
            let credentials = json!({ "username": "u", "password": "p" });
            json!({ "connection": connection, "tenant": tenant, "credentials": credentials })
        };
        two["activations"] = json!([
            activation("crm-users", "acme"), activation("crm-users", "other"), activation("crm-more", "acme"),
        ]);
        applied(&operator, &two).await;
        two["activations"] = json!([activation("crm-users", "acme")]);
        two["tenants"] = json!({});
        let pruned = operator.post("/v1/apply?prune=true&force=true", two.clone()).await.is(200).body;
        assert_eq!(named(&pruned["delete"])[0], "activation crm-users of other", "{pruned}");
        operator.get("/v1/connections/crm-users/activations/other").await.problem("not_found");
        assert!(is_nothing(&operator.post("/v1/apply?prune=true", two).await.is(200).body));
    }

    async fn a_connector_of_the_catalogue_is_one_of_the_bundle_and_the_same_again(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let own = json!({ "connectors": { "pay": { "from": "stripe", "description": "Ours" } } });
        applied(&operator, &own).await;
        assert!(is_nothing(&applied(&operator, &own).await));
        let unknown = json!({ "connectors": { "pay": { "from": "strype" } } });
        let told = operator.post("/v1/apply", unknown).await.problem("invalid");
        assert_eq!(told.pointers(), ["/connectors/pay/from"]);
    }

    async fn two_bundles_at_once_are_done_one_after_the_other(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let mut other = bundle();
        other["connectors"]["crm"]["name"] = "Other".into();
        let (one, two) = tokio::join!(
            operator.post("/v1/apply", bundle()),
            operator.post("/v1/apply", other.clone()),
        );
        let (one, two) = (one.is(200).body, two.is(200).body);
        let created = |it: &Value| it["create"].as_array().unwrap().len();
        let mut both = [created(&one), created(&two)];
        both.sort_unstable();
        assert_eq!(both, [0, 8], "{one} {two}");
        let name = operator.get("/v1/connectors/crm").await.is(200).body["name"].clone();
        assert_eq!(name == "Other", created(&one) == 8, "the later one stands");
    }

    async fn a_connection_that_pins_former_settings_says_so_and_gets_them_wherever_it_goes(database: Database) {
        let gateway = Gateway::beside(&database, FILE);
        let operator = gateway.operator();
        let mut old = bundle();
        old["connections"]["crm-prod"]["auth_method"] = json!({ "bearer": {}, "name": "Former" });
        let planned = plan(&operator, &old).await;
        assert_eq!(created_and_changed(&planned), (8, 0), "{planned}");
        applied(&operator, &old).await;
        let shown = operator.get("/v1/connections/crm-prod").await.is(200).body;
        assert_eq!(shown["auth_method"]["name"], "Former");
        assert_ne!(shown["revision"], shown["latest_revision"]);
        assert!(is_nothing(&applied(&operator, &old).await));
        let anew = applied(&operator, &bundle()).await;
        assert_eq!(anew["repin"].as_array().unwrap().len(), 1, "{anew}");
        let back = applied(&operator, &old).await;
        assert_eq!(back["repin"][0]["to"], shown["revision"], "{back}");
        // Of the connector nothing changes where others are recorded, but for their number.
        old["connections"]["crm-prod"]["auth_method"] = json!({ "bearer": {}, "name": "Another" });
        let planned = plan(&operator, &old).await;
        assert_eq!(created_and_changed(&planned), (0, 0), "{planned}");
        let again = applied(&operator, &old).await;
        assert_eq!((again["repin"].as_array().unwrap().len(), &again["unchanged"]), (1, &json!(7)), "{again}");
    }
}

fn created_and_changed(outcome: &Value) -> (usize, usize) {
    let count = |name: &str| outcome[name].as_array().unwrap().len();
    (count("create"), count("change"))
}
