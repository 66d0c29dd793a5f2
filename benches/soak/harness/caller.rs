//! Callers: some ask at a steady rate, some ask slow upstreams one by one, some hang up.
use super::Shared;
use super::content;
use super::mode;
use super::mode::Mode;
use super::mode::Outcome;
use super::program::CALLER_KEY;
use super::wire;
use super::wire::Head;
use super::wire::Link;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A caller that is this far behind its rate no longer tries to catch up.
const LAG_MAX: Duration = Duration::from_secs(1);

pub struct Callers {
    proxy: SocketAddr,
    shared: Arc<Shared>,
}

type Stop = Arc<AtomicBool>;

/// Waits for these callers to finish what they are at.
pub async fn join(callers: Vec<JoinHandle<()>>) {
    for caller in callers {
        caller.await.expect("a caller does not panic");
    }
}

impl Callers {
    pub fn new(proxy: SocketAddr, shared: &Arc<Shared>) -> Self {
        Self { proxy, shared: Arc::clone(shared) }
    }

    /// Callers of the fast upstreams, at this rate together or without a pause.
    pub fn fast(&self, count: usize, rate: Option<f64>, stop: &Stop) -> Vec<JoinHandle<()>> {
        let pause = rate.map(|it| Duration::from_secs_f64(count as f64 / it));
        self.spawn(count, stop, move |caller| caller.ask(fast, pause))
    }

    /// Callers of upstreams that take their time.
    pub fn slow(&self, count: usize, stop: &Stop) -> Vec<JoinHandle<()>> {
        self.spawn(count, stop, move |caller| caller.ask(slow, None))
    }

    /// Callers that hang up.
    pub fn rude(&self, count: usize, stop: &Stop) -> Vec<JoinHandle<()>> {
        self.spawn(count, stop, Caller::hang_up)
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        count: usize,
        stop: &Stop,
        body: impl Fn(Caller) -> F,
    ) -> Vec<JoinHandle<()>> {
        let caller = |index| Caller {
            proxy: self.proxy,
            shared: Arc::clone(&self.shared),
            stop: Arc::clone(stop),
            index,
        };
        (0..count).map(|it| tokio::spawn(body(caller(it)))).collect()
    }
}

struct Caller {
    proxy: SocketAddr,
    shared: Arc<Shared>,
    stop: Stop,
    index: usize,
}

/// A quarter of the requests has a body, of the large ones half.
fn is_post(id: usize, mode: Mode) -> bool {
    let bits = content::mixed(id) >> 10;
    if mode.is_large() { bits & 1 == 0 } else { bits & 3 == 0 }
}

fn fast(id: usize) -> (Mode, bool) {
    let mut ticket = content::mixed(id ^ 0x7777) % 1000;
    for mode in mode::ALL {
        if ticket < mode.weight() {
            return (mode, is_post(id, mode));
        }
        ticket -= mode.weight();
    }
    (Mode::Good, is_post(id, Mode::Good))
}

fn slow(id: usize) -> (Mode, bool) {
    let mode = match content::mixed(id ^ 0x7777) % 8 {
        0..4 => Mode::Slow,
        4..7 => Mode::Dripping,
        _ => Mode::Hanging,
    };
    (mode, is_post(id, mode))
}

fn any(id: usize) -> (Mode, bool) {
    let mode = mode::ALL[(content::mixed(id ^ 0x9999) % mode::ALL.len() as u64) as usize];
    (mode, is_post(id, mode))
}

