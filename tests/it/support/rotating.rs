//! A provider's rule: each refresh token is used up by being used, and one that is used twice ends its family
//! (RFC 9700 §4.14.2), unless that is within its time of grace.
use super::Asked;
use super::Says;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Notify;

/// Tokens are `NAME-N`: the family, and how often it was renewed. The first one is `NAME-0`.
pub struct Rotating {
    grace: Duration,
    lifetime_s: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    families: HashMap<String, Family>,
    reuses: u32,
    /// Of so many next answers nothing arrives, though they are acted upon.
    lost: u32,
    /// The next answer waits for this, once it is acted upon.
    gate: Option<Arc<Notify>>,
}

#[derive(Default)]
struct Family {
    current: u64,
    used_at: Option<Instant>,
    is_revoked: bool,
}

impl Rotating {
    /// Access tokens live so long.
    pub fn living(lifetime_s: u64) -> Self {
        Self { grace: Duration::ZERO, lifetime_s, state: Mutex::default() }
    }

    /// A token that is used twice within this time is answered as it was before.
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// So many next answers are lost on their way, once they were acted upon.
    pub fn loses(&self, answers: u32) {
        self.state().lost = answers;
    }

    /// The next answer comes only after this, once it was acted upon.
    pub fn holds(&self, gate: &Arc<Notify>) {
        self.state().gate = Some(Arc::clone(gate));
    }

    /// Tokens that came twice, other than in their time of grace.
    pub fn reuses(&self) -> u32 {
        self.state().reuses
    }

    /// How often a family was renewed.
    pub fn renewed(&self, family: &str) -> u64 {
        self.state().families.get(family).map_or(0, |it| it.current)
    }

    pub(super) fn answer(&self, asked: &Asked) -> Says {
        let mut state = self.state();
        let token = asked.parameter("refresh_token").unwrap_or_default();
        let Some((name, number)) = token.rsplit_once('-') else {
            return Says::error(400, "invalid_request");
        };
        let number: u64 = number.parse().unwrap_or(u64::MAX);
        let family = state.families.entry(name.to_owned()).or_default();
        let in_grace = family.used_at.is_some_and(|it| it.elapsed() < self.grace);
        let is_again = number + 1 == family.current && in_grace;
        if family.is_revoked || number != family.current && !is_again {
            let is_reuse = !family.is_revoked;
            family.is_revoked = true;
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
            "expires_in": self.lifetime_s,
        }));
        if state.lost > 0 {
            state.lost -= 1;
            return Says::nothing();
        }
        match state.gate.take() {
            Some(gate) => says.after(&gate),
            None => says,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}
