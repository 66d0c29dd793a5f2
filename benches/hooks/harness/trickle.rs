//! Senders that have a byte a second: half of them are never done with their head, half with their body.
use super::wire::Link;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

const PAUSE: Duration = Duration::from_secs(1);

/// What they trickle into: more than they come to.
const HEAD: &str = "POST /hooks/hooks HTTP/1.1\r\nHost: flood\r\nX-GitHub-Delivery: ";
const BODY: &str = "POST /hooks/hooks HTTP/1.1\r\nHost: flood\r\nX-Hub-Signature-256: sha256=\
    0000000000000000000000000000000000000000000000000000000000000000\r\n\
    X-GitHub-Delivery: trickle\r\nContent-Length: 1024\r\n\r\n";

#[derive(Clone, Debug, Default)]
pub struct Trickled {
    /// Links that were open when it was over.
    pub open: usize,
    pub bytes: u64,
    /// How links ended before, by what attache said.
    pub ended: BTreeMap<String, u64>,
}

pub async fn run(senders: usize, to: SocketAddr, time: Duration) -> Trickled {
    let (began, mut tasks) = (Instant::now(), JoinSet::new());
    for index in 0..senders {
        let offset = PAUSE.mul_f64(index as f64 / senders as f64);
        let start = if index % 2 == 0 { HEAD } else { BODY };
        tasks.spawn_local(trickle(start, to, began + offset, began + time));
    }
    let mut all = Trickled::default();
    while let Some(one) = tasks.join_next().await {
        let one = one.expect("a sender does not panic");
        all.open += one.open;
        all.bytes += one.bytes;
        for (said, count) in one.ended {
            *all.ended.entry(said).or_default() += count;
        }
    }
    all
}

/// Again and again, whenever attache has had enough of a link.
async fn trickle(start: &str, to: SocketAddr, from: Instant, end: Instant) -> Trickled {
    let mut told = Trickled::default();
    tokio::time::sleep_until(from).await;
    while Instant::now() < end {
        match one(start, to, end, &mut told.bytes).await {
            Ok(None) => told.open += 1,
            Ok(Some(said)) => *told.ended.entry(said).or_default() += 1,
            Err(error) => *told.ended.entry(error.kind().to_string()).or_default() += 1,
        }
    }
    told
}

/// One link until its end, and what was said; none where it was open still when time was up.
async fn one(
    start: &str,
    to: SocketAddr,
    end: Instant,
    bytes: &mut u64,
) -> io::Result<Option<String>> {
    let mut link = Link::new(TcpStream::connect(to).await?);
    link.write(start.as_bytes()).await?;
    loop {
        let next = Instant::now() + PAUSE;
        match tokio::time::timeout_at(next.min(end), link.head()).await {
            Ok(head) => {
                let said = head?.map_or("closed".to_owned(), |it| {
                    let status = it.line.split(' ').nth(1).unwrap_or_default();
                    format!("{status} {}", it.field("attache-error").unwrap_or_default())
                });
                return Ok(Some(said));
            }
            Err(_) if next >= end => return Ok(None),
            Err(_) => {
                link.write(b"x").await?;
                *bytes += 1;
            }
        }
    }
}
