//! What a caller may take: heads, tags and names without end cost it its answer, and nobody else anything.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::each;

const TAG: &str = "Attache-Connection: header\r\n";

/// Refused with the head unread to its end, and the next caller is served.
async fn too_large(head: String) {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let mut client = gateway.client().await;
    client.try_send(format!("{head}Host: g\r\nAttache-Key: {CALLER_KEY}\r\n{TAG}\r\n")).await;
    // A caller that goes on sending may lose the answer to the reset that stops it.
    let answer = client.response().await;
    assert!(answer.as_ref().is_none_or(|it| matches!(it.status, 400 | 414 | 431)), "{answer:?}");
    assert_eq!(upstream.links(), 0);
    assert_eq!(gateway.get("/x", TAG).await.status, 200);
}

each! { too_large:
    a_mebibyte_of_one_request_field_is_refused = format!("GET /x HTTP/1.1\r\nX: {}\r\n", "x".repeat(1 << 20));
    a_mebibyte_of_one_request_name_is_refused = format!("GET /x HTTP/1.1\r\n{}: x\r\n", "x".repeat(1 << 20));
    a_mebibyte_of_small_request_fields_is_refused = format!("GET /x HTTP/1.1\r\n{}", "X: 1\r\n".repeat(1 << 18));
    a_mebibyte_of_target_is_refused = format!("GET /{} HTTP/1.1\r\n", "x".repeat(1 << 20));
    a_mebibyte_of_method_is_refused = format!("{} /x HTTP/1.1\r\n", "X".repeat(1 << 20));
    a_mebibyte_of_empty_lines_is_refused = "\r\n".repeat(1 << 19);
}

/// Names that a caller makes up leave nothing behind: not in the metrics, which are as long as before.
async fn leaves_no_trace(fields: fn(usize) -> (String, String)) {
    const NAMES: usize = 3000;
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let mut client = gateway.client().await;
    let mut lengths = Vec::new();
    for number in 0..NAMES {
        let (target, fields) = fields(number);
        client
            .send(format!(
                "GET {target} HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n{fields}\r\n"
            ))
            .await;
        let answer = client.response().await.expect("an answer");
        assert!((400..500).contains(&answer.status), "{answer:?}");
        if number % (NAMES / 3) == NAMES / 3 - 1 {
            lengths.push(gateway.admin("/metrics").await.text().lines().count());
        }
    }
    assert_eq!(lengths[0], lengths[2], "lines of metrics");
    assert_eq!(upstream.links(), 0);
    assert_eq!(gateway.get("/x", TAG).await.status, 200);
}

each! { leaves_no_trace:
    connections_that_are_made_up_leave_no_trace = |it| ("/x".into(), format!("Attache-Connection: made-up-{it}\r\n"));
    path_tags_that_are_made_up_leave_no_trace = |it| (format!("/c/made-up-{it}/x"), String::new());
    tenants_that_are_made_up_leave_no_trace =
        |it| ("/x".into(), format!("Attache-Connection: many\r\nAttache-Tenant: made-up-{it}\r\n"));
    environments_that_are_made_up_leave_no_trace =
        |it| ("/x".into(), format!("Attache-Environment: made-up-{it}\r\nAttache-Connector: main\r\n"));
}
