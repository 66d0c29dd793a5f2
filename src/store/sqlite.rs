//! A SQLite file: one writer, several readers, a write-ahead log.
use super::engine::Engine;
use super::error::StoreError;
use super::error::classify;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::sqlite::SqliteSynchronous;
use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

/// The name of the file in the data folder, where no path is given.
pub const SQLITE_FILE: &str = "attache.db";

/// More than the control runtime has threads: a slow reader holds up no other.
pub(super) const READERS: u32 = 4;

/// How long another process may hold the write lock, and how long writers of this one may queue.
const BUSY: Duration = Duration::from_secs(5);

/// How long readers may queue for one of their links.
const READ_QUEUE: Duration = Duration::from_secs(1);

pub(super) async fn open(path: Option<&Path>, data_dir: &Path) -> Result<Engine, StoreError> {
    let path = path.map_or_else(|| data_dir.join(SQLITE_FILE), PathBuf::from);
    make_file(&path).map_err(|error| cannot_make(&path, &error))?;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .journal_mode(SqliteJournalMode::Wal)
        // What was acknowledged is on the disk, not only with the operating system.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        // A damaged page is an error when it is met, rather than a wrong answer.
        .pragma("cell_size_check", "ON")
        .disable_statement_logging();
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(BUSY)
        .idle_timeout(None)
        .max_lifetime(None);
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(READ_QUEUE)
        .idle_timeout(None)
        .max_lifetime(None);
    // The writer first: it makes the log that readers read.
    let classified = |it| read_only_or(classify(it, "the database"), &path);
    let writer = writer.connect_with(options.clone()).await.map_err(classified)?;
    // A reader that waits for a lock waits as SQLite does; it never writes.
    let reading = options.pragma("query_only", "ON");
    let readers = readers.connect_with(reading).await.map_err(classified)?;
    Ok(Engine::Sqlite { writer, readers })
}

/// SQLite says that it can't open a file whose log it can't write: why, the file says.
fn read_only_or(error: StoreError, path: &Path) -> StoreError {
    let writable = OpenOptions::new().write(true).open(path);
    match (&error, writable.map_err(|it| it.kind())) {
        (
            StoreError::Unreachable { .. },
            Err(io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied),
        ) => StoreError::ReadOnly,
        _ => error,
    }
}

/// Makes the file and its folder for this user alone, where they are not there: it holds sealed
/// credentials, and SQLite's further files take after it.
fn make_file(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

fn cannot_make(path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly,
        io::ErrorKind::StorageFull => StoreError::Full,
        kind => StoreError::Refused(format!("{} can't be made: {kind}", path.display())),
    }
}
