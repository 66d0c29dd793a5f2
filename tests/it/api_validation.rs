//! What the admin API refuses, with a pointer to each thing that is wrong; and who may ask what.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::Operator;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;

async fn furnished(gateway: &Gateway) -> Operator {
    let operator = gateway.operator();
    let api = json!({
        "base_url": "https://{area}.example.com",
        "variables": { "area": { "pattern": "[a-z]+" } },
        "auth": { "token": { "bearer": {} }, "hook": { "hmac": { "preset": "github" } } },
    });
    operator.put("/v1/connectors/api", api).await.is(201);
    let main = json!({
        "connector": "api", "auth": "token", "variables": { "area": "eu" }, "credentials": { "token": "s3cret-1" },
    });
    operator.put("/v1/connections/main", main).await.is(201);
    operator
        .put(
            "/v1/connections/many",
            json!({ "connector": "api", "auth": "token", "embedded": true }),
        )
        .await
        .is(201);
    operator
        .put("/v1/integrations/sync", json!({ "connectors": { "a": { "connector": "api" } } }))
        .await
        .is(201);
    operator
}

#[tokio::test]
async fn each_mistake_has_its_pointer() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "egress: {}\n");
    let operator = furnished(&gateway).await;
    let token = json!({ "token": "x" });
    for (path, body, pointers) in [
        ("/v1/connectors/x", json!({ "base_ur": "https://a.example" }), &["/base_ur"][..]),
        ("/v1/connectors/x", json!({ "base_url": "ftp://a.example" }), &["/base_url"]),
        ("/v1/connectors/x", json!({ "base_url": 5 }), &["/base_url"]),
        ("/v1/connectors/x", json!({ "key": "y" }), &["/key"]),
        ("/v1/connectors/x", json!({ "from": "no-such-api" }), &["/from"]),
        ("/v1/connectors/x", json!({ "docs": "javascript:alert(1)" }), &["/docs"]),
        (
            "/v1/connectors/x",
            json!({ "auth": { "m": { "bearer": {}, "fields": { "key": {} } } } }),
            &["/auth/m/fields/key"],
        ),
        ("/v1/connectors/x", json!([]), &[""]),
        ("/v1/connectors/x", json!({ "name": "a\0b" }), &["/name"]),
        ("/v1/connectors/x", json!({ "auth": { "m": {} } }), &["/auth/m"]),
        ("/v1/connectors/x", json!({ "auth": { "M/1": { "none": {} } } }), &["/auth/M~11"]),
        ("/v1/connectors/x", json!({ "auth": { "m": { "none": {}, "basic": {} } } }), &["/auth/m"]),
        (
            "/v1/connectors/x",
            json!({ "auth": { "m": { "oauth2": {} } } }),
            &["/auth/m/oauth2/grant"],
        ),
        (
            "/v1/connectors/x",
            json!({ "variables": { "a": { "pattern": "(" } } }),
            &["/variables/a/pattern"],
        ),
        (
            "/v1/connectors/x",
            json!({ "upstream": { "timeouts": { "idle": "soon" } } }),
            &["/upstream/timeouts/idle"],
        ),
        ("/v1/connectors/x", json!({ "egress": { "allow": ["here"] } }), &["/egress/allow/0"]),
        (
            "/v1/connectors/x",
            json!({ "endpoints": { "a": { "method": "GET" }, "b": { "method": "GET", "path": "/", "pth": 1 } } }),
            &["/endpoints/a", "/endpoints/b/pth"],
        ),
        (
            "/v1/connectors/x",
            json!({ "endpoints": {
                "a": { "method": "get", "path": "a" }, "A": { "method": "GET", "path": "/" },
                "b": { "method": "GET", "path": "/{x}" }, "c": { "method": "GET", "path": "/{y}" },
            } }),
            &["/endpoints/a/method", "/endpoints/a/path", "/endpoints/A", "/endpoints/c/path"],
        ),
        ("/v1/connectors/api/auth/m", json!({ "api_key": { "in": "body" } }), &["/api_key/in"]),
        ("/v1/connections/x", json!({}), &[""]),
        ("/v1/connections/x", json!({ "connector": "none", "auth": "token" }), &["/connector"]),
        ("/v1/connections/x", json!({ "connector": "api", "auth": "none" }), &["/auth"]),
        (
            "/v1/connections/x",
            json!({ "connector": "api", "auth": "token" }),
            &["/credentials/token"],
        ),
        (
            "/v1/connections/x",
            json!({ "connector": "api", "auth": "token", "credentials": { "token": 5 } }),
            &["/credentials/token"],
        ),
        (
            "/v1/connections/x",
            json!({ "connector": "api", "auth": "token", "credentials": { "tokn": "x" } }),
            &["/credentials/token", "/credentials/tokn"],
        ),
        (
            "/v1/connections/x",
            json!({ "connector": "api", "auth": "token", "credentials": token, "variables": { "area": "E" } }),
            &["/variables/area"],
        ),
        (
            "/v1/connections/x",
            json!({ "connector": "api", "auth": "token", "credentials": token, "allowed_origins": ["x"] }),
            &["/allowed_origins/0"],
        ),
        (
            "/v1/connections/x",
            json!({ "connector": "api", "auth": "token", "embedded": true, "credentials": token }),
            &["/credentials"],
        ),
        (
            "/v1/connections/x",
            json!({ "connector": "api", "auth": "token", "credentials": token, "test_credentials": token }),
            &["/test_credentials"],
        ),
        (
            "/v1/connections/x",
            json!({ "connector": "api", "auth": "hook", "credentials": { "secret": "s3cret" } }),
            &[""],
        ),
        ("/v1/connections/main/credentials", json!({ "tokn": "x" }), &["/token", "/tokn"]),
        ("/v1/connections/many/activations/t", json!({}), &["/credentials/token"]),
        (
            "/v1/connections/many/activations/t",
            json!({ "credentials": token, "variables": { "area": "1" } }),
            &["/variables/area"],
        ),
        ("/v1/connections/many/activations/t", json!({ "credential": token }), &["/credential"]),
        ("/v1/connections/main/activations/t", json!({ "credentials": token }), &[""]),
        (
            "/v1/integrations/x",
            json!({ "connectors": { "a": { "connector": "none" } } }),
            &["/connectors/a/connector"],
        ),
        (
            "/v1/integrations/x",
            json!({ "connectors": { "a": { "connector": "api", "endpoints": {
                "only": ["gone"], "except": ["gone"], "override": { "gone/1": {} },
            } } } }),
            &[
                "/connectors/a/endpoints/only/0",
                "/connectors/a/endpoints/except",
                "/connectors/a/endpoints/override/gone~11",
            ],
        ),
        ("/v1/environments/x", json!({ "integration": "none" }), &["/integration"]),
        (
            "/v1/environments/x",
            json!({ "integration": "sync", "assign": { "b": "main" } }),
            &["/assign/b"],
        ),
        (
            "/v1/environments/x",
            json!({ "integration": "sync", "assign": { "a": "none" } }),
            &["/assign/a"],
        ),
        ("/v1/callers/x", json!({ "methods": ["get"] }), &["/methods/0"]),
        ("/v1/callers/x", json!({ "caller_key": "own", "expires_at": "soon" }), &["/expires_at"]),
        ("/v1/tenants/x", json!({ "metadata": { "a": 1 } }), &["/metadata/a"]),
    ] {
        let refused = operator.put(path, body.clone()).await.problem("invalid");
        let found: BTreeSet<_> = refused.pointers().into_iter().collect();
        let expected: BTreeSet<_> = pointers.iter().copied().collect();
        assert_eq!((refused.status, &found), (422, &expected), "{path} {body}: {}", refused.body);
    }
    // In a list, the key is checked; the rest alike.
    for key in ["A", "-a", "", "a/b"] {
        let refused =
            operator.post("/v1/connectors", json!({ "key": key })).await.problem("invalid");
        assert_eq!(refused.pointers(), ["/key"], "{key}");
    }
    assert_eq!(
        operator.post("/v1/connectors", json!({})).await.problem("invalid").pointers(),
        [""]
    );
    assert_eq!(operator.get("/v1/connectors").await.keys(), ["api"], "nothing of it was kept");
}

