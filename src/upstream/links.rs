//! Links that are open, by destination: how many there may be, and who waits for one.
use super::error::SendError;
use super::line::Line;
use super::pool::PeerKey;
use super::pool::PeerRef;
use crate::catalog::Places;
use hashbrown::HashMap;
use std::cell::Cell;
use std::cell::RefCell;
use std::fmt;
use std::num::NonZeroUsize;
use std::rc::Rc;

/// One worker's open links, in use or idle.
pub(super) struct Links {
    peers: RefCell<HashMap<PeerKey, Rc<Peer>, foldhash::fast::RandomState>>,
    totals: Rc<Totals>,
    workers: NonZeroUsize,
}

#[derive(Debug, Default)]
struct Totals {
    open: Cell<usize>,
    waiting: Rc<Cell<usize>>,
}

/// The open links to one destination.
#[derive(Debug)]
pub(super) struct Peer {
    open: Cell<usize>,
    waiting: Line,
    totals: Rc<Totals>,
}

/// Counts a link for as long as it is open.
pub(super) struct OpenLink(Rc<Peer>);

impl Links {
    /// Each of `workers` has its share of what is allowed, and at least one link.
    pub(super) fn new(workers: NonZeroUsize) -> Self {
        Self { peers: RefCell::default(), totals: Rc::default(), workers }
    }

    pub(super) fn peer(&self, by: &PeerRef<'_>, key: impl FnOnce() -> PeerKey) -> Rc<Peer> {
        if let Some(peer) = self.peers.borrow().get(by) {
            return Rc::clone(peer);
        }
        let (open, totals) = (Cell::new(0), Rc::clone(&self.totals));
        let peer = Rc::new(Peer { open, waiting: Line::counted(&totals.waiting), totals });
        self.peers.borrow_mut().insert(key(), Rc::clone(&peer));
        peer
    }

    /// This worker's share of what is allowed in all.
    pub(super) fn share(&self, places: Places) -> Places {
        let part = |all: u32| {
            u32::try_from((all as usize).div_ceil(self.workers.get())).unwrap_or(u32::MAX)
        };
        Places { max: part(places.max), queue: part(places.queue), wait: places.wait }
    }

    /// Whether somebody waits for a link to this destination: then nobody else takes one.
    pub(super) fn is_awaited(&self, by: &PeerRef<'_>) -> bool {
        self.totals.waiting.get() > 0
            && self.peers.borrow().get(by).is_some_and(|it| !it.waiting.is_empty())
    }

    /// A link to this destination may have become idle.
    pub(super) fn freed(&self, by: &PeerRef<'_>) {
        if self.totals.waiting.get() > 0
            && let Some(peer) = self.peers.borrow().get(by)
        {
            peer.waiting.call_first();
        }
    }

    /// Links that are open, to all destinations.
    pub(super) fn open(&self) -> usize {
        self.totals.open.get()
    }

    /// Forgets destinations without links.
    pub(super) fn tick(&self) {
        self.peers.borrow_mut().retain(|_, it| Rc::strong_count(it) > 1);
    }
}

impl Peer {
    /// A place for one more link, if there may be one.
    pub(super) fn place(self: &Rc<Self>, max: u32) -> Option<OpenLink> {
        if self.open.get() >= max as usize {
            return None;
        }
        self.open.set(self.open.get() + 1);
        self.totals.open.set(self.totals.open.get() + 1);
        Some(OpenLink(Rc::clone(self)))
    }

    /// What `find` gives, as soon as it gives something and it is this one's turn. `waits` is called
    /// where that is not at once.
    pub(super) async fn turn<T>(
        &self,
        queue: u32,
        mut find: impl FnMut() -> Option<T>,
        waits: impl Fn(),
    ) -> Result<T, SendError> {
        if self.waiting.is_empty()
            && let Some(found) = find()
        {
            return Ok(found);
        }
        if self.waiting.len() >= queue as usize {
            return Err(SendError::NoLink);
        }
        waits();
        let waiting = self.waiting.join();
        loop {
            waiting.called().await;
            if waiting.is_first()
                && let Some(found) = find()
            {
                return Ok(found);
            }
        }
    }
}

impl Drop for OpenLink {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        self.0.totals.open.set(self.0.totals.open.get() - 1);
        self.0.waiting.call_first();
    }
}

impl fmt::Debug for OpenLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenLink")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;
    use std::sync::Arc;
    use std::task::Context;
    use std::task::Poll;
    use std::task::Waker;
    use std::time::Duration;

    fn peer(links: &Links) -> Rc<Peer> {
        let origin = Arc::new(Origin::parse("https://api.example.com").unwrap());
        let key = PeerKey { identity: 1, origin: Arc::clone(&origin) };
        links.peer(&PeerRef { identity: 1, origin: &origin }, || key)
    }

    fn workers(count: usize) -> Links {
        Links::new(NonZeroUsize::new(count).unwrap())
    }

    #[test]
    fn places_are_shared_out_among_workers_and_each_has_one() {
        let all = Places { max: 10, queue: 3, wait: Duration::ZERO };
        let of = |count| workers(count).share(all);
        assert_eq!((of(1).max, of(4).max, of(64).max), (10, 3, 1));
        assert_eq!((of(1).queue, of(4).queue), (3, 1));
    }

    #[test]
    fn who_waits_first_has_the_next_link_and_who_comes_has_none() {
        let links = workers(1);
        let peer = peer(&links);
        let open = peer.place(1).unwrap();
        assert!(peer.place(1).is_none());
        let find = || peer.place(1);
        let mut cx = Context::from_waker(Waker::noop());
        let mut first = Box::pin(peer.turn(2, find, || ()));
        let mut second = Box::pin(peer.turn(2, find, || ()));
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        let mut third = Box::pin(peer.turn(2, find, || ()));
        assert!(matches!(third.as_mut().poll(&mut cx), Poll::Ready(Err(SendError::NoLink))));
        drop(open);
        assert!(second.as_mut().poll(&mut cx).is_pending(), "not its turn");
        let mut late = Box::pin(peer.turn(9, find, || ()));
        assert!(late.as_mut().poll(&mut cx).is_pending(), "nobody overtakes");
        let Poll::Ready(Ok(open)) = first.as_mut().poll(&mut cx) else { panic!("its turn") };
        drop(open);
        // Woken, and gone before it looked: the next one hears of it.
        drop(second);
        assert!(late.as_mut().poll(&mut cx).is_ready());
        drop((first, third, late));
        assert_eq!((links.open(), links.totals.waiting.get()), (0, 0));
    }

    #[test]
    fn destinations_without_links_are_forgotten() {
        let links = workers(1);
        let open = peer(&links).place(1);
        links.tick();
        assert_eq!(links.peers.borrow().len(), 1);
        drop(open);
        links.tick();
        assert!(links.peers.borrow().is_empty());
    }
}
