//! What is known of one holder's token, and what that means for whoever needs it. Time is an argument.
use super::Landed;
use super::RenewalError;
use super::ahead::ahead;
use super::backoff;
use super::had::Kept;
use super::status::Status;
use crate::catalog::Token;
use crate::catalog::TokenHolder;
use crate::catalog::UpstreamSettings;
use crate::grant::Fault;
use crate::model::UnixTime;
use crate::store::GrantState;
use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;

/// A token that is younger is not renewed because a request asks for it: another one just has.
const FORCED_PAUSE: Duration = Duration::from_secs(5);

/// The same where the API refuses it: longer each time, because the token may not be why.
const REFUSED_PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(900));

/// How long a dead grant is left alone, whoever asks for another try.
const DEAD_PAUSE: Duration = Duration::from_secs(10);

/// How often it is looked whether anybody still holds what has no end.
const LOOK: Duration = Duration::from_secs(600);

/// Everything about one holder's token. The holder itself may be built anew many times meanwhile.
pub(super) struct Entry {
    /// Where requests find the token: of one holder there are several for as long as requests that began
    /// before a change are under way.
    holders: Vec<Weak<TokenHolder>>,
    pub settings: Arc<UpstreamSettings>,
    /// What was had last, with all that came along.
    pub kept: Option<Kept>,
    /// Which one that is, as the store counts them; `None` where the store was not asked.
    pub version: Option<i64>,
    /// It stands in a file.
    pub is_declared: bool,
    /// The store is asked before anybody else.
    pub is_kept: bool,
    /// Whoever asks for another token gets the one that there is: nothing but a person's consent gives another.
    pub needs_a_person: bool,
    token: Option<Arc<Token>>,
    state: State,
    pub flight: Option<watch::Receiver<Option<Landed>>>,
    /// Which of several client secrets was good last.
    pub secret: usize,
    renew_at: Option<Instant>,
    /// How often in a row the API did not take what was had, and which it was last.
    refusals: u32,
    refused: Option<u64>,
    /// When somebody was last asked for another one, whatever came of it.
    tried_at: Option<Instant>,
    /// Since when it is in its state.
    since: UnixTime,
    /// In words; empty while all is well.
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    Failing {
        /// None yet where it did not come to a try.
        failures: u32,
        next: Instant,
    },
    /// Only a person brings it back, or the same credential that is taken again.
    Dead {
        next: Instant,
    },
}

/// What whoever asks needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    Any,
    /// Another one than there is.
    Newer,
    /// Another one than this generation, which the API refused.
    After(u64),
}

/// What is to be done for whoever asks.
pub(super) enum Step {
    Serve(Arc<Token>),
    Wait(watch::Receiver<Option<Landed>>),
    Refuse(RenewalError),
    Begin,
}

/// What is to be done when it is time.
pub(super) enum Due {
    Begin(Arc<TokenHolder>),
    Later(Instant),
    /// Nobody holds it any more, or nobody uses it.
    Gone,
}

/// What came of a token request.
pub(super) enum Outcome {
    Token {
        token: Arc<Token>,
        kept: Kept,
        secret: usize,
        version: i64,
    },
    Again {
        after: Option<Duration>,
        fault: Fault,
        /// Where it is settled already.
        pause: Option<Duration>,
    },
    /// It did not come to a try.
    Later {
        pause: Duration,
    },
    Dead,
}

/// What that changed, as far as people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    BeganToFail,
    Recovered,
    Died,
}

impl Entry {
    pub(super) fn new(settings: &Arc<UpstreamSettings>) -> Self {
        Self {
            holders: Vec::new(),
            settings: Arc::clone(settings),
            kept: None,
            version: None,
            is_declared: false,
            is_kept: false,
            needs_a_person: false,
            token: None,
            state: State::Active,
            flight: None,
            secret: 0,
            renew_at: None,
            refusals: 0,
            refused: None,
            tried_at: None,
            since: UnixTime::default(),
            why: String::new(),
        }
    }

    /// One more place where requests look for the token.
    pub(super) fn join(&mut self, holder: &Arc<TokenHolder>) {
        self.holders.retain(|it| it.strong_count() > 0);
        if !self.holders.iter().any(|it| std::ptr::eq(it.as_ptr(), Arc::as_ptr(holder))) {
            self.holders.push(Arc::downgrade(holder));
        }
    }

    /// Takes what was had from where requests find it.
    pub(super) fn take_out(&self) {
        self.holders.iter().filter_map(Weak::upgrade).for_each(|it| it.take_out());
    }

