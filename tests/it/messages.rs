//! Messages in both directions: what arrives is what was sent, as it comes, and no more.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::tagged;
use std::sync::Arc;
use tokio::sync::Notify;

async fn plain(scripts: impl IntoIterator<Item = Script>) -> (RawUpstream, Gateway) {
    let upstream = RawUpstream::start(scripts).await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    (upstream, gateway)
}

#[tokio::test]
async fn a_body_streams_in_both_directions_at_once() {
    let gate = Arc::new(Notify::new());
    let (upstream, gateway) = plain([Script::new()
        .read_head()
        .write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none")
        .wait(&gate)
        .write("two")
        .read_to_end()])
    .await;
    let mut client = gateway.client().await;
    client.send(tagged("POST", "/", "Content-Length: 6\r\n", "")).await;
    client.send("abc").await;
    assert_eq!(upstream.request().await.line(), "POST / HTTP/1.1");

    // The first half of the answer is here while half of the request is not yet sent.
    let head = client.bytes_until("one").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    client.send("def").await;
    gate.notify_one();
    assert!(client.bytes_until("two").await.ends_with("two"));
}

#[tokio::test]
async fn head_and_bodiless_statuses_have_no_body_and_leave_the_link_usable() {
    let (upstream, gateway) = plain([Script::new()
        .read_request()
        .write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        .read_request()
        .write("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: \"a\"\r\n\r\n")
        .read_request()
        .write("HTTP/1.1 204 No Content\r\n\r\n")
        .read_request()
        .write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")])
    .await;
    let mut client = gateway.client().await;
    client.send(tagged("HEAD", "/", "", "")).await;
    let head = client.response_to("HEAD").await.expect("an answer");
    assert_eq!((head.status, head.field("content-length")), (200, Some("1000")));
    for (status, text) in [(304, ""), (204, ""), (200, "hi")] {
        client.send(tagged("GET", "/", "", "")).await;
        let answer = client.response().await.expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (status, text));
    }
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn a_websocket_opens_a_tunnel_and_only_after_the_101() {
    let gate = Arc::new(Notify::new());
    let (upstream, gateway) = plain([Script::new()
        .read_head()
        .wait(&gate)
        .write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello")
        .read_rest(5)
        .write("again")])
    .await;
    let mut client = gateway.client().await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    client.send(tagged("GET", "/chat", upgrade, "")).await;
    let received = upstream.request().await;
    assert_eq!(received.field("upgrade"), Some("websocket"));
    assert_eq!(received.field("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    gate.notify_one();
    let answer = client.response().await.expect("an answer");
    assert_eq!((answer.status, answer.field("upgrade")), (101, Some("websocket")));
    assert_eq!(client.bytes(5).await, b"hello");
    client.send("frame").await;
    assert_eq!(client.bytes(5).await, b"again");
    upstream.ended(1).await;
    assert!(upstream.raw()[0].ends_with(b"\r\n\r\nframe"));
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let gates: [Arc<Notify>; 2] = std::array::from_fn(|_| Arc::new(Notify::new()));
    let (_upstream, gateway) = plain([Script::new()
        .read_request()
        .write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        .wait(&gates[0])
        .write("data: 2\n\n")
        .wait(&gates[1])])
    .await;
    let mut client = gateway.client().await;
    client.send(tagged("GET", "/events", "", "")).await;
    client.bytes_until("data: 1\n\n").await;
    gates[0].notify_one();
    client.bytes_until("data: 2\n\n").await;
    gates[1].notify_one();
    client.bytes_until("0\r\n\r\n").await;
}

#[tokio::test]
async fn a_callers_request_id_comes_back_and_a_bad_one_is_replaced() {
    let (_upstream, gateway) = plain([Script::ok("hi")]).await;
    let named = gateway.through("GET", "/", "Attache-Request-Id: order-17\r\n", "").await;
    assert_eq!(named.field("attache-request-id"), Some("order-17"));
    let blank = gateway.through("GET", "/", "Attache-Request-Id: a b\r\n", "").await;
    assert_ne!(blank.field("attache-request-id"), Some("a b"));
}
