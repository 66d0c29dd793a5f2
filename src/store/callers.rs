//! `callers`, and the hashes of their keys.
use super::Condition;
use super::Kind;
use super::Store;
use super::StoreError;
use super::Written;
use super::definitions::readings;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::record::Record;
use super::record::Table;
use super::record::checksum;
use super::salvage::Column;
use super::salvage::Source;
use super::salvage::sorted_out;
use super::several;
use super::write::Write;
use crate::model::Scope;
use serde_json::json;

/// The stored callers.
#[derive(Clone, Copy, Debug)]
pub struct Callers<'s>(pub(super) &'s Store);

/// A caller, less its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerRow {
    /// JSON, as the API takes it, without keys.
    pub definition: String,
}

/// A caller key, of which the key itself is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerKey {
    pub caller: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// Its first characters, to tell keys apart by.
    pub prefix: String,
    /// By the store's clock, whatever stands here in a write.
    pub created_at_ms: i64,
    /// Unix milliseconds; none where it does not expire.
    pub expires_at_ms: Option<i64>,
}

/// A caller as it was written, with the keys that it has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenCaller {
    pub written: Written,
    pub row: CallerRow,
    /// The oldest first.
    pub keys: Vec<CallerKey>,
}

impl Record for CallerRow {
    const TABLE: Table =
        Table { name: "callers", kind: Kind::Caller, keys: &["key"], columns: &["definition"] };

    fn values(&self) -> Vec<Value<'_>> {
        vec![Value::Text(&self.definition)]
    }

    fn definition(&self) -> Option<&str> {
        Some(&self.definition)
    }

    fn read(row: &Row, first: usize) -> Result<Self, Unreadable> {
        Ok(Self { definition: row.text(first)? })
    }
}

readings!(Callers of CallerRow);

const KEYS: &str = "SELECT caller, hash, prefix, created_at, expires_at, checksum FROM caller_keys";

const ALL_KEYS: Source = Source {
    table: "caller_keys",
    select: KEYS,
    condition: "",
    of_keys: "",
    key: &[Column::Bytes("hash")],
};

