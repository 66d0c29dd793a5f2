//! What may go wrong with a store, as situations: no other crate's error leaves this room.
use super::Kind;
use super::Moved;
use super::SCHEMA;
use super::Use;
use sqlx::postgres::PgDatabaseError;
use std::io;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nobody is there, or turns us away for now. Comes back by itself.
    #[error("the database is not reached: {reason}")]
    Unreachable { reason: String },
    /// It is there and slow, or held by another writer. Comes back by itself.
    #[error("the database did not answer in time")]
    TimedOut,
    /// The database was told to keep it, and was not heard to say that it did: it may have, or not.
    #[error("whether the database has kept it is not known: {reason}")]
    Uncertain { reason: String },
    /// A replica, a file without write permission, a read-only mount: reads go on.
    #[error("the database is read-only")]
    ReadOnly,
    /// Reads go on; nothing of this write was kept.
    #[error("the database's disk is full")]
    Full,
    /// There is one of this key already, and it was to be new.
    #[error("{kind} {key} exists already")]
    Conflict { kind: Kind, key: String },
    /// Somebody else has written since: who, when (Unix milliseconds), and what its version is now;
    /// none where it was deleted.
    #[error("{who} has changed it meanwhile")]
    Stale { current_version: Option<i64>, who: String, at_ms: i64 },
    #[error("there is no such thing in the store")]
    NotFound,
    /// What a write was checked beside has changed meanwhile.
    #[error("the {kind} `{key}` was changed meanwhile")]
    Outrun { kind: Kind, key: String },
    /// What the written thing refers to is not there (any more).
    #[error("{kind} {key} does not exist")]
    Missing { kind: Kind, key: String },
    /// It can't go while these use it: the first of them, and how many there are.
    #[error("it is used {total} times")]
    InUse { by: Vec<Use>, total: i64 },
    /// Credentials would go elsewhere than where they were entered for, and nobody has confirmed it.
    #[error("credentials would go elsewhere than where they were entered for")]
    Elsewhere { moves: Vec<Moved> },
    /// A later attache has migrated this database.
    #[error(
        "the database is at schema {found}, this attache knows {known}: upgrade attache, or restore a \
         backup that is as old as it"
    )]
    SchemaNewer { found: i64, known: i64 },
    /// A row or a page does not read, or is not what was written.
    #[error("what is stored in `{table}`{} is corrupt", shown(.key))]
    Corrupt { table: &'static str, key: Option<String> },
    /// What was to be done can't be entered in the audit trail, or told as an event, and so was not done. What is
    /// asked for is not at fault, and whatever is written meets the same until somebody has seen to it.
    #[error("the audit trail can't be kept, so nothing is changed: {problem}; {remedy}")]
    NoTrail { problem: String, remedy: &'static str },
    /// Another reason, which takes a person: the text says which.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    /// Whether the database may well answer later, without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut | Self::Uncertain { .. })
    }
}

fn shown(key: &Option<String>) -> String {
    key.as_ref().map(|it| format!(", {it:?},")).unwrap_or_default()
}

/// The situation behind an error of the driver, met while working on `table`.
pub(super) fn classify(error: sqlx::Error, table: &'static str) -> StoreError {
    match error {
        sqlx::Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(postgres) => classify_postgres(postgres.code(), postgres.message(), table),
            None => {
                let code = error.code().and_then(|it| it.parse().ok()).unwrap_or_default();
                classify_sqlite(code, error.message(), table)
            }
        },
        sqlx::Error::PoolTimedOut => StoreError::TimedOut,
        sqlx::Error::Io(error) => match error.kind() {
            io::ErrorKind::TimedOut => StoreError::TimedOut,
            io::ErrorKind::StorageFull => StoreError::Full,
            kind => StoreError::Unreachable { reason: kind.to_string() },
        },
        sqlx::Error::Tls(error) => StoreError::Refused(format!("TLS with the database: {error}")),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            StoreError::Corrupt { table, key: None }
        }
        sqlx::Error::Configuration(error) => {
            StoreError::Refused(format!("the store's settings: {error}"))
        }
        sqlx::Error::PoolClosed => StoreError::Unreachable { reason: "it was closed".to_owned() },
        sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed => {
            StoreError::Unreachable { reason: "the link to it broke".to_owned() }
        }
        error => StoreError::Refused(format!("the database refused: {error}")),
    }
}

