//! Stored definitions beside those of files: built one by one, so that an unsound one costs no other.
//!
//! What stands in a file stays as the file has it. A stored definition of the same key is skipped.
use super::CallerKey;
use super::Elsewhere;
use super::Snapshot;
use crate::catalog::AuthMethod;
use crate::catalog::Caller;
use crate::catalog::Connection;
use crate::catalog::Connector;
use crate::catalog::Endpoints;
use crate::catalog::Environment;
use crate::catalog::Integration;
use crate::catalog::RawConnection;
use crate::catalog::RawConnector;
use crate::catalog::RawEnvironment;
use crate::catalog::RawGrants;
use crate::catalog::RawIntegration;
use crate::catalog::Reach;
use crate::catalog::Section;
use crate::catalog::connection::Making;
use crate::catalog::connection::Pinned;
use crate::catalog::problem::At;
use crate::catalog::problem::Problem;
use crate::model::Credential;
use crate::model::Key;
use crate::model::UnixTime;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The definitions of a store, in the catalogue's words.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub connectors: BTreeMap<Key, StoredConnector>,
    /// The recorded revisions of auth methods, those of connectors in files too: by connector.
    pub methods: BTreeMap<Key, Methods>,
    pub connections: BTreeMap<Key, StoredConnection>,
    pub integrations: BTreeMap<Key, RawIntegration>,
    pub environments: BTreeMap<Key, RawEnvironment>,
    pub callers: BTreeMap<Key, StoredCaller>,
    /// Where what is sealed may go, by connection and owner: connections in files have tenants' too.
    pub reaches: BTreeMap<Key, BTreeMap<Box<str>, Arc<Reach>>>,
}

/// By method and revision; what is wrong with one that is not sound.
pub type Methods = BTreeMap<Key, BTreeMap<u32, Result<Arc<AuthMethod>, Vec<Problem>>>>;

/// A connector as it is stored.
#[derive(Clone, Debug)]
pub struct StoredConnector {
    /// Less its auth methods and its endpoints.
    pub raw: RawConnector,
    /// Those of its endpoints that are sound, and what is wrong with the others.
    pub endpoints: (Endpoints, Vec<Problem>),
    /// The present revision of each auth method.
    pub methods: Vec<(Key, u32)>,
    /// Of its row.
    pub version: i64,
}

/// A connection as it is stored.
#[derive(Clone, Debug)]
pub struct StoredConnection {
    /// Its id, which its credentials are bound to.
    pub owner: Box<str>,
    /// Of its auth method: the one that it pins.
    pub revision: u32,
    /// Less its credentials.
    pub raw: RawConnection,
    /// Of its row; none of one that is not written yet.
    pub version: Option<i64>,
}

/// The credentials of a connection itself.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    pub credential: Credential,
    pub test: Option<Credential>,
}

/// A caller as it is stored.
#[derive(Clone, Debug)]
pub struct StoredCaller {
    pub grants: RawGrants,
    /// SHA-256 of each key, and when it expires.
    pub keys: Vec<([u8; 32], Option<UnixTime>)>,
}

/// Keys of stored definitions that are to be built anew, or were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// An auth method counts as its connector.
    pub connectors: BTreeSet<Key>,
    pub connections: BTreeSet<Key>,
    pub integrations: BTreeSet<Key>,
    pub environments: BTreeSet<Key>,
    pub callers: BTreeSet<Key>,
}

/// A stored definition that is not served, or not all of it, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub section: Section,
    pub key: Key,
    pub problems: Vec<Problem>,
}

/// What came of a patch.
#[derive(Debug)]
pub struct Patched {
    pub snapshot: Snapshot,
    /// What was built: of all else nothing has changed.
    pub rebuilt: Touched,
    pub skipped: Vec<Skipped>,
}

impl Stored {
    /// All of it.
    pub fn keys(&self) -> Touched {
        Touched {
            connectors: self.connectors.keys().cloned().collect(),
            connections: self.connections.keys().chain(self.reaches.keys()).cloned().collect(),
            integrations: self.integrations.keys().cloned().collect(),
            environments: self.environments.keys().cloned().collect(),
            callers: self.callers.keys().cloned().collect(),
        }
    }

