//! Every answer of attache's own on the proxy, by its code; and that nothing went upstream.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::raw_request;

#[tokio::test]
async fn each_refusal_has_its_code_and_contacts_nobody() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let long = format!("/{}", "a".repeat(20_000));
    for (code, method, target, tags) in [
        ("untagged", "GET", "/x", ""),
        ("untagged", "GET", "/", ""),
        (
            "ambiguous_tags",
            "GET",
            "/x",
            "Attache-Connection: header\r\nAttache-Connection: header\r\n",
        ),
        (
            "ambiguous_tags",
            "GET",
            "/x",
            "Attache-Connection: header\r\nAttache-Environment: production\r\n",
        ),
        ("ambiguous_tags", "GET", "/c/many@acme/x", "Attache-Tenant: other\r\n"),
        ("invalid_tag", "GET", "/x", "Attache-Connection: header, basic\r\n"),
        ("invalid_tag", "GET", "/x", "Attache-Connection: \r\n"),
        ("invalid_tag", "GET", "/x", "Attache-Connection: \u{e9}\r\n"),
        ("invalid_tag", "GET", "/x", "Attache_Connection: header\r\n"),
        ("invalid_tag", "GET", "/x", "Attache-Connection: header\r\nAttache-Timeout: soon\r\n"),
        ("tenant_required", "GET", "/x", "Attache-Connection: many\r\n"),
        ("path_escapes_base", "GET", "/../x", "Attache-Connection: header\r\n"),
        ("path_escapes_base", "GET", "/a/%2e%2e/x", "Attache-Connection: header\r\n"),
        ("path_escapes_base", "GET", "//evil.example/x", "Attache-Connection: header\r\n"),
        ("path_escapes_base", "GET", "http://evil.example/x", "Attache-Connection: header\r\n"),
        ("connection_not_found", "GET", "/x", "Attache-Connection: unknown\r\n"),
        (
            "environment_not_found",
            "GET",
            "/x",
            "Attache-Environment: dev\r\nAttache-Connector: api\r\n",
        ),
        (
            "connector_not_assigned",
            "GET",
            "/x",
            "Attache-Environment: production\r\nAttache-Connector: crm\r\n",
        ),
        (
            "activation_not_found",
            "GET",
            "/x",
            "Attache-Connection: many\r\nAttache-Tenant: nobody\r\n",
        ),
        (
            "embedded_not_activated",
            "GET",
            "/x",
            "Attache-Connection: none-yet\r\nAttache-Tenant: acme\r\n",
        ),
        ("connection_disabled", "GET", "/x", "Attache-Connection: off\r\n"),
        (
            "base_url_forbidden",
            "GET",
            "/x",
            "Attache-Connection: header\r\nAttache-Base-Url: https://evil.example\r\n",
        ),
        ("method_not_allowed", "TRACE", "/x", "Attache-Connection: header\r\n"),
        ("target_too_long", "GET", &long, "Attache-Connection: header\r\n"),
    ] {
        let answer = gateway.get_with(method, target, tags).await;
        assert_eq!(answer.code().as_deref(), Some(code), "{method} {target} {tags:?}: {answer:?}");
    }
    assert_eq!(upstream.links(), 0, "nothing went out");
}

#[tokio::test]
async fn without_the_right_caller_key_nothing_is_told() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let key = CALLER_KEY;
    for fields in [
        String::new(),
        "Attache-Key: wrong-wrong-wrong-wrong\r\n".into(),
        "Attache-Key: \r\n".into(),
        format!("Attache-Key: {}\r\n", &key[..key.len() - 1]),
        format!("Attache-Key: {key}x\r\n"),
        format!("Attache-Key: {}\r\n", key.to_uppercase()),
        format!("Attache-Key: {key}\r\nAttache-Key: wrong-wrong-wrong-wrong\r\n"),
        format!("Attache-Key: wrong-wrong-wrong-wrong\r\nAttache-Key: {key}\r\n"),
        format!("Attache-Key: {key}\r\nProxy-Authorization: Bearer wrong-wrong-wrong-wrong\r\n"),
        format!("Authorization: Bearer {key}\r\n"),
    ] {
        let request = format!(
            "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Connection: header\r\nContent-Length: 1000000\r\n{fields}\r\n"
        );
        let answer = raw_request(gateway.proxy, request).await;
        assert_eq!(
            answer.code().as_deref(),
            Some("caller_unauthenticated"),
            "{fields:?}: {answer:?}"
        );
    }
    let unknown = raw_request(gateway.proxy, "GET /c/unknown/x HTTP/1.1\r\nHost: g\r\n\r\n").await;
    assert_eq!(unknown.code().as_deref(), Some("caller_unauthenticated"));
    let proxy_authorization = format!(
        "GET /x HTTP/1.1\r\nHost: g\r\nAttache-Connection: header\r\nProxy-Authorization: Bearer {key}\r\n\r\n"
    );
    assert_eq!(raw_request(gateway.proxy, proxy_authorization).await.status, 200);
    assert_eq!(upstream.links(), 1);
}

