//! Exchanges at the same time: so many, so many that wait, first come first served, and no longer than said.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::raw_request;
use crate::support::soon;
use std::fmt::Write;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn request(connection: &str, fields: &str) -> String {
    format!(
        "GET /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection: {connection}\r\n{fields}\r\n"
    )
}

fn ask(gateway: &Gateway, connection: &str, fields: &str) -> JoinHandle<Response> {
    let (to, request) = (gateway.proxy, request(connection, fields));
    tokio::spawn(async move { raw_request(to, request).await })
}

fn refused(answer: &Response) {
    assert_eq!(
        (answer.status, answer.code().as_deref()),
        (429, Some("rate_limited")),
        "{answer:?}"
    );
    assert!(answer.field("retry-after").is_some_and(|it| it != "0"));
}

/// Answers each request once the test says so.
fn held(gate: &Arc<Notify>) -> Script {
    Script::new().read_request().wait(gate).write(OK).again()
}

async fn until_queued(gateway: &Gateway, limit: &str, count: f64) {
    let queued = async {
        while gateway.metric("attache_queued_total", &[limit]).await < count {
            tokio::task::yield_now().await;
        }
    };
    soon("requests to wait", queued).await;
}

#[tokio::test]
async fn one_is_sent_one_waits_and_one_more_is_refused() {
    let gate = Arc::new(Notify::new());
    let upstream = RawUpstream::start([held(&gate)]).await;
    let gateway = Gateway::plain(&upstream.url(), "concurrency: { max: 1, queue: 1, wait: 60s }");
    let first = ask(&gateway, "api", "");
    upstream.request().await;
    let second = ask(&gateway, "api", "");
    until_queued(&gateway, "connection_concurrency", 1.0).await;
    refused(&ask(&gateway, "api", "").await.expect("an answer"));
    assert!(upstream.request_so_far().await.is_none(), "who waits is not sent");

    gate.notify_one();
    assert_eq!(first.await.expect("an answer").status, 200);
    upstream.request().await;
    gate.notify_one();
    assert_eq!(second.await.expect("an answer").status, 200);
    assert_eq!(gateway.metric("attache_limited_total", &["connection_concurrency"]).await, 1.0);
    let log = gateway.stop();
    let waited = |it: &&serde_json::Value| it["status"] == 200 && it["queue"].as_f64() > Some(0.0);
    assert_eq!(log.iter().filter(waited).count(), 1, "{log:?}");
}

