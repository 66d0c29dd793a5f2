//! The definitions of the store as they were last read: all at start, then what changed.
use super::keys::ByKeyId;
use crate::catalog::AuthMethod;
use crate::catalog::Endpoints;
use crate::catalog::Methods;
use crate::catalog::Opened;
use crate::catalog::RawConnection;
use crate::catalog::RawConnector;
use crate::catalog::RawEnvironment;
use crate::catalog::Section;
use crate::catalog::Stored;
use crate::catalog::StoredCaller;
use crate::catalog::StoredConnection;
use crate::catalog::StoredConnector;
use crate::catalog::Touched;
use crate::model::Credential;
use crate::model::Key;
use crate::model::Scope;
use crate::model::UnixTime;
use crate::seal::Binding;
use crate::seal::Sealer;
use crate::seal::Slot;
use crate::store;
use crate::store::CallerKey;
use crate::store::CallerRow;
use crate::store::ConnectionRow;
use crate::store::ConnectorRow;
use crate::store::Entered;
use crate::store::EnvironmentRow;
use crate::store::IntegrationRow;
use crate::store::Listed;
use crate::store::MethodRevision;
use crate::store::SealedCredential;
use crate::store::Store;
use crate::store::StoreError;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;

/// What was read, with the sealed credentials of connections, and what could not be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) stored: Stored,
    /// By owner.
    sealed: HashMap<Box<str>, SealedPair>,
    /// Rows that say nothing usable, and why.
    pub(super) unreadable: BTreeMap<(Section, String), String>,
}

/// The credentials of a connection itself.
#[derive(Clone, Debug, Default)]
struct SealedPair {
    own: Option<SealedCredential>,
    test: Option<SealedCredential>,
}

impl Layer {
    /// All of it. Activations are not read: there may be millions.
    pub(super) async fn read(store: &Store) -> Result<Self, StoreError> {
        let scope = &Scope::System;
        let mut layer = Self::default();
        let (methods, broken) = store.auth_methods().in_use(scope).await?;
        layer.add_methods(methods);
        layer.note(Section::Connectors, &broken);
        let (credentials, broken) = store.credentials().of_connections(scope).await?;
        for entry in credentials {
            layer.add_sealed(&entry.owner, entry.slot, entry.credential);
        }
        layer.note(Section::Connections, &broken);
        let (keys, broken) = store.callers().all_keys(scope).await?;
        layer.note(Section::Callers, &broken);
        let mut keys_of = by_caller(keys);
        layer.add_all(Section::Connectors, store.connectors().all(scope).await?, |_, it| it);
        layer.add_all(Section::Integrations, store.integrations().all(scope).await?, |_, it| it);
        layer.add_all(Section::Environments, store.environments().all(scope).await?, |_, it| it);
        layer.add_all(Section::Connections, store.connections().all(scope).await?, |_, it| it);
        let (entered, broken) = store.origins().all(scope).await?;
        layer.add_entered(entered);
        layer.hold_back(store, &broken).await?;
        layer.add_all(Section::Callers, store.callers().all(scope).await?, |key, row| {
            (row, keys_of.remove(key).unwrap_or_default())
        });
        Ok(layer)
    }

    /// These rows alone, as they are now.
    pub(super) async fn read_some(store: &Store, touched: &Touched) -> Result<Self, StoreError> {
        match Self::read_several(store, touched).await {
            // Which it is, the answer about each says.
            Err(StoreError::Corrupt { .. }) => Self::read_one_by_one(store, touched).await,
            read => read,
        }
    }

