//! Links spread over the workers: whoever accepts one keeps it, or hands it to the worker with the fewest.
//!
//! The kernel spreads links over the workers' sockets by a hash of their addresses (SO_REUSEPORT). Many
//! links come out even; of sixteen one worker of two may well get eleven, and each of them two thirds
//! of the service that the others get. So links are counted, and a worker that accepts one although
//! another has fewer passes it on: once in a link's life, nothing per request. An idle link counts
//! like a busy one, as nobody can know what it will ask; and a link stays where it is once served.
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::mpsc;

/// Links that wait for a worker that they were handed to. It takes them whenever it gets to run;
/// beyond the bound whoever accepted one keeps it.
const INBOX_MAX: usize = 1024;

/// A worker keeps a link while it has no more than the one with the fewest and this part of them on
/// top: few links come out even to within one, and many are not passed on for a difference nobody feels.
const SLACK: usize = 32;

/// One worker's part in a listener.
#[derive(Debug)]
pub struct Share {
    pub(super) socket: TcpListener,
    pub(super) desk: Desk,
    pub(super) inbox: mpsc::Receiver<Handed>,
}

/// Where a worker counts its links and sees everybody's.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    seats: Arc<[Seat]>,
    own: usize,
}

#[derive(Debug)]
struct Seat {
    links: AtomicUsize,
    inbox: mpsc::Sender<Handed>,
}

/// A link on its way to the worker that is to serve it.
#[derive(Debug)]
pub(super) struct Handed {
    pub stream: TcpStream,
    pub peer: SocketAddr,
    pub place: Place,
}

/// A link's place with one worker, from the accept to its end.
#[derive(Debug)]
pub(super) struct Place {
    seats: Arc<[Seat]>,
    at: usize,
}

/// One share for each of these sockets, which listen on the same address.
pub(super) fn shares(sockets: Vec<TcpListener>) -> Vec<Share> {
    let (seats, inboxes): (Vec<_>, Vec<_>) = sockets
        .iter()
        .map(|_| {
            let (inbox, receiver) = mpsc::channel(INBOX_MAX);
            (Seat { links: AtomicUsize::new(0), inbox }, receiver)
        })
        .unzip();
    let seats: Arc<[Seat]> = seats.into();
    let desks = (0..seats.len()).map(|own| Desk { seats: Arc::clone(&seats), own });
    let parts = sockets.into_iter().zip(desks).zip(inboxes);
    parts.map(|((socket, desk), inbox)| Share { socket, desk, inbox }).collect()
}

impl Desk {
    /// True where every worker has as many links as it may.
    pub(super) fn is_full(&self, links_max: usize) -> bool {
        self.seats.iter().all(|it| it.links.load(Relaxed) >= links_max)
    }

    /// A place for a link that was just accepted: with this worker, or with the one that has the
    /// fewest where that is clearly fewer.
    pub(super) fn place(&self, links_max: usize) -> Place {
        loop {
            let own = self.seats[self.own].links.load(Relaxed);
            let (mut at, mut links) = (self.own, own);
            for (index, seat) in self.seats.iter().enumerate() {
                let theirs = seat.links.load(Relaxed);
                if theirs < links {
                    (at, links) = (index, theirs);
                }
            }
            if own < links_max && own <= links + links / SLACK {
                (at, links) = (self.own, own);
            }
            // Taken only from the number that was compared: two workers that accept at the same
            // moment would else both see the same gap.
            let seat = &self.seats[at].links;
            if seat.compare_exchange(links, links + 1, Relaxed, Relaxed).is_ok() {
                return Place { seats: Arc::clone(&self.seats), at };
            }
        }
    }

    /// A place with this worker, whatever the others have.
    pub(super) fn own_place(&self) -> Place {
        self.seats[self.own].links.fetch_add(1, Relaxed);
        Place { seats: Arc::clone(&self.seats), at: self.own }
    }

