//! Refused sign-ins that the audit trail is told of: not more than a person reads, whoever tries how often.
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Entries of the last ten minutes, at most: further ones are counted, and the next entry says how many.
const TOLD_MAX: usize = 20;
const WITHIN_MS: i64 = 10 * 60 * 1000;

/// When the trail was told, and what it was not told since.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<(VecDeque<i64>, u64)>);

impl Told {
    /// How many were left out before this one; none where this one is to be left out too.
    pub(super) fn may_tell(&self, now_ms: i64) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (times, left_out) = &mut *told;
        while times.front().is_some_and(|it| now_ms.saturating_sub(*it) >= WITHIN_MS) {
            times.pop_front();
        }
        if times.len() >= TOLD_MAX {
            *left_out += 1;
            return None;
        }
        times.push_back(now_ms);
        Some(std::mem::take(left_out))
    }
}