    /// A question for each table, however many rows of it there are; an error where one does not read.
    async fn read_several(store: &Store, touched: &Touched) -> Result<Self, StoreError> {
        let scope = &Scope::System;
        let mut layer = Self::default();
        let keys = |section| touched.keys(section).iter().map(Key::as_str).collect::<Vec<_>>();

        let connectors = keys(Section::Connectors);
        layer.add_methods(store.auth_methods().all_of_several(scope, &connectors).await?);
        let rows = sound(store.connectors().several(scope, &connectors).await?)?;
        layer.add_rows(Section::Connectors, rows);

        let integrations = keys(Section::Integrations);
        let rows = sound(store.integrations().several(scope, &integrations).await?)?;
        layer.add_rows(Section::Integrations, rows);
        let environments = keys(Section::Environments);
        let rows = sound(store.environments().several(scope, &environments).await?)?;
        layer.add_rows(Section::Environments, rows);

        let connections = keys(Section::Connections);
        let rows = sound(store.connections().several(scope, &connections).await?)?;
        let pinned = rows.iter().map(|it| {
            let row = &it.value;
            (&*row.connector, &*row.method, row.revision)
        });
        let pinned: BTreeSet<_> = pinned.collect();
        let pinned: Vec<_> = pinned.into_iter().collect();
        layer.add_methods(store.auth_methods().these(scope, &pinned).await?);
        let owners: Vec<&str> = rows.iter().map(|it| &*it.value.id).collect();
        let entered = store.origins().of_several(scope, &connections, &owners).await?;
        layer.add_entered(entered);
        for entry in store.credentials().of_owners(scope, &owners).await? {
            layer.add_sealed(&entry.owner, entry.slot, entry.credential);
        }
        layer.add_rows(Section::Connections, rows);

        let callers = keys(Section::Callers);
        let rows = sound(store.callers().several(scope, &callers).await?)?;
        let mut keys_of = by_caller(store.callers().keys_of_several(scope, &callers).await?);
        for row in rows {
            let own = keys_of.remove(&row.key).unwrap_or_default();
            layer.add(Section::Callers, &row.key, row.version, (row.value, own));
        }
        Ok(layer)
    }

