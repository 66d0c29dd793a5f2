//! Gateways with a store, and what the tests write to it.
use super::Database;
use super::Gateway;
use super::Process;
use super::gateway::ADMIN_TOKEN;
use super::gateway::CALLER_KEY;
use attache::app::now;
use attache::catalog::Reach;
use attache::model::Credential;
use attache::model::Scope;
use attache::reload::Live;
use attache::seal::Sealer;
use attache::store::ActivationRow;
use attache::store::Bind;
use attache::store::Condition;
use attache::store::ConnectionRow;
use attache::store::Entered;
use attache::store::Expect;
use attache::store::Place;
use attache::store::Secrets;
use attache::store::Store;
use attache::upstream::Resolver;
use indexmap::IndexMap;
use std::fs;
use std::sync::Arc;

/// The sealing key of all the tests' deployments.
const SEAL_KEY: &str = "1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

pub const SYSTEM: &Scope = &Scope::System;

/// This configuration and the database beside it; `settings` go into `store`.
fn with_store(database: &Database, configuration: &str, settings: &str) -> String {
    let key = database.folder.path().join("seal.key");
    fs::write(&key, SEAL_KEY).expect("the folder takes files");
    format!(
        "{configuration}
store: {{ url: \"{}\", {settings} }}
seal: {{ keys: [ {{ file: {} }} ] }}
",
        database.url,
        key.display()
    )
}

impl Gateway {
    pub fn beside(database: &Database, configuration: &str) -> Self {
        Self::start(&with_store(database, configuration, ""))
    }

    /// The same, where names are what this resolver says.
    pub fn beside_resolving(database: &Database, configuration: &str, resolver: Resolver) -> Self {
        let configuration = with_store(database, configuration, "");
        Self::try_resolving(&configuration, "", resolver).unwrap_or_else(|e| panic!("{e}: {e:?}"))
    }

    /// The same with these settings of the store.
    pub fn beside_with(database: &Database, settings: &str, configuration: &str) -> Self {
        Self::start(&with_store(database, configuration, settings))
    }

    /// The same, whose public listener is this.
    pub fn beside_public(database: &Database, configuration: &str, public: &str) -> Self {
        let server = format!(
            "
log: {{ format: json, access: ACCESS }}
server:
  proxy: {{ listen: \"127.0.0.1:0\", workers: 1 }}
  admin: {{ listen: \"127.0.0.1:0\", token: {ADMIN_TOKEN} }}
  public: {public}
  shutdown: {{ ready_delay: 0s, drain: 5s }}
"
        );
        Self::try_start(&with_store(database, configuration, ""), &server)
            .unwrap_or_else(|e| panic!("{e}: {e:?}"))
    }

    /// The same, whose operators of these names may be shown access tokens.
    pub fn showing_tokens(database: &Database, configuration: &str, operators: &str) -> Self {
        Self::letting(database, configuration, &format!("token_access: {operators}"))
    }

    /// The same, where whoever has the configured token may export credentials.
    pub fn beside_exporting(database: &Database, configuration: &str) -> Self {
        Self::letting(database, configuration, "export_access: [admin]")
    }

    /// The same with this setting of the admin listener.
    pub fn letting(database: &Database, configuration: &str, access: &str) -> Self {
        let server = format!(
            "
log: {{ format: json, access: ACCESS }}
server:
  proxy: {{ listen: \"127.0.0.1:0\", workers: 1 }}
  admin: {{ listen: \"127.0.0.1:0\", token: {ADMIN_TOKEN}, {access} }}
  public: {{ listen: \"127.0.0.1:0\" }}
  shutdown: {{ ready_delay: 0s, drain: 5s }}
"
        );
        Self::try_start(&with_store(database, configuration, ""), &server)
            .unwrap_or_else(|e| panic!("{e}: {e:?}"))
    }

    /// What is stored, written to as the API of this gateway does.
    pub fn writer(&self) -> Writer {
        let opened = self.app().stored().expect("it has a store");
        Writer {
            store: opened.store.clone(),
            sealer: Arc::clone(&opened.sealer),
            live: Arc::clone(self.app().live()),
        }
    }

    /// `/readyz`, of the store.
    pub async fn store_status(&self) -> serde_json::Value {
        let text = self.admin("/readyz").await.text();
        let mut ready: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        ready["store"].take()
    }
}

impl Process {
    /// Another replica: a process of its own with the tests' caller.
    pub async fn beside(database: &Database, configuration: &str) -> Self {
        let own = format!(
            "{configuration}
callers: {{ runtime: {{ key: {CALLER_KEY} }} }}
server:
  proxy: {{ listen: \"127.0.0.1:0\", workers: 1 }}
  admin: {{ listen: \"127.0.0.1:0\", token: {ADMIN_TOKEN} }}
  public: {{ listen: \"127.0.0.1:0\" }}
"
        );
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        Self::serve(folder, &with_store(database, &own, "")).await
    }
}

/// Says that what is stored under the connection of a file was entered for this origin, by the connector `api`.
pub async fn entered_for(store: &Store, connection: &str, origin: &str) -> i64 {
    let reach = Reach {
        connector: "api".to_owned(),
        origins: [origin.to_owned()].into(),
        ..Reach::default()
    };
    let (owner, connection) = (format!("file:{connection}"), connection.to_owned());
    let entered = store.origins().confirm(SYSTEM, &Entered { owner, connection, reach }).await;
    entered.expect("it can be written")
}

/// Writes to a gateway's store, and waits until that gateway serves what was written.
pub struct Writer {
    pub store: Store,
    sealer: Arc<Sealer>,
    live: Arc<Live>,
}

impl Writer {
    /// A connector whose methods are these, by key.
    pub async fn connector(&self, key: &str, definition: &str, methods: &[(&str, &str)]) {
        let methods: IndexMap<String, String> =
            methods.iter().map(|(key, it)| ((*key).to_owned(), (*it).to_owned())).collect();
        let connectors = self.store.connectors();
        let put = connectors.put(SYSTEM, key, definition, &methods, false, Expect::Anything);
        self.applied(put.await.expect("it can be written").revision).await;
    }

    /// A connection of a connector's method at a revision; its id.
    pub async fn connection(
        &self,
        key: &str,
        (connector, method, revision): (&str, &str, i64),
        embedded: bool,
        definition: &str,
        fields: &[(&str, &str)],
    ) -> String {
        let row = ConnectionRow {
            connector: connector.to_owned(),
            method: method.to_owned(),
            revision,
            embedded,
            enabled: true,
            definition: definition.to_owned(),
            ..ConnectionRow::default()
        };
        let credential: Credential = fields.iter().copied().collect();
        let seal = |place: &Place<'_>| Ok(self.sealer.seal(&place.binding, &credential, now()));
        let own = if fields.is_empty() { Secrets::Remove } else { Secrets::Set(&seal) };
        let connections = self.store.connections();
        let put = connections.put(SYSTEM, key, &row, own, Secrets::Keep, Expect::Anything);
        self.applied(put.await.expect("it can be written").revision).await;
        let row = connections.get(SYSTEM, key).await.expect("it can be read");
        let owner = row.expect("it was written").value.id;
        if let Some(bind) = self.bind(&owner, key) {
            let entered = self.store.origins().confirm(SYSTEM, &bind.to).await;
            self.applied(entered.expect("it can be written")).await;
        }
        owner
    }

    /// What is written is for where the connection goes as it is served.
    fn bind(&self, owner: &str, connection: &str) -> Option<Bind> {
        let reach = self.live.snapshot_full().connection(connection)?.reach();
        let (owner, connection) = (owner.to_owned(), connection.to_owned());
        let to = Entered { owner, connection, reach };
        Some(Bind { to, confirmed: true, narrows: false, brings: Vec::new() })
    }

    pub async fn delete_connection(&self, key: &str) {
        let deleted = self.store.connections().delete(SYSTEM, key, true, Expect::Anything).await;
        self.applied(deleted.expect("it can be deleted")).await;
    }

    /// Activates a tenant; `owner` is the connection's id, or `file:` and its key.
    pub async fn activate(
        &self,
        owner: &str,
        connection: &str,
        tenant: &str,
        fields: &[(&str, &str)],
    ) {
        self.put_activation(owner, connection, tenant, true, fields).await;
    }

    pub async fn put_activation(
        &self,
        owner: &str,
        connection: &str,
        tenant: &str,
        enabled: bool,
        fields: &[(&str, &str)],
    ) {
        let row = ActivationRow {
            owner: owner.to_owned(),
            tenant: tenant.to_owned(),
            connection: connection.to_owned(),
            enabled,
            definition: "{}".to_owned(),
            account: None,
        };
        let credential: Credential = fields.iter().copied().collect();
        let seal = |place: &Place<'_>| Ok(self.sealer.seal(&place.binding, &credential, now()));
        let activations = self.store.activations();
        let condition = Condition::from(Expect::Anything);
        let condition = condition.binding(self.bind(owner, connection).into_iter().collect());
        let put = activations.put(SYSTEM, &row, Secrets::Set(&seal), condition).await;
        self.applied(put.expect("it can be written").revision).await;
    }

    pub async fn deactivate(&self, owner: &str, tenant: &str) {
        let deleted = self.store.activations().delete(SYSTEM, owner, tenant, Expect::Anything);
        self.applied(deleted.await.expect("it can be deleted")).await;
    }

    pub async fn applied(&self, revision: i64) {
        assert!(self.live.applied(revision).await, "what was written is served");
    }
}
