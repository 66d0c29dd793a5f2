//! A caller's HTTP/1.1 link from one request to the next: what keeps it, what ends it, and how it ends.
use crate::support::Gateway;
use crate::support::Http2Upstream;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::http2::DATA;
use crate::support::http2::HEADERS;
use crate::support::http2::RST_STREAM;
use crate::support::http2::headers;
use crate::support::http2::settings;
use crate::support::soon;
use crate::support::tagged;
use std::fmt::Write;
use std::sync::Arc;
use tokio::sync::Notify;

/// A POST that announces more of a body than the five bytes that come with it.
fn begun() -> String {
    format!("{}hello", tagged("POST", "/x", "Content-Length: 1000\r\n", ""))
}

#[tokio::test]
async fn an_answer_that_does_not_wait_for_the_body_is_whole_and_ends_the_link() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
    ] {
        let upstream = RawUpstream::start([Script::new().read_head().write(answer)]).await;
        let gateway = Gateway::plain(&upstream.url(), "enabled: true");
        let mut client = gateway.client().await;
        client.send(begun()).await;
        let got = client.response().await.expect("an answer");
        assert!(got.complete, "{answer}: {got:?}");
        assert_eq!(got.text(), if answer.contains("hi") { "hi" } else { "" });
        assert!(client.rest().await.is_empty(), "{answer}");
        assert_eq!(gateway.metric("attache_panics_total", &[]).await, 0.0, "{answer}");
    }
}

#[tokio::test]
async fn a_refusal_that_leaves_a_body_unread_says_that_the_link_ends_and_lets_its_caller_finish() {
    let gateway = Gateway::plain("http://127.0.0.1:1", "enabled: true");
    let mut client = gateway.client().await;
    let head = "POST /x HTTP/1.1\r\nHost: g\r\nContent-Length: 1073741824\r\n\r\n";
    client.send(head).await;
    let answer = client.response().await.expect("an answer");
    assert_eq!((answer.status, answer.field("connection")), (401, Some("close")));
    assert!(client.rest().await.is_empty());
    // Not yet reset: the caller may be in the middle of writing.
    for _ in 0..3 {
        assert!(client.try_send([b'x'; 100]).await);
    }
}

#[tokio::test]
async fn a_refusal_whose_body_has_arrived_keeps_the_link() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    let mut client = gateway.client().await;
    client.send("POST /x HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\n\r\nhello").await;
    let answer = client.response().await.expect("an answer");
    assert_eq!((answer.status, answer.field("connection")), (401, None));
    client.send(tagged("GET", "/x", "", "")).await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
}

#[tokio::test]
async fn a_caller_that_hangs_up_behind_its_upload_cancels_it_on_an_http2_link_as_well() {
    let (arrived, cancelled) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, done) = (Arc::clone(&arrived), Arc::clone(&cancelled));
    let upstream = Http2Upstream::start(move |mut link| {
        let (tell, done) = (Arc::clone(&tell), Arc::clone(&done));
        async move {
            let stream = link.next_of(HEADERS).await.expect("a request").stream;
            // From its answer on an upload goes on by itself.
            link.send(headers(stream, &[(":status", "200")], false)).await;
            while !link.next_of(DATA).await.expect("the upload").is_end() {}
            tell.notify_one();
            link.next_of(RST_STREAM).await.expect("it is cancelled");
            done.notify_one();
        }
    })
    .await;
    let more = "upstream: { http: 2, timeouts: { first_byte: 60s } }";
    let gateway = Gateway::plain(&upstream.url(), more);
    let mut client = gateway.client().await;
    client.send(begun()).await;
    client.bytes_until("\r\n\r\n").await;
    client.send([b'x'; 995]).await;
    soon("the whole request", arrived.notified()).await;
    client.hang_up();
    soon("the cancellation", cancelled.notified()).await;
}

#[tokio::test]
async fn trailers_go_to_callers_that_take_them_and_to_no_others() {
    let answer =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n";
    for (fields, expected) in [("TE: trailers\r\n", "x-sum: 7"), ("", "")] {
        let upstream = RawUpstream::start([Script::answer(answer)]).await;
        let gateway = Gateway::plain(&upstream.url(), "enabled: true");
        let mut client = gateway.client().await;
        for _ in 0..2 {
            client.send(tagged("GET", "/x", fields, "")).await;
            let got = client.response().await.expect("an answer");
            assert_eq!((got.text().as_str(), got.complete), ("hi", true), "{fields}");
            assert_eq!(got.trailers.join("|").to_lowercase(), expected, "{fields}");
        }
    }
}

#[tokio::test]
async fn a_caller_of_http_1_0_may_keep_its_link() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    let mut client = gateway.client().await;
    let ask = |fields: &str| tagged("GET", "/x", fields, "").replace("HTTP/1.1", "HTTP/1.0");
    client.send(ask("Connection: keep-alive\r\n")).await;
    let answer = client.response().await.expect("an answer");
    assert_eq!(answer.head.first_line(), "HTTP/1.0 200 OK");
    assert_eq!((answer.text().as_str(), answer.field("connection")), ("hi", Some("keep-alive")));
    client.send(ask("")).await;
    let answer = client.response().await.expect("an answer");
    assert_eq!((answer.text().as_str(), answer.field("connection")), ("hi", None));
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn a_request_may_have_a_hundred_fields_and_no_more() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    // Host, the key and the tag are three.
    for (more, status) in [(97, 200), (98, 431)] {
        let mut fields = String::new();
        for number in 0..more {
            write!(fields, "X-{number}: 1\r\n").expect("a String takes it");
        }
        let mut client = gateway.client().await;
        client.send(tagged("GET", "/x", &fields, "")).await;
        assert_eq!(client.response().await.map(|it| it.status), Some(status), "{more}");
    }
}

