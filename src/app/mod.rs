//! The composition root: configuration becomes a running gateway, and ends it in good order.
mod certificates;
mod clock;
mod control;
mod handed;
mod keys;
mod logo;
mod plane;
mod public;
mod refusals;
pub mod sealing;
mod trying;
mod watchers;

pub use clock::now;
pub use control::Opened;
pub use keys::KeySources;
pub use keys::KeysError;
pub use sealing::trail_key;

use crate::admin;
use crate::config::AccessLog;
use crate::config::InForce;
use crate::config::LinkLimits;
use crate::config::LogFormat;
use crate::config::LogSettings;
use crate::config::Origin;
use crate::config::StoreSettings;
use crate::config::StoreUrl;
use crate::config::TlsFiles;
use crate::connect;
use crate::connect::Answered;
use crate::connect::Asked;
use crate::connect::Pages;
use crate::console;
use crate::deliveries::Deliveries;
use crate::inbound::KeyRing;
use crate::inbound::Learned;
use crate::inbound::Replay;
use crate::journal;
use crate::journal::Journal;
use crate::limits::Budget;
use crate::limits::Circuits;
use crate::limits::Gates;
use crate::limits::Rates;
use crate::limits::Strangers;
use crate::model::Secret;
use crate::notify;
use crate::notify::Notifying;
use crate::reload;
use crate::reload::Live;
use crate::reload::Loaded;
use crate::reload::Source;
use crate::renewal::Books;
use crate::renewal::Renewing;
use crate::server;
use crate::server::BindError;
use crate::server::Certificate;
use crate::server::TlsError;
use crate::server::WorkerError;
use crate::telemetry::Metrics;
use crate::telemetry::log::Format;
use crate::upstream::Resolver;
use control::Control;
use control::Opening;
use plane::Plane;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;
use watchers::Keys;
use watchers::Watchers;

/// What a gateway is started from.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Files and folders, later ones merged into earlier ones.
    pub config: Vec<PathBuf>,
    pub resolver: Resolver,
    /// The admin token, where the configuration has none.
    pub admin_token: Option<Secret>,
    /// The folder for bodies that are kept to be sent again; the system's for temporary files if unsaid.
    pub spill: Option<PathBuf>,
    /// The store, whatever the configuration says.
    pub store: Option<StoreUrl>,
    /// Where a SQLite file lies whose path is not given, and what `dev` makes.
    pub data_dir: PathBuf,
    /// Whether a sealing key is made that is missing.
    pub dev: bool,
    /// The configuration file that attache made of what was missing.
    pub made: Option<PathBuf>,
    /// Who named the store and the admin token that are given here.
    pub store_by: Origin,
    pub admin_token_by: Origin,
}

