//! Everybody's entries, and when each is to be looked at.
use super::Landed;
use super::RenewalError;
use super::Wanted;
use super::attempt;
use super::entry::Change;
use super::entry::Due;
use super::entry::Entry;
use super::entry::Outcome;
use super::had;
use super::had::Had;
use super::had::Kept;
use super::had::Missed;
use super::had::Source;
use super::had::Verdict;
use crate::catalog::Fingerprint;
use crate::catalog::Kind;
use crate::catalog::Token;
use crate::catalog::TokenHolder;
use crate::grant::Expiry;
use crate::grant::Fault;
use crate::grant::TokenSet;
use crate::model::Key;
use crate::model::TenantId;
use crate::model::UnixTime;
use crate::seal::Slot as SealSlot;
use crate::store::GrantName;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::RenewalOutcome;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// A token that had ended when it came lives so long by our own clock: theirs is another one.
const ENDED_LIFE: Duration = Duration::from_secs(10);

/// Whose token: never shared, whatever else is equal.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub connection: Key,
    /// Another connection of the same key is another one.
    owner: Box<str>,
    pub tenant: Option<TenantId>,
    is_test: bool,
    fingerprint: Fingerprint,
}

/// As many entries as there are holders in memory, and those whose token is still good.
pub(super) struct Ledger {
    /// The store is asked before anybody else.
    is_kept: bool,
    entries: HashMap<Place, (Entry, Slot)>,
    /// By when, and the entry's own number, since several are due at once.
    due: BTreeMap<Slot, Place>,
    numbers: u64,
    generations: u64,
}

type Slot = (Instant, u64);

impl Place {
    pub(super) fn of(wanted: Wanted<'_>) -> Self {
        Self {
            connection: wanted.connection.key.clone(),
            owner: wanted.connection.owner.clone(),
            tenant: wanted.tenant.cloned(),
            is_test: wanted.is_test,
            fingerprint: wanted.holder.fingerprint(),
        }
    }

    /// What the store calls it.
    pub(super) fn name(&self) -> GrantName {
        let slot = match (self.is_test, &self.tenant) {
            (true, _) => SealSlot::Test,
            (false, Some(_)) => SealSlot::Activation,
            (false, None) => SealSlot::Own,
        };
        let tenant = self.tenant.as_ref().map_or_else(String::new, |it| it.as_str().to_owned());
        GrantName { owner: self.owner.to_string(), tenant, slot }
    }

    pub(super) fn is_of(&self, connection: &str, tenant: Option<&str>) -> bool {
        let own = self.tenant.as_ref().map(|it| it.as_str());
        self.connection.as_str() == connection && own == tenant
    }
}

impl Ledger {
    pub(super) fn new(is_kept: bool) -> Self {
        let (entries, due) = (HashMap::new(), BTreeMap::new());
        Self { is_kept, entries, due, numbers: 0, generations: 0 }
    }

    pub(super) fn find(&mut self, place: &Place) -> Option<&mut Entry> {
        self.entries.get_mut(place).map(|it| &mut it.0)
    }

    /// The entry, made where there is none; from now on this holder gets its tokens.
    pub(super) fn entry(
        &mut self,
        place: &Place,
        wanted: Wanted<'_>,
        (now, at): (UnixTime, Instant),
    ) -> &mut Entry {
        let (holder, settings) = (wanted.holder, &wanted.connection.upstream);
        if !self.entries.contains_key(place) {
            let mut entry = Entry::new(settings);
            entry.is_kept = self.is_kept;
            entry.needs_a_person = holder.needs_a_person();
            if let Some(tokens) = holder.own_tokens(now)
                && !self.is_kept
            {
                self.generations += 1;
                if let Some(token) = brought(holder, &tokens, self.generations, now, at) {
                    entry.begin_with(Arc::new(token), Kept::Tokens(tokens), attempt::chance());
                }
            }
            self.numbers += 1;
            let slot = (entry.next(at), self.numbers);
            self.due.insert(slot, place.clone());
            self.entries.insert(place.clone(), (entry, slot));
        }
        let (entry, _) = self.entries.get_mut(place).expect("it was there, or was just made");
        entry.join(holder);
        entry.settings = Arc::clone(settings);
        entry.is_declared = is_declared(wanted);
        entry
    }

    /// Forgets what is known of these; requests find no token of theirs any more.
    pub(super) fn forget(&mut self, is_it: impl Fn(&Place) -> bool) {
        let due = &mut self.due;
        self.entries.retain(|place, (entry, slot)| {
            let stays = !is_it(place);
            if !stays {
                entry.take_out();
                due.remove(slot);
            }
            stays
        });
    }

    /// The next one whose token is to be had now.
    pub(super) fn due(&mut self, now: UnixTime, at: Instant) -> Option<(Place, Arc<TokenHolder>)> {
        while let Some(first) = self.due.first_entry().filter(|it| it.key().0 <= at) {
            let place = first.remove();
            let Some((entry, _)) = self.entries.get_mut(&place) else { continue };
            match entry.due(now, at) {
                Due::Gone => drop(self.entries.remove(&place)),
                Due::Later(next) => self.look_again(&place, next),
                Due::Begin(holder) => {
                    // Sooner, if it lands.
                    self.look_again(&place, at + Duration::from_secs(1));
                    return Some((place, holder));
                }
            }
        }
        None
    }

