//! One budget for all bodies that are held in memory, so that it is an answer that ends a flood of
//! them, and not the operating system.
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Bytes of bodies that the whole process may hold at the same time. Shared by all workers, exact.
#[derive(Debug)]
pub struct Budget {
    held: AtomicUsize,
    max: usize,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// `max` in bytes.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), max })
    }

    /// A share of this many bytes; none where that is more than is left. A share of 0 can grow.
    pub fn take(self: &Arc<Self>, bytes: usize) -> Option<Held> {
        self.claim(bytes).then(|| Held { budget: Arc::clone(self), bytes })
    }

    /// Bytes that are held right now.
    pub fn held(&self) -> usize {
        self.held.load(Relaxed)
    }

    fn claim(&self, bytes: usize) -> bool {
        let more = |held: usize| held.checked_add(bytes).filter(|it| *it <= self.max);
        self.held.fetch_update(Relaxed, Relaxed, more).is_ok()
    }
}

impl Held {
    /// Takes this many bytes more; false, and the share as it was, where they are not left.
    pub fn grow(&mut self, by: usize) -> bool {
        let granted = self.budget.claim(by);
        if granted {
            self.bytes += by;
        }
        granted
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_bounded_and_given_back() {
        let budget = Budget::new(100);
        let mut first = budget.take(60).unwrap();
        assert!(budget.take(41).is_none());
        let second = budget.take(40).unwrap();
        assert!(!first.grow(1));
        assert_eq!((first.bytes(), budget.held()), (60, 100));
        drop(second);
        assert!(first.grow(40));
        assert!(!first.grow(usize::MAX), "a sum that does not fit is no small sum");
        drop(first);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn it_is_exact_over_threads() {
        let budget = Budget::new(10);
        let granted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| (0..100).filter_map(|_| budget.take(1)).collect::<Vec<_>>())
                })
                .collect();
            let kept: Vec<_> = threads.into_iter().flat_map(|it| it.join().unwrap()).collect();
            kept.len()
        });
        assert_eq!(granted, 10);
        assert_eq!(budget.held(), 0);
    }
}
