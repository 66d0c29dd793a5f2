//! The architecture as a test: `src/` is read as text and held to the rules of `ARCHITECTURE.md`.
//!
//! Each rule is a function from one file to its faults, so that `tidy/broken.rs` can show each rule
//! a file that breaks it.
use std::fs;
use std::path::Path;

#[path = "tidy/broken.rs"]
mod broken;

/// Lowest floor first. A room imports from floors below its own; never sideways, never up.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["crypto"],
    &["auth", "grant", "webhook", "seal", "telemetry", "wire"],
    &["catalog", "config"],
    // Makes definitions, and asks the catalogue whether they are sound.
    &["import"],
    &["server", "upstream", "store"],
    &["resolve", "vault", "renewal", "limits", "journal", "reload", "deliveries"],
    &["proxy", "admin", "inbound", "notify", "connect", "console"],
    // The shells stand on each other: the commands run the demo and the app, the demo runs the app.
    &["app"],
    &["demo"],
    &["cli"],
];

/// Words that say nothing about what a module or function is for.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager"];

/// Marks of unfinished work, spelled apart so that this file does not hold them.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

/// Folders of somebody's machine, spelled apart for the same reason.
const MACHINE_PATHS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/tm", "p/wt"),
    concat!("/Us", "ers/"),
    concat!("C:", "\\"),
];

/// What the repository holds besides `src/` that people wrote, by the names' ends. Files without any
/// ending (scripts, `Makefile`, `Dockerfile`) belong to it as well.
const TEXT_ENDS: &[&str] = &[
    ".rs",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".json",
    ".js",
    ".mjs",
    ".ts",
    ".tsx",
    ".py",
    ".sh",
    ".conf",
    ".cfg",
    ".html",
    ".css",
    ".dockerignore",
    ".gitignore",
];

/// Folders that hold what is not written, or not here: built, installed, or bytes for the fuzz targets.
const OTHER_FOLDERS: &[&str] = &[
    ".git",
    "target",
    "node_modules",
    "dist",
    ".venv",
    "__pycache__",
    "seeds",
    "corpus",
    "artifacts",
    "coverage",
];

#[test]
fn every_source_file_keeps_the_rules() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for_each_file(Path::new("src"), &mut |path, text| {
        if path.ends_with(".rs") {
            seen += 1;
            faults.extend(source_faults(&Source::new(path, text)));
        }
    });
    assert!(seen > 0, "no source was found: the test runs in the wrong folder");
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn nothing_in_the_repository_is_unfinished_or_tied_to_a_machine() {
    let mut faults = Vec::new();
    for_each_file(Path::new("."), &mut |path, text| {
        faults.extend(text_faults(path.trim_start_matches("./"), text));
    });
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// One file of `src/`, with what the rules ask of it worked out once.
struct Source<'a> {
    path: &'a str,
    text: &'a str,
    /// Each line less its comment, and whether it belongs to test code.
    lines: Vec<(&'a str, bool)>,
}

impl<'a> Source<'a> {
    fn new(path: &'a str, text: &'a str) -> Self {
        let all_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        let mut open_test_item: Option<usize> = None;
        let mut lines = Vec::new();
        for line in text.lines() {
            let code = without_comment(line);
            let indent = code.len() - code.trim_start().len();
            if open_test_item.is_none() && code.trim_start().starts_with("#[cfg(test)]") {
                open_test_item = Some(indent);
            }
            lines.push((code, all_test || open_test_item.is_some()));
            // rustfmt puts an item's last line at the item's own indent.
            let ends = open_test_item == Some(indent) && ends_item(code.trim());
            if ends {
                open_test_item = None;
            }
        }
        Self { path, text, lines }
    }

    /// `proxy` for `src/proxy/body.rs` and for `src/proxy.rs`; `None` for `lib.rs` and `main.rs`.
    fn room(&self) -> Option<&'a str> {
        let first = self.path.trim_start_matches("src/").split('/').next()?;
        let room = first.strip_suffix(".rs").unwrap_or(first);
        (!matches!(room, "lib" | "main")).then_some(room)
    }

    /// How many modules deep the file is: 1 for `src/proxy/mod.rs`, 2 for `src/proxy/body.rs`.
    fn depth(&self) -> usize {
        self.path.trim_start_matches("src/").trim_end_matches("/mod.rs").split('/').count()
    }

    fn fault(&self, index: usize, problem: &str) -> String {
        format!("{}:{}: {problem}", self.path, index + 1)
    }
}

fn source_faults(source: &Source) -> Vec<String> {
    let rules: [fn(&Source) -> Vec<String>; 6] = [
        imports_point_down,
        super_stays_inside,
        front_says_what_it_is,
        no_unwrap,
        names_speak,
        map_is_in_floor_order,
    ];
    rules.iter().flat_map(|rule| rule(source)).collect()
}

/// Every `crate::x` names a room on a lower floor, alone on its line's path: no `crate::{x, y}`.
fn imports_point_down(source: &Source) -> Vec<String> {
    let Some(own) = source.room() else { return Vec::new() };
    let Some(own_floor) = floor(own) else {
        return vec![source.fault(0, &format!("`{own}` is a room on no floor"))];
    };
    let mut faults = Vec::new();
    for (index, (code, _)) in source.lines.iter().enumerate() {
        for (at, prefix) in code.match_indices("crate::") {
            let rest = &code[at + prefix.len()..];
            let room = word(rest);
            if rest.starts_with('{') {
                faults.push(source.fault(index, "one import, one line: no brace after `crate::`"));
            } else if room != own && floor(room).is_none_or(|it| it >= own_floor) {
                faults.push(source.fault(index, &format!("`{own}` must not import `{room}`")));
            }
        }
    }
    faults
}

