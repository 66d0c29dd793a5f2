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
