//! One worker's view of what is served: no counter that other cores write is touched per request.
use super::Live;
use crate::catalog::Snapshot;
use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// The shared counter is written once per generation and worker, this one per exchange.
pub type Held = Rc<Arc<Snapshot>>;

/// The served snapshot, kept by a worker until there is a newer one.
pub struct Current {
    live: Arc<Live>,
    generation: Cell<u64>,
    snapshot: RefCell<Held>,
}

impl Current {
    pub fn new(live: Arc<Live>) -> Self {
        let generation = Cell::new(live.generation());
        let snapshot = RefCell::new(Rc::new(live.snapshot_full()));
        Self { live, generation, snapshot }
    }

    /// What is served now, to be kept over one exchange.
    pub fn snapshot(&self) -> Held {
        let generation = self.live.generation();
        if self.generation.replace(generation) != generation {
            self.snapshot.replace(Rc::new(self.live.snapshot_full()));
        }
        Rc::clone(&self.snapshot.borrow())
    }

    /// Of the snapshot that was given out last.
    pub fn generation(&self) -> u64 {
        self.generation.get()
    }
}