#[tokio::test]
async fn who_waits_too_long_is_refused_by_the_limits_time_or_by_its_own() {
    let gate = Arc::new(Notify::new());
    let upstream = RawUpstream::start([held(&gate)]).await;
    for (wait, fields) in [("100ms", ""), ("60s", "Attache-Timeout: 100ms\r\n")] {
        let settings = format!("concurrency: {{ max: 1, queue: 1, wait: {wait} }}");
        let gateway = Gateway::plain(&upstream.url(), &settings);
        let first = ask(&gateway, "api", "");
        upstream.request().await;
        refused(&ask(&gateway, "api", fields).await.expect("an answer"));
        gate.notify_one();
        assert_eq!(first.await.expect("an answer").status, 200);
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_while_it_waits_leaves_the_queue() {
    let gate = Arc::new(Notify::new());
    let upstream = RawUpstream::start([held(&gate)]).await;
    let gateway = Gateway::plain(&upstream.url(), "concurrency: { max: 1, queue: 1, wait: 60s }");
    let first = ask(&gateway, "api", "");
    upstream.request().await;
    let mut gone = RawClient::connect(gateway.proxy).await;
    gone.send(request("api", "")).await;
    until_queued(&gateway, "connection_concurrency", 1.0).await;
    gone.hang_up();

    // The queue has room for one: once the other has left it.
    let to = gateway.proxy;
    let third = tokio::spawn(async move {
        loop {
            let answer = raw_request(to, request("api", "")).await;
            if answer.status != 429 {
                return answer;
            }
        }
    });
    until_queued(&gateway, "connection_concurrency", 2.0).await;
    gate.notify_one();
    assert_eq!(first.await.expect("an answer").status, 200);
    upstream.request().await;
    gate.notify_one();
    assert_eq!(soon("the third", third).await.expect("an answer").status, 200);
    assert!(upstream.request_so_far().await.is_none(), "who hung up was never sent");
}

#[tokio::test]
async fn connections_to_one_origin_share_its_places_and_a_tunnel_keeps_its_own() {
    let switch =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let tunnel = Script::new().read_head().write(switch).read_to_end();
    let upstream = RawUpstream::start([tunnel, Script::ok("ok")]).await;
    let url = upstream.url();
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}\nupstream: {{ concurrency: {{ max: 1, queue: 0 }} }}\n\
         connectors: {{ api: {{ base_url: \"{url}\", auth: {{ m: {{ none: {{}} }} }} }} }}\n\
         connections: {{ a: {{ connector: api, auth: m }}, b: {{ connector: api, auth: m }} }}\n"
    ));
    let mut client = RawClient::connect(gateway.proxy).await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    client.send(request("a", upgrade)).await;
    assert_eq!(client.response().await.expect("a tunnel").status, 101);
    refused(&ask(&gateway, "b", "").await.expect("an answer"));
    assert_eq!(gateway.metric("attache_limited_total", &["origin_concurrency"]).await, 1.0);

    drop(client);
    let free_again =
        async { while ask(&gateway, "b", "").await.expect("an answer").status != 200 {} };
    soon("the tunnel's place to be free", free_again).await;
}

#[tokio::test]
async fn one_upstream_of_a_hundred_that_hangs_touches_no_other() {
    let hanging = RawUpstream::start([Script::new().read_request().read_to_end()]).await;
    let mut others = Vec::new();
    for _ in 0..99 {
        others.push(RawUpstream::start([Script::ok("ok")]).await);
    }
    let mut connectors = String::new();
    let mut connections = String::new();
    for (number, upstream) in [&hanging].into_iter().chain(&others).enumerate() {
        let url = upstream.url();
        writeln!(
            connectors,
            "  c{number}: {{ base_url: \"{url}\", auth: {{ m: {{ none: {{}} }} }} }}"
        )
        .expect("a string takes text");
        writeln!(connections, "  c{number}: {{ connector: c{number}, auth: m }}")
            .expect("a string takes text");
    }
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}\n\
         upstream: {{ timeouts: {{ first_byte: 500ms }}, concurrency: {{ max: 4, queue: 4, wait: 60s }} }}\n\
         connectors:\n{connectors}connections:\n{connections}"
    ));
    let mut stuck = JoinSet::new();
    for _ in 0..40 {
        let to = gateway.proxy;
        stuck.spawn(async move { raw_request(to, request("c0", "")).await });
    }
    hanging.request().await;
    for number in 1..100 {
        let answer = ask(&gateway, &format!("c{number}"), "").await.expect("an answer");
        assert_eq!(answer.status, 200, "c{number}: {answer:?}");
    }
    let answers = soon("the stuck ones to be answered", stuck.join_all()).await;
    let codes: Vec<_> = answers.iter().filter_map(Response::code).collect();
    assert_eq!(codes.iter().filter(|it| *it == "upstream_timeout").count(), 8, "{codes:?}");
    assert_eq!(codes.iter().filter(|it| *it == "rate_limited").count(), 32, "{codes:?}");
    assert!(hanging.links() <= 8, "{}", hanging.links());
}

#[test]
fn a_wait_that_can_not_be_meant_is_refused_where_it_stands() {
    let settings = "concurrency: { max: 1, wait: 2h }";
    let written = format!(
        "connectors: {{ api: {{ base_url: \"http://a\", auth: {{ m: {{ none: {{}} }} }} }} }}\n\
         connections: {{ api: {{ connector: api, auth: m, {settings} }} }}\n"
    );
    let Err(error) = Gateway::try_start(&written, "") else { panic!("it starts") };
    let said = format!("{error:?}");
    assert!(said.contains("connections.api.concurrency.wait"), "{said}");
}

#[test]
fn a_webhook_connection_with_a_limit_that_it_would_not_keep_is_refused_where_it_stands() {
    for (settings, place) in [
        ("concurrency: { max: 1 }", "connections.hooks.concurrency"),
        ("upstream: { concurrency: { max: 1 } }", "connections.hooks.upstream.concurrency"),
        ("upstream: { links: { max: 1 } }", ""),
    ] {
        let written = format!(
            "upstream: {{ concurrency: {{ max: 9 }} }}\n\
             connectors: {{ api: {{ base_url: \"http://a\", auth: {{ in: {{ hmac: {{ preset: github }} }} }} }} }}\n\
             connections: {{ hooks: {{ connector: api, auth: in, base_url: \"http://b\", credentials: {{ secret: it-s-a-secret-of-the-tests }}, {settings} }} }}\n"
        );
        match Gateway::try_start(&written, "") {
            Err(error) => {
                let said = format!("{error:?}");
                assert!(said.contains(&format!("key: \"{place}\"")), "{settings}: {said}");
                assert!(said.contains("a webhook connection has no limit"), "{settings}: {said}");
            }
            Ok(_) => assert_eq!(place, "", "{settings}"),
        }
    }
}
