//! `changes`: what was written, in the order of the commits.
use super::BATCH_MAX;
use super::Kind;
use super::PAGE_MAX;
use super::Store;
use super::StoreError;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::migrate::now_ms;
use crate::model::Scope;

/// What was changed.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'s>(pub(super) &'s Store);

/// One change: read what it names again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub position: Position,
    pub kind: Kind,
    /// Of an activation, its connection's, empty where it may be any; of an auth method, its connector's.
    pub key: String,
    /// Of an activation.
    pub tenant: Option<String>,
    /// Who did it.
    pub who: String,
    pub at_ms: i64,
}

/// Where a follower is: the last change that it has taken up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub revision: i64,
    /// Of that change, random: another history that is as long has another. 0 where the change is not
    /// there, or was written before changes had tags.
    pub tag: i64,
}

/// What came after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// In their order; empty where there is none.
    Changes(Vec<Change>),
    /// Some of them have been forgotten: read everything again.
    Forgotten,
    /// These do not read, or are of a kind that is not known here: read everything again.
    Unreadable(Vec<i64>),
    /// The database is not the one that it was, as after a backup was restored: read everything again.
    Replaced,
}

impl Changes<'_> {
    /// The revision of the last committed change: 0 before the first.
    pub async fn revision(self, scope: &Scope) -> Result<i64, StoreError> {
        self.position(scope).await.map(|it| it.revision)
    }

    /// The position of whoever has taken up everything that is committed.
    pub async fn position(self, scope: &Scope) -> Result<Position, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let sql = "SELECT d.revision, c.tag FROM deployment AS d \
                   LEFT JOIN changes AS c ON c.revision = d.revision WHERE d.id = 1";
        let rows = match self.0.engine.rows(sql, &[]).await {
            // Its change does not read: the revision does without.
            Err(StoreError::Corrupt { .. }) => {
                self.0.engine.rows("SELECT revision, 0 FROM deployment WHERE id = 1", &[]).await?
            }
            rows => rows?,
        };
        let read = rows
            .first()
            .and_then(|it| Some(Position { revision: it.integer(0).ok()?, tag: tag(it, 1) }));
        read.ok_or(StoreError::Corrupt { table: "deployment", key: None })
    }

    /// At most `limit` changes after a position. None is missed: a later revision is never committed
    /// before an earlier one.
    pub async fn since(
        self,
        scope: &Scope,
        position: Position,
        limit: u32,
    ) -> Result<Since, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        // One statement, so that the two are of one moment. The change at the position itself comes along:
        // it has to be the one that was taken up.
        let sql = "SELECT d.revision, c.revision, c.tag, c.kind, c.key, c.tenant, c.who, c.at \
                   FROM deployment AS d \
                   LEFT JOIN changes AS c ON c.revision >= $1 AND c.revision <= d.revision \
                   WHERE d.id = 1 ORDER BY c.revision LIMIT $2";
        let limit = i64::from(limit.clamp(1, PAGE_MAX)) + 1;
        let values = [Value::Integer(position.revision), Value::Integer(limit)];
        let rows = self.0.engine.rows(sql, &values).await?;
        after(position, &rows)
            .map_err(|Unreadable| StoreError::Corrupt { table: "changes", key: None })
    }

    /// Forgets changes that are older, by the store's clock, at most [`BATCH_MAX`] of them: again, where it
    /// were so many. The last one stays: whoever is up to date knows it by its tag. How many.
    pub async fn prune(self, scope: &Scope, older_than_ms: i64) -> Result<u64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let before = now_ms(&mut tx).await? - older_than_ms;
        let values = [Value::Integer(before), Value::Integer(i64::from(BATCH_MAX))];
        let sql = "DELETE FROM changes WHERE revision IN (\
                   SELECT revision FROM changes WHERE at < $1 \
                   AND revision < (SELECT revision FROM deployment WHERE id = 1) \
                   ORDER BY at LIMIT $2)";
        let pruned = tx.run(sql, &values).await?;
        tx.commit().await?;
        Ok(pruned)
    }
}

/// A tag for a change: never 0.
pub(super) fn new_tag() -> i64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    i64::from_le_bytes(bytes) | 1
}

fn after(position: Position, rows: &[Row]) -> Result<Since, Unreadable> {
    let last = rows.first().ok_or(Unreadable)?.integer(0)?;
    let mut at = position.revision;
    // Where it was not there when the follower came, it need not be there now.
    let mut is_known = position.tag == 0;
    let (mut changes, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        let Some(revision) = row.maybe_integer(1)? else { break };
        if revision == position.revision {
            if tag(row, 2) != position.tag {
                return Ok(Since::Replaced);
            }
            is_known = true;
            continue;
        }
        // Revisions have no gaps.
        if revision != at + 1 {
            return Ok(Since::Forgotten);
        }
        at = revision;
        match change(row, revision) {
            Ok(change) => changes.push(change),
            Err(Unreadable) => unreadable.push(revision),
        }
    }
    Ok(if last < position.revision {
        Since::Replaced
    } else if !is_known || at == position.revision && at != last {
        Since::Forgotten
    } else if unreadable.is_empty() {
        Since::Changes(changes)
    } else {
        Since::Unreadable(unreadable)
    })
}

fn change(row: &Row, revision: i64) -> Result<Change, Unreadable> {
    let tenant = row.text(5)?;
    Ok(Change {
        position: Position { revision, tag: tag(row, 2) },
        kind: Kind::parse(&row.text(3)?).ok_or(Unreadable)?,
        key: row.text(4)?,
        tenant: Some(tenant).filter(|it| !it.is_empty()),
        who: row.text(6)?,
        at_ms: row.integer(7)?,
    })
}

/// 0 where there is none that reads.
fn tag(row: &Row, column: usize) -> i64 {
    row.maybe_integer(column).ok().flatten().unwrap_or_default()
}
