//! `connections`: each pins a revision of its auth method; what it proves itself with is in `credentials`.
use super::Bind;
use super::Condition;
use super::Entered;
use super::Kind;
use super::PAGE_MAX;
use super::Secrets;
use super::Store;
use super::StoreError;
use super::Use;
use super::Uses;
use super::Written;
use super::definitions::readings;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::migrate::new_id;
use super::record::Record;
use super::record::Table;
use super::uses;
use crate::model::Scope;
use crate::seal::Slot;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The stored connections.
#[derive(Clone, Copy, Debug)]
pub struct Connections<'s>(pub(super) &'s Store);

/// A connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionRow {
    /// A UUID, which the store makes and keeps, whatever stands here in a write: the owner of its
    /// activations and credentials. Another connection of the same key has another.
    pub id: String,
    pub connector: String,
    pub method: String,
    /// Of the method.
    pub revision: i64,
    pub embedded: bool,
    pub enabled: bool,
    /// JSON, as the API takes it, without what stands above and without credentials.
    pub definition: String,
}

/// Who pins a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// The first hundred.
    pub keys: Vec<String>,
    pub total: i64,
}

impl Record for ConnectionRow {
    const TABLE: Table = Table {
        name: "connections",
        kind: Kind::Connection,
        keys: &["key"],
        columns: &["id", "connector", "method", "revision", "embedded", "enabled", "definition"],
    };

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            Value::Text(&self.id),
            Value::Text(&self.connector),
            Value::Text(&self.method),
            Value::Integer(self.revision),
            Value::flag(self.embedded),
            Value::flag(self.enabled),
            Value::Text(&self.definition),
        ]
    }

    fn definition(&self) -> Option<&str> {
        Some(&self.definition)
    }

    fn read(row: &Row, first: usize) -> Result<Self, Unreadable> {
        Ok(Self {
            id: row.text(first)?,
            connector: row.text(first + 1)?,
            method: row.text(first + 2)?,
            revision: row.integer(first + 3)?,
            embedded: row.flag(first + 4)?,
            enabled: row.flag(first + 5)?,
            definition: row.text(first + 6)?,
        })
    }
}

readings!(Connections of ConnectionRow);

