//! Which activations were there when they were last looked up: so that whoever asks for one of them is no guesser.
use std::hash::BuildHasher;
use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Activations that are remembered, eight bytes each. Of two that share a place the later one is; a guess
/// passes for one of them once in 2^47 times.
const PLACES: usize = 65_536;

/// A memory that forgets, and never grows.
pub(super) struct Good {
    places: Box<[AtomicU64]>,
    hasher: foldhash::quality::RandomState,
}

impl Default for Good {
    fn default() -> Self {
        let places = (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        Self { places, hasher: foldhash::quality::RandomState::default() }
    }
}

impl Good {
    pub(super) fn was(&self, which: &impl Hash) -> bool {
        let (place, hash) = self.place(which);
        place.load(Ordering::Relaxed) == hash
    }

    /// It was looked up, and is there, or is not.
    pub(super) fn is_now(&self, which: &impl Hash, is_there: bool) {
        let (place, hash) = self.place(which);
        if is_there {
            place.store(hash, Ordering::Relaxed);
        } else {
            // Another one may be remembered there.
            let _ = place.compare_exchange(hash, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    fn place(&self, which: &impl Hash) -> (&AtomicU64, u64) {
        // 0 is for none.
        let hash = self.hasher.hash_one(which) | 1;
        (&self.places[(hash >> 48) as usize % PLACES], hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_remembered_until_it_is_gone() {
        let good = Good::default();
        assert!(!good.was(&"a"));
        good.is_now(&"a", true);
        assert!(good.was(&"a") && !good.was(&"b"));
        good.is_now(&"b", false);
        assert!(good.was(&"a"));
        good.is_now(&"a", false);
        assert!(!good.was(&"a"));
    }
}
