//! Links to one upstream: so many, handed on to whoever waits longest; and a slow one takes none of a fast one.
use crate::support::Authority;
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::raw_request;
use crate::support::soon;
use crate::support::tagged;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn ask(gateway: &Gateway, connection: &str, method: &str) -> JoinHandle<Response> {
    let to = gateway.proxy;
    let request = format!(
        "{method} /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\
         Attache-Connection: {connection}\r\nContent-Length: 0\r\n\r\n"
    );
    tokio::spawn(async move { raw_request(to, request).await })
}

async fn until_queued(gateway: &Gateway, count: f64) {
    let queued = async {
        while gateway.metric("attache_queued_total", &["upstream_links"]).await < count {
            tokio::task::yield_now().await;
        }
    };
    soon("requests to wait", queued).await;
}

fn refused(answer: &Response) {
    assert_eq!(
        (answer.status, answer.code().as_deref()),
        (429, Some("rate_limited")),
        "{answer:?}"
    );
    assert!(answer.field("retry-after").is_some_and(|it| it != "0"));
}

#[tokio::test]
async fn whoever_waits_gets_the_link_that_is_put_back() {
    let gate = Arc::new(Notify::new());
    let script = Script::new().read_request().wait(&gate).write(OK).again();
    let upstream = RawUpstream::start([script]).await;
    let links = "upstream: { links: { max: 2, queue: 3, wait: 60s } }";
    let gateway = Gateway::plain(&upstream.url(), links);
    let mut asked: Vec<_> = (0..2).map(|_| ask(&gateway, "api", "GET")).collect();
    upstream.request().await;
    upstream.request().await;
    asked.extend((0..3).map(|_| ask(&gateway, "api", "GET")));
    until_queued(&gateway, 3.0).await;
    refused(&ask(&gateway, "api", "GET").await.expect("an answer"));
    assert!(upstream.request_so_far().await.is_none(), "who waits is not sent");
    for _ in 0..3 {
        gate.notify_one();
        upstream.request().await;
    }
    gate.notify_one();
    gate.notify_one();
    for answer in asked {
        assert_eq!(soon("an answer", answer).await.expect("an answer").status, 200);
    }
    assert_eq!(upstream.links(), 2);
    assert_eq!(gateway.metric("attache_limited_total", &["upstream_links"]).await, 1.0);
    let log = gateway.stop();
    let waited = log.iter().filter(|it| it["queue"].as_f64() > Some(0.0)).count();
    assert_eq!(waited, 3, "{log:?}");
}

#[tokio::test]
async fn who_waits_too_long_for_a_link_is_refused() {
    let gate = Arc::new(Notify::new());
    let script = Script::new().read_request().wait(&gate).write(OK).again();
    let upstream = RawUpstream::start([script]).await;
    let links = "upstream: { links: { max: 1, wait: 100ms } }";
    let gateway = Gateway::plain(&upstream.url(), links);
    let first = ask(&gateway, "api", "GET");
    upstream.request().await;
    refused(&ask(&gateway, "api", "GET").await.expect("an answer"));
    gate.notify_one();
    assert_eq!(first.await.expect("an answer").status, 200);
    gate.notify_one();
    assert_eq!(ask(&gateway, "api", "GET").await.expect("an answer").status, 200);
}

#[tokio::test]
async fn an_idle_link_that_can_not_be_used_makes_room() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let links = "upstream: { links: { max: 1, queue: 0 } }";
    let gateway = Gateway::plain(&upstream.url(), links);
    // A POST does not go on a link of which it is not yet known that it is kept.
    for method in ["GET", "POST", "GET", "POST"] {
        let answer = ask(&gateway, "api", method).await.expect("an answer");
        assert_eq!(answer.status, 200, "{method}: {answer:?}");
    }
    let one_is_open = async {
        while gateway.metric("attache_pool_open_links", &[]).await != 1.0 {
            tokio::task::yield_now().await;
        }
    };
    soon("one link to be open", one_is_open).await;
}

