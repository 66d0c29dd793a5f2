//! What is read, and what is said of what can't be, from YAML texts.
use crate::config::ConfigError;
use crate::config::Document;
use crate::config::File;
use crate::config::Sources;
use crate::model::Secret;
use crate::model::TimeSpan;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    name: Option<String>,
    workers: Option<u8>,
    on: bool,
    wait: Option<TimeSpan>,
    kind: Option<Kind>,
    parts: BTreeMap<String, Part>,
    list: Vec<u16>,
    secret: Option<Secret>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    from: String,
    to: String,
    #[serde(default)]
    via: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Json,
    Text,
}

fn read(text: &str) -> (Option<Settings>, Vec<String>) {
    let setting = |name: &str| match name {
        "N" => Some("7".to_owned()),
        "S" => Some("hunter2".to_owned()),
        _ => None,
    };
    let file = |_: &std::path::Path| Err("no such file".to_owned());
    let sources = Sources { setting: &setting, file: &file };
    let mut errors = Vec::new();
    let document = Document::parse(&[File { name: "a.yaml", text }], sources, &mut errors);
    let settings = document.read(&[], &mut errors);
    (settings, errors.iter().map(ConfigError::to_string).collect())
}

fn errors(text: &str) -> Vec<String> {
    read(text).1
}

#[test]
fn reads_what_stands_there() {
    let (settings, errors) = read(
        "name: 2.10\nworkers: ${N}\non: true\nwait: 10s\nkind: json\nparts: { a: { from: b, to: '1' } }\nlist: [1, 2]\nsecret: \"${S}: [x\"\n",
    );
    assert_eq!(errors, [""; 0]);
    let part = Part { from: "b".into(), to: "1".into(), via: String::new() };
    let settings = settings.unwrap();
    assert_eq!(settings.name.as_deref(), Some("2.10"));
    assert_eq!((settings.workers, settings.on, settings.kind), (Some(7), true, Some(Kind::Json)));
    assert_eq!(settings.parts, BTreeMap::from([("a".to_owned(), part)]));
    assert_eq!(settings.list, [1, 2]);
    assert_eq!(settings.secret.unwrap().expose(), "hunter2: [x");
    assert_eq!(read("name:\nparts:\nlist:\n"), (Some(Settings::default()), Vec::new()));
}

#[test]
fn all_problems_are_told_at_once_each_at_its_place() {
    let text = "\
nam: x
workers: many
wait: 300
kind: jsn
parts:
  a: { from: b }
  c: { form: b, to: d, zzz: 1 }
list: [1, x, 70000]
";
    assert_eq!(
        errors(text),
        [
            "a.yaml:1:1: unknown field `nam`, expected `name`, `workers`, `on`, `wait`, `kind`, `parts`, `list` or `secret`\n  did you mean `name`?",
            "a.yaml:2:1: workers: expected u8, found a text",
            "a.yaml:3:1: wait: `300` is not a duration\n  write a whole number and a unit: 250ms, 10s, 5m or 2h",
            "a.yaml:4:1: kind: unknown value `jsn`, expected `json` or `text`\n  did you mean `json`?",
            "a.yaml:6:3: parts.a: `to` is missing\n  config/attache.yaml shows every key with its default",
            "a.yaml:7:8: parts.c: unknown field `form`, expected `from`, `to` or `via`\n  did you mean `from`?",
            "a.yaml:7:24: parts.c: unknown field `zzz`, expected `from`, `to` or `via`\n  config/attache.yaml shows every key with its default",
            "a.yaml:8:11: list[1]: expected u16, found a text",
            "a.yaml:8:14: list[2]: integer `70000` is out of range, expected u16",
        ]
    );
}

#[test]
fn a_secret_in_the_wrong_place_is_not_shown() {
    for text in ["wait: ${S}", "workers: ${S}", "kind: ${S}", "list: ${S}", "parts: {a: '${S}'}"] {
        let said = errors(text).join("\n");
        assert!(!said.is_empty() && !said.contains("hunter2"), "{said}");
    }
    assert_eq!(
        errors("wait: ${S}"),
        [
            "a.yaml:1:1: wait: `${S}` is not a duration\n  write a whole number and a unit: 250ms, 10s, 5m or 2h"
        ]
    );
}

#[test]
fn a_value_that_could_not_be_filled_in_is_told_once() {
    assert_eq!(
        errors("parts: { a: { from: \"${NO}\", to: b } }\nworkers: ${NO:?how many}\n"),
        [
            "a.yaml:1:21: parts.a.from: the setting `NO` is not set\n  set NO in the environment, or write ${NO:-default} here",
            "a.yaml:2:10: workers: the setting `NO` is not set: how many\n  set NO in the environment",
        ]
    );
}
