//! What goes on is seen: the last exchanges, exchanges as they end, and how many there were.
use crate::support::ADMIN_TOKEN;
use crate::support::Gateway;
use crate::support::Http2Link;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Reply;
use crate::support::Script;
use crate::support::each_engine;
use crate::support::http2;
use crate::support::soon;
use serde_json::Value;
use serde_json::json;

const STREAM: &str = "/v1/exchanges/stream";
const TAG: &str = "Attache-Connection: header\r\n";

/// Somebody who watches.
struct Watcher {
    client: RawClient,
}

impl Watcher {
    async fn at(gateway: &Gateway, path: &str) -> Self {
        Self::with_token(gateway, path, ADMIN_TOKEN).await
    }

    /// Watches once this is done: what ends from now on is told.
    async fn with_token(gateway: &Gateway, path: &str, token: &str) -> Self {
        let mut client = RawClient::connect(gateway.admin).await;
        client.send(asked(path, token)).await;
        let begin = client.bytes_until("exchanges follow as they end\n\n").await;
        assert!(begin.starts_with("HTTP/1.1 200 OK\r\n"), "{begin}");
        for field in
            ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"]
        {
            assert!(begin.to_ascii_lowercase().contains(field), "{begin}");
        }
        Self { client }
    }

    /// What the next event of this name is about.
    async fn next(&mut self, event: &str) -> Value {
        self.client.bytes_until(&format!("event: {event}\ndata: ")).await;
        let data = self.client.bytes_until("\n\n").await;
        serde_json::from_str(data.trim_end()).unwrap_or_else(|e| panic!("{e}: {data}"))
    }
}

