//! Just enough of HTTP/1.1 to see what was on the wire: nothing is mended, joined or sorted.
use std::io;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;

/// A message's head as its lines stood on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Request line or status line, then one entry per field line.
    pub lines: Vec<String>,
}

impl Head {
    fn parse(bytes: &[u8]) -> Self {
        let text: String = bytes.iter().map(|it| char::from(*it)).collect();
        Self { lines: text.trim_end_matches("\r\n").split("\r\n").map(str::to_owned).collect() }
    }

    pub fn first_line(&self) -> &str {
        &self.lines[0]
    }

    /// Every value of a field, in order, names compared without case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.lines[1..].iter().filter_map(|line| line.split_once(':'));
        fields.filter(|it| it.0.eq_ignore_ascii_case(name)).map(|it| it.1.trim()).collect()
    }

    /// The value of a field that stands once or not at all.
    pub fn field(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() <= 1, "{name} stands {} times in {self:?}", all.len());
        all.first().copied()
    }

    pub fn names(&self) -> Vec<String> {
        let fields = self.lines[1..].iter().filter_map(|line| line.split_once(':'));
        fields.map(|it| it.0.to_ascii_lowercase()).collect()
    }
}

/// A body as it arrived, its framing taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    pub bytes: Vec<u8>,
    pub trailers: Vec<String>,
    /// Whether it ended as its framing says it should.
    pub complete: bool,
}

/// How a body ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

impl Framing {
    pub fn of(head: &Head, without: Framing) -> Self {
        if head.all("transfer-encoding").iter().any(|it| it.eq_ignore_ascii_case("chunked")) {
            return Self::Chunked;
        }
        let length = head.all("content-length").first().and_then(|it| it.parse().ok());
        length.map_or(without, Self::Length)
    }
}

/// A byte stream, with what was read ahead of need.
pub struct Reader<S> {
    pub stream: S,
    ahead: Vec<u8>,
    /// Everything that was ever read, for the tests that look at bytes.
    pub seen: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new(), seen: Vec::new() }
    }

    /// Up to and with the empty line; `None` where the stream ends before.
    pub async fn head(&mut self) -> io::Result<Option<Head>> {
        let found = self.until(b"\r\n\r\n").await?;
        Ok(found.map(|bytes| Head::parse(&bytes)))
    }

    pub async fn body(&mut self, framing: Framing) -> io::Result<Body> {
        match framing {
            Framing::Length(length) => {
                while self.ahead.len() < length && self.more().await? {}
                let complete = self.ahead.len() >= length;
                let bytes = self.ahead.drain(..length.min(self.ahead.len())).collect();
                Ok(Body { bytes, trailers: Vec::new(), complete })
            }
            Framing::Chunked => self.chunks().await,
            Framing::UntilClose => {
                // A reset is not an end: the body is cut short then.
                let mut complete = true;
                loop {
                    match self.more().await {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(_) => {
                            complete = false;
                            break;
                        }
                    }
                }
                let bytes = std::mem::take(&mut self.ahead);
                Ok(Body { bytes, trailers: Vec::new(), complete })
            }
        }
    }

    async fn chunks(&mut self) -> io::Result<Body> {
        let mut body = Body::default();
        loop {
            let Ok(Some(line)) = self.until(b"\r\n").await else { return Ok(body) };
            let line = String::from_utf8_lossy(&line).into_owned();
            let size =
                line.trim().split(';').next().and_then(|it| usize::from_str_radix(it, 16).ok());
            let Some(size) = size else { return Ok(body) };
            if size == 0 {
                break;
            }
            while self.ahead.len() < size + 2 {
                if !matches!(self.more().await, Ok(true)) {
                    let left = size.min(self.ahead.len());
                    body.bytes.extend(self.ahead.drain(..left));
                    return Ok(body);
                }
            }
            body.bytes.extend(self.ahead.drain(..size));
            self.ahead.drain(..2);
        }
        while let Ok(Some(line)) = self.until(b"\r\n").await {
            if line == b"\r\n" {
                body.complete = true;
                break;
            }
            body.trailers.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        Ok(body)
    }

    /// Up to and with `mark`; `None` where the stream ends before.
    pub async fn until(&mut self, mark: &[u8]) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = self.ahead.windows(mark.len()).position(|it| it == mark) {
                return Ok(Some(self.ahead.drain(..at + mark.len()).collect()));
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }

    /// Reads once; `false` at the stream's end.
    async fn more(&mut self) -> io::Result<bool> {
        let mut piece = vec![0; 64 * 1024];
        let count = self.stream.read(&mut piece).await?;
        self.ahead.extend_from_slice(&piece[..count]);
        self.seen.extend_from_slice(&piece[..count]);
        Ok(count > 0)
    }

    /// What was read and not yet asked for.
    pub fn surplus(&self) -> &[u8] {
        &self.ahead
    }
}
