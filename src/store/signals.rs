//! That something was written, told as soon as it is known.
use super::Store;
use super::StoreError;
use super::TrailHead;
use super::engine::Engine;
use super::error::classify;
use super::postgres::CHANNEL;
use sqlx::postgres::PgListener;
use tokio::sync::watch;

/// Wakes whoever follows the changes: at once for writes of this process, as soon as the database tells
/// for those of others. A wake-up may be for nothing, and one of another process may be lost (poolers do
/// not pass them on): ask for the revision now and then as well.
#[derive(Debug)]
pub struct Signals {
    own: watch::Receiver<Option<TrailHead>>,
    others: Option<PgListener>,
}

impl Store {
    /// Takes a link of its own to a Postgres database, for as long as it lives.
    pub async fn signals(&self) -> Result<Signals, StoreError> {
        let others = match &self.engine {
            Engine::Sqlite { .. } | Engine::Within(_) => None,
            Engine::Postgres(links) => {
                let classified = |it| classify(it, "the database");
                // Not one of the pool's places: nobody notices where it hangs, and nobody has to.
                let pool = links.pool.options().clone().max_connections(1);
                let pool = pool.connect_lazy_with((*links.pool.connect_options()).clone());
                let mut listener = PgListener::connect_with(&pool).await.map_err(classified)?;
                listener.listen(CHANNEL).await.map_err(classified)?;
                Some(listener)
            }
        };
        Ok(Signals { own: self.written.subscribe(), others })
    }

    /// Of this process's own writes alone: asks the database for nothing.
    pub fn own_signals(&self) -> Signals {
        Signals { own: self.written.subscribe(), others: None }
    }
}

impl Signals {
    /// Those of this process alone.
    pub fn own(&self) -> Self {
        Self { own: self.own.clone(), others: None }
    }

    /// Waits until something was written, or may have been. After an error, ask the store for others.
    pub async fn written(&mut self) -> Result<(), StoreError> {
        let lost = || StoreError::Unreachable { reason: "the link to it broke".to_owned() };
        let Some(others) = &mut self.others else {
            return self.own.changed().await.map_err(|_| lost());
        };
        tokio::select! {
            own = self.own.changed() => own.map_err(|_| lost()),
            // None: the link broke, and what was told meanwhile is lost.
            other = others.try_recv() => match other {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err(lost()),
                Err(error) => Err(classify(error, "the database")),
            },
        }
    }
}