impl Caller {
    async fn ask(self, pick: fn(usize) -> (Mode, bool), pause: Option<Duration>) {
        let (mut link, mut body) = (None, Vec::new());
        let mut due = Instant::now();
        if let Some(pause) = pause {
            // Spread over the pause, so that they do not all ask at once.
            due += pause.mul_f64((content::mixed(self.index) % 1000) as f64 / 1000.0);
        }
        while !self.stop.load(Ordering::Relaxed) {
            if let Some(pause) = pause {
                let now = Instant::now();
                if due > now {
                    tokio::time::sleep_until(due).await;
                }
                due = (due + pause).max(now.checked_sub(LAG_MAX).unwrap_or(now));
            }
            let Some((id, mode, post)) = self.shared.ledger.issue(pick, false) else { return };
            let outcome = match link.take() {
                None => self.open().await,
                Some(link) => Ok(link),
            };
            let outcome = match outcome {
                Ok(open) => exchange(open, id, mode, post, &mut body).await,
                Err(_) => (Outcome::Changed("no link to attache"), None),
            };
            link = outcome.1;
            self.shared.ledger.end(id, mode, &outcome.0);
        }
    }

    async fn open(&self) -> io::Result<Link> {
        TcpStream::connect(self.proxy).await.map(Link::new)
    }

    /// Asks, and is gone: within the head, within the body, before the answer, or within it.
    async fn hang_up(self) {
        while !self.stop.load(Ordering::Relaxed) {
            let Some((id, mode, post)) = self.shared.ledger.issue(any, true) else { return };
            if let Ok(link) = self.open().await {
                // Whatever becomes of it: nobody listens.
                drop(self.leave(link, id, mode, post).await);
            }
            self.shared.ledger.hung_up(id, mode);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn leave(&self, mut link: Link, id: usize, mode: Mode, post: bool) -> io::Result<()> {
        let (bytes, bits) = (request(id, mode, post), content::mixed(id ^ 0x1357));
        match bits % 4 {
            0 => link.write(&bytes[..bytes.len().min(60)]).await?,
            1 => link.write(&bytes[..bytes.len() - 1]).await?,
            2 => link.write(&bytes).await?,
            _ => {
                link.write(&bytes).await?;
                drop(tokio::time::timeout(Duration::from_millis(300), link.head()).await);
            }
        }
        tokio::time::sleep(Duration::from_millis(bits >> 8 & 31)).await;
        if bits & 0x100 == 0 {
            wire::reset(link.into_stream());
        }
        Ok(())
    }
}

fn request(id: usize, mode: Mode, post: bool) -> Vec<u8> {
    let (method, body) =
        if post { ("POST", content::request(id, mode.is_large())) } else { ("GET", &[][..]) };
    let length = if post { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
    let mut bytes = format!(
        "{method} /soak/{id}?of={} HTTP/1.1\r\nHost: soak\r\nAttache-Key: {CALLER_KEY}\r\n\
         Attache-Connection: {}\r\nSoak-Id: {id}\r\n{length}\r\n",
        mode.index(),
        mode.name()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// One exchange, and the link where it can carry another.
async fn exchange(
    mut link: Link,
    id: usize,
    mode: Mode,
    post: bool,
    body: &mut Vec<u8>,
) -> (Outcome, Option<Link>) {
    // An early answer may cut a request short: what counts is the answer.
    let sent = link.write(&request(id, mode, post)).await.is_ok();
    let head = match link.head().await {
        Ok(Some(head)) => head,
        Ok(None) | Err(_) => return (Outcome::Nothing, None),
    };
    let whole = link.body(&head, body).await.is_ok();
    let outcome = judge(&head, id, mode, body, whole);
    let goes_on = whole && sent && head.field("connection").is_none_or(|it| it != "close");
    (outcome, goes_on.then_some(link))
}

fn judge(head: &Head, id: usize, mode: Mode, body: &[u8], whole: bool) -> Outcome {
    let status = head.line.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
    if let Some(code) = head.field("attache-error") {
        let code = code.to_owned();
        return if whole {
            Outcome::Refused(status, code)
        } else {
            Outcome::Changed("half a refusal")
        };
    }
    let expected = content::answer(id, mode.is_large());
    if head.field("soak-id").and_then(|it| it.parse().ok()) != Some(id) {
        Outcome::Changed("another request's answer")
    } else if whole && body == expected {
        Outcome::Answered(status)
    } else if !whole && expected.starts_with(body) {
        Outcome::BrokenOff
    } else {
        Outcome::Changed("other bytes")
    }
}
