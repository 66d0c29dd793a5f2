//! HTTP/2 to upstreams: many exchanges over few links.
use crate::support::Authority;
use crate::support::Gateway;
use crate::support::Http2Link;
use crate::support::Http2Upstream;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::http2::MAX_CONCURRENT_STREAMS;
use crate::support::http2::answer;
use crate::support::http2::settings;
use crate::support::raw_request;
use crate::support::soon;
use crate::support::tagged;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A gateway whose connection `api` speaks HTTP/2 to this upstream.
fn gateway(url: &str) -> Gateway {
    Gateway::plain(url, "upstream: { http: 2, timeouts: { connect: 2s, tls: 2s, first_byte: 4s } }")
}

/// The same, with `links` that it may have; a single failure of the upstream's opens its circuit.
fn gateway_with_links(url: &str, links: &str) -> Gateway {
    let circuit = "circuit: { failures: 1, lasting: 0s, pause: 60s }";
    Gateway::plain(url, &format!("upstream: {{ http: 2, links: {links}, {circuit} }}"))
}

/// A gateway whose connection `api` speaks what TLS agrees on.
fn gateway_with_tls(url: &str, authority: &Authority) -> Gateway {
    let ca = authority.pem().replace('\n', "\\n");
    Gateway::plain(url, &format!("upstream: {{ ca: \"{ca}\", links: {{ max: 64, queue: 0 }} }}"))
}

/// This many GETs at the same time.
fn ask_at_once(gateway: &Gateway, count: usize) -> Vec<JoinHandle<Response>> {
    let ask = |_| tokio::spawn(raw_request(gateway.proxy, tagged("GET", "/", "", "")));
    (0..count).map(ask).collect()
}

async fn answers(asked: Vec<JoinHandle<Response>>) -> Vec<(u16, String)> {
    let mut answers = Vec::new();
    for one in asked {
        let answer = one.await.expect("an answer");
        answers.push((answer.status, answer.text()));
    }
    answers
}

/// Answers what comes once the gate has as many permits.
async fn answer_through(
    mut link: Http2Link,
    gate: Arc<Semaphore>,
    arrived: mpsc::UnboundedSender<u32>,
) {
    while let Some(stream) = link.request().await {
        let _ = arrived.send(stream);
        gate.acquire().await.expect("the gate stays").forget();
        link.try_send(answer(stream, "ok")).await;
    }
}

