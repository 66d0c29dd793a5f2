//! Requests that operators try out, on their way from the API to a worker's proxy and back.
use crate::admin;
use crate::proxy::Proxy;
use crate::server::Worker;
use crate::telemetry::Trial;
use crate::telemetry::Tried;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

/// Trials that wait for the worker, which takes them whenever it gets to run: the API begins fewer.
const WAITING_MAX: usize = 16;

/// A trial, and where what came of it goes.
pub(super) struct Handed {
    trial: Trial,
    tells: oneshot::Sender<Option<Tried>>,
}

/// Where trials are handed in, and where one worker takes them. Nothing else leads there: no listener does.
pub(super) fn desk() -> (admin::Try, mpsc::Receiver<Handed>) {
    let (inbox, taken) = mpsc::channel(WAITING_MAX);
    let hand_in: admin::Try = Arc::new(move |trial| {
        let inbox = inbox.clone();
        Box::pin(async move {
            let (tells, told) = oneshot::channel();
            // Gone where the worker is draining.
            inbox.try_send(Handed { trial, tells }).ok()?;
            told.await.ok().flatten()
        })
    });
    (hand_in, taken)
}

/// Has the proxy answer them, until dropped. The worker waits for those that are under way, as for links.
pub(super) async fn serve(worker: Rc<Worker>, proxy: Rc<Proxy>, mut inbox: mpsc::Receiver<Handed>) {
    while let Some(Handed { trial, tells }) = inbox.recv().await {
        let (proxy, worker, open) = (Rc::clone(&proxy), Rc::clone(&worker), worker.link_opened());
        tokio::task::spawn_local(async move {
            // Nobody may be waiting any more.
            drop(tells.send(proxy.try_out(trial, worker).await));
            drop(open);
        });
    }
}

/// Where callers on this machine find the proxy.
pub(super) fn proxy_url(address: SocketAddr, is_tls: bool) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let scheme = if is_tls { "https" } else { "http" };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}
