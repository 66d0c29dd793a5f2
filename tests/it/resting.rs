//! Links that are idle for a while give their memory back, and serve on as if nothing had been.
use crate::support::CALLER_KEY;
use crate::support::Process;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use std::time::Duration;
use tempfile::TempDir;

/// Links are opened in batches with a pause after each, for longer than it takes them to rest: the
/// later ones then use the memory that the earlier ones gave back.
const BATCHES: usize = 100;
const BATCH: usize = 8;
const PAUSE: Duration = Duration::from_millis(40);

/// What a link may hold, most of them at rest, in KiB (performance.md, P11).
const RESTING_MAX_KIB: usize = 20;

fn resident_kib(process: &Process) -> usize {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("it runs");
    let line = status.lines().find(|it| it.starts_with("VmRSS")).expect("Linux tells");
    line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number of KiB")
}

async fn ask(link: &mut RawClient, body: &str) -> (u16, String) {
    let request = format!(
        "POST /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection: api\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    link.send(request).await;
    let answer = link.response().await.expect("an answer");
    (answer.status, answer.text())
}

#[tokio::test]
async fn idle_links_give_their_memory_back_and_serve_on() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let configuration = format!(
        r#"
log: {{ access: "off" }}
server:
  proxy: {{ listen: "127.0.0.1:0", workers: 1 }}
  admin: {{ listen: "127.0.0.1:0", token: an-admin-token-of-the-tests }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 0s, drain: 1s }}
egress: {{ allow: [127.0.0.0/8] }}
callers: {{ runtime: {{ key: {CALLER_KEY} }} }}
connectors: {{ api: {{ base_url: "{}", auth: {{ open: {{ none: {{}} }} }} }} }}
connections: {{ api: {{ connector: api, auth: open }} }}
"#,
        upstream.url()
    );
    let folder = TempDir::new().expect("a folder for temporary files");
    let process = Process::serve(folder, &configuration).await;
    let ok = (200, "ok".to_owned());
    for _ in 0..20 {
        assert_eq!(ask(&mut RawClient::connect(process.proxy).await, "first").await, ok);
    }
    let before = resident_kib(&process);
    let mut links = Vec::new();
    for _ in 0..BATCHES {
        for _ in 0..BATCH {
            let mut link = RawClient::connect(process.proxy).await;
            assert_eq!(ask(&mut link, "a body").await, ok);
            links.push(link);
        }
        tokio::time::sleep(PAUSE).await;
    }
    let grown = resident_kib(&process).saturating_sub(before);
    assert!(grown <= links.len() * RESTING_MAX_KIB, "{} links hold {grown} KiB", links.len());
    for link in &mut links {
        assert_eq!(ask(link, "another body").await, ok);
    }
}
