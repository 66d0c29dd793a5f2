//! From one attempt to the next: what the hub does when an answer, or a failure, may not be the last word.
use super::Proxy;
use super::body::OutBody;
use super::body::Source;
use super::error::ProxyError;
use super::replay::Bounds;
use super::replay::KeptBodies;
use super::replay::Replay;
use super::replay::Unfed;
use super::replay::Unfilled;
use super::retry;
use super::retry::Attempts;
use super::retry::Circumstances;
use super::tally::Tally;
use crate::auth::BodyUse;
use crate::catalog::Protocol;
use crate::catalog::Retries;
use crate::catalog::Signing;
use crate::catalog::UpstreamSettings;
use crate::crypto::Feed;
use crate::model::Origin;
use crate::server::OnExpiry;
use crate::server::RequestBody;
use crate::server::Watch;
use crate::telemetry::metrics::RetryOutcome;
use crate::telemetry::metrics::RetryReason;
use crate::upstream::Failed;
use crate::upstream::Manner;
use crate::upstream::ResponseBody;
use crate::upstream::SendError;
use crate::upstream::Sent;
use crate::upstream::retry_after;
use bytes::Bytes;
use http_body::Body;
use std::future::poll_fn;
use std::pin::Pin;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

/// How fast a body has to come that is read before it is sent, once `first_byte` is over, in bytes a second: far
/// below what any network of use does.
const READ_AHEAD_LEAST: u64 = 4 * 1024;

/// Most of a discarded answer that is read, in bytes: up to here it is cheaper than a new link.
pub(super) const DISCARD_MAX: usize = 64 * 1024;

/// How often a request goes out again that its upstream has not looked at: each time on whatever link
/// there is by then, and without a pause, since an upstream that leaves its links has others.
const DECLINED_MAX: u8 = 8;

/// What an exchange brings along for a further attempt.
pub struct Plan<'e> {
    pub manner: Manner,
    body: PlannedBody,
    attempts: Attempts<'e>,
    settings: &'e UpstreamSettings,
    origin: &'e Arc<Origin>,
    /// Sending it twice does no harm.
    is_idempotent: bool,
    /// Attempts that the upstream has not looked at.
    declined: u8,
    /// What the last attempt was made for; none where it is the first.
    made_for: Option<RetryReason>,
    /// An attempt was made with another token than the first.
    has_other_token: bool,
    /// An attempt was made for the API's nonce.
    has_nonce: bool,
    /// An attempt was made to answer the API's challenge.
    has_answered: bool,
    /// A signer needs the body in memory.
    is_whole: bool,
}

/// A request's body, as far as it can be given.
enum PlannedBody {
    None,
    Once(Option<RequestBody>),
    Replayed(Rc<Replay>),
    /// It is read before any of it is sent, since a signature covers it.
    Signed(Rc<Replay>),
}

/// A request as its caller sent it, as far as it matters for how often it may go out.
pub struct Asked {
    pub retries: Option<u8>,
    pub body: Option<RequestBody>,
    /// Sending it twice does no harm.
    pub is_idempotent: bool,
    pub is_websocket: bool,
    /// Its credential may be refused for another one to be tried.
    pub has_token: bool,
    /// What its signature covers of the body.
    pub body_use: BodyUse,
}

