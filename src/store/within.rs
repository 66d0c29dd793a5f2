//! One transaction that many writes share, each in a savepoint: what one of them wrote the next one reads, and
//! all of it is kept together, or none.
//!
//! Whatever the database itself refuses ends all of it: after an error SQLite may have given up the whole
//! transaction (sqlite.org/lang_transaction.html, §3), and PostgreSQL takes no more statements.
use super::engine::Row;
use super::engine::Tx;
use super::engine::Value;
use super::error::StoreError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::sync::OwnedMutexGuard;

/// The transaction. Cheap to clone; one asks at a time.
#[derive(Clone)]
pub(super) struct Within {
    one: Arc<Mutex<One>>,
    is_postgres: bool,
}

struct One {
    /// None once it has ended.
    tx: Option<Box<Tx>>,
    /// A write was given up: what it did is to be taken back.
    is_given_up: bool,
    /// Why nothing more can be done in it.
    lost: Option<StoreError>,
}

/// A write in it. Dropped without [`Inner::commit`], it never was.
pub(super) struct Inner {
    one: OwnedMutexGuard<One>,
    is_open: bool,
    is_postgres: bool,
}

impl Within {
    pub(super) fn new(tx: Tx) -> Self {
        let is_postgres = tx.is_postgres();
        let one = One { tx: Some(Box::new(tx)), is_given_up: false, lost: None };
        Self { one: Arc::new(Mutex::new(one)), is_postgres }
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.is_postgres
    }

    pub(super) async fn rows(
        &self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let mut one = self.one.lock().await;
        one.settle().await?;
        one.rows(sql, values).await
    }

    pub(super) async fn begin(&self) -> Result<Inner, StoreError> {
        let mut one = Arc::clone(&self.one).lock_owned().await;
        one.settle().await?;
        one.script("SAVEPOINT inner_write").await?;
        Ok(Inner { one, is_open: true, is_postgres: self.is_postgres })
    }

    /// Takes the transaction out, to be ended: nothing more is done in it.
    pub(super) async fn take(&self) -> Result<Tx, StoreError> {
        let mut one = self.one.lock().await;
        one.settle().await?;
        one.tx.take().map(|it| *it).ok_or_else(ended)
    }

    /// All of it never was.
    pub(super) async fn end(&self) {
        self.one.lock().await.tx = None;
    }

    /// The same, where nobody waits.
    pub(super) fn drop_it(&self) {
        if let Ok(mut one) = self.one.try_lock() {
            one.tx = None;
        }
    }
}

impl fmt::Debug for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Within").finish_non_exhaustive()
    }
}

fn ended() -> StoreError {
    StoreError::Refused("this transaction has ended".to_owned())
}

/// What was asked was not waited for: nobody knows how far it came.
fn unanswered() -> StoreError {
    StoreError::TimedOut
}

/// A transaction in a transaction: what the one awaits is what the other is.
type Asked<'f, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'f>>;

macro_rules! asked {
    ($one:expr, $tx:ident => $work:expr) => {
        Box::pin(async move {
            let one: &mut One = $one;
            if let Some(lost) = &one.lost {
                return Err(lost.clone());
            }
            let $tx = one.tx.as_mut().ok_or_else(ended)?;
            one.lost = Some(unanswered());
            let answer = $work.await;
            one.lost = answer.as_ref().err().cloned();
            answer
        })
    };
}

impl One {
    fn rows<'f>(&'f mut self, sql: &'f str, values: &'f [Value<'f>]) -> Asked<'f, Vec<Row>> {
        asked!(self, tx => tx.rows(sql, values))
    }

    fn run<'f>(&'f mut self, sql: &'f str, values: &'f [Value<'f>]) -> Asked<'f, u64> {
        asked!(self, tx => tx.run(sql, values))
    }

    fn script<'f>(&'f mut self, sql: &'f str) -> Asked<'f, ()> {
        asked!(self, tx => tx.script(sql))
    }

    /// Takes back what was given up.
    async fn settle(&mut self) -> Result<(), StoreError> {
        if self.is_given_up {
            let undo = "ROLLBACK TO SAVEPOINT inner_write; RELEASE SAVEPOINT inner_write";
            self.script(undo).await?;
            self.is_given_up = false;
        }
        Ok(())
    }
}

impl Inner {
    pub(super) async fn rows(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.one.rows(sql, values).await
    }

    pub(super) async fn run(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.one.run(sql, values).await
    }

    pub(super) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.one.script(sql).await
    }

    /// Has it stay where all of it stays.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.one.script("RELEASE SAVEPOINT inner_write").await?;
        self.is_open = false;
        Ok(())
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.is_postgres
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.is_open {
            self.one.is_given_up = true;
        }
    }
}
