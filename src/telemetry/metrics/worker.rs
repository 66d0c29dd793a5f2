//! What one worker counts.
use super::Metrics;
use super::cells::Cells;
use super::cells::NONE_AT;
use super::cells::OTHER_AT;
use super::histogram::EXCHANGE;
use super::histogram::OVERHEAD;
use super::labels::AuthFailure;
use super::labels::Listener;
use super::labels::Plane;
use super::labels::PoolEvent;
use super::names::KnownNames;
use crate::model::Code;
use crate::telemetry::exchange::ErrorSource;
use std::cell::RefCell;
use std::sync::Arc;

/// The counters of one writer. Not `Sync`: whatever counts on another thread has its own.
pub struct WorkerMetrics {
    metrics: Arc<Metrics>,
    cells: Arc<Cells>,
    connectors: RefCell<KnownNames>,
}

/// Whose an exchange was, and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeLabels<'a> {
    pub plane: Plane,
    /// The connector's key; empty where the request was refused before it was known.
    pub connector: &'a str,
    /// As sent back.
    pub status: u16,
    /// Whose fault a failure was; none where there was none.
    pub source: Option<ErrorSource>,
    /// Of an answer that attache made itself.
    pub code: Option<Code>,
}

/// Where an exchange's time went, in µs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timing {
    pub total_us: u64,
    /// attache's own work.
    pub overhead_us: u64,
    /// 0 where no upstream was asked: then it is not counted.
    pub upstream_us: u64,
}

impl WorkerMetrics {
    pub(super) fn new(metrics: Arc<Metrics>, cells: Arc<Cells>) -> Self {
        Self { metrics, cells, connectors: RefCell::default() }
    }

    /// The metrics that are shared by all workers, for what is rare.
    pub fn shared(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Counts one exchange, when it is over. No allocation, no lock (but when a connector is met for
    /// the first time), no floating point.
    pub fn exchange(
        &self,
        labels: &ExchangeLabels<'_>,
        timing: &Timing,
        bytes_in: u64,
        bytes_out: u64,
    ) {
        let plane = &self.cells.planes[labels.plane as usize];
        plane.duration.observe(&EXCHANGE, timing.total_us);
        plane.overhead.observe(&OVERHEAD, timing.overhead_us);
        if let Some(code) = labels.code {
            plane.errors.cell(code, labels.source.unwrap_or(ErrorSource::Attache)).add(1);
        }

        let connector = self.cells.connector(labels.plane, self.place(labels.connector));
        let class = usize::from(labels.status / 100).clamp(1, 5) - 1;
        connector.requests[class].add(1);
        connector.bytes_in.add(bytes_in);
        connector.bytes_out.add(bytes_out);
        if timing.upstream_us > 0 {
            connector.upstream.observe(&EXCHANGE, timing.upstream_us);
        }
    }

    fn place(&self, connector: &str) -> usize {
        if connector.is_empty() {
            return NONE_AT;
        }
        let names = &self.metrics.fleet().connectors;
        self.connectors.borrow_mut().place(connector, names).unwrap_or(OTHER_AT)
    }

    pub fn in_flight(&self, delta: i64) {
        self.cells.in_flight.add(delta);
    }

    /// `delta`: 1 for each link accepted, -1 for each that ended.
    pub fn links_open(&self, listener: Listener, delta: i64) {
        self.cells.links_open[listener as usize].add(delta);
        if let Ok(accepted) = u64::try_from(delta) {
            self.cells.links[listener as usize].add(accepted);
        }
    }

    pub fn pool(&self, event: PoolEvent) {
        let place = match event {
            PoolEvent::Dialled => 0,
            PoolEvent::Reused => 1,
            PoolEvent::Stale => 2,
            PoolEvent::Declined => 3,
            PoolEvent::Retired => 4,
            PoolEvent::Failed => 5,
            PoolEvent::OpenNow(open) => return self.cells.pool_open.set(open),
            PoolEvent::IdleNow(idle) => return self.cells.pool_idle.set(idle),
        };
        self.cells.pool_events[place].add(1);
    }

    pub fn auth_failure(&self, reason: AuthFailure) {
        self.cells.auth_failures[reason as usize].add(1);
    }
}
