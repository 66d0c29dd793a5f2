//! Tokens that have to be had before a request can go out: had once for all who wait, renewed before they
//! end, and asked for again slowly where a provider has none.
//!
//! One token request for each holder is under way at a time, on a thread of its own: it goes on when its
//! caller hangs up. What was had is put where requests find it by one load ([`TokenHolder`]). A token that
//! is good goes on being served whatever becomes of its renewal.
mod account;
mod ahead;
mod attempt;
mod backoff;
mod books;
mod bureau;
mod consent;
mod course;
mod crowds;
mod discovery;
mod entry;
mod errand;
mod farewell;
mod had;
mod journal;
mod ledger;
mod message;
mod oauth1;
mod opening;
mod page;
mod probe;
mod proof;
mod putting;
mod reached;
mod sealed;
mod signed;
mod status;
mod sweep;
mod thread;
mod times;
mod vouching;

pub use ahead::renewed_in;
pub use books::Books;
pub use consent::Dance;
pub use errand::Client;
pub use errand::ErrandError;
pub use errand::Errands;
pub use probe::Probed;
pub use probe::Tried;
pub use reached::Answered;
pub use reached::Reached;
pub use reached::Unreached;
pub use status::Status;
pub use sweep::Served;
pub use thread::Renewing;
pub use vouching::Vouched;
pub use vouching::Voucher;

use crate::catalog::Connection;
use crate::catalog::Token;
use crate::catalog::TokenHolder;
use crate::catalog::UpstreamSettings;
use crate::model::Key;
use crate::model::TenantId;
use crate::model::UnixTime;
use crate::telemetry::Metrics;
use entry::Demand;
use entry::Entry;
use had::Had;
use had::Kept;
use had::Missed;
use ledger::Ledger;
use ledger::Place;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::sync::watch;

/// Token requests that are under way or wait for their turn; further holders are refused for the moment.
const FLIGHTS_MAX: usize = 16_384;

/// How long whoever needs a token waits for it at most. The request for it may take longer, and goes on.
pub const WAIT: Duration = Duration::from_secs(20);

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenewalError {
    #[error("the grant is dead: a person has to connect this account again")]
    Dead,
    #[error("there is no live token, and none can be had right now")]
    Unavailable { retry_after_s: u64 },
    #[error("there is no live token, and none was had in time")]
    TooLong,
}

impl RenewalError {
    /// When to ask again, in seconds; `None` where that is of no use.
    pub fn retry_after_s(self) -> Option<u64> {
        match self {
            Self::Dead => None,
            Self::Unavailable { retry_after_s } => Some(retry_after_s),
            Self::TooLong => Some(1),
        }
    }
}

/// What came of a token request, for all who wait.
pub type Landed = Result<Arc<Token>, RenewalError>;

/// What there is for whoever needs a token.
pub enum Asked {
    Token(Arc<Token>),
    /// It is being had.
    Flight(watch::Receiver<Option<Landed>>),
}

/// What comes of a token request, for whoever waits for it and for nothing else.
pub async fn landed(mut flight: watch::Receiver<Option<Landed>>) -> Landed {
    let landing = flight.wait_for(Option::is_some);
    let landed = tokio::time::timeout(WAIT, landing).await;
    let landed = landed.ok().and_then(Result::ok).and_then(|it| it.clone());
    landed.unwrap_or(Err(RenewalError::TooLong))
}

/// Whose token.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    pub connection: &'a Connection,
    /// Of an embedded connection.
    pub tenant: Option<&'a TenantId>,
    pub is_test: bool,
    pub holder: &'a Arc<TokenHolder>,
}

/// Everybody's tokens. One for the process.
pub struct Renewals {
    ledger: Mutex<Ledger>,
    jobs: mpsc::Sender<Job>,
    metrics: Arc<Metrics>,
    clock: fn() -> UnixTime,
}

/// One renewal, on its way to the thread that makes it.
struct Job {
    place: Place,
    holder: Arc<TokenHolder>,
    settings: Arc<UpstreamSettings>,
    /// What was had before.
    kept: Option<Kept>,
    /// Which one that is, as the store counts them; `None` where the store was not asked yet.
    version: Option<i64>,
    /// Whoever asks wants another one than there is.
    is_forced: bool,
    /// Nobody asks: the store says that it is time, and this replica has its lease.
    is_due: bool,
    /// It stands in a file.
    is_declared: bool,
    /// Which of several client secrets was good last.
    secret: usize,
    lands: watch::Sender<Option<Landed>>,
}

impl Job {
    /// The next renewal of an entry, which is under way from now on.
    fn of(
        entry: &mut Entry,
        place: Place,
        holder: &Arc<TokenHolder>,
    ) -> (Self, watch::Receiver<Option<Landed>>) {
        let (lands, flight) = watch::channel(None);
        entry.flight = Some(flight.clone());
        let job = Self {
            holder: Arc::clone(holder),
            settings: Arc::clone(&entry.settings),
            kept: entry.kept.clone(),
            version: entry.version,
            is_forced: false,
            is_due: false,
            is_declared: entry.is_declared,
            secret: entry.secret,
            lands,
            place,
        };
        (job, flight)
    }
}

