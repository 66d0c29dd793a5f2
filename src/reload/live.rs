//! The snapshot that is served now, and how the next one takes its place.
use super::files;
use super::files::Fingerprints;
use super::in_force::Told;
use super::load::Loaded;
use super::load::attempt;
use super::stored::Layer;
use crate::catalog::Patched;
use crate::catalog::Section;
use crate::catalog::Skipped;
use crate::catalog::Snapshot;
use crate::catalog::StoredConnection;
use crate::catalog::Touched;
use crate::config::ConfigError;
use crate::config::InForce;
use crate::config::OriginKind;
use crate::config::Settings;
use crate::model::Key;
use crate::model::UnixTime;
use crate::seal::Sealer;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Reread;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;

/// How long a write may take to be served here.
const APPLIED: Duration = Duration::from_secs(5);

/// The feed comes round several times a second. Where it has not for this long it says nothing any more, not
/// even that the store is lost.
const ROUND_MAX: Duration = Duration::from_secs(10);

/// Problems that are logged one by one; `attache config check` tells all of them.
const LOGGED_MAX: usize = 20;

/// The value of a setting that `${NAME}` stands for.
pub type Env = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where configuration comes from.
pub struct Source {
    /// Files and folders, as they were given.
    pub paths: Vec<PathBuf>,
    pub env: Env,
    /// There is a store, whatever the files say.
    pub has_store: bool,
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
    /// Counts the snapshots served.
    generation: AtomicU64,
    state: Mutex<State>,
    /// One reload at a time. Files may take as long as they like: nobody but another reload waits for that.
    reloading: Mutex<()>,
    /// One snapshot is made at a time, from what has been read. What is served of a store, where there is one.
    turn: Mutex<Option<Beside>>,
    /// When the feed came round last, in milliseconds since `epoch`; 0 where there is none.
    came_round_ms: AtomicU64,
    epoch: Instant,
    /// Whether the store is not reached, or its feed does not come round.
    is_in_trouble: watch::Sender<bool>,
    /// Counts how often the store was asked what has changed.
    asked: AtomicU64,
    /// Somebody waits for the store to be asked so often.
    awaited: watch::Sender<u64>,
    served: watch::Sender<Served>,
    source: Source,
    metrics: Arc<Metrics>,
    /// Nobody is served it: what would be is tried out.
    is_aside: bool,
}

/// How much of the store is served.
#[derive(Clone, Copy, Default)]
struct Served {
    /// What was committed when the store was asked so often,
    asked: u64,
    /// up to this revision.
    position: i64,
}

/// What of a store is served beside the files.
#[derive(Clone)]
struct Beside {
    layer: Layer,
    sealer: Arc<Sealer>,
    /// What of it is not served, and why.
    skipped: BTreeMap<(Section, Key), String>,
}

/// How things stand with the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStatus {
    /// The store's revision up to which everything is served.
    pub position: i64,
    pub last_contact: UnixTime,
    /// Why it is not reached, since its last contact; none while it is.
    pub problem: Option<String>,
    /// Stored definitions that are not served, or not whole: which, and why.
    pub skipped: Vec<String>,
}

struct State {
    status: Status,
    settings: Settings,
    /// What is in force, and who said so.
    told: Told,
    /// What the last attempt read, as it was before.
    seen: Fingerprints,
    /// Former snapshots that someone may still hold: the last to let go of one frees it, which
    /// takes its time, and must not be a worker.
    retired: Vec<Arc<Snapshot>>,
    store: Option<StoreStatus>,
    withheld: Withheld,
}

/// Stored definitions that are not served, whatever is read of them, until they were read anew.
#[derive(Default)]
struct Withheld {
    touched: Touched,
    /// Counts how often something was withheld.
    turn: u64,
}

