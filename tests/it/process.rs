//! The program as the operating system sees it: signals, ports, and its memory.
use crate::support::CALLER_KEY;
use crate::support::Process;
use crate::support::RawClient;
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::attache;
use crate::support::raw_request;
use crate::support::soon;
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

fn configuration(upstream: &RawUpstream, proxy_port: u16, drain: &str) -> String {
    format!(
        r#"
log: {{ access: "off" }}
server:
  proxy: {{ listen: "127.0.0.1:{proxy_port}", workers: 1 }}
  admin: {{ listen: "127.0.0.1:0", token: an-admin-token-of-the-tests }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 300ms, drain: {drain} }}
egress: {{ allow: [127.0.0.0/8] }}
callers: {{ runtime: {{ key: {CALLER_KEY} }} }}
connectors: {{ api: {{ base_url: "{}", auth: {{ open: {{ none: {{}} }} }} }} }}
connections: {{ api: {{ connector: api, auth: open }} }}
"#,
        upstream.url()
    )
}

fn request(connection: &str) -> String {
    format!(
        "GET /x HTTP/1.1\r\nHost: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection: {connection}\r\n\r\n"
    )
}

async fn start(upstream: &RawUpstream, drain: &str) -> Process {
    let folder = TempDir::new().expect("a folder for temporary files");
    Process::serve(folder, &configuration(upstream, 0, drain)).await
}

#[tokio::test]
async fn a_hang_up_signal_reads_the_configuration_again() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let process = start(&upstream, "1s").await;
    assert_eq!(raw_request(process.proxy, request("more")).await.status, 404);
    let text = fs::read_to_string(process.config()).expect("it was written");
    let more =
        text.replace("connections: {", "connections: { more: { connector: api, auth: open },");
    fs::write(process.config(), more).expect("it can be replaced");
    process.signal(Signal::HUP);
    let served = async {
        while raw_request(process.proxy, request("more")).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the new connection to be served", served).await;
}

#[tokio::test]
async fn a_stop_says_not_ready_first_finishes_what_is_open_and_ends_with_0() {
    let upstream = RawUpstream::start([Script::new()
        .read_request()
        .write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        .drip("done", Duration::from_millis(300))])
    .await;
    let mut process = start(&upstream, "20s").await;
    let mut client = RawClient::connect(process.proxy).await;
    client.send(request("api")).await;
    upstream.request().await;
    process.signal(Signal::TERM);
    let ready = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";
    let said = async {
        while raw_request(process.admin, ready).await.status != 503 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("it to say that it is not ready", said).await;
    let answer = client.response().await.expect("the exchange finishes");
    assert_eq!((answer.text().as_str(), answer.complete), ("done", true));
    assert!(process.ended().await.success());
}

#[tokio::test]
async fn a_drain_has_an_end_and_a_second_signal_is_an_end_at_once() {
    let upstream = RawUpstream::start([Script::new().read_request().read_to_end()]).await;
    let mut process = start(&upstream, "300ms").await;
    let mut client = RawClient::connect(process.proxy).await;
    client.send(request("api")).await;
    upstream.request().await;
    process.signal(Signal::TERM);
    assert!(process.ended().await.success(), "the open exchange is cut at the deadline");

    let mut process = start(&upstream, "1000s").await;
    let mut client = RawClient::connect(process.proxy).await;
    client.send(request("api")).await;
    upstream.request().await;
    process.signal(Signal::TERM);
    let said = async {
        while !process.output().contains("stopping") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("it to begin to stop", said).await;
    process.signal(Signal::TERM);
    assert_eq!(process.ended().await.code(), Some(1));
}

#[tokio::test]
async fn a_port_in_use_is_named_and_nothing_is_served() {
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let first = start(&upstream, "1s").await;
    let folder = TempDir::new().expect("a folder for temporary files");
    let config = folder.path().join("attache.yaml");
    fs::write(&config, configuration(&upstream, first.proxy.port(), "1s")).expect("a fresh folder");
    let mut command = attache(folder.path());
    let ended =
        command.args(["serve", "--config"]).arg(&config).stderr(std::process::Stdio::piped());
    let output = ended.spawn().and_then(std::process::Child::wait_with_output).expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let named = format!("server.proxy.listen: {} is in use", first.proxy);
    assert!(said.contains(&named), "{said}");
}

/// LK-05.
#[tokio::test]
async fn it_leaves_no_core_file_even_where_the_system_would_take_one() {
    let folder = TempDir::new().expect("a folder for temporary files");
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let mut process = Process::serve_from(folder, &configuration(&upstream, 0, "1s"), |program| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$0\" \"$@\""]).arg(program);
        shell
    })
    .await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).expect("Linux tells");
    let core =
        limits.lines().find(|it| it.starts_with("Max core file size")).expect("a line of it");
    assert!(core.split_whitespace().filter(|it| *it == "0").count() >= 2, "{core}");
    process.signal(Signal::ABORT);
    let status = process.ended().await;
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
}

/// LK-05. What `gcore` and debuggers begin with. The superuser may always; so for it the program runs as
/// another user, who tries.
#[tokio::test]
async fn its_memory_and_its_environment_are_nobody_elses() {
    const NOBODY: u32 = 65534;
    let folder = TempDir::new().expect("a folder for temporary files");
    let is_root = rustix::process::getuid().is_root();
    if is_root {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
    }
    let program = |path: &std::ffi::OsStr| {
        let mut command = Command::new(path);
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    let can_run = program(env!("CARGO_BIN_EXE_attache").as_ref()).arg("--version").output();
    if !can_run.is_ok_and(|it| it.status.success()) {
        eprintln!("skipped: the built program lies where another user can't run it");
        return;
    }
    let upstream = RawUpstream::start([Script::ok("ok")]).await;
    let process = Process::serve_from(folder, &configuration(&upstream, 0, "1s"), program).await;
    for part in ["mem", "environ", "maps"] {
        let path = format!("/proc/{}/{part}", process.id());
        let mut reader = program("head".as_ref());
        let read = reader.args(["-c", "1", &path]).output().expect("head runs");
        let said = String::from_utf8_lossy(&read.stderr).into_owned();
        assert!(!read.status.success() && said.contains("Permission denied"), "{part}: {said}");
    }
}
