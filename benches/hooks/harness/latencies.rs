//! How long answers took.
use std::time::Duration;

/// In microseconds, in no order.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    pub fn add(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The one that this share of all were no longer than, in milliseconds; 0 where there are none.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = ((sorted.len() as f64 * share).ceil() as usize).max(1) - 1;
        sorted.get(at.min(sorted.len().saturating_sub(1))).map_or(0.0, |it| f64::from(*it) / 1e3)
    }

    pub fn most_ms(&self) -> f64 {
        self.quantile_ms(1.0)
    }
}
