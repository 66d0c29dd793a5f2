//! The rules shown files that break them: a check that cannot fail checks nothing.
use super::*;

fn faults(path: &str, text: &str) -> Vec<String> {
    let mut all = source_faults(&Source::new(path, text));
    all.extend(text_faults(path, text));
    all
}

const GOOD: &str = "//! Bodies, both ways.
use super::head;
use crate::model::Key; // not crate::app
use crate::upstream::Pool;

/// Like [`crate::app::App`], in words only.
fn body(key: &Key) -> &str {
    key.text().expect(\"checked above\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_tested() {
        body(&\"a\".parse().unwrap());
    }
}
";

#[test]
fn a_good_file_has_no_fault() {
    assert_eq!(faults("src/proxy/body.rs", GOOD), Vec::<String>::new());
}

#[test]
fn each_broken_file_has_its_one_fault() {
    let rows: &[(&str, &str, &str, &str)] = &[
        ("up", "crate::upstream::Pool", "crate::app::App", "must not import `app`"),
        ("sideways", "crate::upstream::Pool", "crate::admin::Routes", "must not import `admin`"),
        ("nowhere", "crate::upstream::Pool", "crate::pool::Pool", "must not import `pool`"),
        ("brace", "crate::model::Key", "crate::{model::Key}", "no brace after `crate::`"),
        ("in an expression", "key.text()", "crate::cli::text(key)", "must not import `cli`"),
        ("out by super", "super::head", "super::super::admin", "leaves the room"),
        ("no front", "//! Bodies, both ways.", "", "without a `//!` sentence"),
        ("half a front", "both ways.", "both", "not a whole sentence"),
        ("unwrap", ".expect(\"checked above\")", ".unwrap()", "`unwrap()` outside a test"),
        ("unwrap by name", ".expect(\"checked above\")", ".map(Option::unwrap)", "outside a test"),
        ("get", "fn body", "fn get_body", "without `get_`"),
        ("unfinished", "in words only", UNFINISHED[0], "does not land"),
        ("unfinished code", "key.text()", concat!("to", "do!()"), "does not land"),
        ("not run", "    #[test]", concat!("    #[", "ignore = \"slow\"]"), "not a test"),
        ("machine", "in words only", concat!("see `/ho", "me/jo/x`"), "of one machine"),
    ];
    for (name, from, to, expected) in rows {
        assert_eq!(GOOD.matches(from).count(), 1, "row {name}: the sample has `{from}` once");
        let found = faults("src/proxy/body.rs", &GOOD.replace(from, to));
        assert!(
            matches!(&found[..], [only] if only.contains(expected)),
            "row {name}: expected one fault with {expected:?}, found {found:?}"
        );
    }
}

#[test]
fn the_place_of_a_file_decides_what_it_may_import() {
    let rows = [
        ("src/app.rs", 0),
        ("src/proxy/mod.rs", 1), // its `super` is the crate's root
        ("src/upstream/pool.rs", 0),
        ("src/server/accept.rs", 1),
        ("src/model/key.rs", 1),
        ("src/utils/x.rs", 2), // a name that says nothing, on no floor
        ("src/proxy/helpers.rs", 1),
        ("src/lib.rs", 0),
    ];
    for (path, expected) in rows {
        let own =
            if path == "src/app.rs" { GOOD.replace("super::head", "http") } else { GOOD.into() };
        assert_eq!(faults(path, &own).len(), expected, "{path}: {:?}", faults(path, &own));
    }
}

#[test]
fn code_after_a_test_module_is_not_test_code() {
    let text = format!("{GOOD}\nfn late() {{\n    a.unwrap();\n}}\n");
    assert_eq!(
        faults("src/proxy/body.rs", &text),
        ["src/proxy/body.rs:22: `unwrap()` outside a test"]
    );
    let only_use =
        "//! A sentence.\n#[cfg(test)]\nuse super::x;\nfn late() {\n    a.unwrap();\n}\n";
    assert_eq!(faults("src/proxy/body.rs", only_use).len(), 1);
}

#[test]
fn a_comment_ends_where_no_string_is_open() {
    assert_eq!(without_comment("let a = \"https://b\"; // c"), "let a = \"https://b\"; ");
    assert_eq!(without_comment("//! text"), "");
}

#[test]
fn the_map_is_read_in_floor_order() {
    let good = "//! The map.\npub mod model;\npub mod auth;\npub mod app;\n";
    assert_eq!(faults("src/lib.rs", good), Vec::<String>::new());
    let swapped = good.replace("auth", "cli").replace("mod app", "mod auth");
    assert_eq!(faults("src/lib.rs", &swapped).len(), 1);
    assert_eq!(faults("src/lib.rs", &good.replace("auth", "pool")).len(), 1);
}

#[test]
fn a_folder_inside_a_url_or_a_longer_path_is_no_machine_path() {
    for fine in ["https://a.test/home/x", "./root/x", "{base}/work/x"] {
        assert_eq!(text_faults("docs/a.md", fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn scripts_without_an_ending_are_read_as_well() {
    let mut seen = Vec::new();
    for folder in ["scripts", ".ci", "benches", "tests"] {
        for_each_file(Path::new(folder), &mut |path, _| seen.push(path.to_owned()));
    }
    for script in ["scripts/need", ".ci/run", "benches/soak/run", "tests/peers/run"] {
        assert!(seen.iter().any(|it| it == script), "{script} is not read");
    }
    assert!(!is_text(".git"), "a worktree's `.git` names the folder that it belongs to");
}
