//! The descriptions that come with attache, one file each under `config/webhooks/`.
use super::raw::RawDescription;
use std::collections::BTreeMap;
use std::sync::LazyLock;

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../config/webhooks/", $name, ".yaml")))),*]
    };
}

const FILES: &[(&str, &str)] = shipped![
    "box",
    "calendly",
    "github",
    "hubspot-v3",
    "linear",
    "paddle-billing",
    "shopify",
    "slack",
    "square",
    "standard-webhooks",
    "stripe",
    "svix",
    "typeform",
    "zendesk",
    "zoom",
];

static PRESETS: LazyLock<BTreeMap<&str, RawDescription>> = LazyLock::new(|| {
    let read = |(name, text): &(&'static str, &str)| {
        (*name, serde_yaml::from_str(text).expect("every preset in the program reads, as tested"))
    };
    FILES.iter().map(read).collect()
});

pub(super) fn preset(name: &str) -> Option<&'static RawDescription> {
    PRESETS.get(name)
}

/// The presets' names, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|it| it.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::Description;

    #[test]
    fn every_preset_is_a_description_without_a_preset_of_its_own() {
        for name in names() {
            let raw = preset(name).unwrap();
            assert_eq!(raw.preset, None, "{name}");
            let by_name = RawDescription { preset: Some(name.into()), ..RawDescription::default() };
            let whole = Description::try_from(raw.clone()).unwrap();
            assert_eq!(Description::try_from(by_name).unwrap(), whole, "{name}");
        }
    }
}
