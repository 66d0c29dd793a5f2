//! The last exchanges, for whoever wants to see what goes on.
use super::filter::Filter;
use crate::telemetry::Exchange;

/// Bytes of a path that a place keeps for the next one: most are shorter, and long ones are given back.
const PATH_KEPT_LEN: usize = 256;

/// An exchange that is over.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Counted from 1, in the order in which exchanges were told of.
    pub seq: u64,
    pub exchange: Exchange,
    /// Without a query.
    pub path: String,
}

/// So many of them. Once there are, each takes the place of the oldest.
pub(super) struct Recent {
    most: usize,
    places: Vec<Seen>,
    /// The place of the next one.
    next: usize,
    last: u64,
}

impl Recent {
    pub(super) fn new(most: usize) -> Self {
        Self { most, places: Vec::new(), next: 0, last: 0 }
    }

    /// Keeps it. Its number.
    pub(super) fn keep(&mut self, exchange: &Exchange, path: &str) -> u64 {
        self.last += 1;
        if self.next == self.most {
            self.next = 0;
        }
        if self.places.len() < self.most {
            self.places.push(Seen::default());
        }
        if let Some(place) = self.places.get_mut(self.next) {
            // Written where it lies: to move one costs more than all the rest.
            place.seq = self.last;
            place.exchange.clone_from(exchange);
            if place.path.capacity() > PATH_KEPT_LEN {
                place.path = String::new();
            }
            place.path.clear();
            place.path.push_str(path);
            self.next += 1;
        }
        self.last
    }

    /// The newest first: those that fit among the ones before `before`, and whether there may be more.
    pub(super) fn list(
        &self,
        filter: &Filter,
        before: Option<u64>,
        limit: usize,
    ) -> (Vec<Seen>, bool) {
        let wanted = |it: &&Seen| {
            before.is_none_or(|before| it.seq < before) && filter.has(&it.exchange, &it.path)
        };
        let mut found = self.iter().rev().filter(wanted);
        let page = found.by_ref().take(limit).cloned().collect();
        let is_more = found.next().is_some();
        (page, is_more)
    }

    /// The newest that has this id: callers may use one twice.
    pub(super) fn find(&self, request_id: &str) -> Option<Seen> {
        self.iter().rev().find(|it| it.exchange.request_id.as_str() == request_id).cloned()
    }

    /// All that are kept, the oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Seen> {
        let (newer, older) = self.places.split_at(self.next.min(self.places.len()));
        older.iter().chain(newer)
    }

    /// Whether all that ever was is kept.
    pub(super) fn is_whole(&self) -> bool {
        self.last == self.places.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(
        recent: &Recent,
        filter: &Filter,
        before: Option<u64>,
        limit: usize,
    ) -> (Vec<u64>, bool) {
        let (page, is_more) = recent.list(filter, before, limit);
        (page.iter().map(|it| it.seq).collect(), is_more)
    }

    #[test]
    fn the_newest_are_kept_and_listed_first() {
        let mut recent = Recent::new(3);
        let all = Filter::default();
        assert_eq!(numbers(&recent, &all, None, 10), (vec![], false));
        for at in 1..=5 {
            recent.keep(&Exchange::default(), &format!("/{at}"));
        }
        assert!(!recent.is_whole());
        assert_eq!(numbers(&recent, &all, None, 10), (vec![5, 4, 3], false));
        assert_eq!(numbers(&recent, &all, None, 2), (vec![5, 4], true));
        assert_eq!(numbers(&recent, &all, Some(4), 2), (vec![3], false));
        let four = Filter { path: Some("4".to_owned()), ..Filter::default() };
        assert_eq!(numbers(&recent, &four, None, 1), (vec![4], false));
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let long = "x".repeat(2048);
        let mut recent = Recent::new(100);
        for _ in 0..1000 {
            recent.keep(&Exchange::default(), &long);
        }
        for _ in 0..100 {
            recent.keep(&Exchange::default(), "/");
        }
        assert_eq!(recent.places.len(), 100);
        assert!(recent.places.iter().all(|it| it.path.capacity() <= PATH_KEPT_LEN));
        // What a place takes itself; its keys are those that are served.
        assert!(size_of::<Seen>() <= 384, "{}", size_of::<Seen>());
        let mut none = Recent::new(0);
        none.keep(&Exchange::default(), "/");
        assert!(none.places.is_empty());
    }
}
