//! A request body that may have to be sent again: passed on as it arrives, and kept meanwhile.
mod file;
mod record;

pub use record::Bounds;
pub use record::KeptBodies;

use crate::crypto::Feed;
use crate::server;
use crate::server::RequestBody;
use crate::server::Watch;
use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use record::Record;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;
use std::time::Duration;

type Polled = Poll<Option<Result<Frame<Bytes>, server::BodyError>>>;

/// The body of an exchange that may have several attempts. One attempt reads it at a time; each begins
/// with what was kept of those before it, and goes on with what the caller still sends.
#[derive(Debug)]
pub struct Replay(RefCell<Inner>);

#[derive(Debug)]
struct Inner {
    live: RequestBody,
    watch: Rc<Watch>,
    /// Given pieces put the deadline off by this, as arriving ones do.
    idle: Duration,
    /// Its whole length, where that was announced.
    announced: Option<u64>,
    attempt: u32,
    /// Of whoever reads for the present attempt.
    reader: Option<Waker>,
    /// Body bytes that the present attempt was given.
    given: u64,
    has_given_trailers: bool,
    /// Some attempt was given something.
    is_touched: bool,
    /// What was kept, from the body's first byte; none where nothing is, or no longer.
    record: Option<Record>,
    /// Keeps no more: what is kept is forgotten once it has been given.
    is_settled: bool,
    /// Read while nobody asked, and more than could be kept.
    ahead: Option<Bytes>,
    trailers: Option<HeaderMap>,
    has_ended: bool,
    /// The caller's body broke off.
    has_failed: bool,
    /// What was kept of it can't be given again.
    is_lost: bool,
}

/// Why a body can't be had as a whole before any of it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfilled {
    /// It is longer than may be kept.
    TooLong,
    /// Others hold what there is room for.
    NoRoom,
    /// It broke off.
    Gone,
    /// What was kept of it could not be written or read.
    Lost,
}

/// Why a body did not go through what is computed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfed {
    Unfilled(Unfilled),
    /// The exchange's deadline passed meanwhile.
    Late,
}

/// How much of a body in memory is hashed without a break, in bytes: a millisecond or less.
const FEED_PIECE: usize = 1 << 20;

impl Replay {
    /// Keeps nothing: it can be sent again only as long as no attempt was given any of it.
    pub fn unkept(live: RequestBody, idle: Duration) -> Rc<Self> {
        Self::with(live, idle, None, true)
    }

    /// Keeps what is given, within the bounds.
    pub fn kept(
        live: RequestBody,
        idle: Duration,
        bodies: &Rc<KeptBodies>,
        bounds: Bounds,
    ) -> Rc<Self> {
        Self::with(live, idle, Some(Record::new(bodies, bounds)), false)
    }

    fn with(
        live: RequestBody,
        idle: Duration,
        record: Option<Record>,
        is_settled: bool,
    ) -> Rc<Self> {
        let announced = live.size_hint().exact();
        let watch = Rc::clone(live.watch());
        Rc::new(Self(RefCell::new(Inner {
            live,
            watch,
            idle,
            announced,
            attempt: 0,
            reader: None,
            given: 0,
            has_given_trailers: false,
            is_touched: false,
            record,
            is_settled,
            ahead: None,
            trailers: None,
            has_ended: false,
            has_failed: false,
            is_lost: false,
        })))
    }

    /// The body from its first byte on. Whoever had it before gets no more of it.
    pub fn attempt(self: &Rc<Self>) -> Attempt {
        self.withdraw();
        let mut inner = self.0.borrow_mut();
        inner.given = 0;
        inner.has_given_trailers = false;
        inner.watch.caller_stalls.set(false);
        if let Some(record) = &mut inner.record {
            record.rewind();
        }
        Attempt { replay: Rc::clone(self), number: inner.attempt }
    }

    /// Reads all of it before any attempt is given some. Then its length is known, whatever was announced.
    pub fn poll_filled(&self, cx: &mut Context<'_>) -> Poll<Result<(), Unfilled>> {
        self.0.borrow_mut().poll_filled(cx)
    }

