//! Just enough of HTTP/1.1, for callers and for upstreams.
use std::io;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Longest head that either side sends.
const HEAD_MAX: usize = 16 * 1024;

/// How a link closes: with a reset, and nothing of what was sent before is sure to be read.
pub fn reset(stream: TcpStream) {
    let _ = stream.set_zero_linger();
}

pub struct Link {
    stream: TcpStream,
    ahead: Vec<u8>,
}

/// A head as text, its names in lower case.
pub struct Head {
    pub line: String,
    fields: Vec<(String, String)>,
}

impl Head {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }

    pub fn length(&self) -> usize {
        self.field("content-length").and_then(|it| it.parse().ok()).unwrap_or_default()
    }

    pub fn is_chunked(&self) -> bool {
        self.field("transfer-encoding").is_some_and(|it| it.eq_ignore_ascii_case("chunked"))
    }
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Link {
    pub fn new(stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true);
        Self { stream, ahead: Vec::with_capacity(HEAD_MAX) }
    }

    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.ahead.reserve(HEAD_MAX);
        self.stream.read_buf(&mut self.ahead).await
    }

    /// The next head; none where the link ends before its first byte.
    pub async fn head(&mut self) -> io::Result<Option<Head>> {
        let mut looked = 0;
        let end = loop {
            let found = self.ahead[looked..].windows(4).position(|it| it == b"\r\n\r\n");
            if let Some(at) = found {
                break looked + at;
            }
            looked = self.ahead.len().saturating_sub(3);
            if self.ahead.len() > HEAD_MAX {
                return Err(broken("a head without an end"));
            }
            if self.more().await? == 0 {
                return if self.ahead.is_empty() { Ok(None) } else { Err(broken("half a head")) };
            }
        };
        let text = String::from_utf8_lossy(&self.ahead[..end]).into_owned();
        self.ahead.drain(..end + 4);
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields = lines
            .filter_map(|it| it.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Ok(Some(Head { line, fields }))
    }

    /// The whole body that belongs to this head, or what came of it and an error.
    pub async fn body(&mut self, head: &Head, into: &mut Vec<u8>) -> io::Result<()> {
        into.clear();
        if !head.is_chunked() {
            return self.take(head.length(), into).await;
        }
        loop {
            let size = usize::from_str_radix(&self.line().await?, 16)
                .map_err(|_| broken("a chunk's size"))?;
            if size == 0 {
                while !self.line().await?.is_empty() {}
                return Ok(());
            }
            self.take(size, into).await?;
            if !self.line().await?.is_empty() {
                return Err(broken("a chunk's end"));
            }
        }
    }

    async fn take(&mut self, mut count: usize, into: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let here = count.min(self.ahead.len());
            into.extend_from_slice(&self.ahead[..here]);
            self.ahead.drain(..here);
            count -= here;
            if count == 0 {
                return Ok(());
            }
            if self.more().await? == 0 {
                return Err(broken("half a body"));
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = self.ahead.windows(2).position(|it| it == b"\r\n") {
                let line = String::from_utf8_lossy(&self.ahead[..at]).into_owned();
                self.ahead.drain(..at + 2);
                return Ok(line);
            }
            if self.ahead.len() > HEAD_MAX || self.more().await? == 0 {
                return Err(broken("half a line"));
            }
        }
    }
}
