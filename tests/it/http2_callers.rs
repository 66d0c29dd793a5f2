//! Callers that attack by HTTP/2: the link is closed by us, upstreams hear little of it, and the others are
//! served meanwhile.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::Http2Link;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::http2::CANCEL;
use crate::support::http2::CONTINUATION;
use crate::support::http2::DATA;
use crate::support::http2::END_HEADERS;
use crate::support::http2::END_STREAM;
use crate::support::http2::ENHANCE_YOUR_CALM;
use crate::support::http2::GOAWAY;
use crate::support::http2::HEADERS;
use crate::support::http2::PING;
use crate::support::http2::PRIORITY;
use crate::support::http2::RST_STREAM;
use crate::support::http2::SETTINGS;
use crate::support::http2::WINDOW_UPDATE;
use crate::support::http2::data;
use crate::support::http2::frame;
use crate::support::http2::headers;
use crate::support::http2::hpack;
use crate::support::http2::reset;
use crate::support::http2::window_update;

/// A GET through the connection `api`.
fn get(stream: u32, is_end: bool) -> Vec<u8> {
    headers(stream, &fields(), is_end)
}

fn fields() -> Vec<(&'static str, &'static str)> {
    vec![
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "gateway"),
        (":path", "/"),
        ("attache-key", CALLER_KEY),
        ("attache-connection", "api"),
    ]
}

/// Two connections: `api` to an upstream that reads and never answers, and `fine`.
struct Scene {
    silent: RawUpstream,
    _fine: RawUpstream,
    gateway: Gateway,
}

impl Scene {
    async fn set() -> Self {
        let silent = RawUpstream::start([Script::new().read_request().read_to_end()]).await;
        let fine = RawUpstream::start([Script::ok("fine")]).await;
        let gateway = Gateway::start(&format!(
            "egress: {{ allow: [127.0.0.0/8] }}\nconnectors:\n\
             \x20 silent: {{ base_url: \"{}\", auth: {{ m: {{ none: {{}} }} }} }}\n\
             \x20 fine: {{ base_url: \"{}\", auth: {{ m: {{ none: {{}} }} }} }}\nconnections:\n\
             \x20 api: {{ connector: silent, auth: m }}\n\x20 fine: {{ connector: fine, auth: m }}\n",
            silent.url(),
            fine.url()
        ));
        Self { silent, _fine: fine, gateway }
    }

    async fn others_are_served(&self, case: &str) {
        let answer = self.gateway.get("/", "Attache-Connection: fine\r\n").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "fine"), "{case}");
    }
}

#[tokio::test]
async fn a_caller_that_resets_what_it_has_just_asked_for_is_cut_off() {
    let scene = Scene::set().await;
    let mut caller = Http2Link::connect(scene.gateway.proxy).await;
    assert_eq!(caller.next_of(SETTINGS).await.map(|it| it.stream), Some(0));

    let mut asked = 0;
    // One at a time, so that each has been seen, and has gone to the upstream.
    for n in 0..400 {
        if !caller.try_send(get(2 * n + 1, true)).await {
            break;
        }
        let is_cut = tokio::select! {
            _ = scene.silent.request() => false,
            _ = caller.next_of(GOAWAY) => true,
        };
        if is_cut {
            break;
        }
        asked += 1;
        caller.try_send(reset(2 * n + 1, CANCEL)).await;
    }

    assert!((100..=110).contains(&asked), "cut off after {asked} requests");
    scene.others_are_served("afterwards").await;
}

#[tokio::test]
async fn a_caller_that_cancels_now_and_then_is_not() {
    let scene = Scene::set().await;
    let mut caller = Http2Link::connect(scene.gateway.proxy).await;
    let mut with_fine = fields();
    with_fine[5] = ("attache-connection", "fine");

    for n in 0..200 {
        let cancelled = [get(4 * n + 1, true), reset(4 * n + 1, CANCEL)].concat();
        caller.send([cancelled, headers(4 * n + 3, &with_fine, true)].concat()).await;
        let answer = caller.next_of(HEADERS).await.expect("the link stays");
        assert_eq!(answer.stream, 4 * n + 3);
        while !caller.next_of(DATA).await.expect("a body").is_end() {}
    }
}

