//! Records that wait to be written: said by the workers, which wait for nothing.
use super::Told;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use tokio::sync::Notify;

/// Records that wait: ten seconds of 400 a second, while the store is slow or away. Beyond it further ones are not kept.
pub(super) const RECORDS_MAX: usize = 4096;

/// What the contents of those that wait take at most, in bytes. They are counted nowhere else.
pub(super) const BYTES_MAX: usize = 16 << 20;

/// Records that are written with one commit.
pub(super) const LOT_MAX: usize = 64;

/// What the contents of a lot take, in bytes, unless it is of one alone.
const LOT_BYTES: usize = 2 << 20;

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    records: VecDeque<Told>,
    bytes: usize,
}

impl Queue {
    /// False where there is no room for it.
    pub(super) fn put(&self, told: Told) -> bool {
        let len = told.contents.len();
        let mut waiting = self.waiting();
        if waiting.records.len() >= RECORDS_MAX || waiting.bytes + len > BYTES_MAX {
            return false;
        }
        waiting.bytes += len;
        waiting.records.push_back(told);
        drop(waiting);
        self.came.notify_one();
        true
    }

    /// The next ones to be written together.
    pub(super) fn take(&self) -> Vec<Told> {
        let mut waiting = self.waiting();
        let (mut lot, mut bytes) = (Vec::new(), 0);
        while let Some(next) = waiting.records.front() {
            bytes += next.contents.len();
            if lot.len() >= LOT_MAX || (bytes > LOT_BYTES && !lot.is_empty()) {
                break;
            }
            lot.extend(waiting.records.pop_front());
        }
        let taken: usize = lot.iter().map(|it: &Told| it.contents.len()).sum();
        waiting.bytes = waiting.bytes.saturating_sub(taken);
        lot
    }

    /// Returns once something was put since.
    pub(super) async fn something_came(&self) {
        self.came.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing between two changes of it can panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
