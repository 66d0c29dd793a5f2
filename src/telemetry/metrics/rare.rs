//! What is counted seldom: shared counters, one atomic instruction each.
use super::Metrics;
use super::bounded::Bounded;
use super::labels::CircuitEvent;
use super::labels::ConnectOutcome;
use super::labels::DeliveryOutcome;
use super::labels::DeliveryRecord;
use super::labels::Limit;
use super::labels::LinkRefusal;
use super::labels::Listener;
use super::labels::LookUp;
use super::labels::OperatorFailure;
use super::labels::PageStatus;
use super::labels::RenewalOutcome;
use super::labels::ReplayAsk;
use super::labels::ReplayWrite;
use super::labels::Reread;
use super::labels::RetryOutcome;
use super::labels::RetryReason;
use super::labels::RevocationOutcome;
use super::labels::SignInOutcome;
use super::labels::SignInWay;
use super::labels::WebhookVerdict;
use super::list;
use super::list::Definition;
use crate::model::EventType;
use crate::model::UnixTime;
use crate::telemetry::log;
use prometheus::Counter;
use prometheus::Gauge;
use prometheus::IntCounter;
use prometheus::IntCounterVec;
use prometheus::IntGauge;
use prometheus::Opts;
use prometheus::Registry;
use prometheus::core::Collector;
use std::time::Duration;

/// How the stored grants are, of all replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantsNow {
    pub failing: i64,
    /// A person has to authorize them again.
    pub dead: i64,
    /// With a token request of which nobody knows what came of it.
    pub open: i64,
    /// For how long the earliest that is due has been.
    pub late_ms: i64,
}

pub(super) struct Rare {
    operator_failures: IntCounterVec,
    sign_ins: IntCounterVec,
    connect_pages: IntCounterVec,
    links_refused: IntCounterVec,
    limited: IntCounterVec,
    queued: IntCounterVec,
    circuits_open: IntGauge,
    circuit_events: IntCounterVec,
    bodies_held: IntGauge,
    retries: IntCounterVec,
    skewed: IntCounter,
    egress_refused: Bounded,
    webhook_verdicts: Bounded,
    replay_asks: IntCounterVec,
    replay_writes: IntCounterVec,
    replay_wait: Counter,
    delivery_records: IntCounterVec,
    store_up: IntGauge,
    store_contact: Gauge,
    store_position: IntGauge,
    store_skipped: IntGauge,
    store_unreadable: IntCounter,
    store_rereads: IntCounterVec,
    look_ups: IntCounterVec,
    activations_kept: IntGauge,
    credentials_failing: IntGauge,
    renewals: IntCounterVec,
    revocations: IntCounterVec,
    connect_outcomes: IntCounterVec,
    certificates_ended: IntGauge,
    certificates_ending: IntGauge,
    grants_failing: IntGauge,
    grants_dead: IntGauge,
    grants_open: IntGauge,
    grants_late: IntGauge,
    audit_entries: IntCounter,
    audit_breaks: IntCounter,
    events: IntCounterVec,
    deliveries: IntCounterVec,
    deliveries_pending: IntGauge,
    subscriptions_failing: IntGauge,
    reloads: IntCounterVec,
    generation: IntGauge,
    reload_ok: IntGauge,
    reloaded_at: Gauge,
    sealing_keys_ok: IntGauge,
    log_written: IntCounter,
    log_dropped: IntCounter,
    events_dropped: IntCounter,
    panics: IntCounter,
}

