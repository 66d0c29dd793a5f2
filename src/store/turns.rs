//! Whose turn it is to begin a transaction: waited for before a link is taken, so that whoever waits keeps no link from
//! those who read.
use super::error::StoreError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Transactions under way at most: beside as many look-ups as there may be ([`super::Store::look_ups_at_once`]) links
/// are left for the feed and for the API's own reading.
const TRANSACTIONS: usize = 6;

/// Of them those that hold the deployment's row, or wait for it: one writes, and one is next beside other replicas'.
const WRITERS: usize = 2;

/// How long a turn may take to come: as long as whoever is next waits in the database.
const WAIT: Duration = Duration::from_secs(5);

/// The turns of one process. First come, first served.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    writers: Arc<Semaphore>,
    wait: Duration,
}

/// A turn: over when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _writer: Option<OwnedSemaphorePermit>,
    _transaction: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self::of(WAIT)
    }

    fn of(wait: Duration) -> Self {
        let at_once = |most| Arc::new(Semaphore::new(most));
        Self { all: at_once(TRANSACTIONS), writers: at_once(WRITERS), wait }
    }

    /// For a transaction that waits for no other writer.
    pub(super) async fn any(&self) -> Result<Turn, StoreError> {
        Ok(Turn { _writer: None, _transaction: self.permit(&self.all).await? })
    }

    /// For one that takes the deployment's row.
    pub(super) async fn writer(&self) -> Result<Turn, StoreError> {
        // First this one: who waits for it holds no other up.
        let writer = Some(self.permit(&self.writers).await?);
        Ok(Turn { _writer: writer, _transaction: self.permit(&self.all).await? })
    }

    async fn permit(&self, of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
        let turn = tokio::time::timeout(self.wait, Arc::clone(of).acquire_owned()).await;
        turn.map_err(|_| StoreError::TimedOut)?.map_err(|_| StoreError::TimedOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writers_that_wait_hold_up_no_other_transaction_and_not_for_ever() {
        let turns = Turns::of(Duration::from_millis(20));
        let (first, next) = (turns.writer().await.unwrap(), turns.writer().await.unwrap());
        let waiting = tokio::join!(turns.writer(), turns.writer(), turns.any());
        assert_eq!(waiting.0.unwrap_err(), StoreError::TimedOut);
        assert_eq!(waiting.1.unwrap_err(), StoreError::TimedOut);
        assert!(waiting.2.is_ok());
        drop(first);
        assert!(turns.writer().await.is_ok());
        drop(next);
    }
}
