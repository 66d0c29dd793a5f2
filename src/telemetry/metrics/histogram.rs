//! Durations in fixed buckets.
use super::cells::Counter;

/// Upper bounds of every histogram; one more bucket, without bound, is above them.
pub(super) const BUCKETS: usize = 16;

/// Upper bounds in µs, ascending. 32 bits, so that one comparison of all of them is a few instructions.
pub(super) type Bounds = [i32; BUCKETS];

/// For attache's own work.
pub(super) const OVERHEAD_US: Bounds = [
    10, 25, 50, 75, 100, 150, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000,
    1_000_000,
];

/// For what waits on others.
pub(super) const EXCHANGE_US: Bounds = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 15_000_000, 60_000_000,
];

/// How many durations fell in each bucket, and their sum. One writer.
#[derive(Default)]
pub(super) struct Histogram {
    counts: [Counter; BUCKETS + 1],
    sum_us: Counter,
}

impl Histogram {
    pub(super) fn observe(&self, bounds: &Bounds, us: u64) {
        let capped = i32::try_from(us).unwrap_or(i32::MAX);
        let below: usize = bounds.iter().map(|it| usize::from(capped > *it)).sum();
        self.counts[below].add(1);
        self.sum_us.add(us);
    }

    pub(super) fn add_to(&self, total: &mut Observed) {
        for (sum, count) in total.counts.iter_mut().zip(&self.counts) {
            *sum += count.value();
        }
        total.sum_us += self.sum_us.value();
    }
}

/// The histograms of all workers, added up.
#[derive(Clone, Copy, Default)]
pub(super) struct Observed {
    pub(super) counts: [u64; BUCKETS + 1],
    pub(super) sum_us: u64,
}

impl Observed {
    /// The count is the sum of the buckets, so that a scrape is consistent in itself.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        for (us, bucket) in [(0, 0), (10, 0), (11, 1), (25, 1), (1_000_000, 15), (1_000_001, 16)] {
            let histogram = Histogram::default();
            histogram.observe(&OVERHEAD_US, us);
            let mut total = Observed::default();
            histogram.add_to(&mut total);
            assert_eq!(total.counts.iter().position(|it| *it == 1), Some(bucket), "{us} µs");
        }
    }

    #[test]
    fn a_duration_beyond_32_bits_is_in_the_last_bucket_and_whole_in_the_sum() {
        let histogram = Histogram::default();
        histogram.observe(&EXCHANGE_US, u64::from(u32::MAX) * 2);
        let mut total = Observed::default();
        histogram.add_to(&mut total);
        assert_eq!((total.counts[BUCKETS], total.sum_us), (1, u64::from(u32::MAX) * 2));
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [OVERHEAD_US, EXCHANGE_US] {
            assert!(bounds.windows(2).all(|it| it[0] < it[1]));
        }
    }
}
