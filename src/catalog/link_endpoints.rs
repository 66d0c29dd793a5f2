//! The endpoints of a linked connector that matter to an integration, and what is different of them there.
use super::endpoint::Distinct;
use super::endpoint::Endpoint;
use super::endpoint::Endpoints;
use super::endpoint::RawEndpointOverride;
use super::problem::At;
use super::problem::Problem;
use super::problem::unsaid;
use crate::model::Key;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// `endpoints` of a link, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawLinkEndpoints {
    /// Keys of the connector's endpoints that matter here. Default: all of them.
    pub only: Option<Vec<String>>,
    /// All but these matter. Not beside `only`.
    #[serde(skip_serializing_if = "unsaid")]
    pub except: Vec<String>,
    /// What is different here of an endpoint that matters, by its key.
    #[serde(rename = "override", skip_serializing_if = "unsaid")]
    pub overrides: IndexMap<String, RawEndpointOverride>,
}

/// The endpoints of a link: the connector's own, less those that do not matter, some with members of their
/// own.
#[derive(Clone, Debug)]
pub struct LinkEndpoints {
    all: Endpoints,
    choice: Choice,
    overridden: BTreeMap<Key, (Endpoint, Vec<&'static str>)>,
}

#[derive(Clone, Debug)]
enum Choice {
    All,
    Only(BTreeSet<String>),
    Except(BTreeSet<String>),
}

/// An endpoint under a link.
#[derive(Clone, Copy, Debug)]
pub struct LinkEndpoint<'e> {
    pub endpoint: &'e Endpoint,
    /// The members that the link says itself: none where it is as the connector has it.
    pub overridden: &'e [&'static str],
}

impl LinkEndpoints {
    /// Those of a stored link, as far as it is sound. `connector`: the key of the one whose endpoints they are.
    pub fn recorded(raw: &RawLinkEndpoints, connector: &str, of: &Endpoints) -> Self {
        Self::build(raw, connector, of, At::section("endpoints"), &mut Vec::new())
    }

    pub(super) fn build(
        raw: &RawLinkEndpoints,
        connector: &str,
        of: &Endpoints,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let known = Known { connector, of };
        let choice = match &raw.only {
            None if raw.except.is_empty() => Choice::All,
            None => Choice::Except(known.list(&raw.except, at.key("except"), problems)),
            Some(only) => {
                if !raw.except.is_empty() {
                    let hint = "leave one of both out";
                    problems.push(at.key("except").problem("it stands beside `only`", hint));
                }
                Choice::Only(known.list(only, at.key("only"), problems))
            }
        };
        let mut link = Self { all: of.clone(), choice, overridden: BTreeMap::new() };
        let at = at.key("override");
        for (name, raw) in &raw.overrides {
            let at = at.key(name);
            let Some(endpoint) = known.find(name, at, problems) else { continue };
            if !link.choice.has(name) {
                let problem = format!("the endpoint `{name}` is left out here");
                problems.push(at.problem(problem, "leave this out as well, or that not"));
                continue;
            }
            let own = endpoint.overridden(raw, at, problems);
            link.overridden.insert(endpoint.key.clone(), own);
        }
        link.check_distinct(at, problems);
        link
    }

    /// Those behind a key, or all of them, in the order of their keys.
    pub fn behind(&self, key: Option<&str>) -> impl Iterator<Item = LinkEndpoint<'_>> {
        let chosen = self.all.behind(key).filter(|it| self.choice.has(it.key.as_str()));
        chosen.map(|endpoint| match self.overridden.get(&endpoint.key) {
            None => LinkEndpoint { endpoint, overridden: &[] },
            Some((endpoint, members)) => LinkEndpoint { endpoint, overridden: members },
        })
    }

    /// An endpoint that is another one here may be the same as a third.
    fn check_distinct(&mut self, at: At<'_>, problems: &mut Vec<Problem>) {
        let moves = |members: &[&str]| members.iter().any(|it| matches!(*it, "method" | "path"));
        if !self.overridden.values().any(|it| moves(&it.1)) {
            return;
        }
        let mut distinct = Distinct::default();
        let (moved, as_they_are): (Vec<_>, Vec<_>) =
            self.behind(None).partition(|it| moves(it.overridden));
        let mut same = Vec::new();
        for LinkEndpoint { endpoint, .. } in as_they_are.into_iter().chain(moved) {
            if !distinct.admits(endpoint, at.key(endpoint.key.as_str()), problems) {
                same.push(endpoint.key.clone());
            }
        }
        same.iter().for_each(|it| drop(self.overridden.remove(it)));
    }
}

impl Choice {
    fn has(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.contains(key),
            Self::Except(keys) => !keys.contains(key),
        }
    }
}

/// The endpoints that a link can name.
#[derive(Clone, Copy)]
struct Known<'c> {
    connector: &'c str,
    of: &'c Endpoints,
}

