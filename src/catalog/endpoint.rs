//! What an API offers, as its connector lists it: endpoints.
//!
//! They are for those who build integrations: they are listed, and can be tried. No request is held against
//! them: what a caller may send, its own `methods` and `paths` say.
use super::connector::checked_key;
use super::path_template::PathTemplate;
use super::problem::At;
use super::problem::Problem;
use super::problem::unsaid;
use crate::model::Key;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

/// Most endpoints of a connector: the largest of well-known APIs have about a thousand.
pub const ENDPOINTS_MAX: usize = 2000;

/// Longest method, in bytes: the longest that is registered has 17.
const METHOD_LEN_MAX: usize = 32;

/// Longest name, in bytes.
const NAME_LEN_MAX: usize = 200;

/// Longest description, in bytes.
const DESCRIPTION_LEN_MAX: usize = 2000;

/// Most tags of an endpoint.
const TAGS_MAX: usize = 16;

/// Longest tag, in bytes.
const TAG_LEN_MAX: usize = 64;

/// An endpoint as written.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEndpoint {
    /// Default: the key.
    pub name: Option<String>,
    pub description: Option<String>,
    /// In upper case.
    pub method: String,
    /// What follows the base URL. Parameters stand in braces: `/repos/{owner}/{repo}/issues`.
    pub path: String,
    /// What it is listed under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether it is going away. Default: no.
    #[serde(default, skip_serializing_if = "unsaid")]
    pub deprecated: bool,
}

/// What is different of an endpoint under a link, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawEndpointOverride {
    pub name: Option<String>,
    pub description: Option<String>,
    /// In upper case.
    pub method: Option<String>,
    /// What follows the base URL. Parameters stand in braces: `/repos/{owner}/{repo}/issues`.
    pub path: Option<String>,
    /// What it is listed under.
    pub tags: Option<Vec<String>>,
    /// Whether it is going away.
    pub deprecated: Option<bool>,
}

/// A method at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub key: Key,
    pub name: Box<str>,
    pub description: Box<str>,
    pub method: Box<str>,
    pub path: PathTemplate,
    pub tags: Box<[Box<str>]>,
    pub deprecated: bool,
}

/// The endpoints of a connector, by key. Cheap to clone: all share them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints(Arc<BTreeMap<Key, Endpoint>>);

impl Endpoints {
    /// Those of a stored connector that are sound, and what is wrong with the others. The paths of the
    /// problems begin with `endpoints`.
    pub fn recorded(raw: IndexMap<String, RawEndpoint>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let endpoints = Self::build(raw, At::section("endpoints"), &mut problems);
        (endpoints, problems)
    }

    pub(super) fn build(
        raw: IndexMap<String, RawEndpoint>,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        if raw.len() > ENDPOINTS_MAX {
            let problem = format!("{} endpoints are more than {ENDPOINTS_MAX}", raw.len());
            problems.push(at.problem(problem, "leave out what no integration needs"));
            return Self::default();
        }
        Self::each(raw, at, problems)
    }

    fn each(raw: IndexMap<String, RawEndpoint>, at: At<'_>, problems: &mut Vec<Problem>) -> Self {
        let mut endpoints = BTreeMap::new();
        let mut distinct = Distinct::default();
        for (name, raw) in raw {
            let at = at.key(&name);
            if let Some(key) = checked_key(&name, at, problems)
                && let Some(endpoint) = Endpoint::build(key.clone(), raw, at, problems)
                && distinct.admits(&endpoint, at, problems)
            {
                endpoints.insert(key, endpoint);
            }
        }
        Self(Arc::new(endpoints))
    }

    pub fn find(&self, key: &str) -> Option<&Endpoint> {
        self.0.get(key)
    }

    /// Those behind a key, or all of them, in the order of their keys.
    pub fn behind(&self, key: Option<&str>) -> impl Iterator<Item = &Endpoint> {
        let from = key.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range::<str, _>((from, Bound::Unbounded)).map(|it| it.1)
    }
}

/// Takes endpoints one by one, and tells the sound ones from the others.
#[derive(Debug, Default)]
pub struct EndpointSieve(Distinct);