impl<'e> Plan<'e> {
    pub fn new(
        asked: Asked,
        settings: &'e UpstreamSettings,
        origin: &'e Arc<Origin>,
        bodies: &Rc<KeptBodies>,
    ) -> Self {
        let policy = &settings.retries;
        let attempts = Attempts::new(policy, asked.retries);
        let idle = settings.timeouts.first_byte;
        let Asked { is_idempotent, body_use, .. } = asked;
        let body = match asked.body {
            None => PlannedBody::None,
            Some(mut body) => {
                body.keep_alive_for(idle);
                let is_measured = body.size_hint().exact().is_some();
                match body_use {
                    BodyUse::Fed | BodyUse::Whole => signed(body, body_use, settings, bodies),
                    // What is signed piece by piece says its length first.
                    BodyUse::Chunked if !is_measured => {
                        signed(body, BodyUse::Fed, settings, bodies)
                    }
                    BodyUse::Kept => {
                        PlannedBody::Replayed(Replay::kept(body, idle, bodies, bounds(settings)))
                    }
                    BodyUse::Untouched | BodyUse::Chunked => {
                        // What may come to be sent again whatever the method, since nobody has acted on it.
                        let is_declinable =
                            is_short(&body, policy) && may_decline(settings, origin);
                        let may_be_unused =
                            is_declinable || asked.has_token && !is_long(&body, policy);
                        match (is_idempotent, attempts.may_follow() || may_be_unused) {
                            (false, false) => PlannedBody::Once(Some(body)),
                            (true, false) => PlannedBody::Replayed(Replay::unkept(body, idle)),
                            (_, true) => {
                                let max_spill =
                                    if attempts.may_follow() { policy.max_spill } else { 0 };
                                let bounds = Bounds { memory: policy.max_memory, spill: max_spill };
                                let replay = Replay::kept(body, idle, bodies, bounds);
                                if !is_idempotent && !may_be_unused {
                                    replay.settle();
                                }
                                PlannedBody::Replayed(replay)
                            }
                        }
                    }
                }
            }
        };
        let is_kept = match &body {
            PlannedBody::None => true,
            PlannedBody::Once(_) => false,
            PlannedBody::Signed(_) => true,
            PlannedBody::Replayed(_) => attempts.may_follow(),
        };
        let manner = Manner {
            may_repeat: is_idempotent && is_kept,
            fresh_link: false,
            upgrade: asked.is_websocket,
        };
        Self {
            manner,
            body,
            attempts,
            settings,
            origin,
            is_idempotent,
            declined: 0,
            made_for: None,
            has_other_token: false,
            has_nonce: false,
            has_answered: false,
            is_whole: body_use == BodyUse::Whole,
        }
    }

    /// Reads a body that a signature covers, as far as its bounds allow.
    pub async fn read_ahead(&self, watch: &Watch) -> Result<(), ProxyError> {
        match &self.body {
            PlannedBody::Signed(replay) => self.fill(replay, watch).await,
            PlannedBody::None | PlannedBody::Once(_) | PlannedBody::Replayed(_) => Ok(()),
        }
    }

    /// Whether there is anything to read ahead.
    pub fn reads_ahead(&self) -> bool {
        matches!(self.body, PlannedBody::Signed(_))
    }

    async fn fill(&self, replay: &Replay, watch: &Watch) -> Result<(), ProxyError> {
        watch.arm(self.settings.timeouts.first_byte, OnExpiry::Answer);
        let began = Instant::now();
        let filled = poll_fn(|cx| match replay.poll_filled(cx) {
            Poll::Pending if watch.poll_expired(cx) || self.is_dripping(replay, began) => {
                let stalls = watch.caller_stalls.get();
                Poll::Ready(Err(if stalls {
                    ProxyError::CallerStalled
                } else {
                    ProxyError::BodyUnkept
                }))
            }
            polled => polled.map(|it| it.map_err(|it| self.unread(it))),
        });
        filled.await
    }

    /// Whether a body comes so slowly that others should have the room that it takes.
    fn is_dripping(&self, replay: &Replay, began: Instant) -> bool {
        let grace = self.settings.timeouts.first_byte;
        let late = began.elapsed().saturating_sub(grace).as_secs();
        late > 0 && replay.kept_len() < late.saturating_mul(READ_AHEAD_LEAST)
    }