impl<'c> Known<'c> {
    fn find(self, name: &str, at: At<'_>, problems: &mut Vec<Problem>) -> Option<&'c Endpoint> {
        let found = self.of.find(name);
        if found.is_none() {
            let connector = self.connector;
            problems.push(at.problem(
                format!("the connector `{connector}` has no endpoint `{name}`"),
                format!("name one that it has, or add it to connectors.{connector}.endpoints"),
            ));
        }
        found
    }

    fn list(self, names: &[String], at: At<'_>, problems: &mut Vec<Problem>) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            let at = at.index(index);
            if self.find(name, at, problems).is_some() && !keys.insert(name.clone()) {
                let problem = format!("the endpoint `{name}` stands here twice");
                problems.push(at.problem(problem, "name each once"));
            }
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::PathSegment;
    use serde_json::Value;
    use serde_json::json;

    fn connector() -> Endpoints {
        let raw = json!({
            "create": { "method": "POST", "path": "/issues", "tags": ["issues"] },
            "delete": { "method": "DELETE", "path": "/issues/{number}" },
            "list": { "method": "GET", "path": "/issues" },
        });
        let (endpoints, problems) = Endpoints::recorded(serde_json::from_value(raw).unwrap());
        assert_eq!(problems, []);
        endpoints
    }

    fn link(raw: Value) -> (LinkEndpoints, Vec<(String, String)>) {
        let raw = serde_json::from_value(raw).unwrap();
        let mut problems = Vec::new();
        let at = At::section("endpoints");
        let link = LinkEndpoints::build(&raw, "hub", &connector(), at, &mut problems);
        let step = |it: &PathSegment| match it {
            PathSegment::Key(key) => format!("/{key}"),
            PathSegment::Index(index) => format!("/{index}"),
        };
        let told = problems.into_iter().map(|it| {
            let place: String = it.path.iter().skip(1).map(step).collect();
            (place, it.problem)
        });
        (link, told.collect())
    }

    /// Its endpoints, each with its method, its path and what the link says itself.
    fn shown(link: &LinkEndpoints) -> Vec<String> {
        let shown = |it: LinkEndpoint<'_>| {
            let LinkEndpoint { endpoint: Endpoint { key, method, path, .. }, overridden } = it;
            format!("{key}: {method} {path} {}", overridden.join(",")).trim_end().to_owned()
        };
        link.behind(None).map(shown).collect()
    }

    #[test]
    fn a_link_has_the_connectors_endpoints_less_what_it_leaves_out_and_with_its_own_members() {
        let [create, delete, list] =
            ["create: POST /issues", "delete: DELETE /issues/{number}", "list: GET /issues"];
        for (raw, expected) in [
            (json!({}), &[create, delete, list][..]),
            (json!({ "only": ["list", "create"] }), &[create, list]),
            (json!({ "only": [] }), &[]),
            (json!({ "except": ["delete"] }), &[create, list]),
            (
                json!({ "only": ["list"], "override": { "list": { "path": "/my/issues", "name": "Mine" } } }),
                &["list: GET /my/issues name,path"],
            ),
            (
                json!({ "override": { "create": { "method": "PUT", "tags": [], "deprecated": true, "description": "" } } }),
                &["create: PUT /issues description,method,tags,deprecated", delete, list],
            ),
            // Two may change places.
            (
                json!({ "override": { "create": { "method": "GET" }, "list": { "method": "POST" } } }),
                &["create: GET /issues method", delete, "list: POST /issues method"],
            ),
        ] {
            let (link, told) = link(raw.clone());
            assert_eq!(
                (shown(&link), told),
                (expected.iter().map(|it| (*it).to_owned()).collect(), vec![]),
                "{raw}"
            );
        }
        let (link, _) =
            link(json!({ "except": ["delete"], "override": { "list": { "path": "/all" } } }));
        let behind: Vec<_> =
            link.behind(Some("create")).map(|it| it.endpoint.path.to_string()).collect();
        assert_eq!(behind, ["/all"]);
    }

    #[test]
    fn what_a_link_says_of_no_endpoint_is_told_at_its_place() {
        for (raw, place, problem) in [
            (
                json!({ "only": ["list", "gone"] }),
                "/only/1",
                "the connector `hub` has no endpoint `gone`",
            ),
            (
                json!({ "except": ["gone"] }),
                "/except/0",
                "the connector `hub` has no endpoint `gone`",
            ),
            (
                json!({ "override": { "gone": {} } }),
                "/override/gone",
                "the connector `hub` has no endpoint `gone`",
            ),
            (
                json!({ "only": ["list", "list"] }),
                "/only/1",
                "the endpoint `list` stands here twice",
            ),
            (
                json!({ "only": ["list"], "except": ["create"] }),
                "/except",
                "it stands beside `only`",
            ),
            (
                json!({ "only": ["list"], "override": { "create": {} } }),
                "/override/create",
                "the endpoint `create` is left out here",
            ),
            (
                json!({ "override": { "list": { "method": "list" } } }),
                "/override/list/method",
                "`list` is not a method that can be sent",
            ),
            (
                json!({ "override": { "list": { "path": "issues" } } }),
                "/override/list/path",
                "the path does not begin with `/`",
            ),
            (
                json!({ "override": { "create": { "method": "GET" } } }),
                "/override/create/path",
                "the endpoint `list` has the same method and path",
            ),
        ] {
            let (_, told) = link(raw.clone());
            assert_eq!(told, [(place.to_owned(), problem.to_owned())], "{raw}");
        }
        // What is left out is in nobody's way.
        let (link, told) =
            link(json!({ "except": ["list"], "override": { "create": { "method": "GET" } } }));
        assert_eq!((shown(&link).len(), told), (2, vec![]));
    }
}
