//! The access log: one record per exchange, batched per worker, formatted and written by a thread of its own.
//!
//! Nothing here waits on a request's path. A target that is slow, stuck or full costs records, which
//! are counted; it never costs an exchange.
mod batch;
mod json;
mod pen;
mod queue;
mod target;
mod text;
mod writer;

pub use pen::Pen;
pub use target::Target;

use crate::telemetry::Metrics;
use crate::telemetry::log::Format;
use queue::Queue;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Why the access log can't be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error("the access log {path} can't be opened: {reason}")]
    Open { path: String, reason: io::ErrorKind },
    #[error("the access log's thread can't be started: {reason}")]
    Thread { reason: io::ErrorKind },
}

/// The access log, while the program runs.
pub struct Journal {
    /// None where there is no access log.
    queue: Option<Arc<Queue>>,
}

impl Journal {
    /// Opens the target, so that a wrong path is an error at start. A target that is a pipe is opened
    /// by the log's own thread, because that waits for its reader.
    pub fn start(
        target: Target,
        format: Format,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, JournalError> {
        let Some(output) = target.prepare()? else {
            return Ok(Arc::new(Self { queue: None }));
        };
        let queue = Arc::new(Queue::new(metrics));
        let shared = Arc::clone(&queue);
        thread::Builder::new()
            .name("access-log".into())
            .spawn(move || writer::write_all(&shared, output, format))
            .map_err(|error| JournalError::Thread { reason: error.kind() })?;
        Ok(Arc::new(Self { queue: Some(queue) }))
    }

    /// What one worker writes with.
    pub fn pen(&self) -> Pen {
        Pen::new(self.queue.clone())
    }

    /// Opens the file anew before the next record, for whoever rotates logs.
    pub fn reopen(&self) {
        if let Some(queue) = &self.queue {
            queue.reopen();
        }
    }

    /// Writes what the pens have handed in, and ends. Records that could not be written in time are
    /// counted as dropped, as are those handed in later; says how many.
    pub fn close(&self, timeout: Duration) -> u64 {
        self.queue.as_ref().map_or(0, |it| it.close(timeout))
    }
}

#[cfg(test)]
mod tests;
