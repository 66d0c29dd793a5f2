//! Upstreams that break HTTP/2, or take leave in the middle of it (PL-04): the exchange that is hit fails
//! with a code, or is sent again where the upstream says that it was not looked at.
use crate::support::Authority;
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::Http2Upstream;
use crate::support::Process;
use crate::support::Response;
use crate::support::http2::CONTINUATION;
use crate::support::http2::DATA;
use crate::support::http2::END_HEADERS;
use crate::support::http2::ENHANCE_YOUR_CALM;
use crate::support::http2::HEADERS;
use crate::support::http2::HTTP_1_1_REQUIRED;
use crate::support::http2::INITIAL_WINDOW_SIZE;
use crate::support::http2::MAX_FRAME_SIZE;
use crate::support::http2::NO_ERROR;
use crate::support::http2::PROTOCOL_ERROR;
use crate::support::http2::PUSH_PROMISE;
use crate::support::http2::REFUSED_STREAM;
use crate::support::http2::answer;
use crate::support::http2::data;
use crate::support::http2::frame;
use crate::support::http2::go_away;
use crate::support::http2::headers;
use crate::support::http2::hpack;
use crate::support::http2::reset;
use crate::support::http2::settings;
use crate::support::http2::window_update;
use crate::support::raw_request;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

/// Most that the resident memory may have grown for good after hundreds of floods, of up to 2 MB each.
const GROWTH_MAX_KIB: u64 = 16 * 1024;

/// The last stream of a GOAWAY that excludes none yet (RFC 9113 §6.8).
const ALL_STREAMS: u32 = 0x7fff_ffff;

const OK: &[(&str, &str)] = &[(":status", "200")];

fn gateway(upstream: &Http2Upstream) -> Gateway {
    let settings =
        "upstream: { http: 2, timeouts: { connect: 2s, tls: 2s, first_byte: 5s, idle: 5s } }";
    Gateway::plain(&upstream.url(), settings)
}

/// An upstream that sends these bytes on its first link once a request is there. What comes later is
/// answered, on that link or another.
async fn that_sends(bytes: Vec<u8>) -> Http2Upstream {
    Http2Upstream::start(move |mut link| {
        let bytes = bytes.clone();
        async move {
            link.send(settings(&[])).await;
            if link.number > 0 {
                return link.answer_all("again").await;
            }
            link.request().await;
            link.try_send(bytes).await;
            link.answer_all("again").await;
        }
    })
    .await
}

/// 400 KB of fields, as no head may have.
fn many_fields() -> Vec<u8> {
    let value = "v".repeat(1000);
    let names: Vec<String> = (0..400).map(|n| format!("x-{n}")).collect();
    let fields: Vec<(&str, &str)> = names.iter().map(|it| (it.as_str(), value.as_str())).collect();
    hpack(&[OK, &fields].concat())
}

/// A head in as many frames as it takes.
fn in_pieces(stream: u32, block: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    for (n, piece) in block.chunks(16_000).enumerate() {
        frames.extend(frame(if n == 0 { HEADERS } else { CONTINUATION }, 0, stream, piece));
    }
    frames.extend(frame(CONTINUATION, END_HEADERS, stream, []));
    frames
}

fn outcome(answer: &Response) -> (u16, Option<String>) {
    (answer.status, answer.code())
}

fn failed() -> (u16, Option<String>) {
    (502, Some("upstream_protocol".to_owned()))
}

#[tokio::test]
async fn pl_04_what_the_upstream_says_it_did_not_look_at_is_sent_again_whatever_the_method() {
    for (name, bytes) in [
        ("refused", reset(1, REFUSED_STREAM)),
        ("leaving", go_away(0, NO_ERROR)),
        ("leaving in anger", go_away(0, ENHANCE_YOUR_CALM)),
    ] {
        for method in ["GET", "POST", "DELETE", "PATCH"] {
            let upstream = that_sends(bytes.clone()).await;
            let gateway = gateway(&upstream);
            let answer = gateway.through(method, "/", "", "").await;
            let text = answer.text();
            assert_eq!((answer.status, text.as_str()), (200, "again"), "{name}, {method}");
        }
    }
}

