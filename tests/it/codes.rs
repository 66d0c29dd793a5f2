//! Every code of docs/contract.md §4 that is built, produced; and nothing sent where it is refused.
use crate::support::CALLER_KEY;
use crate::support::Gateway;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::raw_request;
use attache::model::Code;
use std::collections::BTreeSet;

/// Those of the admin API, which has tests of its own.
const OPERATORS: &[Code] = &[
    Code::OperatorForbidden,
    Code::Invalid,
    Code::UnsupportedMediaType,
    Code::PreconditionFailed,
    Code::AlreadyExists,
    Code::DeclaredInFile,
    Code::InUse,
    Code::ConfirmationRequired,
    Code::OriginChanged,
    Code::IdempotencyKeyReused,
    Code::IdempotencyInProgress,
    Code::IdempotencyAnswerLost,
    Code::EventsForgotten,
    Code::NoStore,
    Code::StoreUnavailable,
    Code::StoreFull,
    Code::TooMuchAtOnce,
    Code::ConnectSessionInUse,
    Code::ConnectOtherBrowser,
    Code::ConnectSessionOver,
    Code::ConnectMisconfigured,
    Code::ConsentUnknown,
    Code::CredentialRefused,
    Code::ScopesMissing,
    Code::AccountDiffers,
];

/// Codes that need more than one request on the proxy: produced by the tests named.
const ELSEWHERE: &[Code] = &[
    Code::Internal, // no request is known to produce it: src/proxy/error.rs, src/server/contained.rs
    Code::UpstreamTls, // upstream_faults
    Code::UpstreamProtocol, // upstream_faults
    Code::UpstreamTimeout, // upstream_faults
    Code::DestinationForbidden, // egress
    Code::BodyTooLarge, // webhooks
    Code::WebhookUnsigned, // webhooks
    Code::WebhookBadSignature, // webhooks
    Code::WebhookStale, // webhooks
    Code::WebhookInFlight, // webhooks
    Code::WebhookUndeliverable, // webhooks
    Code::RateLimited, // limits_rate, limits_concurrency
    Code::CircuitOpen, // limits_circuit
    Code::CredentialUnavailable, // tokens, stored_outage
    Code::ReauthorizationRequired, // tokens
    Code::Overloaded, // limits_memory
    Code::NotFound, // admin, below
    Code::OperatorUnauthenticated,
    Code::BodyTooLargeToSign,
];

