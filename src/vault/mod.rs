//! Tenants' stored activations: looked up when first asked for, kept while they are good.
//!
//! Warm, it is one look into a cache: no await, and no lock that is held over one. Cold, one look-up
//! for each activation is under way at a time, on the runtime of the store, whoever asks; it goes on
//! when its caller hangs up.
mod load;
mod marks;

pub use load::Load;
pub use load::LoadError;
pub use load::Loaded;
pub use load::Wanted;
pub use load::from_store;
pub use marks::Marks;

use crate::catalog::Activation;
use crate::catalog::Connection;
use crate::catalog::Fetched;
use crate::catalog::Identity;
use crate::model::Key;
use crate::model::TenantId;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::LookUp;
use hashbrown::Equivalent;
use hashbrown::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// How long a look-up may take: a caller waits for it.
const LOOK_UP_TIME: Duration = Duration::from_secs(1);

/// Look-ups under way at the same time; further ones are refused. The store takes a few at a time.
const FLIGHTS_MAX: usize = 1024;

/// How long it is remembered that there is no such activation, or that it does not open. A change
/// that the feed brings is seen at once all the same.
const NEGATIVE_TIME: Duration = Duration::from_secs(5);

/// Look-ups for one request: a further one is due only where the activation changed meanwhile.
const TRIES_MAX: usize = 4;

/// What is known of a tenant's activation.
#[derive(Clone, Debug)]
pub enum Found {
    Activation(Arc<Activation>),
    /// `any`: whether the connection has one of another tenant.
    Missing {
        any: bool,
    },
}

impl Found {
    /// The same, lent.
    pub fn fetched(&self) -> Fetched<'_> {
        match self {
            Self::Activation(activation) => Fetched::Activation(activation),
            Self::Missing { any } => Fetched::Missing { any: *any },
        }
    }
}

/// Why it is not known. Both may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    #[error("the tenant's credential can't be looked up right now")]
    Unreachable,
    #[error("the tenant's stored credential can't be used; the log says why")]
    Damaged,
}

impl VaultError {
    /// When to ask again, in seconds.
    pub fn retry_after_s(self) -> u64 {
        match self {
            Self::Unreachable => 1,
            Self::Damaged => NEGATIVE_TIME.as_secs(),
        }
    }
}

/// The activations of a store. One for the process.
pub struct Vault {
    kept: moka::sync::Cache<Place, Arc<Kept>>,
    flights: Mutex<HashMap<Place, watch::Receiver<Option<Landed>>>>,
    marks: Arc<Marks>,
    load: Load,
    /// Where look-ups run.
    runtime: Handle,
    metrics: Arc<Metrics>,
}

/// Which activation. Two texts, never joined: no pair of names can pass for another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    connection: Key,
    tenant: TenantId,
}

#[derive(Clone, Copy, Hash)]
struct PlaceRef<'a> {
    connection: &'a str,
    tenant: &'a str,
}

impl Equivalent<Place> for PlaceRef<'_> {
    fn equivalent(&self, place: &Place) -> bool {
        self.connection == place.connection.as_str() && self.tenant == place.tenant.as_str()
    }
}

struct Kept {
    /// Of the connection that it was made under.
    identity: Identity,
    /// The feed's position when the look-up began.
    began: i64,
    since: Instant,
    outcome: Outcome,
}

enum Outcome {
    Activation(Arc<Activation>),
    Missing { any: bool },
    Damaged,
}

type Landed = Result<Arc<Kept>, VaultError>;

impl Vault {
    /// `most`: activations kept in memory.
    pub fn new(
        most: u64,
        marks: Arc<Marks>,
        load: Load,
        runtime: Handle,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        let kept = moka::sync::Cache::new(most);
        Arc::new(Self { kept, flights: Mutex::default(), marks, load, runtime, metrics })
    }

    /// What is known already of the tenant's activation under this connection. `now`: when the
    /// request came.
    pub fn known(
        &self,
        connection: &Connection,
        tenant: &str,
        now: Instant,
    ) -> Option<Result<Found, VaultError>> {
        let place = PlaceRef { connection: connection.key.as_str(), tenant };
        let kept = self.kept.get(&place)?;
        let is_good = self.marks.is_fresh(now) && self.is_true(&kept, connection, tenant);
        let lasts = match &kept.outcome {
            Outcome::Activation(_) => true,
            Outcome::Missing { .. } | Outcome::Damaged => {
                now.saturating_duration_since(kept.since) < NEGATIVE_TIME
            }
        };
        (is_good && lasts).then(|| kept.found())
    }

    /// The tenant's activation under this connection: what is known, else what the store says.
    pub async fn activation(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        tenant: &TenantId,
    ) -> Result<Found, VaultError> {
        for _ in 0..TRIES_MAX {
            if let Some(known) = self.known(connection, tenant.as_str(), Instant::now()) {
                return known;
            }
            let mut flight = self.board(connection, tenant)?;
            let landed = flight.wait_for(Option::is_some).await;
            let landed = landed.ok().and_then(|it| it.clone());
            let kept = landed.unwrap_or(Err(VaultError::Unreachable))?;
            // It may have begun before a change that this request came after.
            if self.is_true(&kept, connection, tenant.as_str()) {
                return kept.found();
            }
        }
        Err(VaultError::Unreachable)
    }

