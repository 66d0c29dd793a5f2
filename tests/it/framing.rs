//! Where one message ends and the next begins (RFC 9112 §6): what is ambiguous is refused, or goes on
//! as exactly one request.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;

/// What stands behind each odd request, and must never be taken for one.
const SMUGGLED: &str =
    "GET /smuggled HTTP/1.1\r\nHost: g\r\nConnection: close\r\nX-Smuggled: 1\r\n\r\n";

fn head(fields: &str) -> String {
    format!(
        "POST /first HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection: api\r\n{fields}\r\n"
    )
}

#[tokio::test]
async fn odd_framing_never_makes_two_requests_of_one() {
    let lengths = [
        "5, 5",
        "0, 5",
        "+5",
        "-5",
        "0x5",
        "5_0",
        "",
        "99999999999999999999",
        "5;x",
        "5\u{b}",
        "five",
    ];
    let encodings = [
        "xchunked",
        "identity",
        ",chunked",
        "chunked, chunked",
        "chunked;x=y",
        "chunked\u{b}",
        "gzip, chunked",
        "chunked, gzip",
        "\u{a0}chunked",
        "\"chunked\"",
        "chunked,",
    ];
    let mut fields: Vec<String> = Vec::new();
    fields.extend(lengths.iter().map(|it| format!("Content-Length: {it}\r\n")));
    fields.extend(encodings.iter().map(|it| format!("Transfer-Encoding: {it}\r\n")));
    fields.extend(
        [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "Content-Length : 5\r\n",
            "Transfer-Encoding : chunked\r\n",
            " Content-Length: 5\r\n",
            "X: y\r\n Content-Length: 5\r\n",
            "X: y\nContent-Length: 5\r\n",
            "X: y\rTransfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nX\0: y\r\n",
        ]
        .map(str::to_owned),
    );
    for field in fields {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::plain(&upstream.url(), "enabled: true");
        let mut client = RawClient::connect(gateway.proxy).await;
        let sent = format!("{}0\r\n\r\n{SMUGGLED}", head(&field));
        client.try_send(&sent).await;
        let mut answers = Vec::new();
        while let Some(answer) = client.response().await {
            answers.push(answer.status);
        }
        // One request may have gone on; what stands behind it has no key, and is never sent.
        let mut arrived = 0;
        while let Some(request) = upstream.request_so_far().await {
            arrived += 1;
            assert_eq!(request.line(), "POST /first HTTP/1.1", "{field:?}");
            let lengths = request.head.all("content-length").len();
            let encodings = request.head.all("transfer-encoding").len();
            assert!(lengths + encodings <= 1, "{field:?}: {request:?}");
        }
        assert!(arrived <= 1, "{field:?}: {arrived} requests arrived");
        assert!(
            answers.iter().all(|it| *it == 200 || (400..=501).contains(it)),
            "{field:?}: {answers:?}"
        );
        let refused = arrived == 0;
        let fine = field.contains("5\r\nContent-Length: 5") || field.contains("5, 5");
        assert!(refused || fine || !answers.is_empty(), "{field:?}: {answers:?}");
    }
}

#[tokio::test]
async fn odd_chunks_end_the_request_and_its_link() {
    let bodies = [
        "+3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3_0\r\nabc\r\n0\r\n\r\n",
        "-1\r\nabc\r\n0\r\n\r\n",
        "\r\nabc\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcdef\r\n0\r\n\r\n",
        "3\nabc\n0\n\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "xyz\r\nabc\r\n0\r\n\r\n",
    ];
    for body in bodies {
        let upstream = RawUpstream::start([Script::ok("hi")]).await;
        let gateway = Gateway::plain(&upstream.url(), "enabled: true");
        let mut client = RawClient::connect(gateway.proxy).await;
        let sent = format!("{}{body}{SMUGGLED}", head("Transfer-Encoding: chunked\r\n"));
        client.try_send(&sent).await;
        let mut statuses = Vec::new();
        while let Some(answer) = client.response().await {
            statuses.push(answer.status);
        }
        assert!(!statuses.contains(&200), "{body:?}: {statuses:?}");
        while let Some(request) = upstream.request_so_far().await {
            assert!(
                !request.complete && request.line().contains("/first"),
                "{body:?}: {request:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_target_or_host_that_is_not_one_is_refused() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::plain(&upstream.url(), "enabled: true");
    let tags = format!("Attache-Key: {CALLER_KEY}\r\nAttache-Connection: api\r\n");
    for (line, host) in [
        ("GET /a b HTTP/1.1", "Host: g\r\n"),
        ("GET /a\tb HTTP/1.1", "Host: g\r\n"),
        ("GET /a\0b HTTP/1.1", "Host: g\r\n"),
        ("GET /a\u{7f}b HTTP/1.1", "Host: g\r\n"),
        ("GET / HTTP/1.1", ""),
        ("GET / HTTP/1.1", "Host: g\r\nHost: g\r\n"),
        ("GET / HTTP/1.1", "Host: g h\r\n"),
        ("GET / HTTP/1.1", "Host: g/h\r\n"),
        ("GET / HTTP/1.1", "Host: u@g\r\n"),
        ("GET http://evil.test/ HTTP/1.1", "Host: g\r\n"),
        ("GET http://u@g/ HTTP/1.1", "Host: g\r\n"),
        ("GET ftp://g/ HTTP/1.1", "Host: g\r\n"),
        ("GET http:/g HTTP/1.1", "Host: g\r\n"),
        ("GET @evil.test/ HTTP/1.1", "Host: g\r\n"),
        ("GET :80/x HTTP/1.1", "Host: g\r\n"),
        ("GET .evil.test/ HTTP/1.1", "Host: g\r\n"),
        ("CONNECT evil.test:443 HTTP/1.1", "Host: evil.test:443\r\n"),
        ("GET / HTTP/9.9", "Host: g\r\n"),
    ] {
        let answer = gateway.raw(format!("{line}\r\n{host}{tags}\r\n")).await;
        assert!((400..=505).contains(&answer.status), "{line:?} {host:?}: {answer:?}");
        let arrived = upstream.request_so_far().await;
        assert!(arrived.is_none(), "{line:?} {host:?}: {arrived:?}");
    }
}

#[tokio::test]
async fn what_may_stand_in_a_path_passes_byte_for_byte() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::plain(&format!("{}/b", upstream.url()), "enabled: true");
    for path in [
        "/.well-known/x",
        "/a//b",
        "/group%2Fproject",
        "/x@y:z/",
        "/..a",
        "/...",
        "/a/.b",
        "/%7euser",
        "/a;v=1",
        "/a%20b",
        "/%C3%A9",
        "/a?x=../y",
        "/a?",
        "/a??",
        "/%2B+",
        "/a'()*!$&,=",
    ] {
        let answer = gateway.ask(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(upstream.request().await.line(), format!("GET /b{path} HTTP/1.1"));
    }
}