fn asked(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// The settings of the process, with these of the log.
fn server(log: &str) -> String {
    format!(
        "
log: {{ format: json, {log} }}
server:
  proxy: {{ listen: \"127.0.0.1:0\", workers: 1 }}
  admin: {{ listen: \"127.0.0.1:0\", token: {ADMIN_TOKEN} }}
  public: {{ listen: \"127.0.0.1:0\" }}
  shutdown: {{ ready_delay: 0s, drain: 5s }}
"
    )
}

fn paths(reply: &Reply) -> Vec<&str> {
    let items = reply.body["items"].as_array().expect("a page has items");
    items.iter().map(|it| it["path"].as_str().expect("an exchange has a path")).collect()
}

#[tokio::test]
async fn an_exchange_is_told_when_it_has_ended_and_is_kept_as_it_is_logged() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let mut watcher = Watcher::at(&gateway, STREAM).await;
    assert_eq!(gateway.get("/a%2Fb?api_key=hunter2", TAG).await.status, 200);
    let told = watcher.next("exchange").await;
    assert_eq!((&told["path"], &told["status"]), (&json!("/a%2Fb"), &json!(200)));
    let operator = gateway.operator();
    let listed = operator.get("/v1/exchanges").await.is(200);
    assert_eq!(listed.body, json!({ "items": [told], "next": null }));
    let id = told["request_id"].as_str().expect("it has an id");
    assert_eq!(operator.get(&format!("/v1/exchanges/{id}")).await.is(200).body, told);
    operator.get("/v1/exchanges/another").await.is(404).problem("not_found");
    assert!(!listed.response.text().contains("hunter2"));
    drop(watcher);
    let names = |it: &Value| it.as_object().expect("a record").keys().cloned().collect::<Vec<_>>();
    let logged = gateway.stop();
    assert_eq!(logged, std::slice::from_ref(&told));
    assert_eq!(names(&logged[0]), names(&told));
}

#[tokio::test]
async fn exchanges_are_chosen_and_come_in_pages() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let mut watcher = Watcher::at(&gateway, "/v1/exchanges/stream?status=4xx").await;
    gateway.get("/one", TAG).await;
    gateway.get("/two", "").await;
    assert_eq!(watcher.next("exchange").await["path"], "/two", "others are not told");
    gateway.get("/three", "Attache-Connection: many\r\nAttache-Tenant: acme\r\n").await;
    gateway
        .send(
            "POST",
            "/four",
            "Attache-Environment: production\r\nAttache-Connector: main\r\n",
            "x",
        )
        .await;
    gateway.get("/five", "Attache-Connection: nobody\r\n").await;
    assert_eq!(watcher.next("exchange").await["path"], "/five");
    let operator = gateway.operator();
    let all = operator.get("/v1/exchanges").await.is(200);
    assert_eq!(paths(&all), ["/five", "/four", "/three", "/two", "/one"]);
    for (query, wanted) in [
        ("connection=header", &["/four", "/one"][..]),
        ("tenant=acme", &["/three"]),
        ("tenant=other", &[]),
        ("caller=runtime&method=post", &["/four"]),
        ("connector=api&status=2xx", &["/four", "/three", "/one"]),
        ("environment=production", &["/four"]),
        ("source=caller", &["/five", "/two"]),
        ("source=attache", &[]),
        ("status=404&path=fi", &["/five"]),
        ("path=o", &["/four", "/two", "/one"]),
        // Each by itself.
        ("connection=other", &[]),
        ("caller=other", &[]),
        ("connector=other", &[]),
        ("environment=other", &[]),
        ("method=put", &[]),
        ("source=upstream", &[]),
        ("status=5xx", &[]),
        ("path=other", &[]),
    ] {
        let found = operator.get(&format!("/v1/exchanges?{query}")).await.is(200);
        assert_eq!(paths(&found), wanted, "{query}");
    }
    let (mut pages, mut query) = (Vec::new(), "limit=2&path=o".to_owned());
    loop {
        let page = operator.get(&format!("/v1/exchanges?{query}")).await.is(200);
        pages.push(paths(&page).join(" "));
        let Some(next) = page.body["next"].as_str() else { break };
        query = format!("limit=2&path=o&cursor={next}");
    }
    assert_eq!(pages, ["/four /two", "/one"]);
    for bad in ["status=9xx", "status=4", "source=me", "cursor=x", "limit=0", "since=1"] {
        operator.get(&format!("/v1/exchanges?{bad}")).await.is(400).problem("bad_request");
    }
}

#[tokio::test]
async fn as_many_are_kept_as_the_configuration_says_whatever_is_logged() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let usual = Gateway::usual(&upstream.url());
    let gateway = Gateway::try_start(&usual, &server("access: off, recent: 2")).expect("it starts");
    let mut watcher = Watcher::at(&gateway, STREAM).await;
    for path in ["/one", "/two", "/three"] {
        gateway.get(path, TAG).await;
        assert_eq!(watcher.next("exchange").await["path"], path);
    }
    let operator = gateway.operator();
    assert_eq!(paths(&operator.get("/v1/exchanges").await.is(200)), ["/three", "/two"]);
    // What is not kept any more was counted all the same.
    let traffic = operator.get("/v1/traffic").await.is(200);
    assert_eq!(requests(&traffic), 3);
    assert_eq!(requests(&operator.get("/v1/traffic?connection=header").await.is(200)), 2);
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nobody_from_seeing_what_goes_on() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there");
    assert!(made.success());
    let log = format!("access: {}", pipe.display());
    let gateway =
        Gateway::try_start(&Gateway::usual(&upstream.url()), &server(&log)).expect("it starts");
    let mut watcher = Watcher::at(&gateway, STREAM).await;
    gateway.get("/seen", TAG).await;
    assert_eq!(watcher.next("exchange").await["path"], "/seen");
    // Its reader comes in time for the end.
    let reader = std::thread::spawn(move || std::fs::read_to_string(pipe));
    drop(watcher);
    tokio::task::spawn_blocking(move || gateway.stop()).await.expect("it ends well");
    assert!(reader.join().expect("it reads").expect("a pipe can be read").contains("/seen"));
}

fn requests(traffic: &Reply) -> u64 {
    let points = traffic.body["points"].as_array().expect("there are points");
    points.iter().map(|it| it["requests"].as_u64().expect("a number")).sum()
}

#[tokio::test]
async fn traffic_is_counted_by_whose_fault_it_was() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let mut watcher = Watcher::at(&gateway, STREAM).await;
    for (path, fields) in
        [("/1", TAG), ("/2", TAG), ("/3", "Attache-Connection: nobody\r\n"), ("/4", "")]
    {
        gateway.get(path, fields).await;
        watcher.next("exchange").await;
    }
    let operator = gateway.operator();
    for (query, step_s, wanted) in [
        ("", 5, 4),
        ("?window=1h", 60, 4),
        ("?window=24h", 900, 4),
        ("?window=24h&connection=header", 900, 2),
        ("?connection=another", 5, 0),
    ] {
        let traffic = operator.get(&format!("/v1/traffic{query}")).await.is(200);
        assert_eq!(requests(&traffic), wanted, "{query}");
        assert_eq!(traffic.body["step_s"], step_s);
        let points = traffic.body["points"].as_array().expect("there are points");
        let callers: u64 =
            points.iter().map(|it| it["errors"]["caller"].as_u64().expect("a number")).sum();
        assert_eq!(callers, wanted.saturating_sub(2), "{query}: {}", traffic.body);
        let has_times =
            |it: &&Value| it["upstream_ms"]["p50"].is_f64() && it["overhead_ms"]["p99"].is_f64();
        assert_eq!(points.iter().any(|it| has_times(&it)), wanted > 0, "{query}");
    }
    operator.get("/v1/traffic?window=2h").await.is(400).problem("bad_request");
}

#[tokio::test]
async fn who_watches_more_than_is_told_learns_how_much_is_missing() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let mut watcher = Watcher::at(&gateway, STREAM).await;
    let mut caller = RawClient::connect(gateway.proxy).await;
    let refused = "GET /x HTTP/1.1\r\nHost: g\r\nAttache-Key: the-runtime-s-own-key-0123\r\nAttache-Connection: nobody\r\n\r\n";
    let (mut sent, mut told, mut skipped) = (0, 0, 0);
    // More than are told in a second, however fast they are answered: until some are missing.
    while skipped == 0 {
        for _ in 0..10 {
            caller.send(&refused.repeat(100)).await;
            for _ in 0..100 {
                assert_eq!(caller.response().await.expect("an answer").status, 404);
            }
        }
        sent += 1000;
        while told + skipped < sent {
            let text = watcher.client.bytes_until("\n\n").await;
            told += u64::from(text.contains("event: exchange\n"));
            if let Some((_, data)) = text.split_once("event: skipped\ndata: ") {
                let data: Value = serde_json::from_str(data.trim_end()).expect("it is JSON");
                skipped += data["count"].as_u64().expect("a number");
            }
        }
        assert_eq!(told + skipped, sent, "each is told or counted");
    }
}

#[tokio::test]
async fn so_many_watch_at_the_same_time() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let mut watchers = Vec::new();
    for _ in 0..64 {
        watchers.push(Watcher::at(&gateway, STREAM).await);
    }
    let operator = gateway.operator();
    let refused = operator.get(STREAM).await.is(429).problem("rate_limited");
    assert!(refused.text("detail").contains("streams of exchanges"), "{}", refused.body);
    gateway.get("/x", TAG).await;
    for watcher in &mut watchers {
        assert_eq!(watcher.next("exchange").await["path"], "/x");
    }
}

#[tokio::test]
async fn exchanges_are_told_over_http2_as_well() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let mut link = Http2Link::connect(gateway.admin).await;
    let token = format!("Bearer {ADMIN_TOKEN}");
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "admin"),
        (":path", STREAM),
        ("authorization", &token),
    ];
    link.send(http2::headers(1, &fields, true)).await;
    let begin = link.next_of(http2::DATA).await.expect("it begins");
    assert!(String::from_utf8_lossy(&begin.payload).contains("as they end"));
    gateway.get("/x", TAG).await;
    let event = link.next_of(http2::DATA).await.expect("it is told");
    let text = String::from_utf8_lossy(&event.payload).into_owned();
    assert!(text.contains("event: exchange\ndata: {") && text.contains(r#""path":"/x""#), "{text}");
    assert!(!event.is_end());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_the_process() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let gateway = Gateway::to(&upstream);
    let mut watcher = Watcher::at(&gateway, STREAM).await;
    let stopping = tokio::task::spawn_blocking(move || gateway.stop());
    let rest = watcher.client.rest().await;
    assert!(rest.ends_with(b"0\r\n\r\n"), "it ends whole: {}", String::from_utf8_lossy(&rest));
    soon("the process to end", stopping).await.expect("it ends well");
}

each_engine! {
    async fn a_stream_ends_when_its_token_is_withdrawn(database: Database) {
        let gateway = Gateway::beside(&database, "egress: { allow: [127.0.0.0/8] }\n");
        let operator = gateway.operator();
        let made = operator.post("/v1/tokens", json!({ "key": "eve", "role": "viewer" })).await.is(201);
        let mut watcher = Watcher::with_token(&gateway, STREAM, made.text("token")).await;
        gateway.get("/x", TAG).await;
        watcher.next("exchange").await;
        operator.delete("/v1/tokens/eve").await.is(204);
        // The last piece of a body in chunks (RFC 9112 §7.1).
        watcher.client.bytes_until("\r\n0\r\n\r\n").await;
    }
}