    /// A token that the holder brought along.
    pub(super) fn begin_with(&mut self, token: Arc<Token>, kept: Kept, random: u8) {
        self.renew_at = renew_at(&token, random);
        self.token = Some(token);
        self.kept = Some(kept);
    }

    pub(super) fn ask(&mut self, demand: Demand, now: UnixTime, at: Instant) -> Step {
        if let Demand::After(generation) = demand {
            self.refused = Some(generation);
            self.drop_what_is_dead();
        }
        let good = self.token.as_ref().filter(|it| it.is_good(now, at)).cloned();
        if let Some(token) = &good
            && (is_asked_for(token, demand) || self.is_all_there_is())
        {
            return Step::Serve(Arc::clone(token));
        }
        // Where its sender is gone it came to nothing.
        if let Some(flight) = self.flight.as_ref().filter(|it| it.has_changed().is_ok()) {
            return Step::Wait(flight.clone());
        }
        if let Some(token) = &good
            && self.is_too_young(token, demand, at)
        {
            return Step::Serve(Arc::clone(token));
        }
        // What the API refuses brings nobody back by itself.
        let is_forced = demand == Demand::Newer;
        match (self.state, good) {
            (State::Failing { next, .. }, Some(token)) if at < next => Step::Serve(token),
            (State::Failing { next, .. }, None) if at < next => {
                Step::Refuse(unavailable(next.saturating_duration_since(at)))
            }
            // Another replica may have brought it back: the store says so, and nobody is asked.
            (State::Dead { next }, None) if self.is_kept && at >= next => Step::Begin,
            (State::Dead { next }, good) if !is_forced || at < next => {
                good.map_or(Step::Refuse(RenewalError::Dead), Step::Serve)
            }
            _ => {
                if matches!(demand, Demand::After(_)) {
                    self.refusals = self.refusals.saturating_add(1);
                }
                Step::Begin
            }
        }
    }

    /// Whether asking brings no other token than the one that is there. Of a dead grant more is known elsewhere.
    fn is_all_there_is(&self) -> bool {
        self.needs_a_person && !matches!(self.state, State::Dead { .. })
    }

    /// Whether it is too early for another token than this, whoever asks.
    fn is_too_young(&self, token: &Token, demand: Demand, at: Instant) -> bool {
        let since = self.tried_at.map_or(token.had_at, |it| it.max(token.had_at));
        let age = at.saturating_duration_since(since);
        match demand {
            Demand::Any => true,
            // One that was only read from where it is kept may be as old as it likes.
            Demand::Newer if !token.was_sent_for => {
                self.tried_at.is_some_and(|it| at.saturating_duration_since(it) < FORCED_PAUSE)
            }
            Demand::Newer => age < FORCED_PAUSE,
            Demand::After(_) => {
                let (first, most) = REFUSED_PAUSE;
                let pause = first.saturating_mul(1 << self.refusals.min(16)).min(most);
                self.refusals > 0 && age < pause
            }
        }
    }

    /// What came of it, for those who wait.
    pub(super) fn landed(
        &mut self,
        outcome: Outcome,
        random: u8,
        now: UnixTime,
        at: Instant,
    ) -> (Landed, Change) {
        self.flight = None;
        if !matches!(&outcome, Outcome::Token { token, .. } if !token.was_sent_for) {
            self.tried_at = Some(at);
        }
        let was = self.state;
        match outcome {
            Outcome::Token { token, kept, secret, version } => {
                if self.renew_at.is_some_and(|it| at >= it) {
                    // The last one lived as long as it should.
                    self.refusals = 0;
                }
                self.renew_at = renew_at(&token, random);
                for holder in self.holders.iter().filter_map(Weak::upgrade) {
                    holder.put(Arc::clone(&token));
                }
                (self.kept, self.secret) = (Some(kept), secret);
                self.version = Some(version);
                self.token = Some(Arc::clone(&token));
                self.state = State::Active;
                let is_back = !matches!(was, State::Active | State::Failing { failures: 0, .. });
                (Ok(token), if is_back { Change::Recovered } else { Change::None })
            }
            Outcome::Again { after, fault, pause } => {
                let failures = match was {
                    State::Failing { failures, .. } => failures.saturating_add(1),
                    State::Active | State::Dead { .. } => 1,
                };
                let pause = pause.unwrap_or_else(|| backoff::pause(failures, fault, after, random));
                self.state = State::Failing { failures, next: at + pause };
                let change = if failures == 1 { Change::BeganToFail } else { Change::None };
                (self.good(now, at).ok_or(unavailable(pause)), change)
            }
            Outcome::Later { pause } => {
                let next = at + pause;
                self.state = match was {
                    State::Active => State::Failing { failures: 0, next },
                    State::Failing { failures, .. } => State::Failing { failures, next },
                    State::Dead { .. } => State::Dead { next },
                };
                (self.good(now, at).ok_or(unavailable(pause)), Change::None)
            }
            Outcome::Dead => {
                self.state = State::Dead { next: at + DEAD_PAUSE };
                self.drop_what_is_dead();
                let change =
                    if matches!(was, State::Dead { .. }) { Change::None } else { Change::Died };
                (self.good(now, at).ok_or(RenewalError::Dead), change)
            }
        }
    }