#[tokio::test]
async fn ss_01_a_base_url_of_a_place_inside_is_refused_when_it_is_saved() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "egress: { allow: [10.1.0.0/16] }\n");
    let operator = furnished(&gateway).await;
    for host in [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001:0::1]",
        "[ff02::1]",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
    ] {
        let base_url = format!("http://{host}/");
        let body = json!({ "base_url": base_url });
        let refused = operator.put("/v1/connectors/inside", body).await;
        assert_eq!(refused.problem("invalid").pointers(), ["/base_url"], "{host}");
        let body = json!({
            "connector": "api", "auth": "token", "base_url": base_url, "credentials": { "token": "x" },
        });
        let refused = operator.put("/v1/connections/inside", body).await;
        assert_eq!(refused.problem("invalid").pointers(), ["/base_url"], "{host}");
        let token_url = format!("http://{host}/token");
        let method = json!({ "oauth2": { "grant": "client_credentials", "token_url": token_url } });
        let body = json!({ "base_url": "https://api.example.com", "auth": { "m": method } });
        let refused = operator.put("/v1/connectors/inside", body).await;
        assert_eq!(refused.problem("invalid").pointers(), ["/auth/m/oauth2/token_url"], "{host}");
    }
    for host in ["127.0.0.1", "[::1]", "169.254.169.254"] {
        let linked = |host: &str| {
            let links =
                json!({ "a": { "connector": "api", "base_url": format!("http://{host}/") } });
            json!({ "connectors": links })
        };
        let refused = operator.put("/v1/integrations/inside", linked(host)).await;
        assert_eq!(refused.problem("invalid").pointers(), ["/connectors/a/base_url"], "{host}");
    }
    // What is allowed is allowed: for all, or for the one that says so.
    operator.put("/v1/connectors/near", json!({ "base_url": "http://10.1.2.3/" })).await.is(201);
    let own = json!({ "base_url": "http://10.2.0.1/", "egress": { "allow": ["10.2.0.0/16"] } });
    operator.put("/v1/connectors/own", own).await.is(201);
    let links = json!({ "a": { "connector": "own", "base_url": "http://10.2.0.9/" } });
    operator.put("/v1/integrations/own", json!({ "connectors": links })).await.is(201);
}

