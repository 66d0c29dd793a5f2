//! What the API works on: what is served, what is stored, and what it is sealed with.
use super::activation_export;
use super::activation_import;
use super::audit_check;
use super::base_url_checks;
use super::connecting::Connecting;
use super::document::Turns;
use super::error::ApiError;
use super::hooks::Hooks;
use super::kept::Kept;
use super::known_tokens::KnownTokens;
use super::openapi::document;
use super::operator::Operator;
use super::overview::Overview;
use super::route::Route;
use super::routes;
use super::sealing_keys::Rotations;
use super::sign_in::SignIn;
use super::sign_in::Signing;
use super::try_out;
use super::webhook_verifier;
use crate::journal::Journal;
use crate::limits::Attempts;
use crate::model::Key;
use crate::model::Secret;
use crate::model::UnixTime;
use crate::reload::Live;
use crate::reload::Writes;
use crate::renewal::Errands;
use crate::renewal::Renewals;
use crate::seal::Sealer;
use crate::store::DeliveryCount;
use crate::store::Store;
use crate::telemetry::Trial;
use crate::telemetry::Tried;
use crate::vault::Keys;
use bytes::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Calls that wait for events at the same time: each asks the store once a second. Others are answered at once.
const FOLLOWERS_MAX: usize = 64;

/// Providers that are told at the same time of tokens that went with something, by all deletions together.
const FAREWELLS_MAX: usize = 8;

/// What the API works on.
pub struct Api {
    pub(super) routes: Vec<Route>,
    /// The OpenAPI document.
    pub(super) document: Bytes,
    pub(super) attempts: Attempts,
    pub(super) tokens: KnownTokens,
    pub(super) turns: Turns,
    pub(super) access: Access,
    pub(super) sign_in: SignIn,
    pub(super) live: Arc<Live>,
    pub(super) clock: fn() -> UnixTime,
    /// True once the process is to stop: nobody is kept waiting.
    pub(super) draining: Arc<AtomicBool>,
    /// What is told of exchanges.
    pub(super) journal: Arc<Journal>,
    /// Room for calls that wait for events.
    pub(super) followers: Semaphore,
    /// Room for what is told of tokens that went with something.
    pub(super) farewells: Semaphore,
    /// Room for imports of activations.
    pub(super) imports: Semaphore,
    /// Room for requests that are tried out.
    pub(super) trials: Semaphore,
    /// Room for checks of base URLs.
    pub(super) checks: Semaphore,
    /// Room for exports of them: held until the last byte is sent.
    pub(super) exports: Arc<Semaphore>,
    /// Room for captured requests that are looked at.
    pub(super) verifications: Semaphore,
    /// Room for checks of the audit trail.
    pub(super) audit_checks: Semaphore,
    /// How many there are of everything, a moment ago.
    pub(super) overview: Kept<Overview>,
    /// How many deliveries of senders came to what, a moment ago.
    pub(super) hook_counts: Kept<Arc<[DeliveryCount]>>,
    /// The same of what is sealed under each key.
    pub(super) sealed: Kept<Vec<(String, i64)>>,
    pub(super) rotations: Rotations,
    backing: Option<Backing>,
    providing: Option<Providing>,
    pub(super) connecting: Connecting,
    pub(super) hooks: Hooks,
}

/// Who may do what takes more than a role: see [`crate::config::AdminListener`].
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The admin token of the configuration. Without one only operators' own tokens are good.
    pub token: Option<Secret>,
    /// The names of the operators who may be shown access tokens.
    pub tokens: Vec<Key>,
    /// The same of those who may export credentials.
    pub export: Vec<Key>,
    /// How operators sign in with a browser.
    pub signing: Signing,
}

/// What reaches third parties: those who give tokens, and APIs.
pub struct Providing {
    pub renewals: Arc<Renewals>,
    pub errands: Errands,
    pub try_out: Try,
    /// Where callers find the proxy.
    pub proxy_url: String,
}

/// Sends a request through the proxy as a caller would that may use everything. None where it came to no end, or where
/// attache is stopping.
pub type Try =
    Arc<dyn Fn(Trial) -> Pin<Box<dyn Future<Output = Option<Tried>> + Send>> + Send + Sync>;

/// Where what the API is told is kept.
pub struct Backing {
    pub store: Store,
    pub sealer: Arc<Sealer>,
    /// What is stored is opened with these: without a thread of the runtime that waits for keys.
    pub keys: Arc<Keys>,
    pub writes: Arc<Writes>,
    /// The runtime that the store's work is done on.
    pub control: Handle,
}

