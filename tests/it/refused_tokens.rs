//! Answers that say that a token was not taken: the request goes out once more with another token, or its
//! answer is the caller's as it came.
use crate::support::Gateway;
use crate::support::Http2Upstream;
use crate::support::Provider;
use crate::support::RawUpstream;
use crate::support::Response;
use crate::support::Says;
use crate::support::Script;
use crate::support::http2::answer as h2_answer;
use crate::support::http2::headers;
use crate::support::http2::settings;
use crate::support::raw_request;
use crate::support::soon;
use crate::support::tagged;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const NO: &str = "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 6\r\n\r\nno way";

/// Slack's way of saying it, beside the usual one.
const IN_BODY: &str = "auth_failure: [{ status: 401 }, { pointer: /error, equals: token_expired }]";

/// A connection `api` by `client_credentials`, with these further settings of the method and the connection.
fn configuration(upstream: &str, provider: &str, method: &str, connection: &str) -> String {
    format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: {upstream}
    auth: {{ m: {{ oauth2: {{ grant: client_credentials, token_url: {provider}/token, {method} }} }} }}
connections:
  api: {{ connector: api, auth: m, credentials: {{ client_id: app, client_secret: hush-hush }}, {connection} }}
"
    )
}

/// Gives tokens `first`, `second`, `third`, and then no more.
async fn provider() -> Provider {
    let tokens = ["first", "second", "third"].map(Says::token);
    Provider::start(tokens.into_iter().chain([Says::error(500, "no more")])).await
}

struct Scene {
    upstream: RawUpstream,
    provider: Provider,
    gateway: Gateway,
}

impl Scene {
    async fn of(scripts: impl IntoIterator<Item = Script>, method: &str) -> Self {
        Self::with(scripts, method, "").await
    }

    async fn with(
        scripts: impl IntoIterator<Item = Script>,
        method: &str,
        connection: &str,
    ) -> Self {
        let (upstream, provider) = (RawUpstream::start(scripts).await, provider().await);
        let file = configuration(&upstream.url(), provider.url(), method, connection);
        Self { gateway: Gateway::start(&file), upstream, provider }
    }

    async fn send(&self, method: &str, fields: &str, body: &str) -> Response {
        self.gateway.through(method, "/x?a=b", fields, body).await
    }

    /// The tokens that the upstream has seen so far.
    async fn tokens(&self) -> Vec<String> {
        let mut tokens = Vec::new();
        while let Some(request) = self.upstream.request_so_far().await {
            tokens.push(request.field("authorization").unwrap_or_default().to_owned());
        }
        tokens
    }

    async fn replays(&self, outcome: &str) -> f64 {
        let labels = ["reason=\"token_refused\"", &*format!("outcome=\"{outcome}\"")];
        self.gateway.metric("attache_retries_total", &labels).await
    }
}

/// Refuses once, and then takes all, on the first link and on others.
fn once() -> [Script; 2] {
    after(NO)
}

/// The same with another first answer.
fn after(first: &str) -> [Script; 2] {
    let first = Script::new().read_request().write(first);
    [(0..8).fold(first, |it, _| it.read_request().write(OK)), Script::answer(OK)]
}

fn seen(answer: &Response) -> (u16, String) {
    (answer.status, answer.text())
}

fn no() -> (u16, String) {
    (401, "no way".to_owned())
}

fn ok() -> (u16, String) {
    (200, "ok".to_owned())
}

