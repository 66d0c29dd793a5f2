//! The logic that uses connectors, each linked under an alias.
use super::base_url::BaseUrlTemplate;
use super::connector::Connector;
use super::connector::base_url;
use super::connector::checked_key;
use super::link_endpoints::LinkEndpoints;
use super::link_endpoints::RawLinkEndpoints;
use super::problem::At;
use super::problem::Problem;
use super::problem::unsaid;
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
    /// Which of the connector's endpoints matter here, and what is different of them. It limits nobody.
    #[serde(default, skip_serializing_if = "unsaid")]
    pub endpoints: RawLinkEndpoints,
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
    /// `connector` finds one by key: `None` where there is none, `Some(None)` where there is one that is not
    /// sound, which was said already.
    ///
    /// What a link says of endpoints is checked and not kept, since no request asks for it. What is wrong
    /// with it goes to `about_endpoints`: all else of the integration is sound without it.
    pub(super) fn build<'c>(
        key: Key,
        raw: RawIntegration,
        connector: impl Fn(&str) -> Option<Option<&'c Connector>>,
        at: At<'_>,
        problems: &mut Vec<Problem>,
        about_endpoints: &mut Vec<Problem>,
    ) -> Self {
        let at_links = at.key("connectors");
        let mut links = IndexMap::new();
        for (alias, raw) in raw.connectors {
            let at = at_links.key(&alias);
            match connector(&raw.connector) {
                None => {
                    let problem = format!("there is no connector `{}`", raw.connector);
                    let hint = "declare it under connectors";
                    problems.push(at.key("connector").problem(problem, hint));
                }
                Some(None) => {}
                Some(Some(Connector { key, endpoints, .. })) => {
                    let at = at.key("endpoints");
                    let key = key.as_str();
                    LinkEndpoints::build(&raw.endpoints, key, endpoints, at, about_endpoints);
                }
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