#[tokio::test]
async fn a_slow_upstream_takes_no_links_of_a_fast_one() {
    let slow = RawUpstream::start([Script::new().read_request().read_to_end()]).await;
    let fast = RawUpstream::start([Script::ok("ok")]).await;
    let api = |name: &str, url: &str| {
        format!("  {name}: {{ base_url: \"{url}\", auth: {{ m: {{ none: {{}} }} }} }}\n")
    };
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}\n\
         upstream: {{ links: {{ max: 5, queue: 5, wait: 60s }}, timeouts: {{ first_byte: 500ms }} }}\n\
         connectors:\n{}{}connections:\n  slow: {{ connector: slow, auth: m }}\n\
         \x20 fast: {{ connector: fast, auth: m }}\n",
        api("slow", &slow.url()),
        api("fast", &fast.url()),
    ));
    let mut stuck = JoinSet::new();
    for _ in 0..50 {
        stuck.spawn(ask(&gateway, "slow", "GET"));
    }
    slow.request().await;
    for _ in 0..20 {
        assert_eq!(ask(&gateway, "fast", "GET").await.expect("an answer").status, 200);
    }
    let answers = soon("the stuck ones to be answered", stuck.join_all()).await;
    let codes: Vec<_> =
        answers.into_iter().filter_map(|it| it.expect("an answer").code()).collect();
    assert_eq!(codes.iter().filter(|it| *it == "upstream_timeout").count(), 10, "{codes:?}");
    assert_eq!(codes.iter().filter(|it| *it == "rate_limited").count(), 40, "{codes:?}");
}

#[tokio::test]
async fn where_it_is_not_known_yet_what_an_upstream_speaks_requests_wait_for_a_link_all_the_same() {
    const TUNNEL: &str =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let authority = Authority::new();
    let upstream = RawUpstream::tls(
        [Script::new().read_request().write(TUNNEL).read_to_end(), Script::ok("ok")],
        authority.good(&["http/1.1"]),
    )
    .await;
    let ca = authority.pem().replace('\n', "\\n");
    let links = "links: { max: 1, queue: 2, wait: 60s }";
    let gateway =
        Gateway::plain(&upstream.url(), &format!("upstream: {{ ca: \"{ca}\", {links} }}"));
    let mut tunnel = gateway.client().await;
    let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    tunnel.send(tagged("GET", "/", fields, "")).await;
    assert_eq!(tunnel.response().await.map(|it| it.status), Some(101));

    let asked: Vec<_> = (0..2).map(|_| ask(&gateway, "api", "GET")).collect();
    until_queued(&gateway, 2.0).await;
    refused(&ask(&gateway, "api", "GET").await.expect("an answer"));
    drop(tunnel);

    for answer in asked {
        assert_eq!(soon("an answer", answer).await.expect("an answer").text(), "ok");
    }
}

/// As behind a network that has come apart: nothing arrives any more, not even a reset.
#[tokio::test]
async fn an_upstream_that_is_cut_off_without_a_word_holds_no_link_beyond_its_deadline() {
    let frozen = Script::new().read_request().write("HTTP/1.1 200 OK\r\nContent-Le").read_to_end();
    let silent = Script::new().read_request().read_to_end();
    let upstream = RawUpstream::start([silent, frozen, Script::ok("back")]).await;
    let settings = "upstream: { links: { max: 1, queue: 0 }, timeouts: { first_byte: 200ms } }";
    let gateway = Gateway::plain(&upstream.url(), settings);
    for closed in 1..=2 {
        let answer = ask(&gateway, "api", "GET").await.expect("an answer");
        assert_eq!((answer.status, answer.code().as_deref()), (504, Some("upstream_timeout")));
        // The only link that there may be is closed from our side.
        upstream.ended(closed).await;
    }
    assert_eq!(ask(&gateway, "api", "GET").await.expect("an answer").text(), "back");
    assert_eq!(upstream.links(), 3);
}
