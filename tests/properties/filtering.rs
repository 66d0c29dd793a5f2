//! Filtering leaves nothing of ours, of one hop or of a forger's, and doing it twice changes nothing.
use super::properties::request_head;
use super::properties::response_head;
use super::seeds::unrecorded;
use proptest::prelude::*;

const NAMES: &[&str] = &[
    "host",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "proxy-connection",
    "proxy-authenticate",
    "proxy_authorization",
    "via",
    "forwarded",
    "max-forwards",
    "http2-settings",
    "traceparent",
    "tracestate",
    "baggage",
    "x-forwarded-for",
    "X_Forwarded_Host",
    "x-real_ip",
    "x-original-url",
    "authorization",
    "cookie",
    "set-cookie",
    "content-type",
    "x-api-key",
    "x_api_key",
    "x-app_id",
    "x.app.id",
    "accept",
    "x-a",
    "X-B",
    "location",
    "link",
    "attache-tenant",
    "attache-ignore-headers",
    "attaches",
    "attache-request-id",
];

const VALUES: &[&str] = &[
    "",
    "1",
    "close",
    "keep-alive, x-a",
    "x-a, X-B",
    "te, trailers",
    "trailers",
    "websocket",
    "upgrade",
    "authorization, cookie, host, content-length",
    "attache-connection",
    "100-continue",
    "sid=x; a=1",
    "acme",
    "x-a, authorization",
    "/next?api_key=x&b=1",
    "</n?b=s3cr3t%2Fv%20lue>; rel=next",
    "trailers, x-a",
];

const OPTIONS: &[&str] = &[
    "none",
    "bearer",
    "basic trace",
    "header",
    "cookie trace",
    "query in-place",
    "custom",
    "custom trace in-place",
];

fn fields() -> impl Strategy<Value = String> {
    let line = (prop::sample::select(NAMES), prop::sample::select(VALUES));
    let lines =
        prop::collection::vec(line.prop_map(|(name, value)| format!("{name}: {value}\n")), 0..10);
    lines.prop_map(|it| it.concat())
}

proptest! {
    #![proptest_config(unrecorded())]

    #[test]
    fn a_request_is_filtered_once_and_for_all(
        options in prop::sample::select(OPTIONS),
        version in prop::sample::select(&["1.1", "1.1", "2", "1.0"][..]),
        fields in fields(),
    ) {
        let head = format!("{options}\nGET /x HTTP/{version}\nhost: a\nattache-connection: c\n{fields}\nbody");
        request_head::holds(head.as_bytes());
    }

    #[test]
    fn a_response_is_filtered_once_and_for_all(fields in fields(), trailers in fields()) {
        response_head::holds(format!("{fields}\n{trailers}").as_bytes());
    }
}
