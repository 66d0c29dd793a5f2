//! How the feed hears that something was written before it asks: for speed alone, whatever becomes of it.
use super::feed::within;
use crate::store::Signals;
use crate::store::Store;
use std::time::Duration;
use tokio::time::Instant;

/// How long a database that does not tell others' writes is not asked to again: a hot standby refuses it, as
/// poolers do.
const DEAF: Duration = Duration::from_secs(30);

/// The same after a link that told them broke: it is asked for changes meanwhile.
const BROKEN: Duration = Duration::from_secs(1);

/// The feed's wake-up calls.
pub(super) struct Ears {
    signals: Signals,
    /// When others' writes are next asked to be told; none while they are.
    due: Option<Instant>,
    /// That they are not told has been said.
    is_said: bool,
}

impl Ears {
    /// Hears of this process's own writes.
    pub(super) fn new(store: &Store) -> Self {
        Self { signals: store.own_signals(), due: Some(Instant::now()), is_said: false }
    }

    /// Has others' writes told as well, where they are not and it is time to ask for it. True where they
    /// are told from now on.
    pub(super) async fn open(&mut self, store: &Store) -> bool {
        if self.due.is_none_or(|it| it > Instant::now()) {
            return false;
        }
        match within(store.signals()).await {
            Ok(signals) => {
                if self.is_said {
                    tracing::info!("the database tells of others' writes again");
                }
                *self = Self { signals, due: None, is_said: false };
                true
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_said, true) {
                    tracing::warn!(
                        "the database does not tell of others' writes: it is asked for them twice a \
                         second instead: {error}"
                    );
                }
                self.due = Some(Instant::now() + DEAF);
                false
            }
        }
    }

    /// Until something was written, or may have been.
    pub(super) async fn told(&mut self) {
        if self.signals.written().await.is_err() {
            // The link that tells broke: what it has not told is asked for at once.
            self.signals = self.signals.own();
            self.due = Some(Instant::now() + BROKEN);
        }
    }
}