#[tokio::test]
async fn without_a_store_files_are_shown_and_nothing_is_written() {
    let gateway = Gateway::start("connectors: { api: { base_url: https://api.example.com } }\n");
    let operator = gateway.operator();
    assert_eq!(operator.get("/v1/connectors").await.is(200).keys(), ["api"]);
    assert_eq!(
        operator.get("/v1/tenants").await.is(200).body,
        json!({ "items": [], "next": null })
    );
    operator.get("/v1/connectors/api").await.is(200);
    operator.get("/v1/connectors/none").await.problem("not_found");
    operator.put("/v1/tenants/a", json!({})).await.problem("no_store");
    operator.post("/v1/connectors", json!({ "key": "b" })).await.problem("no_store");
    operator.delete("/v1/connectors/b").await.problem("no_store");
    assert_eq!(operator.get("/v1/whoami").await.is(200).body["store"], false);
}

/// Every operation of the OpenAPI document, with its parameters filled in.
fn operations(document: &Value, tenant: &str) -> Vec<(String, String)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("it has paths") {
        let mut filled = path.clone();
        for (name, value) in [
            ("api", "stripe"),
            ("connector", "api"),
            ("method", "token"),
            ("connection", "many"),
            ("integration", "sync"),
            ("environment", "dev"),
            ("tenant", tenant),
            ("caller", "scoped"),
            ("prefix", "atc_none"),
            ("token", "viewer"),
        ] {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        for method in ["get", "put", "post", "patch", "delete"] {
            if item.get(method).is_some() {
                operations.push((method.to_uppercase(), filled.clone()));
            }
        }
    }
    assert!(operations.len() > 50, "{operations:?}");
    operations
}

#[tokio::test]
async fn tn_04_no_route_shows_one_tenant_s_things_under_another_s_and_none_shows_a_secret() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "egress: {}\n");
    let operator = furnished(&gateway).await;
    operator
        .put("/v1/environments/dev", json!({ "integration": "sync", "assign": { "a": "many" } }))
        .await
        .is(201);
    // Names that trimming, case folding or joining would make one.
    let tenants = ["acme", "acme%20", "ACME", "acme%2Fmany", "caf%C3%A9", "cafe%CC%81"];
    for (number, tenant) in tenants.iter().enumerate() {
        let own = format!("own{}", "abcdef".chars().nth(number).unwrap());
        let body = json!({ "variables": { "area": own }, "credentials": { "token": format!("s3cret-{own}") } });
        operator.put(&format!("/v1/connections/many/activations/{tenant}"), body).await.is(201);
        operator.put(&format!("/v1/tenants/{tenant}"), json!({ "description": own })).await.is(201);
    }
    let scoped = json!({ "key": "scoped", "tenants": ["acme"], "tenant_scoped": true });
    let caller_key =
        operator.post("/v1/callers", scoped).await.is(201).text("caller_key").to_owned();
    let token =
        operator.post("/v1/tokens", json!({ "key": "viewer", "role": "viewer" })).await.is(201);
    let viewer = operator.with_token(token.text("token"));
    let of_caller = operator.with_token(&caller_key);
    let document = operator.get("/openapi.json").await.is(200).body;
    for (number, tenant) in tenants.iter().enumerate() {
        for (method, path) in operations(&document, tenant) {
            let fields = if method == "GET" { None } else { Some(json!({})) };
            let reply = viewer.send(&method, &path, "", fields).await;
            let text = reply.response.text();
            assert!(
                !text.contains("s3cret") && !text.contains(&caller_key),
                "{method} {path}: {text}"
            );
            // A check of the trail changes nothing either.
            if method == "GET" || path == "/v1/audit/verify" {
                assert!(reply.status < 500, "{method} {path}: {text}");
            } else {
                reply.problem("operator_forbidden");
            }
            if path.contains(&format!("/{tenant}")) {
                for (other, _) in tenants.iter().enumerate().filter(|it| it.0 != number) {
                    let own = format!("own{}", "abcdef".chars().nth(other).unwrap());
                    assert!(!text.contains(&own), "{method} {path} shows {own}: {text}");
                }
            }
        }
    }
    // Each is still as it was: nobody's write reached another's.
    for (number, tenant) in tenants.iter().enumerate() {
        let own = format!("own{}", "abcdef".chars().nth(number).unwrap());
        let read =
            operator.get(&format!("/v1/connections/many/activations/{tenant}")).await.is(200);
        assert_eq!(read.body["variables"]["area"], own.as_str(), "{tenant}");
    }
    // A tenant's caller is nobody here, whatever it asks for; after ten times it is not even heard.
    for (method, path) in operations(&document, "acme") {
        let reply = of_caller.send(&method, &path, "", None).await;
        assert!(matches!(reply.status, 401 | 429), "{method} {path}: {}", reply.body);
    }
}
