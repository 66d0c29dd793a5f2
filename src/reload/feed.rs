//! Follows what changes in the store, and has it served: in order, none missed, within a second.
//!
//! Writes of this process and, where the database tells of them, of others wake it at once. It asks
//! every [`POLL`] as well, since a wake-up may be lost.
use super::ears::Ears;
use super::keys::AwaitedKeys;
use super::live::Live;
use super::methods::Methods;
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
use crate::store::Since;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::metrics::Reread;
use std::collections::BTreeSet;
use std::fmt;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;
use tokio::task::JoinError;

/// How often the store is asked, whatever is told.
const POLL: Duration = Duration::from_millis(500);

/// How long the question what has changed may take: longer counts as no contact.
const ANSWER: Duration = Duration::from_secs(2);

/// The first wait after an error, and the longest: a store that comes back is found within seconds.
const BACK_OFF: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(2);

/// How often everything is read again while the list of changes does not read.
const DAMAGED: Duration = Duration::from_secs(10);

/// Changes that do not read and are named one by one, of one answer.
const NAMED_MAX: usize = 20;

/// What the feed tells whoever keeps something of the store.
#[derive(Clone, Copy, Debug)]
pub enum News<'n> {
    Activation {
        connection: &'n str,
        tenant: &'n str,
    },
    /// Somebody gave or ended it; no tenant's, where it is the connection's own.
    Grant {
        connection: &'n str,
        tenant: Option<&'n str>,
    },
    /// These were made, changed or deleted; they are served as they are now. Told where it may take
    /// its time.
    Connections {
        keys: &'n BTreeSet<Key>,
    },
    /// Anything may have changed.
    Everything,
    /// The store answered when it was asked then; all that was written until then is told, and served.
    Reached {
        asked: Instant,
    },
    /// The store does not answer; it last did then.
    Lost {
        last: Instant,
    },
}