    /// A revision of an auth method.
    pub fn method(
        &self,
        connector: &str,
        method: &str,
        revision: u32,
    ) -> Result<&Arc<AuthMethod>, Vec<Problem>> {
        recorded(self, connector, method, revision)
    }
}

impl Touched {
    pub fn extend(&mut self, other: Self) {
        self.connectors.extend(other.connectors);
        self.connections.extend(other.connections);
        self.integrations.extend(other.integrations);
        self.environments.extend(other.environments);
        self.callers.extend(other.callers);
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn keys(&self, section: Section) -> &BTreeSet<Key> {
        match section {
            Section::Callers => &self.callers,
            Section::Connectors => &self.connectors,
            Section::Connections => &self.connections,
            Section::Integrations => &self.integrations,
            Section::Environments => &self.environments,
        }
    }

    pub fn of(&mut self, section: Section) -> &mut BTreeSet<Key> {
        match section {
            Section::Callers => &mut self.callers,
            Section::Connectors => &mut self.connectors,
            Section::Connections => &mut self.connections,
            Section::Integrations => &mut self.integrations,
            Section::Environments => &mut self.environments,
        }
    }
}

impl Snapshot {
    /// This snapshot with what was touched built anew, and what depends on it. What was touched and
    /// is not stored any more is gone.
    ///
    /// `open` gives a stored connection's credentials, or says why there are none.
    pub fn patched(
        &self,
        stored: &Stored,
        touched: Touched,
        open: &dyn Fn(&Key, &StoredConnection) -> Result<Opened, String>,
    ) -> Patched {
        let mut patch = Patch { next: self.clone(), stored, touched, skipped: Vec::new() };
        patch.connectors();
        patch.connections(open);
        patch.integrations();
        patch.environments();
        patch.callers();
        Patched { snapshot: patch.next, rebuilt: patch.touched, skipped: patch.skipped }
    }

    /// This snapshot with another connector in its place, and all else as it was made of the former one:
    /// for drafts of what depends on it.
    pub fn with_connector(&self, connector: Connector) -> Self {
        let mut next = self.clone();
        next.connectors.insert(connector.key.clone(), Arc::new(connector));
        next
    }

    /// The same with another connection.
    pub fn with_connection(&self, connection: Connection) -> Self {
        let mut next = self.clone();
        next.connections.insert(connection.key.clone(), Arc::new(connection));
        next
    }

    /// The same with another integration.
    pub fn with_integration(&self, integration: Integration) -> Self {
        let mut next = self.clone();
        next.integrations.insert(integration.key.clone(), Arc::new(integration));
        next
    }

    /// The connector that this would be. Warnings: sound, but surely not meant.
    pub fn draft_connector(
        &self,
        key: &Key,
        raw: RawConnector,
        warnings: &mut Vec<Problem>,
    ) -> Result<Connector, Vec<Problem>> {
        let mut problems = Vec::new();
        let section = At::section("connectors");
        let at = section.key(key.as_str());
        let built = Connector::build(key.clone(), raw, &self.defaults, at, &mut problems, warnings);
        if problems.is_empty() { Ok(built) } else { Err(problems) }
    }

