//! Token buckets, in the form of the generic cell rate algorithm (ITU-T I.371, annex A): all that a
//! bucket is, is the time at which it will be full again.
use crate::catalog::Rate;
use foldhash::fast::RandomState;
use hashbrown::Equivalent;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// Buckets that are kept of one kind. A full one is as good as none, so only those count that were
/// used faster than they fill. Beyond it the fullest ones are forgotten, that is: they are full.
pub const BUCKETS_MAX: usize = 65_536;

/// So that workers seldom wait for each other.
const SHARDS: usize = 16;

const SHARD_MAX: usize = BUCKETS_MAX / SHARDS;

/// The buckets of one kind, by whose they are. Shared by all workers, exact.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    shards: [Mutex<HashTable<Bucket<K>>>; SHARDS],
    hasher: RandomState,
}

#[derive(Debug)]
struct Bucket<K> {
    whose: K,
    /// What it was last used under. Under another it begins full.
    rate: Rate,
    /// In nanoseconds of the caller's clock.
    full_at: u64,
}

impl<K: Hash + Eq> Buckets<K> {
    pub(super) fn new() -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { shards, hasher: RandomState::default() }
    }

    /// Takes a token. Where there is none, nothing changes, and the error is how many nanoseconds it
    /// takes until there is one.
    pub(super) fn take<Q>(
        &self,
        whose: &Q,
        rate: &Rate,
        now: u64,
        own: impl FnOnce() -> K,
    ) -> Result<(), u64>
    where
        Q: Hash + Equivalent<K>,
    {
        let hash = self.hasher.hash_one(whose);
        let mut shard = self.shard(hash);
        if let Some(bucket) = shard.find_mut(hash, |it| whose.equivalent(&it.whose)) {
            let full_at = if bucket.rate == *rate { bucket.full_at.max(now) } else { now };
            bucket.full_at = after_one(full_at, rate, now)?;
            bucket.rate = *rate;
            return Ok(());
        }
        let full_at = after_one(now, rate, now)?;
        if shard.len() >= SHARD_MAX {
            make_room(&mut shard, now);
        }
        let bucket = Bucket { whose: own(), rate: *rate, full_at };
        shard.insert_unique(hash, bucket, |it| self.hasher.hash_one(&it.whose));
        Ok(())
    }

    /// How many nanoseconds it takes until there is a token, where there is none. Takes none.
    pub(super) fn wait<Q>(&self, whose: &Q, rate: &Rate, now: u64) -> Option<u64>
    where
        Q: Hash + Equivalent<K>,
    {
        let hash = self.hasher.hash_one(whose);
        let shard = self.shard(hash);
        let bucket = shard.find(hash, |it| whose.equivalent(&it.whose))?;
        after_one(bucket.full_at.max(now), rate, now).err()
    }

    /// Puts a token back that was taken for nothing.
    pub(super) fn put_back<Q>(&self, whose: &Q, rate: &Rate)
    where
        Q: Hash + Equivalent<K>,
    {
        let hash = self.hasher.hash_one(whose);
        let mut shard = self.shard(hash);
        if let Some(bucket) = shard.find_mut(hash, |it| whose.equivalent(&it.whose))
            && bucket.rate == *rate
        {
            bucket.full_at = bucket.full_at.saturating_sub(rate.interval_ns);
        }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, HashTable<Bucket<K>>> {
        // The table itself uses the lowest and the highest bits.
        let at = (hash >> 32) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|it| it.lock().unwrap().len()).sum()
    }
}

/// When a bucket that is full at `full_at` (not before `now`) is full with one token less.
fn after_one(full_at: u64, rate: &Rate, now: u64) -> Result<u64, u64> {
    let later = full_at + rate.interval_ns;
    let missing = later - now;
    if missing <= rate.refill_ns { Ok(later) } else { Err(missing - rate.refill_ns) }
}

