//! Brings messages to receivers: the thread that has the way out, which only one thread can have.
use super::message::Message;
use super::outcome::Answer;
use crate::catalog::UpstreamSettings;
use crate::model::Key;
use crate::model::ReceiverUrl;
use crate::model::UnixTime;
use crate::server;
use crate::server::TICK;
use crate::server::Worker;
use crate::server::WorkerError;
use crate::telemetry::Metrics;
use crate::upstream::Destination;
use crate::upstream::Manner;
use crate::upstream::RequestHead;
use crate::upstream::Resolver;
use crate::upstream::ResponseBody;
use crate::upstream::SendError;
use crate::upstream::Upstream;
use crate::upstream::retry_after;
use bytes::Bytes;
use http::Method;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The longest that an attempt may take, from the dial to the answer's head, whatever `upstream.timeouts` allow.
const ATTEMPT: Duration = Duration::from_secs(15);

/// Of an answer's body so much is read, for so long, that its link may be used again. Nobody looks at it.
const BODY_MAX: usize = 16 * 1024;
const BODY_TIME: Duration = Duration::from_secs(1);

/// Threads for the look-ups of names: more than there are subscriptions, each of which has one name, so that those
/// whose names are slow hold up no other.
const LOOK_UPS_MAX: usize = 128;

/// Messages that wait for the thread: more than there are subscriptions, each of which has one at a time.
const WAITING_MAX: usize = 128;

/// A message, and where it goes.
pub(super) struct Post {
    /// The subscription's.
    pub(super) key: Key,
    pub(super) url: ReceiverUrl,
    pub(super) message: Message,
    pub(super) settings: Arc<UpstreamSettings>,
}

struct Job {
    post: Post,
    told: oneshot::Sender<Brought>,
}

/// What came of a message.
pub(super) struct Brought {
    pub(super) answer: Answer,
    /// Ends with the answer's body.
    rest: oneshot::Receiver<()>,
}

impl Brought {
    fn nowhere() -> Self {
        let answer = Answer::Unsent("attache is stopping".to_owned());
        Self { answer, rest: oneshot::channel().1 }
    }

    /// Until the answer's body is read to its end, or its link closed: whoever sends the next message to the same
    /// receiver before has two links to it.
    pub(super) async fn ended(self) {
        // Nothing is ever sent on it.
        drop(self.rest.await);
    }
}

/// Where messages are handed in.
pub(super) struct Courier {
    jobs: mpsc::Sender<Job>,
}

impl Courier {
    /// The thread ends when this value is dropped and what is under way is done.
    pub(super) fn start(
        resolver: Resolver,
        metrics: Arc<Metrics>,
        clock: fn() -> UnixTime,
        stops: watch::Receiver<bool>,
    ) -> Result<(Self, JoinHandle<()>), WorkerError> {
        let (jobs, taken) = mpsc::channel(WAITING_MAX);
        let upstream = move || Upstream::new(resolver, NonZeroUsize::MIN, Box::new(|_| ()));
        let run =
            move |worker| carry(worker, Outward { upstream: upstream(), metrics, clock }, taken);
        let thread = server::spawn_with(("events", 0), LOOK_UPS_MAX, stops, run)?;
        Ok((Self { jobs }, thread))
    }

    pub(super) async fn bring(&self, post: Post) -> Brought {
        let (told, brought) = oneshot::channel();
        if self.jobs.send(Job { post, told }).await.is_err() {
            return Brought::nowhere();
        }
        brought.await.unwrap_or_else(|_| Brought::nowhere())
    }
}

/// What the thread sends with.
#[derive(Clone)]
struct Outward {
    upstream: Rc<Upstream<Full<Bytes>>>,
    metrics: Arc<Metrics>,
    clock: fn() -> UnixTime,
}

async fn carry(worker: Rc<Worker>, outward: Outward, mut jobs: mpsc::Receiver<Job>) {
    let mut ticks = tokio::time::interval(TICK);
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            job = jobs.recv() => {
                let Some(job) = job else { break };
                let outward = outward.clone();
                under_way.spawn_local(async move { job.run(&outward).await });
            }
            _ = ticks.tick() => outward.upstream.tick(worker.clock_ms()),
        }
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

impl Job {
    async fn run(self, outward: &Outward) {
        let Self { post, mut told } = self;
        tokio::select! {
            sent = post.send(outward) => {
                let (answer, body) = sent;
                let (read, rest) = oneshot::channel();
                // Whoever asked may have been told to stop: then it is sent again, under the same id.
                drop(told.send(Brought { answer, rest }));
                if let Some(body) = body {
                    drop(tokio::time::timeout(BODY_TIME, drain(body)).await);
                }
                drop(read);
            }
            () = told.closed() => {}
        }
    }
}

impl Post {
    async fn send(self, outward: &Outward) -> (Answer, Option<ResponseBody<Full<Bytes>>>) {
        let Message { mut fields, body } = self.message;
        fields.insert(header::HOST, self.url.host().clone());
        let head =
            RequestHead { method: &Method::POST, target: self.url.target(), fields: &fields };
        let mut body = Some(Full::new(body));
        let to = Destination {
            origin: self.url.origin(),
            settings: &self.settings,
            connection: &self.key,
        };
        let sending = outward.upstream.send(to, &head, &mut body, Manner::default(), || {});
        let (timeouts, wait) = (self.settings.timeouts, self.settings.links.wait);
        let most = wait + timeouts.connect + timeouts.tls + timeouts.first_byte;
        let most = timeouts.total.map_or(most, |it| it.min(most)).min(ATTEMPT);
        match tokio::time::timeout(most, sending).await {
            Ok(Ok(sent)) => {
                let (head, body) = sent.response.into_parts();
                let retry_after = retry_after(&head.headers, (outward.clock)());
                (Answer::Status { status: head.status.as_u16(), retry_after }, Some(body))
            }
            Ok(Err(failed)) => {
                if let SendError::Forbidden { class } = failed.error {
                    outward.metrics.egress_refused(class);
                }
                (of_failure(failed.error), None)
            }
            Err(_) => (Answer::None(format!("no answer within {} s", most.as_secs())), None),
        }
    }
}

/// Whose fault it is.
fn of_failure(error: SendError) -> Answer {
    match error {
        SendError::NoDescriptor
        | SendError::NoLink
        | SendError::RequestBody
        | SendError::OutsideOrigin => Answer::Unsent(error.to_string()),
        SendError::Forbidden { .. }
        | SendError::Unresolved
        | SendError::Refused
        | SendError::ConnectTimedOut
        | SendError::Certificate { .. }
        | SendError::Handshake
        | SendError::HandshakeTimedOut
        | SendError::NoHttp2
        | SendError::NotHttp
        | SendError::Closed
        | SendError::TlsEnded => Answer::None(error.to_string()),
    }
}

async fn drain(mut body: ResponseBody<Full<Bytes>>) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > BODY_MAX {
            return;
        }
    }
}
