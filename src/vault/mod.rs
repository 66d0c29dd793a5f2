//! Tenants' stored activations: looked up when first asked for, kept while they are good.
//!
//! Warm, it is one look into a cache: no await, and no lock that is held over one. Cold, one look-up
//! for each activation is under way at a time, on the runtime of the store, whoever asks; it goes on
//! when its caller hangs up.
mod flights;
mod good;
mod keys;
mod load;
mod marks;
mod rotation;

pub use flights::Asker;
pub use keys::Keys;
pub use load::Load;
pub use load::LoadError;
pub use load::Loaded;
pub use load::Wanted;
pub use load::from_store;
pub use marks::Marks;
pub use rotation::Rotated;
pub use rotation::Rotation;
pub use rotation::UNOPENED_MAX;
pub use rotation::Unopened;

use crate::catalog::Activation;
use crate::catalog::Connection;
use crate::catalog::Fetched;
use crate::catalog::Identity;
use crate::model::Credential;
use crate::model::Key;
use crate::model::TenantId;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::LookUp;
use flights::Flights;
use flights::Ticket;
use good::Good;
use hashbrown::Equivalent;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// How long a look-up may take, its queue included, while the feed is in contact with the store: a caller
/// waits for it. As long as the database itself may take for a statement.
const LOOK_UP_TIME: Duration = Duration::from_secs(5);

/// The same while the store is not reached: it would have to come back meanwhile.
const LOOK_UP_TIME_LOST: Duration = Duration::from_secs(1);

/// Activations of which it is remembered that they are not there, or do not open, apart from those that
/// are there: whoever asks for many that are not pushes nothing out. Some 200 bytes each.
const NEGATIVES_MAX: u64 = 10_000;

/// What an activation of the usual size takes in memory, in bytes. A larger one counts as several.
const WEIGHT: usize = 2048;

/// How long it is remembered that there is no such activation, or that it does not open. A change
/// that the feed brings is seen at once all the same.
const NEGATIVE_TIME: Duration = Duration::from_secs(5);

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

/// Why it is not known. Each may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    #[error("the tenant's credential can't be looked up right now")]
    Unreachable,
    #[error("the tenant's stored credential can't be used; the log says why")]
    Damaged,
    /// `store.serve_stale` is over.
    #[error("what is stored can't be relied on right now: the store was not reached for too long")]
    Stale,
}

impl VaultError {
    /// When to ask again, in seconds.
    pub fn retry_after_s(self) -> u64 {
        match self {
            Self::Unreachable | Self::Stale => 1,
            Self::Damaged => NEGATIVE_TIME.as_secs(),
        }
    }
}

/// The activations of a store. One for the process.
pub struct Vault {
    kept: moka::sync::Cache<Place, Arc<Kept>>,
    /// What is not there, or does not open.
    negatives: moka::sync::Cache<Place, Arc<Kept>>,
    flights: Mutex<Flights>,
    good: Good,
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
    /// How many it counts as.
    weight: u32,
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

enum Boarded {
    Flight(watch::Receiver<Option<Landed>>),
    Landed(Result<Found, VaultError>),
}

impl Vault {
    /// `most`: activations kept in memory, where each is small; a large one counts as several.
    pub fn new(
        most: u64,
        marks: Arc<Marks>,
        load: Load,
        runtime: Handle,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        let kept = moka::sync::Cache::builder().max_capacity(most);
        let kept = kept.weigher(|_: &Place, it: &Arc<Kept>| it.weight).build();
        let negatives = moka::sync::Cache::builder().max_capacity(NEGATIVES_MAX);
        let negatives = negatives.time_to_live(NEGATIVE_TIME).build();
        let flights = Mutex::default();
        let good = Good::default();
        Arc::new(Self { kept, negatives, flights, good, marks, load, runtime, metrics })
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
        let kept = self.kept.get(&place).or_else(|| self.negatives.get(&place))?;
        let is_good = self.marks.is_fresh() && self.is_true(&kept, connection);
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
        asker: Asker<'_>,
    ) -> Result<Found, VaultError> {
        let began = Instant::now();
        loop {
            if let Some(known) = self.known(connection, tenant.as_str(), Instant::now()) {
                return known;
            }
            let mut flight = match self.board(connection, tenant, asker)? {
                Boarded::Flight(flight) => flight,
                Boarded::Landed(known) => return known,
            };
            let landed = flight.wait_for(Option::is_some).await;
            let landed = landed.ok().and_then(|it| it.clone());
            let kept = landed.unwrap_or(Err(VaultError::Unreachable))?;
            if connection.shared().is_some_and(|it| it.identity() == kept.identity) {
                return kept.found();
            }
            // Begun for a request that came before the connection changed: once more, for this one.
            if began.elapsed() >= LOOK_UP_TIME {
                return Err(VaultError::Unreachable);
            }
        }
    }

