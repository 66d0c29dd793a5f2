//! A place on an HTTP/2 link: what an exchange holds from its first byte to its last.
use super::link::Link;
use super::peer::Peer;
use std::rc::Rc;

/// One stream's place, given back on drop.
pub(in super::super) struct Place {
    link: Rc<Link>,
    peer: Rc<Peer>,
}

impl Place {
    pub(super) fn on(link: &Rc<Link>, peer: &Rc<Peer>) -> Self {
        link.stream_begins(peer.clock_ms());
        Self { link: Rc::clone(link), peer: Rc::clone(peer) }
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.link.stream_ended();
        self.peer.changed();
    }
}
