//! The store and what works on it, on a runtime of its own: no worker ever waits for a database.
use super::StartError;
use super::clock::now;
use super::refusals::Teller;
use super::refusals::Unserved;
use super::refusals::WAITING_MAX;
use super::sealing;
use super::sealing::SealingError;
use crate::config::DeliverySettings;
use crate::config::Failing;
use crate::config::SealSettings;
use crate::config::StoreSettings;
use crate::deliveries::Deliveries;
use crate::deliveries::Keeper;
use crate::inbound::Clerk;
use crate::inbound::Ledger;
use crate::inbound::RefusalTeller;
use crate::inbound::RefusedDeliveries;
use crate::limits::Refusals;
use crate::reload::Feed;
use crate::reload::Listener;
use crate::reload::Live;
use crate::reload::News;
use crate::reload::Writes;
use crate::renewal::Renewals;
use crate::seal::Sealer;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::Metrics;
use crate::vault;
use crate::vault::Keys;
use crate::vault::Marks;
use crate::vault::Vault;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Threads for the store's work, which is mostly waiting.
const THREADS: usize = 2;

/// Threads that may block: opening credentials, running programs that print keys.
const BLOCKING_THREADS_MAX: usize = 16;

/// How long the store's work may take to finish when the program ends.
const END: Duration = Duration::from_secs(5);

/// What the store is opened from.
pub(super) struct Opening {
    pub(super) store: StoreSettings,
    pub(super) seal: SealSettings,
    /// Where a SQLite file lies whose path is not given, and what `dev` makes.
    pub(super) data_dir: PathBuf,
    /// Whether a sealing key is made that is missing.
    pub(super) dev: bool,
    pub(super) live: Arc<Live>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) failing: Failing,
    pub(super) deliveries: DeliverySettings,
    /// Those who have tokens, once they do.
    pub(super) renewals: Arc<OnceLock<Arc<Renewals>>>,
}

/// The open store, until stopped.
pub(super) struct Control {
    pub(super) opened: Opened,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// What others use of it.
#[derive(Clone)]
pub struct Opened {
    pub store: Store,
    pub sealer: Arc<Sealer>,
    pub keys: Arc<Keys>,
    pub vault: Arc<Vault>,
    pub refusals: Arc<Refusals>,
    /// What is said of deliveries, and what is told of those that are refused.
    pub ledger: Arc<Ledger>,
    pub refused: Arc<RefusedDeliveries>,
    /// What is kept of deliveries.
    pub deliveries: Arc<Deliveries>,
    pub writes: Arc<Writes>,
    /// Where its work is done.
    pub runtime: Handle,
}

impl Control {
    /// Opens the store, brings its tables up to date, and has its definitions served. Blocks.
    ///
    /// On a thread of its own: whoever starts attache may be on a runtime already.
    pub(super) fn start(opening: Opening) -> Result<Self, StartError> {
        let (stop, stops) = watch::channel(false);
        let (told, opened) = mpsc::sync_channel(1);
        let run = move || {
            let runtime = match runtime() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let error = StartError::Store(format!("no threads for it: {}", error.kind()));
                    drop(told.send(Err(error)));
                    return;
                }
            };
            runtime.block_on(async {
                match open(opening).await {
                    Err(error) => drop(told.send(Err(error))),
                    Ok((opened, feed, teller)) => {
                        let store = opened.store.clone();
                        let (clerk, trimmer) =
                            Clerk::new(Arc::clone(&opened.ledger), store.clone());
                        let refused = RefusalTeller {
                            refused: Arc::clone(&opened.refused),
                            store: store.clone(),
                            clock: now,
                        };
                        let deliveries = Arc::clone(&opened.deliveries);
                        let keeper = Keeper { deliveries, clock: now };
                        drop(told.send(Ok(opened)));
                        tokio::join!(
                            feed.run(stops.clone()),
                            teller.run(stops.clone()),
                            clerk.run(stops.clone()),
                            trimmer.run(),
                            keeper.run(stops.clone()),
                            refused.run(stops),
                        );
                        drop(tokio::time::timeout(END, store.close()).await);
                    }
                }
            });
            runtime.shutdown_timeout(END);
        };
        let failed = |it: io::Error| StartError::Store(format!("no thread for it: {}", it.kind()));
        let thread = thread::Builder::new().name("store".into()).spawn(run).map_err(failed)?;
        let opened = opened.recv().unwrap_or_else(|_| {
            Err(StartError::Store("a fault in attache; the log says more".to_owned()))
        })?;
        Ok(Self { opened, stop, thread })
    }

    pub(super) fn stop(self) {
        self.stop.send_replace(true);
        drop(self.opened);
        // A thread that panicked has said so already.
        drop(self.thread.join());
    }
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("control")
        .enable_all()
        .build()
}

