//! The soak's harness in short: thousands of requests through everything that upstreams do wrong.
#[path = "../../benches/soak/harness/mod.rs"]
mod harness;

use harness::Settings;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// Requests, and how long they may take: more of both where the long tests run (`ATTACHE_TEST_LONG`).
fn requests_and_time() -> (usize, Duration) {
    if std::env::var_os("ATTACHE_TEST_LONG").is_some() {
        (200_000, Duration::from_secs(600))
    } else {
        (6000, Duration::from_secs(60))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_unexplained_while_upstreams_die() {
    let (requests, time) = requests_and_time();
    let folder = TempDir::new().expect("a folder for temporary files");
    let settings = Settings {
        attache: PathBuf::from(env!("CARGO_BIN_EXE_attache")),
        folder: folder.path().to_owned(),
        workers: 2,
        time,
        requests,
        rate: Some(1500.0),
        calibrate: Duration::ZERO,
        fast: 16,
        slow: 16,
        rude: 4,
        reload_every: Duration::from_secs(1),
        sample_every: Duration::from_millis(500),
        judge_growth: false,
        progress: false,
    };
    let report = harness::run(&settings).await.expect("attache runs");
    println!("{report}");
    assert!(report.is_good(), "see the report above");
}
