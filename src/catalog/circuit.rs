//! `upstream.circuit`: when an upstream that fails gets a pause.
use super::problem::At;
use super::problem::Problem;
use crate::model::TimeSpan;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::num::NonZeroU32;
use std::time::Duration;

/// `upstream.circuit` as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCircuit {
    /// Default true. False: a failing upstream is asked as often as callers ask.
    pub enabled: Option<bool>,
    /// It opens after so many failures in a row, without a success in between. Default 20.
    pub failures: Option<NonZeroU32>,
    /// And for so long, from the first of them to the last. Default 2s.
    pub lasting: Option<TimeSpan>,
    /// For so long nothing is sent; then probes are. Default 5s.
    pub pause: Option<TimeSpan>,
    /// So many requests at the same time find out whether the upstream is back. Default 1.
    pub probes: Option<NonZeroU32>,
}

/// When an upstream that fails gets a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Circuit {
    pub enabled: bool,
    /// In a row, at least 1.
    pub failures: u32,
    /// From the first failure of the row to the last.
    pub lasting: Duration,
    /// More than none.
    pub pause: Duration,
    /// At the same time, at least 1.
    pub probes: u32,
}

impl Default for Circuit {
    fn default() -> Self {
        Self {
            enabled: true,
            failures: 20,
            lasting: Duration::from_secs(2),
            pause: Duration::from_secs(5),
            probes: 1,
        }
    }
}

impl Circuit {
    /// These settings with what is written in place of theirs, key by key.
    pub(super) fn overlaid(self, raw: RawCircuit, at: At<'_>, problems: &mut Vec<Problem>) -> Self {
        if raw.pause.is_some_and(|it| it.0.is_zero()) {
            let hint = "write a duration such as 5s, or enabled: false for no circuit at all";
            problems.push(at.key("pause").problem("no time at all", hint));
        }
        Self {
            enabled: raw.enabled.unwrap_or(self.enabled),
            failures: raw.failures.map_or(self.failures, NonZeroU32::get),
            lasting: raw.lasting.map_or(self.lasting, |it| it.0),
            pause: raw.pause.map_or(self.pause, |it| it.0),
            probes: raw.probes.map_or(self.probes, NonZeroU32::get),
        }
    }
}
