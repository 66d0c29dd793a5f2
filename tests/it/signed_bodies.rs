//! Bodies that a signature covers: read before they are sent, within bounds, and sent as they came.
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Received;
use crate::support::Script;
use crate::support::soon;
use crate::support::tagged;
use sha2::Digest;
use sha2::Sha256;
use std::sync::Arc;
use tokio::sync::Notify;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const DOWN: &str = "HTTP/1.1 503 Down\r\nContent-Length: 4\r\n\r\ndown";
const DOWN_AND_CLOSED: &str =
    "HTTP/1.1 503 Down\r\nConnection: close\r\nContent-Length: 4\r\n\r\ndown";

/// A connection whose signature has the body's SHA-256 beside it, in `X-Amz-Content-Sha256`.
fn configuration(url: &str, settings: &str) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
{settings}
connectors:
  api:
    base_url: {url}
    auth: {{ m: {{ aws_sigv4: {{ service: s3, region: eu-west-1 }} }} }}
connections:
  api:
    connector: api
    auth: m
    credentials: {{ access_key_id: AKIDEXAMPLE, secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY }}
"
    )
}

fn gateway(upstream: &RawUpstream, settings: &str) -> Gateway {
    Gateway::start(&configuration(&upstream.url(), settings))
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
    assert!(received.body == body, "{} of {} bytes", received.body.len(), body.len());
    let hash = hex::encode(Sha256::digest(body));
    assert_eq!(received.field("x-amz-content-sha256"), Some(hash.as_str()));
    let authorization = received.field("authorization").expect("a signature");
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
        "{authorization}"
    );
}

async fn put(client: &mut RawClient, fields: &str, body: &[u8]) {
    client.send(tagged("PUT", "/bucket/x", fields, "")).await;
    for piece in body.chunks(100_000) {
        client.try_send(piece).await;
    }
}

#[tokio::test]
async fn a_body_is_hashed_and_sent_byte_for_byte_from_memory_or_from_a_file() {
    for length in [1, 1000, 1 << 20, (1 << 20) + 1, 5_000_000] {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let gateway = gateway(&upstream, "");
        let bytes = body(length);
        let mut client = gateway.client().await;
        put(&mut client, &format!("Content-Length: {length}\r\n"), &bytes).await;
        assert_eq!(client.response().await.map(|it| it.status), Some(200), "{length}");
        let received = upstream.request().await;
        assert_signed(&received, &bytes);
        assert_eq!(received.field("content-length"), Some(length.to_string().as_str()));
        let dropped =
            async { while gateway.metric("attache_bodies_held_bytes", &[]).await > 0.0 {} };
        soon("what was held to be dropped", dropped).await;
    }
}

#[tokio::test]
async fn a_request_without_a_body_is_signed_at_once() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&upstream, "");
    let got = gateway.raw(tagged("GET", "/bucket/x", "", "")).await;
    assert_eq!(got.status, 200, "{got:?}");
    assert_signed(&upstream.request().await, b"");
}

#[tokio::test]
async fn a_body_without_a_length_goes_on_with_one() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&upstream, "");
    let mut client = gateway.client().await;
    client.send(tagged("PUT", "/bucket/x", "Transfer-Encoding: chunked\r\n", "")).await;
    client.send("3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n").await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    let received = upstream.request().await;
    assert_signed(&received, b"abcdefg");
    assert_eq!(received.field("content-length"), Some("7"));
    assert_eq!(received.field("transfer-encoding"), None);
}

#[tokio::test]
async fn not_a_byte_is_sent_before_all_of_it_is_there() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&upstream, "");
    let mut client = gateway.client().await;
    client.send(tagged("PUT", "/bucket/x", "Content-Length: 6\r\n", "")).await;
    client.send("abc").await;
    let held = async { while gateway.metric("attache_bodies_held_bytes", &[]).await == 0.0 {} };
    soon("the first half to be held", held).await;
    assert_eq!(upstream.links(), 0);
    client.send("def").await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    assert_signed(&upstream.request().await, b"abcdef");
}

