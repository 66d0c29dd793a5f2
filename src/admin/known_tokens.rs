//! Which tokens there are, kept in memory for addresses that too many wrong ones came from: a right one is heard
//! there as well, and a guess costs no question to the store.
use crate::model::Scope;
use crate::store::Store;
use std::collections::HashSet;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Mutex;

/// How long what is known stands for what there is: so often at most the store is asked, however many guess.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// The hashes of the operators' tokens, as they were a moment ago.
#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    hashes: HashSet<[u8; 32]>,
    /// When the store was asked last.
    asked: Option<Instant>,
}

impl KnownTokens {
    /// Whether there may be a token of this hash. What is found here is still to be looked up: it may have gone
    /// since. 256 random bits are not found one by one, so that nothing is learned from how long it takes.
    pub(super) async fn has(&self, store: &Store, hash: &[u8; 32], now: Instant) -> bool {
        let mut known = self.0.lock().await;
        if known.hashes.contains(hash) {
            return true;
        }
        if known.asked.is_some_and(|it| now.saturating_duration_since(it) < GOOD_FOR) {
            return false;
        }
        known.asked = Some(now);
        // A store that does not answer knows no token.
        if let Ok(hashes) = store.tokens().hashes(&Scope::System).await {
            known.hashes = hashes.into_iter().collect();
        }
        known.hashes.contains(hash)
    }
}
