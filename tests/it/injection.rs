//! Each credential arrives where it belongs, and nothing of the caller's own stands in its place.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::raw_request;

#[tokio::test]
async fn each_scheme_puts_its_credential_on_and_replaces_every_copy() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let copies = "X-Api-Key: mine\r\nx_api_key: mine\r\nX-API-KEY: again\r\nAuthorization: Bearer mine\r\n\
                  Cookie: a=1; session=mine; b=2\r\nCookie: session=again\r\nX-Id: mine\r\n";
    let basic = "Basic dXNlcjpzM2NyZXQtcGFzc3dvcmQ="; // printf user:s3cret-password | base64
    for (connection, field, value) in [
        ("header", "x-api-key", "s3cret-in-header"),
        ("basic", "authorization", basic),
        ("bearer", "authorization", "Bearer s3cret-token"),
        ("cookie", "cookie", "session=s3cret-in-cookie; a=1; b=2"),
        ("custom", "x-id", "s3cret-id"),
    ] {
        let tags = format!("Attache-Connection: {connection}\r\n{copies}");
        let answer = gateway.get("/v1/things?x=%20y", &tags).await;
        assert_eq!(answer.status, 200, "{connection}: {answer:?}");
        let received = upstream.request().await;
        assert_eq!(received.head.all(field), [value], "{connection}");
        let expected = if connection == "custom" { "x=%20y&sig=v1-s3cret-sig" } else { "x=%20y" };
        assert_eq!(
            received.line(),
            format!("GET /base/v1/things?{expected} HTTP/1.1"),
            "{connection}"
        );
        let names = received.head.names();
        assert!(
            !names.iter().any(|it| it.to_ascii_lowercase().starts_with("attache")),
            "{names:?}"
        );
    }
}

#[tokio::test]
async fn a_query_credential_replaces_all_its_spellings_and_keeps_the_rest_byte_for_byte() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let target = "/a?b=%2F&api_key=1&API_KEY=0&%61pi_key=2&c&api%5Fkey=3&d==&api_key";
    gateway.get(target, "Attache-Connection: query\r\n").await;
    let line = upstream.request().await.line().to_owned();
    assert_eq!(line, "GET /base/a?b=%2F&c&d==&api_key=s3cret%20in%26query HTTP/1.1");
}

#[tokio::test]
async fn a_client_that_can_only_set_a_base_url_and_a_key_works_through_a_path_tag() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let basic_password = "Authorization: Basic OnRoZS1ydW50aW1lLXMtb3duLWtleS0wMTIz\r\n"; // printf :KEY | base64
    for (target, key, arrives) in [
        ("/c/header/x", format!("X-Api-Key: {CALLER_KEY}\r\n"), "x-api-key: s3cret-in-header"),
        (
            "/c/bearer/x",
            format!("Authorization: Bearer {CALLER_KEY}\r\n"),
            "authorization: Bearer s3cret-token",
        ),
        (
            "/c/basic/x",
            basic_password.to_owned(),
            "authorization: Basic dXNlcjpzM2NyZXQtcGFzc3dvcmQ=",
        ),
        (
            "/c/cookie/x",
            format!("Cookie: session={CALLER_KEY}\r\n"),
            "cookie: session=s3cret-in-cookie",
        ),
        (
            "/e/production/main/x",
            format!("X-Api-Key: {CALLER_KEY}\r\n"),
            "x-api-key: s3cret-in-header",
        ),
        ("/c/many@acme/x", format!("X-Api-Key: {CALLER_KEY}\r\n"), "x-api-key: s3cret-of-acme"),
        ("/c/open/x", format!("Authorization: Bearer {CALLER_KEY}\r\n"), "host: "),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: gateway\r\n{key}\r\n");
        let answer = raw_request(gateway.proxy, request).await;
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        let received = upstream.request().await;
        let fields = format!("{:?}", received.head).to_ascii_lowercase();
        assert!(fields.contains(&arrives.to_ascii_lowercase()), "{target}: {fields}");
        assert!(!fields.contains(CALLER_KEY), "{target}: {fields}");
        assert_eq!(received.line(), "GET /base/x HTTP/1.1", "{target}");
    }
    let query =
        format!("GET /c/query/x?api_key={CALLER_KEY}&a=1 HTTP/1.1\r\nHost: gateway\r\n\r\n");
    assert_eq!(raw_request(gateway.proxy, query).await.status, 200);
    assert_eq!(
        upstream.request().await.line(),
        "GET /base/x?a=1&api_key=s3cret%20in%26query HTTP/1.1"
    );
}

#[tokio::test]
async fn none_sends_no_auth_and_keeps_what_the_caller_sent() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    gateway
        .get("/x", "Attache-Connection: open\r\nAuthorization: Bearer own\r\nX-A: 1\r\nX-A: 2\r\n")
        .await;
    let received = upstream.request().await;
    assert_eq!(received.field("authorization"), Some("Bearer own"));
    assert_eq!(received.head.all("x-a"), ["1", "2"]);
}

#[tokio::test]
async fn what_ends_at_an_intermediary_ends_here_and_connection_can_not_strip_more() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let fields = "Attache-Connection: header\r\nConnection: Attache-Connection, X-Hop, X-Api-Key, Host, Cookie, keep-alive\r\n\
         X-Hop: 1\r\nCookie: a=1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\n\
         Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=1\r\n\
         X-Real-IP: 1.2.3.4\r\nx_forwarded_for: 1.2.3.4\r\nX-Original-URL: /admin\r\nx_rewrite_url: /admin\r\nVia: 1.1 a\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\
         X-End: kept\r\nAttache-Ignore-Headers: x-drop, X-Drop-Too\r\nX-Drop: 1\r\nx-drop-too: 1\r\n";
    let answer = gateway.get("/x", fields).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let received = upstream.request().await;
    let mut names: Vec<_> =
        received.head.names().iter().map(|it| it.to_ascii_lowercase()).collect();
    names.sort();
    assert_eq!(names, ["cookie", "host", "x-api-key", "x-end"]);
    assert_eq!(received.field("host"), Some(upstream.address().to_string().as_str()));
}
