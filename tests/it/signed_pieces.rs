//! Bodies that are signed piece by piece while they are sent: nothing is read before, and nothing is kept.
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Received;
use crate::support::Script;
use crate::support::aws::KEY_ID;
use crate::support::aws::SECRET;
use crate::support::aws::Signed;
use crate::support::soon;
use crate::support::tagged;
use tokio::task::yield_now;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const DOWN: &str = "HTTP/1.1 503 Down\r\nContent-Length: 4\r\n\r\ndown";

fn gateway(upstream: &RawUpstream, settings: &str) -> Gateway {
    let url = upstream.url();
    Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}
{settings}
connectors:
  api:
    base_url: {url}
    auth: {{ m: {{ aws_sigv4: {{ service: s3, region: eu-west-1, payload: streaming }} }} }}
connections:
  api:
    connector: api
    auth: m
    credentials: {{ access_key_id: {KEY_ID}, secret_access_key: {SECRET} }}
"
    ))
}

/// Bytes without a pattern that a mistake in order or length could hide behind.
fn body(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn assert_signed(received: &Received, body: &[u8]) {
    let signed = Signed::received(received, SECRET);
    assert!(signed.is_right(), "{signed:?}");
    assert_eq!(received.field("x-amz-content-sha256"), Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"));
    assert_eq!(received.field("x-amz-decoded-content-length"), Some(&*body.len().to_string()));
    assert_eq!(received.field("content-length"), Some(&*received.body.len().to_string()));
    assert_eq!(received.field("transfer-encoding"), None);
    assert!(signed.unpacked(&received.body) == body);
}

#[tokio::test]
async fn pieces_of_any_size_arrive_signed_one_upon_the_other() {
    for (length, piece) in
        [(1, 1), (1_000, 7), (65_536, 65_536), (65_537, 10_000), (5_000_000, 300_000)]
    {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let gateway = gateway(&upstream, "");
        let bytes = body(length);
        let mut client = gateway.client().await;
        let fields = format!("Content-Length: {length}\r\nContent-Encoding: gzip\r\n");
        client.send(tagged("PUT", "/bucket/x", &fields, "")).await;
        for piece in bytes.chunks(piece) {
            client.try_send(piece).await;
        }
        assert_eq!(client.response().await.map(|it| it.status), Some(200), "{length}");
        let received = upstream.request().await;
        assert_signed(&received, &bytes);
        assert_eq!(received.field("content-encoding"), Some("aws-chunked,gzip"));
        assert!(gateway.metric("attache_bodies_held_bytes", &[]).await < 1.0);
    }
}

#[tokio::test]
async fn it_begins_before_the_body_is_there() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&upstream, "");
    let bytes = body(200_000);
    let mut client = gateway.client().await;
    client.send(tagged("PUT", "/bucket/x", "Content-Length: 200000\r\n", "")).await;
    client.send(&bytes[..100_000]).await;
    soon("a link upstream", async {
        while upstream.links() == 0 {
            yield_now().await
        }
    })
    .await;
    client.send(&bytes[100_000..]).await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    assert_signed(&upstream.request().await, &bytes);
}

#[tokio::test]
async fn a_body_without_a_length_is_read_first() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&upstream, "");
    let mut client = gateway.client().await;
    client.send(tagged("PUT", "/bucket/x", "Transfer-Encoding: chunked\r\n", "")).await;
    client.send("3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n").await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    assert_signed(&upstream.request().await, b"abcdefg");
}

#[tokio::test]
async fn a_request_without_a_body_has_no_pieces() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&upstream, "");
    let got = gateway.raw(tagged("GET", "/bucket/x?acl=", "", "")).await;
    assert_eq!(got.status, 200, "{got:?}");
    let received = upstream.request().await;
    assert!(Signed::received(&received, SECRET).is_right(), "{received:?}");
    assert_eq!(received.field("content-encoding"), None);
    assert!(received.body.is_empty());
}

/// As SDKs do it that sign uploads in pieces: with a key that is nobody's.
#[tokio::test]
async fn pieces_that_an_sdk_has_signed_are_signed_anew() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&upstream, "");
    let bytes = body(100_000);
    let mut framed = Vec::new();
    for piece in bytes.chunks(30_000).chain([&[][..]]) {
        let head = format!("{:x};chunk-signature={}\r\n", piece.len(), "0".repeat(64));
        framed.extend([head.as_bytes(), piece, b"\r\n"].concat());
    }
    let fields = format!(
        "Content-Length: {}\r\nContent-Encoding: aws-chunked\r\nX-Amz-Decoded-Content-Length: 100000\r\n\
         X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n",
        framed.len()
    );
    let mut client = gateway.client().await;
    client.send(tagged("PUT", "/bucket/x", &fields, "")).await;
    for piece in framed.chunks(9_999) {
        client.try_send(piece).await;
    }
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    let received = upstream.request().await;
    assert_signed(&received, &bytes);
    assert_eq!(received.field("content-encoding"), Some("aws-chunked"));
}

#[tokio::test]
async fn a_retry_is_signed_from_its_first_piece_on() {
    let settings = "upstream: { retries: { attempts: 2, base: 1ms, budget_floor: 200 } }";
    let twice = Script::new().read_request().write(DOWN).read_request().write(OK);
    let upstream = RawUpstream::start([twice]).await;
    let gateway = gateway(&upstream, settings);
    let bytes = body(150_000);
    let mut client = gateway.client().await;
    client.send(tagged("PUT", "/bucket/x", "Content-Length: 150000\r\n", "")).await;
    client.send(&bytes).await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    for _ in 0..2 {
        assert_signed(&upstream.request().await, &bytes);
    }
}

#[tokio::test]
async fn a_caller_that_leaves_in_the_middle_closes_nothing_with_a_signature() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&upstream, "");
    let bytes = body(100_000);
    let mut client = gateway.client().await;
    client.send(tagged("PUT", "/bucket/x", "Content-Length: 200000\r\n", "")).await;
    client.send(&bytes).await;
    soon("a link upstream", async {
        while upstream.links() == 0 {
            yield_now().await
        }
    })
    .await;
    client.hang_up();
    let received = upstream.request().await;
    assert!(!received.complete, "{} bytes", received.body.len());
    let last = b"\r\n0;chunk-signature=";
    assert!(!received.body.windows(last.len()).any(|it| it == last));
}
