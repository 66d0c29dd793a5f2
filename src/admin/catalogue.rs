//! `/v1/catalogue`: the connectors that come with attache, for creating one from (`from`).
use super::answer::Answer;
use super::call::Call;
use super::cursor;
use super::error::ApiError;
use super::search;
use super::sent;
use super::shape;
use super::shape::Shape;
use crate::catalog::RawAuthMethod;
use crate::catalog::RawConnector;
use crate::catalog::shipped_connector;
use crate::catalog::shipped_connectors;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// An API of the catalogue, in a list.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedApi {
    key: &'static str,
    name: &'static str,
    description: &'static str,
    /// The web page that describes it.
    docs: Option<&'static str>,
    base_url: Option<&'static str>,
    /// The types of its auth methods, by key.
    auth: BTreeMap<&'static str, &'static str>,
}

/// A page of the catalogue.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CataloguePage {
    items: Vec<ListedApi>,
    /// The `cursor` of the next page; null at the end.
    next: Option<String>,
}

/// `GET /v1/catalogue`
pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let words = search::words(&call)?;
    let after = page.after.unwrap_or_default();
    let found =
        shipped_connectors().filter(|(key, it)| *key > after.as_str() && is_about(key, it, &words));
    let limit = page.limit as usize;
    // One more than there is room for says that there is more.
    let mut items: Vec<ListedApi> = found.take(limit + 1).map(|it| listed(it.0, it.1)).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|it| cursor::behind(&call.path, it.key));
    Answer::of(&CataloguePage { items, next })
}

/// `GET /v1/catalogue/{api}`: what `POST /v1/connectors` takes.
pub(super) async fn read(call: Call) -> Result<Answer, ApiError> {
    let key = call.key("api")?;
    let missing = || ApiError::NotFound { noun: "catalogue entry", key: key.to_string() };
    let connector = shipped_connector(key.as_str()).ok_or_else(missing)?;
    let mut view = sent::Members::new();
    view.insert("key".to_owned(), key.as_str().into());
    view.extend(sent::written(connector));
    Ok(Answer::ok(Value::Object(view)))
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawConnector>(generator)
        .without(&["from"])
        .with_key(shape::key())
        .named("CatalogueApi", "A connector as it comes with attache.")
}

fn listed(key: &'static str, connector: &'static RawConnector) -> ListedApi {
    let text = |it: &'static Option<String>| it.as_deref();
    let method = |(name, it): (&'static String, &'static RawAuthMethod)| {
        Some((name.as_str(), it.type_name()?))
    };
    ListedApi {
        key,
        name: text(&connector.name).unwrap_or(key),
        description: text(&connector.description).unwrap_or_default(),
        docs: text(&connector.docs),
        base_url: text(&connector.base_url),
        auth: connector.auth.iter().filter_map(method).collect(),
    }
}

/// True where each word stands in its key, its name or its description.
fn is_about(key: &str, connector: &RawConnector, words: &[String]) -> bool {
    let texts = [&connector.name, &connector.description].into_iter().flatten();
    let texts: Vec<String> = texts.map(|it| it.to_lowercase()).chain([key.to_owned()]).collect();
    words.iter().all(|word| texts.iter().any(|it| it.contains(word)))
}
