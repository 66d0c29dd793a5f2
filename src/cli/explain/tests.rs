//! What `explain` prints, whole, and that it prints no secret.
use super::*;
use clap::Parser;
use serde_json::Value;
use serde_json::json;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    explain: Explain,
}

fn snapshot() -> Snapshot {
    let raw: Value = json!({
        "callers": { "reader": { "key": "0123456789abcdef", "methods": ["GET"] } },
        "connectors": {
            "github": {
                "base_url": "https://api.github.example/v3",
                "auth": {
                    "token": { "bearer": {} },
                    "query": { "api_key": { "in": "query", "name": "api_key" } },
                    "session": { "api_key": { "in": "cookie", "name": "sid" } }
                }
            }
        },
        "connections": {
            "github-prod": { "connector": "github", "auth": "token", "credentials": { "token": "s3cr3t-token" } },
            "github-query": { "connector": "github", "auth": "query", "credentials": { "key": "s3cr3t/qu ery" } },
            "github-tenants": { "connector": "github", "auth": "session", "embedded": true }
        },
        "activations": [
            { "connection": "github-tenants", "tenant": "acme, inc", "credentials": { "key": "s3cr3t-cookie" } }
        ]
    });
    Snapshot::build(serde_json::from_value(raw).unwrap(), &mut Vec::new()).unwrap()
}

fn told(line: &[&str]) -> String {
    let line = ["explain", "--config", "x"].iter().chain(line);
    let explain = Line::try_parse_from(line).unwrap_or_else(|it| panic!("{it}")).explain;
    let told = explain.tell(&snapshot()).unwrap();
    let text =
        told.unwrap_or_else(|(code, why)| format!("{} {}: {why}\n", code.status(), code.as_str()));
    assert!(!text.contains("s3cr3t"), "{text}");
    text
}

#[test]
fn a_tagged_request_in_words() {
    insta::assert_snapshot!(told(&[
        "--connection",
        "github-prod",
        "--tenant",
        "acme",
        "-H",
        "Accept: application/json",
        "-H",
        "authorization: mine",
        "-H",
        "X-Forwarded-For: 10.0.0.1",
        "-H",
        "Connection: close, x-hop",
        "-H",
        "x-hop: 1",
        "-H",
        "attache-ignore-headers: user-agent",
        "-H",
        "user-agent: sdk",
        "-H",
        "Attache-Timeout: 5s",
        "GET",
        "/repos/a%2Fb?page=2",
    ]));
}

#[test]
fn a_path_tag_and_a_query_credential_in_words() {
    insta::assert_snapshot!(told(&["DELETE", "/c/github-query/repos?API_KEY=mine&page=2"]));
}

#[test]
fn a_tenants_cookie_in_words() {
    insta::assert_snapshot!(told(&[
        "--connection",
        "github-tenants",
        "--tenant",
        "acme, inc",
        "-H",
        "cookie: theme=dark; sid=mine",
        "GET",
        "/",
    ]));
}

#[test]
fn a_refusal_says_its_code_and_why() {
    for (line, says) in [
        (&["GET", "/x"][..], "400 untagged: name a connection"),
        (&["--connection", "github-none", "GET", "/x"], "404 connection_not_found: no connection"),
        (&["--connection", "github-prod", "GET", "/../x"], "400 path_escapes_base: the path"),
        (
            &["--connection", "github-prod", "TRACE", "/x"],
            "405 method_not_allowed: the method TRACE",
        ),
        (&["--connection", "github-tenants", "GET", "/x"], "400 tenant_required: this connection"),
        (
            &["--connection", "github-prod", "--caller", "reader", "POST", "/x"],
            "403 caller_forbidden: this caller may not use this method",
        ),
    ] {
        let told = told(line);
        assert!(told.starts_with(says), "{line:?}: {told}");
    }
}

#[test]
fn a_wrong_question_is_told_as_such() {
    let parsed = |line: &[&str]| {
        let line = ["explain", "--config", "x"].iter().chain(line);
        Line::try_parse_from(line).map(|it| it.explain)
    };
    assert!(parsed(&["--environment", "prod", "GET", "/"]).is_err());
    assert!(
        parsed(&["--connection", "a", "--environment", "b", "--connector", "c", "GET", "/"])
            .is_err()
    );
    assert!(parsed(&["-H", "no colon", "GET", "/"]).is_err());
    assert!(parsed(&["GET", "/a b"]).is_err());
    let unknown = parsed(&["--caller", "nobody", "GET", "/"]).unwrap();
    assert_eq!(unknown.tell(&snapshot()).unwrap_err(), "there is no caller `nobody`");
}
