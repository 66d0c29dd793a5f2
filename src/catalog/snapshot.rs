//! Everything that is served at one moment: immutable, checked whole, swapped whole.
mod patch;
mod unstored;

use super::activation::RawActivation;
use super::caller::Caller;
use super::caller::RawCaller;
use super::connection::Connection;
use super::connection::Making;
use super::connection::RawActivations;
use super::connection::RawConnection;
use super::connector::Connector;
use super::connector::RawConnector;
use super::connector::checked_key;
use super::declared::Declarations;
use super::declared::Declared;
use super::declared::Lines;
use super::declared::Section;
use super::declared::as_written;
use super::environment::Environment;
use super::environment::RawEnvironment;
use super::integration::Integration;
use super::integration::RawIntegration;
use super::problem::At;
use super::problem::Problem;
use super::reach::Reach;
use super::upstream_settings::RawEgress;
use super::upstream_settings::RawUpstream;
use super::upstream_settings::UpstreamSettings;
use crate::model::Key;
use crate::model::UnixTime;
use hashbrown::HashMap;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::collections::HashSet;
use std::sync::Arc;
use subtle::ConstantTimeEq;

pub use patch::Methods;
pub use patch::Opened;
pub use patch::Patched;
pub use patch::Skipped;
pub use patch::Stored;
pub use patch::StoredCaller;
pub use patch::StoredConnection;
pub use patch::StoredConnector;
pub use patch::Touched;

type ByKey<T> = HashMap<Key, Arc<T>, foldhash::fast::RandomState>;

/// All definitions as written: the sections of a configuration file that can change while running.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCatalog {
    /// For all connections.
    pub egress: RawEgress,
    /// For all connections that say nothing else.
    pub upstream: RawUpstream,
    /// Who may send requests, by key.
    pub callers: IndexMap<String, RawCaller>,
    /// Third-party APIs, by key.
    pub connectors: IndexMap<String, RawConnector>,
    /// Connections, by key.
    pub connections: IndexMap<String, RawConnection>,
    /// Tenants' credentials under embedded connections.
    pub activations: Vec<RawActivation>,
    /// Integrations, by key.
    pub integrations: IndexMap<String, RawIntegration>,
    /// Environments, by key.
    pub environments: IndexMap<String, RawEnvironment>,
    /// What stands in the file, but could not be read, as `(section, key)`: said already, so that
    /// whoever refers to it is not told that it is missing.
    #[serde(skip)]
    pub unread: HashSet<(String, String)>,
    /// Where everything stands.
    #[serde(skip)]
    pub lines: Lines,
}

/// Everything that is served, looked up by key.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    callers: ByKey<Caller>,
    /// By the first bytes of the hash of the caller key.
    caller_keys: HashMap<[u8; 8], Vec<CallerKey>, foldhash::fast::RandomState>,
    connectors: ByKey<Connector>,
    connections: ByKey<Connection>,
    integrations: ByKey<Integration>,
    environments: ByKey<Environment>,
    /// Connections whose stored credentials are not used: seldom any.
    elsewhere: HashMap<Key, Elsewhere, foldhash::fast::RandomState>,
    /// What connectors inherit.
    defaults: Arc<UpstreamSettings>,
    declared: Arc<Declarations>,
}

/// Why a connection's stored credentials are not used: it would send them elsewhere than where they were
/// entered for, which nobody has confirmed.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    pub entered_for: Arc<Reach>,
    /// Of a connection in a file, what the file holds is used.
    pub activations_alone: bool,
}

/// One key of a caller.
#[derive(Clone, Debug)]
pub struct CallerKey {
    sha256: [u8; 32],
    /// From then on it is unknown.
    pub expires: Option<UnixTime>,
    pub caller: Arc<Caller>,
}

impl RawCatalog {
    /// The top-level sections, in the order of the fields.
    pub const SECTIONS: &[&str] = &[
        "egress",
        "upstream",
        "callers",
        "connectors",
        "connections",
        "activations",
        "integrations",
        "environments",
    ];
}

impl Snapshot {
    /// Nothing at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Checks everything; all problems at once. What is sound but surely not meant goes to
    /// `warnings`.
    pub fn build(raw: RawCatalog, warnings: &mut Vec<Problem>) -> Result<Self, Vec<Problem>> {
        let mut build = Build {
            unread: raw.unread,
            lines: raw.lines,
            declared: Declarations::default(),
            problems: Vec::new(),
            warnings,
        };
        let defaults = build.defaults(&raw.upstream, &raw.egress);
        let callers = build.callers(&raw.callers);
        let connectors = build.connectors(raw.connectors, &defaults);
        let connections = build.connections(raw.connections, raw.activations, &connectors);
        let integrations = build.integrations(raw.integrations, &connectors);
        let environments = build.environments(raw.environments, &integrations, &connections);
        if !build.problems.is_empty() {
            return Err(build.problems);
        }
        let mut snapshot = Self {
            connectors: sound(connectors),
            connections: sound(connections),
            integrations: sound(integrations),
            environments,
            defaults,
            declared: Arc::new(build.declared),
            ..Self::default()
        };
        for (caller, sha256) in callers {
            snapshot.add_caller_key(CallerKey {
                sha256,
                expires: None,
                caller: Arc::clone(&caller),
            });
            snapshot.callers.insert(caller.key.clone(), caller);
        }
        Ok(snapshot)
    }

