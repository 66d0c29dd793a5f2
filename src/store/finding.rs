//! What was found wrong with the audit trail, in words, and an entry as people keep it.
use super::Break;
use super::Finding;
use super::TrailHead;
use std::fmt;
use std::str::FromStr;

impl Break {
    /// For programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Unlinked => "unlinked",
            Self::Added => "added",
            Self::GoesOn => "goes_on",
            Self::End => "end",
            Self::NotKept => "not_kept",
            Self::Untold(_, _) => "untold",
            Self::Absent => "absent",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&said(self))
    }
}

/// `SEQ:MAC`.
impl fmt::Display for TrailHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, hex::encode(self.mac))
    }
}

/// `SEQ:MAC`, as it is printed.
impl FromStr for TrailHead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (seq, mac) = text.split_once(':')?;
            Some(Self { seq: seq.parse().ok()?, mac: hex::decode(mac).ok()?.try_into().ok()? })
        };
        read().ok_or_else(|| {
            "write a number, a colon and 64 hex digits, as `verify` prints them".to_owned()
        })
    }
}

/// What is wrong, where, and where the chain goes on.
fn said(finding: &Finding) -> String {
    let Finding { what, seqs, goes_on_at } = finding;
    let (first, last) = (seqs.start(), seqs.end());
    let which = match first == last {
        true => format!("entry {first}"),
        false => format!("entries {first} to {last}"),
    };
    let problem = match what {
        Break::Changed => "not what attache entered, changed or put in or moved",
        Break::Missing => "missing",
        Break::Damaged => "on a page of the database that does not read",
        Break::Unlinked => "follows another entry than the one before it",
        Break::Added => "outside the trail, and not attache's",
        Break::GoesOn => "here attache found the end of the trail changed, and went on",
        Break::End => "what the database has as the end is not as attache left it",
        Break::Untold(first, last) if first > last => {
            return format!(
                "behind entry {last_seq}: the versions go back to {last}",
                last_seq = seqs.end()
            );
        }
        Break::Untold(first, last) => {
            let versions = match first == last {
                true => format!("version {first} is"),
                false => format!("versions {first} to {last} are"),
            };
            return format!(
                "behind entry {}: {versions} told by no entry: cut off, or written by an attache without a trail",
                seqs.end()
            );
        }
        Break::Absent => {
            return "there is no trail, though the database was written to: no gateway has begun it yet, or it was \
                    taken away"
                .to_owned();
        }
        Break::NotKept => "not there as it was kept",
    };
    let on = match goes_on_at {
        Some(seq) => format!("; the chain goes on at {seq}"),
        None => "; nothing good comes after it".to_owned(),
    };
    format!("{which}: {problem}{on}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_which_entries_and_where_the_chain_goes_on() {
        let finding = Finding { what: Break::Missing, seqs: 3..=5, goes_on_at: Some(6) };
        assert_eq!(finding.to_string(), "entries 3 to 5: missing; the chain goes on at 6");
        let written = format!("7:{}", "ab".repeat(32));
        let kept: TrailHead = written.parse().unwrap();
        assert_eq!(kept, TrailHead { seq: 7, mac: [0xab; 32] });
        assert_eq!(kept.to_string(), written);
        for bad in ["", "7", "7:", "x:00", "7:00"] {
            assert!(bad.parse::<TrailHead>().is_err(), "{bad}");
        }
    }
}
