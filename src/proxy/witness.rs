//! Whoever looks at one exchange while it runs: what goes upstream, and the account of it at its end.
use super::cleared::Secrets;
use super::head::Onward;
use super::seen;
use crate::catalog::Caller;
use crate::model::Key;
use crate::model::Origin;
use crate::telemetry::Exchange;
use crate::telemetry::SentHead;
use crate::telemetry::trial;
use crate::upstream::Fields;
use crate::upstream::RequestHead;
use http::request::Parts;
use std::cell::RefCell;
use std::sync::Arc;

/// Of a trial, which has no key: it may use everything that is served. There is no way to be one from outside, as
/// nothing that a request says makes one.
pub struct Witness {
    caller: Arc<Caller>,
    sent: RefCell<Option<SentHead>>,
    /// Of all attempts.
    secrets: RefCell<Secrets>,
    told: RefCell<Option<(Exchange, String)>>,
}

/// What was seen.
pub struct Seen {
    /// The last attempt's head.
    pub sent: Option<SentHead>,
    pub secrets: Secrets,
    pub exchange: Exchange,
    pub path: String,
}

impl Default for Witness {
    fn default() -> Self {
        let key = Key::try_from(trial::CALLER).expect("lower case letters make a key");
        Self {
            caller: Arc::new(Caller::unlimited(key)),
            sent: RefCell::default(),
            secrets: RefCell::default(),
            told: RefCell::default(),
        }
    }
}

impl Witness {
    pub fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// Looks at an attempt before it is sent: `head` is as it came, `request` as it goes.
    #[cold]
    pub fn sees<F: Fields>(
        &self,
        head: &Parts,
        onward: &Onward<'_>,
        origin: &Origin,
        request: &RequestHead<'_, F>,
    ) {
        let mut secrets = self.secrets.borrow_mut();
        let sent = seen::sent(head, onward.prepared, origin, request, &mut secrets);
        self.sent.replace(Some(sent));
    }

    /// Takes the account of the exchange. `path` has no query.
    #[cold]
    pub fn is_told(&self, exchange: &Exchange, path: &str) {
        self.told.replace(Some((exchange.clone(), path.to_owned())));
    }

    /// The length of the longest secret so far, in bytes.
    pub fn longest(&self) -> usize {
        self.secrets.borrow().longest()
    }

    /// What was seen, once the exchange is over; none before.
    pub fn take_seen(&self) -> Option<Seen> {
        let (exchange, path) = self.told.take()?;
        Some(Seen { sent: self.sent.take(), secrets: self.secrets.take(), exchange, path })
    }
}