#[tokio::test]
async fn a_limited_caller_sees_what_it_may_and_no_trace_of_the_rest() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let limited = "callers: { limited: { key: a-limited-caller-s-key, connections: [header, many], tenants: [acme], methods: [GET], paths: [/open/*] } }\n";
    let gateway = Gateway::start(&format!("{}{limited}", Gateway::usual(&upstream.url())));
    let ask = async |method: &str, target: &str, tags: &str| {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: g\r\nAttache-Key: a-limited-caller-s-key\r\n{tags}\r\n"
        );
        let answer = raw_request(gateway.proxy, request).await;
        answer.code().unwrap_or_else(|| answer.status.to_string())
    };
    assert_eq!(ask("GET", "/open/x", "Attache-Connection: header\r\n").await, "200");
    assert_eq!(
        ask("GET", "/open/x", "Attache-Connection: basic\r\n").await,
        "connection_not_found"
    );
    assert_eq!(
        ask("GET", "/open/x", "Attache-Connection: nowhere\r\n").await,
        "connection_not_found"
    );
    assert_eq!(
        ask("DELETE", "/open/x", "Attache-Connection: header\r\n").await,
        "caller_forbidden"
    );
    assert_eq!(ask("GET", "/shut", "Attache-Connection: header\r\n").await, "caller_forbidden");
    let hidden = "Attache-Connection: header\r\nX_HTTP_Method_Override: delete\r\n";
    assert_eq!(ask("GET", "/open/x", hidden).await, "caller_forbidden");
    let other = "Attache-Connection: many\r\nAttache-Tenant: other\r\n";
    assert_eq!(ask("GET", "/open/x", other).await, "caller_forbidden");
}

#[tokio::test]
async fn what_the_egress_guard_refuses_is_never_contacted() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let guarded = Gateway::usual(&upstream.url()).replace("egress:", "x-egress:");
    let guarded = guarded.replace("x-egress: { allow: [127.0.0.0/8, \"::1/128\"] }", "");
    let gateway = Gateway::start(&guarded);
    let answer = gateway.get("/x", "Attache-Connection: header\r\n").await;
    assert_eq!(answer.code().as_deref(), Some("destination_forbidden"), "{answer:?}");
    assert!(!answer.text().contains("127.0.0.1"), "the address is not told");
    assert_eq!(upstream.links(), 0);
    let metrics = gateway.admin("/metrics").await.text();
    assert!(metrics.contains("loopback"), "{metrics}");
}

#[tokio::test]
async fn requests_that_could_be_read_twice_are_refused() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let tags = format!("Attache-Key: {CALLER_KEY}\r\nAttache-Connection: header\r\n");
    for (why, request) in [
        (
            "two lengths",
            format!(
                "POST /x HTTP/1.1\r\nHost: g\r\n{tags}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
            ),
        ),
        (
            "a listed length",
            format!("POST /x HTTP/1.1\r\nHost: g\r\n{tags}Content-Length: 5, 5\r\n\r\nhello"),
        ),
        (
            "a signed length",
            format!("POST /x HTTP/1.1\r\nHost: g\r\n{tags}Content-Length: +5\r\n\r\nhello"),
        ),
        (
            "a coding that is not chunked",
            format!("POST /x HTTP/1.1\r\nHost: g\r\n{tags}Transfer-Encoding: xchunked\r\n\r\n"),
        ),
        ("two hosts", format!("GET /x HTTP/1.1\r\nHost: g\r\nHost: h\r\n{tags}\r\n")),
        ("no host", format!("GET /x HTTP/1.1\r\n{tags}\r\n")),
        ("a host that is none", format!("GET /x HTTP/1.1\r\nHost: a b\r\n{tags}\r\n")),
        ("space before the colon", format!("GET /x HTTP/1.1\r\nHost: g\r\n{tags}X-A : 1\r\n\r\n")),
        ("a folded field", format!("GET /x HTTP/1.1\r\nHost: g\r\n{tags}X-A: 1\r\n 2\r\n\r\n")),
        (
            "a control byte in a tag",
            format!("GET /x HTTP/1.1\r\nHost: g\r\n{tags}Attache-Tenant: a\x01b\r\n\r\n"),
        ),
        ("a raw space", format!("GET /a b HTTP/1.1\r\nHost: g\r\n{tags}\r\n")),
        (
            "a megabyte of fields",
            format!("GET /x HTTP/1.1\r\nHost: g\r\n{tags}X-A: {}\r\n\r\n", "a".repeat(1 << 20)),
        ),
    ] {
        let mut client = crate::support::RawClient::connect(gateway.proxy).await;
        client.try_send(request).await;
        let answer = client.response().await;
        let status = answer.as_ref().map_or(400, |it| it.status);
        assert!((400..500).contains(&status), "{why}: {answer:?}");
    }
    assert_eq!(upstream.links(), 0, "nothing went out");
    assert_eq!(
        gateway.get("/x", "Attache-Connection: header\r\n").await.status,
        200,
        "others are served"
    );
}

#[tokio::test]
async fn a_request_with_both_lengths_goes_on_as_one_and_is_the_last_on_its_link() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let tags = format!("Attache-Key: {CALLER_KEY}\r\nAttache-Connection: header\r\n");
    for framing in [
        "Content-Length: 30\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 30\r\n",
    ] {
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: g\r\n\r\n";
        let mut client = crate::support::RawClient::connect(gateway.proxy).await;
        client
            .send(format!("POST /x HTTP/1.1\r\nHost: g\r\n{tags}{framing}\r\n0\r\n\r\n{smuggled}"))
            .await;
        let answer = client.response().await.expect("an answer");
        if answer.status == 200 {
            let received = upstream.request().await;
            assert_eq!(
                (received.body.len(), received.field("content-length")),
                (0, None),
                "{framing}"
            );
        }
        assert!(client.rest().await.is_empty(), "{framing}: the link is closed");
        assert!(upstream.request_so_far().await.is_none(), "{framing}: one request, not two");
    }
}
