//! The tables, made and brought up to date, under a lock.
use super::Store;
use super::callers;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Value;
use super::error::StoreError;
use super::error::check_schema;
use super::origins;
use super::search;

/// The scripts, in order; the first is schema 1. `{text}` sorts by its bytes.
const SCRIPTS: &[(&str, &str)] = &[
    ("deployment", include_str!("migrations/0001_deployment.sql")),
    ("definitions", include_str!("migrations/0002_definitions.sql")),
    ("activations", include_str!("migrations/0003_activations.sql")),
    ("access", include_str!("migrations/0004_access.sql")),
    ("origins", include_str!("migrations/0005_origins.sql")),
    ("feed", include_str!("migrations/0006_feed.sql")),
    ("shared credentials", include_str!("migrations/0007_shared_credentials.sql")),
    ("checksums", include_str!("migrations/0008_checksums.sql")),
    ("orphans", include_str!("migrations/0009_orphans.sql")),
    ("audit", include_str!("migrations/0010_audit.sql")),
    ("events", include_str!("migrations/0011_events.sql")),
    ("subscriptions", include_str!("migrations/0012_subscriptions.sql")),
    ("deliveries", include_str!("migrations/0013_deliveries.sql")),
    ("grants", include_str!("migrations/0014_grants.sql")),
    ("authorizations", include_str!("migrations/0015_authorizations.sql")),
    ("forecast", include_str!("migrations/0016_forecast.sql")),
    ("accounts", include_str!("migrations/0017_accounts.sql")),
    ("connect sessions", include_str!("migrations/0018_connect_sessions.sql")),
    ("received", include_str!("migrations/0019_received.sql")),
    ("console sessions", include_str!("migrations/0020_console_sessions.sql")),
    ("webhook deliveries", include_str!("migrations/0021_webhook_deliveries.sql")),
    ("search", include_str!("migrations/0022_search.sql")),
    ("delivery sizes", include_str!("migrations/0023_delivery_sizes.sql")),
];

/// The schema that this attache reads and writes.
pub const SCHEMA: i64 = SCRIPTS.len() as i64;

/// Held by whoever migrates a Postgres database: `attache` in ASCII, as a number.
const LOCK: i64 = 0x0061_7474_6163_6865;

/// What a migration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The schema before: 0 for an empty database.
    pub from: i64,
    pub to: i64,
}

impl Store {
    /// Makes the tables, or brings them up to date, all or none. One at a time, whoever else tries.
    ///
    /// Where there is nothing to do nothing is written, so that a read-only database can be used.
    pub async fn migrate(&self) -> Result<Migrated, StoreError> {
        let from = self.schema().await?;
        check_schema(from)?;
        if from == SCHEMA {
            return Ok(Migrated { from, to: SCHEMA });
        }
        let mut tx = self.engine.begin_migration().await?;
        if tx.is_postgres() {
            tx.rows("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)", &[Value::Integer(LOCK)])
                .await?;
        }
        // Again, now that nobody else can migrate it.
        let from = first_integer(tx.rows(schema_exists(tx.is_postgres()), &[]).await?)?;
        let from = if from == 0 { 0 } else { first_integer(tx.rows(SCHEMA_NOW, &[]).await?)? };
        check_schema(from)?;
        if from == 0 {
            let text = "CREATE TABLE schema_versions (\
                        version {integer} PRIMARY KEY, name {text} NOT NULL, at {integer} NOT NULL)";
            let script = in_words_of(&tx, text);
            tx.script(&script).await?;
        }
        for (number, (name, script)) in (1..).zip(SCRIPTS).skip_while(|it| it.0 <= from) {
            let script = in_words_of(&tx, script);
            tx.script(&script).await?;
            let now_ms = now_ms(&mut tx).await?;
            match *name {
                "deployment" => name_the_deployment(&mut tx, now_ms).await?,
                "checksums" => {
                    callers::sum_up(&mut tx).await?;
                    origins::sum_up(&mut tx).await?;
                }
                "search" => search::word_all(&mut tx).await?,
                _ => {}
            }
            let values = [Value::Integer(number), Value::Text(name), Value::Integer(now_ms)];
            tx.run("INSERT INTO schema_versions (version, name, at) VALUES ($1, $2, $3)", &values)
                .await?;
        }
        tx.commit().await?;
        Ok(Migrated { from, to: SCHEMA })
    }

    /// The schema that the database is at: 0 where it is empty.
    pub async fn schema(&self) -> Result<i64, StoreError> {
        let exists = schema_exists(self.is_shared());
        match first_integer(self.engine.rows(exists, &[]).await?)? {
            0 => Ok(0),
            _ => first_integer(self.engine.rows(SCHEMA_NOW, &[]).await?),
        }
    }
}

const SCHEMA_NOW: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_versions";

/// Counts the tables called `schema_versions`.
fn schema_exists(is_postgres: bool) -> &'static str {
    if is_postgres {
        "SELECT COUNT(*) FROM pg_tables \
         WHERE schemaname = current_schema() AND tablename = 'schema_versions'"
    } else {
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_versions'"
    }
}

async fn name_the_deployment(tx: &mut Tx, now_ms: i64) -> Result<(), StoreError> {
    let name = new_id(now_ms);
    let values = [Value::Text(&name), Value::Integer(now_ms)];
    let sql = "INSERT INTO deployment (id, name, revision, created_at) VALUES (1, $1, 0, $2)";
    tx.run(sql, &values).await.map(drop)
}

/// Unix milliseconds, by the database's clock.
pub(super) async fn now_ms(tx: &mut Tx) -> Result<i64, StoreError> {
    let sql = format!("SELECT {}", now_expression(tx));
    first_integer(tx.rows(&sql, &[]).await?)
}

/// The database's clock in Unix milliseconds, as an expression.
pub(super) fn now_expression(tx: &Tx) -> &'static str {
    clock_of(tx.is_postgres())
}

/// The same, of either engine.
pub(super) fn clock_of(is_postgres: bool) -> &'static str {
    if is_postgres {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    } else {
        "CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)"
    }
}

/// A UUID of version 7 (RFC 9562 §5.7).
pub(super) fn new_id(now_ms: i64) -> String {
    let mut random = [0; 10];
    aws_lc_rs::rand::fill(&mut random).expect("the operating system has randomness");
    let now_ms = u64::try_from(now_ms).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(now_ms, &random).into_uuid().to_string()
}

fn first_integer(rows: Vec<Row>) -> Result<i64, StoreError> {
    let read = rows.first().and_then(|it| it.integer(0).ok());
    read.ok_or(StoreError::Corrupt { table: "schema_versions", key: None })
}

fn in_words_of(tx: &Tx, script: &str) -> String {
    let (text, integer, bytes) = if tx.is_postgres() {
        ("TEXT COLLATE \"C\"", "BIGINT", "BYTEA")
    } else {
        ("TEXT", "INTEGER", "BLOB")
    };
    script.replace("{text}", text).replace("{integer}", integer).replace("{bytes}", bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ_within_a_millisecond() {
        let (early, late) = (new_id(1_700_000_000_000), new_id(1_700_000_000_001));
        assert!(early < late);
        let id = uuid::Uuid::parse_str(&early).unwrap();
        assert_eq!(id.get_version_num(), 7);
        assert_ne!(new_id(1), new_id(1));
    }
}
