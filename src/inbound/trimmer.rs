//! Forgets deliveries of connections that have accepted more than is remembered of one, beside the clerk, which waits
//! for none of it: the database goes through all that a connection has to find what is too much.
use crate::model::Key;
use crate::model::Scope;
use crate::store::RECEIVED_OF_CONNECTION_MAX;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::TRIMMED_AT_ONCE;
use tokio::sync::mpsc;

/// Connections that may wait to be looked at.
pub(super) const TRIMS_WAITING: usize = 64;

/// The one that trims. One for the process.
pub struct Trimmer {
    store: Store,
    /// Of which connections too many may be remembered.
    pub(super) due: mpsc::Receiver<Key>,
    /// Remembered of one.
    pub(super) most: u32,
}

impl Trimmer {
    pub(super) fn new(store: Store, due: mpsc::Receiver<Key>) -> Self {
        Self { store, due, most: RECEIVED_OF_CONNECTION_MAX }
    }

    /// Until the clerk ends.
    pub async fn run(mut self) {
        while let Some(connection) = self.due.recv().await {
            self.trim(&connection).await;
        }
    }

    pub(super) async fn trim(&self, connection: &Key) {
        if let Err(error) = self.try_to_trim(connection.as_str()).await {
            tracing::debug!(%connection, "too many deliveries are kept: {error}");
        }
    }

    async fn try_to_trim(&self, connection: &str) -> Result<(), StoreError> {
        let received = self.store.received();
        let until = received.too_many(&Scope::System, connection, self.most).await?;
        let Some(until) = until else { return Ok(()) };
        // Few with one commit: whoever else writes has its turn between two.
        while !self.due.is_closed() {
            let trimmed = received.trim(&Scope::System, connection, until).await?;
            if trimmed < u64::from(TRIMMED_AT_ONCE) {
                break;
            }
        }
        Ok(())
    }
}
