//! A caller's HTTP/1.1 link from one request to the next: what keeps it, what ends it, and how it ends.
use crate::support::Gateway;
use crate::support::Http2Upstream;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::http2::DATA;
use crate::support::http2::HEADERS;
use crate::support::http2::RST_STREAM;
use crate::support::http2::headers;
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
