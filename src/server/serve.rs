//! Accepting: links that come to a worker's own socket, up to the listener's bound.
use super::link::Handler;
use super::link::LinkLimits;
use super::link::Opening;
use super::tls::Certificate;
use super::watch::Watch;
use super::worker::TICK;
use super::worker::Worker;
use std::cell::Cell;
use std::future::poll_fn;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use tokio_rustls::TlsAcceptor;

/// Accepts and serves until the worker drains; links that are open then finish on their own tasks.
pub async fn serve<H: Handler>(
    worker: Rc<Worker>,
    listener: TcpListener,
    certificate: Option<Arc<Certificate>>,
    limits: LinkLimits,
    handler: Rc<H>,
) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        handler.accept_failed();
        return;
    };
    let acceptor = certificate.map(|it| TlsAcceptor::from(it.server_config()));
    let stop = Watch::new(&worker);
    // Of this listener alone: a flood on one must not close another.
    let open = Rc::new(Cell::new(0));
    loop {
        let accepted = poll_fn(|cx| {
            let _ = stop.poll_expired(cx);
            // Links that the kernel has accepted already are served: requests may be on them.
            match listener.poll_accept(cx) {
                Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
                Poll::Pending if worker.is_draining() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        match accepted.await {
            None => return,
            Some(Ok((stream, peer))) => {
                let link = Opening {
                    worker: Rc::clone(&worker),
                    handler: Rc::clone(&handler),
                    limits,
                    acceptor: acceptor.clone(),
                    peer,
                    place: Place::take(&open),
                };
                tokio::task::spawn_local(link.run(stream));
            }
            // A link that was gone before we took it says nothing of the next.
            Some(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Some(Err(_)) => {
                handler.accept_failed();
                tokio::time::sleep(TICK).await;
            }
        }
        if open.get() >= limits.max_links {
            handler.links_at_limit();
        }
        while open.get() >= limits.max_links && !worker.is_draining() {
            tokio::time::sleep(TICK).await;
        }
    }
}

/// A link's place under its listener's limit, from the accept to its end.
pub(super) struct Place(Rc<Cell<usize>>);

impl Place {
    fn take(open: &Rc<Cell<usize>>) -> Self {
        open.set(open.get() + 1);
        Self(Rc::clone(open))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