impl Rare {
    pub(super) fn new(registry: &Registry, started: UnixTime) -> Self {
        counters_as_gauges(registry, &list::BUILD)
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        gauge(registry, &list::STARTED).set(seconds(started));
        let reloads = counters(registry, &list::RELOADS);
        for result in ["ok", "failed"] {
            reloads.with_label_values(&[result]).inc_by(0);
        }
        let sealing_keys_ok = int_gauge(registry, &list::SEALING_KEYS_OK);
        sealing_keys_ok.set(1);
        Self {
            operator_failures: counters(registry, &list::OPERATOR_FAILURES),
            sign_ins: counters(registry, &list::SIGN_INS),
            connect_pages: counters(registry, &list::CONNECT_PAGES),
            links_refused: counters(registry, &list::LINKS_REFUSED),
            limited: counters(registry, &list::LIMITED),
            queued: counters(registry, &list::QUEUED),
            circuits_open: int_gauge(registry, &list::CIRCUITS_OPEN),
            circuit_events: counters(registry, &list::CIRCUIT_EVENTS),
            bodies_held: int_gauge(registry, &list::BODIES_HELD),
            retries: counters(registry, &list::RETRIES),
            skewed: counter(registry, &list::SKEWED),
            egress_refused: Bounded::new(registry, &list::EGRESS_REFUSED, list::CLASSES_MAX),
            webhook_verdicts: Bounded::new(registry, &list::WEBHOOK_VERDICTS, list::NAMES_MAX),
            replay_asks: counters(registry, &list::REPLAY_ASKS),
            replay_writes: counters(registry, &list::REPLAY_WRITES),
            replay_wait: seconds_counter(registry, &list::REPLAY_WAIT),
            delivery_records: counters(registry, &list::DELIVERY_RECORDS),
            store_up: int_gauge(registry, &list::STORE_UP),
            store_contact: gauge(registry, &list::STORE_CONTACT),
            store_position: int_gauge(registry, &list::STORE_POSITION),
            store_skipped: int_gauge(registry, &list::STORE_SKIPPED),
            store_unreadable: counter(registry, &list::STORE_UNREADABLE),
            store_rereads: counters(registry, &list::STORE_REREADS),
            look_ups: counters(registry, &list::LOOK_UPS),
            activations_kept: int_gauge(registry, &list::ACTIVATIONS_KEPT),
            credentials_failing: int_gauge(registry, &list::CREDENTIALS_FAILING),
            renewals: counters(registry, &list::RENEWALS),
            revocations: counters(registry, &list::REVOCATIONS),
            connect_outcomes: counters(registry, &list::CONNECT_OUTCOMES),
            certificates_ended: int_gauge(registry, &list::CERTIFICATES_ENDED),
            certificates_ending: int_gauge(registry, &list::CERTIFICATES_ENDING),
            grants_failing: int_gauge(registry, &list::GRANTS_FAILING),
            grants_dead: int_gauge(registry, &list::GRANTS_DEAD),
            grants_open: int_gauge(registry, &list::GRANTS_OPEN),
            grants_late: int_gauge(registry, &list::GRANTS_LATE),
            audit_entries: counter(registry, &list::AUDIT_ENTRIES),
            audit_breaks: counter(registry, &list::AUDIT_BREAKS),
            events: counters(registry, &list::EVENTS),
            deliveries: counters(registry, &list::DELIVERIES),
            deliveries_pending: int_gauge(registry, &list::DELIVERIES_PENDING),
            subscriptions_failing: int_gauge(registry, &list::SUBSCRIPTIONS_FAILING),
            reloads,
            generation: int_gauge(registry, &list::GENERATION),
            reload_ok: int_gauge(registry, &list::RELOAD_OK),
            reloaded_at: gauge(registry, &list::RELOADED_AT),
            sealing_keys_ok,
            log_written: counter(registry, &list::LOG_WRITTEN),
            log_dropped: counter(registry, &list::LOG_DROPPED),
            events_dropped: counter(registry, &list::EVENTS_DROPPED),
            panics: counter(registry, &list::PANICS),
        }
    }
}

impl Rare {
    /// Takes over what is counted elsewhere.
    pub(super) fn update(&self) {
        let counted = self.events_dropped.get();
        self.events_dropped.inc_by(log::dropped().saturating_sub(counted));
    }
}

impl Metrics {
    pub fn connect_page(&self, status: PageStatus) {
        self.rare.connect_pages.with_label_values(&[status.as_str()]).inc();
    }

    pub fn operator_failure(&self, reason: OperatorFailure) {
        self.rare.operator_failures.with_label_values(&[reason.as_str()]).inc();
    }

    /// Somebody has signed in to the console, or tried to.
    pub fn sign_in(&self, way: SignInWay, outcome: SignInOutcome) {
        self.rare.sign_ins.with_label_values(&[way.as_str(), outcome.as_str()]).inc();
    }

