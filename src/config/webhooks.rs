//! `webhooks`: what is kept of the deliveries that come in.
use super::field;
use crate::model::ByteSize;
use crate::model::TimeSpan;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// `webhooks`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookSettings {
    /// What is kept of deliveries, to be looked at and sent again.
    pub deliveries: DeliverySettings,
}

/// `webhooks.deliveries`: what is kept of deliveries, to be looked at and sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySettings {
    /// How long; 0s: nothing is kept. Default 72h.
    #[serde(deserialize_with = "field::keeping")]
    #[schemars(with = "TimeSpan")]
    pub keep: Duration,
    /// How many, of all connections together; the oldest go first. Default 100000.
    #[serde(deserialize_with = "field::count")]
    pub max: u32,
    /// What they take at most, all of them together; the oldest go first. Default 1GiB.
    #[serde(deserialize_with = "field::memory")]
    #[schemars(with = "ByteSize")]
    pub max_bytes: usize,
    /// The longest body that is kept, in bytes; of a longer one nothing is, so that it can't be sent again. Default
    /// 256KiB.
    #[serde(deserialize_with = "field::kept_body")]
    #[schemars(with = "ByteSize")]
    pub max_body: usize,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(72 * 60 * 60),
            max: 100_000,
            max_bytes: 1 << 30,
            max_body: 256 << 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<WebhookSettings, String> {
        serde_json::from_str(text).map_err(|it| it.to_string())
    }

    #[test]
    fn what_is_kept_has_its_bounds() {
        let said = r#"{ "deliveries": { "keep": "1h", "max": 10, "max_bytes": "1MiB", "max_body": "1KiB" } }"#;
        let keep = Duration::from_secs(3600);
        assert_eq!(
            read(said).map(|it| it.deliveries),
            Ok(DeliverySettings { keep, max: 10, max_bytes: 1 << 20, max_body: 1 << 10 })
        );
        let unsaid = read(r#"{ "deliveries": { "max": 10 } }"#);
        assert_eq!(unsaid.map(|it| it.deliveries.max_bytes), Ok(1 << 30));
        let off = read(r#"{ "deliveries": { "keep": "0s" } }"#);
        assert!(off.is_ok_and(|it| it.deliveries.keep.is_zero()));
        for (bad, words) in [
            (r#"{ "deliveries": { "keep": "8761h" } }"#, "longer than a year"),
            (r#"{ "deliveries": { "max": 0 } }"#, "at least 1"),
            (r#"{ "deliveries": { "max_body": "3MiB" } }"#, "out of range"),
            (r#"{ "deliveries": { "max_bytes": "0B" } }"#, "out of range"),
            (r#"{ "delivery": {} }"#, "unknown field"),
        ] {
            let told = read(bad).unwrap_err();
            assert!(told.contains(words), "{bad}: {told}");
        }
    }
}
