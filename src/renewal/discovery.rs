//! Issuers' metadata: asked for once an hour, by one of those who need it, and kept for longer where it can't be
//! had again.
use super::bureau::Bureau;
use super::bureau::Replied;
use super::bureau::Sending;
use super::had::Missed;
use super::had::Verdict;
use crate::grant::Answer;
use crate::grant::Fault;
use crate::grant::Metadata;
use crate::grant::Oauth2;
use crate::grant::Occasion;
use crate::grant::Target;
use crate::grant::TokenRequest;
use hashbrown::HashMap;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::ACCEPT;
use http::header::USER_AGENT;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

/// How long metadata is taken for true without another look.
const LIFE: Duration = Duration::from_secs(3600);

/// How long it goes on where the issuer does not give it again: its endpoints may be well all the same.
const STALE_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How long an issuer that gave none is left alone, whoever asks. Less than the first pause of a renewal.
const MISSED_LIFE: Duration = Duration::from_millis(500);

/// The same where old metadata goes on.
const STALE_PAUSE: Duration = Duration::from_secs(60);

/// Issuers that are remembered.
const KEPT_MAX: usize = 4096;

#[derive(Default)]
pub(super) struct Directory {
    pages: RefCell<HashMap<By, Page>>,
    /// What is being asked for: whoever needs the same waits for it.
    flights: RefCell<HashMap<By, Flight>>,
}

/// The issuer, and the settings that it was reached with: what one connection was told by a host that it
/// trusts is nothing to another.
type By = (String, u64);

type Found = Result<Arc<Metadata>, Unfound>;

type Flight = Rc<OnceCell<Found>>;

/// What is known of one issuer.
struct Page {
    metadata: Option<(Arc<Metadata>, Instant)>,
    /// The last try that gave none.
    missed: Option<(Unfound, Instant)>,
}

/// Why there is no metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unfound {
    after: Option<Duration>,
    fault: Fault,
    words: String,
}

impl Directory {
    pub(super) async fn metadata(
        &self,
        bureau: &Bureau,
        sending: Sending<'_>,
        method: &Oauth2,
        occasion: &Occasion<'_>,
    ) -> Result<Arc<Metadata>, Missed> {
        let of_settings = |it| Missed::again(Fault::Operator, format!("the issuer: {it}"));
        let issuer = method.issuer(occasion).map_err(of_settings)?;
        // It is the same for everybody.
        let sending = Sending { certificate: None, ..sending };
        let targets = method.metadata_urls(occasion).map_err(of_settings)?;
        let by = (issuer.clone(), sending.settings.identity);
        let found =
            self.find(by, Instant::now, || fetched(bureau, sending, &issuer, targets)).await;
        found.map_err(Unfound::told)
    }

    /// What is kept, or what is asked for now, by one of all who need it.
    async fn find<F: Future<Output = Result<Metadata, Unfound>>>(
        &self,
        by: By,
        clock: impl Fn() -> Instant,
        fetch: impl FnOnce() -> F,
    ) -> Found {
        if let Some(found) = self.kept(&by, clock()) {
            return found;
        }
        let flight = Rc::clone(self.flights.borrow_mut().entry(by.clone()).or_default());
        let fetching = async {
            let fetched = fetch().await;
            self.keep(&by, fetched, clock())
        };
        let found = flight.get_or_init(|| fetching).await.clone();
        // It has landed: whoever comes now finds it among what is kept.
        let mut flights = self.flights.borrow_mut();
        if flights.get(&by).is_some_and(|it| Rc::ptr_eq(it, &flight)) {
            flights.remove(&by);
        }
        found
    }

    fn kept(&self, by: &By, now: Instant) -> Option<Found> {
        let pages = self.pages.borrow();
        let page = pages.get(by)?;
        let age = |since: Instant| now.saturating_duration_since(since);
        let missed = page.missed.as_ref();
        if let Some((metadata, since)) = &page.metadata {
            let tried = missed.is_some_and(|it| age(it.1) < STALE_PAUSE);
            if age(*since) < LIFE || tried && age(*since) < STALE_LIFE {
                return Some(Ok(Arc::clone(metadata)));
            }
        }
        let (unfound, _) = missed.filter(|it| age(it.1) < MISSED_LIFE)?;
        Some(Err(unfound.clone()))
    }

