//! An authorization server that answers as it is told, one answer after the other, on a real socket.
use super::rotating::Rotating;
use super::soon;
use super::wire::Framing;
use super::wire::Head;
use super::wire::Reader;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use socket2::SockRef;
use socket2::Socket;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What it says to one request.
#[derive(Clone)]
pub struct Says {
    status: u16,
    fields: String,
    body: String,
    /// Says nothing before this.
    gate: Option<Arc<Notify>>,
    /// And is late by so much.
    late: Duration,
    ends: Ends,
}

/// How an answer ends, and its link.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// As it should: the link is kept.
    Whole,
    /// It closes in the middle of the body.
    Cut,
    /// It closes instead of answering.
    Closed,
    /// It resets the link instead of answering.
    Reset,
}

impl Says {
    pub fn status(status: u16, body: &str) -> Self {
        let fields = "Content-Type: application/json\r\n".to_owned();
        let (body, late, ends) = (body.to_owned(), Duration::ZERO, Ends::Whole);
        Self { status, fields, body, gate: None, late, ends }
    }

    pub fn token(token: &str) -> Self {
        Self::json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 }))
    }

    pub fn json(body: serde_json::Value) -> Self {
        Self::status(200, &body.to_string())
    }

    pub fn error(status: u16, error: &str) -> Self {
        Self::status(status, &json!({ "error": error }).to_string())
    }

    /// Instead of the usual fields: each ends in `\r\n`.
    pub fn with(mut self, fields: &str) -> Self {
        self.fields = fields.to_owned();
        self
    }

    pub fn after(mut self, gate: &Arc<Notify>) -> Self {
        self.gate = Some(Arc::clone(gate));
        self
    }

    /// By so much later.
    pub fn late(self, late: Duration) -> Self {
        Self { late, ..self }
    }

    /// Says that there is more of it, and closes.
    pub fn cut(self) -> Self {
        Self { ends: Ends::Cut, ..self }
    }

    /// Takes the request, and closes without a word.
    pub fn nothing() -> Self {
        Self { ends: Ends::Closed, ..Self::status(200, "") }
    }

    /// Takes the request, and resets the link.
    pub fn reset() -> Self {
        Self { ends: Ends::Reset, ..Self::status(200, "") }
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub head: Head,
    pub body: String,
    /// Shown in the handshake, in DER.
    pub certificate: Option<Vec<u8>>,
    pub at: Instant,
}

impl Asked {
    /// `POST /token`.
    pub fn line(&self) -> String {
        self.head.first_line().trim_end_matches(" HTTP/1.1").to_owned()
    }

    /// The value of a parameter of the body, or of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let line = self.line();
        let query = line.split_once('?').map_or("", |it| it.1);
        let pairs = url::form_urlencoded::parse(self.body.as_bytes());
        let mut pairs = pairs.chain(url::form_urlencoded::parse(query.as_bytes()));
        pairs.find(|it| it.0 == name).map(|it| it.1.into_owned())
    }

    /// What stands behind `Basic`, decoded.
    pub fn basic(&self) -> Option<String> {
        let encoded = self.head.field("authorization")?.strip_prefix("Basic ")?;
        String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()
    }
}

struct Shared {
    says: Mutex<VecDeque<Says>>,
    /// Instead of these.
    rotating: Option<Rotating>,
    asked: Mutex<Vec<Asked>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    changed: Notify,
}

