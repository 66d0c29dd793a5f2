//! Third parties that misbehave: each gets its code, and costs no other exchange anything.
use crate::support::Authority;
use crate::support::ClosedPort;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::tagged;
use std::time::Duration;

const QUICK: &str =
    "upstream: { timeouts: { connect: 1s, tls: 300ms, first_byte: 300ms, idle: 300ms } }";

#[tokio::test]
async fn no_answer_is_a_502_and_its_link_is_not_used_again() {
    let cases: [(&str, Script); 4] = [
        ("closes at once", Script::new()),
        ("closes unanswered", Script::new().read_request()),
        ("resets", Script::new().read_request().reset()),
        ("half a head", Script::new().read_request().write("HTTP/1.1 200 OK\r\nX-A: ")),
    ];
    for (name, script) in cases {
        let upstream = RawUpstream::start([script, Script::ok("well")]).await;
        let gateway = Gateway::plain(&upstream.url(), QUICK);
        let answer = gateway.through("POST", "/", "", "once").await;
        assert_eq!(answer.code().as_deref(), Some("upstream_protocol"), "{name}: {answer:?}");
        assert_eq!(answer.status, 502, "{name}");
        let next = gateway.through("POST", "/", "", "twice").await;
        assert_eq!((next.status, next.text().as_str()), (200, "well"), "{name}");
        assert_eq!(upstream.links(), 2, "{name}: the POST was sent once, and the bad link left");
    }
}

#[tokio::test]
async fn links_that_could_not_be_opened_are_counted() {
    let port = ClosedPort::reserve();
    let gateway = Gateway::plain(&port.url(), QUICK);
    for _ in 0..3 {
        assert_eq!(gateway.ask("/").await.code().as_deref(), Some("upstream_connect"));
    }
    for event in ["\"dialled\"", "\"failed\""] {
        assert_eq!(gateway.metric("attache_pool_events_total", &[event]).await, 3.0, "{event}");
    }
}

#[tokio::test]
async fn an_upstream_that_keeps_silent_is_a_504() {
    let silent = RawUpstream::start([Script::new().read_request().read_to_end()]).await;
    let gateway = Gateway::plain(&silent.url(), QUICK);
    let answer = gateway.ask("/").await;
    assert_eq!((answer.status, answer.code().as_deref()), (504, Some("upstream_timeout")));
    silent.ended(1).await;

    // The caller may ask for less patience, never for more.
    let gateway = Gateway::plain(&silent.url(), "upstream: { timeouts: { total: 20s } }");
    let answer = gateway.through("GET", "/", "Attache-Timeout: 200ms\r\n", "").await;
    assert_eq!((answer.status, answer.code().as_deref()), (504, Some("upstream_timeout")));
}

#[tokio::test]
async fn an_upstream_that_never_finishes_its_handshake_is_given_up() {
    let patient = "upstream: { timeouts: { connect: 60s, tls: 200ms, first_byte: 60s } }";
    // It says nothing, or begins a record and stops.
    for begun in ["", "\x16\x03\x03"] {
        let stuck = RawUpstream::start([Script::new().write(begun).read_to_end()]).await;
        let gateway = Gateway::plain(&stuck.url().replace("http:", "https:"), patient);
        let answer = gateway.ask("/").await;
        assert_eq!((answer.status, answer.code().as_deref()), (502, Some("upstream_tls")));
        stuck.ended(1).await;
    }
}

#[tokio::test]
async fn a_certificate_of_the_connections_own_authority_is_trusted() {
    let authority = Authority::new();
    let upstream = RawUpstream::tls([Script::ok("hi")], authority.good(&["http/1.1"])).await;
    let pem = serde_json::to_string(authority.pem()).expect("a text is JSON, and JSON is YAML");
    let gateway = Gateway::plain(&upstream.url(), &format!("upstream: {{ ca: {pem} }}"));
    for _ in 0..2 {
        assert_eq!(gateway.ask("/").await.text(), "hi");
    }
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn a_bad_upstream_does_not_slow_its_neighbours() {
    let frozen = RawUpstream::start([Script::new().read_request().read_to_end()]).await;
    let well = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  frozen: {{ base_url: \"{}\", auth: {{ m: {{ none: {{}} }} }} }}
  well: {{ base_url: \"{}\", auth: {{ m: {{ none: {{}} }} }} }}
connections:
  frozen: {{ connector: frozen, auth: m }}
  api: {{ connector: well, auth: m }}
",
        frozen.url(),
        well.url()
    ));
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let mut client = gateway.client().await;
        client
            .send(tagged("GET", "/", "", "").replace("Connection: api", "Connection: frozen"))
            .await;
        waiting.push(client);
    }
    for _ in 0..50 {
        frozen.request().await;
    }
    let answered = tokio::time::timeout(Duration::from_secs(5), gateway.ask("/")).await;
    assert_eq!(answered.map(|it| it.status), Ok(200));
}
