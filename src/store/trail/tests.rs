//! Each row starts from a good trail and breaks one thing.
use super::*;

fn key() -> TrailKey {
    crate::seal::FingerprintKey::random().trail()
}

/// Entries `1..=count`, and their end.
fn trail(key: &TrailKey, count: i64) -> (Vec<Entered>, Head) {
    let (mut all, mut prior) = (Vec::new(), Vec::new());
    for seq in 1..=count {
        let mut entry = Entered {
            seq,
            at_ms: 1_700_000_000_000,
            who: "operator ci".to_owned(),
            act: Act::Updated.as_str().to_owned(),
            kind: "tenant".to_owned(),
            key: format!("t{seq}"),
            tenant: String::new(),
            revision: seq,
            was: String::new(),
            became: "{}".to_owned(),
            prior: std::mem::take(&mut prior),
            mac: Vec::new(),
        };
        entry.mac = entry.expected_mac(key).to_vec();
        prior.clone_from(&entry.mac);
        all.push(entry);
    }
    let head = Head::new(key, count, &prior);
    (all, head)
}

/// Gives each entry but the first the MAC that it has to have behind the one before.
fn chain(key: &TrailKey, entries: &mut [Entered]) {
    for at in 1..entries.len() {
        entries[at].prior = entries[at - 1].mac.clone();
        entries[at].mac = entries[at].expected_mac(key).to_vec();
    }
}

/// Changes that there were: each of the entries tells one.
const CHANGES: i64 = 10;

fn check(key: &TrailKey, all: &[Entered], head: &Head) -> Checked {
    let mut walk = Walk::new(key, None);
    for entry in all {
        walk.take(entry.seq, Ok(entry.clone()), head.seq);
    }
    walk.end(head, CHANGES)
}

#[test]
fn whatever_is_done_to_a_trail_is_found_where_it_was_done() {
    type Harm = fn(&TrailKey, &mut Vec<Entered>, &mut Head);
    type Found = (Break, RangeInclusive<i64>, Option<i64>);
    let key = key();
    let cases: &[(&str, Harm, &[Found])] = &[
        ("good", |_, _, _| {}, &[]),
        (
            "one is changed",
            |_, all, _| all[3].who = "operator eve".to_owned(),
            &[(Break::Changed, 4..=4, Some(5))],
        ),
        (
            "one is changed and given a MAC of another key",
            |_, all, _| {
                all[3].became = "{\"a\":1}".to_owned();
                all[3].mac = all[3].expected_mac(&self::key()).to_vec();
            },
            &[(Break::Changed, 4..=4, Some(5))],
        ),
        ("one is deleted", |_, all, _| drop(all.remove(3)), &[(Break::Missing, 4..=4, Some(5))]),
        (
            "the first two are deleted",
            |_, all, _| drop(all.drain(..2)),
            &[(Break::Missing, 1..=2, Some(3))],
        ),
        (
            "two are swapped",
            |_, all, _| {
                all.swap(3, 6);
                (all[3].seq, all[6].seq) = (4, 7);
            },
            &[(Break::Changed, 4..=4, Some(5)), (Break::Changed, 7..=7, Some(8))],
        ),
        (
            "one is put in, and those behind it are numbered anew",
            |_, all, head| {
                all.insert(3, all[2].clone());
                (1..).zip(all.iter_mut()).for_each(|(seq, it)| it.seq = seq);
                head.seq += 1;
            },
            &[(Break::Changed, 4..=11, None), (Break::End, 11..=11, None)],
        ),
        (
            "one is put behind the end",
            |_, all, _| all.push(Entered { seq: 11, ..all[9].clone() }),
            &[(Break::Added, 11..=11, None)],
        ),
        ("the tail is cut", |_, all, _| all.truncate(7), &[(Break::Missing, 8..=10, None)]),
        (
            "the tail is cut and the end is moved to where it was cut",
            |_, all, head| {
                all.truncate(7);
                (head.seq, head.mac) = (7, all[6].mac.clone());
            },
            &[(Break::End, 7..=7, None)],
        ),
        (
            "the tail is cut and the end is put back as it was there",
            |key, all, head| {
                all.truncate(7);
                *head = Head::new(key, 7, &all[6].mac);
            },
            &[(Break::Untold(8, 10), 7..=7, None)],
        ),
        (
            "a change is made past it",
            |key, all, head| {
                all[7].revision = 0;
                chain(key, &mut all[6..]);
                *head = Head::new(key, 10, &all[9].mac);
            },
            &[(Break::Untold(8, 8), 8..=8, Some(9))],
        ),
        (
            "the end alone is moved back",
            |key, all, head| *head = Head::new(key, 7, &all[6].mac),
            &[(Break::End, 7..=7, None)],
        ),
        ("everything is taken away", |_, all, _| all.clear(), &[(Break::Missing, 1..=10, None)]),
        (
            "everything is taken away, and the end with it",
            |_, all, head| {
                all.clear();
                *head = Head::default();
            },
            &[(Break::Absent, 1..=1, None)],
        ),
        (
            "the end alone is taken away",
            |_, _, head| *head = Head::default(),
            &[(Break::End, 0..=0, None)],
        ),
        (
            "an entry of a history that was given up stands in it",
            |key, all, _| {
                all[3].prior = vec![9; 32];
                all[3].mac = all[3].expected_mac(key).to_vec();
            },
            &[(Break::Unlinked, 4..=4, Some(4)), (Break::Unlinked, 5..=5, Some(5))],
        ),
    ];
    for (name, broken, expected) in cases {
        let (mut all, mut head) = trail(&key, 10);
        broken(&key, &mut all, &mut head);
        let found = check(&key, &all, &head).findings;
        let found: Vec<_> = found.into_iter().map(|it| (it.what, it.seqs, it.goes_on_at)).collect();
        assert_eq!(found, *expected, "case: {name}");
    }
}

#[test]
fn whoever_kept_an_entry_elsewhere_learns_that_a_backup_of_before_was_put_back() {
    let key = key();
    let (all, _) = trail(&key, 10);
    let kept = TrailHead { seq: 10, mac: all[9].mac.clone().try_into().unwrap() };
    let (before, head) = (&all[..7], Head::new(&key, 7, &all[6].mac));
    for (all, head, findings) in
        [(before, head, 1), (&all[..], Head::new(&key, 10, &all[9].mac), 0)]
    {
        let mut walk = Walk::new(&key, Some(kept));
        all.iter().for_each(|it| walk.take(it.seq, Ok(it.clone()), head.seq));
        // The backup has the number of changes of its day.
        assert_eq!(walk.end(&head, head.seq).findings.len(), findings);
    }
}