/// Listens on loopback until dropped. The last answer is repeated.
pub struct Provider {
    url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Provider {
    pub async fn start(says: impl IntoIterator<Item = Says>) -> Self {
        Self::started(says.into_iter().collect(), None, None).await
    }

    /// For `https://localhost`.
    pub async fn tls(says: impl IntoIterator<Item = Says>, tls: TlsAcceptor) -> Self {
        Self::started(says.into_iter().collect(), None, Some(tls)).await
    }

    /// One whose tokens are used up by being used.
    pub async fn rotating(rotating: Rotating) -> Self {
        Self::started(VecDeque::new(), Some(rotating), None).await
    }

    /// Of one that rotates: what it knows.
    pub fn families(&self) -> &Rotating {
        self.shared.rotating.as_ref().expect("it rotates")
    }

    async fn started(
        says: VecDeque<Says>,
        rotating: Option<Rotating>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            says: Mutex::new(says),
            rotating,
            asked: Mutex::default(),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            changed: Notify::new(),
        });
        let url = match tls {
            None => format!("http://{address}"),
            Some(_) => format!("https://localhost:{}", address.port()),
        };
        let accepting = tokio::spawn(accept(listener, tls, Arc::clone(&shared)));
        Self { url, shared, accepting }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on it says this.
    pub fn says(&self, says: impl IntoIterator<Item = Says>) {
        *self.shared.says.lock().expect("no holder panics") = says.into_iter().collect();
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("no holder panics").clone()
    }

    /// The only one.
    pub fn asked_once(&self) -> Asked {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked[0].clone()
    }

    pub fn most_at_once(&self) -> usize {
        self.shared.most_at_once.load(SeqCst)
    }

    /// Waits until it was asked so often.
    pub async fn was_asked(&self, count: usize) {
        let told = async {
            loop {
                let changed = self.shared.changed.notified();
                if self.asked().len() >= count {
                    return;
                }
                changed.await;
            }
        };
        soon("a token request", told).await;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut links = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        let socket = SockRef::from(&stream).try_clone().expect("a link can be held twice");
        links.spawn(async move {
            let Some(tls) = tls else { return serve(stream, socket, None, &shared).await };
            // Whoever shows no certificate that is good gets no further.
            let Ok(stream) = tls.accept(stream).await else { return };
            let certificates = stream.get_ref().1.peer_certificates();
            let certificate = certificates.and_then(|it| it.first()).map(|it| it.to_vec());
            serve(stream, socket, certificate, &shared).await;
        });
    }
}

/// `socket`: the link below.
async fn serve<S>(stream: S, socket: Socket, certificate: Option<Vec<u8>>, shared: &Shared)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut reader = Reader::new(stream);
    while let Ok(Some(head)) = reader.head().await {
        let framing = Framing::of(&head, Framing::Length(0));
        let Ok(body) = reader.body(framing).await else { return };
        let body = String::from_utf8_lossy(&body.bytes).into_owned();
        let now = shared.at_once.fetch_add(1, SeqCst) + 1;
        shared.most_at_once.fetch_max(now, SeqCst);
        let asked = Asked { head, body, certificate: certificate.clone(), at: Instant::now() };
        let says = if let Some(rotating) = &shared.rotating {
            let says = rotating.answer(&asked);
            shared.asked.lock().expect("no holder panics").push(asked);
            says
        } else {
            let mut all = shared.says.lock().expect("no holder panics");
            let next = all.pop_front().expect("a provider has something to say");
            if all.is_empty() {
                all.push_back(next.clone());
            }
            shared.asked.lock().expect("no holder panics").push(asked);
            next
        };
        shared.changed.notify_waiters();
        if let Some(gate) = &says.gate {
            gate.notified().await;
        }
        if !says.late.is_zero() {
            tokio::time::sleep(says.late).await;
        }
        shared.at_once.fetch_sub(1, SeqCst);
        let more = match says.ends {
            Ends::Whole => 0,
            Ends::Cut => 1,
            Ends::Closed => return,
            Ends::Reset => {
                let now = socket.set_linger(Some(Duration::ZERO));
                return now.expect("an open socket takes options");
            }
        };
        let (status, fields, body) = (says.status, &says.fields, &says.body);
        let length = body.len() + more;
        let answer =
            format!("HTTP/1.1 {status} X\r\n{fields}Content-Length: {length}\r\n\r\n{body}");
        let is_sent = reader.stream.write_all(answer.as_bytes()).await.is_ok();
        if !is_sent || says.ends == Ends::Cut {
            return;
        }
    }
}
