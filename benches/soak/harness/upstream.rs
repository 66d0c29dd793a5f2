//! Scripted upstreams: one listener for each mode, and on each link the same loop with the mode's faults.
use super::Shared;
use super::content;
use super::http2;
use super::mode;
use super::mode::Mode;
use super::wire;
use super::wire::Link;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

/// How long a refusing upstream listens, and how long it does not: a hiccup, then an outage that is long
/// enough for attache to give it a pause, in turns.
const UP: Duration = Duration::from_secs(3);
const DOWN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// Pieces of a dripping body, and the pause after each.
const PIECES: usize = 8;
const PAUSE: Duration = Duration::from_millis(30);

pub struct Upstreams {
    addresses: Vec<(Mode, SocketAddr)>,
    listening: Vec<JoinHandle<()>>,
}

impl Upstreams {
    pub async fn start(shared: &Arc<Shared>) -> io::Result<Self> {
        let (mut addresses, mut listening) = (Vec::new(), Vec::new());
        for mode in mode::ALL {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            addresses.push((mode, listener.local_addr()?));
            listening.push(tokio::spawn(listen(mode, listener, Arc::clone(shared))));
        }
        Ok(Self { addresses, listening })
    }

    pub fn addresses(&self) -> &[(Mode, SocketAddr)] {
        &self.addresses
    }

    /// Closes every link.
    pub async fn stop(self) {
        for task in self.listening {
            task.abort();
            // Ended as it was told to.
            drop(task.await);
        }
    }
}

async fn listen(mode: Mode, listener: TcpListener, shared: Arc<Shared>) {
    if mode != Mode::Refusing {
        return accept(mode, &listener, &shared).await;
    }
    let Ok(address) = listener.local_addr() else { return };
    let mut listener = Some(listener);
    for down in DOWN.into_iter().cycle() {
        if let Some(listener) = listener.take() {
            // Dropped at the end of this time, with all its links.
            drop(tokio::time::timeout(UP, accept(mode, &listener, &shared)).await);
        }
        tokio::time::sleep(down).await;
        listener = TcpListener::bind(address).await.ok();
    }
}

async fn accept(mode: Mode, listener: &TcpListener, shared: &Arc<Shared>) {
    let mut links = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while links.try_join_next().is_some() {}
        let shared = Arc::clone(shared);
        links.spawn(async move {
            match mode {
                Mode::Http2 => http2::serve(stream, shared).await,
                _ => serve(mode, stream, &shared).await,
            }
        });
    }
}

/// Checks what every upstream checks of a request's head, and counts it. Its number.
pub fn arrived<'a>(
    shared: &Shared,
    mode: Mode,
    field: impl Fn(&str) -> Option<&'a str>,
) -> Option<usize> {
    let Some(id) = field("soak-id").and_then(|it| it.parse().ok()) else {
        shared.ledger.fault(format!("{}: a request without its number", mode.name()));
        return None;
    };
    shared.ledger.arrive(id, mode);
    let prefix = format!("Bearer {}", credential(mode));
    let generation =
        field("authorization").and_then(|it| it.strip_prefix(prefix.as_str())?.parse::<u32>().ok());
    let now = shared.generation.load(Ordering::Relaxed);
    if !generation.is_some_and(|it| it <= now && it + 1 >= now) {
        shared
            .ledger
            .fault(format!("{}: request {id} came with {generation:?}, not {now}", mode.name()));
    }
    if field("attache-key").is_some() || field("attache-connection").is_some() {
        shared
            .ledger
            .fault(format!("{}: request {id} still had attache's own headers", mode.name()));
    }
    Some(id)
}

/// A connection's token, less its generation.
pub fn credential(mode: Mode) -> String {
    format!("token-of-{}-", mode.name())
}

async fn serve(mode: Mode, stream: TcpStream, shared: &Shared) {
    let (mut link, mut body) = (Link::new(stream), Vec::new());
    while let Ok(Some(head)) = link.head().await {
        let Some(id) = arrived(shared, mode, |it| head.field(it)) else { return };
        if link.body(&head, &mut body).await.is_err() {
            if !shared.ledger.is_rude(id) {
                shared.ledger.fault(format!("{}: the body of request {id} broke off", mode.name()));
            }
            return;
        }
        let expected =
            if head.line.starts_with("POST") { content::request(id, mode.is_large()) } else { &[] };
        if body != expected {
            shared.ledger.fault(format!("{}: the body of request {id} was changed", mode.name()));
        }
        match answer(mode, id, &mut link).await {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => return wire::reset(link.into_stream()),
            Err(_) => return,
        }
        if matches!(mode, Mode::Closing | Mode::SayingClose) {
            return;
        }
    }
}

/// Sends the answer, or as much of it as the mode allows; `Break` where a reset is to follow.
async fn answer(mode: Mode, id: usize, link: &mut Link) -> io::Result<ControlFlow<()>> {
    let body = content::answer(id, mode.is_large());
    let spoils = mode.spoils(id);
    match mode {
        Mode::ResetBefore if spoils => return Ok(ControlFlow::Break(())),
        Mode::ResetInHead if spoils => {
            link.write(b"HTTP/1.1 200 OK\r\nContent-Le").await?;
            return Ok(ControlFlow::Break(()));
        }
        Mode::ResetInBody if spoils => {
            let mut bytes = head(mode, id, &format!("Content-Length: {}", body.len() + 1));
            bytes.extend_from_slice(&body[..body.len() / 2]);
            link.write(&bytes).await?;
            return Ok(ControlFlow::Break(()));
        }
        Mode::Hanging if spoils => {
            // Until attache has had enough of it.
            drop(link.head().await);
            return Ok(ControlFlow::Break(()));
        }
        Mode::Slow => {
            tokio::time::sleep(Duration::from_millis(200 + content::mixed(id) % 1800)).await;
        }
        Mode::Dripping => {
            link.write(&head(mode, id, "Transfer-Encoding: chunked")).await?;
            for piece in body.chunks(body.len().div_ceil(PIECES)) {
                link.write(&chunk(piece)).await?;
                tokio::time::sleep(PAUSE).await;
            }
            link.write(b"0\r\n\r\n").await?;
            return Ok(ControlFlow::Continue(()));
        }
        _ => {}
    }
    let is_chunked = content::mixed(id) & 0x100 != 0;
    let mut bytes = if is_chunked {
        let mut bytes = head(mode, id, "Transfer-Encoding: chunked");
        bytes.extend(chunk(body));
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    } else {
        head(mode, id, &format!("Content-Length: {}", body.len()))
    };
    if !is_chunked {
        bytes.extend_from_slice(body);
    }
    link.write(&bytes).await?;
    Ok(ControlFlow::Continue(()))
}

fn head(mode: Mode, id: usize, framing: &str) -> Vec<u8> {
    let close = if mode == Mode::SayingClose { "Connection: close\r\n" } else { "" };
    let status = mode.status(id);
    format!("HTTP/1.1 {status} As Told\r\nSoak-Id: {id}\r\n{close}{framing}\r\n\r\n").into_bytes()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}
