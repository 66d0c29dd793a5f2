//! A receiver of outgoing webhooks: keeps what it is sent, and answers as it is told at the time.
use super::soon;
use super::wire::Framing;
use super::wire::Head;
use super::wire::Reader;
use attache::model::Secret;
use attache::model::UnixTime;
use attache::webhook::OutgoingKey;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

/// What it was sent.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub head: Head,
    pub body: Vec<u8>,
    /// What it was answered with.
    pub status: u16,
}

/// Listens on loopback until dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    status: watch::Sender<u16>,
    kept: Mutex<Vec<Delivered>>,
    count: watch::Sender<usize>,
}

impl Receiver {
    /// Answers with this status: 0 for nothing at all, as long as that is the status.
    pub async fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (status, count) = (watch::Sender::new(status), watch::Sender::new(0));
        let shared = Arc::new(Shared { status, kept: Mutex::default(), count });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks?key=in-the-url", self.address.port())
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers so from now on.
    pub fn answer(&self, status: u16) {
        self.shared.status.send_replace(status);
    }

    /// Waits until so many requests have come.
    pub async fn has(&self, count: usize) {
        soon(&format!("{count} requests at the receiver"), self.has_in_the_end(count)).await;
    }

    /// The same, for as long as it takes.
    pub async fn has_in_the_end(&self, count: usize) {
        let mut counts = self.shared.count.subscribe();
        counts.wait_for(|it| *it >= count).await.expect("the receiver is there");
    }

    /// All that it was sent so far.
    pub fn all(&self) -> Vec<Delivered> {
        self.shared.kept.lock().expect("no holder panics").clone()
    }

    /// The ids that it has taken, each with how often it was sent.
    pub fn taken(&self) -> BTreeMap<String, usize> {
        let mut ids = BTreeMap::new();
        for it in self.all().iter().filter(|it| it.status == 200) {
            *ids.entry(it.id().to_owned()).or_default() += 1;
        }
        ids
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Delivered {
    pub fn id(&self) -> &str {
        self.head.field("webhook-id").expect("it has an id")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("it is JSON")
    }

    /// The signatures, in their order.
    pub fn signatures(&self) -> Vec<&str> {
        self.head.field("webhook-signature").expect("it is signed").split(' ').collect()
    }

    /// What a secret signs it with.
    pub fn signed_with(&self, secret: &str) -> String {
        let key = OutgoingKey::new(&Secret::new(secret)).expect("it is a secret");
        let at = self.head.field("webhook-timestamp").and_then(|it| it.parse().ok());
        key.sign(self.id(), UnixTime::from_s(at.expect("in seconds")), &self.body)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Links end with the receiver: the set aborts what it holds when it is dropped.
    let mut links = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        links.spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut reader = Reader::new(stream);
    while let Ok(Some(head)) = reader.head().await {
        let framing = Framing::of(&head, Framing::Length(0));
        let Ok(body) = reader.body(framing).await else { return };
        let status = *shared.status.borrow();
        let delivered = Delivered { head, body: body.bytes, status };
        shared.kept.lock().expect("no holder panics").push(delivered);
        shared.count.send_modify(|it| *it += 1);
        if status == 0 {
            let mut statuses = shared.status.subscribe();
            drop(statuses.wait_for(|it| *it != 0).await);
            return;
        }
        let moved = if (300..400).contains(&status) { "Location: /elsewhere\r\n" } else { "" };
        let answer = format!("HTTP/1.1 {status} So\r\n{moved}Content-Length: 2\r\n\r\nok");
        // A moment for the answer to be on its way, so that a kill meets one that was not written down.
        tokio::time::sleep(Duration::from_millis(2)).await;
        if reader.stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}
