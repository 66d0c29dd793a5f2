//! The catalogue that comes with attache: listed and taken by API and by file, and requests through
//! what was taken arrive as the vendors' documentation has them.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;

/// A connection to an API of the catalogue, and what its upstream sees.
struct Case {
    api: &'static str,
    method: &'static str,
    /// As they are written in a file.
    credentials: &'static str,
    variables: &'static str,
    fields: &'static [(&'static str, &'static str)],
    query: &'static str,
}

const BEARER: Case = Case {
    api: "stripe",
    method: "key",
    credentials: "token: sk_test_1",
    variables: "",
    fields: &[("authorization", "Bearer sk_test_1")],
    query: "",
};

/// Values of Basic from `printf user:password | base64`.
const CASES: &[Case] = &[
    BEARER,
    Case {
        method: "key-as-user",
        credentials: "username: sk_test_1, password: ''",
        fields: &[("authorization", "Basic c2tfdGVzdF8xOg==")],
        ..BEARER
    },
    Case {
        api: "freshdesk",
        credentials: "username: k1, password: X",
        variables: "domain: acme",
        fields: &[("authorization", "Basic azE6WA==")],
        ..BEARER
    },
    Case {
        api: "azure-devops",
        method: "token",
        credentials: "username: '', password: p1",
        variables: "organization: acme",
        fields: &[("authorization", "Basic OnAx")],
        ..BEARER
    },
    Case {
        api: "gitlab",
        method: "token",
        credentials: "key: glpat-1",
        fields: &[("private-token", "glpat-1"), ("authorization", "")],
        ..BEARER
    },
    Case {
        api: "openweather",
        credentials: "key: k1",
        fields: &[("authorization", "")],
        query: "appid=k1",
        ..BEARER
    },
    Case {
        api: "trello",
        credentials: "key: k1, token: t1",
        fields: &[("authorization", "")],
        query: "key=k1&token=t1",
        ..BEARER
    },
    Case {
        api: "woocommerce",
        method: "key-in-query",
        credentials: "consumer_key: ck_1, consumer_secret: cs_1",
        variables: "host: shop.example.com",
        fields: &[("authorization", "")],
        query: "consumer_key=ck_1&consumer_secret=cs_1",
    },
    Case {
        api: "datadog",
        method: "keys",
        credentials: "api_key: a1, application_key: b2",
        fields: &[("dd-api-key", "a1"), ("dd-application-key", "b2")],
        ..BEARER
    },
    Case {
        api: "copper",
        credentials: "key: k1, email: ada@example.com",
        fields: &[
            ("x-pw-accesstoken", "k1"),
            ("x-pw-useremail", "ada@example.com"),
            ("x-pw-application", "developer_api"),
        ],
        ..BEARER
    },
    Case {
        api: "pagerduty",
        method: "token",
        credentials: "key: k1",
        fields: &[("authorization", "Token token=k1")],
        ..BEARER
    },
    Case {
        api: "opsgenie",
        credentials: "key: k1",
        fields: &[("authorization", "GenieKey k1")],
        ..BEARER
    },
    Case {
        api: "deepl",
        credentials: "key: k1",
        fields: &[("authorization", "DeepL-Auth-Key k1")],
        ..BEARER
    },
    Case {
        api: "okta",
        method: "token",
        credentials: "key: k1",
        variables: "org: acme.okta.com",
        fields: &[("authorization", "SSWS k1")],
        ..BEARER
    },
    Case {
        api: "linear",
        credentials: "key: lin_api_1",
        fields: &[("authorization", "lin_api_1")],
        ..BEARER
    },
    Case {
        api: "planetscale",
        method: "service-token",
        credentials: "id: i1, token: t1",
        fields: &[("authorization", "i1:t1")],
        ..BEARER
    },
    Case {
        api: "gocardless",
        method: "token",
        credentials: "token: t1",
        fields: &[("authorization", "Bearer t1"), ("gocardless-version", "2015-07-06")],
        ..BEARER
    },
    Case {
        api: "notion",
        method: "secret-with-version",
        credentials: "token: t1, version: '2022-06-28'",
        fields: &[("authorization", "Bearer t1"), ("notion-version", "2022-06-28")],
        ..BEARER
    },
    Case {
        api: "couchdb",
        method: "session",
        credentials: "key: s1",
        variables: "host: db.example.com",
        fields: &[("cookie", "AuthSession=s1; a=1"), ("authorization", "")],
        ..BEARER
    },
    Case {
        api: "proxmox-ve",
        method: "ticket-for-writes",
        credentials: "ticket: t1, csrf: c1",
        variables: "host: pve.example.com",
        fields: &[("cookie", "PVEAuthCookie=t1; a=1"), ("csrfpreventiontoken", "c1")],
        ..BEARER
    },
];

#[tokio::test]
async fn a_request_arrives_with_exactly_what_the_vendor_documents() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let url = upstream.url();
    let (mut connectors, mut connections) = (String::new(), String::new());
    for (index, case) in CASES.iter().enumerate() {
        let Case { api, method, credentials, variables, .. } = case;
        connectors += &format!("  a{index}: {{ from: {api} }}\n");
        connections += &format!(
            "  c{index}: {{ connector: a{index}, auth: {method}, base_url: \"{url}/base\", \
             variables: {{ {variables} }}, credentials: {{ {credentials} }} }}\n"
        );
    }
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}\nconnectors:\n{connectors}connections:\n{connections}"
    ));
    for (index, case) in CASES.iter().enumerate() {
        let tags =
            format!("Attache-Connection: c{index}\r\nCookie: a=1\r\nGoCardless-Version: 1\r\n");
        let answer = gateway.get("/things?a=1", &tags).await;
        assert_eq!(answer.status, 200, "{} {}: {answer:?}", case.api, case.method);
        let received = upstream.request().await;
        for (field, value) in case.fields {
            let expected: &[&str] = if value.is_empty() { &[] } else { &[value] };
            assert_eq!(received.head.all(field), expected, "{} {}", case.api, case.method);
        }
        let separator = if case.query.is_empty() { "" } else { "&" };
        let line = format!("GET /base/things?a=1{separator}{} HTTP/1.1", case.query);
        assert_eq!(received.line(), line, "{} {}", case.api, case.method);
    }
}

