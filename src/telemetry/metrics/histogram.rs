//! Durations in fixed buckets.
use super::cells::Counter;

/// Upper bounds of every histogram; one more bucket, without bound, is above them.
pub(super) const BUCKETS: usize = 16;

/// For attache's own work.
pub(super) static OVERHEAD: Bounds = Bounds::new([
    10, 25, 50, 75, 100, 150, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000,
    1_000_000,
]);

/// For what waits on others.
pub(super) static EXCHANGE: Bounds = Bounds::new([
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 15_000_000, 60_000_000,
]);

/// The upper bounds of a histogram's buckets.
pub(super) struct Bounds {
    /// Ascending.
    pub(super) us: [u32; BUCKETS],
    /// By a duration's length in bits: how many bounds lie below every duration of that length.
    passed: [u8; u64::BITS as usize + 1],
}

impl Bounds {
    const fn new(us: [u32; BUCKETS]) -> Self {
        let mut passed = [0; u64::BITS as usize + 1];
        let mut bits = 1;
        while bits < passed.len() {
            let shortest = 1_u64 << (bits - 1);
            let mut below = 0;
            while below < BUCKETS && (us[below] as u64) < shortest {
                below += 1;
            }
            passed[bits] = below as u8;
            bits += 1;
        }
        Self { us, passed }
    }

    /// The first bucket whose bound is not below `us`; few bounds have to be looked at.
    fn bucket(&self, us: u64) -> usize {
        let mut bucket = usize::from(self.passed[(u64::BITS - us.leading_zeros()) as usize]);
        while bucket < BUCKETS && us > u64::from(self.us[bucket]) {
            bucket += 1;
        }
        bucket
    }
}

/// How many durations fell in each bucket, and their sum. One writer.
#[derive(Default)]
pub(super) struct Histogram {
    counts: [Counter; BUCKETS + 1],
    sum_us: Counter,
}

impl Histogram {
    pub(super) fn observe(&self, bounds: &Bounds, us: u64) {
        self.counts[bounds.bucket(us)].add(1);
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
            histogram.observe(&OVERHEAD, us);
            let mut total = Observed::default();
            histogram.add_to(&mut total);
            assert_eq!(total.counts.iter().position(|it| *it == 1), Some(bucket), "{us} µs");
        }
    }

    #[test]
    fn a_duration_beyond_32_bits_is_in_the_last_bucket_and_whole_in_the_sum() {
        let histogram = Histogram::default();
        histogram.observe(&EXCHANGE, u64::from(u32::MAX) * 2);
        let mut total = Observed::default();
        histogram.add_to(&mut total);
        assert_eq!((total.counts[BUCKETS], total.sum_us), (1, u64::from(u32::MAX) * 2));
    }

    #[test]
    fn the_short_way_finds_the_bucket_that_counting_finds() {
        for bounds in [&OVERHEAD, &EXCHANGE] {
            assert!(bounds.us.windows(2).all(|it| it[0] < it[1]));
            let near = bounds.us.iter().flat_map(|it| [it - 1, *it, it + 1]).map(u64::from);
            let powers = (0..u64::BITS).flat_map(|it| [(1 << it) - 1, 1 << it]);
            for us in near.chain(powers).chain([0, u64::MAX]) {
                let below = bounds.us.iter().filter(|it| us > u64::from(**it)).count();
                assert_eq!(bounds.bucket(us), below, "{us} µs");
            }
        }
    }
}
