//! `changes`: what was written, in the order of the commits.
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
    pub revision: i64,
    pub kind: Kind,
    /// Of an activation, its connection's; of an auth method, its connector's.
    pub key: String,
    /// Of an activation.
    pub tenant: Option<String>,
    /// Who did it.
    pub who: String,
    pub at_ms: i64,
}

/// What came after a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// In their order; empty where there is none.
    Changes(Vec<Change>),
    /// Some of them have been forgotten: read everything again.
    Forgotten,
}

impl Changes<'_> {
    /// The revision of the last committed change: 0 before the first.
    pub async fn revision(self, scope: &Scope) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let rows = self.0.engine.rows("SELECT revision FROM deployment WHERE id = 1", &[]).await?;
        let read = rows.first().and_then(|it| it.integer(0).ok());
        read.ok_or(StoreError::Corrupt { table: "deployment", key: None })
    }

    /// At most `limit` changes after a revision. None is missed: a later revision is never committed
    /// before an earlier one.
    pub async fn since(
        self,
        scope: &Scope,
        revision: i64,
        limit: u32,
    ) -> Result<Since, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        // One statement, so that the two are of one moment.
        let sql = "SELECT d.revision, c.revision, c.kind, c.key, c.tenant, c.who, c.at \
                   FROM deployment AS d LEFT JOIN changes AS c ON c.revision > $1 \
                   WHERE d.id = 1 ORDER BY c.revision LIMIT $2";
        let limit = i64::from(limit.clamp(1, PAGE_MAX));
        let values = [Value::Integer(revision), Value::Integer(limit)];
        let rows = self.0.engine.rows(sql, &values).await?;
        after(revision, &rows)
            .map_err(|Unreadable| StoreError::Corrupt { table: "changes", key: None })
    }

    /// Forgets changes that are older, by the store's clock. How many.
    pub async fn prune(self, scope: &Scope, older_than_ms: i64) -> Result<u64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut tx = self.0.engine.begin().await?;
        let before = [Value::Integer(now_ms(&mut tx).await? - older_than_ms)];
        let pruned = tx.run("DELETE FROM changes WHERE at < $1", &before).await?;
        tx.commit().await?;
        Ok(pruned)
    }
}

fn after(revision: i64, rows: &[Row]) -> Result<Since, Unreadable> {
    let mut changes = Vec::with_capacity(rows.len());
    let mut last = 0;
    for row in rows {
        last = row.integer(0)?;
        changes.extend(change(row)?);
    }
    // Revisions have no gaps.
    let follows = match changes.first() {
        Some(first) => first.revision == revision + 1,
        // Before it: another database than it was, as after a backup was restored.
        None => last == revision,
    };
    Ok(if follows { Since::Changes(changes) } else { Since::Forgotten })
}

/// None where there is no change beside the revision.
fn change(row: &Row) -> Result<Option<Change>, Unreadable> {
    let Some(revision) = row.maybe_integer(1)? else { return Ok(None) };
    let tenant = row.text(4)?;
    Ok(Some(Change {
        revision,
        kind: Kind::parse(&row.text(2)?).ok_or(Unreadable)?,
        key: row.text(3)?,
        tenant: Some(tenant).filter(|it| !it.is_empty()),
        who: row.text(5)?,
        at_ms: row.integer(6)?,
    }))
}
