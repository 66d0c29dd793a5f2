//! How many of a set's members fall on each slot: what stands on an empty one is surely no member, and
//! finding that out takes no lock.
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering::Relaxed;

/// A counting filter. Its members are counted in and out by whoever holds the set's lock.
pub(super) struct Slots(Box<[AtomicU16]>);

impl Slots {
    /// For a set of at most so many members, which is below 65,536: four slots for each, so that of
    /// those who are none no more than one in four is taken for one when the set is full.
    pub(super) fn new(members_max: u16) -> Self {
        Self((0..4 * usize::from(members_max)).map(|_| AtomicU16::new(0)).collect())
    }

    /// False where nobody of this hash is a member. True may be another's doing.
    pub(super) fn may_have(&self, hash: u64) -> bool {
        self.slot(hash).load(Relaxed) > 0
    }

    pub(super) fn enter(&self, hash: u64) {
        self.slot(hash).fetch_add(1, Relaxed);
    }

    /// Only for a member that has entered.
    pub(super) fn leave(&self, hash: u64) {
        self.slot(hash).fetch_sub(1, Relaxed);
    }

    fn slot(&self, hash: u64) -> &AtomicU16 {
        &self.0[hash as usize % self.0.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_empty_when_the_last_on_it_has_left() {
        let slots = Slots::new(16);
        let (first, same, other) = (3, 3 + 64, 4);
        slots.enter(first);
        assert!(slots.may_have(first) && slots.may_have(same) && !slots.may_have(other));
        slots.enter(same);
        slots.leave(first);
        assert!(slots.may_have(same));
        slots.leave(same);
        assert!(!slots.may_have(first) && !slots.may_have(same));
    }
}
