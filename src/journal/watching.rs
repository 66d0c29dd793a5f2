//! Those who watch exchanges go by: bounded, and told what they miss.
use super::filter::Filter;
use super::recent::Seen;
use crate::telemetry::Exchange;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;

/// Who may watch at the same time: each costs a comparison for every exchange.
pub(super) const WATCHERS_MAX: usize = 64;

/// Exchanges that one of them is told in a second: more is nothing that a person reads.
const PER_SECOND_MAX: u32 = 200;

/// Exchanges that wait for one of them: a second's, and some.
const WAITING_MAX: usize = 256;

/// The journal's end.
pub(super) struct Watcher {
    filter: Filter,
    told: mpsc::Sender<Arc<Seen>>,
    skipped: Arc<AtomicU64>,
    second: u64,
    in_second: u32,
}

/// The watcher's own end. Dropped, nobody watches any more.
pub struct Watching {
    told: mpsc::Receiver<Arc<Seen>>,
    skipped: Arc<AtomicU64>,
}

pub(super) fn watching(filter: Filter) -> (Watcher, Watching) {
    let (sender, told) = mpsc::channel(WAITING_MAX);
    let skipped = Arc::new(AtomicU64::new(0));
    let watcher =
        Watcher { filter, told: sender, skipped: Arc::clone(&skipped), second: 0, in_second: 0 };
    (watcher, Watching { told, skipped })
}

impl Watcher {
    pub(super) fn is_gone(&self) -> bool {
        self.told.is_closed()
    }

    pub(super) fn tell(&mut self, seq: u64, now_s: u64, exchange: &Exchange, path: &str) {
        if !self.filter.has(exchange, path) {
            return;
        }
        if self.second != now_s {
            (self.second, self.in_second) = (now_s, 0);
        }
        let is_told = self.in_second < PER_SECOND_MAX && {
            let seen = Seen { seq, exchange: exchange.clone(), path: path.to_owned() };
            self.told.try_send(Arc::new(seen)).is_ok()
        };
        if is_told {
            self.in_second += 1;
        } else {
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Watching {
    /// The next one; none once the journal has ended.
    pub async fn next(&mut self) -> Option<Arc<Seen>> {
        self.told.recv().await
    }

    /// One that waits already.
    pub fn at_once(&mut self) -> Option<Arc<Seen>> {
        self.told.try_recv().ok()
    }

    /// How many there were since the last time that were not told.
    pub fn skipped(&self) -> u64 {
        self.skipped.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_slow_or_watches_too_much_is_told_how_much_is_missing() {
        let (mut watcher, mut watching) = watching(Filter::default());
        let (per_second, most) = (u64::from(PER_SECOND_MAX), WAITING_MAX as u64);
        for seq in 0..1000 {
            watcher.tell(seq, 7, &Exchange::default(), "/");
        }
        assert_eq!(watching.skipped(), 1000 - per_second);
        for seq in 1000..2000 {
            watcher.tell(seq, 8, &Exchange::default(), "/");
        }
        assert_eq!(watching.skipped(), 1000 - (most - per_second));
        assert_eq!(watching.skipped(), 0);
        let told: Vec<u64> = std::iter::from_fn(|| watching.at_once()).map(|it| it.seq).collect();
        assert!(told.len() == WAITING_MAX && told.is_sorted());
        let none = Filter { path: Some("other".to_owned()), ..Filter::default() };
        let (mut watcher, watching) = super::watching(none);
        watcher.tell(1, 7, &Exchange::default(), "/");
        assert_eq!(watching.skipped(), 0, "what was not asked for is not missed");
        drop(watching);
        assert!(watcher.is_gone());
    }
}
