//! Callers that ask for tenants, and the third party that answers.
use super::Result;
use super::tenant;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub(super) const KEY: &str = "the-bench-s-own-key-0123";

/// Links of a warm round.
const LINKS: u32 = 64;

/// Where attache is asked.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    pub(super) proxy: SocketAddr,
}

/// How long requests took, shortest first.
pub(super) struct Times(Vec<Duration>);

impl Times {
    pub(super) fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    fn ms(&self, share: f64) -> f64 {
        let index = ((self.0.len() - 1) as f64 * share) as usize;
        self.0[index].as_secs_f64() * 1e3
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} / {:.2} / {:.2} ms", self.ms(0.5), self.ms(0.99), self.ms(1.0))
    }
}

impl Caller {
    pub(super) async fn one_by_one(
        self,
        all: impl Iterator<Item = (&'static str, u32)>,
    ) -> Result<Times> {
        let mut link = Link::open(self.proxy).await?;
        let mut times = Vec::new();
        for (connection, number) in all {
            let since = Instant::now();
            link.ask(connection, number).await?;
            times.push(since.elapsed());
        }
        Ok(Times::of(times))
    }

    /// Over so many links, each with its share of the tenants.
    pub(super) async fn at_once(
        self,
        connection: &'static str,
        links: usize,
        all: Vec<u32>,
    ) -> Result<Times> {
        let mut asking = JoinSet::new();
        for share in all.chunks(all.len().div_ceil(links)).map(<[u32]>::to_vec) {
            asking.spawn(async move {
                let times = self.one_by_one(share.into_iter().map(|it| (connection, it))).await;
                times.map_err(|it| it.to_string())
            });
        }
        let mut times = Vec::new();
        for asked in asking.join_all().await {
            times.extend(asked?.0);
        }
        Ok(Times::of(times))
    }

    /// Requests per second for tenants that are in memory.
    pub(super) async fn rate(
        self,
        connection: &'static str,
        tenants: u32,
        time: Duration,
    ) -> Result<f64> {
        let answered = Arc::new(AtomicU64::new(0));
        let until = Instant::now() + time;
        let mut asking = JoinSet::new();
        for link in 0..LINKS {
            let answered = Arc::clone(&answered);
            asking.spawn(async move {
                let mut number = link * 13;
                let mut link = Link::open(self.proxy).await.map_err(|it| it.to_string())?;
                while Instant::now() < until {
                    number = (number + 7) % tenants;
                    link.ask(connection, number).await.map_err(|it| it.to_string())?;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<(), String>(())
            });
        }
        for asked in asking.join_all().await {
            asked?;
        }
        Ok(answered.load(Ordering::Relaxed) as f64 / time.as_secs_f64())
    }
}

struct Link {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Link {
    async fn open(proxy: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(proxy).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, bytes: vec![0; 4096] })
    }

    /// One request for this tenant, and the whole of its answer, which has to be the upstream's.
    async fn ask(&mut self, connection: &str, number: u32) -> Result<()> {
        let tenant = tenant(number);
        let request = format!(
            "GET / HTTP/1.1\r\nHost: g\r\nAttache-Key: {KEY}\r\nAttache-Connection: {connection}\r\n\
             Attache-Tenant: {tenant}\r\n\r\n"
        );
        self.stream.write_all(request.as_bytes()).await?;
        let mut have = 0;
        loop {
            let count = self.stream.read(&mut self.bytes[have..]).await?;
            have += count;
            let text = &self.bytes[..have];
            if count == 0 || (text.ends_with(b"\n.") && text.windows(4).any(|it| it == b"\r\n\r\n"))
            {
                break;
            }
        }
        let answer = String::from_utf8_lossy(&self.bytes[..have]);
        if answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&format!("token-of-{tenant}\n."))
        {
            return Ok(());
        }
        Err(format!("{connection} of {tenant}: {answer}").into())
    }
}

/// Answers each request with the credential that it came with.
pub(super) async fn upstream() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    Ok(address)
}

async fn answer(mut stream: TcpStream) {
    let mut bytes = vec![0; 4096];
    let mut have = 0;
    // attache sends one request at a time on a link.
    while let Ok(count @ 1..) = stream.read(&mut bytes[have..]).await {
        have += count;
        if !bytes[..have].ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes[..have]);
        let token =
            text.split("Bearer ").nth(1).and_then(|it| it.split('\r').next()).unwrap_or_default();
        let body = format!("{token}\n.");
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        have = 0;
    }
}