    /// What people are told of how it is.
    pub(super) fn noted(&mut self, change: Change, words: &str, now: UnixTime) {
        if change != Change::None || self.since == UnixTime::default() {
            self.since = now;
        }
        words.clone_into(&mut self.why);
    }

    pub(super) fn status(&self) -> Status {
        let state = match self.state {
            State::Active | State::Failing { failures: 0, .. } => GrantState::Active,
            State::Failing { .. } => GrantState::Failing,
            State::Dead { .. } => GrantState::ReauthorizationRequired,
        };
        let expires = self.token.as_ref().and_then(|it| it.ends);
        Status { state, since: self.since, why: self.why.clone(), expires }
    }

    /// Where its sender is gone it came to nothing.
    pub(super) fn is_in_flight(&self) -> bool {
        self.flight.as_ref().is_some_and(|it| it.has_changed().is_ok())
    }

    /// A token of a dead grant that the API does not take either is none.
    fn drop_what_is_dead(&mut self) {
        let is_refused = self.token.as_ref().is_some_and(|it| Some(it.generation) == self.refused);
        if is_refused && matches!(self.state, State::Dead { .. }) {
            self.token = None;
            self.holders.iter().filter_map(Weak::upgrade).for_each(|it| it.take_out());
        }
    }

    fn good(&self, now: UnixTime, at: Instant) -> Option<Arc<Token>> {
        self.token.clone().filter(|it| it.is_good(now, at))
    }

    /// When it is to be looked at again.
    pub(super) fn next(&self, at: Instant) -> Instant {
        match self.state {
            State::Active => self.renew_at.unwrap_or(at + LOOK),
            State::Failing { next, .. } => next,
            State::Dead { .. } => at + LOOK,
        }
    }

    /// It is time to look at it.
    pub(super) fn due(&mut self, now: UnixTime, at: Instant) -> Due {
        self.holders.retain(|it| it.strong_count() > 0);
        if self.is_in_flight() {
            return Due::Later(at + Duration::from_secs(1));
        }
        let Some(holder) = self.holders.iter().find_map(Weak::upgrade) else {
            // Built anew it finds its token here, as long as that is good.
            let left = self.good(now, at).filter(|it| it.life < Duration::MAX);
            return match left {
                Some(token) => Due::Later(token.had_at + token.life),
                None => Due::Gone,
            };
        };
        match self.state {
            State::Failing { next, .. } if at >= next => Due::Begin(holder),
            State::Failing { next, .. } => Due::Later(next),
            State::Dead { .. } => Due::Later(at + LOOK),
            State::Active => match (&self.token, self.renew_at) {
                (Some(_), None) => Due::Later(at + LOOK),
                (Some(_), Some(renew_at)) if at < renew_at => Due::Later(renew_at),
                (Some(token), Some(_)) if token.was_used() => Due::Begin(holder),
                (Some(token), Some(_)) if token.is_good(now, at) => {
                    Due::Later(token.had_at + token.life)
                }
                _ => Due::Gone,
            },
        }
    }
}

/// Whether a token that is good is also what is asked for.
fn is_asked_for(token: &Token, demand: Demand) -> bool {
    match demand {
        Demand::Any => true,
        Demand::Newer => false,
        Demand::After(generation) => token.generation != generation,
    }
}

/// When a token is renewed ahead of its end; `None` where it has none. `random`: any byte.
fn renew_at(token: &Token, random: u8) -> Option<Instant> {
    if token.life == Duration::MAX {
        return None;
    }
    token.had_at.checked_add(token.life - ahead(token.life, random))
}

fn unavailable(pause: Duration) -> RenewalError {
    let s = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
    RenewalError::Unavailable { retry_after_s: s.max(1) }
}

#[cfg(test)]
mod tests;
