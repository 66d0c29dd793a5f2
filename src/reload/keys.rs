//! Keys that stored credentials are sealed under and that are not at hand: read beside the feed, which
//! goes on meanwhile.
use crate::model::Key;
use crate::seal::Sealer;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long the feed waits for keys to be read before it goes on without: for files, not for programs.
const GRACE: Duration = Duration::from_millis(250);

/// Connections by the names of the keys that they are sealed under.
pub(super) type ByKeyId = BTreeMap<String, BTreeSet<Key>>;

/// What is waited for: as much as there are stored connections under keys that nobody has.
#[derive(Debug, Default)]
pub(super) struct AwaitedKeys {
    connections: ByKeyId,
    /// Not asked for yet.
    due: BTreeSet<String>,
    /// One at a time. It takes as long as the sources of keys may take, and no longer.
    reading: Option<JoinHandle<()>>,
}

impl AwaitedKeys {
    /// Has them read, and waits a moment for that.
    pub(super) async fn learn(&mut self, missing: ByKeyId, sealer: &Arc<Sealer>) {
        if missing.is_empty() {
            return;
        }
        for (key_id, connections) in missing {
            self.due.insert(key_id.clone());
            self.connections.entry(key_id).or_default().extend(connections);
        }
        self.read(sealer);
        // Where that is too short they come later.
        drop(tokio::time::timeout(GRACE, self.ended()).await);
    }

    /// Until the reading that is under way has ended; for ever where there is none.
    pub(super) async fn ended(&mut self) {
        match &mut self.reading {
            // A fault in it has been said.
            Some(reading) => drop(reading.await),
            None => std::future::pending().await,
        }
        self.reading = None;
    }

    /// The connections that can be opened now: each is told once.
    pub(super) fn came(&mut self, sealer: &Arc<Sealer>) -> BTreeSet<Key> {
        if self.connections.is_empty() {
            return BTreeSet::new();
        }
        self.read(sealer);
        let keyring = sealer.keyring();
        let came = self.connections.extract_if(.., |key_id, _| keyring.has(key_id));
        came.flat_map(|(_, connections)| connections).collect()
    }

    fn read(&mut self, sealer: &Arc<Sealer>) {
        if self.due.is_empty() || self.reading.is_some() {
            return;
        }
        let (due, sealer) = (std::mem::take(&mut self.due), Arc::clone(sealer));
        let read = move || {
            for key_id in due {
                sealer.learn(&key_id);
            }
        };
        self.reading = Some(tokio::task::spawn_blocking(read));
    }
}