/// An answer of 200 in JSON.
fn json_answer(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// RF-05.
#[tokio::test]
async fn a_refused_token_is_replaced_and_the_request_goes_out_once_more_as_it_was() {
    for (method, body) in [("GET", ""), ("POST", "payload"), ("DELETE", ""), ("PATCH", "{}")] {
        let scene = Scene::of(once(), "").await;
        let answer = scene.send(method, "X-Own: 1\r\n", body).await;
        assert_eq!(seen(&answer), ok(), "{method}");
        for token in ["Bearer first", "Bearer second"] {
            let request = scene.upstream.request().await;
            assert_eq!(request.line(), format!("{method} /x?a=b HTTP/1.1"));
            assert_eq!(request.field("authorization"), Some(token), "{method}");
            assert_eq!((request.field("x-own"), &*request.body), (Some("1"), body.as_bytes()));
        }
        // What may be repeated goes out on a pooled link: what was discarded left it in order.
        assert!(scene.upstream.links() == 1 || matches!(method, "POST" | "PATCH"), "{method}");
        assert_eq!(scene.provider.asked().len(), 2);
        assert_eq!(scene.send(method, "", body).await.status, 200);
        assert_eq!(scene.tokens().await, ["Bearer second"]);
        assert_eq!((scene.replays("sent").await, scene.replays("recovered").await), (1.0, 1.0));
        let log = scene.gateway.stop();
        assert_eq!((&log[0]["attempts"], &log[0]["status"]), (&json!(2), &json!(200)));
        assert!(log[0]["credential"].as_f64().is_some_and(|it| it > 0.0), "{log:?}");
    }
}

#[tokio::test]
async fn wherever_the_token_goes_the_other_one_takes_its_place() {
    for (place, line, field) in [
        ("in: query, name: key", "GET /x?a=b&key=second HTTP/1.1", None),
        ("in: cookie, name: sid", "GET /x?a=b HTTP/1.1", Some(("cookie", "sid=second; own=1"))),
        ("name: X-Key, format: \"t={key}\"", "GET /x?a=b HTTP/1.1", Some(("x-key", "t=second"))),
    ] {
        let scene = Scene::of(once(), place).await;
        assert_eq!(seen(&scene.send("GET", "Cookie: own=1\r\n", "").await), ok(), "{place}");
        scene.upstream.request().await;
        let request = scene.upstream.request().await;
        assert_eq!(request.line(), line, "{place}");
        if let Some((name, value)) = field {
            assert_eq!(request.field(name), Some(value), "{place}");
        }
        assert!(!format!("{request:?}").contains("first"), "{request:?}");
    }
}

/// RF-05: never a loop, and no token request per request.
#[tokio::test]
async fn a_second_refusal_goes_to_the_caller_and_further_ones_cost_nothing() {
    let scene = Scene::of([Script::answer(NO)], "").await;
    assert_eq!(seen(&scene.send("GET", "", "").await), no());
    assert_eq!(scene.tokens().await, ["Bearer first", "Bearer second"]);
    for _ in 0..5 {
        assert_eq!(seen(&scene.send("POST", "", "x").await), no());
        assert_eq!(scene.tokens().await, ["Bearer second"], "once");
    }
    assert_eq!(scene.provider.asked().len(), 2, "it may not be the token");
    assert_eq!((scene.replays("sent").await, scene.replays("recovered").await), (1.0, 0.0));
    assert_eq!(scene.replays("used_up").await, 6.0);
}

/// RF-06.
#[tokio::test]
async fn twenty_refusals_at_once_make_one_token_request() {
    let gate = Arc::new(Notify::new());
    let refusals = std::iter::repeat_n(Says::status(401, "no").after(&gate), 20);
    let upstream = Provider::start(refusals.chain([Says::status(200, "ok")])).await;
    let provider = provider().await;
    let gateway = Gateway::start(&configuration(upstream.url(), provider.url(), "", ""));
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        let (proxy, request) = (gateway.proxy, tagged("POST", "/x", "", "body"));
        asking.spawn(async move { raw_request(proxy, request).await.status });
    }
    upstream.was_asked(20).await;
    let mut statuses = Vec::new();
    let all = async {
        while statuses.len() < 20 {
            gate.notify_waiters();
            while let Some(status) = asking.try_join_next() {
                statuses.push(status.expect("no request panics"));
            }
            tokio::task::yield_now().await;
        }
    };
    soon("twenty answers", all).await;
    assert_eq!(statuses, [200; 20]);
    assert_eq!(provider.asked().len(), 2, "one for each generation");
    assert_eq!(upstream.asked().len(), 40);
}

#[tokio::test]
async fn an_answer_is_not_lost_where_there_is_no_other_token() {
    for says in [Says::error(500, "x"), Says::error(400, "invalid_client"), Says::nothing()] {
        let scene = Scene::of([Script::answer(NO)], "").await;
        scene.provider.says([Says::token("first"), says]);
        let answer = scene.send("POST", "", "x").await;
        assert_eq!((seen(&answer), answer.code()), (no(), None), "the API's own");
        assert_eq!(answer.field("www-authenticate"), Some("Bearer"));
        assert_eq!(scene.tokens().await, ["Bearer first"]);
        assert_eq!(scene.replays("too_late").await, 1.0);
    }
}

