//! `attache config`: what it prints, where, and with which exit code.
use std::fs;
use std::process::Command;
use std::process::Output;

fn attache(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_attache")).args(arguments).env_clear().output().unwrap()
}

#[test]
fn a_sound_configuration_is_called_sound_with_exit_code_0() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    fs::write(&file, "callers: { me: { key: \"${KEY:-0123456789abcdef}\" } }\n").unwrap();
    let output = attache(&["config", "check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "the configuration is sound\n");
    assert!(output.stderr.is_empty());
}

#[test]
fn all_problems_go_to_standard_error_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    fs::write(&file, "callers:\n  me: { key: \"${KEY}\" }\nconections: {}\n").unwrap();
    let path = file.to_str().unwrap();
    let output = attache(&["config", "check", path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap().replace(path, "a.yaml");
    assert_eq!(
        said,
        "a.yaml:2:14: callers.me.key: the setting `KEY` is not set\n\
        \x20 set KEY in the environment, or write ${KEY:-default} here\n\
         a.yaml:3:1: unknown field `conections`, expected `server`, `log`, `store`, `seal`, `events`, `connect`, `webhooks`, `egress`, \
         `upstream`, `callers`, `connectors`, `connections`, `activations`, `integrations` or \
         `environments`\n\
        \x20 did you mean `connections`?\n\
         2 problems\n"
    );
}

#[test]
fn a_wrong_usage_ends_with_exit_code_2() {
    for arguments in [&["config"][..], &["config", "check"], &["config", "chekc", "a.yaml"]] {
        assert_eq!(attache(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_schema_that_is_printed_is_the_committed_one() {
    let output = attache(&["config", "schema"]);
    assert_eq!(output.status.code(), Some(0));
    let committed = include_str!("../../config/attache.schema.json");
    assert!(output.stdout == committed.as_bytes());
}
