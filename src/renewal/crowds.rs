//! How many of those that nobody asked for are under way for each provider: a slow one never holds all the places.
use crate::catalog::Connection;
use crate::catalog::TokenHolder;
use crate::model::Key;
use crate::model::Origin;
use crate::store::BUT_MAX;
use hashbrown::HashMap;
use hashbrown::HashSet;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// For one provider at the same time: twice what is sent to it at once, since others of them are at the store.
const OF_ONE_MAX: usize = 64;

/// With fewer free places a provider is full: some are taken from the store at a time.
const FREE_MIN: usize = 16;

/// Who gives tokens.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Giver {
    At(Arc<Origin>),
    /// Nobody knows where without asking: each connection counts for itself.
    Of(Key),
}

#[derive(Default)]
struct Crowd {
    under_way: usize,
    owners: HashSet<Arc<str>>,
}

/// All of them. One for the sweep.
#[derive(Default)]
pub(super) struct Crowds {
    of: RefCell<HashMap<Giver, Crowd>>,
    room: Notify,
}

/// A place in one of them, for as long as this is there.
pub(super) struct Entered {
    crowds: Rc<Crowds>,
    giver: Giver,
}

impl Crowds {
    /// A place; `None` where there is none.
    pub(super) fn enter(
        self: &Rc<Self>,
        holder: &TokenHolder,
        connection: &Connection,
    ) -> Option<Entered> {
        let of_connection = || Giver::Of(connection.key.clone());
        let giver = holder.provider().map_or_else(of_connection, |it| Giver::At(Arc::clone(it)));
        self.entered(giver, &connection.owner)
    }

    fn entered(self: &Rc<Self>, giver: Giver, owner: &str) -> Option<Entered> {
        let mut all = self.of.borrow_mut();
        let crowd = all.entry(giver.clone()).or_default();
        if !crowd.owners.contains(owner) {
            crowd.owners.insert(owner.into());
        }
        if crowd.under_way >= OF_ONE_MAX {
            return None;
        }
        crowd.under_way += 1;
        Some(Entered { crowds: Rc::clone(self), giver })
    }

    /// Whose are left out for now.
    pub(super) fn full(&self) -> Vec<Arc<str>> {
        let all = self.of.borrow();
        let full = all.values().filter(|it| it.is_full());
        full.flat_map(|it| it.owners.iter().cloned()).take(BUT_MAX).collect()
    }

    /// How many may be taken of whatever is not full, where there is `room` for so many.
    pub(super) fn limit(&self, room: usize) -> usize {
        let all = self.of.borrow();
        let free = all.values().filter(|it| !it.is_full()).map(|it| OF_ONE_MAX - it.under_way);
        free.min().unwrap_or(OF_ONE_MAX).min(room)
    }

    /// Waits until one that was full is not any more.
    pub(super) async fn room(&self) {
        self.room.notified().await;
    }
}

impl Crowd {
    fn is_full(&self) -> bool {
        self.under_way + FREE_MIN > OF_ONE_MAX
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut all = self.crowds.of.borrow_mut();
        let Some(crowd) = all.get_mut(&self.giver) else { return };
        let was_full = crowd.is_full();
        crowd.under_way -= 1;
        if was_full && !crowd.is_full() {
            self.crowds.room.notify_one();
        }
        if crowd.under_way == 0 {
            all.remove(&self.giver);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> Giver {
        let origin = Origin::parse(&format!("http://127.0.0.1:{port}"));
        Giver::At(Arc::new(origin.expect("it is an origin")))
    }

    #[test]
    fn a_provider_that_is_full_leaves_room_for_others_and_its_owners_are_left_out() {
        let crowds = Rc::new(Crowds::default());
        assert_eq!((crowds.full().len(), crowds.limit(256)), (0, OF_ONE_MAX));
        let mut first: Vec<_> = (0..OF_ONE_MAX - FREE_MIN)
            .map(|it| crowds.entered(at(1), ["a", "b"][it % 2]).expect("there is room"))
            .collect();
        assert_eq!((crowds.full().len(), crowds.limit(256)), (0, FREE_MIN), "as many as fit");
        assert_eq!(crowds.limit(3), 3);
        first.extend((0..FREE_MIN).map(|_| crowds.entered(at(1), "c").expect("there is room")));
        assert!(crowds.entered(at(1), "d").is_none());
        let mut full = crowds.full();
        full.sort_unstable();
        assert_eq!(full.iter().map(|it| &**it).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(crowds.limit(256), OF_ONE_MAX);
        let other = crowds.entered(at(2), "e");
        assert!(other.is_some(), "another one has places of its own");
        first.truncate(OF_ONE_MAX - FREE_MIN);
        assert!(crowds.full().is_empty());
        drop((first, other));
        assert!(crowds.of.borrow().is_empty(), "nothing of them stays");
    }
}