impl Api {
    pub fn new(
        access: Access,
        live: Arc<Live>,
        (backing, providing): (Option<Backing>, Option<Providing>),
        (connecting, hooks): (Connecting, Hooks),
        clock: fn() -> UnixTime,
        (draining, journal): (Arc<AtomicBool>, Arc<Journal>),
    ) -> Arc<Self> {
        let routes = routes::routes();
        let text = document(&routes).into();
        let attempts = Attempts::new(Instant::now());
        let (tokens, turns) = (KnownTokens::default(), Turns::default());
        let followers = Semaphore::new(FOLLOWERS_MAX);
        let farewells = Semaphore::new(FAREWELLS_MAX);
        let imports = Semaphore::new(activation_import::AT_ONCE);
        let exports = Arc::new(Semaphore::new(activation_export::AT_ONCE));
        let sign_in = SignIn::new(access.signing.clone());
        let (trials, checks) =
            (Semaphore::new(try_out::AT_ONCE), Semaphore::new(base_url_checks::AT_ONCE));
        let verifications = Semaphore::new(webhook_verifier::AT_ONCE);
        Arc::new(Self {
            routes,
            document: text,
            attempts,
            sign_in,
            tokens,
            turns,
            access,
            live,
            clock,
            draining,
            journal,
            followers,
            farewells,
            imports,
            trials,
            checks,
            exports,
            verifications,
            audit_checks: Semaphore::new(audit_check::AT_ONCE),
            overview: Kept::default(),
            hook_counts: Kept::default(),
            sealed: Kept::default(),
            rotations: Rotations::default(),
            backing,
            providing,
            connecting,
            hooks,
        })
    }

    /// The same on something else than what is served and stored: for calls that are made here.
    pub(super) fn aside(&self, live: Arc<Live>, backing: Backing) -> Arc<Self> {
        Arc::new(Self {
            routes: Vec::new(),
            document: Bytes::new(),
            attempts: Attempts::new(Instant::now()),
            tokens: KnownTokens::default(),
            turns: Turns::default(),
            access: Access::default(),
            sign_in: SignIn::default(),
            live,
            clock: self.clock,
            draining: Arc::clone(&self.draining),
            journal: Arc::clone(&self.journal),
            followers: Semaphore::new(0),
            farewells: Semaphore::new(0),
            imports: Semaphore::new(0),
            trials: Semaphore::new(0),
            checks: Semaphore::new(0),
            exports: Arc::new(Semaphore::new(0)),
            verifications: Semaphore::new(0),
            audit_checks: Semaphore::new(0),
            overview: Kept::default(),
            hook_counts: Kept::default(),
            sealed: Kept::default(),
            rotations: Rotations::default(),
            backing: Some(backing),
            providing: None,
            connecting: self.connecting.clone(),
            hooks: self.hooks.clone(),
        })
    }

    /// Whether this operator may be shown access tokens.
    pub(super) fn shows_tokens_to(&self, operator: &Operator) -> bool {
        operator.name.token().is_some_and(|it| self.access.tokens.contains(it))
    }

    /// Whether this operator may export credentials.
    pub(super) fn exports_to(&self, operator: &Operator) -> bool {
        operator.name.token().is_some_and(|it| self.access.export.contains(it))
    }

    /// What asks providers; calls that are made here ask nobody.
    pub(super) fn errands(&self) -> Result<&Errands, ApiError> {
        self.providing().map(|it| &it.errands)
    }

    pub(super) fn providing(&self) -> Result<&Providing, ApiError> {
        self.providing.as_ref().ok_or(ApiError::Internal)
    }

    pub(super) fn has_store(&self) -> bool {
        self.backing.is_some()
    }

    pub(super) fn backing(&self) -> Option<&Backing> {
        self.backing.as_ref()
    }

    /// What a write needs.
    pub(super) fn store(&self) -> Result<&Backing, ApiError> {
        self.backing.as_ref().ok_or(ApiError::NoStore)
    }

    /// Does work to its end on the store's runtime, whether whoever asked waits for it or hangs up: what
    /// was begun to be written is not left half way.
    pub(super) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        match &self.backing {
            None => work.await,
            // A task that panicked has said so already.
            Some(it) => it.control.spawn(work).await.unwrap_or(Err(ApiError::Internal)),
        }
    }
}

/// The OpenAPI document of the API, as text with a final newline.
pub fn openapi() -> String {
    document(&routes::routes())
}