    pub(super) fn is_own(&self, place: &Place) -> bool {
        place.at == self.own
    }

    /// Passes a link to the worker that has its place. It comes back where that one takes no more:
    /// it is draining, or behind.
    pub(super) fn hand_over(&self, link: Handed) -> Result<(), Handed> {
        let seat = &self.seats[link.place.at];
        seat.inbox.try_send(link).map_err(|it| match it {
            mpsc::error::TrySendError::Full(link) | mpsc::error::TrySendError::Closed(link) => link,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.seats[self.at].links.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desks(workers: usize) -> (Vec<Desk>, Vec<mpsc::Receiver<Handed>>) {
        let any = || TcpListener::bind("127.0.0.1:0").unwrap();
        let shares = shares((0..workers).map(|_| any()).collect());
        shares.into_iter().map(|it| (it.desk, it.inbox)).unzip()
    }

    fn links(desk: &Desk) -> Vec<usize> {
        desk.seats.iter().map(|it| it.links.load(Relaxed)).collect()
    }

    #[test]
    fn links_come_out_even_whoever_accepts_them() {
        let (desks, _inboxes) = desks(3);
        let placed: Vec<Place> = std::thread::scope(|scope| {
            let accepting = |desk: &Desk, count| {
                let desk = desk.clone();
                scope.spawn(move || (0..count).map(|_| desk.place(999)).collect::<Vec<_>>())
            };
            let threads =
                [accepting(&desks[0], 50), accepting(&desks[1], 9), accepting(&desks[1], 1)];
            threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
        });
        assert_eq!(links(&desks[2]), [20, 20, 20]);
        drop(placed);
        assert_eq!(links(&desks[2]), [0, 0, 0]);
    }

    #[test]
    fn a_link_goes_where_others_have_ended() {
        let (desks, _inboxes) = desks(2);
        let mut placed: Vec<Place> = (0..16).map(|_| desks[0].place(999)).collect();
        placed.retain(|it| it.at == 0);
        assert_eq!(links(&desks[0]), [8, 0]);
        placed.extend((0..8).map(|_| desks[0].place(999)));
        assert_eq!(links(&desks[0]), [8, 8]);
    }

    #[test]
    fn many_links_are_not_passed_on_for_a_small_difference() {
        let (desks, _inboxes) = desks(2);
        let mut placed: Vec<Place> = (0..640).map(|it| desks[it % 2].place(9999)).collect();
        placed.extend((0..10).map(|_| desks[0].place(9999)));
        assert_eq!(links(&desks[0]), [330, 320]);
        placed.extend((0..10).map(|_| desks[0].place(9999)));
        assert_eq!(links(&desks[0]), [335, 325], "by one part in 32 at the most");
    }

    #[test]
    fn the_bound_holds_for_all_workers_together() {
        let (desks, _inboxes) = desks(2);
        let placed: Vec<Place> = (0..2).map(|_| desks[0].place(1)).collect();
        assert_eq!(links(&desks[0]), [1, 1]);
        assert!(desks[0].is_full(1) && desks[1].is_full(1));
        drop(placed);
        assert!(!desks[1].is_full(1));
    }

    #[test]
    fn a_link_for_a_worker_that_takes_no_more_comes_back() {
        let (desks, mut inboxes) = desks(2);
        let _first = desks[0].place(9);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = listener.local_addr().unwrap();
        #[expect(clippy::disallowed_methods, reason = "any open socket will do")]
        let stream = || TcpStream::connect(peer).unwrap();
        let place = desks[0].place(9);
        assert!(desks[0].hand_over(Handed { stream: stream(), peer, place }).is_ok());
        inboxes[1].close();
        assert!(inboxes[1].try_recv().is_ok(), "what was on its way arrives");
        let place = desks[0].place(9);
        assert!(desks[0].hand_over(Handed { stream: stream(), peer, place }).is_err());
    }
}
