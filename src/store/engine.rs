//! Two databases, one way to ask: `$1` placeholders, four kinds of values, rows by column number.
use super::error;
use super::error::StoreError;
use super::error::classify;
use super::links::Held;
use super::links::Links;
use super::turns::Turn;
use super::within::Inner;
use super::within::Within;
use sqlx::AssertSqlSafe;
use sqlx::Row as _;
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqlitePool;
use sqlx::sqlite::SqliteRow;
use std::future::Future;
use std::time::Duration;

/// How long one statement may take, with what a link may take to be had: over what the databases
/// themselves are told, so that theirs is the usual answer and this one is for a link that hangs.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long a step of a migration may take.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Longest text or bytes of one value. Nothing sound comes near it.
const VALUE_LEN_MAX: usize = 4 << 20;

/// A database and its links.
#[derive(Clone, Debug)]
pub(super) enum Engine {
    /// Writers wait for each other here rather than in the file's locks.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(Links),
    /// A transaction that is under way on one of them.
    Within(Within),
}

/// A value for a placeholder.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Integer(i64),
    Bytes(&'a [u8]),
    /// An integer that is not there.
    NoInteger,
}

impl Value<'_> {
    pub(super) fn flag(is: bool) -> Self {
        Self::Integer(i64::from(is))
    }

    pub(super) fn maybe(integer: Option<i64>) -> Self {
        integer.map_or(Self::NoInteger, Self::Integer)
    }

    fn check(&self) -> Result<(), StoreError> {
        let length = match self {
            // Postgres can't keep one, and in SQLite whatever measures texts stops at it.
            Self::Text(text) if text.contains('\0') => {
                return Err(StoreError::Refused(error::BAD_TEXT.to_owned()));
            }
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Integer(_) | Self::NoInteger => 0,
        };
        if length > VALUE_LEN_MAX {
            return Err(StoreError::Refused(error::TOO_LONG.to_owned()));
        }
        Ok(())
    }
}

/// A row of an answer.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// A column does not hold what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

macro_rules! columns {
    ($($name:ident: $type:ty;)*) => {$(
        pub(super) fn $name(&self, column: usize) -> Result<$type, Unreadable> {
            let read = match self {
                Self::Sqlite(row) => row.try_get(column),
                Self::Postgres(row) => row.try_get(column),
            };
            read.map_err(|_| Unreadable)
        }
    )*};
}

impl Row {
    columns! {
        text: String;
        integer: i64;
        maybe_integer: Option<i64>;
        bytes: Vec<u8>;
    }

    /// A column that is 0 or 1.
    pub(super) fn flag(&self, column: usize) -> Result<bool, Unreadable> {
        match self.integer(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unreadable),
        }
    }
}

/// The query with its values; the texts of queries are this room's own, never a caller's.
macro_rules! query {
    ($sql:expr, $values:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql));
        for value in $values {
            query = match *value {
                Value::Text(text) => query.bind(text.to_owned()),
                Value::Integer(integer) => query.bind(integer),
                Value::Bytes(bytes) => query.bind(bytes.to_owned()),
                Value::NoInteger => query.bind(None::<i64>),
            };
        }
        query
    }};
}

/// One thing asked on a link to PostgreSQL, within its time.
macro_rules! on {
    ($held:expr, $patience:expr, $sql:expr, $link:ident => $asked:expr) => {{
        let $link = $held.asks()?;
        let answer = tokio::time::timeout($patience, $asked).await.ok();
        $held.answered(answer, table_of($sql))
    }};
}

impl Engine {
    /// Asks outside any transaction.
    pub(super) async fn rows(
        &self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        values.iter().try_for_each(Value::check)?;
        match self {
            Self::Sqlite { readers, .. } => {
                let rows = within(PATIENCE, sql, query!(sql, values).fetch_all(readers)).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(links) => {
                let mut link = links.take(PATIENCE).await?;
                let rows = on!(link, PATIENCE, sql, it => query!(sql, values).fetch_all(it))?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
            Self::Within(within) => within.rows(sql, values).await,
        }
    }

    /// Begins a transaction that writes. SQLite takes the write lock at once: a transaction that
    /// reads first and writes then would fail without waiting for anybody.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        let turn = match self {
            Self::Postgres(links) => Some(links.turns.any().await?),
            Self::Sqlite { .. } | Self::Within(_) => None,
        };
        self.begin_patiently(PATIENCE, turn).await
    }

    /// The same for one that takes the deployment's row, which whoever else writes waits for.
    pub(super) async fn begin_write(&self) -> Result<Tx, StoreError> {
        let turn = match self {
            Self::Postgres(links) => Some(links.turns.writer().await?),
            Self::Sqlite { .. } | Self::Within(_) => None,
        };
        self.begin_patiently(PATIENCE, turn).await
    }

    /// The same for a migration, which may take long.
    pub(super) async fn begin_migration(&self) -> Result<Tx, StoreError> {
        let mut tx = self.begin_patiently(MIGRATION_PATIENCE, None).await?;
        if let Engine::Postgres(_) = self {
            tx.run("SET LOCAL statement_timeout = 0", &[]).await?;
        }
        Ok(tx)
    }