#[tokio::test]
async fn pl_04_a_short_body_goes_with_what_is_sent_again() {
    for (name, bytes) in [("refused", reset(1, REFUSED_STREAM)), ("leaving", go_away(0, NO_ERROR))]
    {
        for method in ["POST", "PUT"] {
            let upstream = that_sends(bytes.clone()).await;
            let gateway = gateway(&upstream);
            let answer = gateway.through(method, "/", "", "body").await;
            let text = answer.text();
            assert_eq!((answer.status, text.as_str()), (200, "again"), "{name}, {method}");
        }
    }
}

#[tokio::test]
async fn pl_04_a_request_whose_body_is_gone_is_not_sent_again() {
    let upstream = that_sends(reset(1, REFUSED_STREAM)).await;
    let gateway = gateway(&upstream);

    // More than is kept where nobody has asked for retries.
    let body = "x".repeat(64 * 1024 + 1);
    assert_eq!(outcome(&gateway.through("POST", "/", "", &body).await), failed());
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn pl_04_a_request_that_link_after_link_declines_is_answered_by_the_one_that_takes_it() {
    let upstream = Http2Upstream::start(|mut link| async move {
        link.send(settings(&[])).await;
        let Some(stream) = link.request().await else { return };
        match link.number {
            0 => link.send(go_away(0, NO_ERROR)).await,
            1 => link.send([go_away(ALL_STREAMS, NO_ERROR), go_away(0, NO_ERROR)].concat()).await,
            _ => link.send(reset(stream, REFUSED_STREAM)).await,
        }
        // What is refused on a link that stays may come again on it.
        link.answer_all("taken").await;
    })
    .await;
    let gateway = gateway(&upstream);

    let answer = gateway.through("POST", "/", "", "body").await;

    assert_eq!((answer.status, answer.text().as_str()), (200, "taken"));
    let declined = gateway.metric("attache_pool_events_total", &["\"declined\""]).await;
    assert_eq!(declined, 3.0);
    assert_eq!(gateway.metric("attache_retries_total", &["declined", "sent"]).await, 3.0);
    assert_eq!(gateway.metric("attache_retries_total", &["declined", "recovered"]).await, 1.0);
}

#[tokio::test]
async fn pl_04_a_request_that_is_declined_again_and_again_fails() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let upstream = Http2Upstream::start(move |mut link| {
        let count = Arc::clone(&count);
        async move {
            link.send(settings(&[])).await;
            while let Some(stream) = link.request().await {
                count.fetch_add(1, Ordering::Relaxed);
                link.try_send(reset(stream, REFUSED_STREAM)).await;
            }
        }
    })
    .await;
    let gateway = gateway(&upstream);

    assert_eq!(outcome(&gateway.ask("/").await), failed());
    assert_eq!(asked.load(Ordering::Relaxed), 9, "once, and eight times again");
}

#[tokio::test]
async fn pl_04_what_the_upstream_may_have_looked_at_is_not_sent_again() {
    for (name, bytes) in [
        ("reset", reset(1, PROTOCOL_ERROR)),
        ("reset without an error", reset(1, NO_ERROR)),
        ("leaving, and gone", go_away(1, NO_ERROR)),
    ] {
        let upstream = Http2Upstream::start(move |mut link| {
            let bytes = bytes.clone();
            async move {
                link.send(settings(&[])).await;
                link.request().await;
                // And the end of the link.
                link.send(bytes).await;
            }
        })
        .await;
        let gateway = gateway(&upstream);
        assert_eq!(outcome(&gateway.through("POST", "/", "", "").await), failed(), "{name}");
        assert_eq!(upstream.links(), 1, "{name}");
    }
}

