//! The logic that uses connectors, each linked under an alias.
use super::base_url::BaseUrlTemplate;
use super::connector::base_url;
use super::connector::checked_key;
use super::problem::At;
use super::problem::Problem;
use crate::model::Key;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// An integration as written.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawIntegration {
    /// Default: the key.
    pub name: Option<String>,
    pub description: Option<String>,
    /// The linked connectors, by alias.
    pub connectors: IndexMap<String, RawLink>,
}

/// A link as written.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawLink {
    /// The connector's key.
    pub connector: String,
    /// Instead of the connection's; its origin has to be one that the connection allows.
    pub base_url: Option<String>,
}

/// An integration.
#[derive(Clone, Debug)]
pub struct Integration {
    pub key: Key,
    pub name: String,
    pub links: IndexMap<Key, Link>,
}

/// A connector under an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub alias: Key,
    pub connector: Key,
    /// Overrides the connection's base URL, never the connector.
    pub base_url: Option<BaseUrlTemplate>,
}

impl Integration {
    pub(super) fn build(
        key: Key,
        raw: RawIntegration,
        has_connector: impl Fn(&str) -> bool,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let at_links = at.key("connectors");
        let mut links = IndexMap::new();
        for (alias, raw) in raw.connectors {
            let at = at_links.key(&alias);
            if !has_connector(&raw.connector) {
                let problem = format!("there is no connector `{}`", raw.connector);
                problems.push(at.key("connector").problem(problem, "declare it under connectors"));
            }
            let base_url = raw.base_url.and_then(|text| base_url(&text, at, problems));
            if let Some(alias) = checked_key(&alias, at, problems)
                && let Ok(connector) = Key::try_from(&*raw.connector)
            {
                links.insert(alias.clone(), Link { alias, connector, base_url });
            }
        }
        Self { name: raw.name.unwrap_or_else(|| key.to_string()), links, key }
    }
}
