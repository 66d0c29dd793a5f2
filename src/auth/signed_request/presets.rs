//! The recipes that come with attache, one file each under `config/signed_requests/`.
use super::raw::RawSignedRequest;
use std::collections::BTreeMap;
use std::sync::LazyLock;

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../config/signed_requests/", $name, ".yaml")))),*]
    };
}

const FILES: &[(&str, &str)] = shipped![
    "akamai-edgegrid",
    "azure-app-configuration",
    "azure-communication",
    "azure-storage",
    "binance",
    "bitfinex",
    "bybit",
    "duo",
    "hawk",
    "huawei",
    "kraken",
    "kucoin",
    "lazada",
    "okx",
    "tencent-tc3",
    "tuya",
    "wsse",
];

static PRESETS: LazyLock<BTreeMap<&str, RawSignedRequest>> = LazyLock::new(|| {
    let read = |(name, text): &(&'static str, &str)| {
        (*name, serde_yaml::from_str(text).expect("every preset in the program reads, as tested"))
    };
    FILES.iter().map(read).collect()
});

pub(super) fn preset(name: &str) -> Option<&'static RawSignedRequest> {
    PRESETS.get(name)
}

/// The presets' names, in alphabetical order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|it| it.0)
}