#[tokio::test]
async fn an_answer_carries_the_date_once() {
    for (own, expected) in [("", " GMT"), ("Date: then\r\n", "then")] {
        let answer = format!("HTTP/1.1 200 OK\r\n{own}Content-Length: 2\r\n\r\nhi");
        let upstream = RawUpstream::start([Script::answer(answer)]).await;
        let gateway = Gateway::plain(&upstream.url(), "enabled: true");
        let answer = gateway.through("GET", "/x", "", "").await;
        assert!(answer.field("date").is_some_and(|it| it.ends_with(expected)), "{answer:?}");
    }
}

#[tokio::test]
async fn no_100_continue_stands_in_an_answer_that_has_begun() {
    let upstream = RawUpstream::start([Script::new()
        .read_head()
        .write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhe")
        .read_rest(5)
        .write("ll")])
    .await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    let mut client = gateway.client().await;
    let fields = "Content-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n";
    client.send(tagged("POST", "/x", fields, "")).await;
    client.bytes_until("\r\n\r\nhe").await;
    // The upload goes on once it has waited for long enough.
    client.send("hello").await;
    assert_eq!(String::from_utf8_lossy(&client.rest().await), "ll");
}

#[tokio::test]
async fn a_head_that_is_refused_lets_its_caller_finish_the_body() {
    let gateway = Gateway::plain("http://127.0.0.1:1", "enabled: true");
    let mut client = gateway.client().await;
    client.send(tagged("POST", "/x", "Content-Length: 5\r\nContent-Length: 6\r\n", "")).await;
    let answer = client.response().await.expect("an answer");
    assert_eq!((answer.status, answer.field("connection")), (400, Some("close")));
    assert!(client.rest().await.is_empty());
    // Not yet reset: the caller may be in the middle of writing.
    for _ in 0..3 {
        assert!(client.try_send([b'x'; 100]).await);
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_in_its_upload_is_not_answered_on() {
    let upstream = RawUpstream::start([Script::new()
        .read_head()
        .write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhe")
        .read_to_end()])
    .await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    let mut client = gateway.client().await;
    client.send(begun()).await;
    client.bytes_until("\r\n\r\nhe").await;
    client.hang_up();
    upstream.ended(1).await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_behind_an_empty_line_is_seen_to() {
    let upstream = RawUpstream::start([Script::new().read_request().read_to_end()]).await;
    let more = "upstream: { timeouts: { first_byte: 60s } }";
    let gateway = Gateway::plain(&upstream.url(), more);
    let mut client = gateway.client().await;
    client.send(format!("{}\r\n", tagged("POST", "/x", "", "hello"))).await;
    upstream.request().await;
    client.hang_up();
    upstream.ended(1).await;
}

#[tokio::test]
async fn a_websocket_handshake_with_a_body_is_refused() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let answer = gateway.through("GET", "/chat", upgrade, "hello").await;
    assert_eq!((answer.status, answer.code().as_deref()), (400, Some("bad_request")));
    assert_eq!(upstream.links(), 0);
}

#[tokio::test]
async fn an_answer_of_an_http2_upstream_that_leaves_a_body_unread_says_that_the_link_ends() {
    let upstream = Http2Upstream::start(|mut link| async move {
        while let Some(head) = link.next_of(HEADERS).await {
            link.send(headers(head.stream, &[(":status", "204")], true)).await;
        }
    })
    .await;
    let gateway = Gateway::plain(&upstream.url(), "upstream: { http: 2 }");
    let mut client = gateway.client().await;
    client.send(begun()).await;
    let answer = client.response_to("HEAD").await.expect("an answer");
    assert_eq!((answer.status, answer.field("connection")), (204, Some("close")));
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn a_part_of_the_http2_preface_is_no_request_and_may_be_the_beginning_of_one() {
    const SERVER: &str = r#"
log: { format: json, access: ACCESS }
server:
  proxy: { listen: "127.0.0.1:0", workers: 1, limits: { head_timeout: HEAD, idle_timeout: 10m } }
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { listen: "127.0.0.1:0" }
  shutdown: { ready_delay: 0s, drain: 0s }
"#;
    let start = |head_timeout| {
        let server = SERVER.replace("HEAD", head_timeout);
        Gateway::try_start(&Gateway::usual("http://127.0.0.1:1"), &server).expect("it starts")
    };
    let refused = "attache_links_refused_total";
    let gateway = start("300ms");
    for part in ["P", "PRI * HTTP/2.0\r\n\r\nSM"] {
        let mut client = gateway.client().await;
        client.send(part).await;
        assert!(client.rest().await.is_empty(), "{part}");
    }
    let late = async { while gateway.metric(refused, &["head_timeout"]).await < 2.0 {} };
    soon("both to be counted", late).await;

    let gateway = start("10m");
    let mut ends = gateway.client().await;
    ends.send("PRI").await;
    gateway.metric(refused, &[]).await;
    ends.finish().await;
    assert!(ends.rest().await.is_empty());
    let mut other = gateway.client().await;
    other.send("P").await;
    gateway.metric(refused, &[]).await;
    other.send("OST /x HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(other.response().await.map(|it| it.status), Some(401));
    let mut slow = gateway.client().await;
    for part in ["PR", "I * HTTP/2.0\r\n", "\r\nSM\r\n\r\n"] {
        slow.send(part).await;
        gateway.metric(refused, &[]).await;
    }
    slow.send(settings(&[])).await;
    assert_eq!(slow.bytes(4).await[3], 4, "settings are answered by settings");
}
