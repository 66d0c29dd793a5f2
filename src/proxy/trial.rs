//! A request that is tried out: through everything that callers' requests go through, and looked at on its way.
use super::Proxy;
use super::body::InBody;
use super::cleared::Eraser;
use super::witness::Seen;
use super::witness::Witness;
use crate::model::Code;
use crate::server::Link;
use crate::server::RequestBody;
use crate::server::Watch;
use crate::server::Worker;
use crate::telemetry::SentHead;
use crate::telemetry::Trial;
use crate::telemetry::Tried;
use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::header;
use http_body::Body;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// Most of an answer's body that is kept, in bytes.
const KEPT_MAX: usize = 1 << 20;

/// Most of one that is read, in bytes: so much is told of its length, and then the link is cut.
const READ_MAX: u64 = 16 << 20;

/// How much longer than its time a trial is waited for: its own deadlines are noticed late by a tick.
const GRACE: Duration = Duration::from_secs(2);

/// A body, as far as it came.
#[derive(Default)]
struct Read {
    kept: Vec<u8>,
    bytes: u64,
    is_cut: bool,
}

impl Proxy {
    /// Sends it as a caller would that may use everything. None where it did not come to an end in its time.
    pub async fn try_out(self: Rc<Self>, trial: Trial, worker: Rc<Worker>) -> Option<Tried> {
        let time = trial.timeout + GRACE;
        tokio::time::timeout(time, self.tried(trial, &worker)).await.ok().flatten()
    }

    async fn tried(self: Rc<Self>, trial: Trial, worker: &Rc<Worker>) -> Option<Tried> {
        let link = Link::inside(worker);
        let watch = Rc::clone(&link.watch);
        let mut request = Request::new(RequestBody::kept(trial.body, Rc::clone(&watch)));
        *request.method_mut() = trial.method;
        *request.uri_mut() = trial.target;
        *request.headers_mut() = trial.headers;
        let witness = Rc::new(Witness::default());
        let answered = self.answered(request, link, Some(Rc::clone(&witness))).await;
        let (mut head, body) = answered.ok()?.into_parts();
        let longest = witness.longest();
        let read = read(body, &watch, KEPT_MAX + longest).await;
        // The body is gone, and so the account of the exchange is closed.
        let Seen { sent, secrets, exchange, path } = witness.take_seen()?;
        let is_withheld = !secrets.is_empty() && is_encoded(&head.headers);
        let kept = if is_withheld { Vec::new() } else { read.kept };
        let is_part = read.is_cut || read.bytes > kept.len() as u64;
        // Not here: other exchanges wait for this thread.
        let erasing = tokio::task::spawn_blocking(move || {
            let eraser = secrets.eraser();
            let body = Bytes::from(eraser.body(&kept, KEPT_MAX, is_part));
            (eraser, body)
        });
        let (eraser, body) = erasing.await.ok()?;
        eraser.headers(&mut head.headers);
        let was_sent = exchange.attempts > 0 && !exchange.code.is_some_and(is_unsent);
        Some(Tried {
            status: head.status,
            version: head.version,
            headers: head.headers,
            // Marks may be longer than what they stand for.
            is_cut: read.is_cut || read.bytes.max(body.len() as u64) > KEPT_MAX as u64,
            body: body.slice(..body.len().min(KEPT_MAX)),
            bytes: read.bytes,
            is_withheld,
            sent: sent.filter(|_| was_sent).map(|it| erased(it, &eraser)),
            exchange,
            path,
        })
    }
}

/// The URL's path is the caller's and the connection's: what is secret in neither is looked for all the same.
fn erased(mut sent: SentHead, eraser: &Eraser) -> SentHead {
    sent.url = eraser.text(&sent.url);
    sent
}

/// Reads as much as there is in time, and keeps so many bytes of it.
async fn read(mut body: InBody, watch: &Watch, kept_max: usize) -> Read {
    let mut read = Read::default();
    loop {
        let frame = poll_fn(|cx| {
            if watch.poll_expired(cx) && watch.is_cut() {
                return Poll::Ready(Err(()));
            }
            Pin::new(&mut body).poll_frame(cx).map(|it| it.transpose().map_err(|_| ()))
        });
        let Ok(frame) = frame.await else {
            read.is_cut = true;
            return read;
        };
        let Some(frame) = frame else { return read };
        let Ok(data) = frame.into_data() else { continue };
        read.bytes += data.len() as u64;
        read.kept.extend_from_slice(&data[..data.len().min(kept_max - read.kept.len())]);
        if read.bytes > READ_MAX {
            read.is_cut = true;
            return read;
        }
    }
}

/// Whether what is in the body can't be seen in its bytes.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    codings.any(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether an exchange that ended so has reached nobody.
fn is_unsent(code: Code) -> bool {
    matches!(code, Code::DestinationForbidden | Code::UpstreamConnect | Code::UpstreamTls)
}