    async fn read_one_by_one(store: &Store, touched: &Touched) -> Result<Self, StoreError> {
        let scope = &Scope::System;
        let mut layer = Self::default();
        for key in &touched.connectors {
            let methods = match store.auth_methods().all_of(scope, key.as_str()).await {
                Err(StoreError::Corrupt { .. }) => {
                    let (all, broken) = store.auth_methods().in_use(scope).await?;
                    layer.note(Section::Connectors, &broken);
                    all.into_iter().filter(|it| it.connector == key.as_str()).collect()
                }
                methods => methods?,
            };
            layer.add_methods(methods);
            let row = store.connectors().get(scope, key.as_str()).await;
            layer.add_one(Section::Connectors, key, row, |it| it)?;
        }
        for key in &touched.integrations {
            let row = store.integrations().get(scope, key.as_str()).await;
            layer.add_one(Section::Integrations, key, row, |it| it)?;
        }
        for key in &touched.environments {
            let row = store.environments().get(scope, key.as_str()).await;
            layer.add_one(Section::Environments, key, row, |it| it)?;
        }
        for key in &touched.connections {
            let row = store.connections().get(scope, key.as_str()).await;
            let stored = row.as_ref().ok().and_then(|it| it.as_ref());
            let owner = stored.map_or_else(|| format!("file:{key}"), |it| it.value.id.clone());
            let origins = store.origins().of_connection(scope, key.as_str(), &owner);
            let (entered, broken) = origins.await?;
            layer.add_entered(entered);
            if !broken.is_empty() {
                layer.hold_back_of(key, owner);
                layer.note(Section::Connections, &broken);
            }
            if let Ok(Some(row)) = &row {
                layer.read_pinned(store, &row.value).await?;
                for slot in [Slot::Own, Slot::Test] {
                    match store.credentials().get(scope, &row.value.id, "", slot).await {
                        Ok(Some(sealed)) => layer.add_sealed(&row.value.id, slot, sealed),
                        Ok(None) => {}
                        Err(error @ StoreError::Corrupt { .. }) => {
                            layer.note(Section::Connections, &[error]);
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            layer.add_one(Section::Connections, key, row, |it| it)?;
        }
        for key in &touched.callers {
            let row = store.callers().get(scope, key.as_str()).await;
            let (keys, broken) = store.callers().keys(scope, key.as_str()).await?;
            layer.note(Section::Callers, &broken);
            layer.add_one(Section::Callers, key, row, |it| (it, keys))?;
        }
        Ok(layer)
    }

    /// The revision that a connection pins: nobody may have used it before.
    async fn read_pinned(&mut self, store: &Store, row: &ConnectionRow) -> Result<(), StoreError> {
        let (connector, method) = (&*row.connector, &*row.method);
        let methods = store.auth_methods();
        match methods.revision(&Scope::System, connector, method, row.revision).await {
            Ok(revision) => self.add_methods(revision.into_iter().collect()),
            Err(error @ StoreError::Corrupt { .. }) => self.note(Section::Connectors, &[error]),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Puts what was read of the touched rows in the place of what was known of them.
    pub(super) fn merge(&mut self, read: Self, touched: &Touched) {
        let Self { stored, sealed, unreadable } = self;
        for key in &touched.connections {
            stored.reaches.remove(key);
            if let Some(former) = stored.connections.remove(key) {
                sealed.remove(&former.owner);
                unreadable.remove(&(Section::Connections, former.owner.to_string()));
            }
            unreadable.remove(&(Section::Connections, format!("file:{key}")));
        }
        for key in &touched.connectors {
            stored.connectors.remove(key);
            stored.methods.remove(key);
        }
        touched.integrations.iter().for_each(|it| drop(stored.integrations.remove(it)));
        touched.environments.iter().for_each(|it| drop(stored.environments.remove(it)));
        touched.callers.iter().for_each(|it| drop(stored.callers.remove(it)));
        for section in Section::ALL {
            for key in touched.keys(section) {
                unreadable.remove(&(section, key.to_string()));
            }
        }
        stored.connectors.extend(read.stored.connectors);
        for (connector, methods) in read.stored.methods {
            let known = stored.methods.entry(connector).or_default();
            for (method, revisions) in methods {
                known.entry(method).or_default().extend(revisions);
            }
        }
        stored.integrations.extend(read.stored.integrations);
        stored.environments.extend(read.stored.environments);
        stored.connections.extend(read.stored.connections);
        stored.callers.extend(read.stored.callers);
        stored.reaches.extend(read.stored.reaches);
        sealed.extend(read.sealed);
        unreadable.extend(read.unreadable);
    }

    /// The connections with a credential under a key that is not at hand.
    pub(super) fn under_missing_keys(&self, sealer: &Sealer) -> ByKeyId {
        let keyring = sealer.keyring();
        let mut missing = ByKeyId::new();
        for (key, row) in &self.stored.connections {
            let Some(pair) = self.sealed.get(&row.owner) else { continue };
            let key_ids = [&pair.own, &pair.test].into_iter().flatten().map(|it| &it.sealed.key_id);
            for key_id in key_ids.filter(|it| !keyring.has(it)) {
                missing.entry(key_id.clone()).or_default().insert(key.clone());
            }
        }
        missing
    }

    /// A connection's credentials, in the clear, where their keys are at hand.
    pub(super) fn open(&self, row: &StoredConnection, sealer: &Sealer) -> Result<Opened, String> {
        let Some(pair) = self.sealed.get(&row.owner) else { return Ok(Opened::default()) };
        let open = |slot, sealed: &Option<SealedCredential>| {
            let Some(SealedCredential { generation, sealed }) = sealed else { return Ok(None) };
            let owner = &*row.owner;
            let binding = Binding { owner, tenant: "", slot, generation: *generation };
            let opened = sealer.open_at_hand(&binding, sealed);
            opened.map(Some).map_err(|it| format!("its credential does not open: {it}"))
        };
        Ok(Opened {
            credential: open(Slot::Own, &pair.own)?.unwrap_or_else(Credential::default),
            test: open(Slot::Test, &pair.test)?,
        })
    }

    fn add_all<R, T: Readable>(
        &mut self,
        section: Section,
        listed: Listed<store::Stored<R>>,
        mut with: impl FnMut(&str, R) -> T,
    ) {
        self.note(section, &listed.unreadable);
        for row in listed.rows {
            let value = with(&row.key, row.value);
            self.add(section, &row.key, row.version, value);
        }
    }

    fn add_rows<T: Readable>(&mut self, section: Section, rows: Vec<store::Stored<T>>) {
        for row in rows {
            self.add(section, &row.key, row.version, row.value);
        }
    }

    fn add_one<R, T: Readable>(
        &mut self,
        section: Section,
        key: &Key,
        row: Result<Option<store::Stored<R>>, StoreError>,
        with: impl FnOnce(R) -> T,
    ) -> Result<(), StoreError> {
        match row {
            Ok(Some(row)) => self.add(section, key.as_str(), row.version, with(row.value)),
            Ok(None) => {}
            Err(error @ StoreError::Corrupt { .. }) => {
                self.unreadable.insert((section, key.to_string()), error.to_string());
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn add<T: Readable>(&mut self, section: Section, key: &str, version: i64, row: T) {
        let read = Key::try_from(key).map_err(|it| it.to_string());
        if let Err(problem) = read.and_then(|key| row.read_into(key, version, &mut self.stored)) {
            self.unreadable.insert((section, key.to_owned()), problem);
        }
    }

    fn add_methods(&mut self, revisions: Vec<MethodRevision>) {
        for it in revisions {
            let name = format!("{}@{} of {}", it.method, it.revision, it.connector);
            if let Err(problem) = add_method(&mut self.stored.methods, it) {
                self.unreadable.insert((Section::Connectors, name), problem);
            }
        }
    }

    fn add_entered(&mut self, all: Vec<Entered>) {
        for Entered { owner, connection, reach } in all {
            let Ok(key) = Key::try_from(&*connection) else { continue };
            let owners = self.stored.reaches.entry(key).or_default();
            owners.insert(owner.into(), Arc::new(reach));
        }
    }

    /// Where it does not read what credentials were entered for, they go nowhere. Once all that reads is known.
    async fn hold_back(&mut self, store: &Store, broken: &[StoreError]) -> Result<(), StoreError> {
        let mut owners = Vec::new();
        for error in broken {
            match error {
                StoreError::Corrupt { key: Some(owner), .. } => owners.push(owner.clone()),
                // Nobody can say whose.
                _ => {
                    let activations = store.activations();
                    owners.extend(activations.owners_of_files(&Scope::System).await?);
                    owners.extend(self.stored.connections.values().map(|it| it.owner.to_string()));
                }
            }
        }
        let by_id: HashMap<&str, &Key> =
            self.stored.connections.iter().map(|(key, it)| (&*it.owner, key)).collect();
        let of = |owner: String| {
            let key = match owner.strip_prefix("file:") {
                Some(key) => Key::try_from(key).ok()?,
                None => (*by_id.get(&*owner)?).clone(),
            };
            Some((key, owner))
        };
        let held: Vec<(Key, String)> = owners.into_iter().filter_map(of).collect();
        for (key, owner) in held {
            self.hold_back_of(&key, owner);
        }
        self.note(Section::Connections, broken);
        Ok(())
    }

    fn hold_back_of(&mut self, key: &Key, owner: String) {
        self.stored.reaches.entry(key.clone()).or_default().entry(owner.into()).or_default();
    }

    fn add_sealed(&mut self, owner: &str, slot: Slot, sealed: SealedCredential) {
        let pair = self.sealed.entry(owner.into()).or_default();
        match slot {
            Slot::Own => pair.own = Some(sealed),
            Slot::Test => pair.test = Some(sealed),
            Slot::Activation
            | Slot::Reply
            | Slot::Subscription
            | Slot::Deployment
            | Slot::Authorization
            | Slot::Learned => {}
            Slot::Grant | Slot::GrantAnswer | Slot::TestGrant | Slot::TestGrantAnswer => {}
        }
    }

    fn note(&mut self, section: Section, broken: &[StoreError]) {
        for error in broken {
            let key = match error {
                StoreError::Corrupt { key: Some(key), .. } => key.clone(),
                _ => String::new(),
            };
            self.unreadable.insert((section, key), error.to_string());
        }
    }
}

fn add_method(methods: &mut BTreeMap<Key, Methods>, it: MethodRevision) -> Result<(), String> {
    let key = |text: &str| Key::try_from(text).map_err(|it| it.to_string());
    let (connector, method) = (key(&it.connector)?, key(&it.method)?);
    let revision = u32::try_from(it.revision).map_err(|_| "its revision is no number of one")?;
    let raw = serde_json::from_str(&it.definition).map_err(|it| it.to_string())?;
    let built = AuthMethod::recorded(method.clone(), revision, raw).map(Arc::new);
    methods.entry(connector).or_default().entry(method).or_default().insert(revision, built);
    Ok(())
}

/// All of them, where all of them read.
fn sound<T>(mut listed: Listed<T>) -> Result<Vec<T>, StoreError> {
    listed.unreadable.pop().map_or(Ok(listed.rows), Err)
}

fn by_caller(keys: Vec<CallerKey>) -> HashMap<String, Vec<CallerKey>> {
    let mut keys_of: HashMap<String, Vec<CallerKey>> = HashMap::new();
    for key in keys {
        keys_of.entry(key.caller.clone()).or_default().push(key);
    }
    keys_of
}

/// A row that says a definition.
trait Readable {
    fn read_into(self, key: Key, version: i64, stored: &mut Stored) -> Result<(), String>;
}

impl Readable for ConnectorRow {
    fn read_into(self, key: Key, version: i64, stored: &mut Stored) -> Result<(), String> {
        let mut raw: RawConnector = read(&self.definition, [])?;
        // Made once, and shared by all that is made of the connector.
        let endpoints = Endpoints::recorded(std::mem::take(&mut raw.endpoints));
        let mut methods = Vec::with_capacity(self.methods.len());
        for (method, revision) in self.methods {
            let method = Key::try_from(&*method).map_err(|it| it.to_string())?;
            let revision = u32::try_from(revision).map_err(|it| it.to_string())?;
            methods.push((method, revision));
        }
        stored.connectors.insert(key, StoredConnector { raw, endpoints, methods, version });
        Ok(())
    }
}

impl Readable for ConnectionRow {
    fn read_into(self, key: Key, version: i64, stored: &mut Stored) -> Result<(), String> {
        let mut raw: RawConnection = read(
            &self.definition,
            [
                ("connector", self.connector.into()),
                ("auth", self.method.into()),
                ("embedded", self.embedded.into()),
                ("enabled", self.enabled.into()),
            ],
        )?;
        if !raw.embedded {
            // They mean nothing there, and rows were once written with them.
            raw.supplied_by = None;
            raw.inputs.clear();
        }
        let revision = u32::try_from(self.revision).map_err(|it| it.to_string())?;
        let (owner, version) = (self.id.into(), Some(version));
        let connection = StoredConnection { owner, revision, raw, version };
        stored.connections.insert(key, connection);
        Ok(())
    }
}

impl Readable for IntegrationRow {
    fn read_into(self, key: Key, _version: i64, stored: &mut Stored) -> Result<(), String> {
        stored.integrations.insert(key, read(&self.definition, [])?);
        Ok(())
    }
}

impl Readable for EnvironmentRow {
    fn read_into(self, key: Key, _version: i64, stored: &mut Stored) -> Result<(), String> {
        let assign = self.assign().iter().map(|(alias, it)| (alias.clone(), it.clone().into()));
        let assign: Map<String, Value> = assign.collect();
        let raw: RawEnvironment = read(
            &self.definition,
            [
                ("integration", self.integration.into()),
                ("deployed", self.deployed.into()),
                ("assign", assign.into()),
            ],
        )?;
        stored.environments.insert(key, raw);
        Ok(())
    }
}

impl Readable for (CallerRow, Vec<CallerKey>) {
    fn read_into(self, key: Key, _version: i64, stored: &mut Stored) -> Result<(), String> {
        let (row, keys) = self;
        let expires = |it: i64| UnixTime::from_ms(u64::try_from(it).unwrap_or_default());
        let keys = keys.into_iter().map(|it| (it.hash, it.expires_at_ms.map(expires))).collect();
        let caller = StoredCaller { grants: read(&row.definition, [])?, keys };
        stored.callers.insert(key, caller);
        Ok(())
    }
}

/// The definition in JSON, with what has columns of its own put back into it.
fn read<T: DeserializeOwned>(
    definition: &str,
    columns: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<T, String> {
    let mut fields: Map<String, Value> =
        serde_json::from_str(definition).map_err(|it| it.to_string())?;
    fields.extend(columns.into_iter().map(|(name, value)| (name.to_owned(), value)));
    serde_json::from_value(fields.into()).map_err(|it| it.to_string())
}
