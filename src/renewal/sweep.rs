//! What is renewed though nobody asks: grants that live by their tokens, what failed, and what others left behind.
//!
//! They come from the store in lots, and are gone from memory when they are done: however many there are, as many
//! are in memory as are under way.
use super::Job;
use super::Renewals;
use super::Wanted;
use super::attempt;
use super::bureau::Bureau;
use super::crowds::Crowds;
use super::crowds::Entered;
use super::had::Verdict;
use super::journal::Journal;
use super::thread;
use crate::catalog::Activation;
use crate::catalog::Connection;
use crate::catalog::Holder;
use crate::catalog::Kind;
use crate::catalog::Ready;
use crate::catalog::Snapshot;
use crate::catalog::TokenHolder;
use crate::model::Key;
use crate::model::TenantId;
use crate::seal::Slot;
use crate::store::GrantName;
use crate::store::Lot;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::GrantsNow;
use hashbrown::HashMap;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// How often it is looked what is due.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is counted how they are, in looks.
const COUNT: u32 = 15;

/// Renewals that nobody asked for at the same time.
const UNDER_WAY_MAX: usize = 256;

/// Those whose connection is switched off, held back, or not there, are looked at so much later, at the most.
const UNSERVED: Duration = Duration::from_secs(1800);

/// Those of whom the store did not tell.
const UNKNOWN: Duration = Duration::from_secs(1);

/// Those whose provider has enough to do.
const CROWDED: Duration = Duration::from_secs(5);

/// Where a provider was not reached so often in a row, a few try on, and the others wait for so long.
const UNREACHED: u32 = 3;
const PROBES: u32 = 4;
const RESTING: Duration = Duration::from_secs(20);

/// What is served now.
pub type Served = Arc<dyn Fn() -> Arc<Snapshot> + Send + Sync>;

pub(super) struct Sweep {
    pub bureau: Rc<Bureau>,
    pub journal: Rc<Journal>,
    pub renewals: Arc<Renewals>,
    pub metrics: Arc<Metrics>,
    pub served: Served,
    crowds: Rc<Crowds>,
    /// How the providers of connections are that something was not well with.
    health: RefCell<HashMap<Key, Health>>,
}

#[derive(Clone, Copy, Default)]
struct Health {
    /// In a row.
    unreached: u32,
    under_way: u32,
}

/// One that is to be renewed.
struct Found {
    connection: Arc<Connection>,
    tenant: Option<TenantId>,
    is_test: bool,
    holder: Arc<TokenHolder>,
}

impl Sweep {
    pub(super) fn new(
        bureau: &Rc<Bureau>,
        journal: &Rc<Journal>,
        renewals: &Arc<Renewals>,
        metrics: &Arc<Metrics>,
        served: &Served,
    ) -> Self {
        Self {
            bureau: Rc::clone(bureau),
            journal: Rc::clone(journal),
            renewals: Arc::clone(renewals),
            metrics: Arc::clone(metrics),
            served: Arc::clone(served),
            crowds: Rc::default(),
            health: RefCell::default(),
        }
    }

