//! `attache migrate`: the command, as an operator or a job runs it.
use crate::support::attache;
use crate::support::each_engine;
use attache::store::SCHEMA;
use std::fs;
use std::path::Path;

/// The exit code, and all that was said.
fn migrate(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let mut command = attache(folder);
    command.arg("migrate").args(arguments).envs(settings.iter().copied()).current_dir(folder);
    let code = command.status().unwrap().code().expect("it ended by itself");
    let said = ["stdout", "stderr"].map(|it| fs::read_to_string(folder.join(it)).unwrap());
    (code, said.concat())
}

each_engine! {
    async fn the_command_makes_the_tables_once_and_refuses_newer_ones(database: Database) {
        let folder = database.folder.path();
        let url = ["--database-url", &database.url];
        let (code, said) = migrate(folder, &[], &url);
        assert_eq!((code, said.contains(&format!("made, at schema {SCHEMA}"))), (0, true), "{said}");
        // By its setting, by a file, by the configuration: it is the same one.
        fs::write(folder.join("url"), format!("{}\n", database.url)).unwrap();
        fs::write(folder.join("a.yaml"), format!("store: {{ url: '{}' }}\n", database.url)).unwrap();
        let setting = [("ATTACHE_DATABASE_URL", &*database.url)];
        let file = [("ATTACHE_DATABASE_URL_FILE", "url")];
        for (settings, arguments) in
            [(&setting[..], &[][..]), (&file, &[]), (&[], &["--config", "a.yaml"])]
        {
            let (code, said) = migrate(folder, settings, arguments);
            assert_eq!((code, said.contains("already")), (0, true), "{said}");
        }
        let newer = SCHEMA + 1;
        let sql = format!("INSERT INTO schema_versions (version, name, at) VALUES ({newer}, 'x', 0)");
        database.run(&sql).await;
        let (code, said) = migrate(folder, &[], &url);
        let refusal = format!("is at schema {newer}, this attache knows {SCHEMA}: upgrade attache");
        assert_eq!((code, said.contains(&refusal)), (1, true), "{said}");
    }
}

/// Its database's password is in its memory.
#[tokio::test]
async fn while_it_runs_no_core_file_can_be_made_of_it() {
    // Nobody is there, and nobody says so: it waits.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = attache(folder.path());
    let url = format!("postgres://me:hunter2@{address}/attache");
    let mut child = command.arg("migrate").args(["--database-url", &url]).spawn().unwrap();
    let accepted = tokio::task::spawn_blocking(move || silent.accept()).await.unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|it| it.starts_with("Max core file size")).unwrap();
    assert!(core.split_whitespace().filter(|it| *it == "0").count() >= 2, "{core}");
    drop(accepted);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn without_any_name_it_is_the_file_in_the_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = migrate(folder.path(), &[], &["--data-dir", "here"]);
    assert_eq!(code, 0, "{said}");
    assert!(folder.path().join("here/attache.db").is_file());
    // A configuration that names none is meant to have none.
    fs::write(folder.path().join("a.yaml"), "log: { level: info }\n").unwrap();
    let (code, said) = migrate(folder.path(), &[], &["--config", "a.yaml"]);
    assert_eq!((code, said.contains("--database-url")), (2, true), "{said}");
}

#[test]
fn a_url_that_is_wrong_is_told_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    for url in [
        "postgres://me:hunter2@db",
        "mysql://me:hunter2@db/attache",
        "postgres://me:hunter2@db:x/a",
    ] {
        for (settings, arguments) in
            [(&[][..], &["--database-url", url][..]), (&[("ATTACHE_DATABASE_URL", url)], &[])]
        {
            let (code, said) = migrate(folder.path(), settings, arguments);
            assert_eq!(code, 2, "{said}");
            assert!(
                !said.contains("hunter2") && said.contains("postgres://user:password@"),
                "{said}"
            );
        }
    }
    let serve = attache(folder.path())
        .args(["serve", "--database-url", "mysql://me:hunter2@db/a"])
        .status();
    assert_eq!(serve.unwrap().code(), Some(2));
    let said = fs::read_to_string(folder.path().join("stderr")).unwrap();
    assert!(!said.contains("hunter2") && said.contains("postgres://user:password@"), "{said}");
}