    /// Puts the body through what a signer computes: one that has been read ahead, or was kept of an attempt before.
    pub async fn feed(&self, feeds: &mut [Feed], watch: &Watch) -> Result<(), ProxyError> {
        let replay = match &self.body {
            PlannedBody::None => return Ok(()),
            PlannedBody::Signed(replay) => replay,
            PlannedBody::Replayed(replay) => {
                // A challenge asked for it that was not expected.
                replay.withdraw();
                self.fill(replay, watch).await?;
                replay
            }
            // A signer asks for what it said that it does not need.
            PlannedBody::Once(_) => return Err(ProxyError::BodyUnkept),
        };
        let fed = replay.feed(feeds, watch).await;
        fed.map_err(|why| match why {
            Unfed::Late => ProxyError::BodyUnkept,
            Unfed::Unfilled(why) => self.unread(why),
        })
    }

    /// The body, where a signer needs all of it at once.
    pub fn whole(&self) -> Option<Bytes> {
        match &self.body {
            PlannedBody::Signed(replay) if self.is_whole => replay.whole(),
            PlannedBody::Signed(_) => None,
            PlannedBody::None | PlannedBody::Once(_) | PlannedBody::Replayed(_) => None,
        }
    }

    /// The body's length in bytes, where it is known.
    pub fn body_len(&self) -> Option<u64> {
        match &self.body {
            PlannedBody::None => Some(0),
            PlannedBody::Once(body) => body.as_ref().and_then(|it| it.size_hint().exact()),
            PlannedBody::Replayed(replay) | PlannedBody::Signed(replay) => replay.length(),
        }
    }

    fn unread(&self, why: Unfilled) -> ProxyError {
        let Signing { max_memory, max_spill } = self.settings.signing;
        match why {
            Unfilled::TooLong => ProxyError::TooLongToSign {
                max: if self.is_whole { max_memory } else { max_memory.max(max_spill) },
            },
            Unfilled::NoRoom => ProxyError::NoRoomToSign,
            Unfilled::Gone => ProxyError::Send(SendError::RequestBody),
            Unfilled::Lost => ProxyError::BodyUnkept,
        }
    }

    /// Whether the request may go out once more with an answer to the API's challenge.
    pub async fn may_answer(&self, watch: &Watch) -> Result<(), RetryOutcome> {
        if self.has_answered {
            return Err(RetryOutcome::UsedUp);
        }
        self.may_follow_a_refusal(watch).await
    }

    /// The next attempt answers the API's challenge.
    pub fn answer_challenge(&mut self) {
        self.has_answered = true;
        self.made_for = Some(RetryReason::Challenge);
        self.replay().into_iter().for_each(Replay::withdraw);
    }

    /// Whether the request may go out once more with another token. A refused one was not acted on, so
    /// that any method may.
    pub async fn may_change_token(&self, watch: &Watch) -> Result<(), RetryOutcome> {
        if self.has_other_token {
            return Err(RetryOutcome::UsedUp);
        }
        self.may_follow_a_refusal(watch).await
    }

    /// Whether the request may go out once more with a proof that has the API's nonce.
    pub async fn may_prove_again(&self, watch: &Watch) -> Result<(), RetryOutcome> {
        if self.has_nonce {
            return Err(RetryOutcome::UsedUp);
        }
        self.may_follow_a_refusal(watch).await
    }

    async fn may_follow_a_refusal(&self, watch: &Watch) -> Result<(), RetryOutcome> {
        if !self.has_body_again(watch).await {
            return Err(RetryOutcome::NotRepeatable);
        }
        Ok(())
    }

    /// The next attempt is made with another token.
    pub fn change_token(&mut self) {
        self.has_other_token = true;
        self.made_for = Some(RetryReason::TokenRefused);
        self.replay().into_iter().for_each(Replay::withdraw);
    }

    /// The next attempt is made with the API's nonce.
    pub fn prove_again(&mut self) {
        self.has_nonce = true;
        self.made_for = Some(RetryReason::DpopNonce);
        self.replay().into_iter().for_each(Replay::withdraw);
    }

