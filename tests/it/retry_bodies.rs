//! Bodies that are sent again: as they were, from memory or from a file, and without being held back.
use crate::support::Gateway;
use crate::support::Http2Upstream;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::http2::CANCEL;
use crate::support::http2::HEADERS;
use crate::support::http2::RST_STREAM;
use crate::support::http2::headers;
use crate::support::http2::settings;
use crate::support::http2::window_update;
use crate::support::soon;
use crate::support::tagged;
use tokio::sync::mpsc;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const DOWN: &str = "HTTP/1.1 503 Down\r\nContent-Length: 4\r\n\r\ndown";

/// Two retries with next to no wait; 64 KiB in memory, 4 MiB in a file.
const TWO: &str =
    "upstream: { retries: { attempts: 2, base: 1ms, budget_floor: 200, max_spill: 4MiB } }";

/// Fails twice, and then does not.
fn third_time() -> Script {
    Script::new().read_request().write(DOWN).read_request().write(DOWN).read_request().write(OK)
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

fn head(method: &str, fields: &str) -> String {
    tagged(method, "/x", fields, "")
}

/// The request in as many pieces as its body has, each waiting for the one before.
async fn send(client: &mut RawClient, head: String, pieces: &[&[u8]]) {
    client.send(head).await;
    for piece in pieces {
        client.try_send(piece).await;
    }
}

async fn retries(gateway: &Gateway, outcome: &str) -> f64 {
    let label = format!("outcome=\"{outcome}\"");
    gateway.metric("attache_retries_total", &[&label]).await
}

#[tokio::test]
async fn a_body_is_sent_again_byte_for_byte_from_memory_or_from_a_file() {
    for length in [1, 1000, 64 << 10, (64 << 10) + 1, 200_000, 3_000_000, 4 << 20] {
        let upstream = RawUpstream::start([third_time()]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        let bytes = body(length);
        let mut client = gateway.client().await;
        let length_field = format!("Content-Length: {length}\r\n");
        let pieces: Vec<&[u8]> = bytes.chunks(100_000).collect();
        send(&mut client, head("PUT", &length_field), &pieces).await;
        assert_eq!(client.response().await.map(|it| it.status), Some(200), "{length}");
        for attempt in 1..=3 {
            let received = upstream.request().await;
            assert!(received.body == bytes, "{length} bytes, attempt {attempt}");
            assert_eq!(received.field("content-length"), Some(length.to_string().as_str()));
            assert_eq!(received.field("transfer-encoding"), None);
        }
        let dropped =
            async { while gateway.metric("attache_bodies_held_bytes", &[]).await > 0.0 {} };
        soon("what was kept to be dropped", dropped).await;
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_sent_again_with_its_trailers() {
    for pieces in [1, 3000] {
        let upstream = RawUpstream::start([third_time()]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        let bytes = body(100);
        let mut client = gateway.client().await;
        let fields = "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n";
        client.send(head("PUT", fields)).await;
        for _ in 0..pieces {
            client.send([b"64\r\n", bytes.as_slice(), b"\r\n"].concat()).await;
        }
        client.send("0\r\nX-Sum: 7\r\nAuthorization: forged\r\n\r\n").await;
        assert_eq!(client.response().await.map(|it| it.status), Some(200));
        for attempt in 1..=3 {
            let received = upstream.request().await;
            assert!(received.body == bytes.repeat(pieces), "attempt {attempt}");
            assert_eq!(received.field("transfer-encoding"), Some("chunked"), "attempt {attempt}");
            assert_eq!(received.trailers, ["x-sum: 7"], "attempt {attempt}");
        }
    }
}

#[tokio::test]
async fn a_post_is_sent_again_only_by_its_key() {
    for (key, status, sent) in [("Idempotency-Key: 7\r\n", 200, 3), ("", 503, 1)] {
        let upstream = RawUpstream::start([third_time()]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        let got = gateway.through("POST", "/x", key, "once").await;
        assert_eq!(got.status, status, "{key}");
        for _ in 0..sent {
            assert_eq!(upstream.request().await.body, b"once");
        }
        assert!(upstream.request_so_far().await.is_none());
    }
}

#[tokio::test]
async fn a_body_over_the_bound_is_sent_once_and_the_answer_passed_on() {
    let bounds = [
        ("max_memory: 1KiB, max_spill: 8KiB", 8 << 10),
        ("max_memory: 8KiB, max_spill: 0B", 8 << 10),
        ("max_memory: 0B, max_spill: 0B", 0),
    ];
    for (bound, most) in bounds {
        let settings = format!(
            "upstream: {{ retries: {{ attempts: 2, base: 1ms, budget_floor: 200, {bound} }} }}"
        );
        for length in [most, most + 1, 1 << 20] {
            let upstream = RawUpstream::start([third_time()]).await;
            let gateway = Gateway::plain(&upstream.url(), &settings);
            let text = "x".repeat(length.max(1));
            let got = gateway.through("PUT", "/x", "", &text).await;
            let expected = if text.len() <= most { 200 } else { 503 };
            assert_eq!(got.status, expected, "{bound}: {length}");
            assert_eq!(upstream.request().await.body.len(), text.len(), "{bound}: {length}");
            if expected == 503 {
                assert_eq!(got.text(), "down", "{bound}: {length}");
                assert_eq!(retries(&gateway, "not_repeatable").await, 1.0, "{bound}: {length}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_memory_has_no_room_for_is_sent_once() {
    let server = r#"
log: { format: json, access: ACCESS }
server:
  memory: { bodies: 32KiB }
  proxy: { listen: "127.0.0.1:0", workers: 1 }
  admin: { listen: "127.0.0.1:0", token: the-operator-s-token-0123 }
  public: { listen: "127.0.0.1:0", max_body: 1KiB }
  shutdown: { ready_delay: 0s, drain: 5s }
"#;
    for (length, status) in [(10_000, 200), (40_000, 503), (1 << 20, 503)] {
        let upstream = RawUpstream::start([third_time()]).await;
        let gateway =
            Gateway::try_start(&Gateway::usual(&upstream.url()), server).expect("it starts");
        let fields = "Attache-Connection: open\r\nAttache-Retries: 2\r\n";
        let got = gateway.send("PUT", "/x", fields, &"x".repeat(length)).await;
        assert_eq!(got.status, status, "{length}");
        assert_eq!(upstream.request().await.body.len(), length);
    }
}

#[tokio::test]
async fn a_disk_that_takes_nothing_costs_the_retry_and_nothing_else() {
    for (length, status) in [(10_000, 200), (65_537, 503), (3_000_000, 503)] {
        let upstream = RawUpstream::start([third_time()]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        std::fs::remove_dir(gateway.spill_folder()).expect("nothing is in it");
        let got = gateway.through("PUT", "/x", "", &"x".repeat(length)).await;
        assert_eq!(got.status, status, "{length}");
        assert_eq!(upstream.request().await.body.len(), length);
    }
}

#[tokio::test]
async fn a_body_in_a_file_has_no_name_and_is_gone_with_its_exchange() {
    let open_files = |folder: &std::path::Path| {
        let all = std::fs::read_dir("/proc/self/fd").expect("a process sees its files");
        let links = all.filter_map(|it| std::fs::read_link(it.ok()?.path()).ok());
        links.filter(|it| it.starts_with(folder)).count()
    };
    let half = 1_000_000;
    let first = Script::new().read_head().read_rest(half).read_rest(half).write(OK).read_to_end();
    let upstream = RawUpstream::start([first]).await;
    let gateway = Gateway::plain(&upstream.url(), TWO);
    let folder = gateway.spill_folder();
    let mut client = gateway.client().await;
    client.send(head("PUT", &format!("Content-Length: {}\r\n", 2 * half))).await;
    client.send(body(half)).await;
    upstream.rest_read(1).await;
    assert_eq!(open_files(&folder), 1);
    assert_eq!(std::fs::read_dir(&folder).expect("it is there").count(), 0);
    client.send(body(half)).await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    soon("the file to be closed", async { while open_files(&folder) > 0 {} }).await;
}

#[tokio::test]
async fn over_http2_a_body_is_sent_again_byte_for_byte_too() {
    let bytes = body(400_000);
    let (arrived, mut bodies) = tokio::sync::mpsc::unbounded_channel();
    let upstream = Http2Upstream::start(move |mut link| {
        let arrived = arrived.clone();
        async move {
            link.send(settings(&[])).await;
            // Before its body, after its body, and a good one.
            let early = link.next_of(HEADERS).await.expect("a request").stream;
            link.send(headers(early, &[(":status", "503")], true)).await;
            link.send(window_update(0, 1 << 24)).await;
            for status in ["429", "200"] {
                let (stream, body) = link.whole_request_but(early).await.expect("a request");
                arrived.send(body).expect("the test waits");
                link.send(headers(stream, &[(":status", status)], true)).await;
            }
            assert_eq!(link.resets, [early], "nothing goes on where nobody listens");
            arrived.send(Vec::new()).expect("the test waits");
            link.ended().await;
        }
    })
    .await;
    let gateway =
        Gateway::plain(&upstream.url(), &TWO.replace("upstream: {", "upstream: { http: 2,"));
    let mut client = gateway.client().await;
    client.send(head("PUT", &format!("Content-Length: {}\r\n", bytes.len()))).await;
    client.send(&bytes).await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    for _ in 0..2 {
        let got = soon("a body", bodies.recv()).await.expect("the upstream is alive");
        assert!(got == bytes, "{} of {} bytes", got.len(), bytes.len());
    }
    soon("the upstream's word", bodies.recv()).await.expect("the first stream was reset");
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn what_is_kept_is_not_held_back() {
    let half = body(300_000);
    let first = Script::new().read_head().read_rest(half.len()).read_rest(half.len()).write(DOWN);
    let upstream = RawUpstream::start([first.read_request().write(OK)]).await;
    let gateway = Gateway::plain(&upstream.url(), TWO);
    let mut client = gateway.client().await;
    client.send(head("PUT", &format!("Content-Length: {}\r\n", 2 * half.len()))).await;
    client.send(&half).await;
    // The second half is sent only once the upstream has the first.
    upstream.rest_read(1).await;
    client.send(&half).await;
    assert_eq!(client.response().await.map(|it| it.status), Some(200));
    let (first, second) = (upstream.request().await, upstream.request().await);
    assert!(!first.complete && second.body == half.repeat(2));
}

#[tokio::test]
async fn an_answer_before_the_body_s_end_loses_nothing_of_it() {
    let bytes = body(600_000);
    let early = Script::new().read_head().write(DOWN).read_to_end();
    let upstream = RawUpstream::start([early, Script::ok("second")]).await;
    let gateway = Gateway::plain(&upstream.url(), TWO);
    let mut client = gateway.client().await;
    client.send(head("PUT", &format!("Content-Length: {}\r\n", bytes.len()))).await;
    upstream.request().await;
    for piece in bytes.chunks(50_000) {
        client.send(piece).await;
    }
    assert_eq!(client.response().await.map(|it| it.text()), Some("second".to_owned()));
    assert!(upstream.request().await.body == bytes);
}

#[tokio::test]
async fn a_caller_that_hangs_up_in_its_body_while_we_wait_ends_it() {
    let refusal = "HTTP/1.1 503 Down\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n";
    let settings = "upstream: { retries: { attempts: 1, cap: 1h } }";
    for (name, sent) in [("before its first byte", 0), ("in the middle", 30_000)] {
        let early = Script::new().read_head().read_rest(sent).write(refusal).read_to_end();
        let upstream = RawUpstream::start([early, Script::ok("never")]).await;
        let gateway = Gateway::plain(&upstream.url(), settings);
        let mut client = gateway.client().await;
        client.send(head("PUT", "Content-Length: 50000\r\n")).await;
        client.send(body(sent)).await;
        // The wait has begun when the answer's link is let go, since the request is not over on it.
        upstream.ended(1).await;
        client.hang_up();
        let over = async { while gateway.metric("attache_requests_in_flight", &[]).await > 0.0 {} };
        soon(name, over).await;
        assert_eq!(upstream.links(), 1, "{name}");
        let log = gateway.stop();
        assert_eq!((&log[0]["attempts"], &log[0]["error_source"]), (&1.into(), &"caller".into()));
    }
}

#[tokio::test]
async fn an_attempt_that_was_given_up_reads_no_more_of_the_body() {
    let (told, mut resets) = mpsc::unbounded_channel();
    let upstream = Http2Upstream::start(move |mut link| {
        let told = told.clone();
        async move {
            link.send(settings(&[])).await;
            let stream = link.next_of(HEADERS).await.expect("a request").stream;
            // A refusal without its body: it would be read for as long as the wait lasts.
            let refusal = [(":status", "503"), ("retry-after", "600")];
            link.send(headers(stream, &refusal, false)).await;
            let reset = link.next_of(RST_STREAM).await;
            let _ = told.send(reset.map(|it| (it.stream, it.code())));
            link.ended().await;
        }
    })
    .await;
    let settings = "upstream: { http: 2, retries: { attempts: 1, cap: 1h } }";
    let gateway = Gateway::plain(&upstream.url(), settings);
    let mut client = gateway.client().await;
    client.send(head("PUT", "Content-Length: 50000\r\n")).await;
    client.send(body(10_000)).await;

    // What the caller still sends is for the next attempt: this one's request breaks off.
    let reset = soon("the upstream's word", resets.recv()).await.expect("it runs");
    assert_eq!(reset, Some((1, CANCEL)));
    assert_eq!(gateway.metric("attache_requests_in_flight", &[]).await, 1.0, "it waits");
    client.hang_up();
}

#[tokio::test]
async fn a_body_that_was_not_touched_goes_on_a_fresh_link_when_the_pooled_one_is_dead() {
    // Each link serves one request, and ends when it has the head of the next.
    let once = Script::new()
        .read_head()
        .write("HTTP/1.1 100 Continue\r\n\r\n")
        .read_rest(4)
        .write(OK)
        .read_head();
    let upstream = RawUpstream::start([once]).await;
    let gateway = Gateway::plain(&upstream.url(), "");
    let reused = async {
        // A body goes on a pooled link only once the upstream is known to keep them.
        while retries(&gateway, "sent").await < 1.0 {
            let mut client = gateway.client().await;
            client.send(head("PUT", "Content-Length: 4\r\nExpect: 100-continue\r\n")).await;
            client.bytes_until("100 Continue\r\n\r\n").await;
            client.send("body").await;
            assert_eq!(client.response().await.map(|it| it.status), Some(200));
        }
    };
    soon("a pooled link that is dead", reused).await;
    let log = gateway.stop();
    assert_eq!(log.last().map(|it| &it["attempts"]), Some(&2.into()), "{log:?}");
}

#[tokio::test]
async fn a_put_is_not_sent_again_once_its_body_has_gone_and_nobody_asked_for_it() {
    let upstream = RawUpstream::start([Script::new().read_request(), Script::ok("second")]).await;
    let gateway = Gateway::plain(&upstream.url(), "");
    let got = gateway.through("PUT", "/x", "", "once").await;
    assert_eq!(got.code().as_deref(), Some("upstream_protocol"), "{got:?}");
    assert_eq!(upstream.links(), 1);
}
