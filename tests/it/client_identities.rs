//! Client certificates: shown to APIs on links that are nobody else's, replaced while the gateway runs, and told before they end.
use crate::support::Authority;
use crate::support::ClientPair;
use crate::support::Gateway;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Says;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::soon;
use serde_json::Value;
use serde_json::json;
use std::fs;

/// As one line of a quoted YAML text.
fn quoted(pem: &str) -> String {
    pem.replace('\n', "\\n")
}

/// A connection for each pair, with the method `auth`, in front of the API.
fn configuration(
    url: &str,
    authority: &Authority,
    auth: &str,
    pairs: &[(&str, &ClientPair)],
    besides: &str,
) -> String {
    let ca = quoted(authority.pem());
    let mut file = format!(
        "egress: {{ allow: [127.0.0.0/8, \"::1/128\"] }}
upstream: {{ ca: \"{ca}\" }}
connectors:
  api: {{ base_url: \"{url}\", auth: {{ m: {{ {auth} }} }} }}
connections:
"
    );
    for (name, pair) in pairs {
        let (certificate, key) = (quoted(&pair.certificate), quoted(&pair.key));
        file += &format!(
            "  {name}: {{ connector: api, auth: m, credentials: {{ certificate: \"{certificate}\", private_key: \"{key}\"{besides} }} }}\n"
        );
    }
    file
}

/// PL-01.
#[tokio::test]
async fn each_connection_shows_its_own_certificate_on_links_of_its_own() {
    let authority = Authority::new();
    let pairs: Vec<ClientPair> = ["x", "y", "z"].map(|it| authority.client(it)).into();
    let api = Provider::tls([Says::json(json!({}))], authority.demanding()).await;
    let names: Vec<String> = (0..30).map(|it| format!("c{it}")).collect();
    let each: Vec<(&str, &ClientPair)> =
        names.iter().enumerate().map(|(at, name)| (name.as_str(), &pairs[at % 3])).collect();
    let file = configuration(api.url(), &authority, "mtls: {}", &each, "");
    let gateway = Gateway::start(&file);
    for name in &names {
        let answer = gateway.get(&format!("/c/{name}/{name}"), "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let asked = api.asked();
    assert_eq!(asked.len(), 30);
    for (name, pair) in each {
        let own = asked.iter().find(|it| it.line() == format!("GET /{name}"));
        assert_eq!(own.and_then(|it| it.certificate.as_ref()), Some(&pair.der), "{name}");
    }
}

#[tokio::test]
async fn a_certificate_is_shown_beside_what_goes_on_requests() {
    let authority = Authority::new();
    let pair = authority.client("x");
    let upstream = RawUpstream::tls([Script::ok("hi")], authority.demanding()).await;
    let auth = "all: [{ mtls: {} }, { bearer: {} }]";
    let pairs = [("api", &pair)];
    let file = configuration(&upstream.url(), &authority, auth, &pairs, ", token: t0ken");
    let gateway = Gateway::start(&file);
    let answer = gateway.get("/c/api/x", "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(upstream.request().await.field("authorization"), Some("Bearer t0ken"));
}

#[tokio::test]
async fn a_certificate_is_replaced_while_the_gateway_runs() {
    let authority = Authority::new();
    let (old, new) = (authority.client("x"), authority.client("x"));
    let api = Provider::tls([Says::json(json!({}))], authority.demanding()).await;
    let file = |pair| configuration(api.url(), &authority, "mtls: {}", &[("api", pair)], "");
    let gateway = Gateway::start(&file(&old));
    assert_eq!(gateway.get("/c/api/x", "").await.status, 200);
    assert_eq!(api.asked_once().certificate.as_ref(), Some(&old.der));
    let partial = gateway.served_file().with_extension("partial");
    fs::write(&partial, file(&new)).expect("the folder can be written");
    fs::rename(&partial, gateway.served_file()).expect("the file can be replaced");
    let replaced = async {
        loop {
            assert_eq!(gateway.get("/c/api/x", "").await.status, 200);
            if api.asked().last().and_then(|it| it.certificate.clone()) == Some(new.der.clone()) {
                return;
            }
        }
    };
    soon("the new certificate", replaced).await;
    // Nor the old one again, whose link may still be there.
    for _ in 0..5 {
        assert_eq!(gateway.get("/c/api/x", "").await.status, 200);
        assert_eq!(api.asked().last().unwrap().certificate.as_ref(), Some(&new.der));
    }
}

#[tokio::test]
async fn a_certificate_that_the_api_does_not_take_is_told_as_such() {
    let (authority, other) = (Authority::new(), Authority::new());
    let wrong = other.client("x");
    let api = Provider::tls([Says::json(json!({}))], authority.demanding()).await;
    let pairs = [("api", &wrong)];
    let file = configuration(api.url(), &authority, "mtls: {}", &pairs, "");
    let gateway = Gateway::start(&file);
    let answer = gateway.get("/c/api/x", "").await;
    assert_eq!(answer.code().as_deref(), Some("upstream_tls"), "{answer:?}");
    assert!(api.asked().is_empty());
    let log = gateway.stop();
    assert_eq!(log[0]["error_code"], "upstream_tls", "{log:?}");
}

#[tokio::test]
async fn what_shows_no_certificate_or_a_broken_one_is_no_configuration() {
    let authority = Authority::new();
    let pair = authority.client("x");
    let mixed = ClientPair { key: authority.client("y").key, ..authority.client("x") };
    for (url, pair, problem) in [
        ("http://127.0.0.1:1", &pair, "plain HTTP, where no certificate is ever shown"),
        ("https://127.0.0.1:1", &mixed, "`private_key` does not belong to the certificate"),
    ] {
        let file = configuration(url, &authority, "mtls: {}", &[("api", pair)], "");
        let Err(refused) = Gateway::try_start(&file, "") else { panic!("it was taken") };
        let refused = format!("{refused}: {refused:?}");
        assert!(refused.contains(problem), "{refused}");
        assert!(!refused.contains("PRIVATE KEY"), "{refused}");
    }
}

#[tokio::test]
async fn certificates_that_end_are_counted() {
    let authority = Authority::new();
    let (over, good) = (authority.client_until("x", 2020), authority.client("y"));
    let pairs = [("over", &over), ("good", &good)];
    let file = configuration("https://127.0.0.1:1", &authority, "mtls: {}", &pairs, "");
    let gateway = Gateway::start(&file);
    let counted =
        async { while gateway.metric("attache_client_certificates_ended", &[]).await < 1.0 {} };
    soon("the certificates to be counted", counted).await;
    assert!(gateway.metric("attache_client_certificates_ending", &[]).await < 1.0);
}

each_engine! {
    async fn a_certificate_that_has_ended_is_not_set_and_one_that_ends_is_told(database: Database) {
        let authority = Authority::new();
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let operator = gateway.operator();
        let connector = json!({ "base_url": "https://api.example", "auth": { "m": { "mtls": {} } } });
        operator.put("/v1/connectors/api", connector).await.is(201);
        let connection = |pair: &ClientPair| {
            let credentials = json!({ "certificate": pair.certificate, "private_key": pair.key });
            json!({ "connector": "api", "auth": "m", "credentials": credentials })
        };
        let over = authority.client_until("x", 2020);
        let refused = operator.put("/v1/connections/own", connection(&over)).await;
        let refused = refused.problem("invalid");
        assert_eq!(refused.body["errors"][0]["pointer"], "/credentials/certificate");
        let detail = refused.body["errors"][0].to_string();
        assert!(detail.contains("it was good until 2020-01-01T00:00:00Z"), "{detail}");
        operator.put("/v1/connections/own", connection(&authority.client("x"))).await.is(201);

        let embedded = json!({ "connector": "api", "auth": "m", "embedded": true });
        operator.put("/v1/connections/crm", embedded).await.is(201);
        let activation = |pair: &ClientPair| {
            json!({ "credentials": { "certificate": pair.certificate, "private_key": pair.key } })
        };
        let at = |tenant: &str| format!("/v1/connections/crm/activations/{tenant}");
        operator.put(&at("over"), activation(&over)).await.problem("invalid");
        operator.put(&at("good"), activation(&authority.client("y"))).await.is(201);
        let page = operator.get("/v1/forecast?within=366d").await.is(200);
        assert_eq!(page.body["items"], json!([]));

        // What was good when it was set.
        let year = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year() + 1;
        let soon = authority.client_until("z", year.into());
        operator.put(&at("soon"), activation(&soon)).await.is(201);
        operator.put("/v1/connections/own/credentials", connection(&soon)["credentials"].clone()).await.is(200);
        let page = operator.get("/v1/forecast?within=366d").await.is(200);
        let items = page.body["items"].as_array().unwrap();
        let told: Vec<(&Value, &Value)> =
            items.iter().map(|it| (&it["connection"], &it["tenant"])).collect();
        assert_eq!(told.len(), 2, "{items:?}");
        assert!(told.contains(&(&json!("own"), &Value::Null)), "{items:?}");
        assert!(told.contains(&(&json!("crm"), &json!("soon"))), "{items:?}");
        for item in items {
            assert_eq!(item["fails_at"], format!("{year}-01-01T00:00:00Z"));
            assert_eq!(item["certificate"]["not_after"], item["fails_at"]);
            assert_eq!(item["certificate"]["fingerprint"].as_str().unwrap().len(), 64);
            assert!(item.get("grant").is_none());
        }
        let first = operator.get("/v1/forecast?within=366d&limit=1").await.is(200);
        let next = first.body["next"].as_str().unwrap();
        let second = operator.get(&format!("/v1/forecast?within=366d&limit=1&cursor={next}")).await.is(200);
        assert_eq!([&first.body["items"][0], &second.body["items"][0]], [&items[0], &items[1]]);
    }
}
