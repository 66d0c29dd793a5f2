//! Sends messages to providers: under the egress guard of the connection that they are for, few to one
//! provider at a time, and never longer than a moment.
use super::Job;
use super::discovery::Directory;
use super::had::Heard;
use super::had::Missed;
use super::journal::Journal;
use crate::catalog::Nonces;
use crate::catalog::Protocol;
use crate::catalog::UpstreamSettings;
use crate::crypto::ClientCertificate;
use crate::grant::Fault;
use crate::grant::Metadata;
use crate::grant::Oauth2;
use crate::grant::Occasion;
use crate::grant::REPLY_LEN_MAX;
use crate::grant::TokenRequest;
use crate::grant::Why;
use crate::model::Key;
use crate::model::Origin;
use crate::model::UnixTime;
use crate::telemetry::Metrics;
use crate::upstream::Destination;
use crate::upstream::Failed;
use crate::upstream::Manner;
use crate::upstream::RequestHead;
use crate::upstream::ResponseBody;
use crate::upstream::SendError;
use crate::upstream::Sent;
use crate::upstream::Upstream;
use bytes::Bytes;
use hashbrown::HashMap;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::Uri;
use http::header::HOST;
use http_body_util::BodyExt;
use http_body_util::Full;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// How long one message may take, from the dial to the end of its answer.
const MESSAGE_TIME: Duration = Duration::from_secs(15);

/// The same where what it uses up may be the only token: it is waited for as long as anybody may still work on it.
pub(super) const ONLY_TIME: Duration = Duration::from_secs(60);

/// How long a message may wait for its turn.
const PLACE_TIME: Duration = Duration::from_secs(15);

/// Messages to one provider at a time; further ones wait for their turn.
const OF_ORIGIN_MAX: usize = 32;

/// Messages to all of them at a time.
const ALL_MAX: usize = 1024;

/// The way out to providers. One for the thread.
pub(super) struct Bureau {
    pub upstream: Rc<Upstream<Full<Bytes>>>,
    /// Where there is a store.
    pub journal: Option<Rc<Journal>>,
    /// What providers want to see in the next proof.
    pub nonces: Nonces,
    pub metrics: Arc<Metrics>,
    clock: fn() -> UnixTime,
    all: Arc<Semaphore>,
    origins: RefCell<HashMap<Arc<Origin>, Arc<Semaphore>>>,
    directory: Directory,
}

/// Whom a message is for.
#[derive(Clone, Copy)]
pub(super) struct Sending<'j> {
    pub settings: &'j Arc<UpstreamSettings>,
    pub connection: &'j Key,
    /// What is shown in the handshake.
    pub certificate: Option<&'j Arc<ClientCertificate>>,
    /// A message that is lost, answer and all, may be sent once more.
    pub may_repeat: bool,
}

/// A place among those that are sent at the same time.
pub(super) struct OfAll {
    _of_origin: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// A provider's answer.
pub(super) struct Replied {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// At most `REPLY_LEN_MAX` bytes, and one more where there were more.
    pub body: Zeroizing<Vec<u8>>,
}

impl<'j> Sending<'j> {
    pub(super) fn of(job: &'j Job) -> Self {
        // Whatever is had here is made anew by each message: nothing is used up.
        Self {
            settings: &job.settings,
            connection: &job.place.connection,
            certificate: job.holder.certificate.as_ref(),
            may_repeat: true,
        }
    }
}

impl Bureau {
    pub(super) fn new(
        upstream: Rc<Upstream<Full<Bytes>>>,
        journal: Option<Rc<Journal>>,
        metrics: Arc<Metrics>,
        clock: fn() -> UnixTime,
    ) -> Self {
        let (all, origins) = (Arc::new(Semaphore::new(ALL_MAX)), RefCell::default());
        let (nonces, directory) = (Nonces::default(), Directory::default());
        Self { upstream, journal, nonces, metrics, clock, all, origins, directory }
    }

    pub(super) fn now(&self) -> UnixTime {
        (self.clock)()
    }

    /// Forgets providers that nobody sends to.
    pub(super) fn tick(&self) {
        self.origins.borrow_mut().retain(|_, it| Arc::strong_count(it) > 1);
    }

    /// The issuer's metadata.
    pub(super) async fn metadata(
        &self,
        sending: Sending<'_>,
        method: &Oauth2,
        occasion: &Occasion<'_>,
    ) -> Result<Arc<Metadata>, Missed> {
        self.directory.metadata(self, sending, method, occasion).await
    }

    pub(super) async fn send(
        &self,
        sending: Sending<'_>,
        request: &TokenRequest,
    ) -> Result<Replied, Missed> {
        let place = self.place_at(request.target.origin()).await?;
        self.send_from(place, sending, request).await
    }

    /// A place among those that are sent at the same time: whoever has one is sent at once.
    pub(super) async fn place_at(&self, origin: &Arc<Origin>) -> Result<OfAll, Missed> {
        // First among those to the same provider: a slow one never holds places that others need.
        let places = Arc::clone(
            self.origins
                .borrow_mut()
                .entry(Arc::clone(origin))
                .or_insert_with(|| Arc::new(Semaphore::new(OF_ORIGIN_MAX))),
        );
        let waiting = async {
            let of_origin = places.acquire_owned().await.ok()?;
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(OfAll { _of_origin: of_origin, _of_all: all })
        };
        let place = tokio::time::timeout(PLACE_TIME, waiting).await.ok().flatten();
        place.ok_or_else(|| Missed::later("too many messages to this provider wait for their turn"))
    }

