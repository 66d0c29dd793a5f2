//! A deployed copy of an integration, which assigns a connection to each linked connector.
use super::connection::Connection;
use super::connector::checked_key;
use super::integration::Integration;
use super::integration::Link;
use super::problem::At;
use super::problem::Problem;
use crate::model::Key;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An environment as written.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEnvironment {
    /// Default: the key.
    pub name: Option<String>,
    /// The integration's key.
    pub integration: String,
    /// Whether it is in use. Default: no.
    #[serde(default)]
    pub deployed: bool,
    /// The key of a connection for each of the integration's link aliases.
    #[serde(default)]
    pub assign: IndexMap<String, String>,
}

/// An environment.
#[derive(Clone, Debug)]
pub struct Environment {
    pub key: Key,
    pub name: String,
    pub integration: Key,
    pub deployed: bool,
    /// By link alias.
    assigned: BTreeMap<Key, Assignment>,
}

/// The connection that one link uses in an environment.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub link: Link,
    pub connection: Arc<Connection>,
}

impl Environment {
    /// What is assigned to a connector: the link of this alias first, then the one link of the
    /// connector with this key. `None` where two such links have different connections or base
    /// URLs: choosing between them is not ours.
    pub fn assignment(&self, connector: &str) -> Option<&Assignment> {
        if let Some(assignment) = self.assigned.get(connector) {
            return Some(assignment);
        }
        let mut of = self.assigned.values().filter(|it| it.link.connector.as_str() == connector);
        let first = of.next()?;
        let same = |it: &Assignment| {
            Arc::ptr_eq(&it.connection, &first.connection)
                && it.link.base_url == first.link.base_url
        };
        of.all(same).then_some(first)
    }

    /// All of them, in the order of their aliases.
    pub fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.assigned.values()
    }

    /// The connection assigned to a connector: see [`Self::assignment`].
    pub fn assigned(&self, connector: &str) -> Option<&Arc<Connection>> {
        self.assignment(connector).map(|it| &it.connection)
    }

    /// The link that is meant by a connector: see [`Self::assignment`].
    pub fn link(&self, connector: &str) -> Option<&Link> {
        self.assignment(connector).map(|it| &it.link)
    }

    /// `connection` finds one by key: `None` where there is none, `Some(None)` where there is one
    /// that is not sound, which was said already.
    pub(super) fn build<'c>(
        key: Key,
        raw: RawEnvironment,
        integration: &Integration,
        connection: impl Fn(&str) -> Option<Option<&'c Arc<Connection>>>,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let at_assign = at.key("assign");
        let mut assigned = BTreeMap::new();
        for (alias, name) in raw.assign {
            let at = at_assign.key(&alias);
            let Some(alias) = checked_key(&alias, at, problems) else { continue };
            let Some(link) = integration.links.get(&alias) else {
                let known: Vec<&str> = integration.links.keys().map(Key::as_str).collect();
                let problem =
                    format!("the integration `{}` has no link `{alias}`", integration.key);
                problems.push(at.problem(problem, format!("it has {}", known.join(", "))));
                continue;
            };
            match connection(&name) {
                None => {
                    let problem = format!("there is no connection `{name}`");
                    problems.push(at.problem(problem, "declare it under connections"));
                }
                Some(None) => {}
                Some(Some(connection)) => {
                    let before = problems.len();
                    check(link, connection, at, problems);
                    if problems.len() == before {
                        let connection = Arc::clone(connection);
                        assigned.insert(alias, Assignment { link: link.clone(), connection });
                    }
                }
            }
        }
        Self {
            name: raw.name.unwrap_or_else(|| key.to_string()),
            integration: integration.key.clone(),
            deployed: raw.deployed,
            assigned,
            key,
        }
    }
}

fn check(link: &Link, connection: &Connection, at: At<'_>, problems: &mut Vec<Problem>) {
    if connection.connector != link.connector {
        problems.push(at.problem(
            format!("the connection `{}` is one of `{}`", connection.key, connection.connector),
            format!("the link is to `{}`: assign a connection of that", link.connector),
        ));
    }
    // A credential goes to its connection's origins only.
    if let Some(url) = link.base_url.as_ref().and_then(|it| it.fixed())
        && let Some(own) = connection.base_url.fixed()
        && own.origin() != url.origin()
        && !connection.allowed_origins.contains(url.origin())
    {
        problems.push(at.problem(
            format!("the link goes to {}, which the connection does not allow", url.origin()),
            format!("add it to connections.{}.allowed_origins", connection.key),
        ));
    }
}
