//! What a worker knows of one upstream's HTTP/2: the links to it, and who waits for a place on one.
use super::super::error::SendError;
use super::super::line::Line;
use super::super::line::Waiting;
use super::link::Link;
use super::link::STREAMS_MAX;
use super::peers;
use super::place::Place;
use crate::catalog::Places;
use crate::model::Origin;
use http::uri::Authority;
use http::uri::Scheme;
use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

/// Links to one upstream, per worker. Beyond them an exchange waits for a place.
const LINKS_MAX: usize = 8;

/// After a dial failed while other links are open, none is added for this long, in milliseconds.
const DIAL_PAUSE_MS: u64 = 1_000;

/// What an upstream speaks is believed for this long, in milliseconds; then it is asked again.
const BELIEF_MS: u64 = 600_000;

/// What the upstream was seen to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    Unknown,
    Http2,
    /// HTTP/1.1 was agreed on.
    Http1,
    /// It wants HTTP/1.1 although it speaks HTTP/2 (`HTTP_1_1_REQUIRED`, RFC 9113 §7).
    Http1Required,
}

/// How an exchange goes on.
pub(in super::super) enum Turn {
    /// It has a place on an open link.
    Place(Place),
    /// It is to open a link.
    Dial(Dialling),
    /// The upstream speaks HTTP/1.1.
    Http1 {
        /// HTTP/2 is not to be offered.
        is_required: bool,
    },
}

/// One upstream, under one set of settings.
pub(in super::super) struct Peer {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    links: RefCell<Vec<Rc<Link>>>,
    /// Links of all peers of this worker.
    links_in_all: Rc<Cell<usize>>,
    spoken: Cell<Spoken>,
    believed_until_ms: Cell<u64>,
    /// Streams that the upstream's links allow, as the last one has said.
    allowed: Cell<usize>,
    dialling: Cell<usize>,
    waiting: Line,
    /// Those of them that wait for a stream, and not for a link that is being opened.
    queued: Cell<usize>,
    failures: Cell<u64>,
    last_failure: Cell<SendError>,
    no_dial_before_ms: Cell<u64>,
    clock_ms: Rc<Cell<u64>>,
}

impl Peer {
    /// `None` where the origin can't be an `:authority`.
    pub(super) fn new(
        origin: &Origin,
        clock_ms: &Rc<Cell<u64>>,
        links_in_all: &Rc<Cell<usize>>,
    ) -> Option<Rc<Self>> {
        Some(Rc::new(Self {
            scheme: if origin.is_https() { Scheme::HTTPS } else { Scheme::HTTP },
            authority: origin.authority().parse().ok()?,
            links: RefCell::new(Vec::new()),
            links_in_all: Rc::clone(links_in_all),
            spoken: Cell::new(Spoken::Unknown),
            believed_until_ms: Cell::new(0),
            allowed: Cell::new(STREAMS_MAX),
            dialling: Cell::new(0),
            waiting: Line::default(),
            queued: Cell::new(0),
            failures: Cell::new(0),
            last_failure: Cell::new(SendError::Closed),
            no_dial_before_ms: Cell::new(0),
            clock_ms: Rc::clone(clock_ms),
        }))
    }

