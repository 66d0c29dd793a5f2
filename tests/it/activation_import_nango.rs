//! `attache activation import --from nango`: against a server that answers as its documentation shows.
use super::activation_import_files::beside;
use crate::support::Database;
use crate::support::NangoServer;
use serde_json::Value;
use serde_json::json;
use std::fs;

const KEY: &str = "canary-nango-key";

fn oauth(id: &str, number: usize) -> Value {
    json!({
        "id": number, "connection_id": id, "provider_config_key": "hubspot", "provider": "hubspot",
        "created_at": "2023-03-08T09:43:03.725Z", "metadata": {}, "errors": [], "tags": {},
        "end_user": { "id": format!("user-{number}"), "organization": { "id": "org" } },
        "connection_config": { "region": "eu", "oauth_scopes": "canary" },
        "credentials": {
            "type": "OAUTH2", "access_token": format!("canary-a{number}"), "refresh_token": format!("canary-r{number}"),
            "expires_at": "2999-03-08T09:43:03.725Z", "raw": { "scope": "x y", "access_token": "canary" },
        },
    })
}

fn others() -> Vec<Value> {
    let of = |id: &str, integration: &str, credentials: Value| {
        json!({
            "id": 1, "connection_id": id, "provider_config_key": integration, "end_user": null,
            "connection_config": {}, "credentials": credentials,
        })
    };
    vec![
        of("k/1", "sendgrid", json!({ "type": "API_KEY", "apiKey": "canary-k" })),
        of("b1", "jira", json!({ "type": "BASIC", "username": "u", "password": "canary-p" })),
        of("dead", "hubspot", Value::Null),
        of("broken", "hubspot", json!("broken")),
        of("left out", "other", json!({ "type": "API_KEY", "apiKey": "canary-k" })),
        of("lost", "gone", json!({ "type": "API_KEY", "apiKey": "canary-k" })),
    ]
}

const LINE: &str = "attache activation import --from nango --nango-key-file key --map hubspot=crm --map sendgrid=keys \
                    --map jira=logins --map gone=nothing -o json";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_connections_come_along_in_one_command() {
    for is_old in [false, true] {
        let mut all: Vec<Value> = (0..620).map(|it| oauth(&format!("c{it}"), it)).collect();
        all.extend(others());
        let nango = NangoServer::start(KEY, all, is_old).await;
        nango.is_busy_for(3);
        let database = Database::sqlite();
        let (_process, shell, operator) = beside(&database, "https://id.example").await;
        fs::write(shell.folder.path().join("key"), format!("{KEY}\n")).unwrap();
        let line = format!("{LINE} --nango-url {} --report", nango.url);
        let ran = shell.run(&format!("{line} report.csv")).await.is(1);
        let told: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!((&told["created"], &told["refused"]), (&json!(622), &json!(3)), "{}", ran.err);
        for path in ["crm/activations/c619", "keys/activations/k%2F1", "logins/activations/b1"] {
            operator.get(&format!("/v1/connections/{path}")).await.is(200);
        }
        let shown = operator.get("/v1/connections/crm/activations/c0").await.is(200);
        assert_eq!(shown.body["variables"], json!({ "region": "eu" }));
        assert_eq!(shown.body["grant"]["scopes"], json!(["x", "y"]));
        assert_eq!(shown.body["grant"]["state"], "active", "it has a refresh token");
        let report = fs::read_to_string(shell.folder.path().join("report.csv")).unwrap();
        let report = report.replace('"', "");
        assert!(
            report.contains("dead,crm,refused,,,") && report.contains("424 invalid_credentials"),
            "{report}"
        );
        assert!(
            report.contains("lost,nothing,refused,,,") && !report.contains("left out"),
            "{report}"
        );
        assert!(!format!("{}{}{report}", ran.out, ran.err).contains("canary"), "{}", ran.err);
        assert!(nango.most_at_once() <= 4, "{}", nango.most_at_once());
        assert!(report.contains("broken,crm,refused,,,row"), "{report}");
        // Three times it had no time; a page is empty behind the last.
        let pages = nango.asked().iter().filter(|it| it.starts_with("/connections?")).count();
        assert_eq!(pages, if is_old { 4 } else { 3 + 7 + 1 });

        // Those that are there are not asked for again: Nango would renew what attache has renewed.
        for existing in ["refuse", "skip"] {
            let before = nango.asked().len();
            let line = format!("{line} {existing}.csv --existing {existing}");
            let ran = shell.run(&line).await.is(1);
            let told: Value = serde_json::from_str(&ran.out).unwrap();
            let there = if existing == "skip" { "skipped" } else { "refused" };
            assert!(told[there].as_u64() >= Some(622), "{told}");
            let again = nango.asked().split_off(before);
            let details = again.iter().filter(|it| it.contains("refresh_token=true"));
            assert!(
                details.clone().all(|it| it.contains("/dead?") || it.contains("/broken?")),
                "{again:?}"
            );
            assert!(details.count() > 0);
        }
    }
}

#[tokio::test]
async fn tenants_are_called_as_was_chosen_and_a_wrong_key_ends_it() {
    let nango = NangoServer::start(KEY, vec![oauth("c1", 1)], false).await;
    let database = Database::sqlite();
    let (_process, shell, operator) = beside(&database, "https://id.example").await;
    fs::write(shell.folder.path().join("key"), KEY).unwrap();
    let line = format!("{LINE} --nango-url {}", nango.url);
    shell.run(&format!("{line} --tenant-from end_user")).await.is(0);
    operator.get("/v1/connections/crm/activations/user-1").await.is(200);
    shell.run(&format!("{line} --tenant-from organization --dry-run")).await.is(0);
    fs::write(shell.folder.path().join("key"), "another").unwrap();
    shell.run(&format!("{line} --connection crm")).await.is(2).says(&["cannot be used with"]);
    shell.run(&line).await.is(1).says(&["refuses: 401 unknown_account"]);
    shell.run(&line.replace("--nango-key-file key", "")).await.is(2).says(&["ATTACHE_NANGO_KEY"]);
}

#[tokio::test]
async fn a_server_that_gives_nothing_or_not_all_ends_it() {
    let broken = |it| json!({ "id": it, "connection_id": format!("b{it}"), "provider_config_key": "hubspot", "credentials": "broken" });
    let away = NangoServer::start(KEY, (0..25).map(broken).collect(), false).await;
    let many = NangoServer::start(KEY, (0..10_000).map(broken).collect(), true).await;
    let database = Database::sqlite();
    let (_process, shell, _) = beside(&database, "https://id.example").await;
    fs::write(shell.folder.path().join("key"), KEY).unwrap();
    for (nango, says) in [(away, "500 broken"), (many, "10000 connections")] {
        shell.run(&format!("{LINE} --nango-url {}", nango.url)).await.is(1).says(&[says]);
    }
}
