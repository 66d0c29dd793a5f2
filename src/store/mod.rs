//! What the API is told, kept: SQLite or PostgreSQL behind one type, and one file for each table.
//!
//! Every method takes a [`Scope`]. A write is one transaction: it waits for the writers before it, checks
//! the version that it is about, writes, and says so in `changes` under the next revision, so that
//! changes are read in the order in which they were committed, and none is missed. A row's version
//! is the revision that it was last written at: no two rows ever have the same, deleted ones included.
//! The database's clock is the clock.
mod activations;
mod audit;
mod auth_methods;
mod authorizations;
mod bulk;
mod callers;
mod changes;
mod connect_sessions;
mod connections;
mod connectors;
mod console_sessions;
mod counts;
mod credentials;
mod definitions;
mod delivered;
mod deliveries;
mod deployment;
mod engine;
mod environments;
mod error;
mod events;
mod expect;
mod finding;
mod given;
mod grants;
mod idempotency;
mod integrations;
mod learned;
mod links;
mod migrate;
mod moves;
mod origins;
mod orphans;
mod patience;
mod postgres;
mod received;
mod record;
mod salvage;
mod search;
mod several;
mod signals;
mod sqlite;
mod subscriptions;
mod tenants;
mod together;
mod tokens;
mod trail;
mod tried;
mod turns;
mod unserved;
mod uses;
mod webhook_deliveries;
mod webhook_refusals;
mod within;
mod write;

pub use activations::Activation;
pub use activations::ActivationRow;
pub use activations::Activations;
pub use activations::Behind;
pub use activations::Found;
pub use audit::Act;
pub use audit::Audit;
pub use audit::Entered as AuditEntry;
pub use audit::Filter as AuditFilter;
pub use auth_methods::AuthMethods;
pub use auth_methods::MethodRevision;
pub use auth_methods::SeenMethod;
pub use authorizations::Authorization;
pub use authorizations::Authorizations;
pub use authorizations::Begun;
pub use authorizations::NewAuthorization;
pub use authorizations::SealAt;
pub use bulk::BULK_MAX;
pub use callers::CallerKey;
pub use callers::CallerRow;
pub use callers::Callers;
pub use callers::WrittenCaller;
pub use changes::Change;
pub use changes::Changes;
pub use changes::Position;
pub use changes::Since;
pub use connect_sessions::ConnectNews;
pub use connect_sessions::ConnectSession;
pub use connect_sessions::ConnectSessions;
pub use connect_sessions::ConnectState;
pub use connect_sessions::NewConnectSession;
pub use connections::ConnectionRow;
pub use connections::Connections;
pub use connections::Pins;
pub use connectors::ConnectorRow;
pub use connectors::Connectors;
pub use console_sessions::ConsoleSession;
pub use console_sessions::ConsoleSessions;
pub use console_sessions::ListedSessions;
pub use console_sessions::RefusedSignIn;
pub use console_sessions::SessionPlace;
pub use console_sessions::StandingSessions;
pub use console_sessions::ToldSession;
pub use counts::Counts;
pub use counts::FailingConnections;
pub use credentials::BATCH_MAX;
pub use credentials::Credentials;
pub use credentials::Cursor;
pub use credentials::Entry;
pub use credentials::Place;
pub use credentials::Rewrap;
pub use credentials::Seal;
pub use credentials::SealedCredential;
pub use credentials::Secrets;
pub use delivered::Delivery;
pub use delivered::DeliveryState;
pub use delivered::Feed;
pub use deliveries::AGAIN_MAX_MS;
pub use deliveries::Attempt;
pub use deliveries::Deliveries;
pub use deliveries::Due;
pub use deliveries::PAUSE_MAX_MS;
pub use deliveries::Taken;
pub use deliveries::Tried;
pub use deliveries::Waiting;
pub use deliveries::Work;
pub use deployment::Deployment;
pub use environments::EnvironmentRow;
pub use environments::Environments;
pub use error::StoreError;
pub use events::Event;
pub use events::Events;
pub use events::News;
pub use expect::Condition;
pub use expect::Expect;
pub use expect::Hold;
pub use given::GrantOf;
pub use given::GrantTimes;
pub use grants::BUT_MAX;
pub use grants::Census;
pub use grants::Failing;
pub use grants::GrantAttempt;
pub use grants::GrantFailure;
pub use grants::GrantKey;
pub use grants::GrantName;
pub use grants::GrantRow;
pub use grants::GrantState;
pub use grants::Grants;
pub use grants::LEASE_MS;
pub use grants::Lease;
pub use grants::Leased;
pub use grants::Lot;
pub use grants::Renewal;
pub use grants::Wanting;
pub use idempotency::Claim;
pub use idempotency::Idempotency;
pub use integrations::IntegrationRow;
pub use integrations::Integrations;
pub use learned::HandedOver;
pub use learned::LearnedSecrets;
pub use learned::Sealing;
pub use learned::SecretOf;
pub use learned::WAITS_FOR_SECRET;
pub use learned::waits_until_ms;
pub use migrate::Migrated;
pub use migrate::SCHEMA;
pub use origins::Bind;
pub use origins::Entered;
pub use origins::Moved;
pub use origins::Origins;
pub use orphans::Orphans;
pub use patience::patiently;
pub use received::RECEIVED_OF_CONNECTION_MAX;
pub use received::Receipt;
pub use received::Received;
pub use received::Said;
pub use received::TRIMMED_AT_ONCE;
pub use received::Word;
pub use record::Listed;
pub use record::Stored;
pub use record::Written;
pub use search::Only;
pub use search::SEARCH_LOT;
pub use search::Search;
pub use signals::Signals;
pub use sqlite::SQLITE_FILE;
pub use subscriptions::SUBSCRIPTIONS_MAX;
pub use subscriptions::SubscriptionRow;
pub use subscriptions::Subscriptions;
pub use tenants::Activated;
pub use tenants::TenantRow;
pub use tenants::Tenants;
pub use tenants::UNWRITTEN;
pub use together::Done;
pub use together::Together;
pub use tokens::TokenRow;
pub use tokens::Tokens;
pub use trail::Break;
pub use trail::Checked;
pub use trail::Finding;
pub use trail::TrailHead;
pub use tried::TrialOf;
pub use unserved::Unread;
pub use unserved::Unserved;
pub use uses::Use;
pub use uses::Uses;
pub use webhook_deliveries::DeliveryBounds;
pub use webhook_deliveries::DeliveryCount;
pub use webhook_deliveries::DeliveryFilter;
pub use webhook_deliveries::DeliveryTrim;
pub use webhook_deliveries::KeptDelivery;
pub use webhook_deliveries::WebhookDeliveries;
pub use webhook_deliveries::WebhookDelivery;
pub use webhook_refusals::Refused;
pub use webhook_refusals::WebhookRefusals;

