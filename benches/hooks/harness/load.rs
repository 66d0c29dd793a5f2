//! Requests on a number of links: at a rate, or each as soon as the one before is answered.
use super::content;
use super::content::Size;
use super::latencies::Latencies;
use super::ledger::Ledger;
use super::program::Addresses;
use super::program::CALLER_KEY;
use super::wire::Head;
use super::wire::Link;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What is sent, and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub kind: Kind,
    pub size: Size,
    pub links: usize,
    /// Requests per second on all links together. A link that is behind sends without a pause.
    pub rate: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A delivery, signed as GitHub signs.
    Delivery,
    /// A proxied POST of the same body to the same target.
    Proxied,
    /// A proxied GET to a target that has nothing else to do: what is measured while others flood.
    Steady,
}

/// What became of a load.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub answered: u64,
    /// What was answered otherwise, or not at all, by what was said.
    pub failed: BTreeMap<String, u64>,
    pub latencies: Latencies,
}

impl Outcome {
    fn merge(&mut self, other: Self) {
        self.answered += other.answered;
        self.latencies.merge(other.latencies);
        for (said, count) in other.failed {
            *self.failed.entry(said).or_default() += count;
        }
    }

    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

impl Load {
    pub async fn run(self, to: Addresses, ledger: Arc<Ledger>, time: Duration) -> Outcome {
        let (began, mut senders) = (Instant::now(), JoinSet::new());
        for index in 0..self.links {
            let sender = Sender {
                load: self,
                to: if self.kind == Kind::Delivery { to.public } else { to.proxy },
                ledger: Arc::clone(&ledger),
                outcome: Outcome::default(),
                link: None,
                room: Vec::new(),
            };
            // Spread over the pause, so that they do not all send at once.
            let offset = self.pause().unwrap_or_default().mul_f64(index as f64 / self.links as f64);
            senders.spawn_local(sender.run(began + offset, began + time));
        }
        let mut outcome = Outcome::default();
        while let Some(sender) = senders.join_next().await {
            outcome.merge(sender.expect("a sender does not panic"));
        }
        outcome
    }

    /// Between two requests of one link.
    fn pause(&self) -> Option<Duration> {
        self.rate.map(|it| Duration::from_secs_f64(self.links as f64 / it))
    }

    /// A request's head, and its body unless it has none.
    fn request<'a>(&self, id: usize, room: &'a mut Vec<u8>) -> (String, &'a [u8]) {
        let caller = format!("Host: flood\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection:");
        let fields = match self.kind {
            Kind::Steady => {
                return (format!("GET /steady HTTP/1.1\r\n{caller} steady\r\n\r\n"), &[]);
            }
            Kind::Proxied => format!("POST /in HTTP/1.1\r\n{caller} proxied\r\n"),
            Kind::Delivery => format!(
                "POST /hooks/hooks HTTP/1.1\r\nHost: flood\r\nX-Hub-Signature-256: {}\r\n",
                content::signed(id, self.size, room)
            ),
        };
        let body = content::body(id, self.size, room);
        let length = body.len();
        (format!("{fields}X-GitHub-Delivery: {id}\r\nContent-Length: {length}\r\n\r\n"), body)
    }
}

/// One link.
struct Sender {
    load: Load,
    to: SocketAddr,
    ledger: Arc<Ledger>,
    outcome: Outcome,
    link: Option<Link>,
    room: Vec<u8>,
}

impl Sender {
    async fn run(mut self, mut due: Instant, end: Instant) -> Outcome {
        let pause = self.load.pause();
        loop {
            let mut from = Instant::now();
            if pause.is_some() {
                if due > from {
                    tokio::time::sleep_until(due).await;
                    from = Instant::now();
                } else {
                    // Its turn came while the answer before was out: that wait is part of its own.
                    from = due;
                }
            }
            if Instant::now() >= end {
                return self.outcome;
            }
            due += pause.unwrap_or_default();
            let Some(id) = self.number() else { return self.outcome };
            match self.exchange(id).await {
                Ok(head) => self.answered(id, &head, from.elapsed()),
                Err(error) => {
                    *self.outcome.failed.entry(error.kind().to_string()).or_default() += 1;
                }
            }
        }
    }

    fn number(&self) -> Option<usize> {
        if self.load.kind == Kind::Steady { Some(0) } else { self.ledger.issue() }
    }

    fn answered(&mut self, id: usize, head: &Head, took: Duration) {
        let status = head.line.split(' ').nth(1).unwrap_or_default();
        let counts = self.load.kind != Kind::Steady;
        if status == "200" {
            self.outcome.answered += 1;
            self.outcome.latencies.add(took);
            if counts {
                self.ledger.accepted(id);
            }
            return;
        }
        let code = head.field("attache-error").unwrap_or_default();
        *self.outcome.failed.entry(format!("{status} {code}")).or_default() += 1;
        // What the target has said or left unsaid may have arrived.
        if counts && !code.is_empty() && !code.starts_with("upstream") {
            self.ledger.refused(id);
        }
    }

    async fn exchange(&mut self, id: usize) -> io::Result<Head> {
        let mut link = match self.link.take() {
            Some(link) => link,
            None => Link::new(TcpStream::connect(self.to).await?),
        };
        let (head, body) = self.load.request(id, &mut self.room);
        // An early answer may cut a request short: what counts is the answer.
        let sent = if body.len() <= 1 << 10 {
            link.write(&[head.as_bytes(), body].concat()).await
        } else {
            async {
                link.write(head.as_bytes()).await?;
                link.write(body).await
            }
            .await
        };
        let head = link.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        link.body(&head, &mut self.room).await?;
        if sent.is_ok() && head.field("connection").is_none_or(|it| it != "close") {
            self.link = Some(link);
        }
        Ok(head)
    }
}