impl Connections<'_> {
    /// Creates or replaces a connection, and its own and test credentials with it. Its method's revision
    /// has to be there. One that is not embedded any more loses its activations and all that is sealed
    /// for it, and gets another id, so that nothing that is kept of them anywhere is used again; the
    /// change of the connection stands for theirs.
    ///
    /// The condition's binding is the connection's own; its owner is put in here.
    pub async fn put(
        self,
        scope: &Scope,
        key: &str,
        row: &ConnectionRow,
        own: Secrets<'_>,
        test: Secrets<'_>,
        condition: impl Into<Condition>,
    ) -> Result<Written, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let condition = condition.into();
        let mut write = self.0.write(scope).await?;
        let standing = write.expected(&ConnectionRow::TABLE, &[key], condition.expect).await?;
        write.check_needs(&condition).await?;
        let pinned =
            "SELECT 1 FROM auth_methods WHERE connector = $1 AND method = $2 AND revision = $3";
        let pin =
            [Value::Text(&row.connector), Value::Text(&row.method), Value::Integer(row.revision)];
        if write.tx.rows(pinned, &pin).await?.is_empty() {
            let key = format!("{}/{}@{}", row.connector, row.method, row.revision);
            return Err(StoreError::Missing { kind: Kind::AuthMethod, key });
        }
        let before = match standing {
            Some(_) => write.current::<ConnectionRow>(&[key]).await?.map(|it| it.value),
            None => None,
        };
        let id = match before {
            None => new_id(write.now_ms),
            Some(it) if it.embedded && !row.embedded => {
                write.refuse_to_move(&it.id, &condition.binds).await?;
                for slot in [Slot::Own, Slot::Test] {
                    write.secrets((&it.id, "", slot), Secrets::Remove).await?;
                }
                write.leave(&it.id).await?;
                new_id(write.now_ms)
            }
            Some(it) => it.id,
        };
        let binds = condition.binds.into_iter();
        let owned = binds.map(|it| Bind { to: Entered { owner: id.clone(), ..it.to }, ..it });
        let news = write.bind(&owned.collect::<Vec<_>>()).await?;
        write.secrets((&id, "", Slot::Own), own).await?;
        write.secrets((&id, "", Slot::Test), test).await?;
        let row = ConnectionRow { id, ..row.clone() };
        let written = write.put_over(&[key], &row, standing.as_ref(), (key, "")).await?;
        // Whatever else is new of it stands in the definition.
        for rebound in news.iter().flatten().filter(|it| it.confirmed) {
            write.told_confirmed(key, rebound).await?;
        }
        write.commit().await?;
        Ok(written)
    }

    /// Deletes a connection that no environment assigns and under which no tenant is activated, and what is
    /// sealed for it. `force`: even then; its activations go with it, and environments assign nothing
    /// in its place.
    ///
    /// The change of the connection stands for those of its activations.
    pub async fn delete(
        self,
        scope: &Scope,
        key: &str,
        force: bool,
        condition: impl Into<Condition>,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let expect = condition.into().expect;
        write.there(&ConnectionRow::TABLE, &[key], expect).await?;
        // By its own column: a row that does not read can be deleted all the same.
        let sql = "SELECT id FROM connections WHERE key = $1";
        let rows = write.tx.rows(sql, &[Value::Text(key)]).await?;
        let id = rows.first().and_then(|it| it.text(0).ok()).unwrap_or_default();
        if force {
            write.reassign(key, None).await?;
        } else {
            uses::of_connection(&mut write.tx, key, &id).await?.refuse()?;
        }
        for slot in [Slot::Own, Slot::Test] {
            write.secrets((&id, "", slot), Secrets::Remove).await?;
        }
        write.remove::<ConnectionRow>(&[key], expect, (key, "")).await?;
        write.leave(&id).await?;
        write.commit().await
    }

    /// In every environment, assigns `new` wherever `old` is assigned: all or none. The environments that
    /// it changed, and the revision.
    pub async fn replace_everywhere(
        self,
        scope: &Scope,
        old: &str,
        new: &str,
        condition: impl Into<Condition>,
    ) -> Result<(Vec<String>, i64), StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        write.check_needs(&condition.into()).await?;
        let changed = write.reassign(old, Some(new)).await?;
        Ok((changed, write.commit().await?))
    }

    /// Who uses a connection: environments by its key, activations under `owner`, its id or `file:` and the
    /// key of one that a file declares.
    pub async fn uses(self, scope: &Scope, key: &str, owner: &str) -> Result<Uses, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        uses::of_connection(&mut &self.0.engine, key, owner).await
    }

    /// The stored connections that pin one of these revisions of a method, by revision: who has been reached
    /// by a change of it, and who has not.
    pub async fn pins(
        self,
        scope: &Scope,
        connector: &str,
        method: &str,
        revisions: RangeInclusive<i64>,
    ) -> Result<BTreeMap<i64, Pins>, StoreError> {
        if !scope.sees_everything() {
            return Ok(BTreeMap::new());
        }
        let sql = "SELECT revision, key, total FROM (SELECT revision, key, \
                   ROW_NUMBER() OVER (PARTITION BY revision ORDER BY key) AS number, \
                   COUNT(*) OVER (PARTITION BY revision) AS total FROM connections \
                   WHERE connector = $1 AND method = $2 AND revision BETWEEN $3 AND $4) AS pins \
                   WHERE number <= $5 ORDER BY revision, key";
        let values = [
            Value::Text(connector),
            Value::Text(method),
            Value::Integer(*revisions.start()),
            Value::Integer(*revisions.end()),
            Value::Integer(uses::NAMED_MAX),
        ];
        let mut all: BTreeMap<i64, Pins> = BTreeMap::new();
        for row in &self.0.engine.rows(sql, &values).await? {
            let read = || Ok((row.integer(0)?, row.text(1)?, row.integer(2)?));
            let (revision, key, total) = read()
                .map_err(|_: Unreadable| StoreError::Corrupt { table: "connections", key: None })?;
            let pins = all.entry(revision).or_default();
            pins.keys.push(key);
            pins.total = total;
        }
        Ok(all)
    }

    /// At most `limit` environments that assign a connection, each with the alias, behind one of them.
    pub async fn assignments(
        self,
        scope: &Scope,
        key: &str,
        after: (&str, &str),
        limit: u32,
    ) -> Result<Vec<Use>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let limit = i64::from(limit.min(PAGE_MAX));
        uses::assignments(&mut &self.0.engine, key, after, limit).await
    }
}
