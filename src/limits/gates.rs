//! The limits on exchanges at the same time that apply to a request: its connection's, its origin's.
use super::concurrency::Entry;
use super::concurrency::Gate;
use super::concurrency::Place;
use super::concurrency::Ticket;
use super::refused::Refused;
use crate::catalog::Places;
use crate::model::Key;
use crate::model::Origin;
use crate::telemetry::metrics::Limit;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;

/// Gates of one kind that are kept although nobody is inside or waits, as they are found sooner so:
/// up to this many at any time, and above it up to twice as many in all as were in use at the last look.
const IDLE_MIN: usize = 4096;

/// Seconds until somebody may have left.
const RETRY_S: u64 = 1;

/// The gates of the process. They know no configuration: it comes with each request, so that a
/// changed limit counts at once, and those inside stay counted.
#[derive(Debug, Default)]
pub struct Gates {
    connections: Known<Key>,
    /// Connections that have the same limit share it; one with its own can't be held up by others.
    origins: Known<(Arc<Origin>, Places)>,
}

/// The gates of one kind.
#[derive(Debug)]
struct Known<K>(Mutex<Kept<K>>);

#[derive(Debug)]
struct Kept<K> {
    gates: HashMap<K, Arc<Gate>, RandomState>,
    /// With so many they are looked through for those that nobody needs.
    look_at: usize,
}

impl<K> Default for Known<K> {
    fn default() -> Self {
        Self(Mutex::new(Kept { gates: HashMap::default(), look_at: IDLE_MIN }))
    }
}

/// A turn in a queue.
#[derive(Debug)]
pub struct Turn {
    ticket: Ticket,
    limit: Limit,
}

/// What whoever comes is told: a place now, or a turn.
pub type Entered = Result<Place, Turn>;

impl Gates {
    pub fn connection(&self, key: &Key, places: Places) -> Result<Entered, Refused> {
        entered(&self.connections.gate(key), places, Limit::ConnectionConcurrency)
    }

    pub fn origin(&self, origin: &Arc<Origin>, places: Places) -> Result<Entered, Refused> {
        let gate = self.origins.gate(&(Arc::clone(origin), places));
        entered(&gate, places, Limit::OriginConcurrency)
    }
}

fn entered(gate: &Arc<Gate>, places: Places, limit: Limit) -> Result<Entered, Refused> {
    match gate.enter(places.max, places.queue) {
        Entry::Place(place) => Ok(Ok(place)),
        Entry::Wait(ticket) => Ok(Err(Turn { ticket, limit })),
        Entry::Full => Err(Refused { limit, retry_after_s: RETRY_S }),
    }
}

impl Turn {
    /// A place, once it is this one's turn.
    pub fn poll(&mut self, cx: &Context<'_>) -> Poll<Place> {
        self.ticket.poll(cx)
    }

    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// What is said when the wait was too long.
    pub fn too_long(&self) -> Refused {
        Refused { limit: self.limit, retry_after_s: RETRY_S }
    }
}

impl<K: Clone + Eq + Hash> Known<K> {
    fn gate(&self, whose: &K) -> Arc<Gate> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { gates, look_at } = &mut *kept;
        if let Some(gate) = gates.get(whose) {
            return Arc::clone(gate);
        }
        if gates.len() >= *look_at {
            // Whoever is inside or waits holds the gate. What is left then is as many as exchanges, and
            // as many again may come before the next look: each pays for looking at two.
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
            *look_at = IDLE_MIN.max(2 * gates.len());
        }
        let gate = Arc::new(Gate::default());
        gates.insert(whose.clone(), Arc::clone(&gate));
        gate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const ONE: Places = Places { max: 1, queue: 0, wait: Duration::ZERO };

    #[test]
    fn gates_that_nobody_holds_make_room_and_others_stay() {
        let gates = Gates::default();
        let key = |number: usize| Key::try_from(&*format!("c{number}")).unwrap();
        let _inside = gates.connection(&key(0), ONE).unwrap().unwrap();
        for number in 1..3 * IDLE_MIN {
            drop(gates.connection(&key(number), ONE).unwrap().unwrap());
        }
        assert!(gates.connections.0.lock().unwrap().gates.len() <= IDLE_MIN);
        let refused = gates.connection(&key(0), ONE).unwrap_err();
        assert_eq!(refused.limit, Limit::ConnectionConcurrency);
    }

    #[test]
    fn with_many_in_use_not_every_one_that_comes_looks_through_all() {
        let gates = Gates::default();
        let enter = |number: usize| {
            let key = Key::try_from(&*format!("c{number}")).unwrap();
            gates.connection(&key, ONE).unwrap().unwrap()
        };
        let kept = || gates.connections.0.lock().unwrap().gates.len();
        let inside: Vec<_> = (0..IDLE_MIN).map(enter).collect();
        // A look would find those that have gone before.
        (IDLE_MIN..2 * IDLE_MIN).for_each(|number| drop(enter(number)));
        assert_eq!(kept(), 2 * IDLE_MIN, "none until as many have come as were in use");
        drop(enter(2 * IDLE_MIN));
        assert_eq!(kept(), IDLE_MIN + 1);
        drop(inside);
        (2 * IDLE_MIN..4 * IDLE_MIN).for_each(|number| drop(enter(number)));
        assert!(kept() <= IDLE_MIN, "and what is kept shrinks again");
    }

    #[test]
    fn an_origin_is_shared_by_those_who_limit_it_alike() {
        let gates = Gates::default();
        let origin = Arc::new(Origin::parse("https://api.example.com").unwrap());
        let _inside = gates.origin(&origin, ONE).unwrap().unwrap();
        let same = Arc::new(Origin::parse("https://API.example.com:443").unwrap());
        assert!(gates.origin(&same, ONE).is_err());
        assert!(gates.origin(&origin, Places { max: 2, ..ONE }).is_ok());
    }
}