    /// Whether the store was not reached for so long that nothing that it said may be used. Each worker
    /// looks now and then, for itself and for [`Vault::known`].
    pub fn is_stale(&self, now: Instant) -> bool {
        self.marks.look(now)
    }

    /// Whether this was there when it was last looked up, as far as is remembered: a guess of somebody who
    /// knows nothing is none of these.
    pub fn has_found(&self, connection: &Connection, tenant: &str) -> bool {
        self.good.was(&PlaceRef { connection: connection.key.as_str(), tenant })
    }

    /// Activations that are kept in memory, about.
    pub fn len(&self) -> u64 {
        self.kept.entry_count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An activation changed: what was looked up before is not used any more, and what is being looked up
    /// is read again.
    pub fn forget(&self, connection: &str, tenant: &str) {
        self.marks.changed(connection);
        let place = PlaceRef { connection, tenant };
        let mut flights = self.flights();
        flights.overtake(&place);
        self.kept.invalidate(&place);
        self.negatives.invalidate(&place);
    }

    /// These connections changed or are gone. What was made under them as they were is not used any more in
    /// any case; this frees it. Looks at everything that is kept, once: not for a worker's thread.
    pub fn forget_connections(&self, connections: &BTreeSet<Key>) {
        for cache in [&self.kept, &self.negatives] {
            for (place, _) in cache {
                if connections.contains(&place.connection) {
                    cache.invalidate(&*place);
                }
            }
        }
    }

    /// Anything may have changed.
    pub fn forget_all(&self) {
        self.marks.all_changed();
        let mut flights = self.flights();
        flights.overtake_all();
        self.kept.invalidate_all();
        self.negatives.invalidate_all();
    }

    /// True while nothing that it is made of has changed: a change of its own would have removed it.
    fn is_true(&self, kept: &Kept, connection: &Connection) -> bool {
        let same = connection.shared().is_some_and(|it| it.identity() == kept.identity);
        same && self.marks.is_true(kept.began)
            && match kept.outcome {
                Outcome::Missing { any: false } => {
                    self.marks.is_still_empty(connection.key.as_str(), kept.began)
                }
                _ => true,
            }
    }

    fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The look-up that is under way, or a new one, or what one has found since it was not known.
    fn board(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        tenant: &TenantId,
        asker: Asker<'_>,
    ) -> Result<Boarded, VaultError> {
        let place = Place { connection: connection.key.clone(), tenant: tenant.clone() };
        let mut flights = self.flights();
        if let Some(flight) = flights.under_way(&place, asker) {
            return Ok(Boarded::Flight(flight));
        }
        if let Some(known) = self.known(connection, tenant.as_str(), Instant::now()) {
            return Ok(Boarded::Landed(known));
        }
        let Some((lands, flight, ticket)) = flights.begin(&place, asker) else {
            self.metrics.looked_up(LookUp::Refused);
            return Err(VaultError::Unreachable);
        };
        drop(flights);
        let under_way = UnderWay { vault: Arc::clone(self), place, ticket, is_over: false };
        let connection = Arc::clone(connection);
        self.runtime.spawn(async move {
            lands.send_replace(Some(under_way.fly(&connection).await));
        });
        Ok(Boarded::Flight(flight))
    }

    /// What the store says now.
    async fn look_up(&self, connection: &Connection, place: &Place, ticket: &Ticket) -> Landed {
        let shared = connection.shared().ok_or(VaultError::Damaged)?;
        let began = self.marks.position();
        let wanted = Wanted {
            owner: shared.owner.clone(),
            connection: place.connection.clone(),
            tenant: place.tenant.clone(),
            is_for_stranger: ticket.is_strangers(),
        };
        let loaded = (self.load)(wanted).await;
        let connection_key = place.connection.as_str();
        let mut weight = 1;
        let outcome = match loaded {
            Ok(Loaded::Row { enabled, variables, credential }) => {
                weight = weight_of(&credential, &variables);
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
            Ok(Loaded::Missing { any }) => Outcome::Missing { any },
            Err(LoadError::Damaged(problem)) => {
                let tenant = place.tenant.as_str();
                tracing::error!(
                    connection = connection_key,
                    tenant,
                    "a stored activation can't be read: {problem}"
                );
                Outcome::Damaged
            }
            Err(LoadError::Unreachable(problem)) => {
                let tenant = place.tenant.as_str();
                tracing::debug!(connection = connection_key, tenant, "no look-up: {problem}");
                return Err(VaultError::Unreachable);
            }
        };
        self.metrics.looked_up(match &outcome {
            Outcome::Activation(_) => LookUp::Found,
            Outcome::Missing { .. } => LookUp::Missing,
            Outcome::Damaged => LookUp::Damaged,
        });
        let identity = shared.identity();
        Ok(Arc::new(Kept { identity, weight, began, since: Instant::now(), outcome }))
    }

    /// Keeps what was looked up, and ends the look-up; false where it has to be read once more.
    fn keep(&self, place: &Place, ticket: &Ticket, kept: &Arc<Kept>) -> bool {
        let mut flights = self.flights();
        if flights.was_overtaken(place, ticket) {
            return false;
        }
        self.good.is_now(place, matches!(kept.outcome, Outcome::Activation(_)));
        let (cache, other) = match kept.outcome {
            Outcome::Activation(_) => (&self.kept, &self.negatives),
            Outcome::Missing { .. } | Outcome::Damaged => (&self.negatives, &self.kept),
        };
        // One of a former connection of this name may be there.
        other.invalidate(place);
        cache.insert(place.clone(), Arc::clone(kept));
        flights.end(place, ticket);
        true
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

/// How many activations one with this credential counts as: it is held as it is, and as it is sent.
fn weight_of(credential: &Credential, variables: &BTreeMap<String, String>) -> u32 {
    let secrets = credential.fields().flat_map(|it| credential.values(it));
    let secrets: usize = secrets.map(|it| it.expose().len()).sum();
    let variables: usize = variables.values().map(String::len).sum();
    u32::try_from(1 + 2 * (secrets + variables) / WEIGHT).unwrap_or(u32::MAX)
}

/// A look-up in the list of those under way, however it ends.
struct UnderWay {
    vault: Arc<Vault>,
    place: Place,
    ticket: Ticket,
    /// It is in the list no more: another one of the same place may be.
    is_over: bool,
}

impl UnderWay {
    /// Reads until nothing was changed meanwhile, so that what lands is as new as whatever was told until
    /// then: whoever asks from now on asks anew, or finds it kept.
    async fn fly(mut self, connection: &Connection) -> Landed {
        let vault = Arc::clone(&self.vault);
        let time = if vault.marks.is_in_contact() { LOOK_UP_TIME } else { LOOK_UP_TIME_LOST };
        let reading = async {
            loop {
                let kept = vault.look_up(connection, &self.place, &self.ticket).await?;
                if vault.keep(&self.place, &self.ticket, &kept) {
                    return Ok(kept);
                }
            }
        };
        let landed = tokio::time::timeout(time, reading).await;
        let landed = landed.unwrap_or(Err(VaultError::Unreachable));
        self.is_over = landed.is_ok();
        if landed.is_err() {
            vault.metrics.looked_up(LookUp::Unreachable);
        }
        landed
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.is_over {
            self.vault.flights().end(&self.place, &self.ticket);
        }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("kept", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
