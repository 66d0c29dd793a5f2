//! A pause for an upstream that fails again and again: when it opens, when not, and how it closes.
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::soon;
use crate::support::tagged;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const UNWELL: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno";

fn is_open(answer: &Response) -> bool {
    let is_open = answer.code().as_deref() == Some("circuit_open");
    if is_open {
        assert_eq!(answer.status, 503);
        let seconds = answer.field("retry-after").expect("when").parse::<u64>().expect("seconds");
        assert!(seconds >= 1);
    }
    is_open
}

/// Asks until the circuit lets a probe through.
async fn probe(gateway: &Gateway) -> Response {
    let probed = async {
        loop {
            let answer = gateway.ask("/x").await;
            if !is_open(&answer) {
                return answer;
            }
        }
    };
    soon("a probe", probed).await
}

#[tokio::test]
async fn it_opens_after_failures_in_a_row_probes_and_closes() {
    let turns = [UNWELL, UNWELL, OK, UNWELL, UNWELL, UNWELL, UNWELL, OK, OK];
    let script = turns.iter().fold(Script::new(), |it, turn| it.read_request().write(turn));
    let upstream = RawUpstream::start([script]).await;
    let circuit = "upstream: { circuit: { failures: 3, lasting: 0s, pause: 300ms } }";
    let gateway = Gateway::plain(&upstream.url(), circuit);
    for turn in &turns[..6] {
        let answer = gateway.ask("/x").await;
        assert!(!is_open(&answer) && turn.contains(&answer.status.to_string()), "{answer:?}");
        upstream.request().await;
    }
    assert!(is_open(&gateway.ask("/x").await));
    assert!(upstream.request_so_far().await.is_none(), "nothing is sent");
    assert_eq!(gateway.metric("attache_circuits_open", &[]).await, 1.0);

    assert_eq!(probe(&gateway).await.text(), "no", "the probe's answer is passed on");
    assert!(is_open(&gateway.ask("/x").await), "and opens it again");
    assert_eq!(probe(&gateway).await.text(), "ok");
    assert_eq!(gateway.ask("/x").await.text(), "ok");
    assert_eq!(upstream.links(), 1);
    assert_eq!(gateway.metric("attache_circuits_open", &[]).await, 0.0);
    let event = "attache_circuit_events_total";
    assert_eq!(gateway.metric(event, &["opened"]).await, 1.0);
    assert_eq!(gateway.metric(event, &["closed"]).await, 1.0);
    assert!(gateway.metric("attache_limited_total", &["circuit"]).await >= 2.0);
    let log = gateway.stop();
    let refused = log.iter().find(|it| it["error_code"] == "circuit_open").expect("it is logged");
    assert_eq!((&refused["error_source"], &refused["attempts"]), (&"upstream".into(), &0.into()));
}

#[tokio::test]
async fn neither_a_4xx_nor_a_500_is_a_failure() {
    for status in ["400 Bad Request", "401 Unauthorized", "404 Not Found", "429 Slow", "500 Oops"] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let upstream = RawUpstream::start([Script::answer(answer)]).await;
        let circuit = "upstream: { circuit: { failures: 1, lasting: 0s, pause: 60s } }";
        let gateway = Gateway::plain(&upstream.url(), circuit);
        for _ in 0..5 {
            assert!(!is_open(&gateway.ask("/x").await), "{status}");
        }
    }
}

#[tokio::test]
async fn what_a_caller_does_counts_neither_way() {
    let silent = Script::new().read_request().read_to_end();
    let upstream =
        RawUpstream::start([silent.clone(), silent.clone(), silent, Script::ok("ok")]).await;
    let circuit = "upstream: { circuit: { failures: 1, lasting: 0s, pause: 60s }, timeouts: { first_byte: 30s } }";
    let gateway = Gateway::plain(&upstream.url(), circuit);
    let mut gone = RawClient::connect(gateway.proxy).await;
    gone.send(tagged("GET", "/x", "", "")).await;
    upstream.request().await;
    gone.hang_up();
    upstream.ended(1).await;
    let answer = gateway.through("GET", "/x", "Attache-Timeout: 100ms\r\n", "").await;
    assert_eq!(answer.code().as_deref(), Some("upstream_timeout"));
    // Its body stops arriving: that is the caller's doing too.
    let mut stalling = RawClient::connect(gateway.proxy).await;
    let head = tagged("POST", "/x", "Attache-Timeout: 100ms\r\nContent-Length: 9\r\n", "");
    stalling.send(head).await;
    assert_eq!(
        stalling.response().await.expect("an answer").code().as_deref(),
        Some("bad_request")
    );
    assert_eq!(gateway.ask("/x").await.status, 200);
}

#[tokio::test]
async fn refused_links_and_missed_deadlines_open_it_and_no_other() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let silent = RawUpstream::start([Script::new().read_request().read_to_end()]).await;
    let nobody = RawUpstream::start([Script::ok("ok")]).await.url();
    let api = |name: &str, url: &str| {
        format!("  {name}: {{ base_url: \"{url}\", auth: {{ m: {{ none: {{}} }} }} }}\n")
    };
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}\n\
         upstream: {{ circuit: {{ failures: 2, lasting: 0s, pause: 60s }}, timeouts: {{ first_byte: 100ms }} }}\n\
         connectors:\n{}{}{}connections:\n  nobody: {{ connector: nobody, auth: m }}\n\
         \x20 silent: {{ connector: silent, auth: m }}\n  api: {{ connector: api, auth: m }}\n\
         \x20 off: {{ connector: nobody, auth: m, upstream: {{ circuit: {{ enabled: false }} }} }}\n",
        api("nobody", &nobody),
        api("silent", &silent.url()),
        api("api", &upstream.url()),
    ));
    for (connection, code) in [("nobody", "upstream_connect"), ("silent", "upstream_timeout")] {
        let tag = format!("Attache-Connection: {connection}\r\n");
        for _ in 0..2 {
            assert_eq!(gateway.get("/x", &tag).await.code().as_deref(), Some(code));
        }
        assert!(is_open(&gateway.get("/x", &tag).await), "{connection}");
        assert_eq!(gateway.ask("/x").await.status, 200);
    }
    for _ in 0..5 {
        let answer = gateway.get("/x", "Attache-Connection: off\r\n").await;
        assert_eq!(answer.code().as_deref(), Some("upstream_connect"), "switched off");
    }
}
