//! Every request of a flood by its number: how often it arrived, and whether its sender was told so.
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Requests for which there is room: two bytes each.
const ROOM: usize = 32_000_000;

/// The sender's side of a request.
const ACCEPTED: u8 = 1;
const REFUSED: u8 = 2;

pub struct Ledger {
    next: AtomicUsize,
    told: Vec<AtomicU8>,
    arrived: Vec<AtomicU8>,
    changed: AtomicUsize,
}

/// What is wrong in the books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Accepted, and never arrived.
    pub lost: usize,
    /// Arrived more than once.
    pub doubled: usize,
    /// Refused by attache itself, and arrived all the same.
    pub leaked: usize,
    /// Arrived with another body, or without what they should have come with.
    pub changed: usize,
}

impl Ledger {
    pub fn new() -> Self {
        let zeros = || (0..ROOM).map(|_| AtomicU8::new(0)).collect();
        Self {
            next: AtomicUsize::new(0),
            told: zeros(),
            arrived: zeros(),
            changed: AtomicUsize::new(0),
        }
    }

    /// A number of its own for the next request; none where the book is full.
    pub fn issue(&self) -> Option<usize> {
        let id = self.next.fetch_add(1, Relaxed);
        (id < self.told.len()).then_some(id)
    }

    pub fn accepted(&self, id: usize) {
        self.told[id].store(ACCEPTED, Relaxed);
    }

    /// Refused before anything was forwarded.
    pub fn refused(&self, id: usize) {
        self.told[id].store(REFUSED, Relaxed);
    }

    pub fn arrive(&self, id: usize) {
        match self.arrived.get(id) {
            Some(count) => {
                count.fetch_add(1, Relaxed);
            }
            None => self.change(),
        }
    }

    pub fn change(&self) {
        self.changed.fetch_add(1, Relaxed);
    }

    /// To be asked when nothing is under way any more.
    pub fn faults(&self) -> Faults {
        let mut faults = Faults { changed: self.changed.load(Relaxed), ..Faults::default() };
        let issued = self.next.load(Relaxed).min(self.told.len());
        for (told, arrived) in self.told[..issued].iter().zip(&self.arrived) {
            let (told, arrived) = (told.load(Relaxed), arrived.load(Relaxed));
            faults.lost += usize::from(told == ACCEPTED && arrived == 0);
            faults.doubled += usize::from(arrived > 1);
            faults.leaked += usize::from(told == REFUSED && arrived > 0);
        }
        faults
    }
}

impl Faults {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
