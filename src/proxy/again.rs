//! From one attempt to the next: what the hub does when an answer, or a failure, may not be the last word.
use super::Proxy;
use super::body::OutBody;
use super::error::ProxyError;
use super::retry;
use super::retry::Attempts;
use super::retry::Circumstances;
use super::tally::Tally;
use crate::catalog::Retries;
use crate::model::Origin;
use crate::server::OnExpiry;
use crate::server::RequestBody;
use crate::server::Watch;
use crate::telemetry::metrics::RetryOutcome;
use crate::telemetry::metrics::RetryReason;
use crate::upstream::Failed;
use crate::upstream::Manner;
use crate::upstream::ResponseBody;
use crate::upstream::Sent;
use http_body::Body;
use std::future::poll_fn;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

/// Most of a discarded answer that is read, in bytes: up to here it is cheaper than a new link.
const DISCARD_MAX: usize = 64 * 1024;

/// What an exchange brings along for a further attempt.
pub struct Plan<'e> {
    pub manner: Manner,
    pub body: Option<RequestBody>,
    attempts: Attempts<'e>,
    policy: &'e Retries,
    origin: &'e Arc<Origin>,
    has_body: bool,
    /// Sending it twice does no harm.
    is_idempotent: bool,
    /// What the last attempt was made for; none where it is the first.
    made_for: Option<RetryReason>,
}

impl<'e> Plan<'e> {
    pub fn new(
        policy: &'e Retries,
        asked: Option<u8>,
        origin: &'e Arc<Origin>,
        body: Option<RequestBody>,
        is_idempotent: bool,
    ) -> Self {
        let has_body = body.is_some();
        let may_repeat = is_idempotent && !has_body;
        let manner = Manner { may_repeat, ..Manner::default() };
        let attempts = Attempts::new(policy, asked);
        Self { manner, body, attempts, policy, origin, has_body, is_idempotent, made_for: None }
    }

    /// True where an answer with this head may not be the last word.
    pub fn concerns(&self, sent: &Sent<OutBody>) -> bool {
        self.attempts.concern(sent.response.status())
    }

    fn has_body_again(&self) -> bool {
        !self.has_body
    }
}

impl Proxy {
    /// Counts an exchange that may be retried: what its retries are measured by.
    pub(super) fn plan_begins(&self, plan: &Plan<'_>, watch: &Watch) {
        if plan.attempts.may_follow() {
            self.retry_budgets.earn(plan.origin, plan.policy, watch.worker().clock_ms());
        }
    }

    /// An attempt's answer is the exchange's.
    pub(super) fn plan_ends(&self, plan: &Plan<'_>) {
        if let Some(reason) = plan.made_for {
            self.metrics.shared().retry(reason, RetryOutcome::Recovered);
        }
    }

    /// What becomes of an attempt that failed, or whose answer is a reason to retry: the answer that is
    /// to be passed on, or none once it is time to send the request again.
    pub(super) async fn again(
        &self,
        outcome: Result<Sent<OutBody>, Failed>,
        plan: &mut Plan<'_>,
        watch: &Watch,
        tally: &mut Tally,
    ) -> Result<Option<Sent<OutBody>>, ProxyError> {
        if let Err(failed) = &outcome
            && failed.may_try_again
            && (plan.is_idempotent || failed.unprocessed)
            && plan.has_body_again()
            && !plan.manner.fresh_link
        {
            // Nobody has looked at the request: this is no retry yet, and nothing to wait for.
            plan.manner.fresh_link = true;
            plan.made_for = Some(RetryReason::StaleLink);
            self.metrics.shared().retry(RetryReason::StaleLink, RetryOutcome::Sent);
            return Ok(None);
        }
        let (found, told) = match &outcome {
            Ok(sent) => {
                let told = retry::told(sent.response.headers(), (self.clock)());
                (retry::of_status(sent.response.status()), told)
            }
            Err(failed) => (retry::of_error(failed.error), None),
        };
        let reason = plan.attempts.reason(found).filter(|_| plan.attempts.may_follow());
        let Some(reason) = reason else { return passed_on(outcome) };
        let label = retry::label(reason);
        let may = plan.attempts.next(&Circumstances {
            is_harmless: plan.is_idempotent || retry::was_unsent(reason),
            has_body_again: plan.has_body_again(),
            told,
            time_left: watch.time_left(),
            random: self.ids.random(),
        });
        let now_ms = watch.worker().clock_ms();
        let may = may.and_then(|wait| {
            let has_budget = self.retry_budgets.spend(plan.origin, plan.policy, now_ms);
            if has_budget { Ok(wait) } else { Err(RetryOutcome::OverBudget) }
        });
        match may {
            Err(why) => {
                self.metrics.shared().retry(label, why);
                passed_on(outcome)
            }
            Ok(wait) => {
                plan.attempts.begin();
                plan.made_for = Some(label);
                let answer = outcome.ok().map(|it| it.response.into_body());
                let began = Instant::now();
                let paused = pause(wait, answer, watch).await;
                tally.backed_off(began.elapsed());
                paused?;
                self.metrics.shared().retry(label, RetryOutcome::Sent);
                Ok(None)
            }
        }
    }
}

fn passed_on(outcome: Result<Sent<OutBody>, Failed>) -> Result<Option<Sent<OutBody>>, ProxyError> {
    outcome.map(Some).map_err(|failed| failed.error.into())
}

/// Waits, and reads what is left of the discarded answer meanwhile: its link can then be used again.
/// Where that takes longer than the wait, or there is too much of it, the link is closed.
///
/// The timer is the only one of an exchange, and there is none without a retry.
async fn pause(
    wait: Duration,
    mut answer: Option<ResponseBody<OutBody>>,
    watch: &Watch,
) -> Result<(), ProxyError> {
    // Only the whole exchange's deadline counts from here on.
    watch.arm(Duration::MAX, OnExpiry::Answer);
    let mut left = DISCARD_MAX;
    let mut wait = pin!(tokio::time::sleep(wait));
    poll_fn(|cx| {
        if watch.poll_expired(cx) {
            return Poll::Ready(Err(ProxyError::TimedOut));
        }
        if let Some(body) = &mut answer
            && poll_discard(body, &mut left, cx).is_ready()
        {
            answer = None;
        }
        wait.as_mut().poll(cx).map(Ok)
    })
    .await
}

/// Reads and forgets; ready where there is no more, or no more that is worth it.
fn poll_discard(
    body: &mut ResponseBody<OutBody>,
    left: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<()> {
    loop {
        match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None | Some(Err(_))) => return Poll::Ready(()),
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, bytes::Bytes::len);
                if bytes > *left {
                    return Poll::Ready(());
                }
                *left -= bytes;
            }
        }
    }
}
