//! A sound catalogue, what is found in it, and how each fault of its parts is told.
use super::*;
use crate::catalog::Assignment;
use crate::catalog::Kind;
use crate::catalog::PathSegment;
use crate::catalog::Protocol;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use std::time::Duration;

fn good() -> Value {
    json!({
        "egress": { "allow": ["127.0.0.0/8"] },
        "upstream": { "timeouts": { "connect": "1s" } },
        "callers": { "runtime": { "key": "0123456789abcdef" } },
        "connectors": {
            "github": {
                "base_url": "https://api.github.com",
                "auth": { "token": { "bearer": {} }, "hooks": { "hmac": { "preset": "github" } } },
                "endpoints": { "list": { "method": "GET", "path": "/issues" } }
            },
            "zendesk": {
                "base_url": "https://{subdomain}.zendesk.com",
                "variables": { "subdomain": { "pattern": "[a-z0-9-]+", "required": true } },
                "auth": { "login": { "basic": {} } }
            }
        },
        "connections": {
            "github-prod": {
                "connector": "github", "auth": "token", "credentials": { "token": "t" }
            },
            "github-dev": {
                "connector": "github", "auth": "token", "credentials": { "token": "u" }
            },
            "zendesk-customers": { "connector": "zendesk", "auth": "login", "embedded": true }
        },
        "activations": [{
            "connection": "zendesk-customers", "tenant": "acme",
            "variables": { "subdomain": "acme" },
            "credentials": { "username": "u", "password": "p" }
        }],
        "integrations": {
            "sync": { "connectors": {
                "hub": { "connector": "github" }, "desk": { "connector": "zendesk" }
            } }
        },
        "environments": {
            "production": {
                "integration": "sync",
                "assign": { "hub": "github-prod", "desk": "zendesk-customers" }
            }
        }
    })
}

fn build(raw: Value) -> Result<Snapshot, Vec<Problem>> {
    Snapshot::build(serde_json::from_value(raw).unwrap(), &mut Vec::new())
}

