//! Brings messages to receivers: the thread that has the way out, which only one thread can have.
use super::message::Message;
use super::outcome::Answer;
use crate::catalog::UpstreamSettings;
use crate::model::Key;
use crate::model::ReceiverUrl;
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
use bytes::Bytes;
use http::HeaderMap;
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
    told: oneshot::Sender<Answer>,
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
        stops: watch::Receiver<bool>,
    ) -> Result<(Self, JoinHandle<()>), WorkerError> {
        let (jobs, taken) = mpsc::channel(WAITING_MAX);
        let run = move |worker| carry(worker, resolver, metrics, taken);
        let thread = server::spawn("events", 0, stops, run)?;
        Ok((Self { jobs }, thread))
    }

    pub(super) async fn bring(&self, post: Post) -> Answer {
        let (told, answer) = oneshot::channel();
        let gone = || Answer::None("attache is stopping".to_owned());
        if self.jobs.send(Job { post, told }).await.is_err() {
            return gone();
        }
        answer.await.unwrap_or_else(|_| gone())
    }
}

async fn carry(
    worker: Rc<Worker>,
    resolver: Resolver,
    metrics: Arc<Metrics>,
    mut jobs: mpsc::Receiver<Job>,
) {
    let upstream = Upstream::new(resolver, NonZeroUsize::MIN, Box::new(|_| ()));
    let mut ticks = tokio::time::interval(TICK);
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            job = jobs.recv() => {
                let Some(job) = job else { break };
                let (upstream, metrics) = (Rc::clone(&upstream), Arc::clone(&metrics));
                under_way.spawn_local(async move { job.run(&upstream, &metrics).await });
            }
            _ = ticks.tick() => upstream.tick(worker.clock_ms()),
        }
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

impl Job {
    async fn run(self, upstream: &Rc<Upstream<Full<Bytes>>>, metrics: &Metrics) {
        let Self { post, mut told } = self;
        tokio::select! {
            sent = post.send(upstream, metrics) => {
                let (answer, body) = sent;
                // Whoever asked may have been told to stop: then it is sent again, under the same id.
                drop(told.send(answer));
                if let Some(body) = body {
                    drop(tokio::time::timeout(BODY_TIME, drain(body)).await);
                }
            }
            () = told.closed() => {}
        }
    }
}

impl Post {
    async fn send(
        self,
        upstream: &Rc<Upstream<Full<Bytes>>>,
        metrics: &Metrics,
    ) -> (Answer, Option<ResponseBody<Full<Bytes>>>) {
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
        let sending = upstream.send(to, &head, &mut body, Manner::default(), || {});
        let (timeouts, wait) = (self.settings.timeouts, self.settings.links.wait);
        let most = wait + timeouts.connect + timeouts.tls + timeouts.first_byte;
        let most = timeouts.total.map_or(most, |it| it.min(most)).min(ATTEMPT);
        match tokio::time::timeout(most, sending).await {
            Ok(Ok(sent)) => {
                let (head, body) = sent.response.into_parts();
                let retry_after = retry_after(&head.headers);
                (Answer::Status { status: head.status.as_u16(), retry_after }, Some(body))
            }
            Ok(Err(failed)) => {
                if let SendError::Forbidden { class } = failed.error {
                    metrics.egress_refused(class);
                }
                (Answer::None(failed.error.to_string()), None)
            }
            Err(_) => (Answer::None(format!("no answer within {} s", most.as_secs())), None),
        }
    }
}

/// In seconds alone (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
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
