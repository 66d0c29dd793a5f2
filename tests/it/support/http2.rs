//! HTTP/2 by hand: frames as they stand on the wire, well-formed or not, for either side of a link.
use super::soon;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::io::ReadHalf;
use tokio::io::WriteHalf;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a caller's side says first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types (RFC 9113 §6).
pub const DATA: u8 = 0x0;
pub const HEADERS: u8 = 0x1;
pub const PRIORITY: u8 = 0x2;
pub const RST_STREAM: u8 = 0x3;
pub const SETTINGS: u8 = 0x4;
pub const PUSH_PROMISE: u8 = 0x5;
pub const PING: u8 = 0x6;
pub const GOAWAY: u8 = 0x7;
pub const WINDOW_UPDATE: u8 = 0x8;
pub const CONTINUATION: u8 = 0x9;

/// Flags.
pub const END_STREAM: u8 = 0x1;
pub const ACK: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;

/// Error codes (RFC 9113 §7).
pub const NO_ERROR: u32 = 0x0;
pub const PROTOCOL_ERROR: u32 = 0x1;
pub const REFUSED_STREAM: u32 = 0x7;
pub const CANCEL: u32 = 0x8;
pub const ENHANCE_YOUR_CALM: u32 = 0xb;
pub const HTTP_1_1_REQUIRED: u32 = 0xd;

/// Settings (RFC 9113 §6.5.2).
pub const MAX_CONCURRENT_STREAMS: u16 = 0x3;
pub const INITIAL_WINDOW_SIZE: u16 = 0x4;
pub const MAX_FRAME_SIZE: u16 = 0x5;

/// One frame, as bytes for the wire.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).expect("a frame's length has 24 bits").to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

pub fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (id, value) in values {
        payload.extend(id.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    frame(SETTINGS, 0, 0, payload)
}

/// A whole head in one frame.
pub fn headers(stream: u32, fields: &[(&str, &str)], is_end: bool) -> Vec<u8> {
    let flags = END_HEADERS | if is_end { END_STREAM } else { 0 };
    frame(HEADERS, flags, stream, hpack(fields))
}

pub fn data(stream: u32, bytes: impl AsRef<[u8]>, is_end: bool) -> Vec<u8> {
    frame(DATA, if is_end { END_STREAM } else { 0 }, stream, bytes)
}

pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, code.to_be_bytes())
}

pub fn go_away(last_stream: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, [last_stream.to_be_bytes(), code.to_be_bytes()].concat())
}

pub fn window_update(stream: u32, by: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, by.to_be_bytes())
}

/// A 200 with this body, whole.
pub fn answer(stream: u32, body: &str) -> Vec<u8> {
    [headers(stream, &[(":status", "200")], false), data(stream, body, true)].concat()
}

/// Fields as literals without indexing, in plain text (RFC 7541 §6.2.2).
pub fn hpack(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            // An integer with a prefix of seven bits (RFC 7541 §5.1).
            let length = text.len();
            if length < 127 {
                block.push(u8::try_from(length).expect("it is below 127"));
            } else {
                let mut rest = length - 127;
                block.push(127);
                while rest >= 128 {
                    block.push(u8::try_from(rest % 128).expect("it is below 128") | 128);
                    rest /= 128;
                }
                block.push(u8::try_from(rest).expect("it is below 128"));
            }
            block.extend(text.bytes());
        }
    }
    block
}

