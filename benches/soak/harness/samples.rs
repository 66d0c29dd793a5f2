//! What the program held over time, and whether it grew.
use std::time::Duration;

/// File descriptors that a settled program may have more than when it was started: the one that asks.
const FDS_MORE: usize = 2;

/// Growth between the run's second quarter and its last: memory in percent and KiB, descriptors in
/// percent and number. Slow callers come in waves, so that neither is exactly flat.
const RSS_PERCENT: u64 = 5;
const RSS_KIB: u64 = 8 * 1024;
const FDS_PERCENT: usize = 10;
const FDS: usize = 32;

#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub rss_kib: u64,
    pub threads: u64,
    pub fds: usize,
    pub links: f64,
    pub in_flight: f64,
    pub pool_idle: f64,
    pub requests: f64,
    pub records: f64,
    pub dropped: f64,
    pub panics: f64,
    pub generation: f64,
    pub reload_failures: f64,
}

pub struct Samples {
    pub first: Sample,
    pub taken: Vec<(Duration, Sample)>,
}

impl Samples {
    pub fn new(first: Sample) -> Self {
        Self { first, taken: Vec::new() }
    }

    pub fn add(&mut self, at: Duration, sample: Sample) {
        self.taken.push((at, sample));
    }

    /// True where nothing of what was asked is held any more, and everything is in the books.
    pub fn is_settled(&self, now: &Sample) -> bool {
        self.unsettled(now).is_empty()
    }

    pub fn unsettled(&self, now: &Sample) -> Vec<String> {
        let mut held = Vec::new();
        for (what, count) in [
            ("client links", now.links),
            ("exchanges in flight", now.in_flight),
            ("idle upstream links", now.pool_idle),
            ("exchanges without a record", now.requests - now.records - now.dropped),
        ] {
            if count != 0.0 {
                held.push(format!("{count} {what} in the end"));
            }
        }
        if now.fds > self.first.fds + FDS_MORE {
            held.push(format!(
                "{} file descriptors in the end, {} before",
                now.fds, self.first.fds
            ));
        }
        held
    }

    /// Growth from the second quarter to the last one, by the medians of each.
    pub fn growth(&self) -> Vec<String> {
        let mut grown = Vec::new();
        let early = self.quarter(1);
        let late = self.quarter(3);
        if early.is_empty() || late.is_empty() {
            return vec!["too few samples to judge growth".to_owned()];
        }
        let (before, after) = (median(&early, |it| it.rss_kib), median(&late, |it| it.rss_kib));
        if after > before + before * RSS_PERCENT / 100 + RSS_KIB {
            grown.push(format!("resident memory grew from {before} to {after} KiB"));
        }
        let (before, after) = (median(&early, |it| it.fds), median(&late, |it| it.fds));
        if after > before + before * FDS_PERCENT / 100 + FDS {
            grown.push(format!("file descriptors grew from {before} to {after}"));
        }
        let (before, after) = (median(&early, |it| it.threads), median(&late, |it| it.threads));
        if after > before {
            grown.push(format!("threads grew from {before} to {after}"));
        }
        grown
    }

    /// The samples of one quarter of the run, from 0.
    pub fn quarter(&self, number: usize) -> Vec<&Sample> {
        let count = self.taken.len();
        self.taken[count * number / 4..count * (number + 1) / 4].iter().map(|it| &it.1).collect()
    }

    pub fn last_line(&self, issued: usize) -> String {
        let Some((at, it)) = self.taken.last() else { return String::new() };
        format!(
            "{:>5} s: {issued} requests, {:.1} MiB, {} descriptors, {} links, {} in flight, {} idle upstream links",
            at.as_secs(),
            it.rss_kib as f64 / 1024.0,
            it.fds,
            it.links,
            it.in_flight,
            it.pool_idle
        )
    }
}

pub fn median<T: Ord + Copy + Default>(samples: &[&Sample], of: impl Fn(&Sample) -> T) -> T {
    let mut values: Vec<T> = samples.iter().map(|it| of(it)).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