use crate::config::StoreUrl;
use crate::model::Scope;
use crate::seal::TrailKey;
use crate::telemetry::Metrics;
use engine::Engine;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use together::Gathered;
use tokio::sync::watch;

/// Most rows of one answer; more are told to come again with the cursor.
pub const PAGE_MAX: u32 = 1000;

/// The tables that errors name.
const TABLES: &[&str] = &[
    "deployment",
    "changes",
    "connectors",
    "auth_methods",
    "integrations",
    "integration_links",
    "environments",
    "assignments",
    "connections",
    "tenants",
    "activations",
    "credentials",
    "origins",
    "orphans",
    "callers",
    "caller_keys",
    "tokens",
    "idempotency",
    "audit",
    "events",
    "refused",
    "event_subscriptions",
    "event_feeds",
    "deliveries",
    "grants",
    "authorizations",
    "connect_sessions",
    "received",
    "webhook_deliveries",
    "webhook_deliveries_gone",
    "webhook_refusals",
    "schema_versions",
];

/// A store. Cheap to clone; needs a runtime that stays.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Engine,
    /// Tells of each write through this value or a clone of it. Holds the end of the audit trail as it was committed
    /// last: it has to be in the trail for good.
    written: watch::Sender<Option<TrailHead>>,
    unserved: Unserved,
    /// What the audit trail is kept under: nothing is written without it.
    trail: Arc<OnceLock<TrailKey>>,
    metrics: Arc<OnceLock<Arc<Metrics>>>,
    /// Writes are done and taken back.
    rehearses: bool,
    /// Where writes are kept together: what they do.
    gathered: Option<Gathered>,
}

/// What is stored, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Connector,
    /// A revision of an auth method; the key is the connector's.
    AuthMethod,
    Integration,
    Environment,
    Connection,
    Tenant,
    /// The key is the connection's.
    Activation,
    Caller,
    Token,
    EventSubscription,
    /// What tokens are had by; the key is the connection's.
    Grant,
    /// A link that a tenant connects by; the key is its id.
    ConnectSession,
    /// A browser that an operator is signed in with.
    ConsoleSession,
}