#[tokio::test]
async fn pl_04_an_upstream_that_is_leaving_still_answers_what_it_has_taken() {
    let upstream = Http2Upstream::start(|mut link| async move {
        link.send(settings(&[])).await;
        if link.number > 0 {
            return link.answer_all("second link").await;
        }
        let stream = link.request().await.expect("a request");
        link.send(go_away(stream, NO_ERROR)).await;
        link.send([headers(stream, OK, false), data(stream, "first ", false)].concat()).await;
        link.send(data(stream, "link", true)).await;
        assert_eq!(link.request().await, None, "it takes nothing new");
    })
    .await;
    let gateway = gateway(&upstream);

    let answer = gateway.ask("/").await;
    assert_eq!((answer.text().as_str(), answer.complete), ("first link", true));
    assert_eq!(gateway.ask("/").await.text(), "second link");
    assert_eq!(upstream.links(), 2);
}

#[tokio::test]
async fn pl_04_an_upstream_that_wants_http1_gets_it() {
    let authority = Authority::new();
    let upstream = Http2Upstream::tls(
        |mut link| async move {
            link.send(settings(&[])).await;
            let stream = link.request().await.expect("a request");
            link.send(reset(stream, HTTP_1_1_REQUIRED)).await;
            link.ended().await;
        },
        authority.good(&["h2", "http/1.1"]),
    )
    .await;
    let ca = authority.pem().replace('\n', "\\n");
    let gateway = Gateway::plain(&upstream.url(), &format!("upstream: {{ ca: \"{ca}\" }}"));

    assert_eq!(gateway.ask("/").await.text(), "by HTTP/1.1");
    assert_eq!(gateway.through("POST", "/", "", "").await.text(), "by HTTP/1.1");
    assert_eq!(upstream.links(), 3, "one of HTTP/2, and it is not asked for again");
}

