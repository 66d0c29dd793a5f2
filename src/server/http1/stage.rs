//! The exchanges of a link, one after another: a head, the handler, its answer.
use super::End;
use super::answer;
use super::answer::Extent;
use super::duplex::Arriving;
use super::duplex::Duplex;
use super::duplex::HEAD_READ;
use super::sending::Sending;
use crate::server::link::Handler;
use crate::server::link::Link;
use crate::server::link::Opening;
use crate::server::request::RequestBody;
use crate::server::state::LinkState;
use crate::server::state::Phase;
use crate::telemetry::metrics::LinkRefusal;
use crate::wire::Asked;
use crate::wire::Fault;
use crate::wire::Framing;
use crate::wire::Head;
use crate::wire::parse_request;
use crate::wire::skip_empty_lines;
use http::Request;
use http::Response;
use http::StatusCode;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;

/// Where they happen.
pub(super) struct Stage<'s, H> {
    pub opening: &'s Opening<H>,
    pub duplex: &'s Rc<RefCell<Duplex>>,
    pub state: &'s LinkState,
    pub link: &'s Link,
}

/// Why there is no further request.
enum NoHead {
    /// The caller has ended the link, or is to ask elsewhere.
    Over,
    Odd(Fault),
}

impl<H: Handler> Stage<'_, H> {
    /// Serves until the link is to end. Dropped in the middle, it has cut the exchange.
    pub(super) async fn serve(self) -> End {
        loop {
            let head = match self.head().await {
                Ok(head) => head,
                Err(NoHead::Over) => return End::Served,
                Err(NoHead::Odd(fault)) => return self.refuse(fault).await,
            };
            let asked = head.asked;
            let request = self.begin(head);
            let answer = {
                // Made and polled in this place: it is the exchange's whole state, and is not moved.
                let handler = Rc::clone(&self.opening.handler);
                let mut answering = pin!(handler.handle(request, self.link.clone()));
                poll_fn(|cx| match answering.as_mut().poll(cx) {
                    Poll::Ready(answer) => Poll::Ready(answer.ok()),
                    Poll::Pending => self.poll_gone(cx).map(|()| None),
                })
                .await
            };
            let Some(answer) = answer else { return End::Cut };
            let (mut sending, is_last) = self.answered(answer, asked);
            let is_sent = poll_fn(|cx| self.poll_sent(&mut sending, cx)).await;
            drop(sending);
            if !is_sent {
                return End::Cut;
            }
            if self.state.tunnel.borrow().is_some() {
                return End::Upgraded;
            }
            if is_last || self.opening.worker.is_draining() || !self.duplex.borrow_mut().is_read() {
                return End::Served;
            }
        }
    }

    /// The next request's head.
    async fn head(&self) -> Result<Head, NoHead> {
        let max = self.opening.limits.max_head;
        // What lies here already is parsed, and what comes first; more of it, once there is the end of
        // another line in it.
        let mut has_line = true;
        poll_fn(|cx| {
            let duplex = &mut *self.duplex.borrow_mut();
            loop {
                if has_line {
                    skip_empty_lines(&mut duplex.inbox);
                }
                if !duplex.inbox.is_empty() {
                    self.state.bytes_arrived();
                    if has_line || duplex.inbox.len() > max {
                        let parsed = parse_request(&mut duplex.inbox, max).map_err(NoHead::Odd);
                        if let Some(head) = parsed.transpose() {
                            return Poll::Ready(head);
                        }
                        has_line = false;
                    }
                }
                let before = duplex.inbox.len();
                match duplex.poll_fill(HEAD_READ, cx) {
                    Poll::Ready(Ok(1..)) => {
                        has_line = before == 0 || duplex.inbox[before..].contains(&b'\n');
                    }
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(NoHead::Over)),
                    // What has arrived is served before the link is told to end.
                    Poll::Pending if self.opening.worker.is_draining() => {
                        return Poll::Ready(Err(NoHead::Over));
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    fn begin(&self, head: Head) -> Request<RequestBody> {
        self.state.exchange_begins();
        self.duplex.borrow_mut().begin(head.body, head.expects_continue);
        let arriving = Arriving::begun(self.duplex);
        let watch = Rc::clone(&self.state.watch);
        head.request.map(|()| RequestBody::http1(arriving, watch))
    }

    /// Ready where the caller has hung up while the handler works.
    fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut duplex = self.duplex.borrow_mut();
        match duplex.poll_flush(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            Poll::Ready(Ok(())) | Poll::Pending => duplex.poll_hang_up(cx),
        }
    }

    /// Writes the answer's head. What is still to be sent, and whether it is the link's last.
    fn answered(&self, answer: Response<H::Body>, asked: Asked) -> (Sending<H::Body>, bool) {
        let (head, body) = answer.into_parts();
        let extent = Extent::of(&body);
        let following = {
            let duplex = &mut *self.duplex.borrow_mut();
            let may_go_on = duplex.answered(extent.is_over);
            let keeps = may_go_on && asked.keeps && !self.opening.worker.is_draining();
            let asked = Asked { keeps, ..asked };
            let date = self.opening.worker.date();
            answer::write_head(duplex.outbox.gather(), &head, extent, asked, date)
        };
        self.state.open_ended.set(following.framing == Some(Framing::UntilClose));
        (Sending::new(body, following.framing, asked.takes_trailers), following.is_last)
    }

    /// Sends the answer's body; true once all of it has been sent, false where it can't be.
    fn poll_sent(&self, sending: &mut Sending<H::Body>, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            let filled = sending.poll_fill(self.duplex, cx);
            if let Poll::Ready(Err(_)) = filled {
                return Poll::Ready(false);
            }
            if sending.is_over() && self.state.phase.get() == Phase::Exchange {
                self.state.exchange_ended();
            }
            let mut duplex = self.duplex.borrow_mut();
            let flushed = duplex.poll_flush(cx);
            self.state.unsent.set(flushed.is_pending());
            match flushed {
                Poll::Ready(Err(_)) => return Poll::Ready(false),
                Poll::Ready(Ok(())) if sending.is_over() => {
                    self.state.open_ended.set(false);
                    return Poll::Ready(true);
                }
                // There is room again.
                Poll::Ready(Ok(())) if filled.is_ready() => {}
                Poll::Ready(Ok(())) | Poll::Pending => {
                    return duplex.poll_hang_up(cx).map(|()| false);
                }
            }
        }
    }

    /// Says what is wrong with what should have been a request.
    async fn refuse(&self, fault: Fault) -> End {
        let (why, status) = match fault {
            Fault::Malformed => (LinkRefusal::Malformed, StatusCode::BAD_REQUEST),
            Fault::TooLarge => {
                (LinkRefusal::HeadTooLarge, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
            }
        };
        self.opening.handler.link_refused(why);
        let date = self.opening.worker.date();
        self.duplex.borrow_mut().give_up();
        answer::write_refusal(self.duplex.borrow_mut().outbox.gather(), status, date);
        let told = poll_fn(|cx| self.duplex.borrow_mut().poll_flush(cx)).await;
        if told.is_ok() { End::Served } else { End::Cut }
    }
}
