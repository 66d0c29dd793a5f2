//! The tests' own tools, tested: a script that does not do what it says would prove nothing.
use crate::support::Authority;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::raw_request;

#[tokio::test]
async fn an_answer_is_seen_as_it_stood_on_the_wire() {
    let upstream = RawUpstream::start([Script::new()
        .read_request()
        .write("HTTP/1.1 103 Early Hints\r\n\r\n")
        .write("HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nTransfer-Encoding: chunked\r\n\r\n")
        .write("2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n")])
    .await;

    let answer = raw_request(upstream.address(), "GET /a HTTP/1.1\r\nHost: a\r\n\r\n").await;

    assert_eq!((answer.status, answer.text().as_str(), answer.complete), (200, "hi", true));
    assert_eq!((answer.interim, answer.trailers), (vec![103], vec!["X-Sum: 7".to_owned()]));
    assert_eq!(answer.head.all("X-A"), ["1", "2"]);
    assert_eq!(upstream.request().await.line(), "GET /a HTTP/1.1");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_complete() {
    for broken in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n",
    ] {
        let upstream = RawUpstream::start([Script::new().read_request().write(broken)]).await;
        let answer = raw_request(upstream.address(), "GET / HTTP/1.1\r\n\r\n").await;
        assert!(!answer.complete && answer.text() == "hi", "{broken:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_link_that_is_reset_and_one_that_is_closed_differ() {
    let upstream = RawUpstream::start([
        Script::new().read_request().reset(),
        Script::new().read_request(),
        Script::ok("third"),
    ])
    .await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let mut client = RawClient::connect(upstream.address()).await;
        client.send("GET / HTTP/1.1\r\n\r\n").await;
        seen.push(client.response().await.map(|it| it.text()));
    }
    assert_eq!(seen, [None, None, Some("third".to_owned())]);
    assert_eq!(upstream.links(), 3);
}

#[tokio::test]
async fn a_request_is_kept_with_its_body_and_trailers() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let mut client = RawClient::connect(upstream.address()).await;
    client
        .send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n")
        .await;
    assert!(client.response().await.is_some_and(|it| it.status == 200));
    client.send("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nde").await;
    assert!(client.response().await.is_some_and(|it| it.status == 200));

    let (first, second) = (upstream.request().await, upstream.request().await);
    assert_eq!((first.body, first.trailers), (b"abc".to_vec(), vec!["T: 1".to_owned()]));
    assert_eq!((second.body, second.link), (b"de".to_vec(), 0));
    client.hang_up();
    upstream.ended(1).await;
    assert!(upstream.raw()[0].starts_with(b"POST / HTTP/1.1\r\nTransfer-Encoding"));
}

#[test]
fn the_authority_makes_servers() {
    let authority = Authority::new();
    assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    authority.good(&["h2", "http/1.1"]);
    authority.expired();
    authority.for_another_name();
}
