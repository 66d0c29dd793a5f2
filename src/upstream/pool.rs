//! Links that wait for their next exchange, by destination.
use super::http1::Http1;
use super::link::RequestBody;
use crate::model::Origin;
use hashbrown::Equivalent;
use hashbrown::HashMap;
use std::cell::Cell;
use std::cell::RefCell;
use std::sync::Arc;

/// Idle links kept for one destination, per worker.
const IDLE_PER_PEER_MAX: usize = 256;

/// Idle links kept in all, per worker: each costs a file descriptor and a few KiB.
const IDLE_MAX: usize = 4096;

/// An idle link is used no longer than this, in milliseconds: below the idle limits of common
/// upstreams, and short enough that a name which moved inward is judged again soon.
const IDLE_LIFE_MS: u64 = 50_000;

/// Where `Keep-Alive: timeout=` is given, we stop this much sooner, in milliseconds.
const KEEP_ALIVE_MARGIN_MS: u64 = 1_000;

/// What happened in the pool, for its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolEvent {
    Dialled,
    Reused,
    /// A pooled link turned out to be dead when it was to be used.
    Stale,
    /// An upstream left an HTTP/2 link, or refused a stream, before it looked at a request.
    Declined,
    /// An idle link was closed: too old, or ended by the upstream.
    Retired,
    /// A link could not be opened.
    Failed,
    /// A request has to wait for a link, or for a stream on one.
    Awaited,
}

/// What makes links interchangeable: the origin, and all settings that a link carries in itself
/// (protocol, trusted roots, the egress allowance it was judged by, the certificate it was opened with).
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PeerKey {
    pub identity: u64,
    pub origin: Arc<Origin>,
}

/// The same, borrowed, for look-ups.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct PeerRef<'a> {
    pub identity: u64,
    pub origin: &'a Origin,
}

impl Equivalent<PeerKey> for PeerRef<'_> {
    fn equivalent(&self, key: &PeerKey) -> bool {
        self.identity == key.identity && *self.origin == *key.origin
    }
}

struct Idle<B: RequestBody> {
    link: Box<Http1<B>>,
    until_ms: u64,
    /// True once a tick found it still open.
    has_aged: bool,
}

struct Peer<B: RequestBody> {
    /// Last in, first out: the freshest link is the likeliest to live.
    idle: Vec<Idle<B>>,
    /// True once the upstream was seen to keep an idle link open. Until then only what may be sent
    /// twice goes on a pooled link: an upstream that closes right after each answer costs nobody a
    /// POST.
    is_proven: bool,
}

impl<B: RequestBody> Default for Peer<B> {
    fn default() -> Self {
        Self { idle: Vec::new(), is_proven: false }
    }
}

/// The idle links of one worker.
pub(super) struct Pool<B: RequestBody> {
    peers: RefCell<HashMap<PeerKey, Peer<B>, foldhash::fast::RandomState>>,
    idle: Cell<usize>,
    clock_ms: Cell<u64>,
    retired: Cell<u64>,
}

impl<B: RequestBody> Pool<B> {
    pub(super) fn new() -> Self {
        Self {
            peers: RefCell::new(HashMap::default()),
            idle: Cell::new(0),
            clock_ms: Cell::new(0),
            retired: Cell::new(0),
        }
    }

    /// A link for one exchange. `may_repeat` says that the request does no harm if sent twice.
    pub(super) fn take(&self, peer: &PeerRef<'_>, may_repeat: bool) -> Option<Box<Http1<B>>> {
        let mut peers = self.peers.borrow_mut();
        let peer = peers.get_mut(peer)?;
        let now = self.clock_ms.get();
        if !may_repeat && !peer.is_proven {
            return None;
        }
        while let Some(found) = peer.idle.pop() {
            self.idle.set(self.idle.get() - 1);
            if found.until_ms > now {
                return Some(found.link);
            }
            self.retired.set(self.retired.get() + 1);
        }
        None
    }

    /// Puts a link back. `keep_alive_s` is what the upstream said of how long it will wait.
    pub(super) fn put(&self, key: &PeerKey, link: Box<Http1<B>>, keep_alive_s: Option<u64>) {
        let hint_ms = keep_alive_s.map_or(IDLE_LIFE_MS, |it| {
            it.saturating_mul(1000).saturating_sub(KEEP_ALIVE_MARGIN_MS)
        });
        let life_ms = hint_ms.min(IDLE_LIFE_MS);
        if life_ms == 0 || self.idle.get() >= IDLE_MAX {
            return;
        }
        let mut peers = self.peers.borrow_mut();
        let by = PeerRef { identity: key.identity, origin: &key.origin };
        let peer = match peers.get_mut(&by) {
            Some(peer) => peer,
            None => peers.entry(key.clone()).or_default(),
        };
        if peer.idle.len() < IDLE_PER_PEER_MAX {
            let until_ms = self.clock_ms.get() + life_ms;
            peer.idle.push(Idle { link, until_ms, has_aged: false });
            self.idle.set(self.idle.get() + 1);
        }
    }

    /// Closes the link that has been idle for longest, to make room for one that is needed.
    pub(super) fn close_idle(&self, peer: &PeerRef<'_>) {
        let mut peers = self.peers.borrow_mut();
        let Some(peer) = peers.get_mut(peer).filter(|it| !it.idle.is_empty()) else { return };
        let closed = peer.idle.remove(0);
        self.idle.set(self.idle.get() - 1);
        self.retired.set(self.retired.get() + 1);
        // Closing tells those who wait.
        drop(peers);
        drop(closed);
    }

    /// A pooled link was dead when used: this upstream does not keep links as long as we thought.
    pub(super) fn was_stale(&self, peer: &PeerRef<'_>) {
        if let Some(peer) = self.peers.borrow_mut().get_mut(peer) {
            peer.is_proven = false;
        }
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.get()
    }

    /// Links closed while idle since the last call.
    pub(super) fn take_retired(&self) -> u64 {
        self.retired.take()
    }

    /// Moves the clock on, closes what is too old or was ended by the upstream, forgets empty peers.
    pub(super) fn tick(&self, now_ms: u64) {
        self.clock_ms.set(now_ms);
        let mut peers = self.peers.borrow_mut();
        peers.retain(|_, peer| {
            let before = peer.idle.len();
            let mut survived = false;
            peer.idle.retain_mut(|idle| {
                let keep = idle.until_ms > now_ms && idle.link.is_silent();
                survived |= keep && idle.has_aged;
                idle.has_aged = true;
                keep
            });
            peer.is_proven |= survived;
            let gone = before - peer.idle.len();
            self.idle.set(self.idle.get() - gone);
            self.retired.set(self.retired.get() + gone as u64);
            !peer.idle.is_empty() || peer.is_proven
        });
        // Proof is kept while there is room for it; it is only a shortcut.
        if peers.len() > IDLE_MAX {
            peers.retain(|_, peer| !peer.idle.is_empty());
        }
    }
}