impl Kind {
    pub const ALL: &[Self] = &[
        Self::Connector,
        Self::AuthMethod,
        Self::Integration,
        Self::Environment,
        Self::Connection,
        Self::Tenant,
        Self::Activation,
        Self::Caller,
        Self::Token,
        Self::EventSubscription,
        Self::Grant,
        Self::ConnectSession,
        Self::ConsoleSession,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::AuthMethod => "auth method",
            Self::Integration => "integration",
            Self::Environment => "environment",
            Self::Connection => "connection",
            Self::Tenant => "tenant",
            Self::Activation => "activation",
            Self::Caller => "caller",
            Self::Token => "token",
            Self::EventSubscription => "event subscription",
            Self::Grant => "grant",
            Self::ConnectSession => "connect session",
            Self::ConsoleSession => "console session",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Store {
    /// Opens the database, making the file (mode 0600) and its folder where it is one. The tables come
    /// with [`Store::migrate`].
    ///
    /// `data_dir`: where a SQLite file lies whose path is not given.
    pub async fn open(url: &StoreUrl, data_dir: &Path) -> Result<Self, StoreError> {
        let engine = match url {
            StoreUrl::Sqlite(path) => sqlite::open(path.as_deref(), data_dir).await?,
            StoreUrl::Postgres(url) => postgres::open(url).await?,
        };
        Ok(Self {
            engine,
            written: watch::Sender::default(),
            unserved: Unserved::default(),
            trail: Arc::default(),
            metrics: Arc::default(),
            rehearses: false,
            gathered: None,
        })
    }

    /// Has the audit trail be kept under this key, through this value and all clones of it. Until then nothing
    /// is changed: what can't be entered is not done. The first key stays.
    pub fn keep_trail(&self, key: TrailKey) {
        // Another one is never given: there is one for each deployment.
        drop(self.trail.set(key));
    }

    /// Has what is written through this value and all clones of it be counted here, as the first one said.
    pub fn counted_by(&self, metrics: Arc<Metrics>) {
        drop(self.metrics.set(metrics));
    }

    /// The same store, whose writes are checked and done as ever, and then taken back: to tell what would
    /// come of one.
    pub fn rehearsing(&self) -> Self {
        Self { rehearses: true, ..self.clone() }
    }

    /// Whether several attaches may share it.
    pub fn is_shared(&self) -> bool {
        self.engine.is_postgres()
    }

    /// What was written through this value or a clone of it, and is not served yet.
    pub fn unserved(&self) -> &Unserved {
        &self.unserved
    }

    /// How many may look something up at the same time, so that links are left for writes and for the feed.
    pub fn look_ups_at_once(&self) -> usize {
        let links = match self.engine {
            Engine::Sqlite { .. } => sqlite::READERS,
            Engine::Postgres(_) => postgres::LINKS_MAX,
            Engine::Within(_) => 1,
        };
        links as usize / 2
    }

    /// Closes all links, once what is under way is done.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    pub fn connectors(&self) -> Connectors<'_> {
        Connectors(self)
    }

    pub fn auth_methods(&self) -> AuthMethods<'_> {
        AuthMethods(self)
    }

    pub fn integrations(&self) -> Integrations<'_> {
        Integrations(self)
    }

    pub fn environments(&self) -> Environments<'_> {
        Environments(self)
    }

    pub fn connections(&self) -> Connections<'_> {
        Connections(self)
    }

    pub fn tenants(&self) -> Tenants<'_> {
        Tenants(self)
    }

    pub fn activations(&self) -> Activations<'_> {
        Activations(self)
    }

    pub fn credentials(&self) -> Credentials<'_> {
        Credentials(self)
    }

    pub fn learned_secrets(&self) -> LearnedSecrets<'_> {
        LearnedSecrets(self)
    }

    pub fn origins(&self) -> Origins<'_> {
        Origins(self)
    }

    pub fn orphans(&self) -> Orphans<'_> {
        Orphans(self)
    }

    pub fn callers(&self) -> Callers<'_> {
        Callers(self)
    }

    pub fn tokens(&self) -> Tokens<'_> {
        Tokens(self)
    }

    pub fn idempotency(&self) -> Idempotency<'_> {
        Idempotency(self)
    }

    pub fn changes(&self) -> Changes<'_> {
        Changes(self)
    }

    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }

    pub fn deliveries(&self) -> Deliveries<'_> {
        Deliveries(self)
    }

    pub fn grants(&self) -> Grants<'_> {
        Grants(self)
    }

    pub fn authorizations(&self) -> Authorizations<'_> {
        Authorizations(self)
    }

    pub fn console_sessions(&self) -> ConsoleSessions<'_> {
        ConsoleSessions(self)
    }

    pub fn connect_sessions(&self) -> ConnectSessions<'_> {
        ConnectSessions(self)
    }

    pub fn received(&self) -> Received<'_> {
        Received(self)
    }

    pub fn webhook_refusals(&self) -> WebhookRefusals<'_> {
        WebhookRefusals(self)
    }

    pub fn webhook_deliveries(&self) -> WebhookDeliveries<'_> {
        WebhookDeliveries(self)
    }

    pub fn events(&self) -> Events<'_> {
        Events(self)
    }

    pub fn subscriptions(&self) -> Subscriptions<'_> {
        Subscriptions(self)
    }

    pub fn deployment(&self) -> Deployment<'_> {
        Deployment(self)
    }
}

/// For what only operators and attache itself may write: to others it is as if it were not there.
fn only_whoever_sees_everything(scope: &Scope) -> Result<(), StoreError> {
    if scope.sees_everything() { Ok(()) } else { Err(StoreError::NotFound) }
}
