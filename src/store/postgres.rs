//! A PostgreSQL database, which several attaches may share.
use super::engine::Engine;
use super::error::StoreError;
use super::error::classify;
use super::links::Links;
use crate::model::Secret;
use sqlx::ConnectOptions;
use sqlx::Executor;
use sqlx::postgres::PgConnectOptions;
use sqlx::postgres::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::str::FromStr;
use std::time::Duration;
use std::time::Instant;

/// Links to the database at most, with the one that tells of others' writes: six replicas fit a server's
/// usual 100.
pub(super) const LINKS_MAX: u32 = 15;

/// How long a link may take to be had.
const ACQUIRE: Duration = Duration::from_secs(1);

/// How long the first one may take: a start has more time than a request, and a busy server needs it.
const FIRST: Duration = Duration::from_secs(5);

/// Unused links are closed after this.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// Set on each link, not in its start-up packet: poolers refuse what they do not know there.
const SETTINGS: &str = "SET statement_timeout = '5s'; SET idle_in_transaction_session_timeout = '10s'; \
                        SET standard_conforming_strings = on";

/// The channel that revisions are told on.
pub(super) const CHANNEL: &str = "attache_changes";

pub(super) async fn open(url: &Secret) -> Result<Engine, StoreError> {
    let classified = |it| classify(it, "the database");
    let options = PgConnectOptions::from_str(url.expose())
        .map_err(classified)?
        .application_name("attache")
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(LINKS_MAX)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(IDLE)
        .after_connect(|link, _| {
            Box::pin(async move {
                link.execute(SETTINGS).await?;
                Ok(())
            })
        });
    let links = Links::new(pool, |it| it.connect_lazy_with(options));
    first_link(&links.pool).await.map_err(classified)?;
    Ok(Engine::Postgres(links))
}

/// Waits for a link, which the pool then has.
async fn first_link(pool: &PgPool) -> Result<(), sqlx::Error> {
    let until = Instant::now() + FIRST;
    loop {
        match pool.acquire().await {
            Err(sqlx::Error::PoolTimedOut) if Instant::now() < until => {}
            link => return link.map(drop),
        }
    }
}