    /// There is no further attempt.
    pub fn settle(&self) {
        self.replay().into_iter().for_each(Replay::settle);
    }

    /// The body for the next attempt.
    pub fn next_body(&mut self) -> Option<Source> {
        match &mut self.body {
            PlannedBody::None => None,
            PlannedBody::Once(body) => body.take().map(Source::Once),
            PlannedBody::Replayed(replay) | PlannedBody::Signed(replay) => {
                Some(Source::Replayed(replay.attempt()))
            }
        }
    }

    /// True where an answer with this head may not be the last word.
    pub fn concerns(&self, sent: &Sent<OutBody>) -> bool {
        self.attempts.concern(sent.response.status())
    }

    /// Why the request goes out again at once, where nobody can have looked at it: that is no retry yet.
    fn is_replaced(&self, failed: &Failed) -> Option<RetryReason> {
        if failed.unprocessed {
            return (self.declined < DECLINED_MAX).then_some(RetryReason::Declined);
        }
        let is_first = !self.manner.fresh_link && failed.may_try_again;
        (is_first && self.is_idempotent).then_some(RetryReason::StaleLink)
    }

    /// Whether the next attempt would have the body too. Waits for what is being written to a file, but
    /// not beyond the deadline.
    async fn has_body_again(&self, watch: &Watch) -> bool {
        match &self.body {
            PlannedBody::None => true,
            PlannedBody::Once(body) => body.is_some(),
            PlannedBody::Replayed(replay) | PlannedBody::Signed(replay) => {
                poll_fn(|cx| match replay.poll_can_be_given_again(cx) {
                    Poll::Pending if watch.poll_expired(cx) => Poll::Ready(false),
                    polled => polled,
                })
                .await
            }
        }
    }

    fn replay(&self) -> Option<&Replay> {
        match &self.body {
            PlannedBody::None | PlannedBody::Once(_) => None,
            PlannedBody::Replayed(replay) | PlannedBody::Signed(replay) => Some(replay),
        }
    }

    /// An attempt's outcome is the exchange's.
    fn passed_on(
        &self,
        outcome: Result<Sent<OutBody>, Failed>,
    ) -> Result<Option<Sent<OutBody>>, ProxyError> {
        match outcome {
            Ok(sent) => {
                self.settle();
                Ok(Some(sent))
            }
            Err(_) if self.replay().is_some_and(Replay::is_lost) => Err(ProxyError::BodyLost),
            Err(failed) => Err(failed.error.into()),
        }
    }
}

/// A body that is read before it is sent.
fn signed(
    body: RequestBody,
    body_use: BodyUse,
    settings: &UpstreamSettings,
    bodies: &Rc<KeptBodies>,
) -> PlannedBody {
    let within = bounds(settings);
    let spill = if body_use == BodyUse::Whole { 0 } else { within.spill };
    let idle = settings.timeouts.first_byte;
    PlannedBody::Signed(Replay::kept(body, idle, bodies, Bounds { spill, ..within }))
}

fn bounds(settings: &UpstreamSettings) -> Bounds {
    let Signing { max_memory, max_spill } = settings.signing;
    Bounds { memory: max_memory, spill: max_spill }
}

/// True for a body that can be kept without a file.
fn is_short(body: &RequestBody, policy: &Retries) -> bool {
    body.size_hint().exact().is_some_and(|it| it <= policy.max_memory)
}

/// True for a body that is known to be too long to be kept so.
fn is_long(body: &RequestBody, policy: &Retries) -> bool {
    body.size_hint().exact().is_some_and(|it| it > policy.max_memory)
}

/// True for an upstream that may say of a request, body and all, that it has not looked at it: by
/// leaving or refusing the stream on HTTP/2 (RFC 9113 §8.7). Such a request is sent again whatever its
/// method.
fn may_decline(settings: &UpstreamSettings, origin: &Origin) -> bool {
    match settings.protocol {
        Protocol::Auto => origin.is_https(),
        Protocol::Http1 => false,
        Protocol::Http2 => true,
    }
}

