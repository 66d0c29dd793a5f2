//! What a gateway with a store does not start without.
use crate::support::Database;
use crate::support::Gateway;
use crate::support::attache;
use attache::app::StartError;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

/// The exit code of `serve` without any configuration, and what it said.
fn refused(prepare: impl FnOnce(&mut Command)) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = attache(folder.path());
    command.args(["serve", "--data-dir"]).arg(folder.path().join("data"));
    prepare(&mut command);
    let status = command.status().expect("the program can be run");
    (status.code(), std::fs::read_to_string(folder.path().join("stderr")).unwrap())
}

#[test]
fn without_a_configuration_it_needs_a_token_and_a_sealing_key_and_says_which() {
    let token = |it: &mut Command| {
        it.env("ATTACHE_ADMIN_TOKEN", "the-operator-s-token-0123");
    };
    let (code, said) = refused(|_| {});
    assert_eq!(code, Some(2));
    assert!(said.contains("server.admin.token"), "{said}");
    let (code, said) = refused(token);
    assert_eq!(code, Some(2));
    assert!(said.contains("neither ATTACHE_SEAL_KEY nor ATTACHE_SEAL_KEY_FILE is set"), "{said}");
    let (code, said) = refused(|it| {
        token(it);
        it.env("ATTACHE_SEAL_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        it.env("ATTACHE_DATABASE_URL", "postgres://127.0.0.1:1/attache");
    });
    assert_eq!(code, Some(1));
    assert!(said.contains("not started: store: the database "), "{said}");
}

#[test]
fn for_development_it_makes_a_database_and_its_key_where_there_is_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut keys = Vec::new();
    for start in ["first", "second"] {
        let mut command = attache(folder.path());
        let mut child = command.args(["serve", "--dev", "--data-dir"]).arg(&data).spawn().unwrap();
        // Where its usual ports are taken it ends by itself: the store is opened before.
        let until = Instant::now() + Duration::from_secs(20);
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        while !(read("stdout") + &read("stderr")).contains("listening") && Instant::now() < until {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        drop(child.kill());
        child.wait().unwrap();
        let said = std::fs::read_to_string(folder.path().join("stderr")).unwrap();
        assert!(data.join("attache.db").is_file(), "{said}");
        keys.push(std::fs::read_to_string(data.join("seal.key")).unwrap());
        let prints = said.contains("seal.key was made") && said.contains(keys[0].trim());
        assert_eq!(prints, start == "first", "{said}");
    }
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn it_does_not_start_without_the_keys_that_the_database_needs() {
    let database = Database::sqlite();
    let gateway = Gateway::beside(&database, "");
    for tenant in ["a", "b"] {
        gateway.writer().activate("file:crm", "crm", tenant, &[("token", "t")]).await;
    }
    let configuration = std::fs::read_to_string(gateway.served_file()).unwrap();
    gateway.stop();
    let other = "1:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
    std::fs::write(database.folder.path().join("seal.key"), other).unwrap();
    let error = Gateway::try_start(&configuration, "").err().expect("it is refused");
    let StartError::Refused(said) = &error else { panic!("{error:?}") };
    // Two activations, and the key of the deployment's fingerprints.
    assert!(
        said.contains("needs keys that are not there: v1-") && said.contains("(3 credentials)"),
        "{said}"
    );
}