    /// What everything outward goes by that no connector or connection says otherwise.
    pub fn upstream_defaults(&self) -> &Arc<UpstreamSettings> {
        &self.defaults
    }

    /// The caller's key with this SHA-256, compared in constant time, whether it has expired or not.
    pub fn caller_key(&self, sha256: &[u8; 32]) -> Option<&CallerKey> {
        let candidates = self.caller_keys.get(&first_bytes(sha256))?;
        candidates.iter().find(|it| it.sha256.ct_eq(sha256).into())
    }

    fn add_caller_key(&mut self, key: CallerKey) {
        self.caller_keys.entry(first_bytes(&key.sha256)).or_default().push(key);
    }

    /// The definitions that stand in files.
    pub fn declared(&self) -> &Declarations {
        &self.declared
    }

    pub fn integration(&self, key: &str) -> Option<&Arc<Integration>> {
        self.integrations.get(key)
    }

    pub fn caller(&self, key: &str) -> Option<&Arc<Caller>> {
        self.callers.get(key)
    }

    pub fn connection(&self, key: &str) -> Option<&Arc<Connection>> {
        self.connections.get(key)
    }

    /// A text that was made of a connection, as the files that it is made of have it: whatever they were filled
    /// in with is seen by nobody.
    pub fn as_written(&self, connection: &Connection, text: &str) -> String {
        let places =
            [(Section::Connections, &connection.key), (Section::Connectors, &connection.connector)];
        let declared = places.iter().filter_map(|it| self.declared.find(it.0, it.1.as_str()));
        as_written(text, declared.flat_map(Declared::hidden))
    }

    /// Why a connection's stored credentials are not used, where they are not.
    pub fn elsewhere(&self, connection: &Key) -> Option<&Elsewhere> {
        self.elsewhere.get(connection)
    }

    pub fn environment(&self, key: &str) -> Option<&Arc<Environment>> {
        self.environments.get(key)
    }

    pub fn connector(&self, key: &str) -> Option<&Arc<Connector>> {
        self.connectors.get(key)
    }

    pub fn connections(&self) -> impl ExactSizeIterator<Item = &Arc<Connection>> {
        self.connections.values()
    }

    /// In no order.
    pub fn callers(&self) -> impl Iterator<Item = &Arc<Caller>> {
        self.callers.values()
    }
}

fn first_bytes(hash: &[u8; 32]) -> [u8; 8] {
    *hash.first_chunk().expect("32 bytes have 8 first ones")
}

/// What was built; `None` under the key of what is not sound, so that nobody calls it missing.
type Built<T> = HashMap<Key, Option<Arc<T>>, foldhash::fast::RandomState>;

fn sound<T>(built: Built<T>) -> ByKey<T> {
    built.into_iter().filter_map(|(key, it)| Some((key, it?))).collect()
}

struct Build<'w> {
    unread: HashSet<(String, String)>,
    lines: Lines,
    declared: Declarations,
    problems: Vec<Problem>,
    warnings: &'w mut Vec<Problem>,
}