async fn open(opening: Opening) -> Result<(Opened, Feed, Teller), StartError> {
    let Opening {
        store: settings,
        seal,
        data_dir,
        dev,
        live,
        metrics,
        failing,
        deliveries,
        renewals,
    } = opening;
    let store = Store::open(&settings.url, &data_dir).await.map_err(not_reached)?;
    store.counted_by(Arc::clone(&metrics));
    let migrated = store.migrate().await.map_err(not_reached)?;
    if migrated.from != migrated.to {
        tracing::info!(
            from = migrated.from,
            to = migrated.to,
            "the store's tables were made or changed"
        );
    }
    let sealer = sealing::open(&store, &seal, dev.then_some(&*data_dir)).await?;
    let marks = Arc::new(Marks::new(Instant::now()));
    let keys = Keys::new(Arc::clone(&sealer));
    let load = vault::from_store(store.clone(), Arc::clone(&keys));
    let runtime = Handle::current();
    let kept = u64::from(settings.cache);
    let vault = Vault::new(kept, Arc::clone(&marks), load, runtime.clone(), Arc::clone(&metrics));
    let listener = {
        let (vault, serve_stale) = (Arc::clone(&vault), settings.serve_stale);
        let metrics = Arc::clone(&metrics);
        let forget = move |what: &dyn Fn(&Renewals)| {
            if let Some(renewals) = renewals.get() {
                what(renewals);
            }
        };
        move |news: News<'_>| match news {
            News::Activation { connection, tenant } => {
                vault.forget(connection, tenant);
                forget(&|it| it.forget(connection, Some(tenant)));
            }
            News::Grant { connection, tenant } => forget(&|it| it.forget(connection, tenant)),
            News::Connections { keys } => {
                vault.forget_connections(keys);
                forget(&|it| it.forget_connections(keys));
            }
            News::Everything => {
                vault.forget_all();
                forget(&|it| it.forget_all());
            }
            News::Reached { asked } => {
                marks.reached(asked, serve_stale);
                metrics.activations_kept(vault.len());
            }
            News::Lost { last } => marks.lost(last, serve_stale),
        }
    };
    let listener: Listener = Arc::new(listener);
    let writes = Writes::new(store.clone(), Arc::clone(&live), Arc::clone(&listener));
    let feed = Feed::open(store.clone(), Arc::clone(&sealer), Arc::clone(&live), listener);
    let feed = feed.await.map_err(not_reached)?;
    let (told, verdicts) = tokio::sync::mpsc::channel(WAITING_MAX);
    let refusals = Arc::new(Refusals::new(failing, told));
    let ledger = Ledger::new(Arc::clone(&metrics));
    let refused = Arc::default();
    let kept = (store.clone(), sealer.deliveries());
    let deliveries = Deliveries::new(deliveries, Some(kept), Arc::clone(&metrics));
    let teller = Teller {
        store: store.clone(),
        live,
        refusals: Arc::clone(&refusals),
        verdicts,
        metrics,
        unserved: Unserved::default(),
    };
    let opened = Opened {
        store,
        sealer,
        keys,
        vault,
        refusals,
        ledger,
        refused,
        deliveries,
        writes,
        runtime,
    };
    Ok((opened, feed, teller))
}

/// Why a store can't be used: what only a person can mend is refused, like a wrong setting.
fn not_reached(error: StoreError) -> StartError {
    match error {
        StoreError::SchemaNewer { .. } => StartError::Refused(format!("store: {error}")),
        error => StartError::Store(error.to_string()),
    }
}

impl From<SealingError> for StartError {
    fn from(error: SealingError) -> Self {
        match error {
            SealingError::Store(error) => not_reached(error),
            error => Self::Refused(error.to_string()),
        }
    }
}