    /// Puts all of it through `feeds`, after [`Replay::poll_filled`]. Whoever had it before gets no more of it.
    ///
    /// One piece at a time: others of the worker have their turn in between.
    pub async fn feed(&self, feeds: &mut [Feed], watch: &Watch) -> Result<(), Unfed> {
        self.withdraw();
        if let Some(record) = &mut self.0.borrow_mut().record {
            record.rewind();
        }
        let mut at = 0;
        loop {
            let fed = poll_fn(|cx| {
                if watch.poll_expired(cx) {
                    return Poll::Ready(Err(Unfed::Late));
                }
                let inner = &mut *self.0.borrow_mut();
                let Some(record) = &mut inner.record else {
                    return Poll::Ready(Err(Unfed::Unfilled(Unfilled::Lost)));
                };
                if let Some(all) = record.in_memory() {
                    let rest = &all[usize::try_from(at).unwrap_or(usize::MAX).min(all.len())..];
                    let piece = &rest[..rest.len().min(FEED_PIECE)];
                    feeds.iter_mut().for_each(|it| it.update(piece));
                    return Poll::Ready(Ok((piece.len() as u64, rest.len() > piece.len())));
                }
                if at >= record.len() {
                    return Poll::Ready(Ok((0, false)));
                }
                let Some(piece) = ready!(record.poll_piece(at, cx)) else {
                    return Poll::Ready(Err(Unfed::Unfilled(Unfilled::Lost)));
                };
                inner.watch.put_off(inner.idle);
                feeds.iter_mut().for_each(|it| it.update(&piece));
                Poll::Ready(Ok((piece.len() as u64, true)))
            });
            let (length, has_more) = fed.await?;
            if !has_more {
                return Ok(());
            }
            at += length;
            tokio::task::yield_now().await;
        }
    }

    /// All of it, where it has been read and is in memory.
    pub fn whole(&self) -> Option<Bytes> {
        let inner = self.0.borrow();
        inner.record.as_ref()?.in_memory().map(Bytes::copy_from_slice)
    }

    /// So much of it has come and is kept, in bytes.
    pub fn kept_len(&self) -> u64 {
        self.0.borrow().record.as_ref().map_or(0, Record::len)
    }

    /// In bytes, where it is known.
    pub fn length(&self) -> Option<u64> {
        self.0.borrow().announced
    }

    /// The present attempt gets no more of it: its link (or stream) ends, where it is not through.
    pub fn withdraw(&self) {
        let mut inner = self.0.borrow_mut();
        inner.attempt += 1;
        let reader = inner.reader.take();
        drop(inner);
        reader.into_iter().for_each(Waker::wake);
    }

    /// Whether one more attempt would get all of it: ready once what is kept has been written.
    pub fn poll_can_be_given_again(&self, cx: &mut Context<'_>) -> Poll<bool> {
        let inner = &mut *self.0.borrow_mut();
        if let Some(record) = &mut inner.record
            && !ready!(record.poll_written(cx))
        {
            inner.record = None;
            inner.is_lost = !inner.is_touched;
        }
        let is_kept = inner.record.is_some() && !inner.is_settled;
        Poll::Ready(!inner.has_failed && !inner.is_lost && (is_kept || !inner.is_touched))
    }

    /// There will be no attempt after the one that is given any of it: only what arrives before that is
    /// kept.
    pub fn settle(&self) {
        self.0.borrow_mut().is_settled = true;
    }

    /// True where what was kept could not be given again: no further attempt can be whole.
    pub fn is_lost(&self) -> bool {
        self.0.borrow().is_lost
    }

    /// Reads on while no attempt does, so that a caller that hangs up is noticed: ready once it has, or
    /// once what was kept is lost.
    pub fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.borrow_mut().poll_gone(cx)
    }
}