    pub(super) fn landed(
        &mut self,
        place: &Place,
        outcome: Result<Had, Missed>,
        random: u8,
        (now, at): (UnixTime, Instant),
        metrics: &Metrics,
    ) -> Landed {
        let (outcome, words) = match outcome {
            Ok(had) => {
                self.generations += 1;
                let Had { prepared, binding, got, version, source } = had;
                let (ends, life) = life(got.kept.expiry(), got.asked_at, now);
                let token = Token::new(
                    prepared,
                    self.generations,
                    ends,
                    got.asked_since,
                    life,
                    got.guarded,
                );
                let of_answer = got.kept.tokens().map(|it| it.kept.clone()).unwrap_or_default();
                let token = token.sent_for(source == Source::Message);
                let token = Arc::new(token.bound_to(binding).keeping(of_answer));
                let (kept, secret) = (got.kept, got.secret);
                metrics.renewal(match source {
                    Source::Message => RenewalOutcome::Token,
                    Source::Kept => RenewalOutcome::Kept,
                });
                (Outcome::Token { token, kept, secret, version }, String::new())
            }
            Err(Missed { verdict, words, is_known, .. }) => {
                if let Some(counted) = counted(verdict).filter(|_| !is_known) {
                    metrics.renewal(counted);
                }
                let outcome = match verdict {
                    Verdict::Again { after, fault, pause } => {
                        Outcome::Again { after, fault, pause }
                    }
                    Verdict::Later { pause } => Outcome::Later { pause },
                    Verdict::Dead { .. } => Outcome::Dead,
                };
                (outcome, words)
            }
        };
        let Some((entry, _)) = self.entries.get_mut(place) else {
            // Forgotten meanwhile, or never in memory: whoever waits gets it all the same.
            if matches!(outcome, Outcome::Dead) && !words.is_empty() {
                tell(place, Change::Died, &words);
            }
            return match outcome {
                Outcome::Token { token, .. } => Ok(token),
                Outcome::Again { .. } | Outcome::Later { .. } => Err(RenewalError::TooLong),
                Outcome::Dead => Err(RenewalError::Dead),
            };
        };
        let is_later = matches!(outcome, Outcome::Later { .. });
        let (landed, change) = entry.landed(outcome, random, now, at);
        if !is_later {
            entry.noted(change, &words, now);
        }
        let next = entry.next(at);
        self.look_again(place, next);
        tell(place, change, &words);
        landed
    }

    fn look_again(&mut self, place: &Place, next: Instant) {
        let Some((_, slot)) = self.entries.get_mut(place) else { return };
        self.due.remove(slot);
        slot.0 = next;
        self.due.insert(*slot, place.clone());
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.entries.len(), self.due.len())
    }
}

/// Whether it stands in a file, so that no row of the store says that it is there.
pub(super) fn is_declared(wanted: Wanted<'_>) -> bool {
    match (&wanted.connection.kind, wanted.tenant) {
        (Kind::Embedded { activations, .. }, Some(tenant)) => activations.contains_key(tenant),
        _ => wanted.connection.version.is_none(),
    }
}

fn counted(verdict: Verdict) -> Option<RenewalOutcome> {
    Some(match verdict {
        Verdict::Again { fault: Fault::Provider, .. } => RenewalOutcome::Provider,
        Verdict::Again { fault: Fault::Operator, .. } => RenewalOutcome::Operator,
        Verdict::Later { .. } => return None,
        Verdict::Dead { is_lost: false } => RenewalOutcome::Dead,
        Verdict::Dead { is_lost: true } => RenewalOutcome::Lost,
    })
}

/// A token that was among the holder's fields from the start.
fn brought(
    holder: &TokenHolder,
    tokens: &TokenSet,
    generation: u64,
    now: UnixTime,
    at: Instant,
) -> Option<Token> {
    if matches!(tokens.expiry, Expiry::At(ends) if ends <= now) {
        return None;
    }
    let prepared = had::prepared(tokens, holder).ok()?;
    let (ends, life) = life(tokens.expiry, now, now);
    let token = Token::new(prepared, generation, ends, at, life, Vec::new());
    Some(token.bound_to(tokens.binding()).keeping(tokens.kept.clone()))
}

/// When a token ends by the wall clock, and how long it lives from when it was asked for.
fn life(expiry: Expiry, asked_at: UnixTime, now: UnixTime) -> (Option<UnixTime>, Duration) {
    match expiry {
        Expiry::At(ends) if ends > now => {
            let ms = ends.as_ms().saturating_sub(asked_at.as_ms());
            (Some(ends), Duration::from_millis(ms))
        }
        Expiry::At(_) => (None, ENDED_LIFE),
        Expiry::Never | Expiry::Unknown => (None, Duration::MAX),
    }
}

/// Said once when it begins and once when it is over. The words hold nothing that is secret.
fn tell(place: &Place, change: Change, words: &str) {
    let connection = place.connection.as_str();
    let tenant = place.tenant.as_ref().map_or("", |it| it.as_str());
    match change {
        Change::None if words.is_empty() => {}
        Change::None => tracing::debug!(connection, tenant, "still no new token: {words}"),
        Change::BeganToFail => {
            tracing::warn!(connection, tenant, "no new token, tried again later: {words}");
        }
        Change::Recovered => tracing::info!(connection, tenant, "there is a new token again"),
        Change::Died => tracing::error!(
            connection,
            tenant,
            "the grant is dead, a person has to connect this account again: {words}"
        ),
    }
}
