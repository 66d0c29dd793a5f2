//! A TCP link that fails as it is told: between attache and what it depends on.
use super::soon;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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
    /// A link that writes is reset when it says `COMMIT`, which arrives, and what it is answered with does not.
    AnswerLost,
    /// The same, and `COMMIT` does not arrive either.
    CommitLost,
    /// What PostgreSQL tells a link that waits for it is left out: as poolers do.
    Deaf,
    /// Who asks PostgreSQL to be told is refused, as by a hot standby.
    Mute,
}

/// Listens on loopback until dropped, and passes bytes on to one address and back.
pub struct Frail {
    address: SocketAddr,
    target: watch::Sender<SocketAddr>,
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
        let (target, leads_to) = watch::channel(target);
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let accepting = tokio::spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut dies = dies.clone();
                dies.mark_unchanged();
                let target = *leads_to.borrow();
                links.spawn(link(stream, target, seen.clone(), dies));
            }
        });
        Self { address, target, wrong, dead, accepted, accepting }
    }

    /// Before the server of this URL.
    pub async fn before_url(url: &str) -> Self {
        Self::before(server_of(url)).await
    }

    /// From now on new links lead to the server of this URL.
    pub fn leads_to(&self, url: &str) {
        self.target.send_replace(server_of(url));
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

fn server_of(url: &str) -> SocketAddr {
    let parsed = url::Url::parse(url).expect("a URL");
    SocketAddr::from(([127, 0, 0, 1], parsed.port().expect("a URL with a port")))
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
    let deaf = Arc::new(AtomicBool::new(false));
    tokio::select! {
        // Dropped, it is reset.
        _ = cut.wait_for(|it| *it == Wrong::Cut) => {}
        () = there(from, onward_to, wrong.clone(), dies.clone(), Arc::clone(&deaf)) => {}
        () = back(onward_from, to, wrong, dies, deaf) => {}
    }
}

/// `deaf`: from now on nothing comes back.
async fn there(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut wrong: watch::Receiver<Wrong>,
    mut dies: watch::Receiver<()>,
    deaf: Arc<AtomicBool>,
) {
    let mut bytes = vec![0; 16 << 10];
    let mut writes = false;
    loop {
        let Some(count) = read(&mut from, &mut dies, &mut bytes).await else { return };
        let has = |text: &[u8]| bytes[..count].windows(text.len()).any(|it| it == text);
        let is_now = *wrong.borrow();
        // Whoever writes says so on this channel, and commits next: what is prepared for it does nothing yet.
        if writes && bytes[0] != b'P' {
            match is_now {
                Wrong::CommitLost => return,
                Wrong::AnswerLost => deaf.store(true, Ordering::SeqCst),
                _ => writes = false,
            }
        }
        writes |= has(b"attache_changes") && !has(b"LISTEN");
        if is_now == Wrong::Mute {
            const ASKED: &[u8] = b"LISTEN ";
            let found = bytes[..count].windows(ASKED.len()).position(|it| it == ASKED);
            if let Some(at) = found {
                bytes[at] = b'M';
            }
        }
        if wrong.wait_for(|it| *it != Wrong::Silent).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

async fn back(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut wrong: watch::Receiver<Wrong>,
    mut dies: watch::Receiver<()>,
    deaf: Arc<AtomicBool>,
) {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let Some(count) = read(&mut from, &mut dies, &mut bytes).await else { return };
        if deaf.load(Ordering::SeqCst) {
            return;
        }
        let is_now = *wrong.borrow();
        match is_now {
            Wrong::Slow(late) => tokio::time::sleep(late).await,
            // One that was asked for nothing begins with what is told (NotificationResponse).
            Wrong::Deaf if bytes[0] == b'A' => continue,
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

/// None at the end; never where the link has died.
async fn read(
    from: &mut OwnedReadHalf,
    dies: &mut watch::Receiver<()>,
    bytes: &mut [u8],
) -> Option<usize> {
    let read = tokio::select! {
        biased;
        _ = dies.changed() => std::future::pending().await,
        read = from.read(bytes) => read,
    };
    read.ok().filter(|it| *it > 0)
}
