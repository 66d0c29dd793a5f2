//! The demo's own caller: what curl would send.
use super::attempt::Attempt;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::Uri;
use http::header::AUTHORIZATION;
use http::header::HOST;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;

/// Longest that an answer of the demo may take, all of it being on this machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `detail` of a problem (RFC 9457 §3.1.4).
    pub fn detail(&self) -> Option<String> {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        problem.get("detail")?.as_str().map(str::to_owned)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the request can't be written: {0}")]
    Request(String),
    #[error("attache does not take the link: {0}")]
    Link(std::io::Error),
    #[error("the link broke: {0}")]
    Broken(String),
    #[error("no answer within {ANSWER_TIMEOUT:?}")]
    TimedOut,
}

pub async fn send(attempt: &Attempt) -> Result<Answer, SendError> {
    tokio::time::timeout(ANSWER_TIMEOUT, exchange(attempt))
        .await
        .map_err(|_| SendError::TimedOut)?
}

async fn exchange(attempt: &Attempt) -> Result<Answer, SendError> {
    let (authority, request) = request(attempt)?;
    #[expect(clippy::disallowed_methods, reason = "the demo is a caller, and calls attache only")]
    let stream = TcpStream::connect(authority).await.map_err(SendError::Link)?;
    let (mut sender, link) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| SendError::Broken(e.to_string()))?;
    let answer = async {
        let response =
            sender.send_request(request).await.map_err(|e| SendError::Broken(e.to_string()))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|e| SendError::Broken(e.to_string()))?.to_bytes();
        // The link's own future ends when its sender is gone.
        drop(sender);
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    };
    let (answer, _link) = tokio::join!(answer, link);
    answer
}

fn request(attempt: &Attempt) -> Result<(String, Request<Full<Bytes>>), SendError> {
    let uri: Uri = attempt.url.parse().map_err(|_| SendError::Request(attempt.url.clone()))?;
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let target = uri.path_and_query().map_or("/", |it| it.as_str()).to_owned();
    let mut request =
        Request::builder().method(attempt.method).uri(target).header(HOST, &authority);
    for (name, value) in &attempt.headers {
        request = request.header(*name, value);
    }
    if let Some(user) = &attempt.user {
        request = request.header(AUTHORIZATION, format!("Basic {}", BASE64_STANDARD.encode(user)));
    }
    let body = Full::new(Bytes::from_static(attempt.body.unwrap_or_default().as_bytes()));
    let request = request.body(body).map_err(|e| SendError::Request(e.to_string()))?;
    Ok((authority, request))
}
