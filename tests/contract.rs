//! `docs/contract.md` says what the program does: its tables are read and compared.
use attache::model::Code;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

const CONTRACT: &str = include_str!("../docs/contract.md");

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

/// The cells of every table row of the contract.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    CONTRACT
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|row| row.split('|').map(str::trim).collect())
}
