//! Each credential arrives where it belongs, and nothing of the caller's own stands in its place.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::each;
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

/// What `Connection` lists is stripped of the caller's fields, and of nothing that is put on or frames.
async fn is_put_on_though_listed((connection, field, value): (&str, &str, &str)) {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let listed = "Connection: Authorization, Cookie, X-Api-Key, X-Id, Content-Length, Transfer-Encoding, Host, close";
    let tags = format!("{listed}\r\nAttache-Connection: {connection}\r\n");
    assert_eq!(gateway.send("POST", "/x", &tags, "body").await.status, 200);
    let received = upstream.request().await;
    assert_eq!(received.field(field), Some(value));
    assert_eq!(received.field("host"), Some(upstream.address().to_string().as_str()));
    assert_eq!(
        (received.body.as_slice(), received.field("content-length")),
        (&b"body"[..], Some("4"))
    );
}

/// A trailer of the name that the credential goes by, announced or not, in any spelling, does not go on.
async fn is_dropped_from_trailers((connection, trailer): (&str, &str)) {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let request = format!(
        "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection: {connection}\r\nTE: trailers\r\n\
         Trailer: {trailer}, X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n{trailer}: mine\r\nX-Sum: 7\r\n\r\n"
    );
    assert_eq!(raw_request(gateway.proxy, request).await.status, 200);
    let received = upstream.request().await;
    assert_eq!(received.trailers.join("|").to_lowercase(), "x-sum: 7");
    assert_eq!((received.body.as_slice(), received.complete), (&b"abc"[..], true));
}

/// A query credential is on the request, whatever the caller's target ends with.
async fn has_its_query_credential((target, line): (&str, &str)) {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    assert_eq!(gateway.get(target, "Attache-Connection: query\r\n").await.status, 200);
    assert_eq!(upstream.request().await.line(), format!("GET /base{line} HTTP/1.1"));
}

/// The caller's own copies are gone, the credential stands once, and the rest is untouched.
async fn is_replaced((connection, fields, field, values): (&str, &str, &str, &[&str])) {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let tags = format!("Attache-Connection: {connection}\r\n{fields}");
    assert_eq!(gateway.get("/x", &tags).await.status, 200);
    let received = upstream.request().await;
    assert_eq!(received.head.all(field), values);
    let sent = format!("{:?}", received.head);
    assert!(!sent.contains("mine"), "{sent}");
}

/// A credential that an upstream reflects does not reach the caller.
async fn is_withheld(field: &str) {
    let field = field.replace("URL", "https://a.test/x?a=1&api_key=s3cret%20in%26query&b=2");
    let upstream = RawUpstream::start([Script::answer(format!(
        "HTTP/1.1 302 Found\r\n{field}\r\n{field}\r\nContent-Length: 0\r\n\r\n"
    ))])
    .await;
    let gateway = Gateway::to(&upstream);
    let answer = gateway.get("/x", "Attache-Connection: query\r\n").await;
    let head = format!("{:?}", answer.head);
    assert!(answer.status == 302 && !head.contains("s3cret"), "{head}");
    assert_eq!(head.matches("https://a.test/x?a=1").count(), 2, "the rest of it is told: {head}");
}

each! { is_put_on_though_listed:
    a_listed_header_key_is_put_on = ("header", "x-api-key", "s3cret-in-header");
    a_listed_bearer_token_is_put_on = ("bearer", "authorization", "Bearer s3cret-token");
    a_listed_login_is_put_on = ("basic", "authorization", "Basic dXNlcjpzM2NyZXQtcGFzc3dvcmQ=");
    a_listed_cookie_is_put_on = ("cookie", "cookie", "session=s3cret-in-cookie");
    a_listed_custom_field_is_put_on = ("custom", "x-id", "s3cret-id");
}

each! { is_dropped_from_trailers:
    a_header_key_in_trailers_is_dropped = ("header", "X-Api-Key");
    a_header_key_in_trailers_with_underscores_is_dropped = ("header", "x_api_key");
    a_header_key_in_trailers_with_one_underscore_is_dropped = ("header", "X_API-Key");
    an_authorization_in_trailers_is_dropped = ("bearer", "Authorization");
    a_cookie_in_trailers_is_dropped = ("cookie", "Cookie");
    a_custom_field_in_trailers_is_dropped = ("custom", "X-Id");
    a_custom_field_in_trailers_with_underscores_is_dropped = ("custom", "x_id");
}

