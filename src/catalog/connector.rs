//! The definition of one third-party API: base URL, variables, auth methods, endpoints. No secrets.
use super::auth_method::AuthMethod;
use super::auth_method::RawAuthMethod;
use super::base_url::BaseUrlTemplate;
use super::endpoint::Endpoints;
use super::endpoint::RawEndpoint;
use super::problem::At;
use super::problem::Problem;
use super::problem::unsaid;
use super::upstream_settings::RawEgress;
use super::upstream_settings::RawUpstream;
use super::upstream_settings::UpstreamSettings;
use super::variables::RawVariable;
use super::variables::VariableRules;
use crate::model::Key;
use http::Uri;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::sync::Arc;

/// A connector as written.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConnector {
    /// An API of the catalogue that comes with attache: what is not said here is taken from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Default: the key.
    pub name: Option<String>,
    pub description: Option<String>,
    /// The web page that describes the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// Where the API is. Variables stand in braces: `https://{subdomain}.example.com`.
    pub base_url: Option<String>,
    /// The variables of the base URL.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub variables: IndexMap<String, RawVariable>,
    /// The auth methods, by key.
    pub auth: IndexMap<String, RawAuthMethod>,
    /// What the API offers, by key: at most 2000. It limits nobody.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub endpoints: IndexMap<String, RawEndpoint>,
    #[serde(skip_serializing_if = "unsaid")]
    pub upstream: RawUpstream,
    #[serde(skip_serializing_if = "unsaid")]
    pub egress: RawEgress,
}

/// A connector.
#[derive(Clone, Debug)]
pub struct Connector {
    pub key: Key,
    pub name: String,
    pub description: String,
    /// A connection can give its own; without either there is nowhere to send to.
    pub base_url: Option<BaseUrlTemplate>,
    pub variables: Arc<VariableRules>,
    pub methods: IndexMap<Key, Arc<AuthMethod>>,
    pub endpoints: Endpoints,
    pub upstream: Arc<UpstreamSettings>,
    /// Of the row that it is stored in; none where it is in a file.
    pub version: Option<i64>,
}

impl Connector {
    pub(super) fn build(
        key: Key,
        raw: RawConnector,
        defaults: &Arc<UpstreamSettings>,
        at: At<'_>,
        problems: &mut Vec<Problem>,
        warnings: &mut Vec<Problem>,
    ) -> Self {
        let base_url = raw.base_url.and_then(|text| base_url(&text, at, problems));
        if raw.docs.is_some_and(|it| !is_web_page(&it)) {
            let hint = "write it as in https://docs.example.com/api";
            problems.push(at.key("docs").problem("it is not the address of a web page", hint));
        }
        let variables = VariableRules::build(&raw.variables, at.key("variables"), problems);
        let mut methods = IndexMap::new();
        let at_auth = at.key("auth");
        for (name, raw) in raw.auth {
            let at = at_auth.key(&name);
            if let Some(key) = checked_key(&name, at, problems)
                && let Some(method) = AuthMethod::build(key.clone(), raw, at, problems)
            {
                warnings.extend(method.warnings().into_iter().map(|it| at.problem(it, "")));
                methods.insert(key, Arc::new(method));
            }
        }
        Self {
            name: raw.name.unwrap_or_else(|| key.to_string()),
            description: raw.description.unwrap_or_default(),
            base_url,
            variables: Arc::new(variables),
            methods,
            endpoints: Endpoints::build(raw.endpoints, at.key("endpoints"), problems),
            upstream: defaults.overlaid(&raw.upstream, &raw.egress, at, problems),
            version: None,
            key,
        }
    }
}

/// True for what a reader may be led to: no other scheme, and nothing that only looks like one.
pub fn is_web_page(text: &str) -> bool {
    let parsed = text.parse::<Uri>().ok();
    let is_web =
        |it: &Uri| matches!(it.scheme_str(), Some("https" | "http")) && it.host().is_some();
    parsed.as_ref().is_some_and(is_web)
}

/// The `base_url` beside `at`.
pub(super) fn base_url(
    text: &str,
    at: At<'_>,
    problems: &mut Vec<Problem>,
) -> Option<BaseUrlTemplate> {
    BaseUrlTemplate::parse(text)
        .map_err(|it| problems.push(at.key("base_url").problem(it.to_string(), it.hint())))
        .ok()
}

pub(super) fn checked_key(text: &str, at: At<'_>, problems: &mut Vec<Problem>) -> Option<Key> {
    Key::try_from(text)
        .map_err(|it| {
            let problem = format!("`{text}` is not a key");
            problems.push(at.problem(problem, it.to_string()));
        })
        .ok()
}