/// The good catalogue with the value at a JSON pointer set.
fn with(pointer: &str, value: Value) -> Value {
    let mut raw = good();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    raw.pointer_mut(parent).unwrap()[name] = value;
    raw
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

#[test]
fn everything_is_found_by_its_key() {
    let snapshot = build(good()).unwrap();
    assert_eq!(
        snapshot.caller_key(&hash("0123456789abcdef")).unwrap().caller.key.as_str(),
        "runtime"
    );
    assert!(snapshot.caller_key(&hash("0123456789abcdeF")).is_none());
    let connection = snapshot.connection("zendesk-customers").unwrap();
    let Kind::Embedded { activations, .. } = &connection.kind else { panic!("it is embedded") };
    let base = activations["acme"].holder.base.as_ref().unwrap();
    assert_eq!(base.to_string(), "https://acme.zendesk.com");
    assert!(snapshot.connection("zendesk").is_none());
    assert!(snapshot.environment("staging").is_none());
    assert_eq!(snapshot.connections().len(), 3);
}

#[test]
fn a_caller_with_the_same_first_bytes_is_not_the_caller() {
    let snapshot = build(good()).unwrap();
    let mut near = hash("0123456789abcdef");
    near[31] ^= 1;
    assert!(snapshot.caller_key(&near).is_none());
}

#[test]
fn an_assignment_is_found_by_alias_first_and_by_connector_second() {
    let assigned = |raw: Value, connector: &str| {
        let snapshot = build(raw).unwrap();
        let environment = snapshot.environment("production").unwrap();
        environment.assignment(connector).map(|it: &Assignment| it.connection.key.to_string())
    };
    assert_eq!(assigned(good(), "hub").as_deref(), Some("github-prod"));
    assert_eq!(assigned(good(), "github").as_deref(), Some("github-prod"));
    assert_eq!(assigned(good(), "slack"), None);

    let two_links = |second: &str| {
        let mut raw =
            with("/integrations/sync/connectors/github-two", json!({ "connector": "github" }));
        raw["environments"]["production"]["assign"]["github-two"] = json!(second);
        raw
    };
    assert_eq!(assigned(two_links("github-prod"), "github").as_deref(), Some("github-prod"));
    assert_eq!(assigned(two_links("github-dev"), "github"), None, "two that differ");
    assert_eq!(assigned(two_links("github-dev"), "github-two").as_deref(), Some("github-dev"));

    // An alias wins over a connector of the same key.
    let mut raw = with("/integrations/sync/connectors/github", json!({ "connector": "zendesk" }));
    raw["environments"]["production"]["assign"]["github"] = json!("zendesk-customers");
    assert_eq!(assigned(raw, "github").as_deref(), Some("zendesk-customers"));
}

#[test]
fn settings_are_inherited_and_shared_where_nothing_is_said() {
    let snapshot = build(good()).unwrap();
    let upstream = |key: &str| Arc::clone(&snapshot.connection(key).unwrap().upstream);
    assert!(Arc::ptr_eq(&upstream("github-prod"), &upstream("zendesk-customers")));
    assert_eq!(upstream("github-prod").timeouts.connect, Duration::from_secs(1));
    assert_eq!(upstream("github-prod").timeouts.tls, Duration::from_secs(5));
    assert_eq!(upstream("github-prod").egress_allow.len(), 1);
    let method = |key: &str| Arc::clone(&snapshot.connection(key).unwrap().method);
    assert!(Arc::ptr_eq(&method("github-prod"), &method("github-dev")));
}

#[test]
fn links_are_told_apart_by_what_they_are_made_with() {
    let upstream = |pointer: &str, value: Value| {
        let snapshot = build(with(pointer, value)).unwrap();
        Arc::clone(&snapshot.connection("github-prod").unwrap().upstream)
    };
    let plain = upstream("/connections/github-prod/name", json!("x"));
    let own = "/connections/github-prod/upstream";
    let slower = upstream(own, json!({ "timeouts": { "total": "1h" } }));
    assert_eq!(
        (slower.identity, slower.timeouts.total),
        (plain.identity, Some(Duration::from_secs(3600)))
    );
    let other = upstream(own, json!({ "http": "2" }));
    assert_eq!(other.protocol, Protocol::Http2);
    assert_ne!(other.identity, plain.identity);
    let allow = "/connections/github-prod/egress";
    let wider = upstream(allow, json!({ "allow": ["10.0.0.0/8"] }));
    assert_ne!(wider.identity, plain.identity);
    assert_eq!(wider.egress_allow.len(), 2);
    let same = upstream(allow, json!({ "allow": ["127.0.0.1/8"] }));
    assert_eq!(same.identity, plain.identity, "the same networks, however written");
    let connector = upstream("/connectors/github/upstream", json!({ "http": "2" }));
    assert_eq!(connector.identity, other.identity);
}

#[test]
fn a_caller_may_use_what_its_lists_say() {
    let grants = json!({
        "key": "fedcba9876543210", "connections": ["github-*"], "tenants": ["acme"],
        "methods": ["GET"], "paths": ["/repos/*", "/"], "environments": []
    });
    let snapshot = build(with("/callers/limited", grants)).unwrap();
    let caller = &snapshot.caller_key(&hash("fedcba9876543210")).unwrap().caller;
    let connection = |key| snapshot.connection(key).unwrap();
    assert!(
        caller.may_use_connection(connection("github-prod"))
            && !caller.may_use_connection(connection("zendesk-customers"))
    );
    assert!(caller.may_use_tenant("acme") && !caller.may_use_tenant("ACME"));
    assert!(caller.may_use_method("GET") && !caller.may_use_method("get"));
    assert!(!caller.may_use_environment("production"));
    for (path, allowed) in [("/repos/x", true), ("/", true), ("", true), ("/repos", false)] {
        assert_eq!(caller.may_use_path(path), allowed, "{path:?}");
    }
}

#[test]
fn each_fault_is_told_once_at_its_place() {
    let prod = "/connections/github-prod";
    let pem = "-----BEGIN CERTIFICATE-----\nnonsense";
    let cases = [
        (format!("{prod}/connector"), json!("gitlab"), "", "there is no connector `gitlab`"),
        (
            format!("{prod}/auth"),
            json!("login"),
            "",
            "the connector `github` has no auth method `login`",
        ),
        (
            format!("{prod}/allowed_origins"),
            json!(["https://a", "https://a/b"]),
            "/1",
            "the origin has a path where only an origin is due",
        ),
        (
            format!("{prod}/test_credentials"),
            json!({ "token": "t" }),
            "",
            "only an embedded connection has test credentials",
        ),
        (
            format!("{prod}/base_url"),
            json!("https://u:p@a"),
            "",
            "the base URL has a user name or password in it",
        ),
        (
            format!("{prod}/egress"),
            json!({ "allow": ["localhost"] }),
            "/allow/0",
            "`localhost` is not a network or an address",
        ),
        (
            format!("{prod}/upstream"),
            json!({ "ca": pem }),
            "/ca",
            "there is no readable certificate in it",
        ),
        ("/upstream/timeouts".into(), json!({ "idle": "0s" }), "/idle", "no time at all"),
        ("/upstream/retries".into(), json!({ "attempts": 11 }), "/attempts", "more than 10"),
        (
            "/upstream/retries".into(),
            json!({ "budget_percent": 101 }),
            "/budget_percent",
            "more than 100",
        ),
        ("/upstream/retries".into(), json!({ "base": "0s" }), "/base", "no time at all"),
        (
            "/upstream/retries".into(),
            json!({ "base": "6s" }),
            "/base",
            "the longest wait (5s) is shorter than the first (6s)",
        ),
        (
            format!("{prod}/upstream"),
            json!({ "retries": { "cap": "50ms" } }),
            "/retries/cap",
            "the longest wait (50ms) is shorter than the first (100ms)",
        ),
        (
            "/egress/allow".into(),
            json!(["10.0.0.0/33"]),
            "/0",
            "`10.0.0.0/33` is not a network or an address",
        ),
        (
            "/callers/other".into(),
            json!({ "key": "0123456789abcdef" }),
            "/key",
            "the caller `runtime` has the same key",
        ),
        (
            "/activations/1".into(),
            good()["activations"][0].clone(),
            "/tenant",
            "the tenant is activated twice here: also by activations[0]",
        ),
        (
            "/environments/production/integration".into(),
            json!("other"),
            "",
            "there is no integration `other`",
        ),
        (
            "/integrations/sync/connectors/hub".into(),
            json!({ "connector": "gitlab" }),
            "/connector",
            "there is no connector `gitlab`",
        ),
        (
            "/integrations/sync/connectors/hub".into(),
            json!({ "connector": "github", "endpoints": { "only": ["list", "gone"] } }),
            "/endpoints/only/1",
            "the connector `github` has no endpoint `gone`",
        ),
        (
            "/connectors/github/endpoints/twin".into(),
            json!({ "method": "GET", "path": "/issues" }),
            "/path",
            "the endpoint `list` has the same method and path",
        ),
        (
            "/integrations/sync/connectors/hub".into(),
            json!({ "connector": "github", "base_url": "https://evil.example" }),
            "@/environments/production/assign/hub",
            "the link goes to https://evil.example, which the connection does not allow",
        ),
    ];
    for (pointer, value, below, message) in cases {
        let mut raw = good();
        if pointer == "/activations/1" {
            raw["activations"].as_array_mut().unwrap().push(value);
        } else {
            raw = with(&pointer, value);
        }
        let step = |it: &PathSegment| match it {
            PathSegment::Key(key) => format!("/{key}"),
            PathSegment::Index(index) => format!("/{index}"),
        };
        let problems = build(raw).map(|_| ()).unwrap_err();
        let place = below.strip_prefix('@').map_or(format!("{pointer}{below}"), str::to_owned);
        let told: Vec<(String, &str)> =
            problems.iter().map(|it| (it.path.iter().map(step).collect(), &*it.problem)).collect();
        assert_eq!(told, [(place, message)], "{pointer}");
    }
}
