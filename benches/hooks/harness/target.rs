//! What attache forwards to: it counts what arrives, and looks at every byte of it.
use super::content;
use super::ledger::Ledger;
use super::on_a_thread;
use super::program::TOKEN;
use super::wire::Head;
use super::wire::Link;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// Listens as long as the program runs, on a thread of its own: whoever is behind one target waits for
/// nobody who is behind another.
pub fn start(ledger: &Arc<Ledger>) -> io::Result<SocketAddr> {
    let (tell, told) = mpsc::channel();
    let ledger = Arc::clone(ledger);
    on_a_thread(async move || {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        tell.send(listener.local_addr()).expect("it is waited for");
        while let Ok((stream, _)) = listener.accept().await {
            let ledger = Arc::clone(&ledger);
            tokio::task::spawn_local(async move {
                // How a link ends is for its requests to say.
                drop(serve(stream, &ledger).await);
            });
        }
    });
    told.recv().map_err(io::Error::other)?
}

async fn serve(stream: TcpStream, ledger: &Ledger) -> io::Result<()> {
    let (mut link, mut body, mut room) = (Link::new(stream), Vec::new(), Vec::new());
    while let Some(head) = link.head().await? {
        link.body(&head, &mut body).await?;
        if !is_right(&head) {
            ledger.change();
        }
        if let Some(id) = head.field("x-github-delivery").and_then(|it| it.parse().ok()) {
            ledger.arrive(id);
            if !content::is_sent(id, &body, &mut room) {
                ledger.change();
            }
        }
        link.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
    }
    Ok(())
}

/// Verified by attache where it is a delivery; else with the credential, and without the caller's own.
fn is_right(head: &Head) -> bool {
    match head.field("attache-webhook-verified") {
        Some(said) => said == "true",
        None => head.field("x-api-key") == Some(TOKEN) && head.field("attache-key").is_none(),
    }
}
