//! Asks the admin API: one request after the other, on one link.
use super::Answer;
use super::Link;
use super::ServerUrl;
use super::Trust;
use super::problem::Problem;
use super::secret::secret;
use crate::cli::memory;
use crate::cli::stopped::Stopped;
use crate::model::Code;
use crate::model::Secret;
use crate::model::TimeSpan;
use crate::model::UnitError;
use bytes::Bytes;
use clap::Args;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header;
use http::response::Parts;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use serde_json::Value;
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use uuid::Uuid;

/// Longest answer that is read, in bytes: a page of the largest definitions.
const ANSWER_LEN_MAX: usize = 256 << 20;

/// How long to wait before the same is asked again where nobody says how long.
const PAUSE: Duration = Duration::from_secs(1);

/// The setting that has the operator's token.
const TOKEN: &str = "ATTACHE_TOKEN";

/// Where the admin API is, and how this operator proves to be one.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Server")]
pub(in crate::cli) struct Remote {
    /// The admin listener of a running attache. Its token is read from the setting ATTACHE_TOKEN
    #[arg(long, global = true, env = "ATTACHE_URL", value_name = "URL", default_value = "http://127.0.0.1:8081", value_parser = ServerUrl::parse)]
    server: ServerUrl,
    /// A file with the operator's token, where ATTACHE_TOKEN is not set
    #[arg(long, global = true, env = "ATTACHE_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    /// How long an answer may take
    #[arg(long, global = true, value_name = "TIME", default_value = "60s", value_parser = time)]
    timeout: Duration,
}

/// For clap.
fn time(text: &str) -> Result<Duration, UnitError> {
    TimeSpan::try_from(text).map(|it| it.0)
}

impl Remote {
    fn token(&self) -> Result<Secret, Stopped> {
        secret(TOKEN, self.token_file.as_deref())?.ok_or_else(|| {
            Stopped::Invalid(format!(
                "who asks? Set {TOKEN} to an operator's token, or name a file with {TOKEN}_FILE or \
                 --token-file"
            ))
        })
    }
}

/// Asks, one question after the other.
pub(in crate::cli) struct Client {
    remote: Remote,
    /// Read with the first question: not every command has one.
    token: Option<Secret>,
    link: Option<Link>,
}

/// One question.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Ask {
    method: Method,
    /// With the query.
    target: String,
    if_match: Option<String>,
    body: Option<Value>,
    /// What is sent as it is instead, and as what.
    document: Option<(Bytes, &'static str)>,
    /// Nothing is done.
    is_rehearsal: bool,
    /// This question and no other: under which it may be asked again.
    id: Uuid,
}

impl Ask {
    pub(in crate::cli) fn new(method: Method, path: impl Into<String>) -> Self {
        let (target, id) = (path.into(), Uuid::now_v7());
        Self { method, target, if_match: None, body: None, document: None, is_rehearsal: false, id }
    }

    pub(in crate::cli) fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    pub(in crate::cli) fn document(self, document: Vec<u8>, kind: &'static str) -> Self {
        Self { document: Some((document.into(), kind)), ..self }
    }

    pub(in crate::cli) fn if_match(self, etag: Option<String>) -> Self {
        Self { if_match: etag, ..self }
    }

    /// Only what would be, and for whom.
    pub(in crate::cli) fn rehearsed(self) -> Self {
        Self { is_rehearsal: true, ..self.query("dry_run", "true") }
    }

    /// Under this id, so that the same question of another process is the same one.
    pub(in crate::cli) fn under(self, id: Uuid) -> Self {
        Self { id, ..self }
    }

    /// Under it a `POST` is done once, however often it is sent.
    fn key(&self) -> Option<String> {
        (self.method == Method::POST && !self.is_rehearsal).then(|| self.id.to_string())
    }

    fn changes(&self) -> bool {
        self.method != Method::GET && !self.is_rehearsal
    }

    /// Whether to send it again does no more than to send it once.
    fn is_repeatable(&self) -> bool {
        !self.changes() || self.key().is_some()
    }

    /// Adds to the query.
    pub(in crate::cli) fn query(mut self, name: &str, value: &str) -> Self {
        let sign = if self.target.contains('?') { '&' } else { '?' };
        let pair: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        self.target.push(sign);
        self.target.push_str(&pair);
        self
    }
}

