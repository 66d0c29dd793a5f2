//! Follows what changes in the store, and has it served: in order, none missed, within a second.
//!
//! Writes of this process and, where the database tells of them, of others wake it at once. It asks
//! every [`POLL`] as well, since a wake-up may be lost.
use super::keys::AwaitedKeys;
use super::live::Live;
use super::stored::Layer;
use super::tidy::Tidy;
use crate::catalog::Section;
use crate::catalog::Touched;
use crate::model::Key;
use crate::model::Scope;
use crate::seal::Sealer;
use crate::store::Change;
use crate::store::Kind;
use crate::store::PAGE_MAX;
use crate::store::Position;
use crate::store::SeenMethod;
use crate::store::Signals;
use crate::store::Since;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::metrics::Reread;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;

/// How often the store is asked, whatever is told.
const POLL: Duration = Duration::from_millis(500);

/// How long the question what has changed may take: longer counts as no contact.
const ANSWER: Duration = Duration::from_secs(2);

/// The first wait after an error, and the longest: a store that comes back is found within seconds.
const BACK_OFF: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(2);

/// Changes that do not read and are named one by one, of one answer.
const NAMED_MAX: usize = 20;

/// What the feed tells whoever keeps something of the store.
#[derive(Clone, Copy, Debug)]
pub enum News<'n> {
    Activation {
        connection: &'n str,
        tenant: &'n str,
    },
    /// The connection was made, changed or deleted; it is served as it is now.
    Connection {
        key: &'n str,
    },
    /// Anything may have changed.
    Everything,
    /// The store answered; all that was told is served.
    Reached,
    /// The store does not answer; it last did then.
    Lost {
        last: Instant,
    },
}