    /// A place, or the task of opening a link, or the word that HTTP/2 is not spoken.
    ///
    /// Waits for links that others open; the caller's own deadline ends that. Where all streams are
    /// taken and no more links may be opened, it waits for a stream as `places` say; `waits` is
    /// called when that begins.
    pub(in super::super) async fn turn(
        self: &Rc<Self>,
        places: Places,
        waits: impl Fn(),
    ) -> Result<Turn, SendError> {
        let failures = self.failures.get();
        let (mut waiting, mut queued) = (None::<Waiting<'_>>, None);
        loop {
            let is_first = waiting.as_ref().map_or(self.waiting.is_empty(), Waiting::is_first);
            if is_first && let Some(place) = self.place() {
                return Ok(Turn::Place(place));
            }
            match self.spoken.get() {
                Spoken::Http1 => return Ok(Turn::Http1 { is_required: false }),
                Spoken::Http1Required => return Ok(Turn::Http1 { is_required: true }),
                Spoken::Unknown | Spoken::Http2 => {}
            }
            let is_alone = self.links.borrow().is_empty() && self.dialling.get() == 0;
            if is_alone && self.failures.get() != failures {
                return Err(self.last_failure.get());
            }
            // Where some wait for a stream, the link that may be opened is for the first of them.
            if (is_first || self.queued.get() == 0) && self.may_dial() {
                return Ok(Turn::Dial(Dialling::begin(self)));
            }
            let others = self.waiting.len() - usize::from(waiting.is_some());
            if queued.is_none() && !self.is_coming(others) {
                if self.queued.get() >= places.queue as usize {
                    return Err(SendError::NoLink);
                }
                waits();
                queued = Some(Queued::begin(self));
            }
            let changed = waiting.get_or_insert_with(|| self.waiting.join()).called();
            match &queued {
                None => changed.await,
                Some(queued) => {
                    let left = places.wait.saturating_sub(queued.since.elapsed());
                    tokio::time::timeout(left, changed).await.map_err(|_| SendError::NoLink)?;
                }
            }
        }
    }

    /// A place on a link that has room.
    fn place(self: &Rc<Self>) -> Option<Place> {
        let links = self.links.borrow();
        links.iter().find(|it| it.has_room()).map(|it| Place::on(it, self))
    }

    /// True where one more link is due: the first one, or one for those who would wait for all that
    /// is being opened.
    fn may_dial(&self) -> bool {
        let open = self.links.borrow().iter().filter(|it| it.is_open()).count();
        match self.spoken.get() {
            Spoken::Unknown => !self.is_coming(0),
            _ if open + self.dialling.get() >= LINKS_MAX => false,
            _ if open > 0 && self.clock_ms() < self.no_dial_before_ms.get() => false,
            _ => !self.is_coming(self.waiting.len()),
        }
    }

    /// True where a link is being opened that has a stream for one more than these others: one dials
    /// or shakes hands, or the upstream has not yet said how many streams it allows.
    fn is_coming(&self, others: usize) -> bool {
        let links = self.links.borrow();
        let unsettled = links.iter().filter(|it| it.is_open() && !it.is_settled()).count();
        let coming = self.dialling.get() + unsettled;
        match self.spoken.get() {
            // What the first link brings, it brings for all.
            Spoken::Unknown => coming > 0,
            _ => coming * self.allowed.get().max(1) > others,
        }
    }

    /// Something that somebody may wait for has happened.
    pub(super) fn changed(&self) {
        self.waiting.call_first();
    }

    /// A link that was being opened has come to something: all who waited for it look again, since
    /// they may have to wait for a stream from now on.
    pub(super) fn settled(&self) {
        self.waiting.call_all();
    }

    /// A link has said how many streams it takes at the same time.
    pub(super) fn allows(&self, allowed: usize) {
        self.allowed.set(allowed);
        self.changed();
    }

    /// A link was opened: its first place is for whoever did it.
    pub(in super::super) fn opened(self: &Rc<Self>, link: &Rc<Link>) -> Place {
        self.learned(Spoken::Http2);
        let place = Place::on(link, self);
        // Beyond the bound a link serves its one exchange and ends with it.
        if self.links_in_all.get() < peers::LINKS_MAX {
            self.links_in_all.set(self.links_in_all.get() + 1);
            self.links.borrow_mut().push(Rc::clone(link));
        }
        place
    }

    /// HTTP/1.1 was agreed on, or is in use.
    pub(in super::super) fn found_http1(&self) {
        self.learned(Spoken::Http1);
        self.waiting.call_all();
    }

    /// The upstream wants HTTP/1.1: its HTTP/2 links take nothing more.
    pub(super) fn wants_http1(&self) {
        self.learned(Spoken::Http1Required);
        self.links.borrow_mut().clear();
        self.waiting.call_all();
    }

    pub(super) fn clock_ms(&self) -> u64 {
        self.clock_ms.get()
    }

    fn learned(&self, spoken: Spoken) {
        self.spoken.set(spoken);
        self.believed_until_ms.set(self.clock_ms() + BELIEF_MS);
    }

    /// Lets go of links that are over or were idle for too long; `closed` counts those that were idle.
    /// False where nothing is left to be known.
    pub(super) fn tick(&self, now_ms: u64, idle_life_ms: u64) -> Kept {
        let mut links = self.links.borrow_mut();
        let before = links.len();
        links.retain(|it| it.tick(now_ms, idle_life_ms));
        let closed = before - links.len();
        if self.believed_until_ms.get() <= now_ms && links.is_empty() {
            self.spoken.set(Spoken::Unknown);
        }
        let is_busy = self.dialling.get() + self.waiting.len() > 0;
        let is_known = is_busy || !links.is_empty() || self.spoken.get() != Spoken::Unknown;
        if closed > 0 {
            self.changed();
        }
        Kept { links: links.len(), closed, is_busy, is_known }
    }
}

/// What is left of a peer after a tick.
pub(super) struct Kept {
    pub links: usize,
    /// Links that were closed in it.
    pub closed: usize,
    /// Somebody dials or waits.
    pub is_busy: bool,
    /// There is something to be remembered.
    pub is_known: bool,
}

/// Counts as waiting for a stream while held.
struct Queued<'p> {
    peer: &'p Peer,
    since: Instant,
}

impl<'p> Queued<'p> {
    fn begin(peer: &'p Peer) -> Self {
        peer.queued.set(peer.queued.get() + 1);
        Self { peer, since: Instant::now() }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.peer.queued.set(self.peer.queued.get() - 1);
    }
}

/// The task of opening a link, which others may be waiting for. Dropped without an outcome, somebody
/// else takes it over.
pub(in super::super) struct Dialling {
    peer: Rc<Peer>,
}

impl Dialling {
    fn begin(peer: &Rc<Peer>) -> Self {
        peer.dialling.set(peer.dialling.get() + 1);
        Self { peer: Rc::clone(peer) }
    }

    /// The link is there: its first place is for whoever opened it.
    pub(in super::super) fn opened(self, link: &Rc<Link>) -> Place {
        self.peer.opened(link)
    }

    /// HTTP/1.1 was agreed on instead.
    pub(in super::super) fn found_http1(self) {
        self.peer.found_http1();
    }

    /// Whether there are links that a stream may become free on.
    pub(in super::super) fn has_others(&self) -> bool {
        self.peer.links.borrow().iter().any(|it| it.is_open())
    }

    /// No link. `None` where there are others to wait for.
    pub(in super::super) fn failed(self, error: SendError) -> Option<SendError> {
        let peer = &self.peer;
        peer.failures.set(peer.failures.get() + 1);
        peer.last_failure.set(error);
        peer.no_dial_before_ms.set(peer.clock_ms() + DIAL_PAUSE_MS);
        let has_others = self.has_others();
        let peer = Rc::clone(peer);
        drop(self);
        peer.waiting.call_all();
        (!has_others).then_some(error)
    }
}

impl Drop for Dialling {
    fn drop(&mut self) {
        self.peer.dialling.set(self.peer.dialling.get() - 1);
        self.peer.changed();
    }
}