each! { has_its_query_credential:
    a_fragment_does_not_swallow_the_credential = ("/x#y", "/x?api_key=s3cret%20in%26query");
    a_fragment_behind_a_query_does_not_swallow_the_credential =
        ("/x?a=1#y", "/x?a=1&api_key=s3cret%20in%26query");
    a_fragment_that_looks_like_a_query_does_not_swallow_the_credential =
        ("/x?a=1#?api_key=mine&", "/x?a=1&api_key=s3cret%20in%26query");
    an_encoded_fragment_is_a_part_of_the_path = ("/x%23y", "/x%23y?api_key=s3cret%20in%26query");
    an_empty_query_gets_the_credential = ("/x?", "/x?api_key=s3cret%20in%26query");
    separators_before_the_credential_stay = ("/x?a&&", "/x?a&&api_key=s3cret%20in%26query");
    a_parameter_in_capitals_is_replaced = ("/x?API_KEY=mine&a", "/x?a&api_key=s3cret%20in%26query");
    a_parameter_percent_encoded_is_replaced = ("/x?a&%61%70i_key=mine", "/x?a&api_key=s3cret%20in%26query");
    a_parameter_with_an_encoded_underscore_is_replaced = ("/x?api%5Fkey=mine", "/x?api_key=s3cret%20in%26query");
    a_parameter_with_an_encoded_nul_is_replaced = ("/x?api_key%00=mine", "/x?api_key=s3cret%20in%26query");
    a_parameter_without_a_value_is_replaced = ("/x?api_key", "/x?api_key=s3cret%20in%26query");
    a_parameter_behind_a_semicolon_is_replaced = ("/x?a;api_key=mine;b", "/x?a;b&api_key=s3cret%20in%26query");
    a_parameter_given_ten_times_is_replaced = (
        "/x?api_key=1&api_key=2&api_key=3&api_key=4&api_key=5&api_key=6&api_key=7&api_key=8&api_key=9&api_key=0",
        "/x?api_key=s3cret%20in%26query"
    );
}

each! { is_replaced:
    a_header_key_in_any_case_is_replaced = ("header",
        "x-api-key: mine\r\nX-API-KEY: mine\r\nX-Api-Key: mine\r\n", "x-api-key", &["s3cret-in-header"]);
    a_header_key_with_underscores_is_dropped = ("header",
        "x_api_key: mine\r\nX_API-KEY: mine\r\nX-Api_Key: mine\r\n", "x-api-key", &["s3cret-in-header"]);
    several_authorizations_are_replaced = ("bearer",
        "Authorization: Bearer mine\r\nauthorization: Basic mine\r\n", "authorization", &["Bearer s3cret-token"]);
    a_login_of_the_callers_is_replaced = ("basic",
        "AUTHORIZATION: Basic mine\r\n", "authorization", &["Basic dXNlcjpzM2NyZXQtcGFzc3dvcmQ="]);
    a_cookie_in_several_lines_is_replaced = ("cookie",
        "Cookie: a=1; session=mine\r\nCookie: session=mine; b=2\r\ncookie: session=mine\r\n",
        "cookie", &["session=s3cret-in-cookie; a=1; b=2"]);
    a_cookie_with_spaces_around_its_name_is_replaced = ("cookie",
        "Cookie: a=1;  session =mine;session=mine\r\n", "cookie", &["session=s3cret-in-cookie; a=1"]);
    a_custom_field_with_underscores_is_dropped = ("custom", "X_Id: mine\r\nx_id: mine\r\n", "x-id", &["s3cret-id"]);
}

each! { is_withheld:
    a_credential_in_location_is_withheld = "Location: URL";
    a_credential_in_content_location_is_withheld = "Content-Location: URL";
    a_credential_in_link_is_withheld = "Link: <URL>; rel=\"next\"";
    a_credential_in_refresh_is_withheld = "Refresh: 5; url=URL";
}

#[tokio::test]
async fn a_redirect_is_passed_on_and_never_followed() {
    let evil = RawUpstream::start([Script::ok("evil")]).await;
    for (status, place) in [
        (301, format!("{}/x", evil.url())),
        (302, "/elsewhere".to_owned()),
        (303, format!("//{}/x", evil.address())),
        (307, format!("{}/x", evil.url())),
        (308, "?again".to_owned()),
    ] {
        let upstream = RawUpstream::start([Script::answer(format!(
            "HTTP/1.1 {status} Moved\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
        ))])
        .await;
        let gateway = Gateway::to(&upstream);
        let answer = gateway.get("/x", "Attache-Connection: header\r\n").await;
        assert_eq!((answer.status, answer.field("location")), (status, Some(place.as_str())));
        upstream.request().await;
        assert!(upstream.request_so_far().await.is_none(), "{status}");
    }
    assert_eq!(evil.links(), 0);
}

#[tokio::test]
async fn options_for_the_last_hop_is_answered_here_and_others_go_on() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let tags = "Attache-Connection: header\r\n";
    let here = gateway.get_with("OPTIONS", "/x", &format!("{tags}Max-Forwards: 0\r\n")).await;
    assert_eq!((here.status, here.text().as_str()), (204, ""));
    assert_eq!(upstream.links(), 0);
    for (method, fields, left) in [
        ("OPTIONS", "", None),
        ("OPTIONS", "Max-Forwards: 10\r\n", Some("9")),
        ("OPTIONS", "Max-Forwards: soon\r\n", Some("soon")),
        ("GET", "Max-Forwards: 0\r\n", Some("0")),
    ] {
        let there = gateway.get_with(method, "/x", &format!("{tags}{fields}")).await;
        assert_eq!((there.status, there.text().as_str()), (200, "ok"), "{method} {fields}");
        let received = upstream.request().await;
        assert_eq!(received.field("max-forwards"), left, "{method} {fields}");
    }
}
