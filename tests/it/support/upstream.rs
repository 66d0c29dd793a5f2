//! A third party that does exactly what it is told, byte by byte, however wrong.
use super::soon;
use super::wire::Framing;
use super::wire::Head;
use super::wire::Reader;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::sync::Notify;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What happens on one accepted link, in this order; then the link is closed.
#[derive(Clone, Default)]
pub struct Script(Vec<Step>);

#[derive(Clone)]
enum Step {
    ReadHead,
    ReadRequest,
    ReadRest(usize),
    Write(Vec<u8>),
    Drip { bytes: Vec<u8>, pause: Duration },
    Flood { piece: Vec<u8>, count: usize },
    Wait(Arc<Notify>),
    Tell(Arc<Notify>),
    HalfClose,
    ReadToEnd,
    Reset,
    Again,
}

impl Script {
    /// Accepts, and closes at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// The good case: answers every request of a link alike.
    pub fn answer(response: impl AsRef<[u8]>) -> Self {
        Self::new().read_request().write(response).again()
    }

    /// A plain 200 with this body, and the link kept.
    pub fn ok(body: &str) -> Self {
        Self::answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    }

    /// Reads a request's head, and leaves its body unread.
    pub fn read_head(self) -> Self {
        self.then(Step::ReadHead)
    }

    /// Reads a whole request; where none comes the link is over.
    pub fn read_request(self) -> Self {
        self.then(Step::ReadRequest)
    }

    /// Reads this many bytes, as of a body or a tunnel.
    pub fn read_rest(self, count: usize) -> Self {
        self.then(Step::ReadRest(count))
    }

    pub fn write(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Write(bytes.as_ref().to_vec()))
    }

    /// One byte at a time, with a pause after each.
    pub fn drip(self, bytes: impl AsRef<[u8]>, pause: Duration) -> Self {
        self.then(Step::Drip { bytes: bytes.as_ref().to_vec(), pause })
    }

    pub fn flood(self, piece: impl AsRef<[u8]>, count: usize) -> Self {
        self.then(Step::Flood { piece: piece.as_ref().to_vec(), count })
    }

    /// Waits until the test says so.
    pub fn wait(self, gate: &Arc<Notify>) -> Self {
        self.then(Step::Wait(Arc::clone(gate)))
    }

    /// Says that all before it is done: what was written is then in the other side's socket.
    pub fn tell(self, done: &Arc<Notify>) -> Self {
        self.then(Step::Tell(Arc::clone(done)))
    }

    /// Ends its own direction, and goes on reading.
    pub fn half_close(self) -> Self {
        self.then(Step::HalfClose)
    }

    /// Says nothing until the other side closes.
    pub fn read_to_end(self) -> Self {
        self.then(Step::ReadToEnd)
    }

    /// Closes with a reset instead of an end.
    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    /// Begins again on the same link.
    pub fn again(self) -> Self {
        self.then(Step::Again)
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

/// A request as it reached the upstream.
#[derive(Clone, Debug)]
pub struct Received {
    /// Which accepted link it came on, from 0.
    pub link: usize,
    pub head: Head,
    pub body: Vec<u8>,
    pub trailers: Vec<String>,
    /// False where only the head was read, or the body broke off.
    pub complete: bool,
}

impl Received {
    pub fn line(&self) -> &str {
        self.head.first_line()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field(name)
    }
}

/// What the links of one upstream share.
struct Shared {
    scripts: Vec<Script>,
    accepted: AtomicUsize,
    ended: AtomicUsize,
    rests: AtomicUsize,
    changed: Notify,
    received: mpsc::UnboundedSender<Received>,
    raw: std::sync::Mutex<Vec<Vec<u8>>>,
}

/// Listens on loopback until dropped. The n-th link plays the n-th script; the last one is repeated.
pub struct RawUpstream {
    address: SocketAddr,
    https: bool,
    shared: Arc<Shared>,
    requests: Mutex<mpsc::UnboundedReceiver<Received>>,
    accepting: JoinHandle<()>,
}

impl RawUpstream {
    pub async fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        Self::listen(listener, scripts, None)
    }

    pub async fn tls(scripts: impl IntoIterator<Item = Script>, tls: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        Self::listen(listener, scripts, Some(tls))
    }

    fn listen(
        listener: TcpListener,
        scripts: impl IntoIterator<Item = Script>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let address = listener.local_addr().expect("a bound socket has an address");
        let (sender, requests) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            scripts: scripts.into_iter().collect(),
            accepted: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            rests: AtomicUsize::new(0),
            changed: Notify::new(),
            received: sender,
            raw: std::sync::Mutex::default(),
        });
        assert!(!shared.scripts.is_empty(), "an upstream has at least one script");
        let https = tls.is_some();
        let accepting = tokio::spawn(accept(listener, tls, Arc::clone(&shared)));
        Self { address, https, shared, requests: Mutex::new(requests), accepting }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        let (scheme, host) =
            if self.https { ("https", "localhost") } else { ("http", "127.0.0.1") };
        format!("{scheme}://{host}:{}", self.address.port())
    }

    /// The next request, in the order of arrival.
    pub async fn request(&self) -> Received {
        let next = async { self.requests.lock().await.recv().await };
        soon("a request at the upstream", next).await.expect("the upstream is alive")
    }

    /// A request that has already arrived, if there is one.
    pub async fn request_so_far(&self) -> Option<Received> {
        self.requests.lock().await.try_recv().ok()
    }

    /// How many links were ever accepted.
    pub fn links(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Waits until this many links have played their scripts and are closed.
    pub async fn ended(&self, count: usize) {
        soon("links to the upstream to end", self.counted(&self.shared.ended, count)).await;
    }

    /// Waits until this many `read_rest` have their bytes.
    pub async fn rest_read(&self, count: usize) {
        soon("bytes at the upstream", self.counted(&self.shared.rests, count)).await;
    }

    async fn counted(&self, counter: &AtomicUsize, count: usize) {
        loop {
            let changed = self.shared.changed.notified();
            if counter.load(Ordering::SeqCst) >= count {
                return;
            }
            changed.await;
        }
    }

    /// Every byte that ended links received, by link in the order in which they ended.
    pub fn raw(&self) -> Vec<Vec<u8>> {
        self.shared.raw.lock().expect("no holder panics").clone()
    }
}

