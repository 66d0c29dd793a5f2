//! `/v1/connectors/{connector}/endpoints` and `/v1/integrations/{integration}/endpoints`: what can be tried.
use super::answer::Answer;
use super::call::Call;
use super::connectors::Connectors;
use super::cursor;
use super::definition;
use super::definition::Definition;
use super::error::ApiError;
use super::integrations::Integrations;
use super::sent;
use super::sent::Members;
use super::shape;
use crate::catalog::Declared;
use crate::catalog::Endpoint;
use crate::catalog::Endpoints;
use crate::catalog::LinkEndpoint;
use crate::catalog::LinkEndpoints;
use crate::catalog::RawEndpoint;
use crate::catalog::RawLink;
use indexmap::IndexMap;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;

/// Divides an alias from an endpoint's key in a cursor: stands in neither.
const DIVIDER: char = '/';

/// An endpoint of a connector.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct EndpointView {
    key: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    method: String,
    /// What follows the base URL.
    path: String,
    /// The names that stand in braces in the path, in order.
    parameters: Vec<String>,
    tags: Vec<String>,
    deprecated: bool,
}

/// An endpoint under a link of an integration.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LinkEndpointView {
    /// The link.
    alias: String,
    /// The key of the connector that it leads to.
    connector: String,
    #[serde(flatten)]
    endpoint: EndpointView,
    /// The members that the link says itself: none where the endpoint is as its connector has it.
    overridden: Vec<String>,
}

/// `GET /v1/connectors/{connector}/endpoints`
pub(super) async fn of_connector(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let connector = Connectors::key(&call)?;
    let endpoints = endpoints(&call, &connector).await?;
    let behind = endpoints.behind(page.after.as_deref());
    let mut items: Vec<_> = behind.take(page.limit as usize + 1).map(EndpointView::from).collect();
    let more = items.len() > page.limit as usize;
    items.truncate(page.limit as usize);
    let next = items.last().filter(|_| more).map(|it| cursor::behind(&call.path, &it.key));
    Ok(Answer::ok(json!({ "items": items, "next": next })))
}

/// `GET /v1/integrations/{integration}/endpoints`: in the order of aliases, and of keys under each.
pub(super) async fn of_integration(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let after = match &page.after {
        None => None,
        Some(last) => Some(last.split_once(DIVIDER).ok_or_else(cursor::foreign)?),
    };
    let integration = Integrations::key(&call)?;
    let members = written::<Integrations>(&call, &integration, |it| &it.definition).await?;
    let mut links: IndexMap<String, RawLink> =
        part::<Integrations, _>(members, "connectors", &integration)?;
    if definition::is_declared::<Integrations>(&call, &integration) {
        served(&call, &integration, &mut links);
    }
    let mut links: Vec<_> = links.iter().collect();
    links.sort_unstable_by_key(|it| it.0);
    let limit = page.limit as usize;
    let mut items: Vec<LinkEndpointView> = Vec::new();
    // Each connector once, however many links there are to it.
    let mut read: BTreeMap<&str, Endpoints> = BTreeMap::new();
    for (alias, link) in links {
        let behind = match after {
            Some((last, _)) if alias.as_str() < last => continue,
            Some((last, key)) if alias == last => Some(key),
            _ => None,
        };
        if !read.contains_key(&*link.connector) {
            let all = match endpoints(&call, &link.connector).await {
                // Gone meanwhile, or by force.
                Err(ApiError::NotFound { .. }) => Endpoints::default(),
                all => all?,
            };
            read.insert(&link.connector, all);
        }
        let all = &read[&*link.connector];
        let own = LinkEndpoints::recorded(&link.endpoints, &link.connector, all);
        // One more than there is room for says that there is more.
        let room = limit + 1 - items.len();
        let shown = |it| LinkEndpointView::of(alias, &link.connector, it);
        items.extend(own.behind(behind).take(room).map(shown));
        if items.len() > limit {
            break;
        }
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let last = |it: &LinkEndpointView| format!("{}{DIVIDER}{}", it.alias, it.endpoint.key);
    let next = items.last().filter(|_| more).map(|it| cursor::behind(&call.path, &last(it)));
    Ok(Answer::ok(json!({ "items": items, "next": next })))
}

async fn endpoints(call: &Call, connector: &str) -> Result<Endpoints, ApiError> {
    let members = written::<Connectors>(call, connector, |it| &it.definition).await?;
    let raw: IndexMap<String, RawEndpoint> =
        part::<Connectors, _>(members, "endpoints", connector)?;
    Ok(Endpoints::recorded(raw).0)
}

/// The connectors that links of a file lead to, which may be filled in there: the definition has what is written.
fn served(call: &Call, integration: &str, links: &mut IndexMap<String, RawLink>) {
    let snapshot = call.api.live.snapshot_full();
    let Some(integration) = snapshot.integration(integration) else { return };
    for (alias, link) in links {
        if let Some(served) = integration.links.get(alias.as_str()) {
            link.connector = served.connector.to_string();
        }
    }
}

/// A definition as it is right now: of a file or of the store. `text`: what a row says.
async fn written<D: Definition>(
    call: &Call,
    key: &str,
    text: fn(&D::Row) -> &str,
) -> Result<Members, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let declared = D::SECTION.and_then(|it| snapshot.declared().find(it, key));
    match declared.map(Declared::definition) {
        Some(Value::Object(members)) => Ok(members),
        _ => Ok(sent::stored(text(&definition::found::<D>(call, key).await?.value))),
    }
}

/// One member of a definition; nothing where it says nothing of it.
fn part<D: Definition, T: Default + DeserializeOwned>(
    mut members: Members,
    name: &str,
    key: &str,
) -> Result<T, ApiError> {
    let Some(value) = members.shift_remove(name) else { return Ok(T::default()) };
    serde_json::from_value(value).map_err(|it| ApiError::Damaged {
        noun: D::NOUN,
        key: key.to_owned(),
        problem: it.to_string(),
    })
}

impl LinkEndpointView {
    fn of(
        alias: &str,
        connector: &str,
        LinkEndpoint { endpoint, overridden }: LinkEndpoint<'_>,
    ) -> Self {
        Self {
            alias: alias.to_owned(),
            connector: connector.to_owned(),
            endpoint: EndpointView::from(endpoint),
            overridden: overridden.iter().map(|it| (*it).to_owned()).collect(),
        }
    }
}

impl From<&Endpoint> for EndpointView {
    fn from(it: &Endpoint) -> Self {
        Self {
            key: it.key.to_string(),
            name: it.name.to_string(),
            description: Some(it.description.to_string()).filter(|it| !it.is_empty()),
            method: it.method.to_string(),
            path: it.path.to_string(),
            parameters: it.path.parameters().map(str::to_owned).collect(),
            tags: it.tags.iter().map(ToString::to_string).collect(),
            deprecated: it.deprecated,
        }
    }
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = generator.subschema_for::<EndpointView>();
    shape::page(generator, "EndpointPage", item)
}

pub(super) fn link_page(generator: &mut SchemaGenerator) -> Schema {
    let item = generator.subschema_for::<LinkEndpointView>();
    shape::page(generator, "LinkEndpointPage", item)
}