impl Callers<'_> {
    /// Creates or replaces a caller. Its keys stay; `new_key` is one more.
    pub async fn put(
        self,
        scope: &Scope,
        key: &str,
        row: &CallerRow,
        new_key: Option<&CallerKey>,
        condition: impl Into<Condition>,
    ) -> Result<WrittenCaller, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let written = write.put(&[key], row, &condition.into(), (key, "")).await?;
        let before = write.keys(key).await?;
        if let Some(new_key) = new_key {
            write.add_key(key, new_key).await?;
        }
        let keys = write.keys(key).await?;
        write.note_keys(&before, &keys);
        write.commit().await?;
        Ok(WrittenCaller { written, row: row.clone(), keys })
    }

    /// Gives a caller another key, and forgets those that have expired. Those that it has go on for
    /// `overlap_ms` by the store's clock, or as long as they would anyway, whichever is sooner; none: as long as
    /// they would anyway. A key that it has already goes on without an end. For no time at all they are forgotten at
    /// once, so that no clock is asked about them.
    pub async fn rotate(
        self,
        scope: &Scope,
        key: &str,
        new_key: &CallerKey,
        overlap_ms: Option<i64>,
        condition: impl Into<Condition>,
    ) -> Result<WrittenCaller, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let row = write.caller(key, &condition.into()).await?;
        let before = write.keys(key).await?;
        let own = Value::Text(key);
        if overlap_ms.is_some_and(|it| it <= 0) {
            write.tx.run("DELETE FROM caller_keys WHERE caller = $1", &[own]).await?;
        } else {
            let sql = "DELETE FROM caller_keys WHERE caller = $1 AND expires_at <= $2";
            write.tx.run(sql, &[own, Value::Integer(write.now_ms)]).await?;
        }
        // One that it had before, and would end with the others, is given anew.
        let sql = "DELETE FROM caller_keys WHERE caller = $1 AND hash = $2";
        write.tx.run(sql, &[own, Value::Bytes(&new_key.hash)]).await?;
        if let Some(overlap_ms) = overlap_ms {
            write.end_keys(key, write.now_ms.saturating_add(overlap_ms)).await?;
        }
        write.add_key(key, new_key).await?;
        let written = write.touch(key, &row).await?;
        let keys = write.keys(key).await?;
        write.note_keys(&before, &keys);
        write.commit().await?;
        Ok(WrittenCaller { written, row, keys })
    }

    /// Takes a key from a caller, by its hash.
    pub async fn delete_key(
        self,
        scope: &Scope,
        key: &str,
        hash: &[u8; 32],
        condition: impl Into<Condition>,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let row = write.caller(key, &condition.into()).await?;
        let before = write.keys(key).await?;
        let sql = "DELETE FROM caller_keys WHERE caller = $1 AND hash = $2";
        if write.tx.run(sql, &[Value::Text(key), Value::Bytes(hash)]).await? == 0 {
            return Err(StoreError::NotFound);
        }
        write.touch(key, &row).await?;
        let keys = write.keys(key).await?;
        write.note_keys(&before, &keys);
        write.commit().await
    }

    /// Deletes a caller and its keys.
    pub async fn delete(
        self,
        scope: &Scope,
        key: &str,
        condition: impl Into<Condition>,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let expect = condition.into().expect;
        let before = write.keys(key).await?;
        write.remove::<CallerRow>(&[key], expect, (key, "")).await?;
        write.note_keys(&before, &[]);
        write.commit().await
    }

    /// The keys of one caller, the oldest first; those that do not read are named beside them.
    pub async fn keys(
        self,
        scope: &Scope,
        key: &str,
    ) -> Result<(Vec<CallerKey>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        match self.0.engine.rows(&of_caller(), &[Value::Text(key)]).await {
            Err(StoreError::Corrupt { .. }) => {
                let (mut keys, unreadable) = self.all_keys(scope).await?;
                keys.retain(|it| it.caller == key);
                Ok((keys, unreadable))
            }
            rows => Ok(sorted_out(&rows?, read_key)),
        }
    }

    /// The keys of several callers, of each the oldest first.
    pub async fn keys_of_several(
        self,
        scope: &Scope,
        callers: &[&str],
    ) -> Result<Vec<CallerKey>, StoreError> {
        let mut keys = Vec::new();
        if !scope.sees_everything() {
            return Ok(keys);
        }
        for part in several::texts(callers) {
            let sql = format!(
                "{KEYS} WHERE caller IN (VALUES {}) ORDER BY caller, created_at, hash",
                part.places
            );
            let rows = self.0.engine.rows(&sql, &part.values).await?;
            keys.extend(rows.iter().map(read_key).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(keys)
    }

    /// The keys of all callers; those that do not read are named beside them.
    pub async fn all_keys(
        self,
        scope: &Scope,
    ) -> Result<(Vec<CallerKey>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        let (mut keys, unreadable) = ALL_KEYS.all(&self.0.engine, read_key).await?;
        keys.sort_by(|a, b| a.place().cmp(&b.place()));
        Ok((keys, unreadable))
    }
}

fn of_caller() -> String {
    format!("{KEYS} WHERE caller = $1 ORDER BY created_at, hash")
}

fn read_key(row: &Row) -> Result<CallerKey, StoreError> {
    let whole = || match key(row)? {
        key if row.text(5)? == key.checksum() => Ok(key),
        _ => Err(Unreadable),
    };
    let corrupt = |Unreadable| StoreError::Corrupt { table: "caller_keys", key: row.text(0).ok() };
    whole().map_err(corrupt)
}

fn key(row: &Row) -> Result<CallerKey, Unreadable> {
    Ok(CallerKey {
        caller: row.text(0)?,
        hash: row.bytes(1)?.try_into().map_err(|_| Unreadable)?,
        prefix: row.text(2)?,
        created_at_ms: row.integer(3)?,
        expires_at_ms: row.maybe_integer(4)?,
    })
}

impl CallerKey {
    /// What they are ordered by.
    fn place(&self) -> (&str, i64, &[u8; 32]) {
        (&self.caller, self.created_at_ms, &self.hash)
    }

    fn checksum(&self) -> String {
        let values = [
            Value::Bytes(&self.hash),
            Value::Text(&self.prefix),
            Value::Integer(self.created_at_ms),
            Value::maybe(self.expires_at_ms),
        ];
        checksum("caller_keys", &[&self.caller], &values)
    }
}

/// Gives those of before their checksums.
pub(super) async fn sum_up(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = "SELECT caller, hash, prefix, created_at, expires_at FROM caller_keys";
    // One that does not read is left without, and so does not read afterwards either.
    for row in &tx.rows(sql, &[]).await? {
        if let Ok(key) = key(row) {
            put_sum(tx, &key).await?;
        }
    }
    Ok(())
}

/// Writes when it ends, and its checksum.
async fn put_sum(tx: &mut Tx, key: &CallerKey) -> Result<(), StoreError> {
    let checksum = key.checksum();
    let values = [Value::maybe(key.expires_at_ms), Value::Text(&checksum), Value::Bytes(&key.hash)];
    let sql = "UPDATE caller_keys SET expires_at = $1, checksum = $2 WHERE hash = $3";
    tx.run(sql, &values).await.map(drop)
}

impl Write<'_> {
    async fn caller(&mut self, key: &str, condition: &Condition) -> Result<CallerRow, StoreError> {
        self.there(&CallerRow::TABLE, &[key], condition.expect).await?;
        let current = self.current::<CallerRow>(&[key]).await?;
        current.map(|it| it.value).ok_or(StoreError::NotFound)
    }

    /// Those that read: no other is good.
    async fn keys(&mut self, caller: &str) -> Result<Vec<CallerKey>, StoreError> {
        let rows = self.tx.rows(&of_caller(), &[Value::Text(caller)]).await?;
        Ok(sorted_out(&rows, read_key).0)
    }

    /// Has the audit trail say which keys there were, and which there are.
    fn note_keys(&mut self, before: &[CallerKey], after: &[CallerKey]) {
        let shown = |keys: &[CallerKey]| {
            let one = |it: &CallerKey| {
                json!({
                    "prefix": it.prefix,
                    "created_at_ms": it.created_at_ms,
                    "expires_at_ms": it.expires_at_ms,
                })
            };
            Some(keys.iter().map(one).collect())
        };
        self.note_with_last("keys", shown(before), shown(after));
    }

    /// Those that would be good longer are good until then.
    async fn end_keys(&mut self, caller: &str, at_ms: i64) -> Result<(), StoreError> {
        for key in self.keys(caller).await? {
            if key.expires_at_ms.is_none_or(|it| it > at_ms) {
                put_sum(&mut self.tx, &CallerKey { expires_at_ms: Some(at_ms), ..key }).await?;
            }
        }
        Ok(())
    }

    /// A change of its keys is a change of the caller.
    async fn touch(&mut self, key: &str, row: &CallerRow) -> Result<Written, StoreError> {
        let standing = self.standing(&CallerRow::TABLE, &[key]).await?;
        self.put_over(&[key], row, standing.as_ref(), (key, "")).await
    }

    async fn add_key(&mut self, caller: &str, key: &CallerKey) -> Result<(), StoreError> {
        let key =
            CallerKey { caller: caller.to_owned(), created_at_ms: self.now_ms, ..key.clone() };
        let checksum = key.checksum();
        let sql = "INSERT INTO caller_keys (hash, caller, prefix, created_at, expires_at, checksum) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (hash) DO NOTHING";
        let values = [
            Value::Bytes(&key.hash),
            Value::Text(&key.caller),
            Value::Text(&key.prefix),
            Value::Integer(key.created_at_ms),
            Value::maybe(key.expires_at_ms),
            Value::Text(&checksum),
        ];
        match self.tx.run(sql, &values).await? {
            0 => Err(StoreError::Conflict { kind: Kind::Caller, key: caller.to_owned() }),
            _ => Ok(()),
        }
    }
}
