//! What one worker writes its records with.
use super::batch::Batch;
use super::queue::Queue;
use crate::telemetry::Exchange;
use std::cell::RefCell;
use std::sync::Arc;

/// Collects one worker's records. Not `Sync`: whoever writes on another thread has their own.
///
/// Dropped, it hands in what it has.
pub struct Pen {
    queue: Option<Arc<Queue>>,
    batch: RefCell<Batch>,
}

impl Pen {
    pub(super) fn new(queue: Option<Arc<Queue>>) -> Self {
        Self { queue, batch: RefCell::default() }
    }

    /// Adds a record: two copies into buffers, nothing formatted. `path` has no query; one that is
    /// there all the same is not logged.
    pub fn write(&self, exchange: Exchange, path: &str) {
        if self.queue.is_some() && self.batch.borrow_mut().push(exchange, path) {
            self.flush();
        }
    }

    /// Hands in what there is. Due on every tick of the worker: until then nobody sees a record.
    pub fn flush(&self) {
        let mut batch = self.batch.borrow_mut();
        if let Some(queue) = &self.queue
            && batch.len() > 0
        {
            queue.hand_in(&mut batch);
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        self.flush();
    }
}
