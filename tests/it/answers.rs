//! What an upstream may do, and what the caller sees of it.
use crate::support::Authority;
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

const TAGS: &str = "Attache-Connection: header\r\n";

#[tokio::test]
async fn a_misbehaving_upstream_gets_its_code_and_harms_nobody_else() {
    for (code, why, script) in [
        ("upstream_protocol", "closes at once", Script::new()),
        ("upstream_protocol", "closes after the request", Script::new().read_request()),
        ("upstream_protocol", "resets", Script::new().read_request().reset()),
        ("upstream_timeout", "says nothing", Script::new().read_request().read_to_end()),
        (
            "upstream_timeout",
            "a head that never ends",
            Script::new().read_request().write("HTTP/1.1 200 OK\r\nX-A: ").read_to_end(),
        ),
    ] {
        let upstream = RawUpstream::start([script]).await;
        let gateway = Gateway::to(&upstream);
        let answer = gateway.send("POST", "/x", TAGS, "once").await;
        assert_eq!(answer.code().as_deref(), Some(code), "{why}: {answer:?}");
        assert_eq!(upstream.links(), 1, "{why}: a POST is sent once");
        assert_eq!(gateway.admin("/metrics").await.status, 200, "{why}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_502() {
    let upstream = RawUpstream::start([Script::new()]).await;
    let configuration = Gateway::usual(&upstream.url());
    drop(upstream);
    let gateway = Gateway::start(&configuration);
    assert_eq!(gateway.get("/x", TAGS).await.code().as_deref(), Some("upstream_connect"));
    let gateway = Gateway::start(&Gateway::usual("http://does-not-exist.invalid"));
    assert_eq!(gateway.get("/x", TAGS).await.code().as_deref(), Some("upstream_connect"));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_gets_no_request() {
    let authority = Authority::new();
    let other = Authority::new();
    for (what, acceptor, ca, expected) in [
        ("good", authority.good(&["http/1.1"]), authority.pem(), 200),
        ("of another authority", other.good(&["http/1.1"]), authority.pem(), 502),
        ("for another name", authority.for_another_name(), authority.pem(), 502),
        ("expired", authority.expired(), authority.pem(), 502),
    ] {
        let upstream = RawUpstream::tls([Script::ok("ok")], acceptor).await;
        let pem: String = ca.lines().map(|it| format!("        {it}\n")).collect();
        let configuration = Gateway::usual(&upstream.url())
            .replace(
                "    upstream: {",
                &format!(
                    "    upstream:\n      ca: |\n{pem}      timeouts: {{ connect: 2s }}\n    x: {{"
                ),
            )
            .lines()
            .filter(|it| !it.starts_with("    x:"))
            .map(|it| format!("{it}\n"))
            .collect::<String>();
        let gateway = Gateway::start(&configuration);
        let answer = gateway.get("/x", TAGS).await;
        assert_eq!(answer.status, expected, "{what}: {answer:?}");
        if expected == 502 {
            assert_eq!(answer.code().as_deref(), Some("upstream_tls"), "{what}");
            assert!(
                upstream.request_so_far().await.is_none(),
                "{what}: no byte of the request went out"
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_freezes_does_not_look_whole() {
    let upstream = RawUpstream::start([Script::new()
        .read_request()
        .write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi")
        .read_to_end()])
    .await;
    let gateway = Gateway::to(&upstream);
    let answer = gateway.get("/x", TAGS).await;
    assert!(!answer.complete, "it froze in mid-body: {answer:?}");
}

#[tokio::test]
async fn the_head_is_cleared_of_what_ends_here_and_nothing_speaks_in_our_name() {
    let upstream = RawUpstream::start([Script::answer(
        "HTTP/1.1 302 Found\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\n\
         Attache-Error: forged\r\nAttache-Request-Id: forged\r\nProxy-Authenticate: Basic\r\nX-A: 1\r\nX-A: 2\r\n\
         Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nLocation: /next?api_key=s3cret%20in%26query&p=1\r\nContent-Length: 2\r\n\r\nok",
    )])
    .await;
    let gateway = Gateway::to(&upstream);
    let answer =
        gateway.get("/x", "Attache-Connection: query\r\nAttache-Request-Id: mine-1\r\n").await;
    assert_eq!((answer.status, answer.text().as_str()), (302, "ok"));
    assert_eq!(answer.field("attache-error"), None);
    assert_eq!(answer.head.all("attache-request-id"), ["mine-1"]);
    for gone in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(answer.field(gone), None, "{gone}");
    }
    assert_eq!(answer.head.all("x-a"), ["1", "2"]);
    assert_eq!(answer.head.all("set-cookie"), ["a=1", "b=2"]);
    let location = answer.field("location").expect("a redirect says where");
    assert!(!location.contains("s3cret") && location.contains("p=1"), "{location}");
}

#[tokio::test]
async fn interim_answers_are_absorbed_and_a_hundred_continue_is_passed_on_when_it_is_due() {
    let gate = Arc::new(Notify::new());
    let upstream = RawUpstream::start([Script::new()
        .read_head()
        .write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        .wait(&gate)
        .write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")])
    .await;
    let gateway = Gateway::to(&upstream);
    let mut client = RawClient::connect(gateway.proxy).await;
    client
        .send(format!(
            "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAGS}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        ))
        .await;
    assert_eq!(client.bytes(25).await, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body").await;
    gate.notify_one();
    let answer = client.response().await.expect("an answer");
    assert_eq!((answer.status, answer.text().as_str(), answer.interim), (200, "ok", vec![]));
    assert_eq!(upstream.request().await.field("expect"), Some("100-continue"));
}

#[tokio::test]
async fn a_refusal_before_the_body_reaches_a_caller_that_waits() {
    let upstream = RawUpstream::start([Script::new()
        .read_head()
        .write("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
        .read_to_end()])
    .await;
    let gateway = Gateway::to(&upstream);
    let mut client = RawClient::connect(gateway.proxy).await;
    client
        .send(format!(
            "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAGS}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        ))
        .await;
    let answer = client.response().await.expect("an answer");
    assert_eq!((answer.status, answer.interim), (417, vec![]), "no 100 was sent");
}

#[tokio::test]
async fn bodies_and_trailers_pass_both_ways() {
    let upstream = RawUpstream::start([Script::answer(
        "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\nAttache-Error: x\r\n\r\n",
    )])
    .await;
    let gateway = Gateway::to(&upstream);
    let mut client = RawClient::connect(gateway.proxy).await;
    client
        .send(format!(
            "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAGS}TE: trailers\r\nTrailer: X-Md5, X-Api-Key, x_api_key, Authorization\r\n\
             Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Md5: 1\r\nX-Api-Key: forged\r\nx_api_key: forged\r\nAuthorization: forged\r\n\r\n"
        ))
        .await;
    let answer = client.response().await.expect("an answer");
    assert_eq!(
        (answer.text().as_str(), answer.trailers.join("|").to_lowercase().as_str()),
        ("hi", "x-sum: 7")
    );
    let received = upstream.request().await;
    assert_eq!(received.body, b"abc");
    assert_eq!(received.trailers.join("|").to_lowercase(), "x-md5: 1");
    assert_eq!(received.field("te"), Some("trailers"));
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_the_upstream() {
    let upstream = RawUpstream::start([Script::new().read_request().read_to_end()]).await;
    let gateway = Gateway::start(
        &Gateway::usual(&upstream.url()).replace("first_byte: 2s", "first_byte: 60s"),
    );
    let mut client = RawClient::connect(gateway.proxy).await;
    client
        .send(format!("GET /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAGS}\r\n"))
        .await;
    upstream.request().await;
    client.hang_up();
    upstream.ended(1).await;
}

#[tokio::test]
async fn a_caller_that_stops_sending_its_body_is_told_and_the_upstream_never_sees_a_whole_request()
{
    let upstream =
        RawUpstream::start([Script::new().read_request().write("HTTP/1.1 200 OK\r\n\r\n")]).await;
    let gateway = Gateway::to(&upstream);
    let mut client = RawClient::connect(gateway.proxy).await;
    client
        .send(format!(
            "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAGS}Content-Length: 10\r\n\r\nhalf"
        ))
        .await;
    let answer = client.response().await.expect("an answer");
    assert_eq!(answer.code().as_deref(), Some("bad_request"), "{answer:?}");
    upstream.ended(1).await;
    assert!(upstream.request_so_far().await.is_none_or(|it| !it.complete));
}

#[tokio::test]
async fn a_slow_drip_is_passed_on_as_it_comes() {
    let pause = Duration::from_millis(1);
    let upstream = RawUpstream::start([Script::new()
        .read_request()
        .write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        .drip("data: 1\n\ndata: 2\n\n", pause)])
    .await;
    let gateway = Gateway::to(&upstream);
    assert_eq!(gateway.get("/x", TAGS).await.text(), "data: 1\n\ndata: 2\n\n");
}

#[tokio::test]
async fn a_reflected_credential_is_withheld_in_any_spelling_of_the_redirect() {
    for place in ["/\u{e9}?api_key=s3cret%20in%26query&p=1", "/?p=1&api_key=s3cret%20in%26query"] {
        let upstream = RawUpstream::start([Script::answer(format!(
            "HTTP/1.1 302 Found\r\nLocation: {place}\r\nLink: <{place}>; rel=next\r\nContent-Length: 0\r\n\r\n"
        ))])
        .await;
        let gateway = Gateway::to(&upstream);
        let answer = gateway.get("/x", "Attache-Connection: query\r\n").await;
        assert_eq!(answer.status, 302);
        assert!(!format!("{:?}", answer.head).contains("s3cret"), "{place}: {answer:?}");
    }
}

#[tokio::test]
async fn an_exchange_that_both_sides_have_left_is_cut_after_an_early_head() {
    let upstream = RawUpstream::start([Script::new()
        .read_head()
        .write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        .read_to_end()])
    .await;
    let gateway = Gateway::to(&upstream);
    let mut client = RawClient::connect(gateway.proxy).await;
    client
        .send(format!(
            "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAGS}Content-Length: 1000\r\n\r\nfirst"
        ))
        .await;
    upstream.request().await;
    client.bytes(15).await;
    client.send("second").await;
    upstream.ended(1).await;
    client.rest().await;
}
