//! The snapshot that is served now, and how the next one takes its place.
use super::files;
use super::files::Fingerprints;
use super::load::Loaded;
use super::load::attempt;
use crate::catalog::Snapshot;
use crate::config::ConfigError;
use crate::config::Settings;
use crate::model::UnixTime;
use crate::telemetry::Metrics;
use arc_swap::ArcSwap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Problems that are logged one by one; `attache config check` tells all of them.
const LOGGED_MAX: usize = 20;

/// The value of a setting that `${NAME}` stands for.
pub type Env = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where configuration comes from.
pub struct Source {
    /// Files and folders, as they were given.
    pub paths: Vec<PathBuf>,
    pub env: Env,
    /// What time it is.
    pub clock: fn() -> UnixTime,
}

/// How the configuration that is served came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Counts the configurations served since the start, from 1.
    pub generation: u64,
    /// When the served one was loaded.
    pub loaded_at: UnixTime,
    /// Why the last attempt failed: its first problem and how many there are. `None` where it did not.
    pub last_error: Option<String>,
}

/// What is served now. One for the process.
pub struct Live {
    snapshot: ArcSwap<Snapshot>,
    generation: AtomicU64,
    state: Mutex<State>,
    /// One reload at a time.
    turn: Mutex<()>,
    source: Source,
    metrics: Arc<Metrics>,
}

struct State {
    status: Status,
    settings: Settings,
    /// What the last attempt read, as it was before.
    seen: Fingerprints,
    /// Former snapshots that someone may still hold: the last to let go of one frees it, which
    /// takes its time, and must not be a worker.
    retired: Vec<Arc<Snapshot>>,
}

impl Live {
    /// The first load. Warnings are logged.
    pub fn start(
        source: Source,
        metrics: Arc<Metrics>,
    ) -> Result<(Arc<Self>, Settings), Vec<ConfigError>> {
        let (loaded, seen) = attempt(&source.paths, &*source.env, &files::value);
        let Loaded { settings, snapshot, warnings } = loaded?;
        log_warnings(&warnings);
        let now = (source.clock)();
        metrics.reload(true, 1, now);
        let status = Status { generation: 1, loaded_at: now, last_error: None };
        let live = Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            generation: AtomicU64::new(1),
            state: Mutex::new(State {
                status,
                settings: settings.clone(),
                seen,
                retired: Vec::new(),
            }),
            turn: Mutex::new(()),
            source,
            metrics,
        };
        Ok((Arc::new(live), settings))
    }

    /// Serves a snapshot that comes from no file.
    pub fn fixed(snapshot: Snapshot, metrics: Arc<Metrics>, clock: fn() -> UnixTime) -> Arc<Self> {
        let source = Source { paths: Vec::new(), env: Box::new(|_| None), clock };
        let now = clock();
        metrics.reload(true, 1, now);
        Arc::new(Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            generation: AtomicU64::new(1),
            state: Mutex::new(State {
                status: Status { generation: 1, loaded_at: now, last_error: None },
                settings: Settings::default(),
                seen: Fingerprints::new(),
                retired: Vec::new(),
            }),
            turn: Mutex::new(()),
            source,
            metrics,
        })
    }

    /// What is served now. The guard is cheap, and is let go of before anything is awaited.
    pub fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// What is served now, to be kept over an exchange.
    pub fn snapshot_full(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Counts the configurations served: whoever keeps a snapshot sees by it that there is another.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn status(&self) -> Status {
        self.state().status.clone()
    }

    /// Loads everything again and serves it, if it is sound as a whole; else what is served stays,
    /// and the failure is logged, counted and kept in the status. Blocks on the file system.
    pub fn reload_now(&self) -> Result<(), Vec<ConfigError>> {
        if self.source.paths.is_empty() {
            return Ok(());
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (loaded, seen) = attempt(&self.source.paths, &*self.source.env, &files::value);
        self.state().seen = seen;
        match loaded {
            Ok(loaded) => {
                self.serve(loaded);
                Ok(())
            }
            Err(errors) => {
                self.refuse(&errors);
                Err(errors)
            }
        }
    }

    fn serve(&self, loaded: Loaded) {
        let Loaded { settings, snapshot, warnings } = loaded;
        log_warnings(&warnings);
        let now = (self.source.clock)();
        let connections = snapshot.connections().len();
        let former = self.snapshot.swap(Arc::new(snapshot));
        let mut state = self.state();
        state.status.generation += 1;
        state.status.loaded_at = now;
        state.status.last_error = None;
        let generation = state.status.generation;
        self.generation.store(generation, Ordering::Release);
        state.retired.push(former);
        if settings != state.settings {
            tracing::warn!("the settings of listeners, logs or store changed: restart to use them");
            state.settings = settings;
        }
        drop(state);
        self.free_retired();
        self.metrics.reload(true, generation, now);
        tracing::info!(generation, connections, "configuration loaded");
    }

    fn refuse(&self, errors: &[ConfigError]) {
        let first = errors.first().map_or_else(String::new, ConfigError::to_string);
        let first = first.lines().next().unwrap_or_default();
        let text = match errors.len() {
            0 | 1 => first.to_owned(),
            several => format!("{first} (and {} more)", several - 1),
        };
        let mut state = self.state();
        state.status.last_error = Some(text);
        let generation = state.status.generation;
        drop(state);
        self.metrics.reload(false, generation, (self.source.clock)());
        for error in errors.iter().take(LOGGED_MAX) {
            tracing::error!("configuration: {error}");
        }
        tracing::error!(
            generation,
            problems = errors.len(),
            "the configuration was refused; the last good one is still served"
        );
    }

    /// Frees the former snapshots that nobody holds any more.
    pub(super) fn free_retired(&self) {
        let mut state = self.state();
        let (free, held): (Vec<_>, Vec<_>) =
            state.retired.drain(..).partition(|it| Arc::strong_count(it) == 1);
        state.retired = held;
        drop(state);
        drop(free);
    }

    /// What the last attempt read, the paths that were given included, as it was before.
    pub(super) fn seen(&self) -> Fingerprints {
        self.state().seen.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("status", &self.status()).finish_non_exhaustive()
    }
}

fn log_warnings(warnings: &[ConfigError]) {
    for warning in warnings.iter().take(LOGGED_MAX) {
        tracing::warn!("configuration: {warning}");
    }
    if warnings.len() > LOGGED_MAX {
        tracing::warn!("configuration: {} more warnings", warnings.len() - LOGGED_MAX);
    }
}