/// Forgets what is full; and where nearly nothing is, the fuller eighth: so this is seldom done.
fn make_room<K>(shard: &mut HashTable<Bucket<K>>, now: u64) {
    shard.retain(|it| it.full_at > now);
    if shard.len() > SHARD_MAX / 8 * 7 {
        let mut times: Vec<u64> = shard.iter().map(|it| it.full_at).collect();
        let (_, last_out, _) = times.select_nth_unstable(SHARD_MAX / 8);
        let last_out = *last_out;
        shard.retain(|it| it.full_at > last_out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Ten in a second, and no more than three at once.
    const TEN: Rate = Rate { interval_ns: SECOND / 10, refill_ns: SECOND / 10 * 3 };

    fn take(buckets: &Buckets<String>, whose: &str, now: u64) -> Result<(), u64> {
        buckets.take(&whose.to_owned(), &TEN, now, || whose.to_owned())
    }

    #[test]
    fn a_burst_and_then_one_each_interval() {
        let buckets = Buckets::new();
        for _ in 0..3 {
            assert_eq!(take(&buckets, "a", 0), Ok(()));
        }
        assert_eq!(take(&buckets, "a", 0), Err(SECOND / 10));
        assert_eq!(take(&buckets, "a", SECOND / 10 - 1), Err(1), "a refusal costs nothing");
        assert_eq!(take(&buckets, "a", SECOND / 10), Ok(()), "what was said is kept");
        assert_eq!(take(&buckets, "a", SECOND / 10), Err(SECOND / 10));
        assert_eq!(take(&buckets, "b", SECOND / 10), Ok(()), "each has its own");
        for _ in 0..3 {
            assert_eq!(take(&buckets, "a", 60 * SECOND), Ok(()));
        }
        assert!(take(&buckets, "a", 60 * SECOND).is_err(), "a long rest is worth one burst");
    }

    #[test]
    fn over_a_long_time_it_is_the_rate() {
        let buckets = Buckets::new();
        let asked = (0..10_000).map(|it| it * SECOND / 1000);
        let granted = asked.filter(|now| take(&buckets, "a", *now).is_ok()).count();
        assert_eq!(granted, 3 + 99);
    }

    #[test]
    fn what_was_taken_for_nothing_is_put_back() {
        let buckets = Buckets::new();
        for _ in 0..100 {
            take(&buckets, "a", 0).unwrap();
            buckets.put_back(&"a".to_owned(), &TEN);
        }
    }

    #[test]
    fn under_another_rate_a_bucket_begins_full() {
        let buckets = Buckets::new();
        let hourly = Rate { interval_ns: 3600 * SECOND, refill_ns: 3600 * SECOND };
        let take = |rate: &Rate| buckets.take(&1, rate, 0, || 1);
        assert_eq!(take(&hourly), Ok(()));
        assert!(take(&hourly).is_err());
        assert_eq!(take(&TEN), Ok(()));
    }

    #[test]
    fn a_flood_of_names_stays_within_the_bound_and_frees_no_one_who_used_more() {
        let buckets = Buckets::new();
        for _ in 0..3 {
            take(&buckets, "greedy", 0).unwrap();
        }
        for number in 0..4 * BUCKETS_MAX {
            take(&buckets, &number.to_string(), 0).unwrap();
        }
        assert!(buckets.len() <= BUCKETS_MAX, "{}", buckets.len());
        assert!(take(&buckets, "greedy", 0).is_err());
        // Once they are full again, they make room of themselves.
        for number in 0..BUCKETS_MAX {
            take(&buckets, &format!("later {number}"), SECOND).unwrap();
        }
        assert!(buckets.len() <= BUCKETS_MAX, "{}", buckets.len());
    }

    #[test]
    fn it_is_exact_over_threads() {
        let buckets = Buckets::new();
        let fifty = Rate { interval_ns: SECOND, refill_ns: 50 * SECOND };
        let granted: usize = std::thread::scope(|scope| {
            let asking = || (0..100).filter(|_| buckets.take(&0, &fifty, 0, || 0).is_ok()).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(asking)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).sum()
        });
        assert_eq!(granted, 50);
    }
}