    pub fn link_refused(&self, listener: Listener, reason: LinkRefusal) {
        self.rare.links_refused.with_label_values(&[listener.as_str(), reason.as_str()]).inc();
    }

    pub fn limited(&self, limit: Limit) {
        self.rare.limited.with_label_values(&[limit.as_str()]).inc();
    }

    /// A request has to wait for a place.
    pub fn queued(&self, limit: Limit) {
        self.rare.queued.with_label_values(&[limit.as_str()]).inc();
    }

    /// So many circuits are open now.
    pub fn circuits_open(&self, open: usize) {
        self.rare.circuits_open.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    pub fn circuit(&self, event: CircuitEvent) {
        self.rare.circuit_events.with_label_values(&[event.as_str()]).inc();
    }

    /// So many bytes of bodies are held now.
    pub fn bodies_held(&self, bytes: usize) {
        self.rare.bodies_held.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub fn retry(&self, reason: RetryReason, outcome: RetryOutcome) {
        self.rare.retries.with_label_values(&[reason.as_str(), outcome.as_str()]).inc();
    }

    /// An upstream refused a signed request, and its clock is far from ours.
    pub fn skewed(&self) {
        self.rare.skewed.inc();
    }

    /// `class`: of the address, as the egress guard calls it.
    pub fn egress_refused(&self, class: &'static str) {
        self.rare.egress_refused.count(class, &[]);
    }

    /// `connection`: the key of a connection that exists; deliveries to others are counted under one
    /// empty name by whoever refuses them, or anyone could use the names up.
    pub fn webhook_verdict(&self, connection: &str, verdict: WebhookVerdict) {
        let connection = if connection.is_empty() { list::NONE } else { connection };
        self.rare.webhook_verdicts.count(connection, &[verdict.as_str()]);
    }

    /// The store was asked about a delivery.
    pub fn replay_asked(&self, said: ReplayAsk) {
        self.rare.replay_asks.with_label_values(&[said.as_str()]).inc();
    }

    /// So many accepted deliveries were written to the store, or were not.
    pub fn replay_written(&self, outcome: ReplayWrite, count: u64) {
        if count > 0 {
            self.rare.replay_writes.with_label_values(&[outcome.as_str()]).inc_by(count);
        }
    }

    /// A delivery waited for the store.
    pub fn replay_waited(&self, took: Duration) {
        self.rare.replay_wait.inc_by(took.as_secs_f64());
    }

    /// So many records of deliveries are kept, or are not.
    pub fn delivery_recorded(&self, outcome: DeliveryRecord, count: u64) {
        if count > 0 {
            self.rare.delivery_records.with_label_values(&[outcome.as_str()]).inc_by(count);
        }
    }

    /// The store answered, and so much of it is served.
    pub fn store_reached(&self, position: i64, now: UnixTime) {
        self.rare.store_up.set(1);
        self.rare.store_contact.set(seconds(now));
        self.rare.store_position.set(position);
    }

    /// The store did not answer.
    pub fn store_lost(&self) {
        self.rare.store_up.set(0);
    }

    /// So many stored definitions are not served now.
    pub fn store_skipped(&self, count: usize) {
        self.rare.store_skipped.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// So many stored rows did not read when they were to be shown.
    pub fn store_unreadable(&self, count: usize) {
        self.rare.store_unreadable.inc_by(count as u64);
    }

    /// Everything is read from the store again.
    pub fn store_reread(&self, why: Reread) {
        self.rare.store_rereads.with_label_values(&[why.as_str()]).inc();
    }

    /// An activation was looked up in the store.
    pub fn looked_up(&self, outcome: LookUp) {
        self.rare.look_ups.with_label_values(&[outcome.as_str()]).inc();
    }

    /// So many activations are in memory now.
    pub fn activations_kept(&self, count: u64) {
        self.rare.activations_kept.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// So many credentials are told of as failing now.
    pub fn credentials_failing(&self, count: usize) {
        self.rare.credentials_failing.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// So many certificates for upstreams have ended, and so many are about to.
    pub fn certificates(&self, ended: usize, ending: usize) {
        self.rare.certificates_ended.set(i64::try_from(ended).unwrap_or(i64::MAX));
        self.rare.certificates_ending.set(i64::try_from(ending).unwrap_or(i64::MAX));
    }

    /// How the stored grants are.
    pub fn grants(&self, now: GrantsNow) {
        self.rare.grants_failing.set(now.failing);
        self.rare.grants_dead.set(now.dead);
        self.rare.grants_open.set(now.open);
        self.rare.grants_late.set(now.late_ms / 1000);
    }

    /// So many entries of the audit trail were made.
    pub fn audited(&self, entries: u64) {
        self.rare.audit_entries.inc_by(entries);
    }

    /// The end of the audit trail was not as attache left it.
    pub fn audit_broken(&self) {
        self.rare.audit_breaks.inc();
    }

    /// A token was asked for.
    pub fn renewal(&self, outcome: RenewalOutcome) {
        self.rare.renewals.with_label_values(&[outcome.as_str()]).inc();
    }

    /// A provider was to end what was had of one grant.
    pub fn revocation(&self, outcome: RevocationOutcome) {
        self.rare.revocations.with_label_values(&[outcome.as_str()]).inc();
    }

    /// Something came of a connection of a connect session.
    pub fn connect_outcome(&self, outcome: ConnectOutcome) {
        self.rare.connect_outcomes.with_label_values(&[outcome.as_str()]).inc();
    }

    /// An event was told.
    pub fn event(&self, event: EventType) {
        self.rare.events.with_label_values(&[event.as_str()]).inc();
    }

    /// It was tried to send an event to a subscription.
    pub fn delivery(&self, outcome: DeliveryOutcome) {
        self.rare.deliveries.with_label_values(&[outcome.as_str()]).inc();
    }

    /// So many deliveries wait now, and so many subscriptions are not reached.
    pub fn deliveries_wait(&self, pending: i64, failing: i64) {
        self.rare.deliveries_pending.set(pending);
        self.rare.subscriptions_failing.set(failing);
    }

    /// A configuration was loaded, the first one at start included. A failure leaves the generation
    /// and its time as they are.
    pub fn reload(&self, ok: bool, generation: u64, now: UnixTime) {
        self.rare.reloads.with_label_values(&[if ok { "ok" } else { "failed" }]).inc();
        self.rare.reload_ok.set(i64::from(ok));
        if ok {
            self.rare.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
            self.rare.reloaded_at.set(seconds(now));
        }
    }

    /// Whether the sealing keys could be read when they were read last.
    pub fn sealing_keys(&self, ok: bool) {
        self.rare.sealing_keys_ok.set(i64::from(ok));
    }

    pub fn log_written(&self, records: u64) {
        self.rare.log_written.inc_by(records);
    }

    pub fn log_dropped(&self, records: u64) {
        self.rare.log_dropped.inc_by(records);
    }

    pub fn panicked(&self) {
        self.rare.panics.inc();
    }
}

/// Seconds since 1970, to the millisecond, as Prometheus has its timestamps.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 fit 53 bits until the year 287396"
)]
fn seconds(time: UnixTime) -> f64 {
    time.as_ms() as f64 / 1000.0
}

fn counter(registry: &Registry, definition: &Definition) -> IntCounter {
    registered(registry, IntCounter::with_opts(opts(definition)))
}

fn seconds_counter(registry: &Registry, definition: &Definition) -> Counter {
    registered(registry, Counter::with_opts(opts(definition)))
}

pub(super) fn counters(registry: &Registry, definition: &Definition) -> IntCounterVec {
    registered(registry, IntCounterVec::new(opts(definition), definition.labels))
}

fn gauge(registry: &Registry, definition: &Definition) -> Gauge {
    registered(registry, Gauge::with_opts(opts(definition)))
}

fn int_gauge(registry: &Registry, definition: &Definition) -> IntGauge {
    registered(registry, IntGauge::with_opts(opts(definition)))
}

fn counters_as_gauges(registry: &Registry, definition: &Definition) -> prometheus::IntGaugeVec {
    registered(registry, prometheus::IntGaugeVec::new(opts(definition), definition.labels))
}

fn opts(definition: &Definition) -> Opts {
    Opts::new(definition.name, definition.help)
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    made: prometheus::Result<C>,
) -> C {
    let collector = made.expect("a listed metric has a valid name, help and labels");
    registry.register(Box::new(collector.clone())).expect("a metric is listed once");
    collector
}