#[tokio::test]
async fn floods_of_frames_end_the_link_and_the_others_are_served() {
    let scene = Scene::set().await;
    let upload = headers(1, &[&[(":method", "POST")], &fields()[1..]].concat(), false);
    let begun = frame(HEADERS, END_STREAM, 1, hpack(&fields()));
    for (name, first, piece) in [
        ("pings", vec![], frame(PING, 0, 0, [0; 8])),
        ("settings", vec![], frame(SETTINGS, 0, 0, [])),
        ("priorities", vec![], frame(PRIORITY, 0, 1, [0, 0, 0, 0, 1])),
        ("unknown types", vec![], frame(0x77, 0, 0, [])),
        ("the link's window", vec![], window_update(0, 1)),
        ("a stream's window", get(1, true), window_update(1, 1)),
        ("the window of no stream's", vec![], frame(WINDOW_UPDATE, 0, 99, [0, 0, 0, 1])),
        ("pings in a request", get(1, true), frame(PING, 0, 0, [0; 8])),
        ("empty data", upload.clone(), data(1, "", false)),
        ("padding for data", upload, frame(DATA, 0x8, 1, [3, 0, 0, 0])),
        ("continuations", begun.clone(), frame(CONTINUATION, 0, 1, hpack(&[("x-a", "b")]))),
        ("empty continuations", begun, frame(CONTINUATION, 0, 1, [])),
        ("resets of no stream's", vec![], reset(99, CANCEL)),
    ] {
        let mut caller = Http2Link::connect(scene.gateway.proxy).await;
        caller.send(first).await;
        let pieces = piece.repeat(100);
        tokio::join!(caller.flood(&pieces, 2_000), scene.others_are_served(name));
    }
    assert!(scene.silent.links() <= 4, "each link had one request at most");
    scene.others_are_served("afterwards").await;
}

/// CVE-2023-44487 in one breath, and CVE-2025-8671, "MadeYouReset": what makes the server reset.
#[tokio::test]
async fn a_caller_that_has_its_streams_reset_by_the_hundred_is_cut_off() {
    for (name, offence) in [
        ("resets", frame(RST_STREAM, 0, 1, CANCEL.to_be_bytes())),
        ("windows of nothing", window_update(1, 0)),
        ("windows overflowing", window_update(1, i32::MAX as u32)),
        ("data behind the end", data(1, "x", false)),
        ("a head behind the end", headers(1, &[("x-a", "b")], true)),
        ("a head that depends on itself", frame(PRIORITY, 0, 1, [0, 0, 0, 1, 1])),
    ] {
        let scene = Scene::set().await;
        let mut caller = Http2Link::connect(scene.gateway.proxy).await;
        let mut all = Vec::new();
        for n in 0..2_000_u32 {
            let stream = 2 * n + 1;
            let mut offence = offence.clone();
            offence[5..9].copy_from_slice(&stream.to_be_bytes());
            if name.starts_with("a head that depends") {
                offence[9..13].copy_from_slice(&stream.to_be_bytes());
            }
            all.extend([get(stream, true), offence].concat());
        }
        let code = caller.flood(&all, 1).await;
        assert!(code.is_none_or(|it| it != 0), "{name}: {code:?}");
        let reached = scene.silent.links();
        assert!(reached <= 300, "{name}: {reached} of 2000 requests reached the upstream");
        scene.others_are_served(name).await;
    }
}

#[tokio::test]
async fn more_streams_than_are_allowed_are_refused_and_too_many_refusals_end_the_link() {
    let scene = Scene::set().await;
    let mut caller = Http2Link::connect(scene.gateway.proxy).await;
    let all: Vec<u8> = (0..2_000).flat_map(|n| get(2 * n + 1, true)).collect();

    assert_eq!(caller.flood(&all, 1).await, Some(ENHANCE_YOUR_CALM));

    // As many as one link may have (`http2_streams`).
    assert!(scene.silent.links() <= 256, "{} requests", scene.silent.links());
    scene.others_are_served("afterwards").await;
}

#[tokio::test]
async fn a_head_over_the_limit_ends_its_stream_or_its_link_and_reaches_no_upstream() {
    let scene = Scene::set().await;
    for fields_of_1_kb in [70, 1_000] {
        let mut caller = Http2Link::connect(scene.gateway.proxy).await;
        let value = "v".repeat(1_000);
        let names: Vec<String> = (0..fields_of_1_kb).map(|n| format!("x-{n}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|it| (it.as_str(), &*value)).collect();
        let block = hpack(&[fields(), many].concat());
        let mut frames = Vec::new();
        for (n, piece) in block.chunks(16_000).enumerate() {
            let kind = if n == 0 { HEADERS } else { CONTINUATION };
            frames.extend(frame(kind, if n == 0 { END_STREAM } else { 0 }, 1, piece));
        }
        frames.extend(frame(CONTINUATION, END_HEADERS, 1, []));
        caller.try_send(frames).await;
        let said = loop {
            match caller.next().await {
                Some(frame) if matches!(frame.kind, HEADERS | RST_STREAM | GOAWAY) => break frame,
                Some(_) => {}
                None => panic!("the link ended without a word"),
            }
        };
        // 431 for what is over the limit, the end of the link for what is far over it.
        assert_eq!(said.kind, if fields_of_1_kb == 70 { HEADERS } else { GOAWAY });
    }
    assert_eq!(scene.silent.links(), 0);
    scene.others_are_served("afterwards").await;
}

#[tokio::test]
async fn a_response_that_is_cut_short_is_a_reset_stream() {
    let upstream = RawUpstream::start([Script::new()
        .read_request()
        .write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")])
    .await;
    let gateway = Gateway::plain(&upstream.url(), "");
    let mut caller = Http2Link::connect(gateway.proxy).await;
    caller.send(get(1, true)).await;

    let reset = caller.next_of(RST_STREAM).await.expect("not an end");
    assert_eq!((reset.stream, reset.code() != 0), (1, true));
}
