//! A caller that sends exactly the bytes it is given.
use super::soon;
use super::wire::Body;
use super::wire::Framing;
use super::wire::Head;
use super::wire::Reader;
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// One answer, as it stood on the wire.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub head: Head,
    pub body: Vec<u8>,
    pub trailers: Vec<String>,
    /// False where the answer broke off before its framing's end.
    pub complete: bool,
    /// Statuses of the interim answers before it.
    pub interim: Vec<u16>,
}

impl Response {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field(name)
    }

    /// The code of attache's own answer; empty where it is not one.
    pub fn error(&self) -> &str {
        self.head.field("attache-error").unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of an answer that attache made itself, checked to be whole: header, status and body agree.
    pub fn code(&self) -> Option<String> {
        let code = self.field("attache-error")?.to_owned();
        assert_eq!(self.field("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: serde_json::Value =
            serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        assert_eq!(problem["code"], code.as_str(), "{self:?}");
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert_eq!(problem["request_id"].as_str(), self.field("attache-request-id"), "{self:?}");
        Some(code)
    }
}

pub struct RawClient {
    reader: Reader<TcpStream>,
}

impl RawClient {
    pub async fn connect(to: SocketAddr) -> Self {
        let stream = soon("a link to be accepted", TcpStream::connect(to)).await;
        let stream = stream.unwrap_or_else(|e| panic!("no link to {to}: {e}"));
        stream.set_nodelay(true).expect("a fresh socket takes options");
        Self { reader: Reader::new(stream) }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon("bytes to be taken", self.reader.stream.write_all(bytes.as_ref()))
            .await
            .expect("the other side takes the bytes");
    }

    /// Sends what the other side may refuse by closing in the middle of it.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        soon("bytes to be taken", self.reader.stream.write_all(bytes.as_ref())).await.is_ok()
    }

    /// Says that nothing more comes, and keeps reading.
    pub async fn finish(&mut self) {
        self.reader.stream.shutdown().await.expect("an open link can be half closed");
    }

    /// The next answer; `None` where the link ends without one.
    pub async fn response(&mut self) -> Option<Response> {
        self.response_to("GET").await
    }

    /// An answer to HEAD has no body, whatever its head says (RFC 9112 §6.3).
    pub async fn response_to(&mut self, method: &str) -> Option<Response> {
        let mut interim = Vec::new();
        loop {
            let head = soon("a response head", self.reader.head()).await.ok()??;
            let status = status(&head);
            if (100..200).contains(&status) && status != 101 {
                interim.push(status);
                continue;
            }
            let bodiless = method == "HEAD" || matches!(status, 101 | 204 | 304);
            let body = if bodiless {
                Body { complete: true, ..Body::default() }
            } else {
                let framing = Framing::of(&head, Framing::UntilClose);
                soon("a response body", self.reader.body(framing)).await.unwrap_or_default()
            };
            let Body { bytes, trailers, complete } = body;
            return Some(Response { status, head, body: bytes, trailers, complete, interim });
        }
    }

    /// Waits for this many bytes beyond what was read as answers, as after a 101.
    pub async fn bytes(&mut self, count: usize) -> Vec<u8> {
        soon("bytes of a tunnel", self.reader.body(Framing::Length(count)))
            .await
            .expect("the link stays open")
            .bytes
    }

    /// Reads until `mark` has come; gives everything up to and with it.
    pub async fn bytes_until(&mut self, mark: &str) -> String {
        let found =
            soon(mark, self.reader.until(mark.as_bytes())).await.expect("the link stays open");
        let found = found.unwrap_or_else(|| panic!("the link ended before {mark:?}"));
        String::from_utf8_lossy(&found).into_owned()
    }

    /// Everything up to the end of the link.
    pub async fn rest(&mut self) -> Vec<u8> {
        soon("the link to end", self.reader.body(Framing::UntilClose))
            .await
            .unwrap_or_default()
            .bytes
    }

    /// Closes with a reset, so that the other side sees a caller that is gone.
    pub fn hang_up(self) {
        socket2::SockRef::from(&self.reader.stream)
            .set_linger(Some(std::time::Duration::ZERO))
            .expect("an open socket takes options");
    }
}

/// One link, these bytes, one answer.
pub async fn raw_request(to: SocketAddr, bytes: impl AsRef<[u8]>) -> Response {
    let bytes = bytes.as_ref();
    let mut client = RawClient::connect(to).await;
    client.try_send(bytes).await;
    let method = bytes.split(|it| *it == b' ').next().unwrap_or_default();
    let answer = client.response_to(&String::from_utf8_lossy(method)).await;
    answer.unwrap_or_else(|| {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        panic!("the link ended without an answer to {start:?}")
    })
}

fn status(head: &Head) -> u16 {
    let line = head.first_line();
    let code = line.split(' ').nth(1).and_then(|it| it.parse().ok());
    code.unwrap_or_else(|| panic!("not a status line: {line:?}"))
}
