//! Whether the audit trail is as attache made it: every entry's MAC, its link to the one before, and its end.
use super::Audit;
use super::PAGE_MAX;
use super::StoreError;
use super::audit::Act;
use super::audit::COLUMNS;
use super::audit::Entered;
use super::audit::Head;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use crate::model::Scope;
use crate::seal::TrailKey;
use std::ops::RangeInclusive;

/// Most findings that are named; the rest are counted.
pub const FINDINGS_MAX: usize = 100;

/// What is wrong with a stretch of the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The entry is not what was entered under its number: changed, swapped, moved or put in.
    Changed,
    /// Entries are gone.
    Missing,
    /// The entry is attache's, but follows another than the one that stands before it.
    Unlinked,
    /// Stands behind the end of the trail, or before its beginning.
    Added,
    /// attache found the end of the trail changed here, and went on behind it.
    GoesOn,
    /// The end that `deployment` has is not one that attache has left.
    End,
    /// The entry that was kept elsewhere is not there any more, or is another one.
    NotKept,
    /// There is no trail, though the database was written to: not begun yet, or taken away.
    Absent,
}

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub what: Break,
    pub seqs: RangeInclusive<i64>,
    /// The next entry that is what it was; none where none comes.
    pub goes_on_at: Option<i64>,
}

/// An entry by number and MAC: what is kept elsewhere to know that nothing before it was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailHead {
    pub seq: i64,
    pub mac: [u8; 32],
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many entries were read.
    pub entries: i64,
    /// The first revision that it tells; none where its first entry is not what it was.
    pub begins_with: Option<i64>,
    /// The first [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more: usize,
    /// The last entry that is what it was.
    pub head: Option<TrailHead>,
}

impl Audit<'_> {
    /// Reads the whole trail. `kept`: an entry that somebody has kept elsewhere. `progress` is told how far it is,
    /// and of how many. Writers go on meanwhile.
    pub async fn verify(
        self,
        scope: &Scope,
        key: &TrailKey,
        kept: Option<TrailHead>,
        mut progress: impl FnMut(i64, i64),
    ) -> Result<Checked, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let columns: Vec<_> = COLUMNS.iter().map(|it| format!("a.{it}")).collect();
        // One statement, so that the end and the entries are of one moment.
        let sql = format!(
            "SELECT d.audit_seq, d.audit_mac, d.audit_head, d.revision, {} FROM deployment AS d \
             LEFT JOIN audit AS a ON a.seq > $1 WHERE d.id = 1 ORDER BY a.seq LIMIT $2",
            columns.join(", ")
        );
        let mut walk = Walk::new(key, kept);
        let mut after = i64::MIN;
        loop {
            let values = [Value::Integer(after), Value::Integer(i64::from(PAGE_MAX))];
            let rows = self.0.engine.rows(&sql, &values).await?;
            let missing = || StoreError::Corrupt { table: "deployment", key: None };
            let first = rows.first().ok_or_else(missing)?;
            let head = Head::read(first, 0);
            let revision = first.integer(HEAD_WIDTH - 1).unwrap_or_default();
            let mut taken = 0;
            for row in &rows {
                let Ok(Some(seq)) = row.maybe_integer(HEAD_WIDTH) else { break };
                walk.take(seq, read(row), head.seq);
                (after, taken) = (seq, taken + 1);
            }
            progress(walk.checked.entries, head.seq);
            if taken < PAGE_MAX as usize {
                return Ok(walk.end(&head, revision));
            }
        }
    }
}

/// How many columns are the deployment's: the end of the trail, and the last revision.
const HEAD_WIDTH: usize = 4;

fn read(row: &Row) -> Result<Entered, Unreadable> {
    Entered::read(row, HEAD_WIDTH)
}

/// A walk along the trail.
struct Walk<'a> {
    key: &'a TrailKey,
    kept: Option<TrailHead>,
    checked: Checked,
    /// The number of the last entry that belongs to the trail by its number.
    last: i64,
    /// Its MAC as it is stored; none where the entry is not what it was.
    mac: Option<Vec<u8>>,
}

impl<'a> Walk<'a> {
    fn new(key: &'a TrailKey, kept: Option<TrailHead>) -> Self {
        Self { key, kept, checked: Checked::default(), last: 0, mac: Some(Vec::new()) }
    }

    /// The next row, and the number of the last entry as `deployment` has it.
    fn take(&mut self, seq: i64, entry: Result<Entered, Unreadable>, end: i64) {
        self.checked.entries += 1;
        let entry = entry.ok().filter(|it| it.expected_mac(self.key)[..] == it.mac[..]);
        // What is attache's behind the end is told with the end.
        if seq < 1 || seq > end && entry.is_none() {
            return self.find(Break::Added, seq..=seq);
        }
        if seq > self.last + 1 {
            self.find(Break::Missing, self.last + 1..=seq - 1);
            self.mac = None;
        }
        self.last = seq;
        let Some(entry) = entry else {
            self.mac = None;
            return self.find(Break::Changed, seq..=seq);
        };
        if seq == 1 && entry.act == Act::Begun.as_str() {
            let json: Option<serde_json::Value> = serde_json::from_str(&entry.became).ok();
            self.checked.begins_with = json.and_then(|it| it.get("revision")?.as_i64());
        }
        if entry.act == Act::Broken.as_str() && entry.prior.is_empty() {
            self.find(Break::GoesOn, seq..=seq);
        } else if self.mac.as_ref().is_some_and(|it| *it != entry.prior) {
            self.find(Break::Unlinked, seq..=seq);
        }
        for finding in self.checked.findings.iter_mut().rev() {
            if finding.goes_on_at.is_some() {
                break;
            }
            finding.goes_on_at = Some(seq);
        }
        if let Ok(mac) = <[u8; 32]>::try_from(&*entry.mac) {
            let here = TrailHead { seq, mac };
            self.checked.head = Some(here);
            if self.kept == Some(here) {
                self.kept = None;
            }
        }
        self.mac = Some(entry.mac);
    }

    /// `revision`: of the last change that there was.
    fn end(mut self, head: &Head, revision: i64) -> Checked {
        if head.is_fresh() && self.checked.entries == 0 {
            if revision > 0 {
                self.find(Break::Absent, 1..=1);
            }
        } else if head.seq > self.last {
            self.find(Break::Missing, self.last + 1..=head.seq);
        } else if !head.is_good(self.key)
            || head.seq < self.last
            || self.mac.as_ref().is_some_and(|it| *it != head.mac)
        {
            self.find(Break::End, head.seq..=head.seq);
        }
        if let Some(kept) = self.kept {
            self.find(Break::NotKept, kept.seq..=kept.seq);
        }
        self.checked
    }

    /// Neighbours of one kind are one finding.
    fn find(&mut self, what: Break, seqs: RangeInclusive<i64>) {
        let findings = &mut self.checked.findings;
        if let Some(last) = findings.last_mut()
            && last.what == what
            && last.goes_on_at.is_none()
            && last.seqs.end().checked_add(1) == Some(*seqs.start())
        {
            last.seqs = *last.seqs.start()..=*seqs.end();
        } else if findings.len() < FINDINGS_MAX {
            findings.push(Finding { what, seqs, goes_on_at: None });
        } else {
            self.checked.more += 1;
        }
    }
}

#[cfg(test)]
mod tests;
