//! `rate`: how many requests are let through in a time, and how many at once.
use super::problem::At;
use super::problem::Problem;
use crate::model::TimeSpan;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::num::NonZeroU32;
use std::time::Duration;

/// Longest time that a burst may take to come back: more is a slip of a unit.
const REFILL_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// `rate` as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRate {
    /// Requests that are let through in each `per`, evenly.
    pub requests: NonZeroU32,
    /// Default 1s.
    pub per: Option<TimeSpan>,
    /// Requests that may come at once after a quiet time. Default: `requests`.
    pub burst: Option<NonZeroU32>,
}

/// A token bucket: it holds `burst` tokens at most, and gets one each `interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In nanoseconds, at least 1. Rounded up: a limit is never more than what is written.
    pub interval_ns: u64,
    /// How long an empty bucket takes to be full, in nanoseconds: at most a year.
    pub refill_ns: u64,
}

impl Rate {
    /// Reads what stands at `at`; what is wrong goes to `problems`.
    pub(super) fn build(
        raw: Option<RawRate>,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let raw = raw?;
        let per = raw.per.map_or(Duration::from_secs(1), |it| it.0);
        if per.is_zero() {
            let hint = "leave it out for one second, or write a duration such as 1m";
            problems.push(at.key("per").problem("no time at all", hint));
            return None;
        }
        let interval = per.as_nanos().div_ceil(u128::from(raw.requests.get()));
        let refill = interval * u128::from(raw.burst.unwrap_or(raw.requests).get());
        if refill > REFILL_MAX.as_nanos() {
            problems.push(at.key("burst").problem(
                "so many requests at once would take more than a year to be allowed again",
                "give a smaller burst, or a shorter `per`",
            ));
            return None;
        }
        Some(Self {
            interval_ns: u64::try_from(interval).ok()?,
            refill_ns: u64::try_from(refill).ok()?,
        })
    }
}
