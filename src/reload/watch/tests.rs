//! What changes while the process runs, on real files.
use super::*;
use crate::model::UnixTime;
use crate::reload::Source;
use crate::telemetry::Metrics;
use std::fs;
use std::os::unix::fs::symlink;
use std::time::Instant;
use tempfile::TempDir;

/// Longer than any of these changes takes to be noticed, short of the look every 30 seconds.
const PATIENCE: Duration = Duration::from_secs(20);

fn config(token: &str) -> String {
    format!(
        "connectors: {{ api: {{ base_url: 'https://api.example.com', auth: {{ t: {{ bearer: {{}} }} }} }} }}\n\
         connections: {{ api: {{ connector: api, auth: t, credentials: {{ token: '{token}' }} }} }}\n"
    )
}

fn live(folder: &TempDir, path: &str) -> Arc<Live> {
    let paths = vec![folder.path().join(path)];
    let clock = || UnixTime::from_s(7);
    let source = Source { paths, env: Box::new(|_| None), has_store: false, clock };
    Live::start(source, Metrics::new(UnixTime::from_s(7))).unwrap().0
}

/// What goes out as Authorization.
fn sent(live: &Live) -> String {
    use crate::catalog::Kind;
    use crate::catalog::Ready;
    let snapshot = live.snapshot_full();
    let Kind::Standard(holder) = &snapshot.connection("api").unwrap().kind else { panic!() };
    let Ready::Outbound(prepared) = &holder.ready else { panic!() };
    prepared.headers()[0].1.to_str().unwrap().to_owned()
}

fn wait(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "not noticed: {what}");
        thread::yield_now();
    }
}

#[test]
fn a_failed_reload_keeps_the_last_good_one_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    fs::write(&file, config("one")).unwrap();
    let live = live(&folder, "a.yaml");
    let first = live.status();
    assert_eq!((first.generation, first.last_error), (1, None));

    fs::write(&file, config("two").replace("bearer", "baerer")).unwrap();
    let errors = live.reload_now().unwrap_err();
    assert_eq!(errors.len(), 1);
    let status = live.status();
    assert_eq!((status.generation, live.generation()), (1, 1));
    let said = status.last_error.unwrap();
    assert!(said.contains("connectors.api.auth.t: unknown field `baerer`"), "{said}");
    assert!(!said.contains('\n'), "{said}");
    assert_eq!(sent(&live), "Bearer one");

    fs::remove_file(&file).unwrap();
    assert!(live.reload_now().is_err());
    assert_eq!(sent(&live), "Bearer one");

    fs::write(&file, config("two")).unwrap();
    assert_eq!(live.reload_now(), Ok(()));
    let status = live.status();
    assert_eq!((status.generation, status.last_error), (2, None));
    assert_eq!(sent(&live), "Bearer two");
}

#[test]
fn a_former_snapshot_is_freed_once_nobody_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), config("one")).unwrap();
    let live = live(&folder, "a.yaml");
    let held = live.snapshot_full();
    live.reload_now().unwrap();
    // One is the list of former ones.
    assert_eq!(Arc::strong_count(&held), 2);
    let watched = Arc::downgrade(&held);
    drop(held);
    live.free_retired();
    assert_eq!(watched.strong_count(), 0);
}

#[test]
fn a_file_that_is_written_or_replaced_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    fs::write(&file, config("one")).unwrap();
    let live = live(&folder, "a.yaml");
    let _watch = Watch::start(Arc::clone(&live)).unwrap();

    fs::write(&file, config("written")).unwrap();
    wait("a write", || sent(&live) == "Bearer written");

    // As editors save: a new file takes the old one's name.
    let draft = folder.path().join(".a.yaml.swp");
    fs::write(&draft, config("renamed")).unwrap();
    fs::rename(&draft, &file).unwrap();
    wait("a rename", || sent(&live) == "Bearer renamed");

    fs::write(&file, "connectors: [").unwrap();
    wait("garbage", || live.status().last_error.is_some());
    assert_eq!(sent(&live), "Bearer renamed");

    fs::write(&file, config("mended")).unwrap();
    // The snapshot is served a moment before the status says so.
    wait("a mended file", || live.status().last_error.is_none());
    assert_eq!(sent(&live), "Bearer mended");
}

#[test]
fn a_mounted_config_map_that_is_swapped_is_taken_up_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let publish = |version: &str| {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join("a.yaml"), config(version)).unwrap();
        symlink(version, at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
    };
    publish("v1");
    symlink("..data/a.yaml", at("a.yaml")).unwrap();
    let live = live(&folder, "");
    let _watch = Watch::start(Arc::clone(&live)).unwrap();
    assert_eq!(sent(&live), "Bearer v1");

    for (version, former) in [("v2", "v1"), ("v3", "v2"), ("v4", "v3")] {
        publish(version);
        fs::remove_dir_all(at(former)).unwrap();
        let token = format!("Bearer {version}");
        wait(version, || sent(&live) == token);
    }
}

#[test]
fn a_secret_file_that_changes_and_a_file_that_is_added_are_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = tempfile::tempdir().unwrap();
    let secret = secrets.path().join("token");
    fs::write(&secret, "first\n").unwrap();
    let text = config(&format!("${{file:{}}}", secret.display()));
    fs::write(folder.path().join("a.yaml"), text).unwrap();
    let live = live(&folder, "");
    let _watch = Watch::start(Arc::clone(&live)).unwrap();
    assert_eq!(sent(&live), "Bearer first");

    fs::write(&secret, "second\n").unwrap();
    wait("a secret", || sent(&live) == "Bearer second");

    fs::write(folder.path().join("b.yaml"), "callers: { r: { key: 0123456789abcdef } }").unwrap();
    wait("a new file", || live.snapshot_full().callers().count() == 1);
}
