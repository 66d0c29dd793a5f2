//! The numbers of one worker: written by it alone, read by whoever scrapes.
use super::histogram::Histogram;
use super::labels::AuthFailure;
use super::labels::Listener;
use super::labels::POOL_EVENTS;
use super::labels::Plane;
use super::list::NAMES_MAX;
use crate::model::Code;
use crate::telemetry::exchange::ErrorSource;
use std::sync::OnceLock;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// A count with one writer: a load and a store, no locked instruction.
#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, more: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(more), Relaxed);
    }

    pub(super) fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A level with one writer.
#[derive(Default)]
pub(super) struct Gauge(AtomicI64);

impl Gauge {
    pub(super) fn add(&self, delta: i64) {
        self.set(self.value().wrapping_add(delta));
    }

    pub(super) fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }

    pub(super) fn value(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

pub(super) const PLANES: usize = Plane::ALL.len();
pub(super) const SOURCES: usize = ErrorSource::ALL.len();
pub(super) const CODES: usize = Code::ALL.len();

/// A place per connector with series of its own, then `_other`, then `_none`.
pub(super) const PLACES: usize = NAMES_MAX + 2;
pub(super) const OTHER_AT: usize = NAMES_MAX;
pub(super) const NONE_AT: usize = NAMES_MAX + 1;

#[derive(Default)]
pub(super) struct PerPlane {
    pub(super) duration: Histogram,
    pub(super) overhead: Histogram,
    pub(super) errors: PerCode,
}

/// By [`Code`] and [`ErrorSource`], in the order of their `ALL`.
pub(super) struct PerCode([[Counter; SOURCES]; CODES]);

impl Default for PerCode {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Default::default()))
    }
}

impl PerCode {
    pub(super) fn cell(&self, code: Code, source: ErrorSource) -> &Counter {
        &self.0[code as usize][source as usize]
    }
}

/// About 200 bytes, made when a connector is first used.
#[derive(Default)]
pub(super) struct PerConnector {
    /// By class: 1xx to 5xx.
    pub(super) requests: [Counter; 5],
    pub(super) bytes_in: Counter,
    pub(super) bytes_out: Counter,
    pub(super) upstream: Histogram,
}

/// At most 110 KB where all the places are in use.
pub(super) struct Cells {
    pub(super) planes: [PerPlane; PLANES],
    pub(super) connectors: [[OnceLock<Box<PerConnector>>; PLACES]; PLANES],
    pub(super) in_flight: Gauge,
    pub(super) auth_failures: [Counter; AuthFailure::ALL.len()],
    pub(super) links_open: [Gauge; Listener::ALL.len()],
    pub(super) links: [Counter; Listener::ALL.len()],
    pub(super) pool_events: [Counter; POOL_EVENTS.len()],
    pub(super) pool_idle: Gauge,
    pub(super) pool_open: Gauge,
}

impl Default for Cells {
    fn default() -> Self {
        Self {
            planes: Default::default(),
            connectors: std::array::from_fn(|_| std::array::from_fn(|_| OnceLock::new())),
            in_flight: Gauge::default(),
            auth_failures: Default::default(),
            links_open: Default::default(),
            links: Default::default(),
            pool_events: Default::default(),
            pool_idle: Gauge::default(),
            pool_open: Gauge::default(),
        }
    }
}

impl Cells {
    pub(super) fn connector(&self, plane: Plane, place: usize) -> &PerConnector {
        self.connectors[plane as usize][place].get_or_init(Box::default)
    }
}
