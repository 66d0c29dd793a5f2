//! `tokens`: what operators prove themselves with, as hashes.
use super::Condition;
use super::Kind;
use super::Store;
use super::StoreError;
use super::Stored;
use super::Written;
use super::definitions::readings;
use super::engine::Row;
use super::engine::Unreadable;
use super::engine::Value;
use super::record::Record;
use super::record::Table;
use super::record::read;
use crate::model::Scope;

/// The stored tokens.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'s>(pub(super) &'s Store);

/// A token, of which the token itself is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// What it allows: a word of the API's.
    pub role: String,
    /// SHA-256 of the token. No two tokens have the same.
    pub hash: [u8; 32],
    /// Its first characters, to tell tokens apart by.
    pub prefix: String,
    /// Unix milliseconds; none where it does not expire.
    pub expires_at_ms: Option<i64>,
}

impl Record for TokenRow {
    const TABLE: Table = Table {
        name: "tokens",
        kind: Kind::Token,
        keys: &["key"],
        columns: &["role", "hash", "prefix", "expires_at"],
    };

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            Value::Text(&self.role),
            Value::Bytes(&self.hash),
            Value::Text(&self.prefix),
            Value::maybe(self.expires_at_ms),
        ]
    }

    fn read(row: &Row, first: usize) -> Result<Self, Unreadable> {
        Ok(Self {
            role: row.text(first)?,
            hash: row.bytes(first + 1)?.try_into().map_err(|_| Unreadable)?,
            prefix: row.text(first + 2)?,
            expires_at_ms: row.maybe_integer(first + 3)?,
        })
    }
}

readings!(Tokens of TokenRow);

/// Tokens that are told from guesses in memory: more operators have to wait where others guess beside them.
const HASHES_MAX: i64 = 10_000;

impl Tokens<'_> {
    pub async fn put(
        self,
        scope: &Scope,
        key: &str,
        row: &TokenRow,
        condition: impl Into<Condition>,
    ) -> Result<Written, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let sql = "SELECT key FROM tokens WHERE hash = $1 AND key <> $2";
        let values = [Value::Bytes(&row.hash), Value::Text(key)];
        if let Some(other) = write.tx.rows(sql, &values).await?.first() {
            let key = other.text(0).unwrap_or_default();
            return Err(StoreError::Conflict { kind: Kind::Token, key });
        }
        let written = write.put(&[key], row, &condition.into(), (key, "")).await?;
        write.commit().await?;
        Ok(written)
    }

    pub async fn delete(
        self,
        scope: &Scope,
        key: &str,
        condition: impl Into<Condition>,
    ) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let expect = condition.into().expect;
        write.remove::<TokenRow>(&[key], expect, (key, "")).await?;
        write.commit().await
    }

    /// The hashes of all tokens: at most [`HASHES_MAX`], of whatever age.
    pub async fn hashes(self, scope: &Scope) -> Result<Vec<[u8; 32]>, StoreError> {
        if !scope.sees_everything() {
            return Ok(Vec::new());
        }
        let sql = "SELECT hash FROM tokens LIMIT $1";
        let rows = self.0.engine.rows(sql, &[Value::Integer(HASHES_MAX)]).await?;
        let hash = |it: &Row| it.bytes(0).ok()?.try_into().ok();
        Ok(rows.iter().filter_map(hash).collect())
    }

    /// The token that has this hash.
    pub async fn by_hash(
        self,
        scope: &Scope,
        hash: &[u8; 32],
    ) -> Result<Option<Stored<TokenRow>>, StoreError> {
        if !scope.sees_everything() {
            return Ok(None);
        }
        let sql = format!("{} WHERE hash = $1", TokenRow::TABLE.select());
        let rows = self.0.engine.rows(&sql, &[Value::Bytes(hash)]).await?;
        rows.first().map(read).transpose()
    }
}
