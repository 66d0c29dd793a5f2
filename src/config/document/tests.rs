//! What is YAML here, and what any text at all comes to.
use super::*;
use crate::config::Sources;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

fn parsed(text: &str) -> (Document, Vec<ConfigError>) {
    let sources = Sources {
        setting: &|name| (name == "A").then(|| "a: [1]".to_owned()),
        file: &|_: &Path| Err("no such file".to_owned()),
    };
    let mut errors = Vec::new();
    let files = [File { name: "a.yaml", text }];
    let document = Document::parse(&files, sources, &mut errors);
    (document, errors)
}

fn texts(text: &str) -> BTreeMap<String, String> {
    let (document, mut errors) = parsed(text);
    let read = document.read(&[], &mut errors);
    assert_eq!(errors, [], "{text}");
    read.unwrap()
}

#[test]
fn texts_are_what_stands_there_however_it_is_written() {
    for (text, value) in [
        ("k: v\n", "v"),
        ("\u{feff}k: v\n", "v"),
        ("k: v\r\n", "v"),
        ("k: 'it''s'\n", "it's"),
        ("k: \"\\u00e9\\n\"\n", "é\n"),
        ("k: |\n  a\n  b\n", "a\nb\n"),
        ("k: >-\n  a\n  b\n", "a b"),
        ("k: 0123\n", "0123"),
        ("k: 1e3\n", "1e3"),
        ("k: yes\n", "yes"),
        ("k: 'null'\n", "null"),
        ("k: !!str 1\n", "1"),
        ("k: &x v\n", "v"),
        ("{k: v}\n", "v"),
        ("k: ${A}\n", "a: [1]"),
        ("k: \"<${A}>\"\n", "<a: [1]>"),
        ("k: $${A}\n", "${A}"),
        ("k: v # ${NOT_SET} in a comment\n", "v"),
    ] {
        assert_eq!(texts(text).get("k").map(String::as_str), Some(value), "{text:?}");
    }
    assert_eq!(texts("a: &x v\nb: *x\n")["b"], "v");
    assert_eq!(texts("${A}: v\n")["${A}"], "v", "keys are not filled in");
}

#[test]
fn a_problem_is_placed_at_the_deepest_key_that_is_there() {
    let (document, _) = parsed("a:\n  b:\n    - c: 1\n    - d: é1\n      e: 2\n");
    let place = |path: &[Step<'_>]| {
        let error = document.error(path.iter().copied(), "p", "");
        (error.line, error.column, error.key)
    };
    let (a, b) = (Step::Key("a"), Step::Key("b"));
    assert_eq!(place(&[a]), (1, 1, "a".into()));
    assert_eq!(place(&[a, b, Step::Index(1), Step::Key("e")]), (5, 7, "a.b[1].e".into()));
    assert_eq!(place(&[a, b, Step::Index(1), Step::Key("x")]), (4, 7, "a.b[1].x".into()));
    assert_eq!(place(&[a, b, Step::Index(7)]), (2, 3, "a.b[7]".into()));
    assert_eq!(place(&[Step::Key("x")]), (0, 0, "x".into()));
}

#[test]
fn what_no_setting_fills_in_is_told_with_the_setting_and_its_place() {
    let text = "a:\n  b: ${NONE}\n  c: [1, \"x ${OTHER}\"]\nd: ${NONE:?why}\ne: ${file:/none}\n";
    let (document, errors) = parsed(text);
    let unset = document.unset();
    let found: Vec<_> = unset.iter().map(|it| (it.path.clone(), it.name)).collect();
    let a = Step::Key("a");
    let (b, second) = (vec![a, Step::Key("b")], vec![a, Step::Key("c"), Step::Index(1)]);
    assert_eq!(found, [(b, "NONE"), (second, "OTHER")]);
    let told: Vec<_> = errors.iter().filter(|e| unset.iter().any(|it| it.is_told_by(e))).collect();
    assert_eq!(told.iter().map(|it| it.line).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(errors.len(), 4, "the others are no settings that are not set");
}

#[test]
fn a_map_without_some_of_its_entries_reads_and_is_placed_as_with_them() {
    let (document, mut errors) = parsed("a: { b: v, c: [1] }\n");
    let node = document.section("a").unwrap().without(&["c", "x"]);
    let read: Option<BTreeMap<String, String>> =
        document.read_node(&node, &[Step::Key("a")], &mut errors);
    assert_eq!(read.unwrap(), BTreeMap::from([("b".to_owned(), "v".to_owned())]));
    assert_eq!(errors, []);
    let read: Option<BTreeMap<String, u8>> =
        document.read_node(&node, &[Step::Key("a")], &mut errors);
    assert!(read.is_none_or(|it| it.is_empty()));
    assert_eq!((errors[0].line, errors[0].column, &*errors[0].key), (1, 6, "a.b"));
}

proptest! {
    /// A file that is half written, or no configuration at all, is refused and harms nothing.
    #[test]
    fn no_text_makes_it_panic(text in "([a-c]|[ \n\t:\\-,\\[\\]{}&*!|>'\"#%@?~$0-9é\u{feff}\r]|: |\n  |- |\\$\\{|&a |\\*a){0,60}") {
        let (document, mut errors) = parsed(&text);
        let _: Option<BTreeMap<String, Vec<u8>>> = document.read(&[], &mut errors);
    }
}
