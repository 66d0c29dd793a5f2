//! Whether the audit trail is as attache made it: every entry's MAC, its link to the one before, and its end.
use super::Audit;
use super::PAGE_MAX;
use super::StoreError;
use super::audit::Act;
use super::audit::COLUMNS;
use super::audit::Entered;
use super::audit::Head;
use super::audit::NO_KEY;
use super::audit::RESTORE_KEY;
use super::audit::Stretch;
use super::audit::corrupt;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::patiently;
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
    /// It lies on a page of the database that does not read.
    Damaged,
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
    /// Changes from the first to the last of these revisions that no entry tells: the entries were cut off, or it
    /// was written past the trail, as an attache of before does. The entry is the last one before them.
    Untold(i64, i64),
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
    /// The same with the key that it is kept under here.
    pub async fn verify_own(
        self,
        scope: &Scope,
        kept: Option<TrailHead>,
        progress: impl FnMut(i64, i64),
    ) -> Result<Checked, StoreError> {
        let no_key = || StoreError::NoTrail { problem: NO_KEY.to_owned(), remedy: RESTORE_KEY };
        let key = self.0.trail.get().ok_or_else(no_key)?;
        self.verify(scope, key, kept, progress).await
    }

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
        let mut walk = Walk::new(key, kept);
        let mut after = i64::MIN;
        loop {
            let page = match patiently(|| self.page(after)).await {
                Err(StoreError::Corrupt { .. }) => patiently(|| self.page_round(after)).await?,
                page => page?,
            };
            for (seq, entry) in page.rows {
                match entry {
                    Some(entry) => walk.take(seq, entry, page.head.seq),
                    None => walk.lost(seq),
                }
            }
            progress(walk.checked.entries, page.head.seq);
            let Some(last) = page.goes_on_behind else {
                return Ok(walk.end(&page.head, page.revision));
            };
            after = last;
        }
    }

    /// The entries behind `after`, and the end of the trail: one statement, so that they are of one moment.
    async fn page(self, after: i64) -> Result<Page, StoreError> {
        let own: Vec<_> = COLUMNS.iter().map(|it| format!("a.{it}")).collect();
        // The page first, so that what it reads does not grow with the trail.
        let sql = format!(
            "SELECT {HEAD}, {} FROM deployment AS d LEFT JOIN \
             (SELECT {} FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2) AS a ON 1 = 1 \
             WHERE d.id = 1 ORDER BY a.seq",
            own.join(", "),
            COLUMNS.join(", ")
        );
        let values = [Value::Integer(after), Value::Integer(i64::from(PAGE_MAX))];
        let found = self.0.engine.rows(&sql, &values).await?;
        let mut page = Page::of(found.first())?;
        for row in &found {
            let Ok(Some(seq)) = row.maybe_integer(HEAD_WIDTH) else { break };
            page.rows.push((seq, Some(Entered::read(row, HEAD_WIDTH))));
        }
        let last = page.rows.last().map(|it| it.0);
        page.goes_on_behind = last.filter(|_| page.rows.len() == PAGE_MAX as usize);
        Ok(page)
    }

    /// The same where a page of the database does not read: as far as the end, and what lies on it is named. What
    /// stands outside the trail is not looked for then.
    async fn page_round(self, after: i64) -> Result<Page, StoreError> {
        let sql = format!("SELECT {HEAD} FROM deployment AS d WHERE d.id = 1");
        let found = self.0.engine.rows(&sql, &[]).await?;
        let mut page = Page::of(found.first())?;
        let after = after.max(0);
        let last = after.saturating_add(i64::from(PAGE_MAX)).min(page.head.seq);
        let asked = Stretch { seqs: after + 1..=last, limit: PAGE_MAX, ..Stretch::default() };
        for row in asked.read(&self.0.engine).await? {
            match row {
                Ok(row) => {
                    let seq = row.integer(0).map_err(|Unreadable| corrupt(None))?;
                    page.rows.push((seq, Some(Entered::read(&row, 0))));
                }
                Err(seq) => page.rows.push((seq, None)),
            }
        }
        page.goes_on_behind = Some(last).filter(|it| *it < page.head.seq);
        Ok(page)
    }
}

/// The deployment's columns: the end of the trail, and the last revision.
const HEAD: &str = "d.audit_seq, d.audit_mac, d.audit_head, d.revision";
const HEAD_WIDTH: usize = 4;

/// A stretch of the trail.
struct Page {
    head: Head,
    revision: i64,
    /// By number; none where its page of the database does not read.
    rows: Vec<(i64, Option<Result<Entered, Unreadable>>)>,
    /// None at the end.
    goes_on_behind: Option<i64>,
}

impl Page {
    fn of(row: Option<&Row>) -> Result<Self, StoreError> {
        let row = row.ok_or(StoreError::Corrupt { table: "deployment", key: None })?;
        let revision = row.integer(HEAD_WIDTH - 1).unwrap_or_default();
        Ok(Self { head: Head::read(row, 0), revision, rows: Vec::new(), goes_on_behind: None })
    }
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
    /// The last revision that is told. Each change takes one and makes one entry, so they have no gaps; none where
    /// entries before are not known.
    told: Option<i64>,
}

impl<'a> Walk<'a> {
    fn new(key: &'a TrailKey, kept: Option<TrailHead>) -> Self {
        let checked = Checked::default();
        Self { key, kept, checked, last: 0, mac: Some(Vec::new()), told: None }
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
            (self.mac, self.told) = (None, None);
        }
        let before = self.last;
        self.last = seq;
        let Some(entry) = entry else {
            (self.mac, self.told) = (None, None);
            return self.find(Break::Changed, seq..=seq);
        };
        if seq == 1 && entry.act == Act::Begun.as_str() {
            let json: Option<serde_json::Value> = serde_json::from_str(&entry.became).ok();
            self.checked.begins_with = json.and_then(|it| it.get("revision")?.as_i64());
            self.told = self.checked.begins_with.map(|it| it - 1);
        }
        if entry.act == Act::Broken.as_str() && entry.prior.is_empty() {
            self.find(Break::GoesOn, seq..=seq);
        } else if self.mac.as_ref().is_some_and(|it| *it != entry.prior) {
            self.find(Break::Unlinked, seq..=seq);
        }
        if entry.revision > 0 {
            self.told_up_to(entry.revision - 1, before);
            self.told = Some(entry.revision);
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

    /// An entry that can't be read at all.
    fn lost(&mut self, seq: i64) {
        if seq > self.last + 1 {
            self.find(Break::Missing, self.last + 1..=seq - 1);
        }
        self.last = seq;
        (self.mac, self.told) = (None, None);
        self.find(Break::Damaged, seq..=seq);
    }

    /// All changes up to this revision have to be told by the entry `seq`.
    fn told_up_to(&mut self, revision: i64, seq: i64) {
        if let Some(told) = self.told.filter(|it| *it != revision) {
            self.find(Break::Untold(told + 1, revision), seq..=seq);
        }
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
        } else {
            self.told_up_to(revision, head.seq);
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
