//! Every seed of every target, and mutants of them, through the property that the fuzzer asks about.
use super::mutants::mutant;
use super::properties::TARGETS;
use proptest::prelude::ProptestConfig;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Folders of `fuzz/` with one folder, or one file, a target.
const SEEDS: &str = "fuzz/seeds";
const DICTIONARIES: &str = "fuzz/dictionaries";
const ENTRIES: &str = "fuzz/fuzz_targets";

#[test]
fn every_target_has_seeds_and_an_entry_and_nothing_else_has() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|it| it.0.to_owned()).collect();
    assert_eq!(names(SEEDS), targets);
    assert_eq!(names(ENTRIES), targets);
    assert!(names(DICTIONARIES).is_subset(&targets));
    for target in &targets {
        assert!(seeds(target).len() >= 3, "{target} has hardly a seed");
    }
    let listed = fs::read_to_string("fuzz/Cargo.toml").expect("it is there");
    for target in &targets {
        assert!(listed.contains(&format!("name = \"{target}\"")), "{target} is not built");
    }
}

mod every_seed_and_its_mutants_hold_for {
    macro_rules! targets {
        ($($target:ident),*) => {$(
            #[test]
            fn $target() {
                super::all_hold(stringify!($target));
            }
        )*};
    }
    targets!(
        caller_bytes,
        config,
        cookie,
        credential,
        import,
        oauth_answer,
        presented,
        query,
        request_head,
        response_head,
        tags,
        target,
        values,
        webhook_description,
        webhook_signature
    );
}

/// `PROPTEST_CASES` says how many. What is found is to become a seed, not a line in a file of numbers.
pub fn unrecorded() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

fn all_hold(target: &str) {
    let holds = TARGETS.iter().find(|it| it.0 == target).expect("it is a target").1;
    let seeds = seeds(target);
    for (name, seed) in &seeds {
        // Shown where the property does not hold.
        println!("{SEEDS}/{target}/{name}");
        holds(seed);
    }
    let seeds: Vec<Vec<u8>> = seeds.into_iter().map(|it| it.1).collect();
    let mutants = mutant(seeds, words(target));
    let verdict = TestRunner::new(unrecorded()).run(&mutants, |input| {
        println!("{:?}", String::from_utf8_lossy(&input));
        holds(&input);
        Ok(())
    });
    if let Err(error) = verdict {
        panic!("{error}");
    }
}

/// The files' names without their ends.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("the folder can be listed").flatten();
    let stem = |it: fs::DirEntry| it.path().file_stem().map(|it| it.to_string_lossy().into_owned());
    entries.filter_map(stem).collect()
}

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(SEEDS).join(target);
    let entries = fs::read_dir(folder).expect("the folder can be listed").flatten();
    let mut seeds: Vec<(String, Vec<u8>)> = entries
        .map(|it| {
            let text = fs::read(it.path()).expect("a seed can be read");
            (it.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    seeds.sort();
    seeds
}

/// The words of the target's dictionary, which is in the fuzzer's format: `"word"`, with `\xNN`.
fn words(target: &str) -> Vec<Vec<u8>> {
    let path = Path::new(DICTIONARIES).join(format!("{target}.dict"));
    let text = fs::read_to_string(path).unwrap_or_default();
    let quoted = text.lines().filter_map(|it| it.strip_prefix('"')?.strip_suffix('"'));
    quoted.map(unescaped).collect()
}

fn unescaped(quoted: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = quoted.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, behind) = match (first, after) {
            (b'\\', [b'x', hex @ ..]) => {
                let (digits, behind) = hex.split_at(2);
                (hex::decode(digits).expect("two digits")[0], behind)
            }
            (b'\\', [escaped, behind @ ..]) => (*escaped, behind),
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = behind;
    }
    bytes
}