impl Drop for RawUpstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A port that refuses connections until there is an upstream behind it.
pub struct ClosedPort(socket2::Socket);

impl ClosedPort {
    pub fn reserve() -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("sockets can be made");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("loopback has a free port");
        Self(socket)
    }

    pub fn url(&self) -> String {
        let address = self.0.local_addr().ok().and_then(|it| it.as_socket());
        format!("http://{}", address.expect("a bound socket has an address"))
    }

    pub fn open(self, scripts: impl IntoIterator<Item = Script>) -> RawUpstream {
        self.0.listen(128).expect("a bound socket can listen");
        self.0.set_nonblocking(true).expect("an open socket takes options");
        let listener = TcpListener::from_std(self.0.into()).expect("it listens");
        RawUpstream::listen(listener, scripts, None)
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    // Links end with the upstream: the set aborts what it holds when it is dropped.
    let mut links = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let link = shared.accepted.fetch_add(1, Ordering::SeqCst);
        let script = shared.scripts[link.min(shared.scripts.len() - 1)].clone();
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        links.spawn(async move {
            prepare(&stream, &script);
            let raw = match tls {
                None => play(link, stream, script, &shared).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => play(link, stream, script, &shared).await,
                    Err(_) => Vec::new(),
                },
            };
            shared.raw.lock().expect("no holder panics").push(raw);
            shared.ended.fetch_add(1, Ordering::SeqCst);
            shared.changed.notify_waiters();
        });
    }
}

fn prepare(stream: &TcpStream, script: &Script) {
    stream.set_nodelay(true).expect("a fresh socket takes options");
    if script.0.iter().any(|it| matches!(it, Step::Reset)) {
        // Closing then sends a reset, whatever lies unsent.
        let socket = socket2::SockRef::from(stream);
        socket.set_linger(Some(Duration::ZERO)).expect("a fresh socket takes options");
    }
}

/// Plays the script to its end, or to the link's; gives every byte received.
async fn play<S>(link: usize, stream: S, script: Script, shared: &Shared) -> Vec<u8>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut reader = Reader::new(stream);
    let mut at = 0;
    while let Some(step) = script.0.get(at) {
        at += 1;
        let goes_on = match step {
            Step::ReadHead => read(link, &mut reader, false, shared).await,
            Step::ReadRequest => read(link, &mut reader, true, shared).await,
            Step::ReadRest(count) => {
                let rest = reader.body(Framing::Length(*count)).await;
                shared.rests.fetch_add(1, Ordering::SeqCst);
                shared.changed.notify_waiters();
                rest.is_ok_and(|it| it.complete)
            }
            Step::Write(bytes) => write(&mut reader.stream, bytes).await,
            Step::Drip { bytes, pause } => drip(&mut reader.stream, bytes, *pause).await,
            Step::Flood { piece, count } => flood(&mut reader.stream, piece, *count).await,
            Step::Wait(gate) => {
                gate.notified().await;
                true
            }
            Step::Tell(done) => {
                done.notify_one();
                true
            }
            Step::HalfClose => reader.stream.shutdown().await.is_ok(),
            Step::ReadToEnd => reader.body(Framing::UntilClose).await.is_ok(),
            Step::Reset => false,
            Step::Again => {
                at = 0;
                true
            }
        };
        if !goes_on {
            break;
        }
    }
    reader.seen
}

async fn read<S>(link: usize, reader: &mut Reader<S>, whole: bool, shared: &Shared) -> bool
where
    S: AsyncRead + Unpin,
{
    let Ok(Some(head)) = reader.head().await else { return false };
    let mut received =
        Received { link, head, body: Vec::new(), trailers: Vec::new(), complete: false };
    if whole {
        let framing = Framing::of(&received.head, Framing::Length(0));
        let body = reader.body(framing).await.unwrap_or_default();
        (received.body, received.trailers, received.complete) =
            (body.bytes, body.trailers, body.complete);
    }
    let goes_on = !whole || received.complete;
    // The test may have dropped its end: then nobody looks.
    drop(shared.received.send(received));
    goes_on
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> bool {
    stream.write_all(bytes).await.is_ok() && stream.flush().await.is_ok()
}

async fn drip<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8], pause: Duration) -> bool {
    for byte in bytes {
        if !write(stream, &[*byte]).await {
            return false;
        }
        tokio::time::sleep(pause).await;
    }
    true
}

async fn flood<S: AsyncWrite + Unpin>(stream: &mut S, piece: &[u8], count: usize) -> bool {
    for _ in 0..count {
        if !write(stream, piece).await {
            return false;
        }
    }
    true
}