#[tokio::test]
async fn the_catalogue_is_listed_searched_and_shown() {
    let gateway = Gateway::start("egress: {}\n");
    let operator = gateway.operator();
    let (mut keys, mut path) = (Vec::new(), "/v1/catalogue?limit=50".to_owned());
    loop {
        let page = operator.get(&path).await.is(200);
        keys.extend(page.keys().iter().map(|it| (*it).to_owned()));
        let Some(next) = page.body["next"].as_str() else { break };
        path = format!("/v1/catalogue?limit=50&cursor={next}");
    }
    let shipped: Vec<&str> = attache::catalog::shipped_connectors().map(|it| it.0).collect();
    assert_eq!(keys, shipped, "each once, in the order of keys");

    let found = operator.get("/v1/catalogue?q=PAYMENTS+refunds").await.is(200);
    assert!(found.keys().contains(&"mollie") && !found.keys().contains(&"stripe"), "{found:?}");
    assert_eq!(operator.get("/v1/catalogue?q=payments+giraffes").await.is(200).keys(), [""; 0]);
    let long = "x".repeat(201);
    operator.get(&format!("/v1/catalogue?q={long}")).await.problem("bad_request");
    let stripe = &operator.get("/v1/catalogue?q=stripe").await.is(200).body["items"][0];
    assert_eq!(
        stripe["auth"],
        json!({ "key": "bearer", "key-as-user": "basic", "webhook": "hmac" })
    );
    assert_eq!(stripe["base_url"], "https://api.stripe.com");

    let shown = operator.get("/v1/catalogue/zendesk").await.is(200).body;
    assert_eq!(shown["key"], "zendesk");
    assert_eq!(shown["variables"]["subdomain"]["required"], true);
    assert_eq!(shown["auth"]["token"]["fields"]["password"]["name"], "API token");
    operator.get("/v1/catalogue/no-such-api").await.problem("not_found");
    operator.get("/v1/catalogue/..%2Fstripe").await.problem("bad_request");
    operator.post("/v1/catalogue", json!({})).await.problem("method_not_allowed");
}

#[tokio::test]
async fn a_connector_is_created_from_the_catalogue_as_it_is_or_with_changes() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "connectors: { declared: { from: linear } }\n");
    let operator = gateway.operator();

    // What is shown is taken.
    let shown = operator.get("/v1/catalogue/zendesk").await.is(200).body;
    let created = operator.post("/v1/connectors", shown.clone()).await.is(201).body;
    for member in ["key", "name", "docs", "base_url", "variables", "endpoints"] {
        assert_eq!(created[member], shown[member], "{member}");
    }
    assert_eq!(created["auth"]["token"]["fields"], shown["auth"]["token"]["fields"]);

    // Or named; what is said beside it goes before.
    let body = json!({
        "key": "desk-eu", "from": "zendesk", "name": "Desk EU", "base_url": "https://desk.example.com",
        "auth": { "token": { "bearer": {} }, "own": { "none": {} } },
    });
    let desk = operator.post("/v1/connectors", body).await.is(201).body;
    assert_eq!(desk["name"], "Desk EU");
    assert_eq!(desk["base_url"], "https://desk.example.com");
    assert_eq!(desk["description"], shown["description"]);
    let fields = json!([{ "name": "token", "label": "token", "secret": true, "need": "required" }]);
    let own = json!({ "bearer": {}, "credential_fields": fields, "revision": 1 });
    assert_eq!(desk["auth"]["token"], own, "a method is one");
    let methods: BTreeSet<&str> =
        desk["auth"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(methods, BTreeSet::from(["own", "token", "webhook"]));
    assert_eq!(desk["from"], Value::Null, "it is a copy, and stays what it is");
    let read = operator.get("/v1/connectors/desk-eu").await.is(200).body;
    assert_eq!(read["auth"], desk["auth"]);

    // A file's is shown whole as well.
    let declared = operator.get("/v1/connectors/declared").await.is(200).body;
    assert_eq!(declared["base_url"], "https://api.linear.app");
    assert!(declared["source"]["line"].is_number());

    let unknown = json!({ "key": "x", "from": "no-such-api" });
    let refused = operator.post("/v1/connectors", unknown).await.problem("invalid");
    assert_eq!(refused.pointers(), ["/from"]);
    let empty = operator.put("/v1/connectors/desk-eu", json!({ "from": "" })).await;
    assert_eq!(empty.problem("invalid").pointers(), ["/from"]);
}

#[test]
fn an_unknown_api_in_a_file_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    std::fs::write(&file, "connectors:\n  desk:\n    from: zendeks\n").unwrap();
    let problems = attache::reload::load(&[file], &|_| None).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let [told] = &told[..] else { panic!("{told:?}") };
    assert!(told.contains("a.yaml:3:5: connectors.desk.from: there is no API `zendeks`"), "{told}");
}
