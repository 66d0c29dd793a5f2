//! What stored credentials are opened with, by those who must not wait on a thread of the runtime.
use crate::model::Credential;
use crate::model::Secret;
use crate::seal::Binding;
use crate::seal::Keyring;
use crate::seal::OpenError;
use crate::seal::Sealed;
use crate::seal::Sealer;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long whoever opens something waits for its key to be read: as long as a program may take to print it,
/// and a moment more. A file may take for ever.
const PATIENCE: Duration = Duration::from_secs(11);

/// The sealing keys; one that is not at hand is read beside the runtime. One for the process, so that one
/// thread at a time waits for the sources of keys, however many want one.
pub struct Keys {
    sealer: Arc<Sealer>,
    /// Kept by the thread that reads keys, as long as that takes.
    turn: Arc<Mutex<()>>,
}

impl Keys {
    pub fn new(sealer: Arc<Sealer>) -> Arc<Self> {
        Arc::new(Self { sealer, turn: Arc::default() })
    }

    /// The credential in the clear. Where its key is unknown, the sources are read once more first, which may
    /// take seconds.
    pub async fn open(
        &self,
        binding: &Binding<'_>,
        sealed: &Sealed,
    ) -> Result<Credential, OpenError> {
        self.open_with(|keyring| keyring.open(binding, sealed)).await
    }

    /// The values of one field; in all else as [`Keys::open`].
    pub async fn open_field(
        &self,
        binding: &Binding<'_>,
        sealed: &Sealed,
        name: &str,
    ) -> Result<Vec<Secret>, OpenError> {
        self.open_with(|keyring| keyring.open_field(binding, sealed, name)).await
    }

    async fn open_with<T>(
        &self,
        open: impl Fn(&Keyring) -> Result<T, OpenError>,
    ) -> Result<T, OpenError> {
        let opened = open(&self.sealer.keyring());
        let Err(OpenError::UnknownKey { key_id }) = &opened else { return opened };
        match tokio::time::timeout(PATIENCE, self.learn(key_id)).await {
            Ok(true) => open(&self.sealer.keyring()),
            Ok(false) | Err(_) => opened,
        }
    }

    /// Whether there is such a key, once the sources were read for it.
    async fn learn(&self, key_id: &str) -> bool {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (sealer, key_id) = (Arc::clone(&self.sealer), key_id.to_owned());
        // The turn lasts as long as the reading, whether anybody still waits or not.
        let learned = tokio::task::spawn_blocking(move || (sealer.learn(&key_id), turn).0).await;
        // A fault in it has been said.
        learned.unwrap_or(false)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.sealer).finish()
    }
}