    /// The connection that this would be, with this revision of its auth method.
    pub fn draft_connection(
        &self,
        key: &Key,
        stored: &StoredConnection,
        method: &Arc<AuthMethod>,
        opened: Opened,
        warnings: &mut Vec<Problem>,
    ) -> Result<Connection, Vec<Problem>> {
        let mut problems = Vec::new();
        let section = At::section("connections");
        let at = section.key(key.as_str());
        let Some(connector) = self.connectors.get(&*stored.raw.connector) else {
            let problem = format!("there is no connector `{}`", stored.raw.connector);
            return Err(vec![at.key("connector").problem(problem, "create it first")]);
        };
        let making = Making {
            raw: stored.raw.clone(),
            credential: opened.credential,
            test: opened.test,
            activations: Vec::new(),
            stored: Some(Pinned {
                owner: stored.owner.clone(),
                method: Arc::clone(method),
                version: stored.version,
            }),
        };
        let built = Connection::build(key.clone(), making, connector, at, &mut problems, warnings);
        built.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// The integration that this would be.
    pub fn draft_integration(
        &self,
        key: &Key,
        raw: RawIntegration,
    ) -> Result<Integration, Vec<Problem>> {
        match self.integration_of(key, raw) {
            (Some(built), problems) if problems.is_empty() => Ok(built),
            (_, problems) => Err(problems),
        }
    }

    /// The environment that this would be.
    pub fn draft_environment(
        &self,
        key: &Key,
        raw: RawEnvironment,
    ) -> Result<Environment, Vec<Problem>> {
        let find = |it: &str| self.connections.get(it).map(Some);
        match self.environment_of(key, raw, find) {
            (Some(built), problems) if problems.is_empty() => Ok(built),
            (_, problems) => Err(problems),
        }
    }

    /// The caller that this would be.
    pub fn draft_caller(&self, key: &Key, raw: &RawGrants) -> Result<Caller, Vec<Problem>> {
        let mut problems = Vec::new();
        let section = At::section("callers");
        let built = Caller::build(key.clone(), raw, section.key(key.as_str()), &mut problems);
        if problems.is_empty() { Ok(built) } else { Err(problems) }
    }

    /// With what is sound of it, where its links are.
    fn integration_of(
        &self,
        key: &Key,
        raw: RawIntegration,
    ) -> (Option<Integration>, Vec<Problem>) {
        let (mut problems, mut about_endpoints) = (Vec::new(), Vec::new());
        let section = At::section("integrations");
        let at = section.key(key.as_str());
        let find = |it: &str| self.connectors.get(it).map(|it| Some(&**it));
        let built =
            Integration::build(key.clone(), raw, find, at, &mut problems, &mut about_endpoints);
        let built = problems.is_empty().then_some(built);
        problems.extend(about_endpoints);
        (built, problems)
    }

    /// With what is sound of it, where its integration is there.
    fn environment_of<'c>(
        &self,
        key: &Key,
        raw: RawEnvironment,
        find: impl Fn(&str) -> Option<Option<&'c Arc<Connection>>>,
    ) -> (Option<Environment>, Vec<Problem>) {
        let mut problems = Vec::new();
        let section = At::section("environments");
        let at = section.key(key.as_str());
        let Some(integration) = self.integrations.get(&*raw.integration) else {
            let problem = format!("there is no integration `{}`", raw.integration);
            return (None, vec![at.key("integration").problem(problem, "create it first")]);
        };
        let built = Environment::build(key.clone(), raw, integration, find, at, &mut problems);
        (Some(built), problems)
    }
}

fn recorded<'s>(
    stored: &'s Stored,
    connector: &str,
    method: &str,
    revision: u32,
) -> Result<&'s Arc<AuthMethod>, Vec<Problem>> {
    let of = stored.methods.get(connector).and_then(|it| it.get(method));
    match of.and_then(|it| it.get(&revision)) {
        Some(Ok(method)) => Ok(method),
        Some(Err(problems)) => Err(problems.clone()),
        None => {
            let problem =
                format!("the revision `{method}@{revision}` of `{connector}` is not there");
            Err(vec![At::section("auth").key(method).problem(problem, "pin another one")])
        }
    }
}

struct Patch<'s> {
    next: Snapshot,
    stored: &'s Stored,
    /// Grows by what depends on what was built.
    touched: Touched,
    skipped: Vec<Skipped>,
}