/// Why a gateway does not start. Nothing is listening then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the configuration is not valid")]
    Config(Vec<crate::config::ConfigError>),
    #[error("{0}")]
    Refused(String),
    #[error("server.{listener}.listen: {error}")]
    Bind { listener: &'static str, error: BindError },
    #[error("server.{listener}.tls: {error}")]
    Tls { listener: &'static str, error: TlsError },
    #[error("store: {0}")]
    Store(String),
    #[error("log.access: {0}")]
    AccessLog(String),
    #[error("the configuration's files can't be watched: {0}")]
    Watch(std::io::ErrorKind),
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

/// A running gateway.
pub struct App {
    pub proxy: SocketAddr,
    pub admin: SocketAddr,
    pub public: SocketAddr,
    metrics: Arc<Metrics>,
    live: Arc<Live>,
    journal: Arc<Journal>,
    certificates: Vec<Arc<Certificate>>,
    draining: Arc<AtomicBool>,
    stop_traffic: watch::Sender<bool>,
    stop_admin: watch::Sender<bool>,
    traffic: Vec<JoinHandle<()>>,
    serving: JoinHandle<()>,
    watchers: Watchers,
    renewing: Renewing,
    stop_devices: watch::Sender<bool>,
    /// Where there is a store, as is the next.
    notifying: Option<Notifying>,
    stored: Option<Control>,
    ready_delay: Duration,
}

impl App {
    /// Reads the configuration, listens, and serves. Returns once requests are answered.
    ///
    /// `log` starts attache's own log as the settings say, as soon as they are known.
    pub fn start(
        options: Options,
        log: impl FnOnce(&LogSettings) -> Result<(), StartError>,
    ) -> Result<Self, StartError> {
        let metrics = Metrics::new(now());
        let env = Box::new(|name: &str| std::env::var(name).ok());
        let has_store = options.store.is_some();
        let source = Source { paths: options.config.clone(), env, has_store, clock: now };
        let loaded = reload::load(&source.paths, &*source.env).map_err(StartError::Config)?;
        refuse_what_can_not_run(&loaded, &options)?;
        log(&loaded.settings.log)?;
        drop(loaded);
        let (live, settings) =
            Live::start(source, Arc::clone(&metrics)).map_err(StartError::Config)?;
        let store_is_given = options.store.is_some();
        let store = match (options.store, &settings.store) {
            (Some(url), Some(given)) => Some(StoreSettings { url, ..given.clone() }),
            (Some(url), None) => Some(StoreSettings::at(url)),
            (None, given) => given.clone(),
        };
        if let Some(made) = &options.made {
            live.made(&made.display().to_string());
        }
        if store_is_given && let Some(store) = &store {
            live.said(InForce {
                path: "store.url".to_owned(),
                value: store.url.to_string().into(),
                is_secret: false,
                origin: options.store_by,
            });
        }
        if settings.admin.token.is_none() && options.admin_token.is_some() {
            live.said(InForce {
                path: "server.admin.token".to_owned(),
                value: serde_json::Value::Null,
                is_secret: true,
                origin: options.admin_token_by,
            });
        }
        let told = Arc::new(OnceLock::new());
        let opening = |store| Opening {
            store,
            seal: settings.seal.clone(),
            dev: options.dev,
            data_dir: options.data_dir,
            live: Arc::clone(&live),
            metrics: Arc::clone(&metrics),
            failing: settings.events.failing,
            deliveries: settings.webhooks.deliveries,
            renewals: Arc::clone(&told),
        };
        let stored = store.map(opening).map(Control::start).transpose()?;
        let vault = stored.as_ref().map(|it| Arc::clone(&it.opened.vault));
        let refusals = stored.as_ref().map(|it| Arc::clone(&it.opened.refusals));
        let settings = Arc::new(settings);
        let keeping = journal::Keeping { recent: settings.log.recent.0, clock: now };
        let journal = Journal::start(access_log(&settings.log), keeping, Arc::clone(&metrics))
            .map_err(|it| StartError::AccessLog(it.to_string()))?;

        let books = stored.as_ref().map(|it| Books {
            store: it.opened.store.clone(),
            sealer: Arc::clone(&it.opened.sealer),
            runtime: it.opened.runtime.clone(),
            served: {
                let live = Arc::clone(&live);
                Arc::new(move || live.snapshot_full())
            },
        });
        let renewing = Renewing::start(options.resolver.clone(), books, Arc::clone(&metrics), now)?;
        // Nobody was told to forget anything before there was something.
        drop(told.set(Arc::clone(renewing.renewals())));
        let workers = settings.proxy.workers.map_or_else(cores, NonZeroUsize::get);
        let bind = |listener, address, count| {
            server::bind(address, count).map_err(|error| StartError::Bind { listener, error })
        };
        let proxy = bind("proxy", settings.proxy.listen, workers)?;
        let public = bind("public", settings.public.listen, workers)?;
        let control = bind("admin", settings.admin.listen, 1)?;

        let mut certificates = Vec::new();
        let mut certificate = |listener, files: &Option<TlsFiles>| {
            let load = |it: &TlsFiles| {
                Certificate::load(&it.cert, &it.key)
                    .map_err(|error| StartError::Tls { listener, error })
            };
            let loaded = files.as_ref().map(load).transpose()?;
            certificates.extend(loaded.clone());
            Ok::<_, StartError>(loaded)
        };
        let proxy_tls = certificate("proxy", &settings.proxy.tls)?;
        let public_tls = certificate("public", &settings.public.tls)?;
        let admin_tls = certificate("admin", &settings.admin.tls)?;
        let logo = settings.connect.logo.as_deref().map(logo::read).transpose()?;

        let draining = Arc::new(AtomicBool::new(false));
        let (stop_traffic, traffic_stops) = watch::channel(false);
        let (stop_admin, admin_stops) = watch::channel(false);
        let ledger = stored.as_ref().map(|it| Arc::clone(&it.opened.ledger));
        let replay = Arc::new(Replay::new(ledger));
        let refused = stored.as_ref().map(|it| Arc::clone(&it.opened.refused));
        let deliveries = match &stored {
            Some(it) => Arc::clone(&it.opened.deliveries),
            None => Deliveries::new(settings.webhooks.deliveries, None, Arc::clone(&metrics)),
        };
        let budget = Budget::new(settings.memory.bodies);
        let gates = Arc::new(Gates::default());
        let circuits = Arc::new(Circuits::new(Arc::clone(&metrics)));
        let rates = Arc::new(Rates::new(Instant::now()));
        let strangers = Arc::new(Strangers::new(Instant::now()));
        let spill: Arc<Path> = options.spill.unwrap_or_else(std::env::temp_dir).into();
        let (proxy_address, public_address) = (proxy.address, public.address);
        let public_url = settings.public.url_at(public_address);
        let (try_out, trials) = trying::desk();
        let mut trials = Some(trials);
        let api = admin::Api::new(
            admin::Access {
                token: settings.admin.token.clone().or(options.admin_token),
                tokens: settings.admin.token_access.clone(),
                export: settings.admin.export_access.clone(),
                signing: {
                    let url = settings.admin.url_at(control.address);
                    let is_https = url.as_deref().is_some_and(|it| it.starts_with("https:"));
                    admin::Signing {
                        sessions: settings.admin.sessions,
                        is_secure: is_https || settings.admin.tls.is_some(),
                        url,
                        oidc: settings.admin.oidc.clone(),
                    }
                },
            },
            Arc::clone(&live),
            (
                stored.as_ref().map(|it| admin::Backing {
                    store: it.opened.store.clone(),
                    sealer: Arc::clone(&it.opened.sealer),
                    keys: Arc::clone(&it.opened.keys),
                    writes: Arc::clone(&it.opened.writes),
                    control: it.opened.runtime.clone(),
                }),
                Some(admin::Providing {
                    renewals: Arc::clone(renewing.renewals()),
                    errands: renewing.errands().clone(),
                    try_out,
                    proxy_url: trying::proxy_url(proxy_address, proxy_tls.is_some()),
                }),
            ),
            (
                admin::Connecting {
                    settings: settings.connect.clone(),
                    public_url: public_url.clone(),
                },
                admin::Hooks { deliveries: Arc::clone(&deliveries), vault: vault.clone() },
            ),
            now,
            (Arc::clone(&draining), Arc::clone(&journal)),
        );
        let pages = stored.as_ref().map(|it| {
            let pages = Pages::new(asking(&api), public_url.as_deref(), &settings.connect, logo);
            (Arc::new(pages), it.opened.runtime.clone())
        });
        let learned = stored.as_ref().map(|it| {
            let Opened { store, sealer, keys, writes, runtime, .. } = it.opened.clone();
            Learned::new((store, runtime), (sealer, keys), writes, now)
        });
        let sender_keys = Arc::new(KeyRing::new(renewing.errands().clone()));
        let mut traffic = Vec::new();
        for (index, shares) in proxy.shares.into_iter().zip(public.shares).enumerate() {
            let plane = Plane {
                live: Arc::clone(&live),
                metrics: Arc::clone(&metrics),
                journal: Arc::clone(&journal),
                replay: Arc::clone(&replay),
                sender_keys: Arc::clone(&sender_keys),
                refused: refused.clone(),
                deliveries: Arc::clone(&deliveries),
                budget: Arc::clone(&budget),
                rates: Arc::clone(&rates),
                gates: Arc::clone(&gates),
                circuits: Arc::clone(&circuits),
                vault: vault.clone(),
                learned: learned.clone(),
                renewals: Arc::clone(renewing.renewals()),
                refusals: refusals.clone(),
                strangers: Arc::clone(&strangers),
                spill: Arc::clone(&spill),
                resolver: options.resolver.clone(),
                settings: Arc::clone(&settings),
                workers,
                proxy_tls: proxy_tls.clone(),
                public_tls: public_tls.clone(),
                pages: pages.clone(),
                trials: trials.take(),
            };
            let stops = traffic_stops.clone();
            traffic.push(server::spawn("worker", index, stops, move |worker| {
                plane.run(worker, shares)
            })?);
        }
        let state = admin::AdminState {
            metrics: Arc::clone(&metrics),
            live: Arc::clone(&live),
            draining: Arc::clone(&draining),
            api: Arc::clone(&api),
            clock: now,
            front: console::serve,
        };
        let handler = plane::AdminHandler::new(admin::router(state), Arc::clone(&metrics));
        let admin_address = control.address;
        let limits = plane::link_limits(&LinkLimits::default(), 1);
        let serving = server::spawn("admin", 0, admin_stops, move |worker| async move {
            for share in control.shares {
                server::serve(
                    worker.clone(),
                    share,
                    admin_tls.clone(),
                    limits,
                    std::rc::Rc::new(handler.counting()),
                )
                .await;
            }
            plane::until_links_end(&worker, ADMIN_DRAIN).await;
        })?;
        let sealer = stored.as_ref().map(|it| Arc::clone(&it.opened.sealer));
        let notified = stored.as_ref().map(|it| {
            let parts = notify::Parts {
                store: it.opened.store.clone(),
                keys: Arc::clone(&it.opened.keys),
                live: Arc::clone(&live),
                metrics: Arc::clone(&metrics),
                resolver: options.resolver.clone(),
                clock: now,
            };
            Notifying::start(parts, &it.opened.runtime)
        });
        let notifying = notified.transpose()?;
        let (stop_devices, devices_stop) = watch::channel(false);
        if let Some(it) = &stored {
            let devices = admin::Devices {
                api: Arc::clone(&api),
                store: it.opened.store.clone(),
                sealer: Arc::clone(&it.opened.sealer),
                keys: Arc::clone(&it.opened.keys),
                live: Arc::clone(&live),
                errands: renewing.errands().clone(),
                clock: now,
            };
            it.opened.runtime.spawn(devices.run(devices_stop));
        }
        let keys = sealer.map(|sealer| Keys { sealer, metrics: Arc::clone(&metrics) });
        let watchers = Watchers::start(&live, &certificates, keys, Arc::clone(&metrics))?;
        tracing::info!(
            proxy = %proxy_address, admin = %admin_address, public = %public_address, workers,
            "listening"
        );
        Ok(Self {
            proxy: proxy_address,
            admin: admin_address,
            public: public_address,
            metrics,
            live,
            journal,
            certificates,
            draining,
            stop_traffic,
            stop_admin,
            traffic,
            serving,
            watchers,
            renewing,
            stop_devices,
            notifying,
            stored,
            ready_delay: settings.shutdown.ready_delay,
        })
    }

    /// Reads configuration, certificates and sealing keys again, and opens the access log anew (SIGHUP).
    pub fn reload(&self) {
        // What is wrong has been logged and counted, and the last good one is still served.
        let _ = self.live.reload_now();
        for certificate in &self.certificates {
            watchers::reload_certificate(certificate);
        }
        self.watchers.read_keys();
        self.journal.reopen();
    }

    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The open store, where there is one.
    pub fn stored(&self) -> Option<&Opened> {
        self.stored.as_ref().map(|it| &it.opened)
    }

    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Says `not ready`, waits until balancers have seen it, stops accepting, lets exchanges finish up
    /// to the deadline, and returns when every thread has ended. Blocks.
    pub fn shutdown(self) {
        self.draining.store(true, Ordering::Relaxed);
        wait(self.ready_delay);
        self.stop_traffic.send_replace(true);
        for worker in self.traffic {
            // A worker that panicked has said so already.
            drop(worker.join());
        }
        self.watchers.stop();
        self.stop_devices.send_replace(true);
        self.renewing.stop();
        self.stop_admin.send_replace(true);
        drop(self.serving.join());
        if let Some(notifying) = self.notifying {
            notifying.stop();
        }
        if let Some(stored) = self.stored {
            stored.stop();
        }
        let lost = self.journal.close(LOG_FLUSH);
        if lost > 0 {
            tracing::warn!(lost, "access log records could not be written");
        }
    }
}

/// The pages ask the API as any client does, without HTTP between them.
fn asking(api: &Arc<admin::Api>) -> connect::Api {
    let api = Arc::clone(api);
    Arc::new(move |asked: Asked| {
        let api = Arc::clone(&api);
        Box::pin(async move {
            let (status, body) = api.ask(asked.method, &asked.path, asked.body).await;
            Answered { status, body }
        })
    })
}

/// How long a scrape or an operator's request may take to finish when the program ends.
const ADMIN_DRAIN: Duration = Duration::from_secs(5);

/// How long the access log may take to be written when the program ends.
const LOG_FLUSH: Duration = Duration::from_secs(5);

fn access_log(settings: &LogSettings) -> (journal::Target, Format) {
    let target = match &settings.access {
        AccessLog::Off => journal::Target::Off,
        AccessLog::Stdout => journal::Target::Stdout,
        AccessLog::Stderr => journal::Target::Stderr,
        AccessLog::File(path) => journal::Target::File(path.clone()),
    };
    let format = match settings.format {
        LogFormat::Json => Format::Json,
        LogFormat::Text => Format::Text,
    };
    (target, format)
}

/// The pause before accepting stops, on the thread that does nothing else than stop the program.
fn wait(pause: Duration) {
    if !pause.is_zero() {
        std::thread::park_timeout(pause);
    }
}

/// What a gateway must not start without. With a store, callers can be made while it runs.
fn refuse_what_can_not_run(loaded: &Loaded, options: &Options) -> Result<(), StartError> {
    let refused = |text: &str| Err(StartError::Refused(text.to_owned()));
    let has_store = loaded.settings.store.is_some() || options.store.is_some();
    if loaded.snapshot.callers().next().is_none() && !has_store {
        return refused(
            "callers: there is none, so nobody could use the proxy; \
             add one with a `key` of at least 16 characters, or start with `--dev`",
        );
    }
    if loaded.settings.admin.token.is_none() && options.admin_token.is_none() {
        return refused(
            "server.admin.token: there is none; set ATTACHE_ADMIN_TOKEN (or ATTACHE_ADMIN_TOKEN_FILE) \
             to a long random value, or start with `--dev`",
        );
    }
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}