/// Allows one stream on each link, and answers each once the gate has a permit for it.
async fn one_at_a_time() -> (Http2Upstream, Arc<Semaphore>, mpsc::UnboundedReceiver<u32>) {
    let (gate, (arrived, arrivals)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
    let open = Arc::clone(&gate);
    let upstream = Http2Upstream::start(move |mut link| {
        let (gate, arrived) = (Arc::clone(&open), arrived.clone());
        async move {
            link.send(settings(&[(MAX_CONCURRENT_STREAMS, 1)])).await;
            answer_through(link, gate, arrived).await;
        }
    })
    .await;
    (upstream, gate, arrivals)
}

/// Until this metric of `upstream.links` says so.
async fn until(gateway: &Gateway, metric: &str, count: f64) {
    let reached = async {
        while gateway.metric(metric, &["upstream_links"]).await < count {
            tokio::task::yield_now().await;
        }
    };
    soon(metric, reached).await;
}

#[tokio::test]
async fn first_requests_that_come_together_share_one_link() {
    let upstream = Http2Upstream::start(|mut link| async move {
        link.send(settings(&[(MAX_CONCURRENT_STREAMS, 100)])).await;
        // All of them, before the first is answered.
        for _ in 0..30 {
            link.request().await;
        }
        for stream in link.streams.clone() {
            link.send(answer(stream, "ok")).await;
        }
        link.ended().await;
    })
    .await;
    let gateway = gateway(&upstream.url());

    let answers = answers(ask_at_once(&gateway, 30)).await;

    assert_eq!(answers, vec![(200, "ok".to_owned()); 30]);
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn over_tls_first_requests_wait_for_one_handshake() {
    let authority = Authority::new();
    let upstream = Http2Upstream::tls(
        |mut link| async move {
            link.send(settings(&[])).await;
            link.answer_all("two").await;
        },
        authority.good(&["h2", "http/1.1"]),
    )
    .await;
    let gateway = gateway_with_tls(&upstream.url(), &authority);

    let answers = answers(ask_at_once(&gateway, 20)).await;

    assert_eq!(answers, vec![(200, "two".to_owned()); 20]);
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn where_the_first_handshake_agrees_on_http1_the_others_open_links_of_their_own() {
    let authority = Authority::new();
    let gate = Arc::new(Notify::new());
    let script = Script::new()
        .read_request()
        .wait(&gate)
        .write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\none");
    let upstream = RawUpstream::tls([script], authority.good(&["http/1.1"])).await;
    let gateway = gateway_with_tls(&upstream.url(), &authority);

    let asked = ask_at_once(&gateway, 5);
    // None waits for another's answer.
    for _ in 0..5 {
        upstream.request().await;
    }
    gate.notify_waiters();

    assert_eq!(answers(asked).await, vec![(200, "one".to_owned()); 5]);
    assert_eq!(upstream.links(), 5);
}

#[tokio::test]
async fn another_link_is_opened_when_streams_run_out() {
    let (gate, (arrived, mut arrivals)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
    let open = Arc::clone(&gate);
    let upstream = Http2Upstream::start(move |mut link| {
        let (gate, arrived) = (Arc::clone(&open), arrived.clone());
        async move {
            link.send(settings(&[(MAX_CONCURRENT_STREAMS, 2)])).await;
            let mut streams = 0;
            while link.request().await.is_some() {
                streams += 1;
                let _ = arrived.send(streams);
                if streams == 2 {
                    break;
                }
            }
            gate.acquire().await.expect("the gate stays").forget();
            for stream in link.streams.clone() {
                link.send(answer(stream, "ok")).await;
            }
            link.ended().await;
        }
    })
    .await;
    let gateway = gateway_with_links(&upstream.url(), "{ max: 8, queue: 0 }");

    let asked = ask_at_once(&gateway, 6);
    for _ in 0..6 {
        let on_its_link = soon("six requests", arrivals.recv()).await.expect("a request");
        assert!(on_its_link <= 2, "never more than were allowed");
    }
    gate.add_permits(6);

    assert_eq!(answers(asked).await, vec![(200, "ok".to_owned()); 6]);
    assert_eq!(upstream.links(), 3);
}

#[tokio::test]
async fn links_to_one_upstream_are_bounded_and_the_others_wait_their_turn() {
    let (upstream, gate, mut arrivals) = one_at_a_time().await;
    let gateway = gateway(&upstream.url());

    let asked = ask_at_once(&gateway, 60);
    for _ in 0..8 {
        soon("as many requests as links", arrivals.recv()).await;
    }
    assert_eq!(upstream.links(), 8);
    // Who came before there was a link has noticed by now that no link comes for it.
    until(&gateway, "attache_queued_total", 52.0).await;
    gate.add_permits(60);

    assert_eq!(answers(asked).await, vec![(200, "ok".to_owned()); 60]);
    assert_eq!(upstream.links(), 8);
}

#[tokio::test]
async fn so_many_wait_for_a_stream_and_the_rest_are_refused() {
    let (upstream, gate, mut arrivals) = one_at_a_time().await;
    let gateway = gateway_with_links(&upstream.url(), "{ max: 8, queue: 3, wait: 60s }");

    let asked = ask_at_once(&gateway, 20);
    for _ in 0..8 {
        soon("as many requests as links", arrivals.recv()).await;
    }
    until(&gateway, "attache_limited_total", 9.0).await;
    gate.add_permits(11);

    let answers = answers(asked).await;
    assert_eq!(answers.iter().filter(|it| it.0 == 200).count(), 11, "{answers:?}");
    assert_eq!(answers.iter().filter(|it| it.0 == 429).count(), 9, "{answers:?}");
    assert_eq!(gateway.metric("attache_queued_total", &["upstream_links"]).await, 3.0);
    let log = gateway.stop();
    let waited = log.iter().filter(|it| it["queue"].as_f64() > Some(0.0)).count();
    assert_eq!(waited, 3, "{log:?}");
}

#[tokio::test]
async fn who_waits_too_long_for_a_stream_is_refused_and_the_upstream_not_blamed() {
    let (upstream, gate, mut arrivals) = one_at_a_time().await;
    let gateway = gateway_with_links(&upstream.url(), "{ max: 8, wait: 100ms }");
    let asked = ask_at_once(&gateway, 8);
    for _ in 0..8 {
        soon("as many requests as links", arrivals.recv()).await;
    }

    for one in ask_at_once(&gateway, 3) {
        let answer = one.await.expect("an answer");
        assert_eq!((answer.status, answer.code().as_deref()), (429, Some("rate_limited")));
    }
    gate.add_permits(9);
    assert_eq!(answers(asked).await, vec![(200, "ok".to_owned()); 8]);
    assert_eq!(gateway.ask("/").await.text(), "ok", "the circuit is closed");
}

#[tokio::test]
async fn an_upstream_that_allows_no_streams_costs_those_who_ask_it_their_deadline_and_no_others() {
    let upstream = Http2Upstream::start(|mut link| async move {
        link.send(settings(&[(MAX_CONCURRENT_STREAMS, 0)])).await;
        // What came before the setting is not looked at.
        link.ended().await;
    })
    .await;
    let other = RawUpstream::start([Script::ok("fine")]).await;
    let gateway = Gateway::start(&format!(
        "egress: {{ allow: [127.0.0.0/8] }}\nconnectors:\n\
         \x20 none: {{ base_url: \"{}\", auth: {{ m: {{ none: {{}} }} }} }}\n\
         \x20 fine: {{ base_url: \"{}\", auth: {{ m: {{ none: {{}} }} }} }}\nconnections:\n\
         \x20 api: {{ connector: none, auth: m, upstream: {{ http: 2, links: {{ max: 8, wait: 300ms }}, timeouts: {{ first_byte: 600ms }} }} }}\n\
         \x20 fine: {{ connector: fine, auth: m }}\n",
        upstream.url(),
        other.url()
    ));

    let asked = ask_at_once(&gateway, 20);
    let fine = gateway.get("/", "Attache-Connection: fine\r\n").await;
    assert_eq!((fine.status, fine.text().as_str()), (200, "fine"));

    // One request goes on each link before the upstream says so.
    let mut sent = 0;
    for one in asked {
        let answer = one.await.expect("an answer");
        let of_a_link =
            (answer.status, answer.code().as_deref()) == (504, Some("upstream_timeout"));
        let waited = (answer.status, answer.code().as_deref()) == (429, Some("rate_limited"));
        assert!(of_a_link || waited, "{answer:?}");
        sent += usize::from(of_a_link);
    }
    assert_eq!(sent, upstream.links());
    assert!(sent <= 8, "{sent} links");
}

#[tokio::test]
async fn where_the_upstream_allows_no_more_streams_later_another_link_takes_over() {
    let upstream = Http2Upstream::start(|mut link| async move {
        link.send(settings(&[])).await;
        if link.number > 0 {
            return link.answer_all("second").await;
        }
        let stream = link.request().await.expect("a request");
        let none = settings(&[(MAX_CONCURRENT_STREAMS, 0)]);
        link.send([none, answer(stream, "first")].concat()).await;
        assert_eq!(link.request().await, None, "it said that it takes none");
    })
    .await;
    let gateway = gateway(&upstream.url());

    assert_eq!(gateway.ask("/").await.text(), "first");
    assert_eq!(gateway.ask("/").await.text(), "second");
    assert_eq!(upstream.links(), 2);
}

#[tokio::test]
async fn whoever_opens_the_link_may_hang_up_without_harm_to_those_who_wait_for_it() {
    let authority = Authority::new();
    let upstream = Http2Upstream::tls(
        |mut link| async move {
            link.send(settings(&[])).await;
            link.answer_all("ok").await;
        },
        authority.good(&["h2"]),
    )
    .await;
    let gateway = gateway_with_tls(&upstream.url(), &authority);

    let mut first = gateway.client().await;
    first.send(tagged("GET", "/", "", "")).await;
    first.hang_up();

    assert_eq!(answers(ask_at_once(&gateway, 5)).await, vec![(200, "ok".to_owned()); 5]);
}

#[tokio::test]
async fn a_dial_that_fails_fails_for_all_who_wait_for_it() {
    // It accepts, and closes without a handshake.
    let upstream = RawUpstream::start([Script::new().read_rest(1)]).await;
    let url = upstream.url().replace("http:", "https:");
    let gateway = Gateway::plain(&url, "upstream: { links: { max: 64, queue: 0 } }");

    for one in ask_at_once(&gateway, 20) {
        let answer = one.await.expect("an answer");
        assert_eq!((answer.status, answer.code().as_deref()), (502, Some("upstream_tls")));
    }
    assert!(upstream.links() < 20, "{} dials for 20 that came together", upstream.links());
}
