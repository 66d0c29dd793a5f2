//! An HTTP/1.1 link from a caller: one exchange after another, its bytes read and written here.
//!
//! All of it runs in the link's own task: the handler, the request body that it reads and the answer
//! that it gives are polled where they are made. Source: RFC 9112; what two readers could take
//! differently is refused, not mended.
mod answer;
mod duplex;
mod sending;
mod stage;

use super::link::Handler;
use super::link::Link;
use super::link::Opening;
use super::socket::Socket;
use super::state::LinkState;
use super::state::Phase;
use super::tunnel;
use super::watch::OnExpiry;
use crate::telemetry::metrics::LinkRefusal;
use duplex::Duplex;
use duplex::Leaving;
use stage::Stage;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

pub(super) use duplex::Arriving;

/// How long a caller that still sends may take to see its last answer before the link ends.
const LINGER: Duration = Duration::from_secs(2);

/// Why a link is not served on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Idle for a while, nothing unsent: its memory can be given back.
    Rest,
    /// A tunnel begins (RFC 9110 §7.8).
    Upgraded,
    /// The last answer has been sent, or the caller has asked for nothing more.
    Served,
    Cut,
}

impl<H: Handler> Opening<H> {
    pub(super) async fn serve_http1(&self, socket: Socket, state: Rc<LinkState>, is_tls: bool) {
        let duplex = Rc::new(RefCell::new(Duplex::new(socket)));
        let watch = Rc::clone(&state.watch);
        let link = Link { watch, peer: self.peer, is_tls, state: Some(Rc::clone(&state)) };
        loop {
            let stage = Stage { opening: self, duplex: &duplex, state: &state, link: &link };
            // Apart, so that a link at rest does not keep room for an exchange.
            match self.watched(Box::pin(stage.serve()), &state).await {
                End::Rest => {
                    duplex.borrow_mut().rest();
                    if !self.rest(&duplex, &state).await {
                        return;
                    }
                }
                End::Served => return self.leave(&duplex, &state).await,
                End::Upgraded => return Box::pin(upgrade(duplex, &state)).await,
                End::Cut => {
                    if state.open_ended.get() {
                        duplex.borrow().reset();
                    }
                    return;
                }
            }
        }
    }

    /// Serves until the link has ended, is to end, or may rest.
    async fn watched(
        &self,
        mut serving: Pin<Box<impl Future<Output = End>>>,
        state: &LinkState,
    ) -> End {
        poll_fn(|cx| {
            let expired = state.watch.poll_expired(cx);
            if expired && state.begins_to_rest() {
                if !state.unsent.get() {
                    return Poll::Ready(End::Rest);
                }
            } else if expired && (state.phase.get() != Phase::Exchange || state.watch.is_cut()) {
                match state.phase.get() {
                    Phase::Idle | Phase::Resting => self.handler.link_refused(LinkRefusal::Idle),
                    Phase::Head => self.handler.link_refused(LinkRefusal::HeadTimeout),
                    // Its own code has counted it.
                    Phase::Exchange => {}
                }
                return Poll::Ready(End::Cut);
            }
            serving.as_mut().poll(cx)
        })
        .await
    }

    /// Waits for the next bytes on an idle link. False where none are to be waited for any more.
    async fn rest(&self, duplex: &RefCell<Duplex>, state: &LinkState) -> bool {
        poll_fn(|cx| {
            let expired = state.watch.poll_expired(cx);
            // What has arrived is served before the link ends.
            match duplex.borrow().poll_readable(cx) {
                Poll::Ready(()) => Poll::Ready(true),
                Poll::Pending if self.worker.is_draining() => Poll::Ready(false),
                Poll::Pending if expired => {
                    self.handler.link_refused(LinkRefusal::Idle);
                    Poll::Ready(false)
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Ends a link behind its last answer.
    async fn leave(&self, duplex: &RefCell<Duplex>, state: &LinkState) {
        state.exchange_begins();
        state.watch.arm(LINGER, OnExpiry::Cut);
        let mut leaving = Leaving::default();
        poll_fn(|cx| {
            let expired = state.watch.poll_expired(cx);
            if expired { Poll::Ready(()) } else { duplex.borrow_mut().poll_leave(&mut leaving, cx) }
        })
        .await;
    }
}

/// After a 101 both sides' bytes pass as they are.
async fn upgrade(duplex: Rc<RefCell<Duplex>>, state: &LinkState) {
    let tunnel = state.tunnel.take();
    // A body that is still held somewhere would have kept the request from being whole.
    let (Some(tunnel), Some(duplex)) = (tunnel, Rc::into_inner(duplex)) else { return };
    let (socket, read_ahead) = duplex.into_inner().into_parts();
    // From here on the tunnel alone sets the deadline.
    state.exchange_begins();
    let _ = tunnel::run(tunnel, socket, read_ahead, &state.watch).await;
}

#[cfg(test)]
mod tests;