/// A chain of `super::` as long as the file is deep reaches the crate's root, where the rule above
/// cannot see what is imported.
fn super_stays_inside(source: &Source) -> Vec<String> {
    if source.room().is_none() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for (index, (code, test)) in source.lines.iter().enumerate() {
        let longest = code
            .split(|it: char| !(it.is_alphanumeric() || it == '_' || it == ':'))
            .map(|path| path.split("::").take_while(|it| *it == "super").count())
            .max();
        // A test module is one deeper than its file.
        let inside = source.depth() + usize::from(*test);
        if longest.is_some_and(|it| it >= inside) {
            faults.push(source.fault(index, "`super` leaves the room: import with `crate::`"));
        }
    }
    faults
}

/// The first paragraph is a `//!` sentence. (`main.rs` is no module's front, and `tests.rs` says it all.)
fn front_says_what_it_is(source: &Source) -> Vec<String> {
    if source.path == "src/main.rs" || source.path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let paragraph: Vec<&str> = source
        .text
        .lines()
        .map_while(|line| line.strip_prefix("//!").map(str::trim))
        .take_while(|line| !line.is_empty())
        .collect();
    match paragraph.last() {
        None => vec![source.fault(0, "begins without a `//!` sentence")],
        Some(last) if !last.ends_with(['.', ':', '?']) => {
            vec![source.fault(0, "the `//!` text in front is not a whole sentence")]
        }
        Some(_) => Vec::new(),
    }
}

/// Outside tests an invariant has a name (`expect`), everything else has an error.
fn no_unwrap(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, (code, test)) in source.lines.iter().enumerate() {
        if !test && (code.contains(".unwrap()") || code.contains("::unwrap)")) {
            faults.push(source.fault(index, "`unwrap()` outside a test"));
        }
    }
    faults
}

fn names_speak(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let mut modules = source.path.trim_end_matches(".rs").split('/');
    if let Some(empty) = modules.rfind(|it| EMPTY_NAMES.contains(it)) {
        faults.push(source.fault(0, &format!("`{empty}` does not say what is in it")));
    }
    for (index, (code, _)) in source.lines.iter().enumerate() {
        if code.contains("fn get_") {
            faults.push(source.fault(index, "say what it gives, without `get_`"));
        }
    }
    faults
}

/// `lib.rs` is the map of the crate: its modules stand in floor order.
fn map_is_in_floor_order(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    if source.path != "src/lib.rs" {
        return faults;
    }
    let mut highest = 0;
    for (index, (code, test)) in source.lines.iter().enumerate() {
        let declared = code.trim_start_matches("pub ").strip_prefix("mod ");
        let Some(room) = declared.filter(|_| !test).map(word) else { continue };
        match floor(room) {
            None => faults.push(source.fault(index, &format!("`{room}` is a room on no floor"))),
            Some(it) if it < highest => {
                faults.push(source.fault(index, &format!("`{room}` stands above a higher floor")));
            }
            Some(it) => highest = it,
        }
    }
    faults
}

/// Rules for every text in the repository, by line.
fn text_faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut fault = |problem: &str| faults.push(format!("{path}:{}: {problem}", index + 1));
        if UNFINISHED.iter().any(|it| line.contains(it)) {
            fault("unfinished work does not land");
        }
        for folder in MACHINE_PATHS {
            // As a path of its own, not as a part of a longer one or of a URL.
            let own = line.match_indices(folder).any(|(at, _)| {
                !line[..at].ends_with(|it: char| it.is_alphanumeric() || "/.-_}".contains(it))
            });
            if own {
                fault(&format!("`{folder}` is a folder of one machine"));
            }
        }
        if path.ends_with(".rs") && line.trim_start().starts_with(concat!("#[", "ignore")) {
            fault("a test that is not run is not a test");
        }
    }
    faults
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The identifier that `text` begins with.
fn word(text: &str) -> &str {
    let end = text.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(text.len());
    &text[..end]
}

/// The line up to its `//`, unless that stands in a string.
fn without_comment(line: &str) -> &str {
    let comment = line
        .match_indices("//")
        .map(|(at, _)| at)
        .find(|at| line[..*at].matches('"').count().is_multiple_of(2));
    comment.map_or(line, |at| &line[..at])
}

/// Whether a line at an item's own indent is its last one: not an attribute, not its opening.
fn ends_item(code: &str) -> bool {
    code.ends_with('}') || code.ends_with("};") || (code.ends_with(';') && !code.starts_with('#'))
}

fn is_text(name: &str) -> bool {
    !name.contains('.') || TEXT_ENDS.iter().any(|it| name.ends_with(it))
}

fn for_each_file(folder: &Path, visit: &mut impl FnMut(&str, &str)) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("the folder can be listed")
        .flatten()
        .map(|it| it.path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|it| it.to_str()).expect("a name in UTF-8");
        if path.is_dir() {
            if !OTHER_FOLDERS.contains(&name) {
                for_each_file(&path, visit);
            }
            continue;
        }
        let shown = path.to_str().expect("a path in UTF-8");
        if is_text(name) {
            visit(shown, &fs::read_to_string(&path).expect("a source is UTF-8"));
        }
    }
}
