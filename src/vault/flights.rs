//! The look-ups that are under way: one for each activation, and no more of anybody than leaves room for others.
use super::Landed;
use super::Place;
use super::PlaceRef;
use crate::model::Key;
use hashbrown::HashMap;
use tokio::sync::watch;

/// Look-ups under way at the same time; further ones are refused. The store takes a few at a time.
pub(super) const FLIGHTS_MAX: usize = 1024;

/// Of them, those of strangers, who have proved nothing: whatever they ask for, callers have room.
pub(super) const STRANGERS_MAX: usize = FLIGHTS_MAX / 4;

/// Those of one caller: others have room, whatever this one asks for.
pub(super) const OF_CALLER_MAX: usize = FLIGHTS_MAX / 2;

/// Callers' under one connection: others have places left, whatever is asked of this one.
pub(super) const OF_CONNECTION_MAX: usize = FLIGHTS_MAX / 4;

/// Strangers' under one connection.
const STRANGERS_OF_CONNECTION_MAX: usize = STRANGERS_MAX / 2;

/// Who has something looked up.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    /// Who has proved to be this caller.
    Caller(&'a Key),
    /// Whoever sent a delivery.
    Stranger,
}

/// The look-ups that are under way. Those of strangers are apart: no caller waits for one of them.
#[derive(Default)]
pub(super) struct Flights {
    callers: Lane,
    strangers: Lane,
    by_caller: HashMap<Key, usize>,
}

#[derive(Default)]
struct Lane {
    by_place: HashMap<Place, Flight>,
    /// How many there are under each connection.
    by_connection: HashMap<Key, usize>,
}

struct Flight {
    lands: Lands,
    /// The activation changed since it was read.
    is_overtaken: bool,
}

type Lands = watch::Receiver<Option<Landed>>;

/// Whose a look-up is: none where it is a stranger's.
#[derive(Clone, Debug)]
pub(super) struct Ticket(Option<Key>);

impl Ticket {
    pub(super) fn is_strangers(&self) -> bool {
        self.0.is_none()
    }
}

impl Flights {
    /// One that whoever asks may wait for.
    pub(super) fn under_way(&self, place: &Place, asker: Asker<'_>) -> Option<Lands> {
        let of_callers = self.callers.by_place.get(place);
        let found = match asker {
            Asker::Caller(_) => of_callers,
            Asker::Stranger => of_callers.or_else(|| self.strangers.by_place.get(place)),
        };
        found.map(|it| it.lands.clone())
    }

    /// Another one; none where there are too many.
    pub(super) fn begin(
        &mut self,
        place: &Place,
        asker: Asker<'_>,
    ) -> Option<(watch::Sender<Option<Landed>>, Lands, Ticket)> {
        let (lane, most, of_connection_max) = match asker {
            Asker::Caller(_) => (&mut self.callers, FLIGHTS_MAX - STRANGERS_MAX, OF_CONNECTION_MAX),
            Asker::Stranger => (&mut self.strangers, STRANGERS_MAX, STRANGERS_OF_CONNECTION_MAX),
        };
        let of_connection = lane.by_connection.get(&place.connection).copied().unwrap_or_default();
        if lane.by_place.len() >= most || of_connection >= of_connection_max {
            return None;
        }
        let mut ticket = Ticket(None);
        if let Asker::Caller(caller) = asker {
            let of_caller = self.by_caller.entry(caller.clone()).or_default();
            if *of_caller >= OF_CALLER_MAX {
                return None;
            }
            *of_caller += 1;
            ticket.0 = Some(caller.clone());
        }
        let (lands, flight) = watch::channel(None);
        *lane.by_connection.entry(place.connection.clone()).or_default() += 1;
        lane.by_place.insert(place.clone(), Flight { lands: flight.clone(), is_overtaken: false });
        Some((lands, flight, ticket))
    }

    pub(super) fn end(&mut self, place: &Place, ticket: &Ticket) {
        let lane = self.lane(ticket);
        if lane.by_place.remove(place).is_none() {
            return;
        }
        less(&mut lane.by_connection, &place.connection);
        if let Some(caller) = &ticket.0 {
            less(&mut self.by_caller, caller);
        }
    }

    /// It changed.
    pub(super) fn overtake(&mut self, place: &PlaceRef<'_>) {
        for lane in [&mut self.callers, &mut self.strangers] {
            if let Some(flight) = lane.by_place.get_mut(place) {
                flight.is_overtaken = true;
            }
        }
    }

    pub(super) fn overtake_all(&mut self) {
        for lane in [&mut self.callers, &mut self.strangers] {
            lane.by_place.values_mut().for_each(|it| it.is_overtaken = true);
        }
    }

    /// Whether it changed since it was read, or since this was asked last.
    pub(super) fn was_overtaken(&mut self, place: &Place, ticket: &Ticket) -> bool {
        let flight = self.lane(ticket).by_place.get_mut(place);
        flight.is_some_and(|it| std::mem::take(&mut it.is_overtaken))
    }

    fn lane(&mut self, ticket: &Ticket) -> &mut Lane {
        if ticket.is_strangers() { &mut self.strangers } else { &mut self.callers }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.callers.by_place.len() + self.strangers.by_place.len()
    }

    /// Whether nobody is counted any more.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let lanes = [&self.callers, &self.strangers];
        self.len() == 0
            && self.by_caller.is_empty()
            && lanes.iter().all(|it| it.by_connection.is_empty())
    }
}

/// Counts one less, and nothing that is none.
fn less(counts: &mut HashMap<Key, usize>, key: &Key) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