/// Who is told.
pub type Listener = Arc<dyn Fn(News<'_>) + Send + Sync>;

/// The one follower of the store's changes in the process.
pub struct Feed {
    store: Store,
    sealer: Arc<Sealer>,
    live: Arc<Live>,
    listener: Listener,
    position: Position,
    last_contact: Instant,
    /// The files whose auth methods are recorded, by the generation of the configuration.
    recorded: u64,
    keys: AwaitedKeys,
    tidy: Tidy,
}

impl Feed {
    /// Reads all the definitions of the store, and has them served beside those of files.
    pub async fn open(
        store: Store,
        sealer: Arc<Sealer>,
        live: Arc<Live>,
        listener: Listener,
    ) -> Result<Self, StoreError> {
        let mut feed = Self {
            store,
            sealer,
            live,
            listener,
            position: Position::default(),
            last_contact: Instant::now(),
            recorded: 0,
            keys: AwaitedKeys::default(),
            tidy: Tidy::default(),
        };
        feed.record_methods().await?;
        let asked = feed.live.store_asked();
        feed.read_everything().await?;
        feed.reached(asked);
        Ok(feed)
    }

    /// Until told to stop.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let stopped = async move { stop.wait_for(|it| *it).await.map(drop) };
        tokio::select! {
            _ = stopped => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        let mut signals: Option<Signals> = None;
        let mut wait = BACK_OFF;
        let mut is_lost = false;
        loop {
            match self.catch_up(&mut signals).await {
                Ok(()) => {
                    if std::mem::take(&mut is_lost) {
                        tracing::info!(
                            position = self.position.revision,
                            "the store is reached again"
                        );
                    }
                    wait = BACK_OFF;
                    self.listen(&mut signals).await;
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_lost, true) {
                        tracing::error!("the store is not reached: {error}");
                    }
                    signals = None;
                    self.live.store_lost(&error.to_string());
                    (self.listener)(News::Lost { last: self.last_contact });
                    tokio::time::sleep(jittered(wait)).await;
                    wait = (wait * 2).min(BACK_OFF_MAX);
                }
            }
        }
    }

    /// Waits until there may be something new.
    async fn listen(&mut self, signals: &mut Option<Signals>) {
        let told = async {
            match signals {
                Some(it) => it.written().await,
                None => std::future::pending().await,
            }
        };
        let broke = tokio::select! {
            told = told => told.is_err(),
            () = self.live.store_awaited() => false,
            () = self.keys.ended() => false,
            () = tokio::time::sleep(POLL) => false,
        };
        // Without a link that tells, asking goes on; the next round asks for another link.
        if broke {
            *signals = None;
            tokio::time::sleep(BACK_OFF).await;
        }
    }

    async fn catch_up(&mut self, signals: &mut Option<Signals>) -> Result<(), StoreError> {
        if signals.is_none() {
            *signals = Some(within(self.store.signals()).await?);
        }
        if self.recorded != self.live.status().generation {
            self.record_methods().await?;
        }
        let connections = self.keys.came(&self.sealer);
        self.build(Touched { connections, ..Touched::default() }).await?;
        loop {
            let asked = self.live.store_asked();
            let changes = self.store.changes();
            let why = match within(changes.since(&Scope::System, self.position, PAGE_MAX)).await? {
                Since::Changes(changes) => {
                    self.take_up(&changes).await?;
                    self.restore().await?;
                    self.reached(asked);
                    if changes.is_empty() {
                        break;
                    }
                    continue;
                }
                Since::Forgotten => Reread::Forgotten,
                Since::Replaced => Reread::Replaced,
                Since::Unreadable(revisions) => {
                    for revision in revisions.iter().take(NAMED_MAX) {
                        tracing::error!(
                            revision,
                            "a change of the store does not read, or is of a kind that is not known here"
                        );
                    }
                    Reread::Unreadable
                }
            };
            tracing::warn!(
                position = self.position.revision,
                "everything is read from the store again: {}",
                said(why)
            );
            self.live.store_reread(why);
            self.read_everything().await?;
            self.restore().await?;
            self.reached(asked);
            // What may have come since is for the next round: this one ends, whatever the store says.
            break;
        }
        self.tidy.look(&self.store);
        Ok(())
    }

    async fn take_up(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let mut touched = Touched::default();
        for Change { kind, key, tenant, .. } in changes {
            if *kind == Kind::Activation {
                let (connection, tenant) = (&**key, tenant.as_deref().unwrap_or_default());
                (self.listener)(News::Activation { connection, tenant });
            }
            let Some(section) = section_of(*kind) else { continue };
            if let Ok(key) = Key::try_from(&**key) {
                touched.of(section).insert(key);
            }
        }
        self.build(touched).await?;
        self.position = changes.last().map_or(self.position, |it| it.position);
        Ok(())
    }

    /// Reads these definitions as they are now, and has them served.
    async fn build(&mut self, touched: Touched) -> Result<(), StoreError> {
        if touched.is_empty() {
            return Ok(());
        }
        let read = Layer::read_some(&self.store, &touched).await?;
        self.keys.learn(read.under_missing_keys(&self.sealer), &self.sealer).await;
        let connections = touched.connections.clone();
        let live = Arc::clone(&self.live);
        blocking(move || live.change(read, touched)).await?;
        for key in &connections {
            (self.listener)(News::Connection { key: key.as_str() });
        }
        Ok(())
    }

    /// What was withheld is read again, and served as it is now.
    async fn restore(&self) -> Result<(), StoreError> {
        while let Some((turn, touched)) = self.live.withheld() {
            let read = Layer::read_some(&self.store, &touched).await?;
            let live = Arc::clone(&self.live);
            blocking(move || live.restore(read, touched, turn)).await?;
        }
        Ok(())
    }

    async fn read_everything(&mut self) -> Result<(), StoreError> {
        // First: what changes while we read is read once more.
        let position = within(self.store.changes().position(&Scope::System)).await?;
        let layer = Layer::read(&self.store).await?;
        self.keys.learn(layer.under_missing_keys(&self.sealer), &self.sealer).await;
        let (live, sealer) = (Arc::clone(&self.live), Arc::clone(&self.sealer));
        blocking(move || live.stored(layer, sealer)).await?;
        (self.listener)(News::Everything);
        self.position = position;
        Ok(())
    }

    /// Records the auth methods of files that are not recorded as they are: stored connections pin them.
    async fn record_methods(&mut self) -> Result<(), StoreError> {
        let generation = self.live.status().generation;
        let snapshot = self.live.snapshot_full();
        let mut seen = Vec::new();
        for (key, _) in snapshot.declared().all(Section::Connectors) {
            let methods = snapshot.connector(key.as_str()).into_iter().flat_map(|it| &it.methods);
            seen.extend(methods.map(|(method, it)| SeenMethod {
                connector: key.as_str(),
                method: method.as_str(),
                definition: &it.definition,
            }));
        }
        // In one order, so that two attaches do not wait for each other in a circle.
        seen.sort_by_key(|it| (it.connector, it.method));
        self.store.auth_methods().record_seen(&Scope::System, &seen).await?;
        self.recorded = generation;
        Ok(())
    }

    /// All that was committed when this was asked, up to the position, is served.
    fn reached(&mut self, asked: u64) {
        self.last_contact = Instant::now();
        (self.listener)(News::Reached);
        self.store.unserved().served(self.position.revision);
        self.live.store_reached(self.position.revision, asked);
    }
}

fn said(why: Reread) -> &'static str {
    match why {
        Reread::Forgotten => "changes are missing that were not taken up",
        Reread::Unreadable => "a change does not read",
        Reread::Replaced => "it is not the database that it was, as after a backup was restored",
    }
}

/// Where a kind of thing is served from; none where nothing of it is: a tenant's activations have changes of
/// their own, and they are looked up.
pub(super) fn section_of(kind: Kind) -> Option<Section> {
    match kind {
        Kind::Connector | Kind::AuthMethod => Some(Section::Connectors),
        Kind::Integration => Some(Section::Integrations),
        Kind::Environment => Some(Section::Environments),
        Kind::Connection => Some(Section::Connections),
        Kind::Caller => Some(Section::Callers),
        Kind::Activation | Kind::Tenant | Kind::Token => None,
    }
}

async fn within<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(ANSWER, asked).await.unwrap_or(Err(StoreError::TimedOut))
}

async fn blocking(work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StoreError::Refused("a fault in attache; the log says more".to_owned()))
}

/// Between half of it and all of it: replicas that lost the store together do not come together.
fn jittered(wait: Duration) -> Duration {
    let mut byte = [0];
    aws_lc_rs::rand::fill(&mut byte).expect("the operating system has randomness");
    wait / 2 + wait / 2 * u32::from(byte[0]) / 255
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("position", &self.position).finish_non_exhaustive()
    }
}