impl Patch<'_> {
    fn connectors(&mut self) {
        let mut moved = false;
        for key in self.touched.connectors.clone() {
            // Its auth methods may be recorded here all the same: stored connections pin them.
            self.follow(&key);
            if self.is_declared(
                Section::Connectors,
                &key,
                self.stored.connectors.contains_key(&key),
            ) {
                continue;
            }
            moved = true;
            self.next.connectors.remove(&key);
            let Some(row) = self.stored.connectors.get(&key) else { continue };
            match self.next.draft_connector(&key, row.raw.clone(), &mut Vec::new()) {
                Ok(mut connector) => {
                    self.give_endpoints(&mut connector, row);
                    self.give_methods(&mut connector, &row.methods);
                    connector.version = Some(row.version);
                    self.next.connectors.insert(key, Arc::new(connector));
                }
                Err(problems) => self.skip(Section::Connectors, key, problems),
            }
        }
        if moved {
            self.touched.integrations.extend(self.stored.integrations.keys().cloned());
        }
    }

    /// The stored connections of a connector are built with it.
    fn follow(&mut self, connector: &Key) {
        let of = |it: &(&Key, &StoredConnection)| it.1.raw.connector == connector.as_str();
        let keys = self.stored.connections.iter().filter(of).map(|it| it.0.clone());
        self.touched.connections.extend(keys);
    }

    /// One that is not sound is left out, and said.
    fn give_endpoints(&mut self, connector: &mut Connector, row: &StoredConnector) {
        let (endpoints, problems) = &row.endpoints;
        connector.endpoints = endpoints.clone();
        if !problems.is_empty() {
            self.skip(Section::Connectors, connector.key.clone(), problems.clone());
        }
    }

    /// A revision that is not sound is left out, and said.
    fn give_methods(&mut self, connector: &mut Connector, methods: &[(Key, u32)]) {
        for (name, revision) in methods {
            match recorded(self.stored, connector.key.as_str(), name.as_str(), *revision) {
                Ok(method) => {
                    connector.methods.insert(name.clone(), Arc::clone(method));
                }
                Err(problems) => self.skip(Section::Connectors, connector.key.clone(), problems),
            }
        }
    }

    fn connections(&mut self, open: &dyn Fn(&Key, &StoredConnection) -> Result<Opened, String>) {
        for key in self.touched.connections.clone() {
            let row = self.stored.connections.get(&key);
            self.next.elsewhere.remove(&key);
            if self.is_declared(Section::Connections, &key, row.is_some()) {
                self.hold_back(&key, None);
                continue;
            }
            self.next.connections.remove(&key);
            let Some(row) = row else { continue };
            match self.connection(&key, row, open) {
                Ok(connection) => {
                    self.next.connections.insert(key.clone(), Arc::new(connection));
                    self.hold_back(&key, Some(&row.owner));
                }
                Err(problems) => self.skip(Section::Connections, key, problems),
            }
        }
        let touched = &self.touched.connections;
        let assigns =
            |it: &&RawEnvironment| it.assign.values().any(|name| touched.contains(name.as_str()));
        let environments = self.stored.environments.iter();
        let affected = environments.filter(|(_, it)| assigns(it)).map(|it| it.0.clone());
        self.touched.environments.extend(affected);
    }

    /// Where a connection's credentials would go elsewhere than where they were entered for, none is used
    /// until somebody says that they may. `owner`: of a stored connection; under one in a file, what
    /// tenants have stored is held back alone.
    fn hold_back(&mut self, key: &Key, owner: Option<&str>) {
        let Some(connection) = self.next.connections.get(key) else { return };
        let Some(owners) = self.stored.reaches.get(key) else { return };
        let now = connection.reach();
        let owner = owner.or_else(|| connection.shared().map(|it| &*it.owner));
        let Some(entered) = owner.and_then(|it| owners.get(it)) else { return };
        if entered.covers(&now) {
            return;
        }
        let problem =
            format!("those stored of its credentials {}: none is used", entered.departure(&now));
        let section = At::section("connections");
        let at = section.key(key.as_str());
        let problem = at.key("base_url").problem(problem, "confirm it, or undo the change");
        let is_declared = self.next.declared.find(Section::Connections, key.as_str()).is_some();
        let elsewhere =
            Elsewhere { entered_for: Arc::clone(entered), activations_alone: is_declared };
        self.next.elsewhere.insert(key.clone(), elsewhere);
        self.skip(Section::Connections, key.clone(), vec![problem]);
    }

    fn connection(
        &self,
        key: &Key,
        row: &StoredConnection,
        open: &dyn Fn(&Key, &StoredConnection) -> Result<Opened, String>,
    ) -> Result<Connection, Vec<Problem>> {
        let method = recorded(self.stored, &row.raw.connector, &row.raw.auth, row.revision)?;
        let section = At::section("connections");
        let at = section.key(key.as_str());
        let opened = open(key, row)
            .map_err(|it| vec![at.key("credentials").problem(it, "set them again")])?;
        self.next.draft_connection(key, row, method, opened, &mut Vec::new())
    }

    fn integrations(&mut self) {
        for key in self.touched.integrations.clone() {
            let row = self.stored.integrations.get(&key);
            if self.is_declared(Section::Integrations, &key, row.is_some()) {
                continue;
            }
            self.next.integrations.remove(&key);
            let Some(row) = row else { continue };
            let (built, problems) = self.next.integration_of(&key, row.clone());
            if let Some(integration) = built {
                self.next.integrations.insert(key.clone(), Arc::new(integration));
            }
            if !problems.is_empty() {
                self.skip(Section::Integrations, key, problems);
            }
        }
        let touched = &self.touched.integrations;
        let environments = self.stored.environments.iter();
        let of = |it: &RawEnvironment| touched.contains(it.integration.as_str());
        let affected = environments.filter(|it| of(it.1)).map(|it| it.0.clone());
        self.touched.environments.extend(affected);
    }

    /// A connection that is gone or not sound leaves its place empty, and the others theirs.
    fn environments(&mut self) {
        for key in self.touched.environments.clone() {
            let row = self.stored.environments.get(&key);
            if self.is_declared(Section::Environments, &key, row.is_some()) {
                continue;
            }
            self.next.environments.remove(&key);
            let Some(row) = row else { continue };
            let find = |it: &str| self.next.connections.get(it).map(Some);
            let (built, problems) = self.next.environment_of(&key, row.clone(), find);
            if let Some(environment) = built {
                self.next.environments.insert(key.clone(), Arc::new(environment));
            }
            if !problems.is_empty() {
                self.skip(Section::Environments, key, problems);
            }
        }
    }

    fn callers(&mut self) {
        let touched = self.touched.callers.clone();
        let declared = Arc::clone(&self.next.declared);
        let is_gone = |it: &CallerKey| {
            let key = &it.caller.key;
            touched.contains(key) && declared.find(Section::Callers, key.as_str()).is_none()
        };
        if !touched.is_empty() {
            self.next.caller_keys.retain(|_, keys| {
                keys.retain(|it| !is_gone(it));
                !keys.is_empty()
            });
        }
        for key in touched {
            let row = self.stored.callers.get(&key);
            if self.is_declared(Section::Callers, &key, row.is_some()) {
                continue;
            }
            self.next.callers.remove(&key);
            let Some(row) = row else { continue };
            match self.next.draft_caller(&key, &row.grants) {
                Ok(caller) => self.add_caller(key, Arc::new(caller), &row.keys),
                Err(problems) => self.skip(Section::Callers, key, problems),
            }
        }
    }

    fn add_caller(&mut self, key: Key, caller: Arc<Caller>, keys: &[([u8; 32], Option<UnixTime>)]) {
        for (sha256, expires) in keys {
            if let Some(other) = self.next.caller_key(sha256) {
                let problem = format!("the caller `{}` has the same key", other.caller.key);
                let section = At::section("callers");
                let problem = section.key(key.as_str()).problem(problem, "rotate this one's");
                self.skip(Section::Callers, key.clone(), vec![problem]);
                continue;
            }
            let (sha256, expires, caller) = (*sha256, *expires, Arc::clone(&caller));
            self.next.add_caller_key(CallerKey { sha256, expires, caller });
        }
        self.next.callers.insert(key, caller);
    }

    /// True for what stands in a file. That it is stored as well is said.
    fn is_declared(&mut self, section: Section, key: &Key, is_stored: bool) -> bool {
        let Some(declared) = self.next.declared.find(section, key.as_str()) else { return false };
        if is_stored {
            let place = declared.line.as_ref().map_or("a file".to_owned(), ToString::to_string);
            let at = At::section(section.as_str());
            let problem = at.key(key.as_str()).problem(
                format!(
                    "the {} `{key}` is also declared in {place}, which is served",
                    section.noun()
                ),
                "remove it there or from the store",
            );
            self.skip(section, key.clone(), vec![problem]);
        }
        true
    }

    fn skip(&mut self, section: Section, key: Key, problems: Vec<Problem>) {
        self.skipped.push(Skipped { section, key, problems });
    }
}

#[cfg(test)]
mod tests;