    async fn begin_patiently(
        &self,
        patience: Duration,
        turn: Option<Turn>,
    ) -> Result<Tx, StoreError> {
        let link = match self {
            Self::Sqlite { writer, .. } => {
                let link = within(patience, "", writer.acquire()).await?;
                let mut tx = SqliteLink { link, is_open: true };
                let begin = sqlx::query("BEGIN IMMEDIATE").execute(&mut *tx.link);
                within(patience, "", begin).await?;
                Link::Sqlite(tx)
            }
            Self::Postgres(links) => {
                let mut link = links.take(patience).await?;
                on!(link, patience, "", it => sqlx::query("BEGIN").execute(it))?;
                link.is_now_open(true);
                Link::Postgres(link)
            }
            Self::Within(within) => Link::Within(within.begin().await?),
        };
        Ok(Tx { link, patience, _turn: turn })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(links) => links.pool.close().await,
            Self::Within(within) => within.end().await,
        }
    }

    /// Whether it is PostgreSQL in the end.
    pub(super) fn is_postgres(&self) -> bool {
        match self {
            Self::Sqlite { .. } => false,
            Self::Postgres(_) => true,
            Self::Within(within) => within.is_postgres(),
        }
    }
}

/// A transaction that writes. Dropped without [`Tx::commit`], it never was.
pub(super) struct Tx {
    link: Link,
    patience: Duration,
    /// Of a process that shares its links with readers.
    _turn: Option<Turn>,
}

enum Link {
    Sqlite(SqliteLink),
    Postgres(Held),
    Within(Inner),
}

impl Tx {
    pub(super) async fn rows(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        values.iter().try_for_each(Value::check)?;
        match &mut self.link {
            Link::Sqlite(tx) => {
                let asked = query!(sql, values).fetch_all(&mut *tx.link);
                Ok(within(self.patience, sql, asked).await?.into_iter().map(Row::Sqlite).collect())
            }
            Link::Postgres(link) => {
                let rows = on!(link, self.patience, sql, it => query!(sql, values).fetch_all(it))?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
            Link::Within(inner) => inner.rows(sql, values).await,
        }
    }

    /// How many rows it was about.
    pub(super) async fn run(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        values.iter().try_for_each(Value::check)?;
        match &mut self.link {
            Link::Sqlite(tx) => {
                let asked = query!(sql, values).execute(&mut *tx.link);
                Ok(within(self.patience, sql, asked).await?.rows_affected())
            }
            Link::Postgres(link) => {
                let done = on!(link, self.patience, sql, it => query!(sql, values).execute(it))?;
                Ok(done.rows_affected())
            }
            Link::Within(inner) => inner.run(sql, values).await,
        }
    }

    /// Several statements without values.
    pub(super) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql));
        match &mut self.link {
            Link::Sqlite(tx) => {
                within(self.patience, sql, script.execute(&mut *tx.link)).await?;
            }
            Link::Postgres(link) => {
                on!(link, self.patience, sql, it => script.execute(it))?;
            }
            Link::Within(inner) => inner.script(sql).await?,
        }
        Ok(())
    }

    /// Makes it all so. Where the answer is lost on its way back nobody knows here whether it is.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let done = match self.link {
            Link::Sqlite(mut tx) => {
                let commit = sqlx::query("COMMIT").execute(&mut *tx.link);
                let done = within(self.patience, "", commit).await;
                tx.is_open = done.is_err();
                done.map(drop)
            }
            Link::Postgres(mut link) => {
                let done = on!(link, self.patience, "", it => sqlx::query("COMMIT").execute(it));
                link.is_now_open(done.is_err());
                done.map(drop)
            }
            // Nothing is kept yet.
            Link::Within(inner) => return inner.commit().await,
        };
        done.map_err(|error| match error {
            StoreError::Unreachable { reason } => StoreError::Uncertain { reason },
            error @ StoreError::TimedOut => StoreError::Uncertain { reason: error.to_string() },
            error => error,
        })
    }

    pub(super) fn is_postgres(&self) -> bool {
        match &self.link {
            Link::Sqlite(_) => false,
            Link::Postgres(_) => true,
            Link::Within(inner) => inner.is_postgres(),
        }
    }
}

/// A link with a transaction that is begun and ended here: after an error SQLite may have ended it by
/// itself (sqlite.org/lang_transaction.html, §3), which the driver's own bookkeeping does not follow.
struct SqliteLink {
    link: PoolConnection<Sqlite>,
    is_open: bool,
}

impl Drop for SqliteLink {
    fn drop(&mut self) {
        // Whatever state it is in, a link that is closed has nothing half-done.
        if self.is_open {
            self.link.close_on_drop();
        }
    }
}

/// What the database made of it, within its time.
async fn within<T>(
    patience: Duration,
    sql: &str,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(patience, work).await {
        Ok(done) => done.map_err(|it| classify(it, table_of(sql))),
        Err(_) => Err(StoreError::TimedOut),
    }
}

/// The table that a statement of ours is about, to name it where it does not read.
fn table_of(sql: &str) -> &'static str {
    let mut words = sql.split_whitespace();
    let named = words
        .find(|it| matches!(*it, "FROM" | "INTO" | "UPDATE"))
        .and_then(|_| words.next())
        .unwrap_or_default();
    super::TABLES.iter().find(|it| **it == named).copied().unwrap_or("the database")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_says_which_table_it_is_about() {
        assert_eq!(table_of("SELECT x FROM connections WHERE key = $1"), "connections");
        assert_eq!(table_of("UPDATE changes SET x = 1"), "changes");
        assert_eq!(table_of("BEGIN"), "the database");
    }

    #[test]
    fn texts_that_only_one_database_could_keep_are_kept_by_neither() {
        assert!(Value::Text("a\0b").check().is_err());
        assert!(Value::Text("'; DROP TABLE connections; --\u{fffd}").check().is_ok());
        assert!(Value::Bytes(&vec![0; VALUE_LEN_MAX]).check().is_ok());
        assert!(Value::Bytes(&vec![0; VALUE_LEN_MAX + 1]).check().is_err());
    }
}