#[tokio::test]
async fn a_slow_provider_leaves_time_for_the_answer_that_there_is() {
    let gate = Arc::new(Notify::new());
    let scene = Scene::of([Script::answer(NO)], "").await;
    scene.provider.says([Says::token("first"), Says::token("second").after(&gate)]);
    let answer = scene.send("GET", "Attache-Timeout: 600ms\r\n", "").await;
    assert_eq!((seen(&answer), answer.complete), (no(), true));
    gate.notify_one();
}

#[tokio::test]
async fn a_body_that_is_too_long_to_keep_is_sent_once_and_the_next_request_has_the_other_token() {
    let connection = "upstream: { retries: { max_memory: 1KiB } }";
    for length in [1024, 1025] {
        let scene = Scene::with(once(), "", connection).await;
        let is_kept = length == 1024;
        let answer = scene.send("POST", "", &"x".repeat(length)).await;
        assert_eq!(seen(&answer), if is_kept { ok() } else { no() }, "{length}");
        assert_eq!(scene.replays("not_repeatable").await, f64::from(u8::from(!is_kept)));
        scene.provider.was_asked(2).await;
        let other = async {
            while scene.send("GET", "", "").await.status == 200
                && scene.tokens().await.last().is_none_or(|it| it != "Bearer second")
            {}
        };
        soon("the other token", other).await;
        assert_eq!(scene.provider.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_sent_again_with_its_trailers() {
    let scene = Scene::of(once(), "").await;
    let mut client = scene.gateway.client().await;
    let fields = "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n";
    client.send(tagged("POST", "/x", fields, "")).await;
    client.send("5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n").await;
    assert_eq!(seen(&client.response().await.expect("an answer")), ok());
    for _ in 0..2 {
        let request = scene.upstream.request().await;
        assert_eq!(
            (&*request.body, &*request.trailers),
            (&b"hello"[..], &["x-sum: 7".to_owned()][..])
        );
    }
}

#[tokio::test]
async fn a_body_that_waits_for_100_continue_is_sent_once_it_is_wanted() {
    let scene =
        Scene::of([Script::new().read_head().write(NO).read_to_end(), Script::ok("ok")], "").await;
    let mut client = scene.gateway.client().await;
    let fields = "Expect: 100-continue\r\nContent-Length: 5\r\n";
    client.send(tagged("POST", "/x", fields, "")).await;
    let first = scene.upstream.request().await;
    assert_eq!((first.field("authorization"), first.complete), (Some("Bearer first"), false));
    client.send("hello").await;
    assert_eq!(seen(&client.response().await.expect("an answer")), ok());
    let second = scene.upstream.request().await;
    assert_eq!(
        (second.field("authorization"), &*second.body),
        (Some("Bearer second"), &b"hello"[..])
    );
}

#[tokio::test]
async fn a_refused_handshake_opens_its_tunnel_with_the_other_token() {
    let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello";
    let tunnel = Script::new().read_head().write(switching).read_rest(5).write("again");
    let scene = Scene::of([Script::new().read_head().write(NO), tunnel], IN_BODY).await;
    let mut client = scene.gateway.client().await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    client.send(tagged("GET", "/chat", upgrade, "")).await;
    assert_eq!(client.response().await.expect("an answer").status, 101);
    assert_eq!(client.bytes(5).await, b"hello");
    client.send("frame").await;
    assert_eq!(client.bytes(5).await, b"again");
    assert_eq!(scene.tokens().await, ["Bearer first", "Bearer second"]);
}

#[tokio::test]
async fn on_http2_a_refused_request_goes_out_again_too() {
    for (status, fields, body, method) in [
        ("401", vec![], "", ""),
        (
            "200",
            vec![("content-type", "application/json")],
            "{\"error\":\"token_expired\"}",
            IN_BODY,
        ),
    ] {
        let provider = provider().await;
        let upstream = Http2Upstream::start(move |mut link| {
            let fields = fields.clone();
            async move {
                link.send(settings(&[])).await;
                let Some((stream, received)) = link.whole_request().await else { return };
                assert_eq!(received, b"payload");
                let mut head = vec![(":status", status)];
                head.extend(fields);
                link.send(headers(stream, &head, body.is_empty())).await;
                if !body.is_empty() {
                    link.send(crate::support::http2::data(stream, body, true)).await;
                }
                let Some((stream, received)) = link.whole_request_but(stream).await else { return };
                assert_eq!(received, b"payload");
                link.send(h2_answer(stream, "ok")).await;
                link.ended().await;
            }
        })
        .await;
        let connection = "upstream: { http: 2 }";
        let file = configuration(&upstream.url(), provider.url(), method, connection);
        let gateway = Gateway::start(&file);
        let answer = gateway.through("POST", "/x", "", "payload").await;
        assert_eq!(seen(&answer), ok(), "{status}");
        assert_eq!((provider.asked().len(), upstream.links()), (2, 1));
    }
}

#[tokio::test]
async fn a_refusal_that_stands_in_the_body_is_one() {
    let refusal = json_answer("{\"ok\":false,\"error\":\"token_expired\"}");
    let scene = Scene::of(after(&refusal), IN_BODY).await;
    let answer = scene.send("GET", "Accept-Encoding: gzip, br\r\n", "").await;
    assert_eq!(seen(&answer), ok());
    for _ in 0..2 {
        let request = scene.upstream.request().await;
        assert_eq!(request.field("accept-encoding"), None, "it could not be read");
    }
    assert_eq!(scene.upstream.links(), 1);
}

#[tokio::test]
async fn a_second_refusal_in_the_body_is_the_callers_whole() {
    let refusal = "{\"ok\":false,\"error\":\"token_expired\"}";
    let scene = Scene::of([Script::answer(json_answer(refusal))], IN_BODY).await;
    for requests in [2, 1] {
        assert_eq!(seen(&scene.send("POST", "", "x").await), (200, refusal.to_owned()));
        assert_eq!(scene.tokens().await.len(), requests);
    }
    assert_eq!(scene.provider.asked().len(), 2);
}

#[tokio::test]
async fn what_is_no_refusal_passes_byte_for_byte_on_a_link_that_is_kept() {
    let long = |length: usize| format!("{{\"error\":\"{}\"}}", "x".repeat(length));
    let hidden = format!("{{\"fill\":\"{}\",\"error\":\"token_expired\"}}", "x".repeat(70_000));
    for body in
        ["{}", "", "{\"error\":\"other\"}", "{\"error\":", &long(65_000), &long(66_000), &hidden]
    {
        let chunked = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.api+json\r\nTransfer-Encoding: chunked\r\n\
             Trailer: X-Sum\r\n\r\n{:x}\r\n{body}\r\n0\r\nX-Sum: 7\r\n\r\n",
            body.len()
        );
        let chunked = if body.is_empty() { json_answer(body) } else { chunked };
        let script = Script::new().read_request().write(json_answer(body));
        let script = script.read_request().write(&chunked).read_request().write(OK);
        let scene = Scene::of([script], IN_BODY).await;
        let whole = scene.send("GET", "", "").await;
        assert_eq!((seen(&whole), whole.complete), ((200, body.to_owned()), true));
        assert_eq!(whole.field("content-length"), Some(body.len().to_string().as_str()));
        let whole = scene.send("GET", "TE: trailers\r\nConnection: te\r\n", "").await;
        assert_eq!((seen(&whole), whole.complete), ((200, body.to_owned()), true));
        assert!(body.is_empty() || whole.trailers == ["x-sum: 7"], "{:?}", whole.trailers);
        assert_eq!(seen(&scene.send("GET", "", "").await), ok());
        assert_eq!((scene.provider.asked().len(), scene.upstream.links()), (1, 1));
    }
}

#[tokio::test]
async fn what_cannot_be_a_refusal_is_not_held_back() {
    let in_body = "auth_failure: [{ status: 400, pointer: /error }]";
    for (settings, head) in [
        (IN_BODY, "Content-Type: text/event-stream\r\n"),
        (IN_BODY, "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"),
        (IN_BODY, "Content-Type: application/json\r\nContent-Length: 65537\r\n"),
        (in_body, "Content-Type: application/json\r\n"),
    ] {
        let gate = Arc::new(Notify::new());
        let first = format!("HTTP/1.1 200 OK\r\n{head}\r\n{{\"a\":1,");
        let script = Script::new().read_request().write(&first).wait(&gate).write("}");
        let scene = Scene::of([script], settings).await;
        let mut client = scene.gateway.client().await;
        client.send(tagged("GET", "/x", "", "")).await;
        client.bytes_until("{\"a\":1,").await;
        gate.notify_one();
    }
}

#[tokio::test]
async fn a_json_body_that_breaks_off_or_stalls_goes_to_the_caller_as_far_as_it_came() {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":1,";
    let timeouts = "upstream: { timeouts: { idle: 300ms } }";
    let stalls = Script::new().read_request().write(head).read_to_end();
    let breaks_off = Script::new().read_request().write(head);
    for script in [breaks_off, stalls] {
        let scene = Scene::with([script], IN_BODY, timeouts).await;
        let answer = scene.send("GET", "", "").await;
        assert_eq!((answer.status, answer.complete), (200, false));
        assert_eq!(answer.field("content-length"), Some("100"));
        assert_eq!(scene.provider.asked().len(), 1);
    }
}

#[tokio::test]
async fn without_a_declared_401_it_is_an_answer_like_any_other() {
    let declared = "auth_failure: [{ status: 403, header: X-Why, contains: expired }]";
    let refusal = "HTTP/1.1 403 No\r\nX-Why: it Expired\r\nContent-Length: 0\r\n\r\n";
    let other = "HTTP/1.1 403 No\r\nX-Why: scope\r\nContent-Length: 0\r\n\r\n";
    for (first, attempts) in [(NO, 1), (other, 1), (refusal, 2)] {
        let scene = Scene::of(after(first), declared).await;
        scene.send("GET", "", "").await;
        assert_eq!(scene.tokens().await.len(), attempts, "{first}");
        assert_eq!(scene.provider.asked().len(), attempts, "{first}");
    }
}

#[tokio::test]
async fn a_retry_and_another_token_stand_beside_each_other() {
    let down = "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n";
    let script = [down, NO, down, OK];
    let script = script.iter().fold(Script::new(), |it, answer| it.read_request().write(answer));
    let retries = "upstream: { retries: { attempts: 2, base: 1ms, budget_floor: 200 } }";
    let scene = Scene::with([script], "", retries).await;
    assert_eq!(seen(&scene.send("PUT", "", "x").await), ok());
    let expected = ["Bearer first", "Bearer first", "Bearer second", "Bearer second"];
    assert_eq!(scene.tokens().await, expected);
}

#[tokio::test]
async fn a_session_that_the_api_has_ended_is_begun_anew_for_the_request() {
    let (upstream, provider) = (RawUpstream::start(once()).await, Provider::start([]).await);
    let sid = |sid: &str| Says::status(200, "").with(&format!("Set-Cookie: sid={sid}\r\n"));
    provider.says([sid("one"), sid("two")]);
    let file = format!(
        "egress: {{ allow: [127.0.0.0/8] }}
connectors:
  api:
    base_url: {}
    auth: {{ m: {{ session_login: {{ steps: [{{ url: {}/login, form: {{ u: \"{{username}}\" }}, take: {{ sid: {{ cookie: sid }} }} }}],
      inject: [{{ in: cookie, name: sid, value: \"{{sid}}\" }}] }} }} }}
connections:
  api: {{ connector: api, auth: m, credentials: {{ username: ann }} }}
",
        upstream.url(),
        provider.url()
    );
    let gateway = Gateway::start(&file);
    assert_eq!(seen(&gateway.through("POST", "/x", "", "x").await), ok());
    for sid in ["sid=one", "sid=two"] {
        assert_eq!(upstream.request().await.field("cookie"), Some(sid));
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_meanwhile_costs_no_token() {
    let gate = Arc::new(Notify::new());
    let scene = Scene::of(once(), "").await;
    scene.provider.says([Says::token("first"), Says::token("second").after(&gate)]);
    let mut client = scene.gateway.client().await;
    client.send(tagged("POST", "/x", "", "body")).await;
    scene.provider.was_asked(2).await;
    client.hang_up();
    gate.notify_one();
    let quiet = async {
        let tokens = ["outcome=\"token\""];
        while scene.gateway.metric("attache_requests_in_flight", &[]).await > 0.0
            || scene.gateway.metric("attache_token_renewals_total", &tokens).await < 2.0
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the exchange to end and the token to land", quiet).await;
    assert_eq!(scene.send("GET", "", "").await.status, 200);
    assert_eq!(scene.tokens().await.last().map(String::as_str), Some("Bearer second"));
    assert_eq!(scene.provider.asked().len(), 2);
}