#[tokio::test]
async fn pl_04_a_misdirected_request_is_told_to_the_caller() {
    let upstream = Http2Upstream::start(|mut link| async move {
        link.send(settings(&[])).await;
        while let Some(stream) = link.request().await {
            link.send(headers(stream, &[(":status", "421")], true)).await;
        }
    })
    .await;
    let gateway = gateway(&upstream);

    assert_eq!(gateway.ask("/").await.status, 421);
    assert_eq!(gateway.ask("/").await.status, 421);
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn pl_04_a_response_that_is_cut_short_is_seen_to_be() {
    let begun = |fields: &[(&str, &str)]| {
        [headers(1, &[OK, fields].concat(), false), data(1, "begun", false)].concat()
    };
    let length = &[("content-length", "10")];
    for (name, bytes) in [
        ("reset", [begun(&[]), reset(1, PROTOCOL_ERROR)].concat()),
        ("reset without an error", [begun(&[]), reset(1, NO_ERROR)].concat()),
        ("refused, too late", [begun(&[]), reset(1, REFUSED_STREAM)].concat()),
        ("a length that is not reached", [begun(length), data(1, "", true)].concat()),
        ("a length that is passed", [begun(length), data(1, "and much more", true)].concat()),
        ("leaving with an error, and gone", [begun(&[]), go_away(1, PROTOCOL_ERROR)].concat()),
        ("a second head that ends nothing", [begun(&[]), headers(1, OK, false)].concat()),
        ("10,000 empty frames", [begun(&[]), data(1, "", false).repeat(10_000)].concat()),
        ("a window of nothing", [begun(&[]), window_update(1, 0)].concat()),
    ] {
        let upstream = Http2Upstream::start(move |mut link| {
            let bytes = bytes.clone();
            async move {
                link.send(settings(&[])).await;
                link.request().await;
                link.try_send(bytes).await;
                if name.ends_with("gone") {
                    return;
                }
                link.ended().await;
            }
        })
        .await;
        let gateway = gateway(&upstream);
        let answer = gateway.ask("/").await;
        assert_eq!(answer.status, 200, "{name}");
        assert!(!answer.complete, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn pl_04_what_is_not_http2_fails_with_its_code_and_the_next_request_finds_a_new_link() {
    let endless = frame(CONTINUATION, 0, 1, hpack(&[("x-a", "b")])).repeat(100_000);
    for (name, bytes) in [
        ("a largest frame of nothing", settings(&[(MAX_FRAME_SIZE, 0)])),
        ("a largest frame beyond all frames", settings(&[(MAX_FRAME_SIZE, 1 << 24)])),
        ("a window beyond all windows", settings(&[(INITIAL_WINDOW_SIZE, 1 << 31)])),
        ("a setting cut off", frame(0x4, 0, 0, [0, 3, 0])),
        ("the link's window of nothing", window_update(0, 0)),
        ("the link's window overflowing", window_update(0, i32::MAX as u32).repeat(2)),
        ("endless continuations", [frame(HEADERS, 0, 1, hpack(OK)), endless].concat()),
        ("a huge head in pieces", in_pieces(1, &many_fields())),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, hpack(OK))),
        ("a head cut off by another frame", [frame(HEADERS, 0, 1, []), data(1, "", true)].concat()),
        ("data before a head", data(1, "early", true)),
        ("data on a stream that never was", data(77, "lost", true)),
        (
            "a push that was declined",
            frame(PUSH_PROMISE, END_HEADERS, 1, [&[0, 0, 0, 2][..], &hpack(OK)].concat()),
        ),
        ("a head that is no HPACK", frame(HEADERS, END_HEADERS, 1, [0xff; 40])),
        ("no status", headers(1, &[("content-length", "0")], true)),
        ("two statuses", headers(1, &[(":status", "200"), (":status", "204")], true)),
        ("a status that is none", headers(1, &[(":status", "20")], true)),
        ("a field of another protocol", headers(1, &[OK[0], ("connection", "close")], true)),
        ("a transfer coding", headers(1, &[OK[0], ("transfer-encoding", "chunked")], true)),
        (
            "two lengths",
            headers(1, &[OK[0], ("content-length", "1"), ("content-length", "2")], true),
        ),
        ("a length that is no number", headers(1, &[OK[0], ("content-length", "+5")], false)),
        ("an upper-case field", headers(1, &[OK[0], ("X-A", "b")], true)),
        ("a line end in a field", headers(1, &[OK[0], ("x-a", "b\r\nx-c: d")], true)),
        ("a switch of protocols", headers(1, &[(":status", "101")], false)),
        ("interim answers without end", headers(1, &[(":status", "103")], false).repeat(5_000)),
        ("an interim answer that ends all", headers(1, &[(":status", "103")], true)),
        ("a frame larger than was allowed", frame(DATA, 0, 1, vec![0; 1 << 20])),
        ("HTTP/1.1", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec()),
    ] {
        let upstream = that_sends(bytes).await;
        let gateway = gateway(&upstream);

        assert_eq!(outcome(&gateway.ask("/").await), failed(), "{name}");
        assert_eq!(gateway.ask("/").await.text(), "again", "{name}");
    }
}

#[tokio::test]
async fn pl_04_what_is_only_odd_costs_nothing() {
    let whole = answer(1, "fine");
    for (name, bytes) in [
        (
            "more window than there can be, for what is sent",
            window_update(1, i32::MAX as u32).repeat(2),
        ),
        ("settings again and again", settings(&[(INITIAL_WINDOW_SIZE, 65_535)]).repeat(1_000)),
        ("pings", frame(0x6, 0, 0, [7; 8]).repeat(1_000)),
        ("frames of no known type", frame(0x77, 0xff, 1, [1; 100]).repeat(1_000)),
        ("priorities", frame(0x2, 0, 1, [0, 0, 0, 0, 16]).repeat(1_000)),
        ("interim answers", headers(1, &[(":status", "103"), ("link", "</a>")], false).repeat(50)),
    ] {
        let upstream = that_sends([bytes, whole.clone()].concat()).await;
        let gateway = gateway(&upstream);
        let answer = gateway.ask("/").await;
        assert_eq!((answer.text().as_str(), answer.complete), ("fine", true), "{name}");
    }
    let upstream = that_sends([whole, reset(1, NO_ERROR)].concat()).await;
    let answer = gateway(&upstream).ask("/").await;
    assert_eq!((answer.text().as_str(), answer.complete), ("fine", true), "reset once all is said");
}

/// A fault of one upstream is nothing to another's exchanges, and leaves no memory behind.
#[tokio::test]
async fn pl_04_a_hostile_upstream_costs_the_others_nothing_and_memory_stays_flat() {
    let hostile = Http2Upstream::start(|mut link| async move {
        link.send(settings(&[])).await;
        while let Some(stream) = link.request().await {
            let flood = flood(link.number + link.streams.len(), stream);
            if !link.try_send(flood).await {
                return;
            }
        }
    })
    .await;
    let good = Http2Upstream::start(|mut link| async move {
        link.send(settings(&[])).await;
        link.answer_all("fine").await;
    })
    .await;
    let process = two_upstreams(&hostile.url(), &good.url()).await;
    let ask = |connection: &'static str| {
        let fields =
            format!("Host: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection: {connection}");
        raw_request(process.proxy, format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n"))
    };
    // What every link and every first use costs comes before the measure.
    for _ in 0..20 {
        ask("hostile").await;
        ask("good").await;
    }
    let before = process.resident_kib("VmRSS");

    let mut least = u64::MAX;
    for round in 0..300 {
        let (_, good) = tokio::join!(ask("hostile"), ask("good"));
        assert_eq!((good.status, good.text().as_str()), (200, "fine"), "round {round}");
        // It rises with a flood and falls again: what never falls is a leak.
        if round >= 100 && round % 10 == 0 {
            least = least.min(process.resident_kib("VmRSS"));
        }
    }

    let grown = least.saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "memory grew by {grown} KiB from {before} KiB");
    assert_eq!(good.links(), 1);
}

/// One of the ways to answer with far too much, or with nothing that is whole.
fn flood(number: usize, stream: u32) -> Vec<u8> {
    let head = headers(stream, OK, false);
    match number % 5 {
        0 => [head, data(stream, "", false).repeat(10_000)].concat(),
        1 => {
            let piece = frame(CONTINUATION, 0, stream, hpack(&[("x-a", &"b".repeat(10_000))]));
            [frame(HEADERS, 0, stream, hpack(OK)), piece.repeat(200)].concat()
        }
        2 => [head, reset(stream, PROTOCOL_ERROR)].concat(),
        3 => headers(stream, &[(":status", "103")], false).repeat(5_000),
        _ => in_pieces(stream, &many_fields()),
    }
}

async fn two_upstreams(hostile: &str, good: &str) -> Process {
    let configuration = format!(
        r#"
log: {{ access: "off" }}
server:
  proxy: {{ listen: "127.0.0.1:0", workers: 1 }}
  admin: {{ listen: "127.0.0.1:0", token: an-admin-token-of-the-tests }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 0s, drain: 1s }}
egress: {{ allow: [127.0.0.0/8] }}
upstream: {{ http: 2, timeouts: {{ first_byte: 2s, idle: 2s }} }}
callers: {{ runtime: {{ key: {CALLER_KEY} }} }}
connectors:
  hostile: {{ base_url: "{hostile}", auth: {{ open: {{ none: {{}} }} }} }}
  good: {{ base_url: "{good}", auth: {{ open: {{ none: {{}} }} }} }}
connections:
  hostile: {{ connector: hostile, auth: open }}
  good: {{ connector: good, auth: open }}
"#
    );
    Process::serve(TempDir::new().expect("a folder for temporary files"), &configuration).await
}
