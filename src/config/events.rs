//! `events`: what is told of what attache meets while it serves.
use super::field;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// `events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventSettings {
    /// When a credential counts as failing.
    pub failing: Failing,
}

/// `events.failing`: so many refusals (401) of a credential in a row, without a success between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Failing {
    /// Default 5.
    #[serde(deserialize_with = "field::count")]
    pub refusals: u32,
    /// From the first of them to the last, at least: one burst while a key is exchanged is no failure. Default 10s.
    #[serde(deserialize_with = "field::pause")]
    #[schemars(with = "String")]
    pub lasting: Duration,
}

impl Default for Failing {
    fn default() -> Self {
        Self { refusals: 5, lasting: Duration::from_secs(10) }
    }
}
