//! A database of a test's own, on either engine.
use super::postgres;
use attache::config::StoreUrl;
use attache::seal::FingerprintKey;
use attache::seal::TrailKey;
use attache::store::Store;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use sqlx::PgConnection;
use sqlx::Row;
use sqlx::SqliteConnection;
use std::future::Future;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

/// Makes a test on each engine of a function that is given a [`Database`]: `sqlite::NAME` and
/// `postgres::NAME`.
macro_rules! each_engine {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident: Database) $body:block)*) => {
        $(async fn $name($database: crate::support::Database) $body)*

        mod sqlite {
            $($(#[$meta])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $name() {
                super::$name(crate::support::Database::sqlite()).await;
            })*
        }

        mod postgres {
            $($(#[$meta])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $name() {
                if let Some(database) = crate::support::Database::postgres().await {
                    super::$name(database).await;
                }
            })*
        }
    };
}
pub(crate) use each_engine;

/// An empty database. Gone when dropped.
pub struct Database {
    /// As `store.url` has it.
    pub url: String,
    /// For whatever else the test has to put somewhere; the SQLite file lies in it.
    pub folder: TempDir,
    /// What the test's own stores keep the audit trail under.
    pub trail: TrailKey,
    server: Option<String>,
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let url = format!("sqlite:{}", folder.path().join("attache.db").display());
        Self { url, folder, trail: FingerprintKey::random().trail(), server: None }
    }

    /// None where there is no PostgreSQL on purpose: [`postgres::shared`].
    pub async fn postgres() -> Option<Self> {
        Some(Self::on(postgres::shared()?).await)
    }

    /// On this server.
    pub async fn on(server: &str) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        // One of the same name is of a process that was killed.
        on_server(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        on_server(server, &format!("CREATE DATABASE {name}")).await;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let trail = FingerprintKey::random().trail();
        Self { url: format!("{server}/{name}"), folder, trail, server: Some(server.to_owned()) }
    }

    pub fn store_url(&self) -> StoreUrl {
        StoreUrl::try_from(&*self.url).expect("a URL of a store")
    }

    pub fn is_postgres(&self) -> bool {
        self.server.is_some()
    }

    /// The SQLite file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("attache.db")
    }

    /// Opened, and nothing else.
    pub async fn open(&self) -> Store {
        let opened = Store::open(&self.store_url(), self.folder.path()).await;
        let store = opened.expect("the database can be opened");
        store.keep_trail(self.trail.clone());
        store
    }

    /// Opened and migrated: as another replica would have it.
    pub async fn store(&self) -> Store {
        let store = self.open().await;
        store.migrate().await.expect("the database can be migrated");
        store
    }

    /// Statements past the store, as somebody with the database's password would give them.
    pub async fn run(&self, sql: &str) {
        self.try_run(sql).await.expect("the statements are good");
    }

    pub async fn try_run(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        if self.is_postgres() {
            sql.execute(&mut PgConnection::connect(&self.url).await?).await?;
        } else {
            let mut link = SqliteConnection::connect(&self.sqlx_url()).await?;
            sql.execute(&mut link).await?;
            link.close().await?;
        }
        Ok(())
    }

    /// Nobody else's write gets on while what this returns is there; whoever reads does.
    pub async fn nobody_else_writes(&self) -> Writing {
        let sql = if self.is_postgres() {
            "BEGIN; LOCK TABLE deployment, received IN EXCLUSIVE MODE"
        } else {
            "BEGIN IMMEDIATE"
        };
        let sql = sqlx::raw_sql(sql);
        if self.is_postgres() {
            let mut link = PgConnection::connect(&self.url).await.expect("it is there");
            sql.execute(&mut link).await.expect("nobody writes yet");
            return Writing::Postgres(link);
        }
        let mut link = SqliteConnection::connect(&self.sqlx_url()).await.expect("it is there");
        sql.execute(&mut link).await.expect("nobody writes yet");
        Writing::Sqlite(link)
    }

    /// As if it were time to renew these.
    pub async fn grants_are_due(&self, these: &str) {
        self.run(&format!("UPDATE grants SET due_at = 5, look_at = 5 WHERE {these}")).await;
    }

    /// The one number that a query is answered with.
    pub async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql);
        if self.is_postgres() {
            let mut link = PgConnection::connect(&self.url).await.expect("it is there");
            sqlx::query(sql).fetch_one(&mut link).await.expect("the query is good").get(0)
        } else {
            let sql_url = self.sqlx_url();
            let mut link = SqliteConnection::connect(&sql_url).await.expect("it is there");
            sqlx::query(sql).fetch_one(&mut link).await.expect("the query is good").get(0)
        }
    }

    /// The one text that a query is answered with.
    pub async fn text(&self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql);
        if self.is_postgres() {
            let mut link = PgConnection::connect(&self.url).await.expect("it is there");
            sqlx::query(sql).fetch_one(&mut link).await.expect("the query is good").get(0)
        } else {
            let sql_url = self.sqlx_url();
            let mut link = SqliteConnection::connect(&sql_url).await.expect("it is there");
            sqlx::query(sql).fetch_one(&mut link).await.expect("the query is good").get(0)
        }
    }

    /// Another empty one, of the same engine.
    pub async fn empty(&self) -> Self {
        match &self.server {
            None => Self::sqlite(),
            Some(server) => Self::on(server).await,
        }
    }

    /// A backup of this one, taken while it is in use, and restored there.
    pub async fn copy_into(&self, there: &Self) {
        if !self.is_postgres() {
            return self.run(&format!("VACUUM INTO '{}'", there.file().display())).await;
        }
        let script =
            "set -o pipefail; pg_dump \"$0\" | psql -qX -v ON_ERROR_STOP=1 -d \"$1\" >/dev/null";
        let done = Command::new("bash").args(["-c", script, &self.url, &there.url]).status();
        assert!(done.expect("bash can be run").success(), "a backup can be made and restored");
    }

    fn sqlx_url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }
}

/// A link with a write that is under way.
pub enum Writing {
    Postgres(#[expect(dead_code, reason = "held, not used")] PgConnection),
    Sqlite(#[expect(dead_code, reason = "held, not used")] SqliteConnection),
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(server) = self.server.take() else { return };
        let name = self.url.rsplit('/').next().unwrap_or_default().to_owned();
        // From a thread of its own: the test's runtime may be the one that drops this.
        let drop_it = async move {
            let Ok(mut link) = PgConnection::connect(&format!("{server}/postgres")).await else {
                return;
            };
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            drop(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut link).await);
        };
        drop(std::thread::spawn(|| block_on(drop_it)).join());
    }
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(work);
}

async fn on_server(server: &str, sql: &str) {
    let url = format!("{server}/postgres");
    let mut link = PgConnection::connect(&url).await.expect("the server is there");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut link).await.expect("it does as it is told");
}