    /// Until it is to stop; what is under way then comes to its end.
    pub(super) async fn run(self, mut stops: watch::Receiver<bool>) {
        let sweep = Rc::new(self);
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way = JoinSet::new();
        let mut looked = 0_u32;
        loop {
            tokio::select! {
                _ = stops.wait_for(|it| *it) => break,
                _ = looks.tick() => {}
            }
            if looked.is_multiple_of(COUNT) {
                sweep.count().await;
            }
            looked = looked.wrapping_add(1);
            let mut lot = Lot::Left;
            while !*stops.borrow() {
                while under_way.try_join_next().is_some() {}
                let room = UNDER_WAY_MAX - under_way.len();
                if room < UNDER_WAY_MAX / 4 {
                    under_way.join_next().await;
                    continue;
                }
                let full = sweep.crowds.full();
                let is_any_full = !full.is_empty();
                let limit = sweep.crowds.limit(room);
                let names = match sweep.journal.claim(lot, limit, full).await {
                    Ok(names) => names,
                    Err(unkept) => {
                        tracing::debug!("it is not known what is due: {}", unkept.words());
                        break;
                    }
                };
                match (names.is_empty(), lot) {
                    // Those that were left out are looked for once there is room, and others in a while.
                    (true, Lot::Due) if is_any_full => tokio::select! {
                        _ = stops.wait_for(|it| *it) => break,
                        () = tokio::time::sleep(LOOK) => break,
                        () = sweep.crowds.room() => {}
                    },
                    (true, Lot::Due) => break,
                    (true, Lot::Left) => lot = Lot::Due,
                    (false, _) => {
                        for (job, entered) in sweep.jobs(names).await {
                            let sweep = Rc::clone(&sweep);
                            under_way.spawn_local(async move {
                                sweep.renew(job).await;
                                drop(entered);
                            });
                        }
                    }
                }
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// What is to be renewed of these; the others are put off.
    async fn jobs(&self, names: Vec<GrantName>) -> Vec<(Job, Entered)> {
        let served = (self.served)();
        let by_owner: HashMap<&str, &Arc<Connection>> =
            served.connections().map(|it| (&*it.owner, it)).collect();
        let (mut found, mut later, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let connection = by_owner.get(&*name.owner).copied();
            let connection =
                connection.filter(|it| it.enabled && served.elsewhere(&it.key).is_none());
            let Some(connection) = connection else {
                later.push((name, put_off(UNSERVED)));
                continue;
            };
            if self.is_resting(&connection.key) {
                later.push((name, put_off(RESTING)));
                continue;
            }
            let (own, tenant) = match (&connection.kind, name.slot) {
                (Kind::Standard(holder), Slot::Own) => (Some(holder), None),
                (Kind::Embedded { test, .. }, Slot::Test) => (test.as_deref(), None),
                (Kind::Embedded { activations, .. }, Slot::Activation) => {
                    match activations.get(&*name.tenant) {
                        Some(activation) if activation.enabled => {
                            (Some(&activation.holder), Some(activation.tenant.clone()))
                        }
                        Some(_) => (None, None),
                        None => {
                            asked.push((name, Arc::clone(connection)));
                            continue;
                        }
                    }
                }
                _ => (None, None),
            };
            let is_test = name.slot == Slot::Test;
            match own.and_then(token) {
                Some(holder) => {
                    let connection = Arc::clone(connection);
                    found.push((name, Found { connection, tenant, is_test, holder }));
                }
                None => later.push((name, put_off(UNSERVED))),
            }
        }
        drop(by_owner);
        if !asked.is_empty() {
            self.look_up(asked, &mut found, &mut later).await;
        }
        let mut jobs = Vec::with_capacity(found.len());
        for (name, it) in found {
            let Some(entered) = self.crowds.enter(&it.holder, &it.connection) else {
                later.push((name, put_off(CROWDED)));
                continue;
            };
            let (tenant, holder) = (it.tenant.as_ref(), &it.holder);
            let wanted = Wanted { connection: &it.connection, tenant, is_test: it.is_test, holder };
            jobs.extend(self.renewals.due(wanted).map(|job| (job, entered)));
        }
        if !later.is_empty()
            && let Err(unkept) = self.journal.postpone(later).await
        {
            tracing::debug!("what can't be renewed is looked at again: {}", unkept.words());
        }
        let mut health = self.health.borrow_mut();
        for (job, _) in &jobs {
            health.entry(job.place.connection.clone()).or_default().under_way += 1;
        }
        jobs
    }

    /// Those of stored activations.
    async fn look_up(
        &self,
        asked: Vec<(GrantName, Arc<Connection>)>,
        found: &mut Vec<(GrantName, Found)>,
        later: &mut Vec<(GrantName, i64)>,
    ) {
        let keys = asked.iter().map(|(name, _)| name.clone()).collect();
        let mut rows = match self.journal.activations(keys).await {
            Ok(rows) => rows,
            Err(unkept) => {
                tracing::debug!("what is due is not known: {}", unkept.words());
                later.extend(asked.into_iter().map(|(name, _)| (name, put_off(UNKNOWN))));
                return;
            }
        };
        for (name, connection) in asked {
            let activation = rows.remove(&name).filter(|it| it.enabled).and_then(|it| {
                let tenant = TenantId::try_from(&*name.tenant).ok()?;
                connection.activation(tenant, it.enabled, &it.variables, it.credential).ok()
            });
            let holder = activation.as_ref().and_then(|it: &Activation| token(&it.holder));
            match (holder, activation) {
                (Some(holder), Some(activation)) => {
                    let tenant = Some(activation.tenant);
                    found.push((name, Found { connection, tenant, is_test: false, holder }));
                }
                _ => later.push((name, put_off(UNSERVED))),
            }
        }
    }

    async fn renew(&self, job: Job) {
        let connection = job.place.connection.clone();
        let verdict = thread::renewed(&self.bureau, &self.renewals, job).await;
        let mut health = self.health.borrow_mut();
        let Some(it) = health.get_mut(&connection) else { return };
        it.under_way = it.under_way.saturating_sub(1);
        it.unreached = match verdict {
            Some((Verdict::Again { .. }, heard)) if heard.is_unreached() => it.unreached + 1,
            Some((Verdict::Later { .. }, _)) => it.unreached,
            Some(_) | None => 0,
        };
        if it.under_way == 0 && it.unreached == 0 {
            health.remove(&connection);
        }
    }

    fn is_resting(&self, connection: &Key) -> bool {
        let health = self.health.borrow();
        health.get(connection).is_some_and(|it| it.unreached >= UNREACHED && it.under_way >= PROBES)
    }

    async fn count(&self) {
        if let Ok(census) = self.journal.census().await {
            self.metrics.grants(GrantsNow {
                failing: census.failing,
                dead: census.reauthorization_required,
                open: census.open,
                late_ms: census.late_ms,
            });
        }
    }
}

fn token(holder: &Holder) -> Option<Arc<TokenHolder>> {
    match &holder.ready {
        Ready::Token(holder) => Some(Arc::clone(holder)),
        Ready::Outbound(_) | Ready::Inbound(_) => None,
    }
}

/// Between so long and twice as long, in milliseconds: what is put off together does not come back together.
pub(super) fn put_off(pause: Duration) -> i64 {
    let pause = pause.mul_f64(1.0 + f64::from(attempt::chance()) / f64::from(u8::MAX));
    i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)
}
