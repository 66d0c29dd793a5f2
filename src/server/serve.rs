//! Accepting: links that come to a worker's own socket or from another worker, up to the listener's bound.
use super::link::Handler;
use super::link::LinkLimits;
use super::link::Opening;
use super::spread::Desk;
use super::spread::Handed;
use super::spread::Place;
use super::spread::Share;
use super::tls::Certificate;
use super::watch::Watch;
use super::worker::TICK;
use super::worker::Worker;
use crate::telemetry::metrics::LinkRefusal;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::coop::has_budget_remaining;
use tokio_rustls::TlsAcceptor;

/// Accepts and serves until the worker drains; links that are open then finish on their own tasks.
pub async fn serve<H: Handler>(
    worker: Rc<Worker>,
    share: Share,
    certificate: Option<Arc<Certificate>>,
    limits: LinkLimits,
    handler: Rc<H>,
) {
    let Ok(listener) = TcpListener::from_std(share.socket) else {
        handler.link_refused(LinkRefusal::Exhausted);
        return;
    };
    let acceptor = certificate.map(|it| TlsAcceptor::from(it.server_config()));
    let door = Door { worker, handler, limits, acceptor, desk: share.desk };
    tokio::join!(door.accept(listener), door.take_over(share.inbox));
}

/// Where links come in to one worker.
struct Door<H> {
    worker: Rc<Worker>,
    handler: Rc<H>,
    limits: LinkLimits,
    acceptor: Option<TlsAcceptor>,
    /// Of this listener alone: a flood on one must not close another.
    desk: Desk,
}

/// What a worker's own socket has for it.
enum Next {
    Accepted(std::io::Result<(TcpStream, SocketAddr)>),
    /// There are as many links as there may be.
    Pause,
    End,
}

impl<H: Handler> Door<H> {
    /// Takes what the kernel has accepted on this worker's own socket.
    async fn accept(&self, listener: TcpListener) {
        let stop = Watch::new(&self.worker);
        loop {
            let next = poll_fn(|cx| {
                let _ = stop.poll_expired(cx);
                // Others may have taken the last places since this one began to wait.
                if self.must_pause() {
                    return Poll::Ready(Next::Pause);
                }
                // Links that the kernel has accepted already are served: requests may be on them.
                match listener.poll_accept(cx) {
                    Poll::Ready(accepted) => Poll::Ready(Next::Accepted(accepted)),
                    // Out of budget it is pending too, whatever waits there.
                    Poll::Pending if self.worker.is_draining() && has_budget_remaining() => {
                        Poll::Ready(Next::End)
                    }
                    Poll::Pending => Poll::Pending,
                }
            });
            match next.await {
                Next::End => return,
                Next::Pause => {
                    self.handler.link_refused(LinkRefusal::TooMany);
                    while self.must_pause() {
                        tokio::time::sleep(TICK).await;
                    }
                }
                Next::Accepted(Ok((stream, peer))) => self.keep_or_hand_over(stream, peer),
                // A link that was gone before we took it says nothing of the next.
                Next::Accepted(Err(error))
                    if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
                Next::Accepted(Err(_)) => {
                    self.handler.link_refused(LinkRefusal::Exhausted);
                    tokio::time::sleep(TICK).await;
                }
            }
        }
    }

    /// True while there are as many links as there may be.
    fn must_pause(&self) -> bool {
        self.desk.is_full(self.limits.max_links) && !self.worker.is_draining()
    }

    /// Takes what other workers hand over.
    async fn take_over(&self, mut inbox: mpsc::Receiver<Handed>) {
        let stop = Watch::new(&self.worker);
        loop {
            let handed = poll_fn(|cx| {
                let _ = stop.poll_expired(cx);
                if self.worker.is_draining() {
                    // What is on its way still arrives; whoever comes later keeps the link.
                    inbox.close();
                }
                inbox.poll_recv(cx)
            });
            let Some(Handed { stream, peer, place }) = handed.await else { return };
            if let Ok(stream) = TcpStream::from_std(stream) {
                self.open(stream, peer, place);
            }
        }
    }