impl EndpointSieve {
    /// What is wrong with it, if it comes behind those that were taken before; then it is not taken.
    pub fn refused(&mut self, key: &str, raw: &RawEndpoint) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.sound(key, raw.clone(), At::section("endpoints"), &mut problems);
        problems
    }

    fn sound(
        &mut self,
        name: &str,
        raw: RawEndpoint,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Endpoint> {
        let at = at.key(name);
        let key = checked_key(name, at, problems)?;
        let endpoint = Endpoint::build(key, raw, at, problems)?;
        self.0.admits(&endpoint, at, problems).then_some(endpoint)
    }
}

/// Tells endpoints apart: no two have one method and paths that differ in the names of parameters alone.
#[derive(Debug, Default)]
pub(super) struct Distinct(HashMap<(Box<str>, String), Key>);

impl Distinct {
    pub(super) fn admits(
        &mut self,
        endpoint: &Endpoint,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> bool {
        let what = (endpoint.method.clone(), endpoint.path.shape());
        let Some(other) = self.0.insert(what, endpoint.key.clone()) else { return true };
        let problem = format!("the endpoint `{other}` has the same method and path");
        problems.push(at.key("path").problem(problem, "leave one of them out"));
        false
    }
}

impl Endpoint {
    fn build(key: Key, raw: RawEndpoint, at: At<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let method = method(&raw.method, at, problems);
        let path = path(&raw.path, at, problems);
        let name = raw.name.as_deref().unwrap_or(key.as_str());
        let name = text(name, NAME_LEN_MAX, at.key("name"), problems);
        let description = raw.description.as_deref().unwrap_or_default();
        let description = text(description, DESCRIPTION_LEN_MAX, at.key("description"), problems);
        let tags = tags(&raw.tags, at, problems);
        let (method, path) = (method?, path?);
        let endpoint =
            Self { key, name, description, method, path, tags, deprecated: raw.deprecated };
        (problems.len() == before).then_some(endpoint)
    }

    /// The same with what is written beside it in its place, and the members that are.
    pub(super) fn overridden(
        &self,
        raw: &RawEndpointOverride,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> (Self, Vec<&'static str>) {
        let (mut own, mut members) = (self.clone(), Vec::new());
        if let Some(written) = &raw.name {
            own.name = text(written, NAME_LEN_MAX, at.key("name"), problems);
            members.push("name");
        }
        if let Some(written) = &raw.description {
            own.description = text(written, DESCRIPTION_LEN_MAX, at.key("description"), problems);
            members.push("description");
        }
        if let Some(written) = raw.method.as_ref().and_then(|it| method(it, at, problems)) {
            own.method = written;
            members.push("method");
        }
        if let Some(written) = raw.path.as_ref().and_then(|it| path(it, at, problems)) {
            own.path = written;
            members.push("path");
        }
        if let Some(written) = &raw.tags {
            own.tags = tags(written, at, problems);
            members.push("tags");
        }
        if let Some(written) = raw.deprecated {
            own.deprecated = written;
            members.push("deprecated");
        }
        (own, members)
    }
}

fn method(written: &str, at: At<'_>, problems: &mut Vec<Problem>) -> Option<Box<str>> {
    let is_method = (1..=METHOD_LEN_MAX).contains(&written.len())
        && written.bytes().all(|it| it.is_ascii_uppercase() || it == b'-')
        // Which no caller can send (docs/contract.md §4).
        && !matches!(written, "CONNECT" | "TRACE");
    if !is_method {
        let problem = format!("`{written}` is not a method that can be sent");
        problems.push(at.key("method").problem(problem, "methods are upper case: GET, POST"));
    }
    is_method.then(|| written.into())
}

fn path(written: &str, at: At<'_>, problems: &mut Vec<Problem>) -> Option<PathTemplate> {
    PathTemplate::parse(written)
        .map_err(|it| problems.push(at.key("path").problem(it.to_string(), it.hint())))
        .ok()
}

fn text(written: &str, len_max: usize, at: At<'_>, problems: &mut Vec<Problem>) -> Box<str> {
    if written.len() > len_max {
        let problem = format!("{} bytes are more than {len_max}", written.len());
        problems.push(at.problem(problem, "write less"));
    }
    written.into()
}

fn tags(written: &[String], at: At<'_>, problems: &mut Vec<Problem>) -> Box<[Box<str>]> {
    let at = at.key("tags");
    if written.len() > TAGS_MAX {
        let problem = format!("{} tags are more than {TAGS_MAX}", written.len());
        problems.push(at.problem(problem, "leave some out"));
        return Box::default();
    }
    let tag = |(index, tag): (usize, &String)| {
        if tag.is_empty() {
            problems.push(at.index(index).problem("the tag is empty", "leave it out"));
        }
        text(tag, TAG_LEN_MAX, at.index(index), problems)
    };
    written.iter().enumerate().map(tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::PathSegment;
    use serde_json::Value;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "list-issues": {
                "method": "GET", "path": "/repos/{owner}/{repo}/issues", "name": "List issues",
                "description": "The newest first.", "tags": ["issues"], "deprecated": true,
            },
            "create-issue": { "method": "POST", "path": "/repos/{owner}/{repo}/issues" },
        })
    }

