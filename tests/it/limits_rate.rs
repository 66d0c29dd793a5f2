//! Rates of callers, connections and tenants: what is over is refused, told when to come again, and not sent.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::raw_request;
use std::fs;
use tokio::task::JoinSet;

const OTHER: &str = "the-key-of-another-caller";

fn configuration(url: &str) -> String {
    format!(
        "
egress: {{ allow: [127.0.0.0/8] }}
callers:
  limited: {{ key: {OTHER}, rate: {{ requests: 1, per: 1h, burst: 3 }} }}
connectors:
  api: {{ base_url: \"{url}\", auth: {{ m: {{ bearer: {{}} }} }} }}
connections:
  free: {{ connector: api, auth: m, credentials: {{ token: t }} }}
  limited: {{ connector: api, auth: m, credentials: {{ token: t }}, rate: {{ requests: 2, per: 1h }} }}
  wide: {{ connector: api, auth: m, credentials: {{ token: t }}, rate: {{ requests: 50, per: 24h }} }}
  many: {{ connector: api, auth: m, embedded: true, rate: {{ requests: 5, per: 1h }}, tenant_rate: {{ requests: 2, per: 1h }} }}
activations:
  - {{ connection: many, tenant: acme, credentials: {{ token: t }} }}
  - {{ connection: many, tenant: other, credentials: {{ token: t }} }}
"
    )
}

async fn ask(gateway: &Gateway, key: &str, connection: &str, fields: &str) -> Response {
    raw_request(gateway.proxy, request(key, connection, fields)).await
}

fn request(key: &str, connection: &str, fields: &str) -> String {
    format!(
        "GET /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {key}\r\nAttache-Connection: {connection}\r\n{fields}\r\n"
    )
}

/// Checks the refusal, and gives the seconds after which it says to come again.
fn refused(answer: &Response) -> u64 {
    assert_eq!(
        (answer.status, answer.code().as_deref()),
        (429, Some("rate_limited")),
        "{answer:?}"
    );
    let said = answer.field("retry-after").expect("when to come again").parse().expect("seconds");
    let problem: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(problem["retry_after"], said);
    said
}

#[tokio::test]
async fn a_caller_over_its_rate_is_refused_and_others_are_not() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::start(&configuration(&upstream.url()));
    // Whoever is not let in uses nobody's rate up.
    for _ in 0..5 {
        assert_eq!(ask(&gateway, "not-the-key-of-anyone", "free", "").await.status, 401);
        assert_eq!(ask(&gateway, OTHER, "unknown", "").await.status, 404);
    }
    for _ in 0..3 {
        assert_eq!(ask(&gateway, OTHER, "free", "").await.status, 200);
        upstream.request().await;
    }
    let retry_after = refused(&ask(&gateway, OTHER, "free", "").await);
    assert!((3590..=3600).contains(&retry_after), "one an hour: {retry_after}");
    assert!(upstream.request_so_far().await.is_none(), "nothing is sent");
    assert_eq!(ask(&gateway, CALLER_KEY, "free", "").await.status, 200);
    assert_eq!(gateway.metric("attache_limited_total", &["caller_rate"]).await, 1.0);

    let log = gateway.stop();
    let record = log.iter().find(|it| it["error_code"] == "rate_limited").expect("it is logged");
    assert_eq!((&record["error_source"], &record["attempts"]), (&"caller".into(), &0.into()));
}

#[tokio::test]
async fn a_connection_and_each_of_its_tenants_have_rates_of_their_own() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::start(&configuration(&upstream.url()));
    for _ in 0..2 {
        assert_eq!(ask(&gateway, CALLER_KEY, "limited", "").await.status, 200);
    }
    let retry_after = refused(&ask(&gateway, CALLER_KEY, "limited", "").await);
    assert!((1790..=1800).contains(&retry_after), "two an hour: {retry_after}");

    let acme = "Attache-Tenant: acme\r\n";
    for _ in 0..2 {
        assert_eq!(ask(&gateway, CALLER_KEY, "many", acme).await.status, 200);
    }
    // A tenant's refusals take nothing from the connection that it shares with others.
    for _ in 0..10 {
        refused(&ask(&gateway, CALLER_KEY, "many", acme).await);
    }
    for _ in 0..2 {
        let other = "Attache-Tenant: other\r\n";
        assert_eq!(ask(&gateway, CALLER_KEY, "many", other).await.status, 200);
    }
    assert_eq!(gateway.metric("attache_limited_total", &["connection_rate"]).await, 1.0);
    assert_eq!(gateway.metric("attache_limited_total", &["tenant_rate"]).await, 10.0);
}

#[tokio::test]
async fn a_rate_is_exact_over_workers() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let server = r#"
log: { format: json, access: ACCESS }
server:
  proxy: { listen: "127.0.0.1:0", workers: 4 }
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { listen: "127.0.0.1:0" }
  shutdown: { ready_delay: 0s, drain: 5s }
"#;
    let gateway = Gateway::try_start(&configuration(&upstream.url()), server).expect("it starts");
    let mut asking = JoinSet::new();
    for _ in 0..120 {
        let request = request(CALLER_KEY, "wide", "");
        let to = gateway.proxy;
        asking.spawn(async move { raw_request(to, request).await.status });
    }
    let statuses = asking.join_all().await;
    assert_eq!(statuses.iter().filter(|it| **it == 200).count(), 50);
    assert_eq!(statuses.iter().filter(|it| **it == 429).count(), 70);
}

#[tokio::test]
async fn a_reload_keeps_what_is_used_up_and_another_rate_begins_anew() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let written = configuration(&upstream.url());
    let gateway = Gateway::start(&written);
    let reload = |text: &str| {
        fs::write(gateway.served_file(), text).expect("it can be written");
        gateway.app().live().reload_now().expect("it is sound");
    };
    for _ in 0..2 {
        assert_eq!(ask(&gateway, CALLER_KEY, "limited", "").await.status, 200);
    }
    reload(&format!("{written}  # another comment\n"));
    refused(&ask(&gateway, CALLER_KEY, "limited", "").await);
    reload(
        &written.replace("rate: { requests: 2, per: 1h } }", "rate: { requests: 1, per: 1h } }"),
    );
    assert_eq!(ask(&gateway, CALLER_KEY, "limited", "").await.status, 200);
    refused(&ask(&gateway, CALLER_KEY, "limited", "").await);
    reload(&written.replace(", rate: { requests: 2, per: 1h } }", " }"));
    for _ in 0..5 {
        assert_eq!(ask(&gateway, CALLER_KEY, "limited", "").await.status, 200);
    }
}

#[test]
fn a_rate_that_can_not_be_meant_is_refused_where_it_stands() {
    for (written, place, problem) in [
        ("rate: { requests: 0 }", "connections.limited.rate.requests", "nonzero"),
        ("rate: { requests: 1, per: 0s }", "connections.limited.rate.per", "no time at all"),
        ("rate: { requests: 1, per: 24h, burst: 1000 }", "connections.limited.rate.burst", "year"),
        ("rate: { per: 1s }", "connections.limited.rate", "requests"),
        ("tenant_rate: { requests: 1 }", "connections.limited.tenant_rate", "embedded"),
    ] {
        let configuration = configuration("http://127.0.0.1:9")
            .replace("rate: { requests: 2, per: 1h } }", &format!("{written} }}"));
        let Err(error) = Gateway::try_start(&configuration, "") else { panic!("{written}") };
        let said = format!("{error:?}");
        assert!(said.contains(&format!("key: \"{place}\"")), "{written}: {said}");
        assert!(said.contains(problem), "{written}: {said}");
    }
}