    /// The handshake is for the worker that serves the link: here nothing waits for it.
    fn keep_or_hand_over(&self, stream: TcpStream, peer: SocketAddr) {
        if self.worker.is_draining() {
            return self.open(stream, peer, self.desk.own_place());
        }
        let place = self.desk.place(self.limits.max_links);
        if self.desk.is_own(&place) {
            return self.open(stream, peer, place);
        }
        let Ok(stream) = stream.into_std() else { return };
        if let Err(back) = self.desk.hand_over(Handed { stream, peer, place }) {
            drop(back.place);
            if let Ok(stream) = TcpStream::from_std(back.stream) {
                self.open(stream, peer, self.desk.own_place());
            }
        }
    }

    fn open(&self, stream: TcpStream, peer: SocketAddr, place: Place) {
        let link = Opening {
            worker: Rc::clone(&self.worker),
            handler: Rc::clone(&self.handler),
            limits: self.limits,
            acceptor: self.acceptor.clone(),
            peer,
            place,
            // Counted before its task first runs: a worker that drains waits for it.
            open: self.worker.link_opened(),
        };
        tokio::task::spawn_local(link.run(stream));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests are the callers")]
mod tests {
    use super::super::accept::bind;
    use super::super::link::Cut;
    use super::super::link::Link;
    use super::super::request::RequestBody;
    use super::super::worker::spawn;
    use super::LinkRefusal;
    use bytes::Bytes;
    use http::Request;
    use http::Response;
    use http_body_util::Full;
    use std::io::Read;
    use std::io::Write;
    use std::net::TcpStream;
    use std::rc::Rc;
    use std::time::Duration;

    /// Answers with the number of the worker that serves the link.
    struct WhoServes;

    impl super::Handler for WhoServes {
        type Body = Full<Bytes>;

        async fn handle(
            self: Rc<Self>,
            _: Request<RequestBody>,
            link: Link,
        ) -> Result<Response<Full<Bytes>>, Cut> {
            Ok(Response::new(Full::from(link.watch.worker().index().to_string())))
        }

        fn links(&self, _: i64) {}

        fn link_refused(&self, _: LinkRefusal) {}
    }

    /// Opens `links` to this many workers and asks on each; how many each worker serves.
    fn served(workers: usize, links: usize) -> Vec<usize> {
        let limits = super::LinkLimits {
            head_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            max_head: 8192,
            max_links: links,
            http2_streams: 8,
        };
        let bound = bind(([127, 0, 0, 1], 0).into(), workers).unwrap();
        let (stop, stops) = tokio::sync::watch::channel(false);
        let threads: Vec<_> = bound
            .shares
            .into_iter()
            .enumerate()
            .map(|(index, share)| {
                spawn("who", index, stops.clone(), move |worker| async move {
                    super::serve(worker, share, None, limits, Rc::new(WhoServes)).await;
                })
            })
            .collect();
        let mut open: Vec<_> =
            (0..links).map(|_| TcpStream::connect(bound.address).unwrap()).collect();
        let mut seen = vec![0; workers];
        for link in &mut open {
            link.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            let mut answer = Vec::new();
            while !answer.windows(4).any(|it| it == b"\r\n\r\n") || answer.ends_with(b"\r\n\r\n") {
                let mut piece = [0; 512];
                let count = link.read(&mut piece).unwrap();
                assert!(count > 0, "the link ended");
                answer.extend_from_slice(&piece[..count]);
            }
            seen[usize::from(answer.last().unwrap() - b'0')] += 1;
        }
        stop.send(true).unwrap();
        drop(open);
        threads.into_iter().for_each(|it| it.unwrap().join().unwrap());
        seen
    }

    #[test]
    fn few_links_are_spread_evenly_over_the_workers() {
        for _ in 0..3 {
            assert_eq!(served(2, 16), [8, 8]);
        }
        assert_eq!(served(3, 9), [3, 3, 3]);
        assert_eq!(served(1, 3), [3]);
    }
}