/// A frame that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn is_end(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }

    /// The error code of a GOAWAY or RST_STREAM.
    pub fn code(&self) -> u32 {
        let last = self.payload.get(if self.kind == GOAWAY { 4..8 } else { 0..4 });
        let last = last.expect("a frame with a code has one");
        u32::from_be_bytes(last.try_into().expect("four bytes"))
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One side of a link. It does nothing by itself but acknowledge settings and pings.
pub struct Http2Link {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    /// Which accepted link it is, from 0.
    pub number: usize,
    /// Streams on which a request's head has come, in order of arrival.
    pub streams: Vec<u32>,
    /// Streams that the other side has reset.
    pub resets: Vec<u32>,
}

impl Http2Link {
    /// The caller's side: preface and settings are sent.
    pub async fn connect(to: SocketAddr) -> Self {
        let stream = soon("a link to be accepted", TcpStream::connect(to)).await;
        let stream = stream.unwrap_or_else(|e| panic!("no link to {to}: {e}"));
        stream.set_nodelay(true).expect("a fresh socket takes options");
        let mut link = Self::over(Box::new(stream), 0);
        link.send(PREFACE).await;
        link.send(settings(&[])).await;
        link
    }

    fn over(stream: Box<dyn Stream>, number: usize) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self { reader, writer, number, streams: Vec::new(), resets: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        assert!(self.try_send(bytes).await, "the other side takes the bytes");
    }

    /// Sends what the other side may refuse by closing in the middle of it.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        soon("bytes to be taken", self.writer.write_all(bytes.as_ref())).await.is_ok()
    }

    /// The next frame; `None` where the link has ended. Settings and pings are acknowledged.
    pub async fn next(&mut self) -> Option<Frame> {
        let frame = soon("a frame", read(&mut self.reader)).await?;
        let reply = match frame.kind {
            SETTINGS | PING if frame.flags & ACK != 0 => None,
            SETTINGS => Some(self::frame(SETTINGS, ACK, 0, [])),
            PING => Some(self::frame(PING, ACK, 0, &frame.payload)),
            HEADERS => {
                self.streams.push(frame.stream);
                None
            }
            RST_STREAM => {
                self.resets.push(frame.stream);
                None
            }
            _ => None,
        };
        if let Some(reply) = reply {
            self.try_send(reply).await;
        }
        Some(frame)
    }

    /// The next frame of this kind; `None` where the link ends before it.
    pub async fn next_of(&mut self, kind: u8) -> Option<Frame> {
        while let Some(frame) = self.next().await {
            if frame.kind == kind && (kind != SETTINGS || frame.flags & ACK == 0) {
                return Some(frame);
            }
        }
        None
    }

    /// The stream of the next whole request; `None` where the link ends before one has come.
    pub async fn request(&mut self) -> Option<u32> {
        self.whole_request().await.map(|it| it.0)
    }

    /// The next whole request: its stream, and its body.
    pub async fn whole_request(&mut self) -> Option<(u32, Vec<u8>)> {
        self.whole_request_but(0).await
    }

    /// The same, with what still comes on this stream left out.
    pub async fn whole_request_but(&mut self, answered: u32) -> Option<(u32, Vec<u8>)> {
        let mut body = Vec::new();
        loop {
            let frame = self.next().await?;
            if frame.stream == answered && answered != 0 {
                continue;
            }
            if frame.kind == DATA {
                body.extend(&frame.payload);
                if !frame.payload.is_empty() {
                    let by = u32::try_from(frame.payload.len()).expect("a frame is small");
                    let both = [window_update(0, by), window_update(frame.stream, by)].concat();
                    self.try_send(both).await;
                }
            }
            if frame.is_end() {
                return Some((frame.stream, body));
            }
        }
    }

    /// Answers every request with 200 and this body, to the link's end.
    pub async fn answer_all(&mut self, body: &str) {
        while let Some(stream) = self.request().await {
            if !self.try_send(answer(stream, body)).await {
                return;
            }
        }
    }

    /// Reads to the link's end; gives the code of the GOAWAY that said why, if one did.
    pub async fn ended(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                code = Some(frame.code());
            }
        }
        code
    }

    /// Sends this again and again until the other side has closed; gives the code of its GOAWAY.
    /// At most `times`: afterwards it fails the test.
    pub async fn flood(&mut self, piece: &[u8], times: usize) -> Option<u32> {
        let Self { reader, writer, .. } = self;
        let ended = async {
            let mut code = None;
            while let Some(frame) = read(reader).await {
                if frame.kind == GOAWAY {
                    code = Some(frame.code());
                }
            }
            code
        };
        let flooded = async {
            for _ in 0..times {
                if writer.write_all(piece).await.is_err() {
                    return;
                }
            }
        };
        soon("a flood to end the link", async { tokio::join!(ended, flooded) }).await.0
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.ok()?;
    let number = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], flags: head[4], stream: number, payload })
}

/// Listens on loopback until dropped, and plays a script on each link. A TLS link that agrees on HTTP/1.1
/// gets one answer in it.
pub struct Http2Upstream {
    address: SocketAddr,
    https: bool,
    accepted: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Http2Upstream {
    /// Without TLS, for those who know that it speaks HTTP/2.
    pub async fn start<F, Fut>(script: F) -> Self
    where
        F: Fn(Http2Link) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::listen(script, None).await
    }

    pub async fn tls<F, Fut>(script: F, tls: TlsAcceptor) -> Self
    where
        F: Fn(Http2Link) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::listen(script, Some(tls)).await
    }

    async fn listen<F, Fut>(script: F, tls: Option<TlsAcceptor>) -> Self
    where
        F: Fn(Http2Link) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let accepted = Arc::new(AtomicUsize::new(0));
        let (https, count, script) = (tls.is_some(), Arc::clone(&accepted), Arc::new(script));
        let accepting = tokio::spawn(async move {
            // Links end with the upstream: the set aborts what it holds when it is dropped.
            let mut links = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("a fresh socket takes options");
                let number = count.fetch_add(1, Ordering::SeqCst);
                let (tls, script) = (tls.clone(), Arc::clone(&script));
                links.spawn(async move {
                    let stream: Box<dyn Stream> = match tls {
                        None => Box::new(stream),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) if stream.get_ref().1.alpn_protocol() != Some(b"h2") => {
                                return answer_by_http1(stream).await;
                            }
                            Ok(stream) => Box::new(stream),
                            Err(_) => return,
                        },
                    };
                    let mut link = Http2Link::over(stream, number);
                    let mut preface = [0; PREFACE.len()];
                    if link.reader.read_exact(&mut preface).await.is_ok() {
                        assert_eq!(preface, PREFACE);
                        script(link).await;
                    }
                });
            }
        });
        Self { address, https, accepted, accepting }
    }

    pub fn url(&self) -> String {
        let (scheme, host) =
            if self.https { ("https", "localhost") } else { ("http", "127.0.0.1") };
        format!("{scheme}://{host}:{}", self.address.port())
    }

    /// How many links were ever accepted.
    pub fn links(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// What a link gets that agreed on something else: one answer.
async fn answer_by_http1(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\nby HTTP/1.1";
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

impl Drop for Http2Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
