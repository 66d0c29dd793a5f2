//! `concurrency` and `links`: how many at the same time, how many may wait, and for how long.
use super::problem::At;
use super::problem::Problem;
use crate::model::TimeSpan;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::num::NonZeroU32;
use std::time::Duration;

/// Longest wait that anybody would sit through.
const WAIT_MAX: Duration = Duration::from_secs(60 * 60);

/// Places under a limit, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPlaces {
    /// So many at the same time.
    pub max: NonZeroU32,
    /// So many may wait for a place, in the order in which they came. Default: as many as `max`.
    pub queue: Option<u32>,
    /// So long at most, and never beyond the exchange's own deadline. Default 1s.
    pub wait: Option<TimeSpan>,
}

/// Places under a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Places {
    /// At least 1.
    pub max: u32,
    /// How many may wait.
    pub queue: u32,
    /// How long.
    pub wait: Duration,
}

impl Places {
    /// Reads what stands at `at`; what is wrong goes to `problems`.
    pub(super) fn build(
        raw: Option<RawPlaces>,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let raw = raw?;
        let wait = raw.wait.map_or(Duration::from_secs(1), |it| it.0);
        if wait > WAIT_MAX {
            let hint = "a caller has given up long before; write a few seconds";
            problems.push(at.key("wait").problem("longer than an hour", hint));
        }
        let max = raw.max.get();
        Some(Self { max, queue: raw.queue.unwrap_or(max), wait })
    }
}