/// By SQLSTATE: PostgreSQL's manual, appendix A.
fn classify_postgres(code: &str, message: &str, table: &'static str) -> StoreError {
    match code {
        "57014" | "55P03" | "40001" | "40P01" | "25P03" => StoreError::TimedOut,
        "25006" => StoreError::ReadOnly,
        "53100" => StoreError::Full,
        "22021" | "22P05" => StoreError::Refused(BAD_TEXT.to_owned()),
        "42P01" => StoreError::Refused(NOT_MIGRATED.to_owned()),
        "XX001" | "XX002" => StoreError::Corrupt { table, key: None },
        _ => match code.get(..2) {
            // Links, resources, and operators who stop it.
            Some("08" | "53" | "57") => StoreError::Unreachable { reason: message.to_owned() },
            _ => StoreError::Refused(format!("the database refused ({code}): {message}")),
        },
    }
}

/// By extended result code, whose low byte is the primary one: sqlite.org/rescode.html.
fn classify_sqlite(code: i32, message: &str, table: &'static str) -> StoreError {
    const IOERR_SHMSIZE: i32 = 4874;
    match (code & 0xff, code) {
        (5 | 6, _) => StoreError::TimedOut,
        (8, _) => StoreError::ReadOnly,
        (13, _) | (_, IOERR_SHMSIZE) => StoreError::Full,
        (11 | 26, _) => StoreError::Corrupt { table, key: None },
        (10 | 14, _) => StoreError::Unreachable { reason: message.to_owned() },
        (18, _) => StoreError::Refused(TOO_LONG.to_owned()),
        (1, _) if message.starts_with("no such table") => {
            StoreError::Refused(NOT_MIGRATED.to_owned())
        }
        _ => StoreError::Refused(format!("the database refused ({code}): {message}")),
    }
}

pub(super) const BAD_TEXT: &str = "a text with a NUL character can't be stored";
pub(super) const TOO_LONG: &str = "a text of more than 4 MiB can't be stored";
const NOT_MIGRATED: &str = "the database has not been migrated: run `attache migrate`";

/// Refuses a schema that is newer than ours.
pub(super) fn check_schema(found: i64) -> Result<(), StoreError> {
    if found > SCHEMA {
        return Err(StoreError::SchemaNewer { found, known: SCHEMA });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_postgres_are_situations() {
        let unreachable = |it: &str| StoreError::Unreachable { reason: it.to_owned() };
        let cases = [
            ("57P01", unreachable("m")),
            ("08006", unreachable("m")),
            ("53300", unreachable("m")),
            ("57014", StoreError::TimedOut),
            ("25006", StoreError::ReadOnly),
            ("53100", StoreError::Full),
            ("XX001", StoreError::Corrupt { table: "t", key: None }),
            ("28P01", StoreError::Refused("the database refused (28P01): m".to_owned())),
        ];
        for (code, situation) in cases {
            assert_eq!(classify_postgres(code, "m", "t"), situation, "{code}");
        }
    }

    #[test]
    fn codes_of_sqlite_are_situations() {
        let cases = [
            (5, StoreError::TimedOut),
            (517, StoreError::TimedOut),
            (8, StoreError::ReadOnly),
            (1032, StoreError::ReadOnly),
            (13, StoreError::Full),
            (4874, StoreError::Full),
            (11, StoreError::Corrupt { table: "t", key: None }),
            (26, StoreError::Corrupt { table: "t", key: None }),
            (14, StoreError::Unreachable { reason: "m".to_owned() }),
            (778, StoreError::Unreachable { reason: "m".to_owned() }),
            (1, StoreError::Refused("the database refused (1): m".to_owned())),
        ];
        for (code, situation) in cases {
            assert_eq!(classify_sqlite(code, "m", "t"), situation, "{code}");
        }
    }

    #[test]
    fn a_newer_schema_is_refused_with_both_numbers() {
        assert_eq!(check_schema(SCHEMA), Ok(()));
        let said = check_schema(SCHEMA + 1).unwrap_err().to_string();
        assert!(said.contains(&format!("schema {}, this attache knows {SCHEMA}", SCHEMA + 1)));
    }
}
