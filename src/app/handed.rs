//! A request's body for a router whose requests may pass from thread to thread: handed over piece by piece, when
//! it asks for one.
use crate::server::BodyError;
use crate::server::RequestBody;
use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

type Piece = Option<Result<Frame<Bytes>, BodyError>>;

/// Between the two ends: never more than one piece.
#[derive(Debug, Default)]
struct Desk {
    piece: Option<Piece>,
    /// Whoever waits for a piece, and whoever brings it.
    reader: Option<Waker>,
    bringer: Option<Waker>,
}

/// The router's end.
#[derive(Debug)]
pub(super) struct Handed {
    desk: Arc<Mutex<Desk>>,
    is_empty: bool,
}

/// The link's end.
#[derive(Debug)]
pub(super) struct Bringer {
    desk: Arc<Mutex<Desk>>,
    body: RequestBody,
}

pub(super) fn handed(body: RequestBody) -> (Handed, Bringer) {
    let desk = Arc::new(Mutex::new(Desk::default()));
    let is_empty = body.is_end_stream();
    (Handed { desk: Arc::clone(&desk), is_empty }, Bringer { desk, body })
}

fn wake(waiting: &mut Option<Waker>) {
    if let Some(waker) = waiting.take() {
        waker.wake();
    }
}

impl Bringer {
    /// Ready where a piece was brought to a reader that has asked for it.
    pub(super) fn poll_bring(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        if desk.reader.is_none() {
            desk.bringer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.body).poll_frame(cx).map(|piece| {
            desk.piece = Some(piece);
            wake(&mut desk.reader)
        })
    }
}

impl Drop for Bringer {
    fn drop(&mut self) {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        desk.piece.get_or_insert(Some(Err(BodyError)));
        wake(&mut desk.reader);
    }
}

impl Body for Handed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.is_empty {
            return Poll::Ready(None);
        }
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        match desk.piece.take() {
            Some(piece) => Poll::Ready(piece),
            None => {
                desk.reader = Some(cx.waker().clone());
                wake(&mut desk.bringer);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty
    }
}