impl<'n> News<'n> {
    /// What a change of an activation says: of any, where it does not say which.
    pub(super) fn of_activation(connection: &'n str, tenant: Option<&'n str>) -> Self {
        match tenant {
            Some(tenant) if !connection.is_empty() => Self::Activation { connection, tenant },
            _ => Self::Everything,
        }
    }
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
    /// When the store was asked what it answered last.
    last_contact: Instant,
    /// Something went wrong in a round that nobody expected: nobody knows what it has left undone.
    is_shaken: bool,
    /// When everything was last read because the list of changes did not read.
    damaged: Option<Instant>,
    keys: AwaitedKeys,
    methods: Methods,
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
            is_shaken: false,
            damaged: None,
            keys: AwaitedKeys::default(),
            methods: Methods::default(),
            tidy: Tidy::default(),
        };
        feed.methods.record(&feed.store, &feed.live).await;
        let asked = feed.asks();
        feed.read_everything().await?;
        feed.reached(asked, true);
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
        let mut ears = Ears::new(&self.store);
        let mut wait = BACK_OFF;
        let mut is_lost = false;
        loop {
            match caught(Box::pin(self.catch_up())).await {
                Ok(()) => {
                    if std::mem::take(&mut is_lost) {
                        tracing::info!(
                            position = self.position.revision,
                            "the store is reached again"
                        );
                    }
                    wait = BACK_OFF;
                    // What was written before they were opened was not told to them.
                    if !ears.open(&self.store).await {
                        self.listen(&mut ears).await;
                    }
                }
                Err(fault) => {
                    let error = match fault {
                        Fault::Store(error) => error.to_string(),
                        Fault::Panic => {
                            self.is_shaken = true;
                            "a fault in attache; the log says more".to_owned()
                        }
                    };
                    if !std::mem::replace(&mut is_lost, true) {
                        tracing::error!("the store is not reached: {error}");
                    }
                    ears = Ears::new(&self.store);
                    self.live.store_lost(&error);
                    (self.listener)(News::Lost { last: self.last_contact });
                    tokio::time::sleep(jittered(wait)).await;
                    wait = (wait * 2).min(BACK_OFF_MAX);
                }
            }
        }
    }

    /// Waits until there may be something new.
    async fn listen(&mut self, ears: &mut Ears) {
        tokio::select! {
            () = ears.told() => {}
            () = self.live.store_awaited() => {}
            () = self.keys.ended() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }

    async fn catch_up(&mut self) -> Result<(), StoreError> {
        self.methods.look(&self.store, &self.live);
        if self.is_shaken {
            self.read_again(Reread::Fault).await?;
            self.is_shaken = false;
        }
        let connections = self.keys.came(&self.sealer);
        self.build(Touched { connections, ..Touched::default() }).await?;
        loop {
            let asked = self.asks();
            let changes = self.store.changes();
            let since = within(changes.since(&Scope::System, self.position, PAGE_MAX)).await;
            let since = match since {
                // The store is there, and its list of changes is damaged.
                Err(error @ StoreError::Corrupt { .. }) => {
                    if self.damaged.is_some_and(|it| it.elapsed() < DAMAGED) {
                        break;
                    }
                    self.damaged = Some(Instant::now());
                    tracing::error!("changes of the store can't be followed: {error}");
                    Since::Unreadable(Vec::new())
                }
                since => since?,
            };
            let why = match since {
                Since::Changes(changes) => {
                    self.take_up(&changes).await?;
                    self.restore().await?;
                    let is_all = changes.len() < PAGE_MAX as usize;
                    self.reached(asked, is_all);
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
            self.read_again(why).await?;
            self.restore().await?;
            self.reached(asked, true);
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
                (self.listener)(News::of_activation(key, tenant.as_deref()));
            }
            if *kind == Kind::Grant {
                (self.listener)(News::Grant { connection: key, tenant: tenant.as_deref() });
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
        if !touched.connections.is_empty() {
            self.tidy.connections_changed();
        }
        let (live, listener) = (Arc::clone(&self.live), Arc::clone(&self.listener));
        blocking(move || {
            let connections = touched.connections.clone();
            live.change(read, touched);
            if !connections.is_empty() {
                listener(News::Connections { keys: &connections });
            }
        })
        .await
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

    async fn read_again(&mut self, why: Reread) -> Result<(), StoreError> {
        tracing::warn!(
            position = self.position.revision,
            "everything is read from the store again: {}",
            said(why)
        );
        self.live.store_reread(why);
        self.read_everything().await
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

    /// The store is about to be asked.
    fn asks(&self) -> Asked {
        Asked { number: self.live.store_asked(), at: Instant::now() }
    }

    /// All that was committed when this was asked, up to the position, is served. `is_all`: there was no
    /// more.
    fn reached(&mut self, asked: Asked, is_all: bool) {
        self.last_contact = asked.at;
        if is_all {
            (self.listener)(News::Reached { asked: asked.at });
        }
        self.store.unserved().served(self.position.revision);
        self.live.store_reached(self.position.revision, asked.number);
    }
}

/// A question to the store: how manieth, and when.
#[derive(Clone, Copy)]
struct Asked {
    number: u64,
    at: Instant,
}

/// Why a round came to nothing.
enum Fault {
    Store(StoreError),
    Panic,
}

/// A round that panics is one that failed: the feed goes on.
async fn caught(round: impl Future<Output = Result<(), StoreError>>) -> Result<(), Fault> {
    let mut round = pin!(round);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| round.as_mut().poll(cx))) {
        Ok(polled) => polled.map_err(Fault::Store),
        Err(_) => Poll::Ready(Err(Fault::Panic)),
    })
    .await
}

fn said(why: Reread) -> &'static str {
    match why {
        Reread::Forgotten => "changes are missing that were not taken up",
        Reread::Unreadable => "a change does not read",
        Reread::Fault => "a fault in attache; the log says more",
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
        Kind::Activation
        | Kind::Tenant
        | Kind::Token
        | Kind::EventSubscription
        | Kind::Grant
        | Kind::ConnectSession
        | Kind::ConsoleSession => None,
    }
}

/// As long as the question what has changed may take.
pub(super) async fn within<T>(
    asked: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(ANSWER, asked).await.unwrap_or(Err(StoreError::TimedOut))
}

/// A fault in it is one of the round.
async fn blocking(work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    match tokio::task::spawn_blocking(work).await.map_err(JoinError::try_into_panic) {
        Ok(()) => Ok(()),
        Err(Ok(fault)) => resume_unwind(fault),
        Err(Err(_)) => Err(StoreError::Unreachable { reason: "attache is stopping".to_owned() }),
    }
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
