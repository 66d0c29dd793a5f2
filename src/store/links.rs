//! Links to a PostgreSQL server: taken from the pool, and given back or closed, each within a time. A network
//! that swallows everything tells nobody, and TCP itself gives up after a quarter of an hour.
use super::error::StoreError;
use super::error::classify;
use super::turns::Turns;
use sqlx::Connection;
use sqlx::PgConnection;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tokio::runtime::Handle;

/// How long a link that was not used may take to show that it is there: well under what waiting for a link
/// may take, so that another can be opened instead.
const PING: Duration = Duration::from_millis(400);

/// How long a link may take to be given back, with what was begun on it undone.
const GIVE_BACK: Duration = Duration::from_secs(2);

/// The links of one process.
#[derive(Clone, Debug)]
pub(super) struct Links {
    pub(super) pool: PgPool,
    /// Whoever begins a transaction waits here before a link is taken.
    pub(super) turns: Turns,
    doubt: Arc<Doubt>,
}

/// Since when the links of then may all be dead: where one is that nobody has closed, others are.
#[derive(Debug)]
struct Doubt {
    epoch: Instant,
    /// In milliseconds since `epoch`; 0 where there is no doubt.
    since_ms: AtomicU64,
}

/// A link in use. Dropped, it is given back, or closed where an answer is still to come on it: the place in
/// the pool is free again in any case.
pub(super) struct Held {
    link: Option<PoolConnection<Postgres>>,
    /// Something was asked, and not answered.
    is_asking: bool,
    /// A transaction is begun.
    is_open: bool,
    doubt: Arc<Doubt>,
}

impl Links {
    /// `options` as they are, with links that are looked at before they are used.
    pub(super) fn new(
        options: PgPoolOptions,
        connect: impl FnOnce(PgPoolOptions) -> PgPool,
    ) -> Self {
        let doubt = Arc::new(Doubt { epoch: Instant::now(), since_ms: AtomicU64::new(0) });
        let doubting = Arc::clone(&doubt);
        let options = options.test_before_acquire(false).before_acquire(move |link, found| {
            let doubt = Arc::clone(&doubting);
            Box::pin(async move { Ok(doubt.is_good(link, found).await) })
        });
        Self { pool: connect(options), turns: Turns::new(), doubt }
    }

    pub(super) async fn take(&self, patience: Duration) -> Result<Held, StoreError> {
        let taken = tokio::time::timeout(patience, self.pool.acquire()).await;
        let link =
            taken.map_err(|_| StoreError::TimedOut)?.map_err(|it| classify(it, "the database"))?;
        let doubt = Arc::clone(&self.doubt);
        Ok(Held { link: Some(link), is_asking: false, is_open: false, doubt })
    }
}

impl Doubt {
    async fn is_good(&self, link: &mut PgConnection, found: PoolConnectionMetadata) -> bool {
        let unused_since = self.now_ms().saturating_sub(ms(found.idle_for));
        if unused_since < self.since_ms.load(Ordering::Acquire) {
            return false;
        }
        match tokio::time::timeout(PING, link.ping()).await {
            Ok(pong) => pong.is_ok(),
            Err(_) => {
                self.arises();
                false
            }
        }
    }

    /// Somebody has waited in vain: what has not been used since is not used any more.
    fn arises(&self) {
        self.since_ms.store(self.now_ms(), Ordering::Release);
    }

    fn now_ms(&self) -> u64 {
        ms(self.epoch.elapsed())
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Held {
    /// The link, to ask one thing on it. What comes of it is told to [`Held::answered`].
    pub(super) fn asks(&mut self) -> Result<&mut PgConnection, StoreError> {
        self.is_asking = true;
        self.link.as_deref_mut().ok_or(StoreError::TimedOut)
    }

    /// What the database made of it; none where it took too long.
    pub(super) fn answered<T>(
        &mut self,
        answer: Option<Result<T, sqlx::Error>>,
        table: &'static str,
    ) -> Result<T, StoreError> {
        let Some(answer) = answer else {
            self.doubt.arises();
            return Err(StoreError::TimedOut);
        };
        // After any other error it is not known where in the protocol the link is.
        self.is_asking = !matches!(
            answer,
            Ok(_)
                | Err(sqlx::Error::Database(_)
                    | sqlx::Error::ColumnDecode { .. }
                    | sqlx::Error::Decode(_))
        );
        answer.map_err(|it| classify(it, table))
    }

    /// A transaction has begun, or has ended.
    pub(super) fn is_now_open(&mut self, is_open: bool) {
        self.is_open = is_open;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(link) = self.link.take() else { return };
        let (is_open, link) = (self.is_open, Unreturned(Some(link)));
        // Where there is no runtime any more, it is closed with all others.
        if !self.is_asking
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(GIVE_BACK, give_back(link, is_open)));
        }
    }
}

/// Closed where it is dropped, at once: whatever is on its way is lost.
struct Unreturned(Option<PoolConnection<Postgres>>);

impl Drop for Unreturned {
    fn drop(&mut self) {
        drop(self.0.take().map(PoolConnection::detach));
    }
}

async fn give_back(mut unreturned: Unreturned, is_open: bool) {
    if is_open {
        let Some(link) = &mut unreturned.0 else { return };
        if sqlx::query("ROLLBACK").execute(&mut **link).await.is_err() {
            return;
        }
    }
    // It is the pool's from here on, or nobody's where that takes too long.
    if let Some(mut link) = unreturned.0.take() {
        link.return_to_pool().await;
    }
}