/// What is said of a change that nobody answered to.
const DOUBT: &str = ". It may be done or not: look";

impl Client {
    /// Who is asked.
    pub(in crate::cli) fn server(&self) -> &ServerUrl {
        &self.remote.server
    }

    /// Another one that asks the same server, on a link of its own.
    pub(in crate::cli) fn another(&self) -> Self {
        Self { remote: self.remote.clone(), token: self.token.clone(), link: None }
    }

    /// Writes what is answered as it comes, to its end. How many bytes. An answer that breaks off is an error.
    pub(in crate::cli) async fn download(
        &mut self,
        ask: Ask,
        out: &mut impl Write,
    ) -> Result<u64, Stopped> {
        let token = self.remote.token()?;
        self.remote.server.warn_of("the operator's token");
        let request = self.request(&ask, &token)?;
        let Remote { server, trust, timeout, .. } = &self.remote;
        let late = || Stopped::Failed(format!("{server} did not answer in time"));
        let broke = |it: String| Stopped::Failed(format!("the link to {server} broke: {it}"));
        let mut link = Link::open(server, "`--server` or ATTACHE_URL", trust).await?;
        let sent = tokio::time::timeout(*timeout, link.send(request)).await;
        let (head, mut body) = sent.map_err(|_| late())?.map_err(broke)?.into_parts();
        if !head.status.is_success() {
            let body = Limited::new(body, ANSWER_LEN_MAX).collect().await;
            let body = body.map_err(|it| broke(it.to_string()))?.to_bytes();
            return match serde_json::from_slice::<Problem>(&body) {
                Ok(problem) if !problem.code.is_empty() => Err(problem.into()),
                Ok(_) | Err(_) => Err(self.strange()),
            };
        }
        let mut len = 0;
        while let Some(frame) =
            tokio::time::timeout(*timeout, body.frame()).await.map_err(|_| late())?
        {
            let frame = frame.map_err(|it| broke(it.to_string()))?;
            let Some(data) = frame.data_ref() else { continue };
            out.write_all(data).map_err(|it| {
                Stopped::Failed(format!("what is answered can't be written: {}", it.kind()))
            })?;
            len += data.len() as u64;
        }
        Ok(len)
    }

    /// How long an answer may take.
    pub(in crate::cli) fn patience(&self) -> Duration {
        self.remote.timeout
    }

    /// The answer, where it is no problem.
    pub(in crate::cli) async fn ask(&mut self, ask: Ask) -> Result<Answer, Stopped> {
        self.try_ask(ask).await?.map_err(Stopped::from)
    }

    /// The answer, or the problem that it is.
    pub(in crate::cli) async fn try_ask(
        &mut self,
        ask: Ask,
    ) -> Result<Result<Answer, Problem>, Stopped> {
        let doubt = if ask.changes() { DOUBT } else { "" };
        let late = format!("{} did not answer in time{doubt}", self.remote.server);
        let answer = tokio::time::timeout(self.remote.timeout, self.exchange(ask)).await;
        answer.map_err(|_| Stopped::Failed(late))?
    }