    /// Keeps what came of it, and says what is to be used.
    fn keep(&self, by: &By, fetched: Result<Metadata, Unfound>, now: Instant) -> Found {
        let mut pages = self.pages.borrow_mut();
        if pages.len() >= KEPT_MAX && !pages.contains_key(by) {
            let oldest = pages.iter().min_by_key(|it| it.1.since()).map(|it| it.0.clone());
            oldest.map(|it| pages.remove(&it));
        }
        let page = pages.entry(by.clone()).or_insert(Page { metadata: None, missed: None });
        match fetched {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *page = Page { metadata: Some((Arc::clone(&metadata), now)), missed: None };
                Ok(metadata)
            }
            Err(unfound) => {
                page.missed = Some((unfound.clone(), now));
                let is_usable =
                    |it: &&(_, Instant)| now.saturating_duration_since(it.1) < STALE_LIFE;
                match page.metadata.as_ref().filter(is_usable) {
                    Some((metadata, _)) => {
                        tracing::warn!(
                            issuer = &*by.0,
                            "its metadata can't be had again, and what was had before goes on: {}",
                            unfound.words
                        );
                        Ok(Arc::clone(metadata))
                    }
                    None => Err(unfound),
                }
            }
        }
    }
}

impl Page {
    /// When something was last heard of it.
    fn since(&self) -> Option<Instant> {
        let metadata = self.metadata.as_ref().map(|it| it.1);
        metadata.max(self.missed.as_ref().map(|it| it.1))
    }
}

impl Unfound {
    fn operators(words: impl Into<String>) -> Self {
        Self { after: None, fault: Fault::Operator, words: words.into() }
    }

    /// The milder of two verdicts: a server that has a fault of its own at one path may have its metadata there.
    fn or(self, other: Self) -> Self {
        match (self.fault, other.fault) {
            (Fault::Operator, Fault::Provider) => other,
            (Fault::Provider, Fault::Operator) => self,
            _ => Self { after: self.after.max(other.after), ..other },
        }
    }

    fn told(self) -> Missed {
        let mut missed = Missed::again(self.fault, self.words);
        if let Verdict::Again { after, .. } = &mut missed.verdict {
            *after = self.after;
        }
        missed
    }
}

/// Asks at one path after the other.
async fn fetched(
    bureau: &Bureau,
    sending: Sending<'_>,
    issuer: &str,
    targets: Vec<Target>,
) -> Result<Metadata, Unfound> {
    let mut unfound: Option<Unfound> = None;
    for target in targets {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("attache"));
        let request =
            TokenRequest { method: Method::GET, target, headers, body: Zeroizing::default() };
        let asked_at = bureau.now();
        let replied = match bureau.send(sending, &request).await {
            Ok(replied) => replied,
            // Not reached at this path, it is not reached at the others.
            Err(missed) => {
                let fault = match missed.verdict {
                    Verdict::Again { fault, .. } => fault,
                    Verdict::Later { .. } | Verdict::Dead { .. } => Fault::Provider,
                };
                return Err(Unfound { after: None, fault, words: missed.words });
            }
        };
        let missed = match replied {
            Replied { status: StatusCode::OK, body, .. } => match Metadata::read(issuer, &body) {
                Ok(metadata) => return Ok(metadata),
                Err(error) => Unfound::operators(error.to_string()),
            },
            Replied { status, headers, body } => {
                let passes = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
                let fault = if passes { Fault::Provider } else { Fault::Operator };
                let answer = Answer::new(status.as_u16(), &headers, body);
                let after = answer.retry_after(asked_at);
                let words = format!("the issuer has no metadata (status {})", status.as_u16());
                Unfound { after, fault, words }
            }
        };
        unfound = Some(match unfound {
            Some(earlier) => earlier.or(missed),
            None => missed,
        });
    }
    Err(unfound.unwrap_or_else(|| Unfound::operators("the issuer has no metadata")))
}

#[cfg(test)]
mod tests;
