//! Sends events to those who subscribed to them: which are due, to whom, signed how, and what comes of it.
//!
//! What is to be sent stands in the store, and what was done of it as soon as it was: whoever is killed has nothing to
//! remember. One replica at a time serves a subscription; a subscription is sent one event at a time.
mod courier;
mod message;
mod outcome;
mod receiver;

use crate::catalog::EventSubscription;
use crate::catalog::UpstreamSettings;
use crate::model::Scope;
use crate::model::UnixTime;
use crate::reload::Live;
use crate::server::WorkerError;
use crate::store::Due;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Taken;
use crate::store::Tried;
use crate::store::Waiting;
use crate::store::Work;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::DeliveryOutcome;
use crate::upstream::Resolver;
use crate::vault::Keys;
use courier::Courier;
use courier::Post;
use message::Message;
use outcome::Outcome;
use receiver::Receiver;
use receiver::ReceiverError;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task;
use tokio::task::JoinSet;

/// How often it is looked what is due, whatever is told.
const POLL: Duration = Duration::from_secs(1);

/// How often it is counted what waits.
const COUNTED: Duration = Duration::from_secs(10);

/// Events that become deliveries at once.
const TAKEN_MAX: u32 = 100;

/// How long a subscription is left alone that only a person can mend.
const BROKEN: Duration = Duration::from_secs(60);

/// How long it is where nothing is due, and so many wait that no further events become deliveries.
const FULL: Duration = Duration::from_secs(10);

/// How long it is where attache, or its store, can't do what is to be done at present.
const UNABLE: Duration = Duration::from_secs(5);

/// How long what is under way may take to finish when the program ends.
const END: Duration = Duration::from_secs(5);

/// How often it is looked whether the thread has ended.
const LOOK: Duration = Duration::from_millis(5);

/// What it works with.
pub struct Parts {
    pub store: Store,
    pub keys: Arc<Keys>,
    pub live: Arc<Live>,
    pub metrics: Arc<Metrics>,
    pub resolver: Resolver,
    pub clock: fn() -> UnixTime,
}

/// The sending of events, until stopped.
pub struct Notifying {
    stop: watch::Sender<bool>,
    /// The courier's: it ends when nobody has anything for it any more.
    thread: JoinHandle<()>,
}

impl Notifying {
    /// `runtime`: the store's.
    pub fn start(parts: Parts, runtime: &Handle) -> Result<Self, WorkerError> {
        let (stop, stops) = watch::channel(false);
        let metrics = Arc::clone(&parts.metrics);
        let (courier, thread) =
            Courier::start(parts.resolver.clone(), metrics, parts.clock, stops.clone())?;
        let notifier =
            Arc::new(Notifier { parts, courier, holder: holder(), stops, left: Mutex::default() });
        runtime.spawn(notifier.run());
        Ok(Self { stop, thread })
    }

    /// Lets attempts that are under way end, for a few seconds. Blocks.
    pub fn stop(self) {
        self.stop.send_replace(true);
        // For what is under way, for the store to be told, and as long for a store that is slow to answer.
        let deadline = Instant::now() + END * 4;
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::park_timeout(LOOK);
        }
        if self.thread.is_finished() {
            // A thread that panicked has said so already.
            drop(self.thread.join());
        }
    }
}

/// A name that no other process has, nor this one when it runs again.
fn holder() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    hex::encode(bytes)
}

struct Notifier {
    parts: Parts,
    courier: Courier,
    /// This process, among those that share the store.
    holder: String,
    stops: watch::Receiver<bool>,
    /// Those that are left alone, by their ids: as many as there are subscriptions.
    left: Mutex<HashMap<String, Left>>,
}

impl Notifier {
    async fn run(self: Arc<Self>) {
        let mut stops = self.stops.clone();
        let mut signals = self.parts.store.own_signals();
        let mut serving: JoinSet<()> = JoinSet::new();
        let mut busy: HashMap<task::Id, String> = HashMap::new();
        let (mut is_lost, mut counted) = (false, None::<Instant>);
        loop {
            match self.work().await {
                Ok(work) => {
                    is_lost = false;
                    for it in work {
                        if !busy.values().any(|id| *id == it.id) {
                            let id = it.id.clone();
                            let task = serving.spawn(Arc::clone(&self).serve(it));
                            busy.insert(task.id(), id);
                        }
                    }
                }
                Err(error) if !std::mem::replace(&mut is_lost, true) => {
                    tracing::warn!("events wait to be sent: {error}");
                }
                Err(_) => {}
            }
            if counted.is_none_or(|it| it.elapsed() >= COUNTED) {
                counted = Some(Instant::now());
                self.count().await;
            }
            tokio::select! {
                _ = stops.wait_for(|it| *it) => break,
                _ = signals.written() => {}
                Some(ended) = serving.join_next_with_id() => {
                    // One that panicked has said so already.
                    let id = ended.map_or_else(|it| it.id(), |it| it.0);
                    busy.remove(&id);
                }
                () = tokio::time::sleep(POLL) => {}
            }
        }
        let ended = async { while serving.join_next().await.is_some() {} };
        drop(tokio::time::timeout(END, ended).await);
        serving.shutdown().await;
        let released = self.parts.store.deliveries().release(&Scope::System, &self.holder);
        if let Ok(Err(error)) = tokio::time::timeout(END, released).await {
            tracing::warn!("other replicas wait for a moment before they send events: {error}");
        }
    }