    fn recorded(raw: Value) -> (Endpoints, Vec<Problem>) {
        Endpoints::recorded(serde_json::from_value(raw).unwrap())
    }

    fn told(problems: &[Problem]) -> Vec<(String, &str)> {
        let step = |it: &PathSegment| match it {
            PathSegment::Key(key) => format!("/{key}"),
            PathSegment::Index(index) => format!("/{index}"),
        };
        problems.iter().map(|it| (it.path.iter().map(step).collect(), &*it.problem)).collect()
    }

    #[test]
    fn endpoints_come_in_the_order_of_their_keys_from_any_of_them_on() {
        let (endpoints, problems) = recorded(good());
        assert_eq!(told(&problems), []);
        let keys = |key| endpoints.behind(key).map(|it| it.key.to_string()).collect::<Vec<_>>();
        assert_eq!(keys(None), ["create-issue", "list-issues"]);
        assert_eq!(keys(Some("create-issue")), ["list-issues"]);
        assert_eq!(keys(Some("d")), ["list-issues"]);
        assert_eq!(keys(Some("list-issues")), [""; 0]);
        let create = endpoints.find("create-issue").unwrap();
        assert_eq!((&*create.name, create.deprecated), ("create-issue", false));
    }

    #[test]
    fn each_fault_of_an_endpoint_is_told_at_its_place_and_costs_no_other() {
        let one = "/list-issues";
        for (pointer, value, below, problem) in [
            ("/list-issues/method", json!("get"), "", "`get` is not a method that can be sent"),
            ("/list-issues/method", json!(""), "", "`` is not a method that can be sent"),
            ("/list-issues/method", json!("TRACE"), "", "`TRACE` is not a method that can be sent"),
            ("/list-issues/path", json!("/a?b"), "", "the path has a query or a fragment"),
            ("/list-issues/name", json!("x".repeat(201)), "", "201 bytes are more than 200"),
            (
                "/list-issues/description",
                json!("x".repeat(2001)),
                "",
                "2001 bytes are more than 2000",
            ),
            ("/list-issues/tags", json!(vec!["x"; 17]), "", "17 tags are more than 16"),
            ("/list-issues/tags", json!(["x", ""]), "/1", "the tag is empty"),
            ("/list-issues/tags", json!(["x".repeat(65)]), "/0", "65 bytes are more than 64"),
            (
                "/other",
                json!({ "method": "GET", "path": "/repos/{user}/{project}/issues" }),
                "/path",
                "the endpoint `list-issues` has the same method and path",
            ),
            ("/List", json!({ "method": "GET", "path": "/" }), "", "`List` is not a key"),
        ] {
            let mut raw = good();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            raw.pointer_mut(parent).unwrap()[name] = value;
            let (endpoints, problems) = recorded(raw);
            let place = format!("/endpoints{pointer}{below}");
            assert_eq!(told(&problems), [(place, problem)]);
            assert!(endpoints.find("create-issue").is_some(), "{pointer}");
            assert_eq!(
                endpoints.find("list-issues").is_some(),
                !pointer.starts_with(one),
                "{pointer}"
            );
        }
    }

    #[test]
    fn a_connector_has_so_many_endpoints_and_no_more() {
        let many = |count: usize| {
            let endpoint =
                |it| (format!("e-{it}"), json!({ "method": "GET", "path": format!("/{it}") }));
            recorded((0..count).map(endpoint).collect())
        };
        let (all, problems) = many(ENDPOINTS_MAX);
        assert_eq!((all.behind(None).count(), told(&problems)), (ENDPOINTS_MAX, vec![]));
        let (none, problems) = many(ENDPOINTS_MAX + 1);
        assert_eq!(none.behind(None).count(), 0);
        assert_eq!(told(&problems), [("/endpoints".into(), "2001 endpoints are more than 2000")]);
    }
}
