//! A request is sent again where it was asked for, where it does no harm and where it may help; else the
//! answer that there is goes to the caller as it came.
use crate::support::ClosedPort;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Script;
use crate::support::soon;
use crate::support::tagged;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use tokio::sync::Notify;

/// Two retries, and next to no wait.
const TWO: &str = "upstream: { retries: { attempts: 2, base: 1ms, cap: 2s, budget_floor: 200 } }";

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An answer of this status, with these field lines.
fn answer(status: u16, fields: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Whatever\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// On one link: these answers in turn, then good ones.
fn then_ok(answers: &[String]) -> Script {
    let script = answers.iter().fold(Script::new(), |it, answer| it.read_request().write(answer));
    (0..8).fold(script, |it, _| it.read_request().write(OK))
}

async fn received(upstream: &RawUpstream) -> usize {
    let mut count = 0;
    while upstream.request_so_far().await.is_some() {
        count += 1;
    }
    count
}

async fn retries(gateway: &Gateway, reason: &str, outcome: &str) -> f64 {
    let labels = [format!("reason=\"{reason}\""), format!("outcome=\"{outcome}\"")];
    gateway.metric("attache_retries_total", &[&labels[0], &labels[1]]).await
}

/// Every exchange is over: what none of them has sent by then, none will.
async fn nothing_under_way(gateway: &Gateway) {
    let over = async { while gateway.metric("attache_requests_in_flight", &[]).await > 0.0 {} };
    soon("exchanges to end", over).await;
}

fn seen(answer: &Response) -> (u16, String) {
    (answer.status, answer.text())
}

#[tokio::test]
async fn a_passing_status_is_answered_by_the_next_attempt_on_the_same_link() {
    for status in [429, 502, 503, 504] {
        let failing = answer(status, "", "not now");
        let upstream = RawUpstream::start([then_ok(&[failing.clone(), failing])]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        assert_eq!(seen(&gateway.ask("/x").await), (200, "ok".to_owned()), "{status}");
        assert_eq!((received(&upstream).await, upstream.links()), (3, 1), "{status}");
        let reason = status.to_string();
        assert_eq!(retries(&gateway, &reason, "sent").await, 2.0, "{status}");
        assert_eq!(retries(&gateway, &reason, "recovered").await, 1.0, "{status}");
        assert_eq!(gateway.stop()[0]["attempts"], 3, "{status}");
    }
}

#[tokio::test]
async fn other_statuses_are_answers() {
    for status in [200, 301, 400, 401, 404, 408, 409, 500, 501, 505, 507, 599] {
        let upstream = RawUpstream::start([Script::answer(answer(status, "", "so"))]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        assert_eq!(seen(&gateway.ask("/x").await), (status, "so".to_owned()));
        assert_eq!(received(&upstream).await, 1, "{status}");
    }
}

#[tokio::test]
async fn without_retries_every_answer_is_the_last_word() {
    for status in [429, 502, 503, 504] {
        let upstream =
            RawUpstream::start([Script::answer(answer(status, "Retry-After: 0\r\n", ""))]).await;
        let gateway = Gateway::plain(&upstream.url(), "");
        assert_eq!(gateway.ask("/x").await.status, status);
        let none = "Attache-Retries: 0\r\n";
        assert_eq!(gateway.through("GET", "/x", none, "").await.status, status);
        assert_eq!(received(&upstream).await, 2, "{status}");
    }
}

#[tokio::test]
async fn the_last_answer_is_passed_on_as_it_came() {
    let last = "HTTP/1.1 503 Down For Now\r\nX-B: 2\r\nX-A: 1\r\nX-A: 0\r\nRetry-After: 0\r\n\
                Content-Type: text/x-odd\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
                3\r\nwhy\r\n0\r\nX-Sum: 7\r\n\r\n";
    let first = answer(502, "X-First: 1\r\n", "first");
    let upstream = RawUpstream::start([then_ok(&[first.clone(), first, last.to_owned()])]).await;
    let gateway = Gateway::plain(&upstream.url(), TWO);
    let got = gateway.through("GET", "/x", "TE: trailers\r\nConnection: te\r\n", "").await;
    assert_eq!(seen(&got), (503, "why".to_owned()), "{got:?}");
    assert_eq!(got.head.all("X-A"), ["1", "0"]);
    assert_eq!(got.field("Content-Type"), Some("text/x-odd"));
    assert_eq!((got.field("Retry-After"), got.field("X-First")), (Some("0"), None));
    assert_eq!(got.field("Attache-Error"), None);
    assert_eq!(got.trailers, ["x-sum: 7"]);
    assert_eq!(received(&upstream).await, 3);
    assert_eq!(retries(&gateway, "503", "used_up").await, 1.0);
    assert_eq!(retries(&gateway, "503", "recovered").await, 0.0);
}

#[tokio::test]
async fn a_caller_asks_for_as_many_as_the_configuration_lets_it() {
    let settings =
        |more: &str| format!("upstream: {{ retries: {{ base: 1ms, budget_floor: 200, {more} }} }}");
    for (more, asked, sent) in [
        ("", "Attache-Retries: 2\r\n", 3),
        ("", "Attache-Retries: 9\r\n", 6),
        ("attempts_max: 1", "Attache-Retries: 9\r\n", 2),
        ("attempts_max: 0", "Attache-Retries: 9\r\n", 1),
        ("attempts: 3", "Attache-Retries: 1\r\n", 2),
        ("attempts: 3", "", 4),
        ("attempts: 3, on: [502, connect]", "", 1),
    ] {
        let upstream = RawUpstream::start([Script::answer(answer(503, "", ""))]).await;
        let gateway = Gateway::plain(&upstream.url(), &settings(more));
        assert_eq!(gateway.through("GET", "/x", asked, "").await.status, 503);
        assert_eq!(received(&upstream).await, sent, "{more} {asked}");
    }
}

#[tokio::test]
async fn the_time_that_the_upstream_names_is_waited_for() {
    let in_two_seconds = SystemTime::now() + Duration::from_secs(2);
    let date = httpdate::fmt_http_date(in_two_seconds);
    for (named, at_least) in [
        ("Retry-After: 1\r\n".to_owned(), Duration::from_secs(1)),
        // The date has no fractions: between one and two seconds from now.
        (format!("Retry-After: {date}\r\n"), Duration::ZERO),
    ] {
        let upstream = RawUpstream::start([then_ok(&[answer(503, &named, "later")])]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        let began = std::time::Instant::now();
        assert_eq!(gateway.ask("/x").await.status, 200);
        assert!(began.elapsed() >= at_least, "{named} {:?}", began.elapsed());
        let named_time = in_two_seconds - Duration::from_secs(1);
        assert!(at_least > Duration::ZERO || SystemTime::now() >= named_time, "{named}");
    }
}

#[tokio::test]
async fn a_time_beyond_the_cap_or_the_deadline_is_left_to_the_caller() {
    let far = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    for (named, fields) in [
        ("3".to_owned(), ""),
        ("99999999999999999999".to_owned(), ""),
        (far, ""),
        ("1".to_owned(), "Attache-Timeout: 900ms\r\n"),
    ] {
        let refusal = answer(429, &format!("Retry-After: {named}\r\n"), "slowly");
        let upstream = RawUpstream::start([Script::answer(refusal)]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        let got = gateway.through("GET", "/x", fields, "").await;
        assert_eq!(seen(&got), (429, "slowly".to_owned()), "{named}");
        assert_eq!(got.field("Retry-After"), Some(named.as_str()));
        assert_eq!(received(&upstream).await, 1, "{named}");
        assert_eq!(retries(&gateway, "429", "too_late").await, 1.0, "{named}");
    }
}

#[tokio::test]
async fn a_time_that_has_passed_or_makes_no_sense_holds_nothing_back() {
    for named in [
        "0",
        "-5",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "soon",
        "1.5",
    ] {
        let refusal = answer(503, &format!("Retry-After: {named}\r\n"), "");
        let upstream = RawUpstream::start([then_ok(&[refusal])]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        assert_eq!(gateway.ask("/x").await.status, 200, "{named}");
    }
}

#[tokio::test]
async fn retries_have_their_share_of_the_traffic_and_no_more() {
    let upstream = RawUpstream::start([Script::answer(answer(503, "", "down"))]).await;
    let settings = "upstream: { circuit: { enabled: false }, retries: { attempts: 2, base: 1ms, budget_floor: 0 } }";
    let gateway = Gateway::plain(&upstream.url(), settings);
    for _ in 0..100 {
        assert_eq!(seen(&gateway.ask("/x").await), (503, "down".to_owned()));
    }
    assert_eq!(received(&upstream).await, 120, "a fifth more");
    assert_eq!(retries(&gateway, "503", "sent").await, 20.0);
    assert!(retries(&gateway, "503", "over_budget").await >= 80.0);
}

#[tokio::test]
async fn an_upstream_whose_circuit_has_opened_is_not_asked_again() {
    let upstream = RawUpstream::start([Script::answer(answer(503, "X-A: 1\r\n", "down"))]).await;
    let circuit = "upstream: { circuit: { failures: 2, lasting: 0s, pause: 60s },";
    let gateway = Gateway::plain(&upstream.url(), &TWO.replacen("upstream: {", circuit, 1));
    let got = gateway.ask("/x").await;
    assert_eq!((seen(&got), got.field("X-A")), ((503, "down".to_owned()), Some("1")), "{got:?}");
    assert_eq!(received(&upstream).await, 2, "the second failure opens it");
    assert_eq!(retries(&gateway, "503", "circuit_open").await, 1.0);
    assert_eq!(gateway.ask("/x").await.code().as_deref(), Some("circuit_open"));
}

#[tokio::test]
async fn an_upstream_that_can_not_be_reached_is_tried_again_with_any_method() {
    let settings = "upstream: { retries: { attempts: 1, base: 1ms, budget_floor: 200 } }";
    let port = ClosedPort::reserve();
    let gateway = Gateway::plain(&port.url(), settings);
    for (method, body) in [("GET", ""), ("POST", ""), ("POST", "body")] {
        let got = gateway.through(method, "/x", "", body).await;
        assert_eq!(got.code().as_deref(), Some("upstream_connect"), "{got:?}");
    }
    assert_eq!(retries(&gateway, "connect", "sent").await, 3.0);
    assert_eq!(retries(&gateway, "connect", "used_up").await, 3.0);
    let log = gateway.stop();
    assert!(log.iter().all(|it| it["attempts"] == 2), "{log:?}");
}

#[tokio::test]
async fn an_upstream_that_comes_up_meanwhile_gets_the_request_whole() {
    let settings = "upstream: { retries: { attempts: 10, base: 200ms, budget_floor: 200 } }";
    for method in ["PUT", "POST"] {
        let port = ClosedPort::reserve();
        let gateway = Gateway::plain(&port.url(), settings);
        let mut client = gateway.client().await;
        client.send(tagged(method, "/x", "", "the whole body")).await;
        let tried = async { while retries(&gateway, "connect", "sent").await < 1.0 {} };
        soon("a retry", tried).await;
        let upstream = port.open([Script::ok("up")]);
        assert_eq!(client.response().await.map(|it| it.status), Some(200), "{method}");
        let got = upstream.request().await;
        assert_eq!(
            (got.body.as_slice(), upstream.links()),
            (&b"the whole body"[..], 1),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_asked_once() {
    let authority = crate::support::Authority::new();
    let upstream = RawUpstream::tls([Script::ok("never")], authority.expired()).await;
    let gateway = Gateway::plain(&upstream.url(), TWO);
    let got = gateway.ask("/x").await;
    assert_eq!(got.code().as_deref(), Some("upstream_tls"));
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn a_post_is_never_sent_twice_wherever_its_link_breaks() {
    // Link by link: a reset once so many bytes of the request have come.
    let cuts = 1..=2000;
    let scripts = cuts.clone().map(|cut| Script::new().read_rest(cut).reset());
    let upstream = RawUpstream::start(scripts.chain([Script::ok("twice")])).await;
    let settings = TWO.replacen("upstream: {", "upstream: { circuit: { enabled: false },", 1);
    let gateway = Gateway::plain(&upstream.url(), &settings);
    let body = "x".repeat(2000);
    for cut in cuts {
        let got = gateway.through("POST", "/x", "", &body).await;
        assert_eq!(got.code().as_deref(), Some("upstream_protocol"), "{cut}: {got:?}");
        assert_eq!(upstream.links(), cut, "after {cut} bytes");
    }
}

#[tokio::test]
async fn a_post_on_a_pooled_link_is_never_sent_twice_either() {
    let body = "x".repeat(1000);
    for cut in [1, 40, 100, 500, 1000] {
        let script = Script::new().read_request().write(OK).read_rest(cut).reset();
        let upstream = RawUpstream::start([script]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        // A POST goes on a pooled link only once the upstream is known to keep them: then it breaks.
        let broken = async {
            loop {
                let got = gateway.through("POST", "/x", "", &body).await;
                if got.status != 200 {
                    return got;
                }
            }
        };
        let got = soon("a pooled link", broken).await;
        assert_eq!(got.code().as_deref(), Some("upstream_protocol"), "{cut}: {got:?}");
        let (links, whole) = (upstream.links(), received(&upstream).await);
        assert_eq!(links, whole, "no link but those of the good ones, after {cut} bytes");
        let log = gateway.stop();
        assert!(log.iter().all(|it| it["attempts"] == 1), "after {cut} bytes");
    }
}

#[tokio::test]
async fn what_might_do_harm_twice_is_sent_once() {
    let failing = || [then_ok(&[answer(503, "", "down")])];
    for (method, fields, sent) in [
        ("GET", "", 2),
        ("DELETE", "", 2),
        ("POST", "", 1),
        ("PATCH", "", 1),
        ("LOCK", "", 1),
        ("POST", "Idempotency-Key: 7\r\n", 2),
        ("PATCH", "Idempotency-Key: \"a-b\"\r\n", 2),
        ("POST", "Idempotency-Key:\r\n", 1),
        ("POST", "Idempotency-Key: 7\r\nIdempotency-Key: 8\r\n", 1),
        // Where the upstream does not get to see the key, it names nothing.
        ("POST", "Idempotency-Key: 7\r\nAttache-Ignore-Headers: idempotency-key\r\n", 1),
        ("POST", "Idempotency-Key: 7\r\nConnection: idempotency-key\r\n", 1),
        // What is called GET here is a POST over there.
        ("GET", "X-HTTP-Method-Override: POST\r\n", 1),
        ("GET", "x_method_override: PATCH\r\n", 1),
        ("POST", "Idempotency-Key: 7\r\nX-HTTP-Method: PATCH\r\n", 2),
    ] {
        let upstream = RawUpstream::start(failing()).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        let expected = if sent == 1 { 503 } else { 200 };
        let got = gateway.through(method, "/x", fields, "").await;
        assert_eq!(got.status, expected, "{method} {fields}");
        assert_eq!(received(&upstream).await, sent, "{method} {fields}");
    }
}

#[tokio::test]
async fn a_retry_is_the_same_request_to_the_same_place() {
    let elsewhere = "Location: http://127.0.0.1:1/\r\nRefresh: 0; url=http://127.0.0.1:1/\r\n";
    for connection in ["header", "query", "cookie", "basic", "bearer", "custom"] {
        let failing = |status| answer(status, &format!("{elsewhere}Set-Cookie: a=b\r\n"), "");
        let upstream = RawUpstream::start([then_ok(&[failing(503), failing(502)])]).await;
        let gateway = Gateway::to(&upstream);
        let fields = format!(
            "Attache-Connection: {connection}\r\nAttache-Retries: 2\r\nX-B: 1\r\nX-A: 2\r\nX-B: 3\r\n\
             Cookie: c=d\r\n"
        );
        assert_eq!(gateway.get("/x?q=%2F", &fields).await.status, 200);
        let first = upstream.request().await;
        assert!(first.line().starts_with("GET /base/x?q=%2F"), "{first:?}");
        for _ in 0..2 {
            assert_eq!(upstream.request().await.head, first.head, "{connection}");
        }
    }
}

#[tokio::test]
async fn a_link_that_ends_without_an_answer_is_tried_again() {
    for broken in [Script::new().read_request(), Script::new().read_request().reset()] {
        let upstream = RawUpstream::start([broken.clone(), broken, Script::ok("third")]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        assert_eq!(seen(&gateway.ask("/x").await), (200, "third".to_owned()));
        assert_eq!(retries(&gateway, "closed", "sent").await, 2.0);
    }
}

#[tokio::test]
async fn a_pooled_link_that_is_dead_costs_no_retry_and_needs_none() {
    let dying = Script::new().read_request().write(OK).read_request();
    let upstream = RawUpstream::start([dying, Script::ok("fresh")]).await;
    let gateway = Gateway::plain(&upstream.url(), "");
    assert_eq!(seen(&gateway.ask("/x").await), (200, "ok".to_owned()));
    assert_eq!(seen(&gateway.ask("/x").await), (200, "fresh".to_owned()));
    assert_eq!((received(&upstream).await, upstream.links()), (3, 2));
    assert_eq!(retries(&gateway, "stale_link", "sent").await, 1.0);
    assert_eq!(retries(&gateway, "stale_link", "recovered").await, 1.0);
}

#[tokio::test]
async fn a_caller_that_hangs_up_while_we_wait_ends_it() {
    let refusal = answer(503, "Retry-After: 600\r\n", "later");
    let upstream = RawUpstream::start([then_ok(&[refusal])]).await;
    let gateway =
        Gateway::plain(&upstream.url(), "upstream: { retries: { attempts: 1, cap: 1h } }");
    let mut client = gateway.client().await;
    client.send(tagged("GET", "/x", "", "")).await;
    upstream.request().await;
    client.hang_up();
    nothing_under_way(&gateway).await;
    assert_eq!(received(&upstream).await, 0);
    let log = gateway.stop();
    assert_eq!((&log[0]["status"], &log[0]["attempts"]), (&499.into(), &1.into()), "{log:?}");
}

#[tokio::test]
async fn a_deadline_that_passes_in_the_next_attempt_is_a_504() {
    let silent =
        Script::new().read_request().write(answer(503, "", "")).read_request().read_to_end();
    let upstream = RawUpstream::start([silent]).await;
    let gateway = Gateway::plain(&upstream.url(), TWO);
    let got = gateway.through("GET", "/x", "Attache-Timeout: 600ms\r\n", "").await;
    assert_eq!(got.code().as_deref(), Some("upstream_timeout"), "{got:?}");
    assert_eq!(received(&upstream).await, 2);
}

#[tokio::test]
async fn a_discarded_answer_is_never_part_of_the_next() {
    let gate = Arc::new(Notify::new());
    let forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
    let long = "x".repeat(200_000);
    for (name, first) in [
        ("too long to be read", Script::new().read_request().write(answer(503, "", &long))),
        (
            "slower than the wait",
            Script::new()
                .read_request()
                .write("HTTP/1.1 503 Down\r\nContent-Length: 9\r\n\r\nsl")
                .wait(&gate),
        ),
        (
            "with surplus bytes",
            Script::new().read_request().write(answer(503, "", "so") + forged).read_to_end(),
        ),
        (
            "that breaks off",
            Script::new().read_request().write("HTTP/1.1 503 Down\r\nContent-Length: 9\r\n\r\nsl"),
        ),
    ] {
        let upstream = RawUpstream::start([first.read_to_end(), Script::ok("second")]).await;
        let gateway = Gateway::plain(&upstream.url(), TWO);
        assert_eq!(seen(&gateway.ask("/x").await), (200, "second".to_owned()), "{name}");
        assert_eq!(upstream.links(), 2, "{name}");
    }
}
