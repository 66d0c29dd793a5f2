use super::*;
use serde_json::Value;
use serde_json::json;

/// One good request, with these members of its own.
fn wanted(more: &Value) -> Result<Wanted, ApiError> {
    let mut whole = json!({ "connection": "crm", "path": "/me" });
    let members = whole.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            members.shift_remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    sent::read(members)
}

fn curl(more: &Value) -> String {
    wanted(more).unwrap().curl("http://127.0.0.1:8080").unwrap()
}

#[test]
fn what_can_not_be_sent_is_refused_where_it_stands() {
    let field = |name: &str| json!({ "headers": [["x-a", "1"], [name, "2"]] });
    for (more, at) in [
        (json!({ "connection": null }), ""),
        (json!({ "environment": "prod" }), ""),
        (json!({ "connection": null, "environment": "prod" }), ""),
        (json!({ "connection": "C R M" }), "/connection"),
        (json!({ "tenant": "" }), "/tenant"),
        (json!({ "method": "NOT A METHOD" }), "/method"),
        (json!({ "path": "/a b" }), "/path"),
        (json!({ "path": "/a#b" }), "/path"),
        (json!({ "path": "/\u{e9}" }), "/path"),
        (json!({ "timeout": "61s" }), "/timeout"),
        (json!({ "timeout": "0s" }), "/timeout"),
        (json!({ "body": "a", "body_base64": "YQ==" }), "/body_base64"),
        (json!({ "body_base64": "?" }), "/body_base64"),
        (json!({ "body": "a".repeat(BODY_LEN_MAX + 1) }), "/body"),
        (json!({ "headers": [["x-a", "\n"]] }), "/headers/0/1"),
        (field("no name"), "/headers/1/0"),
        (field("Attache-Key"), "/headers/1/0"),
        (field("attache_connection"), "/headers/1/0"),
        (field("Connection"), "/headers/1/0"),
        (field("proxy-authorization"), "/headers/1/0"),
        (field("Host"), "/headers/1/0"),
        (field("Content-Length"), "/headers/1/0"),
        (field("Transfer-Encoding"), "/headers/1/0"),
        (field("Accept-Encoding"), "/headers/1/0"),
    ] {
        match wanted(&more).unwrap().trial() {
            Err(ApiError::Invalid(faults)) => assert_eq!(faults[0].pointer, at, "{more}"),
            other => panic!("{more}: {other:?}"),
        }
    }
    assert!(wanted(&json!({ "connection": null, "environment": "e", "connector": "c" })).is_ok());
}

#[test]
fn the_line_for_the_shell_sends_the_same() {
    assert_eq!(
        curl(&json!({})),
        "curl 'http://127.0.0.1:8080/me' -H \"Attache-Key: $ATTACHE_KEY\" -H 'attache-connection: crm'"
    );
    let line = curl(&json!({
        "path": "a/../b?c={d}", "tenant": "a,b", "test": true, "method": "PUT",
        "headers": [["x-quote", "it's"], ["x-none", ""]], "body": "{\"a\":\"'\"}",
    }));
    for part in [
        "curl -X PUT --globoff --path-as-is 'http://127.0.0.1:8080/a/../b?c={d}'",
        "-H 'attache-tenant: a%2Cb'",
        "-H 'attache-test: true'",
        "-H 'x-quote: it'\\''s'",
        "-H 'x-none;'",
        "-H 'content-type:' --data-binary '{\"a\":\"'\\''\"}'",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(curl(&json!({ "method": "A|B" })).starts_with("curl -X 'A|B' 'http"));
    assert!(curl(&json!({ "method": "HEAD" })).starts_with("curl --head 'http"));
    assert!(curl(&json!({ "body_base64": "AP8=" })).ends_with("--data-binary @body"));
    assert!(curl(&json!({ "body": "@/etc/passwd" })).ends_with("--data-binary @body"));
}
