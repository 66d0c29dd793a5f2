//! The one place that reads the wall clock.
use crate::model::UnixTime;
use std::time::SystemTime;

/// The time, as the operating system has it; 0 for a clock set before 1970.
#[expect(clippy::disallowed_methods, reason = "the composition root's own clock")]
pub fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