fn catalog(url: &str) -> String {
    format!(
        "
egress: {{ allow: [127.0.0.0/8] }}
callers:
  narrow:
    key: key-of-the-narrow-caller
    connections: [\"api\", \"many\", \"ghost*\"]
    environments: [staging]
    tenants: [acme]
    methods: [GET]
    paths: [\"/open/*\", \"/e*\"]
connectors:
  api: {{ base_url: \"{url}/base\", auth: {{ m: {{ bearer: {{}} }}, h: {{ hmac: {{ preset: github }} }} }} }}
  loose: {{ base_url: \"{url}\", auth: {{ m: {{ bearer: {{}} }} }} }}
  gone: {{ base_url: \"http://gone.invalid\", auth: {{ m: {{ none: {{}} }} }} }}
connections:
  api: {{ connector: api, auth: m, credentials: {{ token: t }} }}
  hidden: {{ connector: api, auth: m, credentials: {{ token: t }} }}
  off: {{ connector: api, auth: m, enabled: false, credentials: {{ token: t }} }}
  gone: {{ connector: gone, auth: m }}
  hooks: {{ connector: api, auth: h, base_url: \"{url}\", credentials: {{ secret: s3cret }} }}
  many: {{ connector: api, auth: m, embedded: true }}
  none-yet: {{ connector: api, auth: m, embedded: true }}
activations:
  - {{ connection: many, tenant: acme, credentials: {{ token: t }} }}
  - {{ connection: many, tenant: other, credentials: {{ token: t }} }}
integrations:
  sync: {{ connectors: {{ crm: {{ connector: api }}, chat: {{ connector: loose }} }} }}
environments:
  prod: {{ integration: sync, assign: {{ crm: api }} }}
"
    )
}

/// One thing is wrong with each; the good request is the first.
struct Row {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    key: &'static str,
    tags: &'static str,
    code: Option<Code>,
}

const GOOD: Row = Row {
    name: "good",
    method: "GET",
    path: "/open/a",
    key: CALLER_KEY,
    tags: "Attache-Connection: api\r\n",
    code: None,
};

const NARROW: &str = "key-of-the-narrow-caller";

fn rows() -> Vec<Row> {
    use Code as C;
    let row = |name, code| Row { name, code: Some(code), ..GOOD };
    vec![
        GOOD,
        Row { key: NARROW, ..GOOD },
        Row { method: "TRACE", ..row("trace", C::MethodNotAllowed) },
        Row { key: "another-key-of-the-tests", ..row("unknown key", C::CallerUnauthenticated) },
        Row {
            key: "The-Runtime-S-Own-Key-0123",
            ..row("key in capitals", C::CallerUnauthenticated)
        },
        Row { key: "the-runtime-s-own-key-012", ..row("key cut short", C::CallerUnauthenticated) },
        Row { key: "", ..row("empty key", C::CallerUnauthenticated) },
        Row {
            tags: "Attache-Key: the-runtime-s-own-key-0123\r\nAttache-Connection: api\r\n",
            key: "another-key-of-the-tests",
            ..row("a wrong key and the right one", C::CallerUnauthenticated)
        },
        Row {
            tags: "Attache-Key: another-key-of-the-tests\r\nAttache-Connection: api\r\n",
            ..row("the right key and a wrong one", C::CallerUnauthenticated)
        },
        Row { tags: "", ..row("no tag", C::Untagged) },
        Row { tags: "", path: "/cc/api/a", ..row("no tag path", C::Untagged) },
        Row {
            tags: "Attache-Connection: api\r\nAttache-Connection: api\r\n",
            ..row("a tag twice", C::AmbiguousTags)
        },
        Row {
            tags: "Attache-Connection: api\r\nAttache-Environment: prod\r\nAttache-Connector: crm\r\n",
            ..row("two selectors", C::AmbiguousTags)
        },
        Row {
            tags: "Attache-Tenant: other\r\n",
            path: "/c/many@acme/a",
            ..row("two tenants", C::AmbiguousTags)
        },
        Row { tags: "Attache-Connection: api, api\r\n", ..row("joined tags", C::InvalidTag) },
        Row { tags: "Attache-Connection: \r\n", ..row("an empty tag", C::InvalidTag) },
        Row { tags: "Attache-Connection: API\r\n", ..row("a key in capitals", C::InvalidTag) },
        Row { tags: "Attache-Connection: a\u{e9}\r\n", ..row("a tag beyond ASCII", C::InvalidTag) },
        Row { tags: "Attache-Connection: a\tb\r\n", ..row("a tab in a tag", C::InvalidTag) },
        Row { tags: "Attache_Connection: api\r\n", ..row("an underscore", C::InvalidTag) },
        Row {
            tags: "Attache-Connection: api\r\nAttache-Tenat: acme\r\n",
            ..row("a misspelt tag", C::InvalidTag)
        },
        Row {
            tags: "Attache-Connection: api\r\nAttache-Timeout: soon\r\n",
            ..row("no duration", C::InvalidTag)
        },
        Row { tags: "Attache-Connection: hooks\r\n", ..row("an inbound one", C::InvalidTag) },
        Row { tags: "Attache-Connection: many\r\n", ..row("no tenant", C::TenantRequired) },
        Row { path: "/../a", ..row("dots", C::PathEscapesBase) },
        Row { path: "/%2e%2E/a", ..row("encoded dots", C::PathEscapesBase) },
        Row { path: "/a/..%2fb", ..row("an encoded slash after dots", C::PathEscapesBase) },
        Row { path: "/a/..;/b", ..row("dots with a parameter", C::PathEscapesBase) },
        Row { path: "/%252e%252e/a", ..row("dots encoded twice", C::PathEscapesBase) },
        Row { path: "/..\\a", ..row("a backslash", C::PathEscapesBase) },
        Row { path: "//evil.test/a", ..row("another host", C::PathEscapesBase) },
        Row {
            tags: "Attache-Connection: nothing\r\n",
            ..row("an unknown connection", C::ConnectionNotFound)
        },
        Row {
            tags: "Attache-Connection: hidden\r\n",
            key: NARROW,
            ..row("one that this caller may not see", C::ConnectionNotFound)
        },
        Row {
            tags: "Attache-Environment: other\r\nAttache-Connector: crm\r\n",
            ..row("an unknown environment", C::EnvironmentNotFound)
        },
        Row {
            tags: "Attache-Environment: prod\r\nAttache-Connector: chat\r\n",
            ..row("an unassigned connector", C::ConnectorNotAssigned)
        },
        Row {
            tags: "Attache-Environment: prod\r\nAttache-Connector: other\r\n",
            ..row("an unknown connector", C::ConnectorNotAssigned)
        },
        Row {
            tags: "Attache-Connection: many\r\nAttache-Tenant: nobody\r\n",
            ..row("an unknown tenant", C::ActivationNotFound)
        },
        Row {
            tags: "Attache-Connection: none-yet\r\nAttache-Tenant: acme\r\n",
            ..row("no activation at all", C::EmbeddedNotActivated)
        },
        Row { method: "POST", key: NARROW, ..row("a method not granted", C::CallerForbidden) },
        Row { path: "/shut/a", key: NARROW, ..row("a path not granted", C::CallerForbidden) },
        Row {
            tags: "Attache-Connection: many\r\nAttache-Tenant: other\r\n",
            key: NARROW,
            ..row("a tenant not granted", C::CallerForbidden)
        },
        Row { tags: "Attache-Connection: off\r\n", ..row("switched off", C::ConnectionDisabled) },
        Row {
            tags: "Attache-Connection: api\r\nAttache-Base-Url: https://evil.test\r\n",
            ..row("another base URL", C::BaseUrlForbidden)
        },
        Row { tags: "Attache-Connection: gone\r\n", ..row("unreachable", C::UpstreamConnect) },
    ]
}

#[tokio::test]
async fn each_wrong_request_gets_its_code_and_goes_nowhere() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::start(&catalog(&upstream.url()));
    let mut produced = BTreeSet::new();
    for row in rows() {
        let Row { name, method, path, key, tags, code } = row;
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: g\r\nAttache-Key: {key}\r\n{tags}\r\n");
        let answer = gateway.raw(head).await;
        let said = answer.code();
        assert_eq!(said.as_deref(), code.map(Code::as_str), "row {name}: {answer:?}");
        assert_eq!(answer.status, code.map_or(200, Code::status), "row {name}");
        assert!(!answer.text().contains("127.0.0.1"), "row {name}: {}", answer.text());
        let arrived = upstream.request_so_far().await;
        assert_eq!(arrived.is_some(), code.is_none(), "row {name}: {arrived:?}");
        produced.extend(said);
    }

    let long = format!("/{}", "a".repeat(20_000));
    let answer = gateway.through("GET", &long, "", "").await;
    assert_eq!(answer.code().as_deref(), Some("target_too_long"));
    produced.extend(answer.code());
    let answer =
        gateway.through("GET", "/", &format!("X-Big: {}\r\n", "a".repeat(1 << 20)), "").await;
    // The head never became a request, so this may be the library's bare answer.
    assert_eq!(answer.status, 431);
    produced.insert("headers_too_large".to_owned());
    let answer = raw_request(gateway.proxy, "GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(answer.code().as_deref(), Some("bad_request"));
    produced.extend(answer.code());

    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|it| !ELSEWHERE.contains(it) && !OPERATORS.contains(it))
        .map(|it| it.as_str())
        .filter(|it| !produced.contains(*it))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert!(upstream.request_so_far().await.is_none());
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_visible_answer_alike() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::start(&catalog(&upstream.url()));
    let mut answers = Vec::new();
    for connection in ["hidden", "absent"] {
        let head = format!(
            "GET / HTTP/1.1\r\nHost: g\r\nAttache-Key: {NARROW}\r\nAttache-Request-Id: same\r\n\
             Attache-Connection: {connection}\r\n\r\n"
        );
        let answer = gateway.raw(head).await;
        let mut lines = answer.head.lines.clone();
        lines.retain(|it| !it.to_ascii_lowercase().starts_with("date:"));
        answers.push((lines, answer.text()));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_refused_requests_body_is_not_waited_for() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::start(&catalog(&upstream.url()));
    let mut client = RawClient::connect(gateway.proxy).await;
    client
        .send("POST /open/a HTTP/1.1\r\nHost: g\r\nAttache-Connection: api\r\nContent-Length: 1073741824\r\n\r\n")
        .await;
    let answer = client.response().await.expect("an answer without the body");
    assert_eq!(answer.code().as_deref(), Some("caller_unauthenticated"));
    // What follows is the unread body, never another request.
    client
        .try_send(format!("GET /open/a HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\n\r\n"))
        .await;
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn the_admin_listener_asks_for_its_token_and_says_what_is_not_there() {
    let upstream = RawUpstream::start([Script::ok("hi")]).await;
    let gateway = Gateway::start(&catalog(&upstream.url()));
    assert_eq!(gateway.admin("/nothing").await.code().as_deref(), Some("not_found"));
    let ask =
        |path: &str| raw_request(gateway.admin, format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    let answer = ask("/v1/connections").await;
    assert_eq!(answer.code().as_deref(), Some("operator_unauthenticated"));
    for open in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(ask(open).await.status, 200, "{open}");
    }
}
