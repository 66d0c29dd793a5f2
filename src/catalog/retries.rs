//! When a request is sent again: after what, how often, how soon, and what of its body is kept for it.
use super::problem::At;
use super::problem::Problem;
use crate::model::ByteSize;
use crate::model::TimeSpan;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::time::Duration;

/// Most retries of one exchange, whoever asks for them.
const ATTEMPTS_MAX: u8 = 10;

/// `upstream.retries` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRetries {
    /// How often a request is sent again where its caller asks for nothing. Default 0.
    pub attempts: Option<u8>,
    /// The most that `Attache-Retries` may ask for. Default 5.
    pub attempts_max: Option<u8>,
    /// After what. Default: all of them.
    pub on: Option<Vec<RetryOn>>,
    /// The longest wait before the first retry; it doubles with each. Default 100ms.
    pub base: Option<TimeSpan>,
    /// The longest wait of all; a `Retry-After` beyond it is passed on instead. Default 5s.
    pub cap: Option<TimeSpan>,
    /// How much of a request's body is kept in memory to be sent again. Default 64KiB.
    pub max_memory: Option<ByteSize>,
    /// How much of it is kept in a temporary file beyond that. Default 64MiB.
    pub max_spill: Option<ByteSize>,
    /// Retries per hundred exchanges that may be retried, per worker and origin. Default 20.
    pub budget_percent: Option<u8>,
    /// Retries per ten seconds, per worker and origin, however few exchanges there are. Default 5.
    pub budget_floor: Option<u8>,
}

/// What a request may be sent again after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum RetryOn {
    /// The upstream could not be reached: not a byte of the request was sent.
    #[serde(rename = "connect")]
    Connect,
    /// The link ended without an answer.
    #[serde(rename = "closed")]
    Closed,
    #[serde(rename = "429")]
    TooManyRequests,
    #[serde(rename = "502")]
    BadGateway,
    #[serde(rename = "503")]
    ServiceUnavailable,
    #[serde(rename = "504")]
    GatewayTimeout,
}

impl JsonSchema for RetryOn {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RetryOn".into()
    }

    /// An editor takes an unquoted 503 for a number; the reader takes both.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "enum": ["connect", "closed", "429", "502", "503", "504", 429, 502, 503, 504]
        })
    }
}

/// A set of [`RetryOn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryOns(u8);

impl RetryOns {
    pub const ALL: Self = Self(0b11_1111);

    fn of(list: &[RetryOn]) -> Self {
        Self(list.iter().fold(0, |set, it| set | 1 << *it as u8))
    }

    pub fn has(self, one: RetryOn) -> bool {
        self.0 & 1 << one as u8 != 0
    }
}

/// How requests to an upstream are sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Where the caller asks for nothing.
    pub attempts: u8,
    /// The most that a caller may ask for.
    pub attempts_max: u8,
    pub on: RetryOns,
    /// The longest wait before the first retry. More than none, and no longer than `cap`.
    pub base: Duration,
    pub cap: Duration,
    /// Of a request's body, in bytes.
    pub max_memory: u64,
    /// Beyond `max_memory`, in bytes.
    pub max_spill: u64,
    /// Per hundred exchanges that may be retried: 0 to 100.
    pub budget_percent: u8,
    /// Per ten seconds, whatever the traffic.
    pub budget_floor: u8,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 0,
            attempts_max: 5,
            on: RetryOns::ALL,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(5),
            max_memory: 64 << 10,
            max_spill: 64 << 20,
            budget_percent: 20,
            budget_floor: 5,
        }
    }
}

impl Retries {
    /// These settings with what is written in place of theirs, key by key.
    pub(super) fn overlaid(
        self,
        raw: &RawRetries,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut within = |name: &str, number: Option<u8>, most: u8, old: u8| {
            if number.is_some_and(|it| it > most) {
                let hint = format!("write a whole number from 0 to {most}");
                problems.push(at.key(name).problem(format!("more than {most}"), hint));
            }
            number.unwrap_or(old)
        };
        let merged = Self {
            attempts: within("attempts", raw.attempts, ATTEMPTS_MAX, self.attempts),
            attempts_max: within("attempts_max", raw.attempts_max, ATTEMPTS_MAX, self.attempts_max),
            budget_percent: within("budget_percent", raw.budget_percent, 100, self.budget_percent),
            budget_floor: raw.budget_floor.unwrap_or(self.budget_floor),
            on: raw.on.as_deref().map_or(self.on, RetryOns::of),
            base: raw.base.map_or(self.base, |it| it.0),
            cap: raw.cap.map_or(self.cap, |it| it.0),
            max_memory: raw.max_memory.map_or(self.max_memory, |it| it.0),
            max_spill: raw.max_spill.map_or(self.max_spill, |it| it.0),
        };
        if merged.base.is_zero() {
            problems.push(at.key("base").problem(
                "no time at all",
                "retries without a wait would hit an upstream just when it is down; write 50ms or more",
            ));
        } else if merged.base > merged.cap {
            let name = if raw.cap.is_some() { "cap" } else { "base" };
            problems.push(at.key(name).problem(
                format!(
                    "the longest wait ({}) is shorter than the first ({})",
                    TimeSpan(merged.cap),
                    TimeSpan(merged.base)
                ),
                "make `cap` at least as long as `base`",
            ));
        }
        merged
    }
}
