//! Links to upstreams and to callers: reused when they live, never when they might not.
use crate::support::Authority;
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;

const TAGS: &str = "Attache-Connection: header\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn an_upstream_that_keeps_its_link_is_asked_on_it_again() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    for _ in 0..20 {
        assert_eq!(gateway.get("/x", TAGS).await.status, 200);
    }
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn an_upstream_that_closes_right_after_each_answer_costs_no_request() {
    let upstream = RawUpstream::start([Script::new().read_request().write(OK)]).await;
    let gateway = Gateway::to(&upstream);
    for round in 0..100 {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let body = if method == "POST" || method == "PUT" { "body" } else { "" };
            let answer = gateway.send(method, "/x", TAGS, body).await;
            assert_eq!(answer.status, 200, "{method} in round {round}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn what_follows_an_answer_is_never_taken_for_the_next() {
    let surplus = format!("{OK}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    let upstream = RawUpstream::start([Script::answer(surplus)]).await;
    let gateway = Gateway::to(&upstream);
    for _ in 0..10 {
        let answer = gateway.get("/x", TAGS).await;
        assert!(answer.text() != "forged", "{answer:?}");
    }
}

#[tokio::test]
async fn a_head_that_takes_too_long_is_cut_and_others_are_served() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let server = r#"
log: { format: json, access: ACCESS }
server:
  proxy: { listen: "127.0.0.1:0", workers: 1, limits: { head_timeout: 300ms, idle_timeout: 600ms } }
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { listen: "127.0.0.1:0" }
  shutdown: { ready_delay: 0s, drain: 5s }
"#;
    let gateway = Gateway::try_start(&Gateway::usual(&upstream.url()), server).expect("it starts");
    let mut slow = RawClient::connect(gateway.proxy).await;
    slow.send("GET /x HTTP/1.1\r\nHost:").await;
    let mut idle = RawClient::connect(gateway.proxy).await;
    assert_eq!(gateway.get("/x", TAGS).await.status, 200);
    assert!(slow.rest().await.is_empty(), "cut without an answer");
    idle.send(format!("GET /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAGS}\r\n"))
        .await;
    assert_eq!(idle.response().await.map(|it| it.status), Some(200));
    assert!(idle.rest().await.is_empty(), "an idle link is closed in time");
}

#[tokio::test]
async fn each_exchange_is_logged_once_without_its_query() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    gateway.send("POST", "/a/b?token=hidden", TAGS, "body").await;
    gateway.get("/x", "Attache-Connection: unknown\r\n").await;
    let log = gateway.stop();
    assert_eq!(log.len(), 2, "{log:?}");
    let expected = serde_json::json!({
        "method": "POST", "path": "/a/b", "status": 200, "upstream_status": 200, "caller": "runtime",
        "connection": "header", "connector": "api", "bytes_in": 4, "bytes_out": 2, "attempts": 1,
    });
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(&log[0][field], value, "{field}: {}", log[0]);
    }
    assert_eq!(
        (&log[1]["error_code"], &log[1]["error_source"]),
        (&"connection_not_found".into(), &"caller".into())
    );
}

#[tokio::test]
async fn stopping_lets_an_exchange_finish() {
    let upstream = RawUpstream::start([Script::new()
        .read_request()
        .write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        .drip("ok", std::time::Duration::from_millis(200))])
    .await;
    let gateway = Gateway::to(&upstream);
    let mut client = RawClient::connect(gateway.proxy).await;
    client
        .send(format!("GET /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAGS}\r\n"))
        .await;
    upstream.request().await;
    let stopping = tokio::task::spawn_blocking(move || gateway.stop());
    let answer = client.response().await.expect("the exchange finishes");
    assert_eq!((answer.text().as_str(), answer.complete), ("ok", true));
    stopping.await.expect("it stops");
}

#[tokio::test]
async fn a_flood_of_links_on_one_listener_does_not_close_another() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let server = r#"
log: { format: json, access: ACCESS }
server:
  proxy: { listen: "127.0.0.1:0", workers: 1, limits: { max_links: 4 } }
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { listen: "127.0.0.1:0", limits: { max_links: 4 } }
  shutdown: { ready_delay: 0s, drain: 1s }
"#;
    let gateway = Gateway::try_start(&Gateway::usual(&upstream.url()), server).expect("it starts");
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(RawClient::connect(gateway.public).await);
    }
    for _ in 0..10 {
        assert_eq!(gateway.get("/x", TAGS).await.status, 200);
    }
}

#[tokio::test]
async fn a_link_that_one_connection_trusts_is_never_used_for_one_that_does_not() {
    let (authority, other) = (Authority::new(), Authority::new());
    let upstream = RawUpstream::tls([Script::ok("ok")], authority.good(&["http/1.1"])).await;
    let pem =
        |it: &Authority| it.pem().lines().map(|it| format!("        {it}\n")).collect::<String>();
    let connector = |name: &str, by: &Authority| {
        format!(
            "  {name}:\n    base_url: {}\n    upstream:\n      ca: |\n{}    auth: {{ open: {{ none: {{}} }} }}\n",
            upstream.url(),
            pem(by)
        )
    };
    let configuration = format!(
        "egress: {{ allow: [127.0.0.0/8, \"::1/128\"] }}\nconnectors:\n{}{}connections:\n  trusting: {{ connector: a, auth: open }}\n  wary: {{ connector: b, auth: open }}\n",
        connector("a", &authority),
        connector("b", &other),
    );
    let gateway = Gateway::start(&configuration);
    for _ in 0..3 {
        assert_eq!(gateway.get("/x", "Attache-Connection: trusting\r\n").await.status, 200);
        let answer = gateway.get("/x", "Attache-Connection: wary\r\n").await;
        assert_eq!(answer.code().as_deref(), Some("upstream_tls"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_trace_goes_on_only_where_the_connector_says_so() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let configuration = Gateway::usual(&upstream.url())
        .replace("upstream: { timeouts", "upstream: { trace_context: true, timeouts");
    let gateway = Gateway::start(&configuration);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let fields =
        format!("{TAGS}traceparent: 00-{trace}-b7ad6b7169203331-01\r\ntracestate: a=1\r\n");
    gateway.get("/x", &fields).await;
    let received = upstream.request().await;
    let parent = received.field("traceparent").expect("it goes on").to_owned();
    assert!(parent.starts_with(&format!("00-{trace}-")) && parent.ends_with("-01"), "{parent}");
    assert!(!parent.contains("b7ad6b7169203331"), "the step is ours: {parent}");
    assert_eq!(received.field("tracestate"), Some("a=1"));
}

#[tokio::test]
async fn a_caller_may_ask_for_retries_of_what_may_be_sent_twice() {
    let flaky =
        || [Script::new().read_request(), Script::new().read_request(), Script::ok("third")];
    let asked = format!("{TAGS}Attache-Retries: 2\r\n");
    for (method, fields, expected, links) in
        [("GET", asked.as_str(), 200, 3), ("GET", TAGS, 502, 1), ("POST", asked.as_str(), 502, 1)]
    {
        let upstream = RawUpstream::start(flaky()).await;
        let gateway = Gateway::to(&upstream);
        let body = if method == "POST" { "once" } else { "" };
        let answer = gateway.send(method, "/x", fields, body).await;
        assert_eq!(
            (answer.status, upstream.links()),
            (expected, links),
            "{method} {fields}: {answer:?}"
        );
    }
}