    /// Activations that are kept in memory, about.
    pub fn len(&self) -> u64 {
        self.kept.entry_count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An activation changed: what was looked up before is not used any more.
    pub fn forget(&self, connection: &str, tenant: &str) {
        self.marks.changed(connection, tenant);
        self.kept.invalidate(&PlaceRef { connection, tenant });
    }

    /// A connection changed or is gone. What was made under it as it was is not used any more in any
    /// case; this frees it.
    pub fn forget_connection(&self, connection: &str) {
        for (place, _) in &self.kept {
            if place.connection.as_str() == connection {
                self.kept.invalidate(&*place);
            }
        }
    }

    /// Anything may have changed.
    pub fn forget_all(&self) {
        self.marks.all_changed();
        self.kept.invalidate_all();
    }

    /// True while nothing that it is made of has changed.
    fn is_true(&self, kept: &Kept, connection: &Connection, tenant: &str) -> bool {
        let same = connection.shared().is_some_and(|it| it.identity() == kept.identity);
        let key = connection.key.as_str();
        same && self.marks.is_true(key, tenant, kept.began)
            && match kept.outcome {
                Outcome::Missing { any: false } => self.marks.is_still_empty(key, kept.began),
                _ => true,
            }
    }

    /// The look-up that is under way, or a new one.
    fn board(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        tenant: &TenantId,
    ) -> Result<watch::Receiver<Option<Landed>>, VaultError> {
        let place = Place { connection: connection.key.clone(), tenant: tenant.clone() };
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&place) {
            return Ok(flight.clone());
        }
        if flights.len() >= FLIGHTS_MAX {
            self.metrics.looked_up(LookUp::Refused);
            return Err(VaultError::Unreachable);
        }
        let (lands, flight) = watch::channel(None);
        flights.insert(place.clone(), flight.clone());
        drop(flights);
        let under_way = UnderWay { vault: Arc::clone(self), place };
        let connection = Arc::clone(connection);
        self.runtime.spawn(async move {
            let landed = under_way.fly(&connection).await;
            // Whoever asks from now on asks anew, or finds it kept.
            drop(under_way);
            lands.send_replace(Some(landed));
        });
        Ok(flight)
    }

    async fn look_up(&self, connection: &Connection, place: &Place) -> Landed {
        let shared = connection.shared().ok_or(VaultError::Damaged)?;
        let began = self.marks.position();
        let wanted = Wanted {
            owner: shared.owner.clone(),
            connection: place.connection.clone(),
            tenant: place.tenant.clone(),
        };
        let loaded = tokio::time::timeout(LOOK_UP_TIME, (self.load)(wanted)).await;
        let (connection_key, tenant) = (place.connection.as_str(), place.tenant.as_str());
        let outcome = match loaded {
            Ok(Ok(Loaded::Row { enabled, variables, credential })) => {
                let tenant = place.tenant.clone();
                match connection.activation(tenant, enabled, &variables, credential) {
                    Ok(activation) => Outcome::Activation(Arc::new(activation)),
                    Err(problems) => {
                        let problem = problems.first().map_or("", |it| &it.problem);
                        let tenant = place.tenant.as_str();
                        tracing::error!(
                            connection = connection_key,
                            tenant,
                            "a stored activation is not sound: {problem}"
                        );
                        Outcome::Damaged
                    }
                }
            }
            Ok(Ok(Loaded::Missing { any })) => Outcome::Missing { any },
            Ok(Err(LoadError::Damaged(problem))) => {
                tracing::error!(
                    connection = connection_key,
                    tenant,
                    "a stored activation can't be read: {problem}"
                );
                Outcome::Damaged
            }
            Ok(Err(LoadError::Unreachable(problem))) => {
                tracing::debug!(connection = connection_key, tenant, "no look-up: {problem}");
                self.metrics.looked_up(LookUp::Unreachable);
                return Err(VaultError::Unreachable);
            }
            Err(_) => {
                self.metrics.looked_up(LookUp::Unreachable);
                return Err(VaultError::Unreachable);
            }
        };
        self.metrics.looked_up(match &outcome {
            Outcome::Activation(_) => LookUp::Found,
            Outcome::Missing { .. } => LookUp::Missing,
            Outcome::Damaged => LookUp::Damaged,
        });
        let identity = shared.identity();
        let kept = Arc::new(Kept { identity, began, since: Instant::now(), outcome });
        if self.marks.is_true(connection_key, tenant, began) {
            self.kept.insert(place.clone(), Arc::clone(&kept));
        }
        Ok(kept)
    }
}

impl Kept {
    fn found(&self) -> Result<Found, VaultError> {
        match &self.outcome {
            Outcome::Activation(activation) => Ok(Found::Activation(Arc::clone(activation))),
            Outcome::Missing { any } => Ok(Found::Missing { any: *any }),
            Outcome::Damaged => Err(VaultError::Damaged),
        }
    }
}

/// A look-up in the list of those under way, however it ends.
struct UnderWay {
    vault: Arc<Vault>,
    place: Place,
}

impl UnderWay {
    async fn fly(&self, connection: &Connection) -> Landed {
        self.vault.look_up(connection, &self.place).await
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut flights = self.vault.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.remove(&self.place);
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("kept", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
