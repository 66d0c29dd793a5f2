//! A process that has used up its file descriptors: who is inside is served, who comes waits, and nothing spins.
use crate::support::CALLER_KEY;
use crate::support::Process;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::raw_request;
use crate::support::soon;
use rustix::process::Pid;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::prlimit;
use std::collections::HashSet;
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;
use tokio::sync::Notify;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// How long accepting pauses after a failure.
const PAUSE: Duration = Duration::from_millis(100);

fn request() -> String {
    format!(
        "GET /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection: api\r\n\r\n"
    )
}

async fn start(upstream: &RawUpstream) -> Process {
    start_before(&upstream.url()).await
}

/// In front of the upstream at this URL.
async fn start_before(url: &str) -> Process {
    let configuration = format!(
        r#"
log: {{ access: "off" }}
server:
  proxy: {{ listen: "127.0.0.1:0", workers: 1 }}
  admin: {{ listen: "127.0.0.1:0", token: an-admin-token-of-the-tests }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 0s, drain: 0s }}
egress: {{ allow: [127.0.0.0/8] }}
callers: {{ runtime: {{ key: {CALLER_KEY} }} }}
connectors: {{ api: {{ base_url: "{url}", auth: {{ open: {{ none: {{}} }} }} }} }}
connections: {{ api: {{ connector: api, auth: open }} }}
"#
    );
    Process::serve(TempDir::new().expect("a folder for temporary files"), &configuration).await
}

/// Leaves the process so many file descriptors besides those that it has open.
fn leave(process: &Process, more: usize) {
    let open = fs::read_dir(format!("/proc/{}/fd", process.id())).expect("it runs");
    let number = |it: fs::DirEntry| it.file_name().to_str().and_then(|it| it.parse::<u64>().ok());
    let open: HashSet<_> = open.flatten().filter_map(number).collect();
    // The limit is one on numbers, which are given out from the lowest.
    let most = (0..).filter(|it| !open.contains(it)).nth(more);
    let id = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    let limit = Rlimit { current: most, maximum: most };
    prlimit(id, Resource::Nofile, limit).expect("a child's limits are ours");
}

/// How often accepting has failed, asked on a link that is open.
async fn exhausted(admin: &mut RawClient) -> u64 {
    admin.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let text = admin.response().await.expect("an answer").text();
    let line = r#"attache_links_refused_total{listener="proxy",reason="exhausted"} "#;
    let mut counts = text.lines().filter_map(|it| it.strip_prefix(line)?.parse().ok());
    counts.next().unwrap_or_default()
}

#[tokio::test]
async fn without_file_descriptors_accepting_pauses_and_goes_on_when_there_are_some_again() {
    let gate = Arc::new(Notify::new());
    let upstream =
        RawUpstream::start([Script::new().read_request().wait(&gate).write(OK).again()]).await;
    let process = start(&upstream).await;
    let mut admin = RawClient::connect(process.admin).await;
    assert_eq!(exhausted(&mut admin).await, 0);
    let mut inside = RawClient::connect(process.proxy).await;
    inside.send(request()).await;
    upstream.request().await;

    leave(&process, 8);
    let began = Instant::now();
    let mut flood = Vec::new();
    for _ in 0..64 {
        flood.push(RawClient::connect(process.proxy).await);
    }
    let failing = async { while exhausted(&mut admin).await < 4 {} };
    soon("accepting to fail", failing).await;
    let failed = u32::try_from(exhausted(&mut admin).await).expect("a few");
    assert!(began.elapsed() >= PAUSE * (failed - 1), "{failed} times in {:?}", began.elapsed());

    gate.notify_one();
    assert_eq!(inside.response().await.expect("it is inside").status, 200);
    inside.send(request()).await;
    upstream.request().await;
    gate.notify_one();
    assert_eq!(inside.response().await.expect("it is still inside").status, 200);

    drop(flood);
    gate.notify_one();
    assert_eq!(raw_request(process.proxy, request()).await.status, 200);
}

#[tokio::test]
async fn a_name_that_is_not_found_for_want_of_a_file_descriptor_is_not_its_upstreams_fault() {
    let upstream = RawUpstream::start([Script::answer(OK)]).await;
    let process = start_before(&upstream.url().replace("127.0.0.1", "localhost")).await;
    let mut client = RawClient::connect(process.proxy).await;
    // It is inside as soon as it is answered.
    client.send("GET /x HTTP/1.1\r\nHost: g\r\n\r\n").await;
    assert_eq!(client.response().await.expect("an answer").status, 401);
    leave(&process, 0);
    // The first one of the process: the resolver has read nothing yet of what it needs.
    client.send(request()).await;
    let refused = client.response().await.expect("an answer");
    assert_eq!((refused.status, refused.error()), (503, "overloaded"), "{}", refused.text());
}
