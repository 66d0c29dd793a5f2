//! Credentials that upstreams refuse: which connections are failing, and which have recovered. Told off the request's
//! path; nothing here refuses anything.
use super::slots::Slots;
use crate::config::Failing;
use crate::model::Key;
use crate::model::TenantId;
use foldhash::fast::RandomState;
use hashbrown::Equivalent;
use hashbrown::HashMap;
use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::mpsc::Sender;

/// Refusals further apart than this are not in a row.
const FORGET: Duration = Duration::from_secs(15 * 60);

/// Credentials whose refusals are counted at the same time; those beyond them are not told of.
const REFUSED_MAX: u16 = 16_384;

/// What became of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub credential: Credential,
    /// False where it has recovered.
    pub is_failing: bool,
}

/// The credentials of the process that are refused. A success costs a load while none is, and a hash and another
/// load while others are; the lock is for those that are, and for the few that share a slot with one.
pub struct Refusals {
    refused: AtomicUsize,
    /// Where those in `states` are.
    slots: Slots,
    hasher: RandomState,
    states: Mutex<States>,
    failing: Failing,
    told: Sender<Verdict>,
}

type States = HashMap<Credential, State, RandomState>;

/// A connection's own, or a tenant's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Credential {
    pub connection: Key,
    pub tenant: Option<TenantId>,
}

#[derive(Hash)]
struct CredentialRef<'a> {
    connection: &'a Key,
    tenant: Option<&'a TenantId>,
}

impl Equivalent<Credential> for CredentialRef<'_> {
    fn equivalent(&self, it: &Credential) -> bool {
        *self.connection == it.connection && self.tenant == it.tenant.as_ref()
    }
}

#[derive(Clone, Copy, Debug)]
struct State {
    in_a_row: u32,
    first: Instant,
    last: Instant,
    is_told: bool,
}

impl State {
    /// Before its first refusal.
    fn new(now: Instant) -> Self {
        Self { in_a_row: 0, first: now, last: now, is_told: false }
    }
}

impl Refusals {
    /// `told`: where verdicts go. What it has no room for is told with the next refusal or success.
    pub fn new(failing: Failing, told: Sender<Verdict>) -> Self {
        Self {
            refused: AtomicUsize::new(0),
            slots: Slots::new(REFUSED_MAX),
            hasher: RandomState::default(),
            states: Mutex::default(),
            failing,
            told,
        }
    }

    /// The upstream answered 401.
    #[cold]
    pub fn refused(&self, connection: &Key, tenant: Option<&TenantId>, now: Instant) {
        let credential = Credential { connection: connection.clone(), tenant: tenant.cloned() };
        let mut states = self.lock();
        if !states.contains_key(&credential) && !self.enter(&mut states, credential.clone(), now) {
            return;
        }
        let Some(state) = states.get_mut(&credential) else { return };
        if !state.is_told && now.saturating_duration_since(state.last) >= FORGET {
            *state = State::new(now);
        }
        state.in_a_row = state.in_a_row.saturating_add(1);
        state.last = now;
        let lasting = now.saturating_duration_since(state.first);
        let Failing { refusals, lasting: least } = self.failing;
        if !state.is_told && state.in_a_row >= refusals && lasting >= least {
            state.is_told = self.tell(credential, true);
        }
    }

    /// The upstream took it.
    pub fn taken(&self, connection: &Key, tenant: Option<&TenantId>) {
        if self.refused.load(Relaxed) > 0 {
            let credential = CredentialRef { connection, tenant };
            if self.slots.may_have(self.hasher.hash_one(&credential)) {
                self.recovered(&credential);
            }
        }
    }

    /// These, and no others, are told of as failing: by this process or another.
    pub fn are_told(&self, told: &HashSet<Credential>, now: Instant) {
        let mut states = self.lock();
        self.retain(&mut states, |credential, it| !it.is_told || told.contains(credential));
        for credential in told {
            if states.contains_key(credential) || self.enter(&mut states, credential.clone(), now) {
                states.entry(credential.clone()).and_modify(|it| it.is_told = true);
            }
        }
    }

    #[cold]
    fn recovered(&self, credential: &CredentialRef<'_>) {
        let mut states = self.lock();
        let Some((credential, state)) = states.get_key_value(credential) else { return };
        let credential = credential.clone();
        if !state.is_told || self.tell(credential.clone(), false) {
            states.remove(&credential);
            self.left(&credential, states.len());
        }
    }

    /// False where there is no room for one more.
    fn enter(&self, states: &mut States, credential: Credential, now: Instant) -> bool {
        if states.len() >= usize::from(REFUSED_MAX) {
            self.retain(states, |_, it| {
                it.is_told || now.saturating_duration_since(it.last) < FORGET
            });
            if states.len() >= usize::from(REFUSED_MAX) {
                return false;
            }
        }
        self.slots.enter(self.hash(&credential));
        states.insert(credential, State::new(now));
        self.refused.store(states.len(), Relaxed);
        true
    }

