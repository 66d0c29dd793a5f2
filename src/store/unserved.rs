//! What this process has written and, as far as is known, does not serve yet.
use super::Change;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Changes that are named; of more it is only known that there are some.
const NAMED_MAX: usize = 4096;

/// This process's own changes, from their commit until whoever follows the store says that they are
/// served: so it is known without the store what may be out of date.
#[derive(Clone, Debug, Default)]
pub struct Unserved(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    changes: VecDeque<Change>,
    /// Up to this revision there were more than are named; 0 where there were not.
    unnamed: i64,
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    These(Vec<Change>),
    /// Too much to be named.
    Anything,
}

impl Unserved {
    pub(super) fn add(&self, changes: Vec<Change>) {
        let mut waiting = self.waiting();
        waiting.changes.extend(changes);
        while waiting.changes.len() > NAMED_MAX {
            waiting.unnamed = waiting.changes.pop_front().map_or(0, |it| it.position.revision);
        }
    }

    /// What is not served of what was written up to a revision.
    pub fn up_to(&self, revision: i64) -> Unread {
        let waiting = self.waiting();
        if waiting.unnamed > 0 {
            return Unread::Anything;
        }
        let named = waiting.changes.iter().filter(|it| it.position.revision <= revision);
        Unread::These(named.cloned().collect())
    }

    /// Everything up to a revision is served.
    pub fn served(&self, revision: i64) {
        let mut waiting = self.waiting();
        waiting.changes.retain(|it| it.position.revision > revision);
        if waiting.unnamed <= revision {
            waiting.unnamed = 0;
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::Position;
    use super::*;

    fn change(revision: i64) -> Change {
        let (key, who) = ("crm".to_owned(), "operator ci".to_owned());
        let position = Position { revision, tag: 1 };
        Change { position, kind: Kind::Connection, key, tenant: None, who, at_ms: 0 }
    }

    #[test]
    fn what_was_written_is_named_until_it_is_served() {
        let unserved = Unserved::default();
        unserved.add(vec![change(1), change(2)]);
        unserved.add(vec![change(3)]);
        assert_eq!(unserved.up_to(2), Unread::These(vec![change(1), change(2)]));
        unserved.served(2);
        assert_eq!(unserved.up_to(3), Unread::These(vec![change(3)]));
        unserved.served(3);
        assert_eq!(unserved.up_to(3), Unread::These(Vec::new()));
    }

    #[test]
    fn more_than_can_be_named_is_anything_until_all_of_it_is_served() {
        let unserved = Unserved::default();
        let more = i64::try_from(NAMED_MAX).unwrap() + 10;
        unserved.add((1..=more).map(change).collect());
        assert_eq!(unserved.up_to(more), Unread::Anything);
        unserved.served(9);
        assert_eq!(unserved.up_to(more), Unread::Anything);
        unserved.served(10);
        assert!(matches!(unserved.up_to(more), Unread::These(it) if it.len() == NAMED_MAX));
    }
}
