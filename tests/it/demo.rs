//! The newcomer's first minute, as the program that is shipped shows it.
use crate::support::attache;
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

/// Runs to its end; gives the exit code and the report.
async fn once(folder: &std::path::Path) -> (Option<i32>, String) {
    let mut child = attache(folder).args(["demo", "--once"]).spawn().expect("it can be run");
    let waited = tokio::task::spawn_blocking(move || child.wait());
    let status = crate::support::soon("the demo to end", waited).await;
    let status = status.expect("no panic").expect("it can be waited for");
    let report = fs::read_to_string(folder.join("stdout")).expect("it has an output");
    (status.code(), report)
}

#[tokio::test]
async fn every_request_does_what_it_says_on_whatever_ports_are_free() {
    // With the usual ports taken, by this test or by somebody else.
    let _taken: Vec<_> =
        [8080, 8082, 8090].iter().map(|it| TcpListener::bind(("127.0.0.1", *it))).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (code, report) = once(folder.path()).await;
    assert_eq!((code, report.matches('✗').count()), (Some(0), 0), "{report}");
    assert_eq!(report.matches("   ✓ ").count(), 6, "{report}");
    assert!(!report.contains('\u{1b}'), "no colours where nobody sees them");
    assert!(!report.contains("127.0.0.1:8080"), "that port was taken: {report}");
}

#[tokio::test]
async fn its_lines_work_when_they_are_pasted() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("not run: there is no curl here");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut demo = attache(folder.path()).arg("demo").spawn().expect("it can be run");
    let stdout = folder.path().join("stdout");
    let shown = async {
        loop {
            let text = fs::read_to_string(&stdout).unwrap_or_default();
            if text.contains("Ctrl-C") {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let report = crate::support::soon("the invitation", shown).await;
    // Each is a `curl …` and the lines that its backslashes join to it.
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in report.lines() {
        if line.starts_with("   curl ") {
            commands.push(String::new());
        }
        if line.starts_with("   curl ") || goes_on {
            let command = commands.last_mut().expect("a command has begun");
            command.push_str(line);
            command.push('\n');
            goes_on = line.ends_with('\\');
        }
    }
    let mut statuses = Vec::new();
    for command in &commands {
        let script = command.replace("curl ", "curl -s -o /dev/null -w '%{http_code}' ");
        let ran =
            tokio::task::spawn_blocking(move || Command::new("sh").arg("-c").arg(script).output());
        let output = ran.await.expect("no panic").expect("a shell runs");
        statuses.push(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let config =
        report.lines().find(|it| it.ends_with("attache.yaml")).expect("it is named").trim();
    assert!(
        fs::read_to_string(config).is_ok_and(|it| !it.contains("${")),
        "it can be read and changed"
    );
    let id = i32::try_from(demo.id()).ok().and_then(rustix::process::Pid::from_raw);
    let interrupt = rustix::process::Signal::INT;
    rustix::process::kill_process(id.expect("a process has an id"), interrupt).expect("a child");
    let ended =
        crate::support::soon("Ctrl-C to end it", tokio::task::spawn_blocking(move || demo.wait()));
    assert!(ended.await.expect("no panic").expect("it can be waited for").success());
    assert!(fs::metadata(config).is_err(), "nothing is left behind");
    assert_eq!(statuses, ["200", "200", "200", "200", "200", "403"], "{commands:#?}");
    let seen = fs::read_to_string(&stdout).expect("it has an output");
    assert!(seen.contains("✓ the receiver got"), "what arrives is shown: {seen}");
}