    fn retain(&self, states: &mut States, keep: impl Fn(&Credential, &State) -> bool) {
        let all = states.iter();
        let gone: Vec<_> = all.filter(|it| !keep(it.0, it.1)).map(|it| it.0.clone()).collect();
        for credential in gone {
            states.remove(&credential);
            self.left(&credential, states.len());
        }
    }

    fn left(&self, credential: &Credential, remaining: usize) {
        self.slots.leave(self.hash(credential));
        self.refused.store(remaining, Relaxed);
    }

    fn hash(&self, Credential { connection, tenant }: &Credential) -> u64 {
        self.hasher.hash_one(CredentialRef { connection, tenant: tenant.as_ref() })
    }

    fn tell(&self, credential: Credential, is_failing: bool) -> bool {
        self.told.try_send(Verdict { credential, is_failing }).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::Receiver;
    use tokio::sync::mpsc::channel;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(text: &str) -> Key {
        Key::try_from(text).unwrap()
    }

    fn said(verdicts: &mut Receiver<Verdict>) -> Vec<(String, bool)> {
        let next = || verdicts.try_recv().ok();
        let shown = |it: Verdict| (it.credential.connection.to_string(), it.is_failing);
        std::iter::from_fn(next).map(shown).collect()
    }

    /// So that it is told.
    fn refuse(refusals: &Refusals, key: &Key, begin: Instant) {
        (0..=10).for_each(|second| refusals.refused(key, None, begin + second * SECOND));
    }

    #[test]
    fn a_row_of_refusals_that_lasts_is_told_once_and_so_is_the_end_of_it() {
        let (told, mut verdicts) = channel(4);
        let (refusals, begin, api) =
            (Refusals::new(Failing::default(), told), Instant::now(), key("api"));
        // A burst.
        (0..100).for_each(|_| refusals.refused(&api, None, begin));
        assert_eq!(said(&mut verdicts), []);
        // It goes on.
        (10..20).for_each(|second| refusals.refused(&api, None, begin + second * SECOND));
        assert_eq!(said(&mut verdicts), [("api".to_owned(), true)]);
        let tenant = TenantId::try_from("acme").unwrap();
        refusals.taken(&api, Some(&tenant));
        assert_eq!(said(&mut verdicts), []);
        refusals.taken(&api, None);
        refusals.taken(&api, None);
        assert_eq!(said(&mut verdicts), [("api".to_owned(), false)]);
        assert_eq!(refusals.refused.load(Relaxed), 0);
        let credential = CredentialRef { connection: &api, tenant: None };
        assert!(!refusals.slots.may_have(refusals.hasher.hash_one(&credential)));
    }

    #[test]
    fn a_success_between_or_a_long_pause_begins_a_new_row() {
        let (told, mut verdicts) = channel(4);
        let (refusals, begin, api) =
            (Refusals::new(Failing::default(), told), Instant::now(), key("api"));
        for second in 0..4 {
            refusals.refused(&api, None, begin + second * 10 * SECOND);
        }
        refusals.taken(&api, None);
        for minute in 0..20 {
            refusals.refused(&api, None, begin + minute * FORGET);
        }
        assert_eq!(said(&mut verdicts), []);
    }

    #[test]
    fn what_there_was_no_room_for_is_told_later() {
        let (told, mut verdicts) = channel(1);
        let (refusals, begin) = (Refusals::new(Failing::default(), told), Instant::now());
        let [a, b] = ["a", "b"].map(key);
        [&a, &b].into_iter().for_each(|it| refuse(&refusals, it, begin));
        assert_eq!(said(&mut verdicts), [("a".to_owned(), true)]);
        refusals.refused(&b, None, begin + 11 * SECOND);
        assert_eq!(said(&mut verdicts), [("b".to_owned(), true)]);
    }

    #[test]
    fn what_another_process_has_told_is_not_told_again_but_its_end_is() {
        let (told, mut verdicts) = channel(4);
        let (refusals, begin) = (Refusals::new(Failing::default(), told), Instant::now());
        let [a, b] = ["a", "b"].map(key);
        let both = [&a, &b].map(|it| Credential { connection: it.clone(), tenant: None });
        refusals.are_told(&HashSet::from(both.clone()), begin);
        refuse(&refusals, &a, begin);
        assert_eq!(said(&mut verdicts), []);
        // `b` has recovered elsewhere.
        refusals.are_told(&HashSet::from([both[0].clone()]), begin);
        refusals.taken(&a, None);
        refusals.taken(&b, None);
        assert_eq!(said(&mut verdicts), [("a".to_owned(), false)]);
        assert_eq!(refusals.refused.load(Relaxed), 0);
    }
}
