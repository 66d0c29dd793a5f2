//! What becomes of a write of this process: it is served at once, or what it changed is not used any more.
use super::feed::Listener;
use super::feed::News;
use super::feed::section_of;
use super::live::Live;
use super::stored::Layer;
use crate::catalog::Touched;
use crate::model::Key;
use crate::store::Change;
use crate::store::Kind;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Unread;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How long what was written may take to be served.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Where the feed is in trouble: then what there was before is withheld.
    soon: Duration,
    /// The same where the feed goes on, and has much to read: nothing is put out of service for being slow.
    slowly: Duration,
    /// After that, until whoever wrote is told that it is withheld.
    later: Duration,
}

const PATIENCE: Patience = Patience {
    soon: Duration::from_secs(1),
    slowly: Duration::from_secs(5),
    later: Duration::from_secs(4),
};

/// Watches over the writes of this process. Whoever was told that something is revoked may rely on it, also
/// where the store went away right behind the commit, so that nobody can say what is stored now.
pub struct Writes {
    store: Store,
    live: Arc<Live>,
    listener: Listener,
    patience: Patience,
    is_aside: bool,
}

impl Writes {
    /// `listener`: the feed's own.
    pub fn new(store: Store, live: Arc<Live>, listener: Listener) -> Arc<Self> {
        Arc::new(Self { store, live, listener, patience: PATIENCE, is_aside: false })
    }

    /// Over writes that are kept together, before they are: `live` is what is served, aside, and has each of them
    /// at once.
    pub fn aside(store: Store, live: Arc<Live>) -> Arc<Self> {
        let listener: Listener = Arc::new(|_| {});
        Arc::new(Self { store, live, listener, patience: PATIENCE, is_aside: true })
    }

    /// Waits until this process serves what was written at a revision. False where it does not yet: what
    /// was changed is withheld then until it can be read, and nothing that begins from now on uses it as
    /// it was.
    pub async fn are_served(self: &Arc<Self>, revision: i64) -> bool {
        if self.is_aside {
            return self.taken_up(revision).await.is_ok();
        }
        let Patience { soon, slowly, later } = self.patience;
        let mut is_served = pin!(self.live.applied_within(revision, Duration::MAX));
        let in_trouble = async {
            tokio::time::sleep(soon).await;
            self.live.store_in_trouble().await;
        };
        tokio::select! {
            biased;
            is_served = &mut is_served => return is_served,
            () = in_trouble => {}
            () = tokio::time::sleep(slowly) => {}
        }
        let own = Arc::clone(self);
        // It waits for its turn behind a reload.
        let withheld = tokio::task::spawn_blocking(move || own.withhold(revision)).await;
        if withheld.is_err() {
            // It has said so already; what is served is what it was.
            tracing::error!(revision, "what was written could not be withheld");
        }
        tokio::time::timeout(later, is_served).await.unwrap_or(false)
    }

    async fn taken_up(self: &Arc<Self>, revision: i64) -> Result<(), StoreError> {
        let Unread::These(changes) = self.store.unserved().up_to(revision) else {
            return Err(StoreError::TimedOut);
        };
        let touched = touched(&changes);
        if !touched.is_empty() {
            let read = Layer::read_some(&self.store, &touched).await?;
            let live = Arc::clone(&self.live);
            // It takes its time where there is much.
            let changed = tokio::task::spawn_blocking(move || live.change(read, touched)).await;
            changed.map_err(|_| StoreError::TimedOut)?;
        }
        self.store.unserved().served(revision);
        Ok(())
    }

    fn withhold(&self, revision: i64) {
        let changes = match self.store.unserved().up_to(revision) {
            Unread::These(changes) => changes,
            Unread::Anything => {
                self.live.withhold_everything();
                (self.listener)(News::Everything);
                return;
            }
        };
        if changes.is_empty() {
            return;
        }
        tracing::warn!(
            revision,
            changes = changes.len(),
            "what was written can't be read again: what there was before is not served any more"
        );
        for change in changes.iter().filter(|it| it.kind == Kind::Activation) {
            (self.listener)(News::of_activation(&change.key, change.tenant.as_deref()));
        }
        self.live.withhold(touched(&changes));
    }
}

fn touched(changes: &[Change]) -> Touched {
    let mut touched = Touched::default();
    for change in changes {
        if let Some(section) = section_of(change.kind)
            && let Ok(key) = Key::try_from(&*change.key)
        {
            touched.of(section).insert(key);
        }
    }
    touched
}

impl fmt::Debug for Writes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
