//! A TCP link that fails as it is told: between attache and what it depends on.
use super::soon;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

/// What is wrong with the links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Nothing,
    /// All are reset, new ones as soon as they are there.
    Cut,
    /// They are taken, and nothing comes through: neither bytes nor an end.
    Silent,
    /// What comes back is late by so much.
    Slow(Duration),
    /// What PostgreSQL tells a link that waits for it is left out: as poolers do.
    Deaf,
    /// Who asks PostgreSQL to be told is refused, as by a hot standby.
    Mute,
}

/// Listens on loopback until dropped, and passes bytes on to one address and back.
pub struct Frail {
    address: SocketAddr,
    wrong: watch::Sender<Wrong>,
    /// Links that were there when this was said last have died, and neither end is told.
    dead: watch::Sender<()>,
    accepted: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Frail {
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (wrong, seen) = watch::channel(Wrong::Nothing);
        let (dead, dies) = watch::channel(());
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let accepting = tokio::spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut dies = dies.clone();
                dies.mark_unchanged();
                links.spawn(link(stream, target, seen.clone(), dies));
            }
        });
        Self { address, wrong, dead, accepted, accepting }
    }

    /// Before the server of this URL.
    pub async fn before_url(url: &str) -> Self {
        let parsed = url::Url::parse(url).expect("a URL");
        let port = parsed.port().expect("a URL with a port");
        Self::before(SocketAddr::from(([127, 0, 0, 1], port))).await
    }

    /// The URL, with this one's address in place of the server's.
    pub fn url(&self, url: &str) -> String {
        let mut parsed = url::Url::parse(url).expect("a URL");
        parsed.set_port(Some(self.address.port())).expect("a URL with a host takes a port");
        parsed.to_string()
    }

    /// How many links were ever accepted.
    pub fn links(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// All links that there are lose whatever is sent from now on, for ever. New ones are good.
    pub fn loses_its_links(&self) {
        self.dead.send_replace(());
    }

    pub fn is_now(&self, wrong: Wrong) {
        self.wrong.send_replace(wrong);
    }
}

impl Drop for Frail {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn link(
    stream: TcpStream,
    target: SocketAddr,
    mut wrong: watch::Receiver<Wrong>,
    dies: watch::Receiver<()>,
) {
    let options = socket2::SockRef::from(&stream);
    options.set_linger(Some(Duration::ZERO)).expect("a fresh socket takes options");
    stream.set_nodelay(true).expect("a fresh socket takes options");
    if *wrong.borrow() == Wrong::Cut {
        return;
    }
    let Ok(state) = wrong.wait_for(|it| *it != Wrong::Silent).await.map(|it| *it) else { return };
    if state == Wrong::Cut {
        return;
    }
    let Ok(onward) = soon("the server to take a link", TcpStream::connect(target)).await else {
        return;
    };
    let (from, to) = stream.into_split();
    let (onward_from, onward_to) = onward.into_split();
    let mut cut = wrong.clone();
    tokio::select! {
        // Dropped, it is reset.
        _ = cut.wait_for(|it| *it == Wrong::Cut) => {}
        () = pass(from, onward_to, wrong.clone(), dies.clone(), false) => {}
        () = pass(onward_from, to, wrong, dies, true) => {}
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut wrong: watch::Receiver<Wrong>,
    mut dies: watch::Receiver<()>,
    is_back: bool,
) {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let read = tokio::select! {
            biased;
            _ = dies.changed() => std::future::pending().await,
            read = from.read(&mut bytes) => read,
        };
        let Ok(count @ 1..) = read else { return };
        let is_now = *wrong.borrow();
        match is_now {
            Wrong::Slow(late) if is_back => tokio::time::sleep(late).await,
            // One that was asked for nothing begins with what is told (NotificationResponse).
            Wrong::Deaf if is_back && bytes[0] == b'A' => continue,
            Wrong::Mute if !is_back => {
                const ASKED: &[u8] = b"LISTEN ";
                let found = bytes[..count].windows(ASKED.len()).position(|it| it == ASKED);
                if let Some(at) = found {
                    bytes[at] = b'M';
                }
            }
            _ => {}
        }
        if wrong.wait_for(|it| *it != Wrong::Silent).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