    pub(super) async fn send_from(
        &self,
        _place: OfAll,
        sending: Sending<'_>,
        request: &TokenRequest,
    ) -> Result<Replied, Missed> {
        let time = if sending.may_repeat { MESSAGE_TIME } else { ONLY_TIME };
        match tokio::time::timeout(time, self.exchange(sending, request)).await {
            Ok(replied) => replied,
            Err(_) => {
                let missed = Missed::again(Fault::Provider, Why::TimedOut.to_string());
                Err(Missed { heard: Heard::Late, ..missed })
            }
        }
    }

    async fn exchange(
        &self,
        sending: Sending<'_>,
        request: &TokenRequest,
    ) -> Result<Replied, Missed> {
        let target = request.target.path_and_query();
        let target = Uri::try_from(target.as_str());
        let target = target.map_err(|_| {
            Missed::again(Fault::Operator, "the URL has a character that no request can have")
        })?;
        let mut fields = request.headers.clone();
        fields.insert(HOST, host(request.target.origin()));
        let settings = settings(sending);
        let to = Destination {
            origin: request.target.origin(),
            settings: &settings,
            connection: sending.connection,
        };
        let head = RequestHead { method: &request.method, target: &target, fields: &fields };
        let mut manner = Manner { may_repeat: sending.may_repeat, ..Manner::default() };
        let sent = loop {
            // Wiped when the last piece of it is sent.
            let body = Bytes::from_owner(request.body.clone());
            let mut body = Some(Full::new(body));
            match self.upstream.send(to, &head, &mut body, manner, || {}).await {
                Ok(sent) => break sent,
                Err(failed) if !manner.fresh_link && is_unheard(&failed, sending) => {
                    manner.fresh_link = true;
                }
                Err(failed) => return Err(self.unsent(&failed)),
            }
        };
        let Sent { response, .. } = sent;
        let (head, body) = response.into_parts();
        if let Some(nonce) = head.headers.get("dpop-nonce").and_then(|it| it.to_str().ok()) {
            self.nonces.keep(request.target.origin(), nonce);
        }
        let body = whole(body, REPLY_LEN_MAX)
            .await
            .ok_or_else(|| Missed::unheard("the provider's answer broke off"))?;
        Ok(Replied { status: head.status, headers: head.headers, body })
    }

    fn unsent(&self, failed: &Failed) -> Missed {
        let error = &failed.error;
        let (fault, heard) = match error {
            SendError::Forbidden { class } => {
                self.metrics.egress_refused(class);
                (Fault::Operator, Heard::Unsent)
            }
            SendError::Certificate { .. } | SendError::OutsideOrigin => {
                (Fault::Operator, Heard::Unsent)
            }
            SendError::Unresolved
            | SendError::Refused
            | SendError::ConnectTimedOut
            | SendError::Handshake
            | SendError::HandshakeTimedOut
            | SendError::NoHttp2
            | SendError::NoLink
            | SendError::NoDescriptor => (Fault::Provider, Heard::Unsent),
            _ if failed.unprocessed => (Fault::Provider, Heard::Unsent),
            SendError::NotHttp
            | SendError::Closed
            | SendError::TlsEnded
            | SendError::RequestBody => (Fault::Provider, Heard::Lost),
        };
        // It speaks of an upstream, which the provider is here.
        let words = error.to_string().replace("upstream", "provider");
        Missed { heard, ..Missed::again(fault, words) }
    }
}

/// Whether nobody has seen the message: a pooled link was dead.
fn is_unheard(failed: &Failed, sending: Sending<'_>) -> bool {
    failed.unprocessed || sending.may_repeat && failed.may_try_again
}

/// The connection's own settings with the holder's certificate; but whether its API speaks HTTP/2 says
/// nothing of the provider.
fn settings(sending: Sending<'_>) -> Arc<UpstreamSettings> {
    let mut settings = Arc::clone(sending.settings);
    if settings.protocol == Protocol::Http2 {
        Arc::make_mut(&mut settings).protocol = Protocol::Auto;
    }
    sending.certificate.map_or_else(|| Arc::clone(&settings), |it| Arc::new(settings.showing(it)))
}

fn host(origin: &Origin) -> HeaderValue {
    let text = origin.to_string();
    let authority = text.split_once("://").map_or("", |it| it.1);
    HeaderValue::try_from(authority).expect("an origin's host is visible ASCII")
}

/// All of it up to the bound, and one byte of what is more; `None` where it broke off.
pub(super) async fn whole(
    mut body: ResponseBody<Full<Bytes>>,
    len_max: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    // Room for nearly every answer, so that no half-read copy of it is left behind.
    let mut read = Zeroizing::new(Vec::with_capacity(64 * 1024));
    while let Some(frame) = body.frame().await {
        let frame = frame.ok()?;
        let Some(data) = frame.data_ref() else { continue };
        let room = len_max + 1 - read.len();
        read.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() >= room {
            break;
        }
    }
    Some(read)
}
