//! Each preset that comes along: a good delivery, made without this program, and what becomes of it when one thing
//! is broken.
mod breakages;
mod clocks;
mod docs;
mod handshakes;
mod particular;
mod repeats;
mod row;

use crate::webhook::Description;
use crate::webhook::RawDescription;
use crate::webhook::raw::Replay;
use row::Row;

/// Every row of every table.
fn rows() -> Vec<Row> {
    let tables = [
        include_str!("plain.yaml"),
        include_str!("clocked.yaml"),
        include_str!("standard.yaml"),
        include_str!("url.yaml"),
        include_str!("partial.yaml"),
        include_str!("tokens.yaml"),
        include_str!("public.yaml"),
    ];
    tables.iter().flat_map(|it| Row::table(it)).collect()
}

#[test]
fn every_preset_has_its_row() {
    let mut tested: Vec<_> = rows().into_iter().map(|it| it.preset).collect();
    tested.sort();
    tested.dedup();
    let shipped: Vec<_> = crate::webhook::preset_names().collect();
    assert_eq!(tested, shipped);
    assert!(shipped.is_sorted());
}

#[test]
fn the_good_delivery_is_verified_with_its_id() {
    let mut refused = Vec::new();
    for row in rows() {
        let name = row.name();
        match row.sent().verify() {
            Err(refusal) => refused.push(format!("{name}: {refusal}")),
            Ok(verified) => {
                assert_eq!(verified.id, row.id, "{name}");
                assert_eq!(verified.replay_key.is_some(), row.told_apart, "{name}");
            }
        }
    }
    assert_eq!(refused, [""; 0]);
}

#[test]
fn no_good_delivery_has_the_shape_of_a_handshake() {
    for row in rows() {
        let sent = row.sent();
        let is_handshake = sent.asked(|given, delivery| {
            sent.description().verifier(given).unwrap().handshake(delivery).is_some()
        });
        assert!(!is_handshake, "{}: it would be answered and never forwarded", row.name());
    }
}

#[test]
fn a_preset_warns_of_what_it_cannot_do_and_of_nothing_else() {
    for row in rows() {
        let raw = RawDescription { preset: Some(row.preset.clone()), ..RawDescription::default() };
        let warnings = Description::try_from(raw).unwrap().warnings();
        for (start, expected) in [
            ("`covers: partial`", row.covers.is_some()),
            ("`algorithm: token`", row.is_token()),
            (
                "with neither a clock nor an id",
                !row.told_apart && row.raw().replay != Some(Replay::Off),
            ),
        ] {
            let warned = warnings.iter().any(|it| it.starts_with(start));
            assert_eq!(warned, expected, "{}: {start}: {warnings:?}", row.name());
        }
    }
}
