//! The upstreams that may speak HTTP/2, and one worker's links to them.
use super::super::pool::PeerKey;
use super::super::pool::PeerRef;
use super::peer::Peer;
use hashbrown::HashMap;
use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;

/// Links kept in all, per worker, idle or not.
pub(super) const LINKS_MAX: usize = 1024;

/// Upstreams of which it is remembered what they speak; it is only a shortcut.
const PEERS_MAX: usize = 4096;

/// A link without streams is kept for this long, in milliseconds: below the idle limits of common
/// upstreams, and short enough that a name which moved inward is judged again soon.
const IDLE_LIFE_MS: u64 = 50_000;

pub(in super::super) struct Peers {
    known: RefCell<HashMap<PeerKey, Rc<Peer>, foldhash::fast::RandomState>>,
    links: Rc<Cell<usize>>,
    clock_ms: Rc<Cell<u64>>,
}

impl Peers {
    pub(in super::super) fn new() -> Self {
        Self {
            known: RefCell::new(HashMap::default()),
            links: Rc::new(Cell::new(0)),
            clock_ms: Rc::new(Cell::new(0)),
        }
    }

    /// What is known of this upstream. `None` where its origin can't be an `:authority`.
    pub(in super::super) fn peer(
        &self,
        by: &PeerRef<'_>,
        key: impl FnOnce() -> PeerKey,
    ) -> Option<Rc<Peer>> {
        if let Some(peer) = self.known.borrow().get(by) {
            return Some(Rc::clone(peer));
        }
        let key = key();
        let peer = Peer::new(&key.origin, &self.clock_ms, &self.links)?;
        self.known.borrow_mut().insert(key, Rc::clone(&peer));
        Some(peer)
    }

    /// Moves the clock on, looks after the links, and says how many were closed.
    pub(in super::super) fn tick(&self, now_ms: u64) -> usize {
        self.clock_ms.set(now_ms);
        let mut known = self.known.borrow_mut();
        let is_full = known.len() > PEERS_MAX;
        let (mut links, mut closed) = (0, 0);
        known.retain(|_, peer| {
            let kept = peer.tick(now_ms, IDLE_LIFE_MS);
            links += kept.links;
            closed += kept.closed;
            kept.is_busy || kept.links > 0 || (kept.is_known && !is_full)
        });
        self.links.set(links);
        closed
    }
}