impl Inner {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Polled {
        if self.is_lost {
            return Poll::Ready(Some(Err(server::BodyError)));
        }
        if let Some(record) = &mut self.record
            && self.given < record.len()
        {
            let Some(piece) = ready!(record.poll_piece(self.given, cx)) else {
                (self.record, self.is_lost) = (None, true);
                return Poll::Ready(Some(Err(server::BodyError)));
            };
            self.watch.put_off(self.idle);
            return self.give(piece);
        }
        if self.is_settled {
            self.record = None;
        }
        if let Some(bytes) = self.ahead.take() {
            return self.keep_and_give(bytes);
        }
        if self.has_ended {
            let is_due = !std::mem::replace(&mut self.has_given_trailers, true);
            let trailers = self.trailers.clone().filter(|_| is_due);
            return Poll::Ready(trailers.map(|it| Ok(Frame::trailers(it))));
        }
        if let Some(record) = &mut self.record
            && !ready!(record.poll_ready(cx))
        {
            self.record = None;
        }
        match ready!(Pin::new(&mut self.live).poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) => self.keep_and_give(bytes),
                Err(frame) => {
                    self.has_ended = true;
                    self.trailers = frame.into_trailers().ok();
                    self.poll_frame(cx)
                }
            },
            Some(Err(error)) => {
                self.has_failed = true;
                Poll::Ready(Some(Err(error)))
            }
            None => {
                self.has_ended = true;
                Poll::Ready(None)
            }
        }
    }

    fn keep_and_give(&mut self, bytes: Bytes) -> Polled {
        self.record.take_if(|it| !it.keep(&bytes));
        self.give(bytes)
    }

    fn give(&mut self, bytes: Bytes) -> Polled {
        self.is_touched = true;
        self.given += bytes.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn poll_filled(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unfilled>> {
        let Some(record) = &mut self.record else { return Poll::Ready(Err(Unfilled::Lost)) };
        if self.ahead.is_some() {
            // A part of it came while nobody asked, and was more than could be kept.
            return Poll::Ready(Err(Unfilled::TooLong));
        }
        if self.announced.is_some_and(|it| it > record.length_max()) {
            return Poll::Ready(Err(Unfilled::TooLong));
        }
        while !self.has_ended {
            if !ready!(record.poll_ready(cx)) {
                return Poll::Ready(Err(Unfilled::Lost));
            }
            let Some(frame) = ready!(Pin::new(&mut self.live).poll_frame(cx)) else {
                self.has_ended = true;
                break;
            };
            let Ok(frame) = frame else {
                self.has_failed = true;
                return Poll::Ready(Err(Unfilled::Gone));
            };
            match frame.into_data() {
                Ok(bytes) if record.keep(&bytes) => {}
                Ok(bytes) => {
                    let length = record.len() + bytes.len() as u64;
                    let is_long = length > record.length_max();
                    let why = if is_long { Unfilled::TooLong } else { Unfilled::NoRoom };
                    return Poll::Ready(Err(why));
                }
                Err(frame) => {
                    self.has_ended = true;
                    self.trailers = frame.into_trailers().ok();
                }
            }
        }
        if !ready!(record.poll_written(cx)) {
            return Poll::Ready(Err(Unfilled::Lost));
        }
        if self.trailers.is_none() {
            self.announced = Some(record.len());
        }
        Poll::Ready(Ok(()))
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(record) = &mut self.record
            && self.ahead.is_none()
            && !self.has_ended
            && !self.has_failed
        {
            if !ready!(record.poll_ready(cx)) {
                (self.record, self.is_lost) = (None, true);
                break;
            }
            match ready!(Pin::new(&mut self.live).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.ahead = Some(bytes).filter(|it| !record.keep(it)),
                    Err(frame) => {
                        self.has_ended = true;
                        self.trailers = frame.into_trailers().ok();
                    }
                },
                Some(Err(_)) => self.has_failed = true,
                None => self.has_ended = true,
            }
        }
        if self.has_failed || self.is_lost { Poll::Ready(()) } else { Poll::Pending }
    }

    fn is_end_stream(&self) -> bool {
        let has_more = self.record.as_ref().is_some_and(|it| self.given < it.len());
        let has_trailers = self.trailers.is_some() && !self.has_given_trailers;
        let is_over = self.has_ended || self.live.is_end_stream();
        is_over && !has_more && !has_trailers && self.ahead.is_none()
    }
}

/// One attempt's reading of the body.
#[derive(Debug)]
pub struct Attempt {
    replay: Rc<Replay>,
    number: u32,
}

impl Body for Attempt {
    type Data = Bytes;
    type Error = server::BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let mut inner = self.replay.0.borrow_mut();
        if inner.attempt != self.number {
            return Poll::Ready(Some(Err(server::BodyError)));
        }
        if !inner.reader.as_ref().is_some_and(|it| it.will_wake(cx.waker())) {
            inner.reader = Some(cx.waker().clone());
        }
        inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        let inner = self.replay.0.borrow();
        inner.attempt == self.number && inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.replay.0.borrow();
        // As announced, so that it is framed alike each time, with trailers or without.
        inner.announced.map_or_else(SizeHint::default, |it| {
            SizeHint::with_exact(it.saturating_sub(inner.given))
        })
    }
}