impl Proxy {
    /// Counts an exchange that may be retried: what its retries are measured by.
    pub(super) fn plan_begins(&self, plan: &Plan<'_>, watch: &Watch) {
        if plan.attempts.may_follow() {
            let now_ms = watch.worker().clock_ms();
            self.retry_budgets.earn(plan.origin, &plan.settings.retries, now_ms);
        }
    }

    /// An attempt's answer is the exchange's.
    pub(super) fn plan_ends(&self, plan: &Plan<'_>) {
        plan.settle();
        if let Some(reason) = plan.made_for {
            self.metrics.shared().retry(reason, RetryOutcome::Recovered);
        }
    }

    /// Whether the upstream, as far as is known, can bear one more.
    fn is_affordable(&self, plan: &Plan<'_>, watch: &Watch) -> Result<(), RetryOutcome> {
        let (origin, settings) = (plan.origin, plan.settings);
        if self.circuits.is_open(origin, settings) {
            return Err(RetryOutcome::CircuitOpen);
        }
        let now_ms = watch.worker().clock_ms();
        let has_budget = self.retry_budgets.spend(origin, &settings.retries, now_ms);
        if has_budget { Ok(()) } else { Err(RetryOutcome::OverBudget) }
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
            && let Some(reason) = plan.is_replaced(failed)
            && plan.has_body_again(watch).await
        {
            plan.manner.fresh_link = true;
            plan.declined += u8::from(failed.unprocessed);
            plan.made_for = Some(reason);
            self.metrics.shared().retry(reason, RetryOutcome::Sent);
            return Ok(None);
        }
        let (found, told) = match &outcome {
            Ok(sent) => {
                let told = retry_after(sent.response.headers(), (self.clock)());
                (retry::of_status(sent.response.status()), told)
            }
            Err(failed) => (retry::of_error(failed.error), None),
        };
        let reason = plan.attempts.reason(found).filter(|_| plan.attempts.may_follow());
        let Some(reason) = reason else { return plan.passed_on(outcome) };
        let label = retry::label(reason);
        let is_unseen = outcome.as_ref().is_err_and(|it| it.unprocessed);
        let may = plan.attempts.next(&Circumstances {
            is_harmless: plan.is_idempotent || is_unseen || retry::was_unsent(reason),
            has_body_again: plan.has_body_again(watch).await,
            told,
            time_left: watch.time_left(),
            random: self.ids.random(),
        });
        let may = may.and_then(|wait| self.is_affordable(plan, watch).map(|()| wait));
        match may {
            Err(why) => {
                self.metrics.shared().retry(label, why);
                plan.passed_on(outcome)
            }
            Ok(wait) => {
                plan.attempts.begin();
                plan.made_for = Some(label);
                plan.replay().into_iter().for_each(Replay::withdraw);
                let answer = outcome.ok().map(|it| it.response.into_body());
                let began = Instant::now();
                let paused = pause(wait, answer, plan.replay(), watch).await;
                tally.backed_off(began.elapsed());
                paused?;
                self.metrics.shared().retry(label, RetryOutcome::Sent);
                Ok(None)
            }
        }
    }
}

/// Waits, and reads what is left of the discarded answer meanwhile: its link can then be used again.
/// Where that takes longer than the wait, or there is too much of it, the link is closed.
///
/// The timer is the only one of an exchange, and there is none without a retry.
async fn pause(
    wait: Duration,
    mut answer: Option<ResponseBody<OutBody>>,
    replay: Option<&Replay>,
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
        if let Some(replay) = replay
            && replay.poll_gone(cx).is_ready()
        {
            let is_lost = replay.is_lost();
            let gone = ProxyError::Send(SendError::RequestBody);
            return Poll::Ready(Err(if is_lost { ProxyError::BodyLost } else { gone }));
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
pub(super) fn poll_discard(
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
