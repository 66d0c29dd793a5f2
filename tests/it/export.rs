//! `attache export`: what is stored, as files that are sound, that serve the same, and that hold no secret.
use crate::support::Database;
use crate::support::Operator;
use crate::support::Process;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::Shell;
use crate::support::raw_request;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use tempfile::TempDir;

/// Something of a file's own, which an export leaves to it.
const FILE: &str = "\
egress: { allow: [127.0.0.0/8] }
connectors: { filed: { base_url: \"https://${HOST:-filed.example.com}\", auth: { t: { bearer: {} } } } }
connections: { filed: { connector: filed, auth: t, credentials: { token: s3cret-of-the-file } } }
";

/// Where the second attache listens: an export says nothing of it.
const OWN: &str = "\
egress: { allow: [127.0.0.0/8] }
server:
  proxy: { listen: \"127.0.0.1:0\", workers: 1 }
  admin: { listen: \"127.0.0.1:0\", token: the-operator-s-token-0123 }
  public: { listen: \"127.0.0.1:0\" }
";

/// A connector with two methods, connections of both kinds, and all that hangs on them.
async fn filled(database: &Database, base_url: &str) -> (Process, Shell) {
    let process = Process::beside(database, FILE).await;
    let operator = Operator::at(process.admin);
    let desk = json!({
        "base_url": base_url,
        "description": "costs ${money} and $${more}",
        "variables": { "version": { "default": "v1", "pattern": "v[0-9]" } },
        "auth": {
            "token": { "api_key": { "in": "header", "name": "X-Api-Key" }, "name": "Token", "description": "d ${x}" },
            "login": { "basic": {} },
            "hooks": { "hmac": { "preset": "github" } },
            "bearer": { "bearer": {} },
        },
        "endpoints": { "list": { "method": "GET", "path": "/tickets" } },
    });
    operator.put("/v1/connectors/desk", desk).await.is(201);
    for (key, body) in [
        (
            "prod",
            json!({ "connector": "desk", "auth": "token", "credentials": { "key": "s3cret-of-prod" } }),
        ),
        (
            "users",
            json!({ "connector": "desk", "auth": "login", "embedded": true,
            "test_credentials": { "username": "u", "password": "s3cret-of-tests" } }),
        ),
        (
            "hooks",
            json!({ "connector": "desk", "auth": "hooks", "base_url": base_url,
            "credentials": { "secret": ["s3cret-one", "s3cret-two"] } }),
        ),
        (
            "admin",
            json!({ "connector": "desk", "auth": "bearer", "credentials": { "token": "s3cret-of-admin" } }),
        ),
    ] {
        operator.put(&format!("/v1/connections/{key}"), body).await.is(201);
    }
    let acme = json!({ "credentials": { "username": "a", "password": "s3cret-of-acme" } });
    operator.put("/v1/connections/users/activations/acme%20ltd", acme).await.is(201);
    operator.put("/v1/tenants/acme%20ltd", json!({ "name": "Acme" })).await.is(201);
    let links = json!({ "connectors": { "main": { "connector": "desk" } } });
    operator.put("/v1/integrations/sync", links).await.is(201);
    let assigned = json!({ "integration": "sync", "deployed": true, "assign": { "main": "prod" } });
    operator.put("/v1/environments/live", assigned).await.is(201);
    operator.put("/v1/callers/runtime-eu", json!({ "connections": ["prod"] })).await.is(201);
    let shell = Shell::of(&process);
    (process, shell)
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).expect("an export is YAML")
}

#[tokio::test]
async fn an_export_names_settings_for_credentials_and_says_nothing_of_this_deployment() {
    let database = Database::sqlite();
    let (_process, shell) = filled(&database, "https://desk.example.com").await;
    let export = shell.done("attache export").await;
    assert!(
        !export.out.contains("s3cret") && !export.out.contains("fingerprint"),
        "{}",
        export.out
    );
    assert!(export.out.starts_with("# Written by `attache export`."), "{}", export.out);
    let all = yaml(&export.out);
    let sections: Vec<&String> = all.as_object().expect("it is a map").keys().collect();
    assert_eq!(sections, ["connectors", "connections", "integrations", "environments", "callers"]);
    assert_eq!(
        all["connectors"],
        json!({ "desk": {
            "base_url": "https://desk.example.com",
            "description": "costs $${money} and $$${more}",
            "variables": { "version": { "default": "v1", "pattern": "v[0-9]", "required": false } },
            "auth": {
                "token": {
                    "name": "Token", "description": "d $${x}",
                    "api_key": { "in": "header", "name": "X-Api-Key", "format": "{key}" },
                },
                "login": { "basic": {} },
                "hooks": { "hmac": { "preset": "github" } },
                "bearer": { "bearer": {} },
            },
            "endpoints": { "list": { "method": "GET", "path": "/tickets" } },
        } })
    );
    let credentials: Vec<_> = ["prod", "users", "hooks", "admin"]
        .iter()
        .map(|it| {
            (&all["connections"][it]["credentials"], &all["connections"][it]["test_credentials"])
        })
        .collect();
    assert_eq!(
        json!(credentials),
        json!([
            [{ "key": "${ATTACHE_PROD_KEY}" }, null],
            [null, {
                "username": "${ATTACHE_TEST__USERS__USERNAME}", "password": "${ATTACHE_TEST__USERS__PASSWORD}",
            }],
            [{ "secret": "${ATTACHE_HOOKS_SECRET}" }, null],
            // ATTACHE_ADMIN_TOKEN is attache's own.
            [{ "token": format!("${{ATTACHE_ADMIN_TOKEN__{}}}", digest("admin\0token")) }, null],
        ])
    );
    let prod = all["connections"]["prod"].as_object().expect("a connection is a map");
    for own in
        ["id", "version", "revision", "status", "auth_method", "created_at", "effective_base_url"]
    {
        assert!(!prod.contains_key(own), "{own}");
    }
    assert_eq!(all["callers"]["runtime-eu"]["key"], "${ATTACHE_CALLER__RUNTIME_EU__KEY}");
    assert_eq!(all["environments"]["live"]["assign"], json!({ "main": "prod" }));
    // The same again is the same text.
    assert_eq!(shell.done("attache export").await.out, export.out);
}

/// What a name ends with that would not be its field's alone.
fn digest(words: &str) -> String {
    let mut digest = hex::encode_upper(Sha256::digest(words));
    digest.truncate(12);
    digest
}

#[tokio::test]
async fn an_export_is_a_sound_configuration_and_serves_the_same_with_other_credentials() {
    let upstream = RawUpstream::start([Script::ok("tickets")]).await;
    let database = Database::sqlite();
    let (_process, shell) = filled(&database, &upstream.url()).await;
    shell.done("attache export -o out").await;
    let files = shell.done("ls out").await;
    assert_eq!(
        files.out,
        "callers.yaml\nconnections.yaml\nconnectors.yaml\nenvironments.yaml\nintegrations.yaml\n"
    );
    let refused = shell.run("attache config check out").await.is(2);
    refused.says(&["ATTACHE_PROD_KEY", "ATTACHE_HOOKS_SECRET", "connections.yaml"]);
    let names = r"grep -rhoE '[{]ATTACHE_[A-Z0-9_]+' out | tr -d '{' | sort -u";
    let set = format!("for it in $({names}); do export $it=another-value-of-16; done");
    shell.done(&format!("{set}; attache config check out")).await;
    shell.done(&format!("{set}; attache export | attache config check /dev/stdin")).await;

    // Elsewhere, with what is set there.
    let text = shell.done("cat out/*.yaml").await.out;
    let text = text
        .replace("${ATTACHE_PROD_KEY}", "of-elsewhere")
        .replace("${ATTACHE_CALLER__RUNTIME_EU__KEY}", "the-runtime-of-elsewhere");
    let settings = regex::Regex::new(r"\$\{ATTACHE_\w+\}").expect("it is a pattern");
    let text = settings.replace_all(&text, "any-other-value").into_owned() + OWN;
    let elsewhere = TempDir::new().expect("a folder for temporary files");
    let other = Process::serve(elsewhere, &text).await;
    let request = "GET /tickets HTTP/1.1\r\nHost: g\r\nAttache-Key: the-runtime-of-elsewhere\r\n\
        Attache-Environment: live\r\nAttache-Connector: main\r\n\r\n";
    let answer = raw_request(other.proxy, request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(upstream.request().await.field("x-api-key"), Some("of-elsewhere"));
}

#[tokio::test]
async fn a_connection_that_pins_what_its_method_was_says_so() {
    let database = Database::sqlite();
    let (process, shell) = filled(&database, "https://desk.example.com").await;
    let operator = Operator::at(process.admin);
    let changed = json!({ "api_key": { "in": "query", "name": "k" } });
    operator.put("/v1/connectors/desk/auth/token", changed).await.is(200);
    let all = yaml(&shell.done("attache export").await.out);
    assert_eq!(all["connectors"]["desk"]["auth"]["token"]["api_key"]["in"], "query");
    let pinned = &all["connections"]["prod"]["auth_method"];
    assert_eq!(
        *pinned,
        json!({ "name": "Token", "description": "d $${x}",
            "api_key": { "in": "header", "name": "X-Api-Key", "format": "{key}" } })
    );
    operator.post("/v1/connections/prod/repin", json!({})).await.is(200);
    let all = yaml(&shell.done("attache export").await.out);
    assert_eq!(all["connections"]["prod"]["auth_method"], Value::Null);
}

#[tokio::test]
async fn what_files_declare_and_whom_tenants_are_comes_when_it_is_asked_for() {
    let database = Database::sqlite();
    let (_process, shell) = filled(&database, "https://desk.example.com").await;
    let all = yaml(&shell.done("attache export --all").await.out);
    // As the file says it: a reference there is one here.
    assert_eq!(all["connectors"]["filed"]["base_url"], "https://${HOST:-filed.example.com}");
    assert_eq!(all["connections"]["filed"]["connector"], "filed");
    let shown = shell.done("attache connection get filed -o json").await.json();
    assert_eq!(shown["effective_base_url"], "https://${HOST:-filed.example.com}");
    // Which fields it has is known, and what stands in them is the file's.
    let credentials = json!({ "token": "${ATTACHE_FILED_TOKEN}" });
    assert_eq!(all["connections"]["filed"]["credentials"], credentials);
    let all = yaml(&shell.done("attache export --with-tenants").await.out);
    assert_eq!(all["tenants"], json!({ "acme ltd": { "name": "Acme" } }));
    let named = |field: &str| {
        let whole = format!("activation\0users\0acme ltd\0{}", field.to_lowercase());
        format!("${{ATTACHE_ACTIVATION__USERS__ACME_LTD__{field}__{}}}", digest(&whole))
    };
    assert_eq!(
        all["activations"],
        json!([{
            "enabled": true, "connection": "users", "tenant": "acme ltd",
            "credentials": {
                "username": named("USERNAME"),
                "password": named("PASSWORD"),
            },
        }])
    );
}

#[tokio::test]
async fn what_does_not_read_stops_an_export_rather_than_be_missing_from_it() {
    let database = Database::sqlite();
    let (_process, shell) = filled(&database, "https://desk.example.com").await;
    database.run("UPDATE connections SET definition = 'torn' WHERE key = 'prod'").await;
    let listed = shell.done("attache connection list").await;
    assert!(listed.err.contains("prod"), "{}", listed.err);
    let refused = shell.run("attache export -o out").await.is(1);
    refused.says(&["nothing is exported", "prod"]);
    assert!(!shell.folder.path().join("out").exists());
}