impl Renewals {
    /// `is_kept`: there is a store, which knows more than anybody's memory.
    fn new(
        jobs: mpsc::Sender<Job>,
        is_kept: bool,
        metrics: Arc<Metrics>,
        clock: fn() -> UnixTime,
    ) -> Arc<Self> {
        let ledger = Mutex::new(Ledger::new(is_kept));
        Arc::new(Self { ledger, jobs, metrics, clock })
    }

    /// A token that is good now, or the request for one: its own, or the one that is under way.
    /// `is_forced`: whoever asks wants another one than there is, unless that is very young.
    pub fn ask(
        &self,
        wanted: Wanted<'_>,
        is_forced: bool,
        now: UnixTime,
        at: Instant,
    ) -> Result<Asked, RenewalError> {
        let demand = if is_forced { Demand::Newer } else { Demand::Any };
        self.demand(wanted, demand, now, at)
    }

    /// The API did not take this token: another one is had, once for each, and not too often, whether anybody
    /// waits for it or not. Where it is too early for that, it is the same one that is there.
    #[cold]
    pub fn refused(
        &self,
        wanted: Wanted<'_>,
        generation: u64,
        now: UnixTime,
        at: Instant,
    ) -> Result<Asked, RenewalError> {
        self.demand(wanted, Demand::After(generation), now, at)
    }

    fn demand(
        &self,
        wanted: Wanted<'_>,
        demand: Demand,
        now: UnixTime,
        at: Instant,
    ) -> Result<Asked, RenewalError> {
        let place = Place::of(wanted);
        let mut ledger = self.ledger();
        let entry = ledger.entry(&place, wanted, (now, at));
        match entry.ask(demand, now, at) {
            entry::Step::Serve(token) => {
                wanted.holder.put(Arc::clone(&token));
                Ok(Asked::Token(token))
            }
            entry::Step::Wait(flight) => Ok(Asked::Flight(flight)),
            entry::Step::Refuse(error) => Err(error),
            entry::Step::Begin => {
                let is_forced = demand == Demand::Newer;
                self.begin(&mut ledger, place, wanted.holder, is_forced).map(Asked::Flight)
            }
        }
    }

    fn begin(
        &self,
        ledger: &mut Ledger,
        place: Place,
        holder: &Arc<TokenHolder>,
        is_forced: bool,
    ) -> Result<watch::Receiver<Option<Landed>>, RenewalError> {
        let unavailable = RenewalError::Unavailable { retry_after_s: 1 };
        let permit = self.jobs.try_reserve().map_err(|_| unavailable)?;
        let Some(entry) = ledger.find(&place) else { return Err(unavailable) };
        let (job, flight) = Job::of(entry, place, holder);
        permit.send(Job { is_forced, ..job });
        Ok(flight)
    }

    /// The renewal of what the store says that it is time for; none where one is under way. Who is in no memory is
    /// put into none.
    fn due(&self, wanted: Wanted<'_>) -> Option<Job> {
        let place = Place::of(wanted);
        let mut ledger = self.ledger();
        let job = match ledger.find(&place) {
            Some(entry) if entry.is_in_flight() => return None,
            Some(entry) => Job::of(entry, place, wanted.holder).0,
            None => {
                let mut entry = Entry::new(&wanted.connection.upstream);
                entry.is_declared = ledger::is_declared(wanted);
                Job::of(&mut entry, place, wanted.holder).0
            }
        };
        Some(Job { is_due: true, ..job })
    }

    /// How a holder is, as far as memory goes: where there is a store, it says more.
    pub fn status(&self, wanted: Wanted<'_>) -> Option<Status> {
        self.ledger().find(&Place::of(wanted)).map(|it| it.status())
    }

    /// What was had for these is not what counts any more: whoever asks next finds out anew. `tenant`: none where it is
    /// the connection's own.
    pub fn forget(&self, connection: &str, tenant: Option<&str>) {
        self.ledger().forget(|place| place.is_of(connection, tenant));
    }

    /// The same for all that is had under these connections.
    pub fn forget_connections(&self, keys: &BTreeSet<Key>) {
        self.ledger().forget(|place| keys.contains(&place.connection));
    }

    /// The same for everybody's.
    pub fn forget_all(&self) {
        self.ledger().forget(|_| true);
    }

    /// Begins what is due: renewals ahead of time, and what failed before.
    fn tick(&self, at: Instant) {
        let now = (self.clock)();
        let mut ledger = self.ledger();
        while self.jobs.capacity() > FLIGHTS_MAX / 2
            && let Some((place, holder)) = ledger.due(now, at)
        {
            // Where there is no room it is due again.
            drop(self.begin(&mut ledger, place, &holder, false));
        }
    }

    /// Takes what came of a token request to whoever waits, and to where requests find it.
    fn landed(&self, job: Job, outcome: Result<Had, Missed>) {
        let (now, at) = ((self.clock)(), Instant::now());
        let landed = {
            let mut ledger = self.ledger();
            let random = attempt::chance();
            ledger.landed(&job.place, outcome, random, (now, at), &self.metrics)
        };
        job.lands.send_replace(Some(landed));
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewals").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
