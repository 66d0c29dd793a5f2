//! A provider's rule: each refresh token is used up by being used, and one that is used twice ends its family
//! (RFC 9700 §4.14.2), unless that is within its time of grace.
use super::Asked;
use super::Says;
use serde_json::json;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Notify;

/// Tokens are `NAME-N`: the family, and how often it was renewed. The first one is `NAME-0`.
pub struct Rotating {
    grace: Duration,
    /// Each answer comes by so much later at most, each by another part of it.
    late: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lifetime_s: u64,
    families: HashMap<String, Family>,
    reuses: u32,
    /// It has no time for anybody.
    is_away: bool,
    /// Of so many next answers nothing arrives, though they are acted upon.
    lost: u32,
    /// The next answer waits for this, once it is acted upon.
    gate: Option<Arc<Notify>>,
}

#[derive(Default)]
struct Family {
    current: u64,
    used_at: Option<Instant>,
    /// Messages about it.
    asked: u32,
    /// How long after its use a token came again that ended the family.
    ended: Option<Duration>,
    /// The next answer waits for this, once it is acted upon.
    gate: Option<Arc<Notify>>,
}

/// What a provider knows of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// How often it was renewed.
    pub renewed: u64,
    /// Messages about it, of whatever outcome.
    pub asked: u32,
    /// It was ended, since a token came again so long after its use.
    pub ended: Option<Duration>,
}

impl Rotating {
    /// Access tokens live so long.
    pub fn living(lifetime_s: u64) -> Self {
        let state = Mutex::new(State { lifetime_s, ..State::default() });
        Self { grace: Duration::ZERO, late: Duration::ZERO, state }
    }

    /// A token that is used twice within this time is answered as it was before.
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Each answer is late by a part of this.
    pub fn dawdling(self, late: Duration) -> Self {
        Self { late, ..self }
    }

    /// From now on access tokens live so long.
    pub fn lives(&self, lifetime_s: u64) {
        self.state().lifetime_s = lifetime_s;
    }

    /// Whether it has time for nobody from now on: what comes is not acted upon.
    pub fn is_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }

    /// So many next answers are lost on their way, once they were acted upon.
    pub fn loses(&self, answers: u32) {
        self.state().lost = answers;
    }

    /// The next answer comes only after this, once it was acted upon.
    pub fn holds(&self, gate: &Arc<Notify>) {
        self.state().gate = Some(Arc::clone(gate));
    }

    /// The next answer about this family comes only after this, once it was acted upon.
    pub fn holds_family(&self, family: &str, gate: &Arc<Notify>) {
        let mut state = self.state();
        state.families.entry(family.to_owned()).or_default().gate = Some(Arc::clone(gate));
    }

    /// Tokens that came twice, other than in their time of grace.
    pub fn reuses(&self) -> u32 {
        self.state().reuses
    }

    /// How often a family was renewed.
    pub fn renewed(&self, family: &str) -> u64 {
        self.known(family).renewed
    }

    pub fn known(&self, family: &str) -> Known {
        let state = self.state();
        let known = |it: &Family| Known { renewed: it.current, asked: it.asked, ended: it.ended };
        let none = Known { renewed: 0, asked: 0, ended: None };
        state.families.get(family).map_or(none, known)
    }

    pub(super) fn answer(&self, asked: &Asked) -> Says {
        let mut state = self.state();
        let token = asked.parameter("refresh_token").unwrap_or_default();
        let Some((name, number)) = token.rsplit_once('-') else {
            return Says::error(400, "invalid_request");
        };
        let number: u64 = number.parse().unwrap_or(u64::MAX);
        let (lifetime_s, is_away) = (state.lifetime_s, state.is_away);
        let family = state.families.entry(name.to_owned()).or_default();
        family.asked += 1;
        if is_away {
            return Says::status(503, "");
        }
        let used = family.used_at.map(|it| it.elapsed());
        let is_again = number + 1 == family.current && used.is_some_and(|it| it < self.grace);
        if family.ended.is_some() || number != family.current && !is_again {
            let is_reuse = family.ended.is_none();
            family.ended = family.ended.or(used).or(Some(Duration::ZERO));
            state.reuses += u32::from(is_reuse);
            return Says::error(400, "invalid_grant");
        }
        if !is_again {
            family.current += 1;
            family.used_at = Some(Instant::now());
        }
        let current = family.current;
        let says = Says::json(json!({
            "access_token": format!("a-{name}-{current}"),
            "refresh_token": format!("{name}-{current}"),
            "token_type": "Bearer",
            "expires_in": lifetime_s,
        }));
        let gate = family.gate.take();
        if state.lost > 0 {
            state.lost -= 1;
            return Says::nothing();
        }
        match gate.or_else(|| state.gate.take()) {
            Some(gate) => says.after(&gate),
            None => says.late(part_of(self.late)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}

/// Any part of a time.
pub fn part_of(most: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 1024;
    most.mul_f64(random as f64 / 1024.0)
}
