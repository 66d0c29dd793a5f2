//! What a process holds of memory stays within 96 MiB, whatever callers do with its links.
use crate::support::CALLER_KEY;
use crate::support::Process;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::raw_request;
use crate::support::soon;
use tempfile::TempDir;

/// The most that may ever have been resident, less what lies in the program's own file: the kernel takes that back
/// whenever it likes, and a debug build has many times as much of it.
const MEMORY_KIB: u64 = 96 * 1024;

/// Links of each kind: what a process may open without being asked for more descriptors.
const LINKS: usize = 200;

/// Of an answer that nobody reads: in all, ten times what may be resident.
const ANSWER: usize = 8 << 20;

async fn process(upstream: &RawUpstream) -> Process {
    let configuration = format!(
        r#"
log: {{ access: "off" }}
server:
  proxy: {{ listen: "127.0.0.1:0", workers: 2, limits: {{ head_timeout: 10m, idle_timeout: 10m }} }}
  admin: {{ listen: "127.0.0.1:0", token: an-admin-token-of-the-tests }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 0s, drain: 1s }}
egress: {{ allow: [127.0.0.0/8] }}
callers: {{ runtime: {{ key: {CALLER_KEY} }} }}
connectors: {{ api: {{ base_url: "{}", auth: {{ open: {{ none: {{}} }} }}, upstream: {{ timeouts: {{ idle: 10m }} }} }} }}
connections: {{ api: {{ connector: api, auth: open }} }}
"#,
        upstream.url()
    );
    Process::serve(TempDir::new().expect("a folder for temporary files"), &configuration).await
}

fn request(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection: api\r\n\r\n"
    )
}

async fn in_flight(process: &Process) -> f64 {
    let text = raw_request(process.admin, "GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n").await;
    let text = text.text();
    let line = text.lines().find(|it| it.starts_with("attache_requests_in_flight "));
    line.and_then(|it| it.rsplit(' ').next()?.parse().ok()).expect("a number")
}

fn is_within(process: &Process) {
    let most = process.resident_kib("VmHWM") - process.resident_kib("RssFile");
    assert!(most < MEMORY_KIB, "{most} KiB were resident");
}

#[tokio::test]
async fn callers_that_do_not_read_their_answers_cost_a_bounded_amount_each() {
    let piece = vec![b'x'; 1 << 20];
    let large = Script::new()
        .read_request()
        .write(format!("HTTP/1.1 200 OK\r\nContent-Length: {ANSWER}\r\n\r\n"))
        .flood(&piece, ANSWER / piece.len());
    // As many that are not read, and then one after the other for somebody else.
    let scripts = (0..LINKS).map(|_| large.clone()).chain([Script::ok("ok")]);
    let upstream = RawUpstream::start(scripts).await;
    let process = process(&upstream).await;
    let mut slow = Vec::new();
    for _ in 0..LINKS {
        let mut link = RawClient::connect(process.proxy).await;
        link.send(request("/large")).await;
        // Its answer has begun.
        link.bytes_until("\r\n\r\n").await;
        slow.push(link);
    }

    for _ in 0..20 {
        assert_eq!(raw_request(process.proxy, request("/")).await.text(), "ok");
    }

    assert_eq!(in_flight(&process).await, LINKS as f64, "none of them has come to its end");
    is_within(&process);
    // What was held back for them is still there.
    let rest = slow.pop().expect("one of them").bytes(ANSWER).await;
    assert_eq!(rest.len(), ANSWER);
}

#[tokio::test]
async fn heads_without_end_and_idle_links_fit_beside_good_traffic() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let process = process(&upstream).await;
    let field = format!("X-Bomb: {}\r\n", "b".repeat(4000));
    let (mut idle, mut bombs) = (Vec::new(), Vec::new());
    for number in 0..LINKS {
        let mut link = RawClient::connect(process.proxy).await;
        link.send(request("/")).await;
        assert_eq!(link.response().await.expect("an answer").text(), "ok");
        idle.push(link);
        // Short of its end and of the limit, and beyond both.
        let fields = if number % 2 == 0 { 3 } else { 1000 };
        let mut bomb = RawClient::connect(process.proxy).await;
        bomb.try_send(format!("GET / HTTP/1.1\r\nHost: g\r\n{}", field.repeat(fields))).await;
        bombs.push(bomb);
    }

    for _ in 0..20 {
        assert_eq!(raw_request(process.proxy, request("/")).await.text(), "ok");
    }

    is_within(&process);
    for link in &mut idle {
        link.send(request("/")).await;
        assert_eq!(soon("an answer", link.response()).await.expect("an answer").text(), "ok");
    }
    drop(bombs);
}