    /// What there is to do, less what is left alone.
    async fn work(&self) -> Result<Vec<Work>, StoreError> {
        let mut all = self.parts.store.deliveries().work(&Scope::System, &self.holder).await?;
        let mut left = self.left();
        left.retain(|_, it| it.since.elapsed() < BROKEN);
        all.retain(|it| left.get(&it.id).is_none_or(|left| left.is_over(it)));
        Ok(all)
    }

    fn left(&self) -> MutexGuard<'_, HashMap<String, Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn count(&self) {
        // Whatever keeps it from being counted has been said.
        let Ok((pending, failing)) = self.counted().await else { return };
        self.parts.metrics.deliveries_wait(pending, failing);
    }

    /// Events that are to be sent, and receivers that do not take them.
    async fn counted(&self) -> Result<(i64, i64), StoreError> {
        let deliveries = self.parts.store.deliveries();
        let Waiting { deliveries: mut pending, failing, behind } =
            deliveries.waiting(&Scope::System).await?;
        for (id, definition) in behind {
            if let Some(it) = EventSubscription::stored(&definition, true) {
                pending += deliveries.to_come(&Scope::System, &id, it.types.as_deref()).await?;
            }
        }
        Ok((pending, failing))
    }

    async fn serve(self: Arc<Self>, work: Work) {
        let at = work.version;
        let done = self.deliver(&work).await;
        let is_full = matches!(done, Ok(Done::Full));
        let (version, pause, problem) = match done {
            Ok(Done::Something) | Err(ReceiverError::Gone) => {
                self.left().remove(&work.id);
                return;
            }
            // There was something to do, and nothing that could be done: whatever the reason, not at once again.
            Ok(Done::Nothing) => (None, POLL, None),
            Ok(Done::Full) => (None, FULL, None),
            Err(ReceiverError::Store(error)) if error.is_passing() => {
                (None, UNABLE, Some(error.to_string()))
            }
            Err(ReceiverError::Unsent(problem)) => (None, UNABLE, Some(problem)),
            Err(ReceiverError::Broken(problem)) => (Some(at), BROKEN, Some(problem)),
            Err(ReceiverError::Store(error)) => (Some(at), BROKEN, Some(error.to_string())),
        };
        let mut left = self.left();
        let was_told = left.get(&work.id).is_some_and(|it| it.is_told);
        let is_told = (was_told && !is_full) || problem.is_some();
        left.insert(work.id, Left { version, since: Instant::now(), pause, is_full, is_told });
        drop(left);
        match problem {
            None => {}
            Some(problem) if version.is_some() => tracing::error!(
                subscription = work.key,
                "events can't be sent, next try in a minute: {problem}"
            ),
            Some(problem) if !was_told => {
                tracing::warn!(subscription = work.key, "events wait to be sent: {problem}");
            }
            Some(problem) => {
                tracing::debug!(subscription = work.key, "events wait to be sent: {problem}");
            }
        }
    }

    /// Sends what is due, until there is nothing any more or its receiver gets a pause.
    async fn deliver(&self, work: &Work) -> Result<Done, ReceiverError> {
        let Parts { store, keys, .. } = &self.parts;
        let (deliveries, place) = (store.deliveries(), (&*work.id, &*self.holder));
        let mut done = Done::Nothing;
        if !deliveries.hold(&Scope::System, place.0, place.1).await? {
            return Ok(done);
        }
        let mut receiver = Receiver::load(store, keys, work).await?;
        while !*self.stops.borrow() {
            let due = deliveries.next(&Scope::System, place).await?;
            let version = due.as_ref().map(|it| it.version);
            if version.is_some_and(|it| it != receiver.version) {
                receiver = Receiver::load(store, keys, work).await?;
                continue;
            }
            if let Some(due) = due {
                let is_more = self.attempt(work, &receiver, &due).await?;
                done = Done::Something;
                if !is_more {
                    break;
                }
                continue;
            }
            let known = (receiver.version, receiver.subscription.types.as_deref());
            match deliveries.take(&Scope::System, place, known, TAKEN_MAX).await? {
                // Changed meanwhile, or somebody else's: the next round knows.
                Taken::Elsewhere | Taken::Looked(0) => break,
                Taken::Looked(_) => done = Done::Something,
                Taken::Full => return Ok(Done::Full),
            }
        }
        Ok(done)
    }

    /// False where it is not the time for more.
    async fn attempt(
        &self,
        work: &Work,
        receiver: &Receiver,
        due: &Due,
    ) -> Result<bool, ReceiverError> {
        let Parts { store, metrics, clock, .. } = &self.parts;
        let Some(event) = &due.event else {
            let place = (&*work.id, &*self.holder);
            let given_up = store.deliveries().give_up(&Scope::System, place, due.seq, FORGOTTEN);
            let is_ours = given_up.await?;
            if is_ours {
                metrics.delivery(DeliveryOutcome::Failed);
                tracing::warn!(
                    subscription = work.key,
                    seq = due.seq,
                    "an event is given up: {FORGOTTEN}"
                );
            }
            return Ok(is_ours);
        };
        let message = Message::new(event, clock(), &receiver.keys(due.now_ms));
        let (url, settings) = (receiver.subscription.url.clone(), self.settings());
        let post = Post { key: receiver.name.clone(), url, message, settings };
        let brought = self.courier.bring(post).await;
        let is_more = self.written_down(work, receiver, (due, &event.id), &brought.answer).await;
        brought.ended().await;
        is_more
    }

    /// What came of an attempt. False where it is not the time for more.
    async fn written_down(
        &self,
        work: &Work,
        receiver: &Receiver,
        (due, event): (&Due, &str),
        answer: &outcome::Answer,
    ) -> Result<bool, ReceiverError> {
        let Parts { store, metrics, .. } = &self.parts;
        let found = outcome::outcome(answer, due, chance());
        if *self.stops.borrow() && !matches!(answer, outcome::Answer::Status { .. }) {
            // Not its receiver's fault.
            return Ok(false);
        }
        let Outcome { attempt, disabled } = found.map_err(ReceiverError::Unsent)?;
        let place = (&*work.id, &*self.holder, receiver.version);
        let tried = match &disabled {
            None => store.deliveries().tried(&Scope::System, place, due.seq, &attempt).await?,
            Some(because) => {
                let (subscriptions, tried) = (store.subscriptions(), (due.seq, &attempt));
                subscriptions.ended(&Scope::System, &work.key, place, tried, because).await?
            }
        };
        match tried {
            Tried::Written => {}
            Tried::Changed => return Ok(true),
            Tried::Elsewhere => {
                tracing::info!(
                    subscription = work.key,
                    "another replica sends its events meanwhile"
                );
                return Ok(false);
            }
        }
        let is_delivered = attempt.problem.is_empty();
        metrics.delivery(match (is_delivered, attempt.again_in_ms) {
            (true, _) => DeliveryOutcome::Delivered,
            (false, Some(_)) => DeliveryOutcome::Retried,
            (false, None) => DeliveryOutcome::Failed,
        });
        match (is_delivered, due.failures) {
            (true, 0) => {}
            (true, _) => tracing::info!(subscription = work.key, "events are taken again"),
            (false, _) if attempt.again_in_ms.is_none() => {
                tracing::warn!(
                    subscription = work.key,
                    event,
                    "an event is given up: {}",
                    attempt.problem
                );
            }
            (false, 0) => {
                tracing::warn!(
                    subscription = work.key,
                    event,
                    "an event can't be delivered, and is sent again later: {}",
                    attempt.problem
                );
            }
            (false, _) => {
                tracing::debug!(subscription = work.key, event, "{}", attempt.problem);
            }
        }
        if let Some(because) = disabled {
            tracing::error!(
                subscription = work.key,
                "it is disabled, no more events are sent: {because}"
            );
        }
        Ok(is_delivered)
    }

    /// What everything outward goes by, with TLS unless it stays inside.
    fn settings(&self) -> Arc<UpstreamSettings> {
        let snapshot = self.parts.live.snapshot_full();
        let defaults = snapshot.upstream_defaults();
        Arc::new(UpstreamSettings { plain_inside_only: true, ..UpstreamSettings::clone(defaults) })
    }
}

/// What came of a look at what there is to do.
#[derive(Clone, Copy, Debug)]
enum Done {
    Something,
    /// There was nothing that could be done.
    Nothing,
    /// What is due was sent, and too many wait for further events to become deliveries.
    Full,
}

/// A subscription that is left alone.
struct Left {
    /// Until it has another one; none where that would change nothing.
    version: Option<i64>,
    since: Instant,
    pause: Duration,
    /// Whether it is left alone only as long as nothing is due.
    is_full: bool,
    /// Whether the log says why.
    is_told: bool,
}

impl Left {
    fn is_over(&self, work: &Work) -> bool {
        (self.is_full && work.is_due)
            || self.since.elapsed() >= self.pause
            || self.version.is_some_and(|it| it != work.version)
    }
}

/// Why a delivery is given up that there is nothing to send of.
const FORGOTTEN: &str = "its event is forgotten: events are kept for 30 days";

fn chance() -> u8 {
    let mut byte = [0];
    aws_lc_rs::rand::fill(&mut byte).expect("the operating system has randomness");
    byte[0]
}