impl Live {
    /// The first load. Warnings are logged.
    pub fn start(
        source: Source,
        metrics: Arc<Metrics>,
    ) -> Result<(Arc<Self>, Settings), Vec<ConfigError>> {
        let (loaded, seen) = attempt(&source.paths, &*source.env, &files::value);
        let Loaded { settings, snapshot, warnings, told, .. } =
            loaded?.with_store(source.has_store)?;
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
                told,
                seen,
                retired: Vec::new(),
                store: None,
                withheld: Withheld::default(),
            }),
            reloading: Mutex::new(()),
            turn: Mutex::new(None),
            came_round_ms: AtomicU64::new(0),
            epoch: Instant::now(),
            is_in_trouble: watch::Sender::new(false),
            asked: AtomicU64::new(0),
            awaited: watch::Sender::new(0),
            served: watch::Sender::default(),
            source,
            metrics,
            is_aside: false,
        };
        Ok((Arc::new(live), settings))
    }

    /// Serves a snapshot that comes from no file.
    pub fn fixed(snapshot: Snapshot, metrics: Arc<Metrics>, clock: fn() -> UnixTime) -> Arc<Self> {
        let source = Source { paths: Vec::new(), env: Box::new(|_| None), has_store: false, clock };
        let now = clock();
        metrics.reload(true, 1, now);
        Arc::new(Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            generation: AtomicU64::new(1),
            state: Mutex::new(State {
                status: Status { generation: 1, loaded_at: now, last_error: None },
                settings: Settings::default(),
                told: Told::default(),
                seen: Fingerprints::new(),
                retired: Vec::new(),
                store: None,
                withheld: Withheld::default(),
            }),
            reloading: Mutex::new(()),
            turn: Mutex::new(None),
            came_round_ms: AtomicU64::new(0),
            epoch: Instant::now(),
            is_in_trouble: watch::Sender::new(false),
            asked: AtomicU64::new(0),
            awaited: watch::Sender::new(0),
            served: watch::Sender::default(),
            source,
            metrics,
            is_aside: false,
        })
    }

    /// A copy of what is served now, to try out changes on: nobody is served it, and it follows nothing. None
    /// where nothing is served of a store.
    pub fn aside(&self) -> Option<Arc<Self>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let beside = turn.as_ref()?.clone();
        let snapshot = self.snapshot_full();
        drop(turn);
        let clock = self.source.clock;
        Some(Arc::new(Self {
            snapshot: ArcSwap::new(snapshot),
            generation: AtomicU64::new(1),
            state: Mutex::new(State {
                status: self.status(),
                settings: Settings::default(),
                told: Told::default(),
                seen: Fingerprints::new(),
                retired: Vec::new(),
                store: None,
                withheld: Withheld::default(),
            }),
            reloading: Mutex::new(()),
            turn: Mutex::new(Some(beside)),
            came_round_ms: AtomicU64::new(0),
            epoch: Instant::now(),
            is_in_trouble: watch::Sender::new(false),
            asked: AtomicU64::new(0),
            awaited: watch::Sender::new(0),
            served: watch::Sender::default(),
            source: Source { paths: Vec::new(), env: Box::new(|_| None), has_store: false, clock },
            metrics: Arc::clone(&self.metrics),
            is_aside: true,
        }))
    }

    /// What of the store is not served, or not whole, and why.
    pub fn skipped(&self) -> BTreeMap<(Section, Key), String> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        turn.as_ref().map(|it| it.skipped.clone()).unwrap_or_default()
    }

    /// What is served now. The guard is cheap, and is let go of before anything is awaited.
    pub fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// What is served now, to be kept over an exchange.
    pub fn snapshot_full(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Counts the snapshots served: whoever keeps one sees by it that there is another.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn status(&self) -> Status {
        self.state().status.clone()
    }

    /// What is in force, and who said so.
    pub fn in_force(&self) -> Told {
        self.state().told.clone()
    }

    /// What somebody has said of a setting beside the files, which goes before them.
    pub fn said(&self, said: InForce) {
        let mut state = self.state();
        match state.told.settings.iter_mut().find(|it| it.path == said.path) {
            Some(former) => *former = said,
            None => state.told.settings.push(said),
        }
    }

    /// What a file of this name says was made by attache.
    pub fn made(&self, file: &str) {
        for it in &mut self.state().told.settings {
            if it.origin.file.as_deref() == Some(file) {
                it.origin.kind = OriginKind::Made;
            }
        }
    }

    /// Loads everything again and serves it, if it is sound as a whole; else what is served stays,
    /// and the failure is logged, counted and kept in the status. Blocks on the file system.
    pub fn reload_now(&self) -> Result<(), Vec<ConfigError>> {
        if self.source.paths.is_empty() {
            return Ok(());
        }
        let _reloading = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let (loaded, seen) = attempt(&self.source.paths, &*self.source.env, &files::value);
        self.state().seen = seen;
        match loaded.and_then(|it| it.with_store(self.source.has_store)) {
            Ok(loaded) => {
                let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
                self.serve(loaded, turn.as_mut());
                Ok(())
            }
            Err(errors) => {
                self.refuse(&errors);
                Err(errors)
            }
        }
    }

    fn serve(&self, loaded: Loaded, beside: Option<&mut Beside>) {
        let Loaded { settings, mut snapshot, warnings, told, .. } = loaded;
        log_warnings(&warnings);
        if let Some(beside) = beside {
            beside.skipped.clear();
            snapshot = beside.patched(&snapshot, beside.layer.stored.keys());
            self.note_skipped(beside);
        }
        let now = (self.source.clock)();
        let connections = snapshot.connections().len();
        self.swap(snapshot);
        let mut state = self.state();
        state.status.generation += 1;
        state.status.loaded_at = now;
        state.status.last_error = None;
        // The process goes on with the settings that it was started with.
        state.told.served = told.served;
        let generation = state.status.generation;
        if settings != state.settings {
            tracing::warn!("the settings of listeners, logs or store changed: restart to use them");
            state.settings = settings;
        }
        drop(state);
        self.metrics.reload(true, generation, now);
        tracing::info!(generation, connections, "configuration loaded");
    }

    fn swap(&self, snapshot: Snapshot) {
        let former = self.snapshot.swap(Arc::new(snapshot));
        self.generation.fetch_add(1, Ordering::Release);
        self.state().retired.push(former);
        self.free_retired();
    }

    /// Serves all that the store has beside the files.
    pub(super) fn stored(&self, layer: Layer, sealer: Arc<Sealer>) {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut beside = Beside { layer, sealer, skipped: BTreeMap::new() };
        let mut all = beside.layer.stored.keys();
        if let Some(former) = turn.take() {
            // What is gone from the store goes.
            all.extend(former.layer.stored.keys());
        }
        beside.layer.merge(Layer::default(), &self.state().withheld.touched);
        let snapshot = beside.patched(&self.snapshot(), all);
        self.swap(snapshot);
        self.note_skipped(&beside);
        *turn = Some(beside);
    }

    /// Serves what was read of the touched definitions, and leaves all else as it is.
    pub(super) fn change(&self, read: Layer, touched: Touched) {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(beside) = turn.as_mut() else { return };
        beside.layer.merge(read, &touched);
        // It may have been read before what it is withheld for.
        beside.layer.merge(Layer::default(), &self.state().withheld.touched);
        let snapshot = beside.patched(&self.snapshot(), touched);
        self.swap(snapshot);
        self.note_skipped(beside);
    }

    /// Serves these stored definitions no more, nor what depends on them, until they were read anew.
    pub(super) fn withhold(&self, touched: Touched) {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(beside) = turn.as_mut() else { return };
        self.withhold_of(beside, touched);
    }

    pub(super) fn withhold_everything(&self) {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(beside) = turn.as_mut() else { return };
        let touched = beside.layer.stored.keys();
        self.withhold_of(beside, touched);
    }

    fn withhold_of(&self, beside: &mut Beside, touched: Touched) {
        if touched.is_empty() {
            return;
        }
        let mut state = self.state();
        state.withheld.turn += 1;
        state.withheld.touched.extend(touched.clone());
        drop(state);
        beside.layer.merge(Layer::default(), &touched);
        let snapshot = beside.patched(&self.snapshot(), touched);
        self.swap(snapshot);
        self.note_skipped(beside);
    }

    /// What is withheld, where something is, and the turn to serve it in.
    pub(super) fn withheld(&self) -> Option<(u64, Touched)> {
        let state = self.state();
        let Withheld { touched, turn } = &state.withheld;
        (!touched.is_empty()).then(|| (*turn, touched.clone()))
    }

    /// Serves what was read of what is withheld, unless something was withheld since.
    pub(super) fn restore(&self, read: Layer, touched: Touched, turn: u64) {
        let mut own_turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(beside) = own_turn.as_mut() else { return };
        let mut state = self.state();
        if state.withheld.turn != turn {
            return;
        }
        state.withheld.touched = Touched::default();
        drop(state);
        beside.layer.merge(read, &touched);
        let snapshot = beside.patched(&self.snapshot(), touched);
        self.swap(snapshot);
        self.note_skipped(beside);
    }

    /// The store is about to be asked what has changed: the how manieth time.
    pub(super) fn store_asked(&self) -> u64 {
        self.asked.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Until somebody waits for the store to be asked.
    pub(super) async fn store_awaited(&self) {
        let mut awaited = self.awaited.subscribe();
        // It goes on as long as this value does.
        drop(awaited.wait_for(|it| *it > self.asked.load(Ordering::Acquire)).await);
    }

    /// The store answered, and everything up to this revision is served that was there when it was asked.
    pub(super) fn store_reached(&self, position: i64, asked: u64) {
        let now = (self.source.clock)();
        let mut state = self.state();
        let store = state.store.get_or_insert_default();
        store.position = position;
        store.last_contact = now;
        store.problem = None;
        self.came_round();
        drop(state);
        self.is_in_trouble.send_replace(false);
        self.metrics.store_reached(position, now);
        self.served.send_replace(Served { asked, position });
    }

    /// So many stored rows did not read when they were to be shown.
    pub fn store_unreadable(&self, count: usize) {
        self.metrics.store_unreadable(count);
    }

    /// Everything is read from the store again.
    pub(super) fn store_reread(&self, why: Reread) {
        self.metrics.store_reread(why);
    }

    pub(super) fn store_lost(&self, problem: &str) {
        let mut state = self.state();
        state.store.get_or_insert_default().problem = Some(problem.to_owned());
        self.came_round();
        drop(state);
        self.is_in_trouble.send_replace(true);
        self.metrics.store_lost();
    }

    /// Looks whether the feed still comes round, and says so where it does not: to be called now and then,
    /// by whoever waits neither for the store nor for the feed.
    pub fn look_after_feed(&self, now: Instant) {
        let came_round_ms = self.came_round_ms.load(Ordering::Acquire);
        let quiet = self.since_epoch_ms(now).saturating_sub(came_round_ms);
        if came_round_ms == 0 || u128::from(quiet) <= ROUND_MAX.as_millis() {
            return;
        }
        let mut state = self.state();
        let store = state.store.get_or_insert_default();
        let came_round_since = self.came_round_ms.load(Ordering::Acquire) != came_round_ms;
        if store.problem.is_some() || came_round_since {
            return;
        }
        let problem =
            format!("what has changed was not taken up for {} seconds", ROUND_MAX.as_secs());
        store.problem = Some(problem.clone());
        drop(state);
        self.is_in_trouble.send_replace(true);
        self.metrics.store_lost();
        tracing::error!("the store's feed is stuck: {problem}");
    }

    /// Until the store is not reached, or its feed does not come round.
    pub(super) async fn store_in_trouble(&self) {
        // It goes on as long as this value does.
        drop(self.is_in_trouble.subscribe().wait_for(|it| *it).await);
    }

    fn came_round(&self) {
        let now = self.since_epoch_ms(Instant::now());
        self.came_round_ms.store(now.max(1), Ordering::Release);
    }

    fn since_epoch_ms(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.epoch).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    /// How things stand with the store; none where there is none.
    pub fn store_status(&self) -> Option<StoreStatus> {
        self.state().store.clone()
    }

    /// Waits until a write to the store is served here, which has been committed. False where that takes
    /// too long: the store may have gone since.
    ///
    /// What was served before counts for nothing: a database that was restored has had these revisions
    /// already, for other changes.
    pub async fn applied(&self, revision: i64) -> bool {
        self.applied_within(revision, APPLIED).await
    }

    /// The same, for as long as this.
    pub(super) async fn applied_within(&self, revision: i64, patience: Duration) -> bool {
        if self.is_aside {
            return true;
        }
        let mut served = self.served.subscribe();
        let before = self.asked.load(Ordering::Acquire);
        self.awaited.send_if_modified(|it| {
            let is_later = *it <= before;
            *it = (*it).max(before + 1);
            is_later
        });
        let is_served = |it: &Served| {
            it.asked > before && it.position >= revision && self.state().withheld.touched.is_empty()
        };
        let applied = served.wait_for(is_served);
        tokio::time::timeout(patience, applied).await.is_ok_and(|it| it.is_ok())
    }

    fn note_skipped(&self, beside: &Beside) {
        if self.is_aside {
            return;
        }
        let unreadable = beside
            .layer
            .unreadable
            .iter()
            .map(|((section, key), problem)| format!("{} {key}: {problem}", section.noun()));
        let skipped = beside
            .skipped
            .iter()
            .map(|((section, key), problem)| format!("{} {key}: {problem}", section.noun()));
        let all: Vec<String> = unreadable.chain(skipped).collect();
        self.metrics.store_skipped(all.len());
        let mut state = self.state();
        let store = state.store.get_or_insert_default();
        let former = std::mem::replace(&mut store.skipped, all.clone());
        drop(state);
        for problem in all.iter().filter(|it| !former.contains(it)).take(LOGGED_MAX) {
            tracing::error!("not served from the store: {problem}");
        }
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

impl Beside {
    fn patched(&mut self, snapshot: &Snapshot, touched: Touched) -> Snapshot {
        let Self { layer, sealer, skipped } = self;
        let open = |_: &Key, row: &StoredConnection| layer.open(row, sealer);
        let Patched { snapshot, rebuilt, skipped: anew } =
            snapshot.patched(&layer.stored, touched, &open);
        skipped.retain(|(section, key), _| !rebuilt.keys(*section).contains(key));
        for Skipped { section, key, problems } in anew {
            let problem = problems.into_iter().next().map_or_else(String::new, |it| it.problem);
            skipped.insert((section, key), problem);
        }
        snapshot
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
