//! Counters and histograms for Prometheus: all of them are in [`list`].
//!
//! What a request touches is counted per worker, by its one writer, without atomic read-modify-write,
//! and added up when scraped. What is rare is counted in shared counters.
mod bounded;
mod cells;
mod collect;
mod histogram;
mod labels;
pub mod list;
mod names;
mod rare;
mod worker;

pub use labels::AuthFailure;
pub use labels::CircuitEvent;
pub use labels::ConnectOutcome;
pub use labels::DeliveryOutcome;
pub use labels::DeliveryRecord;
pub use labels::Limit;
pub use labels::LinkRefusal;
pub use labels::Listener;
pub use labels::LookUp;
pub use labels::OperatorFailure;
pub use labels::PageStatus;
pub use labels::Plane;
pub use labels::PoolEvent;
pub use labels::RenewalOutcome;
pub use labels::ReplayAsk;
pub use labels::ReplayWrite;
pub use labels::Reread;
pub use labels::RetryOutcome;
pub use labels::RetryReason;
pub use labels::RevocationOutcome;
pub use labels::SignInOutcome;
pub use labels::SignInWay;
pub use labels::WebhookVerdict;
pub use rare::GrantsNow;
pub use worker::ExchangeLabels;
pub use worker::Timing;
pub use worker::WorkerMetrics;

use crate::model::UnixTime;
use collect::Fleet;
use prometheus::Registry;
use prometheus::TextEncoder;
use rare::Rare;
use std::fmt;
use std::sync::Arc;

/// The content type of [`Metrics::render`]'s text.
pub const TEXT_FORMAT: &str = prometheus::TEXT_FORMAT;

/// Every metric of the process.
pub struct Metrics {
    registry: Registry,
    fleet: Arc<Fleet>,
    rare: Rare,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// `started`: when the process began.
    pub fn new(started: UnixTime) -> Arc<Self> {
        let registry = Registry::new();
        let fleet = Arc::new(Fleet::default());
        collect::register(&registry, Arc::clone(&fleet));
        let rare = Rare::new(&registry, started);
        Arc::new(Self { registry, fleet, rare })
    }

    /// The metrics of one more writer: a worker, or whatever else handles requests on one thread.
    /// What it counted stays counted after it is dropped.
    pub fn worker(self: &Arc<Self>) -> WorkerMetrics {
        WorkerMetrics::new(Arc::clone(self), self.fleet.join())
    }

    /// The Prometheus text exposition format, version 0.0.4.
    pub fn render(&self) -> String {
        self.rare.update();
        let mut text = String::with_capacity(64 * 1024);
        TextEncoder::new()
            .encode_utf8(&self.registry.gather(), &mut text)
            .expect("a registry gathers only families that can be encoded");
        text
    }

    fn fleet(&self) -> &Fleet {
        &self.fleet
    }
}

#[cfg(test)]
mod tests;
