//! `docs/contract.md` says what the program does: its tables are read and compared.
use attache::model::Code;
use attache::reload;
use attache::webhook;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

#[path = "contract/catalogue.rs"]
mod catalogue;

const CONTRACT: &str = include_str!("../docs/contract.md");
const PRESETS: &str = include_str!("../docs/webhook-presets.md");
const README: &str = include_str!("../README.md");
const CATALOGUE: &str = include_str!("../docs/catalogue.md");

#[test]
fn the_table_of_codes_is_the_programs() {
    let written: BTreeMap<String, u16> = rows()
        .filter_map(|cells| {
            Some((cells.first()?.trim_matches('`').into(), cells.get(1)?.parse().ok()?))
        })
        .collect();
    let built: BTreeMap<String, u16> =
        Code::ALL.iter().map(|it| (it.as_str().to_owned(), it.status())).collect();
    assert_eq!(written, built);
}

#[test]
fn every_heading_of_the_contents_exists() {
    let anchors: BTreeSet<String> = CONTRACT
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|title| title.to_lowercase().replace('.', "").replace(' ', "-"))
        .collect();
    let linked: BTreeSet<String> = CONTRACT
        .match_indices("](#")
        .map(|(at, mark)| {
            CONTRACT[at + mark.len()..].split(')').next().unwrap_or_default().to_owned()
        })
        .collect();
    assert!(!linked.is_empty());
    assert_eq!(linked, anchors);
}

#[test]
fn every_configuration_that_is_shown_is_sound() {
    let mut shown = 0;
    for (name, text) in
        [("docs/contract.md", CONTRACT), ("README.md", README), ("docs/catalogue.md", CATALOGUE)]
    {
        for block in text.split("```yaml\n").skip(1).filter_map(|it| it.split("```").next()) {
            let file =
                tempfile::Builder::new().suffix(".yaml").tempfile().expect("a temporary file");
            std::fs::write(file.path(), block).expect("it can be written");
            let settings = |_: &str| Some("a-setting-of-16-or-more".to_owned());
            if let Err(problems) = reload::load(&[file.path().to_owned()], &settings) {
                let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
                panic!("{name} shows what is refused:\n{}\n{block}", all.join("\n"));
            }
            shown += 1;
        }
    }
    assert!(shown >= 4, "the blocks are found");
}

#[test]
fn the_presets_that_are_named_are_those_that_are_shipped() {
    assert!(CONTRACT.contains("**Presets**: [webhook-presets.md](webhook-presets.md)"));
    let rows = PRESETS.lines().filter_map(|it| it.strip_prefix("| `")?.split('`').next());
    let written: BTreeSet<&str> = rows.collect();
    assert_eq!(written, webhook::preset_names().collect());
}

#[test]
fn the_commands_that_are_named_are_those_that_are_built() {
    let program = env!("CARGO_BIN_EXE_attache");
    let help = std::process::Command::new(program).arg("--help").output().expect("it can be run");
    let help = String::from_utf8(help.stdout).expect("help is text");
    let commands = help.split("Commands:").nth(1).and_then(|it| it.split("\n\n").next());
    let built: BTreeSet<&str> = commands
        .expect("help lists commands")
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|it| !it.is_empty() && *it != "help")
        .collect();
    let written: BTreeSet<&str> = rows()
        .filter(|cells| !cells.iter().any(|it| it.contains("**later**")))
        .filter_map(|cells| cells.first()?.strip_prefix("`attache ")?.split([' ', '`']).next())
        .collect();
    assert_eq!(written, built);
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let pages = [
        "README.md",
        "ARCHITECTURE.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "docs/contract.md",
        "docs/catalogue.md",
        "docs/import.md",
    ];
    for page in pages {
        let text = std::fs::read_to_string(page).expect("the page is there");
        let folder = std::path::Path::new(page).parent().expect("a file lies in a folder");
        for link in text.split("](").skip(1).filter_map(|it| it.split([')', '#']).next()) {
            let within = !link.is_empty() && !link.starts_with("http");
            assert!(!within || folder.join(link).exists(), "{page}: {link} leads nowhere");
        }
    }
}

/// The cells of every table row of the contract.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    CONTRACT
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|row| row.split('|').map(str::trim).collect())
}
