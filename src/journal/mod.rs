//! What is told of exchanges: one record each, batched per worker, looked at by a thread of its own and written
//! to the access log by another.
//!
//! Nothing here waits on a request's path. A target that is slow, stuck or full costs records, which
//! are counted; it never costs an exchange.
mod batch;
mod board;
mod filter;
mod histogram;
mod json;
mod pen;
mod queue;
mod recent;
mod target;
mod text;
mod traffic;
mod watching;
mod writer;

pub use filter::Filter;
pub use filter::StatusFilter;
pub use pen::Pen;
pub use recent::Seen;
pub use target::Target;
pub use text::http_version;
pub use traffic::Series;
pub use traffic::Step;
pub use traffic::Window;
pub use watching::Watching;

use crate::model::UnixTime;
use crate::telemetry::Metrics;
use crate::telemetry::log::Format;
use board::Board;
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

/// What is kept of exchanges to be seen.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// How many of the last ones.
    pub recent: usize,
    /// What time it is.
    pub clock: fn() -> UnixTime,
}

/// What is told of exchanges, while the program runs.
pub struct Journal {
    /// On the way to the board. None where nothing is kept and nothing is logged.
    seen: Option<Arc<Queue>>,
    /// On the way to the access log. None where there is none.
    log: Option<Arc<Queue>>,
    board: Arc<Board>,
}

impl Journal {
    /// Opens the target, so that a wrong path is an error at start. A target that is a pipe is opened
    /// by the log's own thread, because that waits for its reader.
    pub fn start(
        (target, format): (Target, Format),
        keeping: Keeping,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, JournalError> {
        let board = Arc::new(Board::new(keeping.recent, keeping.clock));
        let log = match target.prepare()? {
            None => None,
            Some(output) => {
                let queue = Arc::new(Queue::new(Some(Arc::clone(&metrics))));
                let shared = Arc::clone(&queue);
                spawn("access-log", move || writer::write_all(&shared, output, format))?;
                Some(queue)
            }
        };
        if log.is_none() && keeping.recent == 0 {
            return Ok(Arc::new(Self { seen: None, log, board }));
        }
        let seen = Arc::new(Queue::new(log.is_some().then_some(metrics)));
        let (shared, own, to_log) = (Arc::clone(&seen), Arc::clone(&board), log.clone());
        spawn("journal", move || own.watch(&shared, to_log.as_deref()))?;
        Ok(Arc::new(Self { seen: Some(seen), log, board }))
    }

    /// What one worker writes with.
    pub fn pen(&self) -> Pen {
        Pen::new(self.seen.clone())
    }

    /// Whether exchanges are told of here at all.
    pub fn is_kept(&self) -> bool {
        self.seen.is_some()
    }

    /// Of the exchanges before the one of that number, those that fit, the newest first; and whether there are more.
    pub fn recent(&self, filter: &Filter, before: Option<u64>, limit: usize) -> (Vec<Seen>, bool) {
        self.board.list(filter, before, limit)
    }

    /// The exchange with this request id, as long as it is kept.
    pub fn find(&self, request_id: &str) -> Option<Seen> {
        self.board.find(request_id)
    }

    /// From now on tells of those that fit. None where as many watch already as may.
    pub fn watch(&self, filter: Filter) -> Option<Watching> {
        self.board.join(filter)
    }

    /// How much went through: of everything since the start, or of a connection's kept exchanges.
    pub fn traffic(&self, window: Window, connection: Option<&str>) -> Series {
        match connection {
            None => self.board.traffic(window),
            Some(connection) => self.board.traffic_of(window, connection),
        }
    }

    /// Opens the file anew before the next record, for whoever rotates logs.
    pub fn reopen(&self) {
        if let Some(queue) = &self.log {
            queue.reopen();
        }
    }

    /// Writes what the pens have handed in, and ends. Records that could not be written in time are
    /// counted as dropped, as are those handed in later; says how many.
    pub fn close(&self, timeout: Duration) -> u64 {
        let unseen = self.seen.as_ref().map_or(0, |it| it.close(timeout));
        self.log.as_ref().map_or(0, |it| unseen + it.close(timeout))
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), JournalError> {
    let spawned = thread::Builder::new().name(name.into()).spawn(run);
    spawned.map(drop).map_err(|error| JournalError::Thread { reason: error.kind() })
}

#[cfg(test)]
mod tests;