    async fn exchange(&mut self, ask: Ask) -> Result<Result<Answer, Problem>, Stopped> {
        let token = match self.token.take() {
            Some(token) => token,
            None => {
                self.remote.server.warn_of("the operator's token");
                self.remote.token()?
            }
        };
        let request = self.request(&ask, &token)?;
        self.token = Some(token);
        let mut answered = self.sent(request.clone()).await?;
        if answered.is_err() && ask.is_repeatable() {
            answered = match ask.key() {
                Some(_) => Ok(self.sent_again(request).await),
                None => self.sent(request).await?,
            };
        }
        let (head, body) = answered.map_err(|it| {
            let doubt = if ask.changes() { DOUBT } else { "" };
            Stopped::Failed(format!("the link to {} broke: {it}{doubt}", self.remote.server))
        })?;
        if head.status.is_success() {
            let etag = head.headers.get(header::ETAG).and_then(|it| it.to_str().ok());
            let body = match body.is_empty() {
                true => Value::Null,
                false => serde_json::from_slice(&body).map_err(|_| self.strange())?,
            };
            return Ok(Ok(Answer { status: head.status, etag: etag.map(str::to_owned), body }));
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) if !problem.code.is_empty() => Ok(Err(problem)),
            Ok(_) | Err(_) => Err(self.strange()),
        }
    }

    /// The same under the same key, until it is known what became of it: the first one may be under way still, or
    /// hold up whoever could say so, or who was asked is not back yet. Bounded by the time that an answer may take.
    async fn sent_again(&mut self, request: Request<Full<Bytes>>) -> (Parts, Bytes) {
        eprintln!("the link to {} broke: asking what became of it", self.remote.server);
        loop {
            let pause = match self.sent(request.clone()).await {
                Ok(Ok((head, body))) => match pause(&head) {
                    Some(pause) => pause,
                    None => return (head, body),
                },
                Ok(Err(_)) | Err(_) => PAUSE,
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// What came back on a link; else how the link broke.
    async fn sent(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Result<(Parts, Bytes), String>, Stopped> {
        let mut kept = self.link.take();
        if let Some(link) = &mut kept
            && !link.is_free().await
        {
            kept = None;
        }
        let mut link = match kept {
            Some(link) => link,
            None => {
                let Remote { server, trust, .. } = &self.remote;
                Link::open(server, "`--server` or ATTACHE_URL", trust).await?
            }
        };
        let (head, body) = match link.send(request).await {
            Ok(response) => response.into_parts(),
            Err(error) => return Ok(Err(error)),
        };
        let body = Limited::new(body, ANSWER_LEN_MAX).collect().await;
        let body = match body {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(Err(error.to_string())),
        };
        self.link = Some(link);
        Ok(Ok((head, body)))
    }

    fn strange(&self) -> Stopped {
        Stopped::Failed(format!(
            "{} does not answer like attache's admin API: is it its admin listener?",
            self.remote.server
        ))
    }

    fn request(&self, ask: &Ask, token: &Secret) -> Result<Request<Full<Bytes>>, Stopped> {
        let Ask { method, target, if_match, body, document, .. } = ask;
        let unwritable = |_| Stopped::Invalid("the request can't be written".to_owned());
        let mut token = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| Stopped::Invalid("the token is not visible ASCII".to_owned()))?;
        token.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{target}", self.remote.server.base))
            .header(header::HOST, &self.remote.server.authority)
            .header(header::USER_AGENT, concat!("attache/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, token);
        if let Some(etag) = if_match {
            request = request.header(header::IF_MATCH, etag);
        }
        if let Some(key) = ask.key() {
            request = request.header("idempotency-key", key);
        }
        let body = body.as_ref().map(|it| (it.to_string().into(), "application/json"));
        let (bytes, kind) = document.clone().or(body).unwrap_or_default();
        if !kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        request.body(Full::new(bytes)).map_err(unwritable)
    }
}

/// How long to wait before the same is asked again, where this answer says nothing of what became of it.
fn pause(head: &Parts) -> Option<Duration> {
    let code = head.headers.get("attache-error").and_then(|it| it.to_str().ok());
    let open =
        [Code::IdempotencyInProgress, Code::StoreUnavailable, Code::RateLimited, Code::Overloaded];
    let is_open = match code {
        Some(code) => open.iter().any(|it| it.as_str() == code),
        // Of whoever stands between.
        None => matches!(
            head.status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
    };
    let after = head.headers.get(header::RETRY_AFTER).and_then(|it| it.to_str().ok());
    let after = after.and_then(|it| it.parse().ok()).map_or(PAUSE, Duration::from_secs);
    is_open.then_some(after)
}

/// Runs a command with a client, and tells how it ended.
pub(in crate::cli) fn run<F>(remote: Remote, work: impl FnOnce(Client) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Stopped>>,
{
    memory::keep_private();
    let done = || {
        let client = Client { remote, token: None, link: None };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|it| Stopped::Failed(format!("no runtime: {}", it.kind())))?;
        runtime.block_on(work(client))
    };
    match done() {
        Ok(()) => ExitCode::SUCCESS,
        Err(stopped) => stopped.tell(),
    }
}
