//! Each preset's clock: how far it may be off, and that it is signed, there once and well-formed.
use super::row::Sent;
use super::rows;

#[test]
fn the_clock_may_be_off_by_so_much_and_no_more() {
    for row in rows() {
        let Some(clock) = &row.clock else { continue };
        let good = row.sent();
        let at = |now_ms: u64| Sent { now_ms, ..good.clone() }.verdict();
        let (sent, name) = (good.now_ms, row.name());
        assert_eq!(at(sent + clock.past * 1000), "good", "{name}: as old as may be");
        assert_eq!(at(sent + (clock.past + 1) * 1000), "stale", "{name}: a second older");
        assert_eq!(at(sent - clock.future * 1000), "good", "{name}: as far ahead as may be");
        assert_eq!(at(sent - (clock.future + 1) * 1000), "stale", "{name}: a second further");
        assert_eq!(at(0), "stale", "{name}: decades ahead");
    }
}

#[test]
fn a_clock_in_a_header_is_signed_there_once_and_well_formed() {
    for row in rows() {
        let Some(header) = row.clock.as_ref().and_then(|it| it.header.as_ref()) else { continue };
        let name = row.name();
        let with = |values: &[&str]| {
            let mut sent = row.sent();
            sent.headers.retain(|it| it.0 != *header);
            sent.headers.extend(values.iter().map(|it| (header.clone(), (*it).to_owned())));
            sent
        };
        let text = row.sent().headers.iter().find(|it| it.0 == *header).unwrap().1.clone();
        // One second on, as is our own clock, so that it is the signature that fails.
        let moved = match text.strip_suffix("20Z") {
            Some(text) => format!("{text}21Z"),
            None => text.replacen("1700000000", "1700000001", 1),
        };
        assert_ne!(moved, text, "{name}");
        let later = Sent { now_ms: row.sent().now_ms + 1000, ..with(&[&moved]) };
        assert_eq!(later.verdict(), "mismatch", "{name}: moved");
        assert_eq!(with(&[]).verdict(), "missing", "{name}: absent");
        assert_eq!(with(&[&text, &text]).verdict(), "malformed", "{name}: twice");
        for bad in ["", "abc", "NaN", "1e9", "-5", "+1700000000", "1700000000.0", " "] {
            assert_eq!(with(&[bad]).verdict(), "malformed", "{name}: {bad:?}");
        }
    }
}
