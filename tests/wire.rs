//! `docs/wire.md` names a test for every case: each exists, and none of the wire's is left out.
use std::collections::BTreeSet;
use std::fs;

const PAGE: &str = include_str!("../docs/wire.md");

/// The files whose every test is a case of the page.
const WHOLE: &[&str] = &[
    "caller_links",
    "fidelity",
    "framing",
    "injection",
    "resources",
    "responses",
    "tags",
    "targets",
];

#[test]
fn every_case_of_the_page_is_a_test_and_every_test_of_the_wire_is_a_case() {
    let named: BTreeSet<String> = PAGE
        .split('`')
        .filter(|it| {
            it.contains("::")
                && it.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'_' | b':'))
        })
        .map(str::to_owned)
        .collect();
    assert!(named.len() > 300, "the page's names are found");
    let modules: BTreeSet<&str> = named.iter().filter_map(|it| it.split("::").next()).collect();
    let written: BTreeSet<String> = modules.iter().flat_map(|it| tests_of(it)).collect();
    let missing: Vec<_> = named.difference(&written).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
    let is_whole = |it: &&String| WHOLE.iter().any(|module| it.starts_with(&format!("{module}::")));
    let left_out: Vec<_> = written.difference(&named).filter(is_whole).collect();
    assert!(left_out.is_empty(), "docs/wire.md does not name: {left_out:#?}");
}

/// `module::name` of each test in `tests/it/`: functions, and rows of an `each!` table.
fn tests_of(module: &str) -> Vec<String> {
    let path = format!("tests/it/{module}.rs");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut names = Vec::new();
    let (mut is_test, mut is_table) = (false, false);
    for line in text.lines() {
        if line.starts_with("each! {") {
            is_table = true;
        } else if line == "}" {
            is_table = false;
        }
        let row = line.strip_prefix("    ").filter(|it| is_table && !it.starts_with(' '));
        let function = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
        let function = function.or_else(|| line.strip_prefix("    fn ")).filter(|_| is_test);
        let name = row.and_then(|it| it.split_once(" =")).or_else(|| function?.split_once('('));
        names.extend(name.map(|it| format!("{module}::{}", it.0)));
        let attribute = line.trim_start();
        is_test = attribute.starts_with("#[tokio::test")
            || attribute.starts_with("#[test")
            || is_test && attribute.starts_with("///");
    }
    names
}
