//! What providers are asked besides tokens that are due: on the thread that has those, under the same guard, by
//! whoever holds a handle.
use super::attempt;
use super::bureau::Bureau;
use super::bureau::Sending;
use super::had::Missed;
use super::had::Verdict;
use crate::catalog::Connection;
use crate::catalog::TokenHolder;
use crate::catalog::UpstreamSettings;
use crate::catalog::Way;
use crate::grant::CallbackError;
use crate::grant::Fault;
use crate::grant::GrantError;
use crate::grant::GrantType;
use crate::grant::Oauth2;
use crate::grant::Occasion;
use crate::grant::Outcome;
use crate::model::Credential;
use crate::model::Key;
use crate::telemetry::Metrics;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

/// Errands that wait for the thread; further ones are told to come again.
pub(super) const ERRANDS_MAX: usize = 1024;

/// How long one may take, with the turns that it waits for.
const ERRAND_TIME: Duration = Duration::from_secs(45);

/// One that is to be run on the thread.
pub(super) type Work = Box<dyn FnOnce(Rc<Bureau>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// Whose errand it is: the app that asks, and for whom.
#[derive(Clone)]
pub struct Client {
    pub connection: Key,
    pub holder: Arc<TokenHolder>,
    pub settings: Arc<UpstreamSettings>,
    /// The same, whole: where its API is, and how that is probed.
    pub under: Arc<Connection>,
}

/// Why an errand came to nothing. Nothing secret is in the words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrandError {
    /// What came back from the provider is not what was waited for, or says no.
    #[error("{0}")]
    Callback(CallbackError),
    /// The settings or the app's own credentials have to be mended.
    #[error("{0}")]
    Operator(String),
    #[error("{words}")]
    Provider {
        words: String,
        /// The provider's own wish.
        after: Option<Duration>,
    },
    /// What was asked with is good for nothing: a person has to consent anew.
    #[error("{0}")]
    Refused(String),
    /// The API does not take the credential that was tried, in words for whoever filled it in.
    #[error("{words}")]
    NotTaken {
        /// What it answered; none where the credential did not come so far.
        status: Option<u16>,
        /// Whether that says something of the credential: another one is needed. Else it may be what was asked.
        is_refused: bool,
        words: String,
    },
    /// The auth method knows no URL for it.
    #[error("the auth method has no `{0}`")]
    NotSet(&'static str),
    /// Nobody consents to this auth method, or it has nothing of the kind.
    #[error("{0}")]
    Unfit(&'static str),
    #[error("attache has too much to do, or is stopping")]
    Busy,
}

impl ErrandError {
    /// It is tried again later, as nobody can tell now.
    pub(super) fn away(words: impl Into<String>) -> Self {
        Self::Provider { words: words.into(), after: None }
    }

    pub(super) fn not_taken(
        status: Option<u16>,
        is_refused: bool,
        words: impl Into<String>,
    ) -> Self {
        Self::NotTaken { status, is_refused, words: words.into() }
    }
}

impl From<Missed> for ErrandError {
    fn from(missed: Missed) -> Self {
        let Missed { verdict, words, .. } = missed;
        match verdict {
            Verdict::Again { after, fault: Fault::Provider, .. } => Self::Provider { words, after },
            Verdict::Again { fault: Fault::Operator, .. } => Self::Operator(words),
            Verdict::Later { pause } => Self::Provider { words, after: Some(pause) },
            Verdict::Dead { .. } => Self::Refused(words),
        }
    }
}

impl From<GrantError> for ErrandError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::NotSet { setting } => Self::NotSet(setting),
            error => Self::Operator(error.to_string()),
        }
    }
}

impl From<Outcome> for ErrandError {
    fn from(outcome: Outcome) -> Self {
        Self::from(Missed::from(outcome))
    }
}

/// Runs errands. Cheap to clone.
#[derive(Clone)]
pub struct Errands {
    works: mpsc::Sender<Work>,
    pub(super) metrics: Arc<Metrics>,
}

impl Errands {
    pub(super) fn new(metrics: Arc<Metrics>) -> (Self, mpsc::Receiver<Work>) {
        let (works, taken) = mpsc::channel(ERRANDS_MAX);
        (Self { works, metrics }, taken)
    }

    /// Runs it to its end on the thread, whether whoever asked still waits or not.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, ErrandError>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&Bureau) -> Result<T, ErrandError> + Send + 'static,
    {
        let (tells, told) = oneshot::channel();
        let work: Work = Box::new(move |bureau| {
            Box::pin(async move {
                let done = tokio::time::timeout(ERRAND_TIME, work(&bureau)).await;
                let words = "the provider did not answer in time".to_owned();
                let late = ErrandError::Provider { words, after: None };
                // Nobody may be waiting any more.
                drop(tells.send(done.unwrap_or(Err(late))));
            })
        });
        self.works.try_send(work).map_err(|_| ErrandError::Busy)?;
        told.await.map_err(|_| ErrandError::Busy)?
    }
}

impl Client {
    /// How a person consents to it.
    pub fn consent(&self) -> Result<GrantType, ErrandError> {
        let consent = self.holder.method.consent();
        consent.ok_or(ErrandError::Unfit("a session login has no provider to ask"))
    }

    /// Its method, where tokens are had by OAuth 2.0.
    pub fn method(&self) -> Result<&Oauth2, ErrandError> {
        match &self.holder.method.way {
            Way::Oauth2(method) => Ok(method),
            Way::Session(_) => Err(ErrandError::Unfit("a session login has no provider to ask")),
            Way::Role(_) => {
                Err(ErrandError::Unfit("a role that is assumed has no provider to ask"))
            }
            Way::Oauth1(_) => {
                Err(ErrandError::Unfit("a provider of OAuth 1.0a has nothing of the kind"))
            }
        }
    }

    pub(super) fn sending(&self, may_repeat: bool) -> Sending<'_> {
        Sending {
            settings: &self.settings,
            connection: &self.connection,
            certificate: self.holder.certificate.as_ref(),
            may_repeat,
        }
    }

    /// How many client secrets are worth a try.
    pub(super) fn secrets(&self) -> usize {
        self.holder.credential.values("client_secret").len().max(1)
    }

    pub(super) fn occasion<'a>(
        &'a self,
        bureau: &Bureau,
        credential: &'a Credential,
        variables: &'a BTreeMap<String, String>,
        secret: usize,
    ) -> Occasion<'a> {
        let (now, random) = (bureau.now(), attempt::random());
        Occasion { credential, variables, secret, now, random }
    }

    /// With what the holder has from the start.
    pub(super) fn own_occasion<'a>(&'a self, bureau: &Bureau, secret: usize) -> Occasion<'a> {
        self.occasion(bureau, &self.holder.credential, &self.holder.variables, secret)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl fmt::Debug for Errands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errands").finish_non_exhaustive()
    }
}