#[tokio::test]
async fn a_body_beyond_the_second_bound_is_refused_and_nothing_is_sent() {
    let bounds = "upstream: { signing: { max_memory: 1KiB, max_spill: 8KiB } }";
    for (length, status) in [(8 << 10, 200), ((8 << 10) + 1, 413), (1 << 20, 413)] {
        let bytes = body(length);
        let announced = format!("Content-Length: {length}\r\n");
        for fields in [announced.as_str(), "Transfer-Encoding: chunked\r\n"] {
            let upstream = RawUpstream::start([Script::ok("ok")]).await;
            let gateway = gateway(&upstream, bounds);
            let mut client = gateway.client().await;
            client.send(tagged("PUT", "/bucket/x", fields, "")).await;
            if fields == announced {
                client.try_send(&bytes).await;
            } else {
                for piece in bytes.chunks(1000) {
                    let size = format!("{:x}\r\n", piece.len());
                    client.try_send([size.as_bytes(), piece, b"\r\n"].concat()).await;
                }
                client.try_send("0\r\n\r\n").await;
            }
            let got = client.response().await.expect("an answer");
            assert_eq!(got.status, status, "{length} {fields}");
            if status == 413 {
                assert_eq!(got.code().as_deref(), Some("body_too_large_to_sign"));
                assert!(got.text().contains("longer than 8192 bytes"), "{}", got.text());
                assert_eq!(upstream.links(), 0);
            }
        }
    }
}

#[tokio::test]
async fn a_caller_that_leaves_in_the_middle_costs_nobody_anything() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&upstream, "");
    let mut client = gateway.client().await;
    client.send(tagged("PUT", "/bucket/x", "Content-Length: 6\r\n", "")).await;
    client.send("abc").await;
    let held = async { while gateway.metric("attache_bodies_held_bytes", &[]).await == 0.0 {} };
    soon("the first half to be held", held).await;
    client.hang_up();
    let dropped = async { while gateway.metric("attache_bodies_held_bytes", &[]).await > 0.0 {} };
    soon("what was held to be dropped", dropped).await;
    assert_eq!(upstream.links(), 0);
}

#[tokio::test]
async fn a_retry_has_the_same_body_under_its_signature() {
    let settings = "upstream: { retries: { attempts: 2, base: 1ms, budget_floor: 200 } }";
    for length in [1000, 2_000_000] {
        let twice = Script::new().read_request().write(DOWN).read_request().write(OK);
        let upstream = RawUpstream::start([twice]).await;
        let gateway = gateway(&upstream, settings);
        let bytes = body(length);
        let mut client = gateway.client().await;
        put(&mut client, &format!("Content-Length: {length}\r\n"), &bytes).await;
        assert_eq!(client.response().await.map(|it| it.status), Some(200), "{length}");
        for _ in 0..2 {
            assert_signed(&upstream.request().await, &bytes);
        }
    }
}

#[tokio::test]
async fn a_body_that_was_answered_in_the_middle_is_hashed_from_its_beginning_again() {
    let settings = "upstream: { retries: { attempts: 2, base: 1ms, budget_floor: 200 } }";
    // More than is read there and the sockets between hold, as a rule. Where they hold all of it, the first
    // link has carried a whole request, and only its answer keeps it from being used for the second.
    let bytes = body(10_000_000);
    let unread = Arc::new(Notify::new());
    let early = Script::new().read_head().read_rest(500_000).write(DOWN_AND_CLOSED).wait(&unread);
    let upstream = RawUpstream::start([early, Script::ok("ok")]).await;
    let gateway = gateway(&upstream, settings);
    let mut client = gateway.client().await;
    put(&mut client, "Content-Length: 10000000\r\n", &bytes).await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    let _first = upstream.request().await;
    assert_signed(&upstream.request().await, &bytes);
}