impl Build<'_> {
    fn defaults(&mut self, upstream: &RawUpstream, egress: &RawEgress) -> Arc<UpstreamSettings> {
        let mut problems = Vec::new();
        // The section's name stands in both paths already.
        let top = At::section("");
        let settings = Arc::new(UpstreamSettings::default());
        let settings = settings.overlaid(upstream, egress, top, &mut problems);
        self.problems.extend(problems.into_iter().map(|mut it| {
            it.path.remove(0);
            it
        }));
        settings
    }

    fn callers(&mut self, raw: &IndexMap<String, RawCaller>) -> Vec<(Arc<Caller>, [u8; 32])> {
        let section = At::section("callers");
        let mut callers = Vec::with_capacity(raw.len());
        let mut by_hash: HashMap<[u8; 32], Key> = HashMap::new();
        for (name, raw) in raw {
            let at = section.key(name);
            let Some(key) = checked_key(name, at, &mut self.problems) else { continue };
            self.declare(Section::Callers, &key, raw);
            let (caller, sha256) = Caller::declared(key.clone(), raw, at, &mut self.problems);
            if let Some(other) = by_hash.insert(sha256, key) {
                self.problems.push(at.key("key").problem(
                    format!("the caller `{other}` has the same key"),
                    "give each caller a key of its own",
                ));
            }
            callers.push((Arc::new(caller), sha256));
        }
        callers
    }

    fn declare(&mut self, section: Section, key: &Key, written: &impl Serialize) {
        self.declared.add(section, key, written, &mut self.lines);
    }

    fn connectors(
        &mut self,
        raw: IndexMap<String, RawConnector>,
        defaults: &Arc<UpstreamSettings>,
    ) -> Built<Connector> {
        let section = At::section("connectors");
        let mut built = Built::default();
        for (name, raw) in raw {
            let at = section.key(&name);
            let before = self.problems.len();
            let Some(key) = checked_key(&name, at, &mut self.problems) else { continue };
            let raw = match raw.completed() {
                Ok(raw) => raw,
                Err(unknown) => {
                    let problem = at.key("from").problem(unknown.to_string(), unknown.hint());
                    self.problems.push(problem);
                    built.insert(key, None);
                    continue;
                }
            };
            self.declare(Section::Connectors, &key, &raw);
            let connector =
                Connector::build(key.clone(), raw, defaults, at, &mut self.problems, self.warnings);
            let is_sound = self.problems.len() == before;
            built.insert(key, is_sound.then(|| Arc::new(connector)));
        }
        built
    }

    fn connections(
        &mut self,
        raw: IndexMap<String, RawConnection>,
        activations: Vec<RawActivation>,
        connectors: &Built<Connector>,
    ) -> Built<Connection> {
        let mut by_connection: HashMap<String, RawActivations> = HashMap::new();
        let mut lines = std::mem::take(&mut self.lines.activations).into_iter();
        for (index, activation) in activations.into_iter().enumerate() {
            let of = by_connection.entry_ref(&*activation.connection).or_default();
            of.push((index, lines.next(), activation));
        }
        let section = At::section("connections");
        let mut built = Built::with_capacity_and_hasher(raw.len(), Default::default());
        for (name, raw) in raw {
            let at = section.key(&name);
            let activations = by_connection.remove(&name).unwrap_or_default();
            let Some(key) = checked_key(&name, at, &mut self.problems) else { continue };
            self.declare(Section::Connections, &key, &raw);
            let connection = match connectors.get(&*raw.connector) {
                Some(Some(connector)) => Connection::build(
                    key.clone(),
                    Making::declared(raw, activations),
                    connector,
                    at,
                    &mut self.problems,
                    self.warnings,
                ),
                Some(None) => None,
                None => {
                    self.missing("connectors", "connector", &raw.connector, at.key("connector"));
                    None
                }
            };
            built.insert(key, connection.map(Arc::new));
        }
        let section = At::section("activations");
        for (name, activations) in by_connection {
            for (index, _, _) in activations {
                let at = section.index(index);
                self.missing("connections", "connection", &name, at.key("connection"));
            }
        }
        built
    }

    fn integrations(
        &mut self,
        raw: IndexMap<String, RawIntegration>,
        connectors: &Built<Connector>,
    ) -> Built<Integration> {
        let section = At::section("integrations");
        let mut built = Built::default();
        for (name, raw) in raw {
            let at = section.key(&name);
            let Some(key) = checked_key(&name, at, &mut self.problems) else { continue };
            self.declare(Section::Integrations, &key, &raw);
            let unread = &self.unread;
            let find = |it: &str| match connectors.get(it) {
                Some(connector) => Some(connector.as_deref()),
                None => is_unread(unread, "connectors", it).then_some(None),
            };
            let (before, mut about_endpoints) = (self.problems.len(), Vec::new());
            let integration = Integration::build(
                key.clone(),
                raw,
                find,
                at,
                &mut self.problems,
                &mut about_endpoints,
            );
            self.problems.extend(about_endpoints);
            let is_sound = self.problems.len() == before;
            built.insert(key, is_sound.then(|| Arc::new(integration)));
        }
        built
    }

    fn environments(
        &mut self,
        raw: IndexMap<String, RawEnvironment>,
        integrations: &Built<Integration>,
        connections: &Built<Connection>,
    ) -> ByKey<Environment> {
        let section = At::section("environments");
        let mut built = ByKey::default();
        for (name, raw) in raw {
            let at = section.key(&name);
            let Some(key) = checked_key(&name, at, &mut self.problems) else { continue };
            self.declare(Section::Environments, &key, &raw);
            let integration = match integrations.get(&*raw.integration) {
                Some(Some(integration)) => integration,
                Some(None) => continue,
                None => {
                    let at = at.key("integration");
                    self.missing("integrations", "integration", &raw.integration, at);
                    continue;
                }
            };
            let unread = &self.unread;
            let find = |it: &str| match connections.get(it) {
                Some(connection) => Some(connection.as_ref()),
                None => is_unread(unread, "connections", it).then_some(None),
            };
            let environment =
                Environment::build(key.clone(), raw, integration, find, at, &mut self.problems);
            built.insert(key, Arc::new(environment));
        }
        built
    }

    fn missing(&mut self, section: &str, noun: &str, key: &str, at: At<'_>) {
        if !is_unread(&self.unread, section, key) {
            let problem = format!("there is no {noun} `{key}`");
            self.problems.push(at.problem(problem, format!("declare it under {section}")));
        }
    }
}

fn is_unread(unread: &HashSet<(String, String)>, section: &str, key: &str) -> bool {
    !unread.is_empty() && unread.contains(&(section.to_owned(), key.to_owned()))
}

#[cfg(test)]
mod tests;