#[tokio::test]
async fn no_two_attempts_have_a_nonce_in_common() {
    let settings = "upstream: { retries: { attempts: 2, base: 1ms, budget_floor: 200 } }";
    let twice = Script::new().read_request().write(DOWN).read_request().write(OK);
    let upstream = RawUpstream::start([twice]).await;
    let configuration = configuration(&upstream.url(), settings)
        .replace("aws_sigv4: { service: s3, region: eu-west-1 }", "oauth1: { body_hash: true }")
        .replace(
            "access_key_id: AKIDEXAMPLE, secret_access_key: ",
            "consumer_key: k, consumer_secret: ",
        );
    let gateway = Gateway::start(&configuration);
    let mut client = gateway.client().await;
    put(&mut client, "Content-Length: 3\r\n", b"abc").await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    let mut seen = Vec::new();
    for _ in 0..2 {
        let received = upstream.request().await;
        let signature = received.field("authorization").expect("a signature").to_owned();
        // SHA-1 of `abc`, in Base64 and percent-encoded.
        assert!(
            signature.contains("oauth_body_hash=\"qZk%2BNkcGgWq6PiVxeFDCbJzQ2J0%3D\""),
            "{signature}"
        );
        let (_, nonce) = signature.split_once("oauth_nonce=\"").expect("a nonce");
        seen.push(nonce.split('"').next().unwrap_or_default().to_owned());
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn what_a_caller_asks_to_drop_makes_no_difference_to_what_is_read() {
    let stated = format!("X-Amz-Content-Sha256: {}\r\n", hex::encode(Sha256::digest(b"else")));
    for drop in ["Attache-Ignore-Headers: x-amz-content-sha256", "Connection: x-amz-content-sha256"]
    {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let gateway = gateway(&upstream, "");
        let mut client = gateway.client().await;
        put(&mut client, &format!("{stated}{drop}\r\nContent-Length: 3\r\n"), b"abc").await;
        assert_eq!(client.response().await.map(|it| it.status), Some(200), "{drop}");
        assert_signed(&upstream.request().await, b"abc");
    }
}

#[tokio::test]
async fn a_body_that_memory_has_no_room_for_is_refused_for_now() {
    let server = r#"
log: { format: json, access: ACCESS }
server:
  memory: { bodies: 32KiB }
  proxy: { listen: "127.0.0.1:0", workers: 1 }
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { listen: "127.0.0.1:0", max_body: 1KiB }
  shutdown: { ready_delay: 0s, drain: 5s }
"#;
    for (length, status) in [(10_000, 200), (40_000, 503)] {
        let upstream = RawUpstream::start([Script::ok("ok")]).await;
        let configuration = configuration(&upstream.url(), "");
        let gateway = Gateway::try_start(&configuration, server).expect("it starts");
        let mut client = gateway.client().await;
        put(&mut client, &format!("Content-Length: {length}\r\n"), &body(length)).await;
        let got = client.response().await.expect("an answer");
        assert_eq!(got.status, status, "{length}");
        if status == 503 {
            assert_eq!(got.code().as_deref(), Some("overloaded"));
            assert!(got.field("retry-after").is_some());
        }
    }
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_a_fault_of_ours_and_nothing_is_sent() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = gateway(&upstream, "");
    std::fs::remove_dir(gateway.spill_folder()).expect("nothing is in it");
    let mut client = gateway.client().await;
    put(&mut client, "Content-Length: 2000000\r\n", &body(2_000_000)).await;
    let got = client.response().await.expect("an answer");
    assert_eq!((got.status, got.code().as_deref()), (500, Some("internal")));
    assert_eq!(upstream.links(), 0);
}

#[tokio::test]
async fn an_upstream_s_clock_that_is_far_off_is_told_where_it_refuses() {
    let far = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    for (status, date, is_told) in
        [("403 Forbidden", far, true), ("403 Forbidden", "", false), ("200 OK", far, false)]
    {
        let answer = format!("HTTP/1.1 {status}\r\n{date}Content-Length: 2\r\n\r\nno");
        let upstream = RawUpstream::start([Script::answer(answer)]).await;
        let gateway = gateway(&upstream, "");
        let got = gateway.raw(tagged("GET", "/bucket/x", "", "")).await;
        assert_eq!(got.text(), "no", "the answer is the upstream's");
        assert!(got.field("attache-error").is_none());
        let warning = got.field("attache-warning").unwrap_or_default();
        assert_eq!(warning.contains("s behind attache's"), is_told, "{status} {warning}");
        let counted = gateway.metric("attache_upstream_skewed_refusals_total", &[]).await;
        assert_eq!(counted > 0.0, is_told, "{status}");
    }
}
