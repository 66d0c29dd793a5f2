//! An answer by which the API says that it did not take the token: the request goes out once more, with
//! another one. It is never lost: where there is no other token, or the request can't be sent again, it is
//! the caller's.
use super::Proxy;
use super::again::DISCARD_MAX;
use super::again::Plan;
use super::again::poll_discard;
use super::body::OutBody;
use super::error::ProxyError;
use super::tally::Tally;
use super::token::Held;
use super::token::go_on;
use super::token::landing;
use super::token::wanted;
use crate::auth::Learnt;
use crate::catalog::Token;
use crate::catalog::TokenMethod;
use crate::grant::FAILURE_BODY_LEN_MAX;
use crate::renewal;
use crate::renewal::Asked;
use crate::renewal::RenewalError;
use crate::resolve::Puts;
use crate::resolve::Target;
use crate::server::OnExpiry;
use crate::server::Watch;
use crate::telemetry::metrics::RetryOutcome;
use crate::telemetry::metrics::RetryReason;
use crate::upstream::Failed;
use crate::upstream::Pieces;
use crate::upstream::Sent;
use http::HeaderMap;
use http::Response;
use http::header;
use http_body::Body;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

const NO_NONCE: &[u8] = b"use_dpop_nonce";

/// Most pieces in which a body comes that is looked at.
const PIECES_MAX: usize = 1024;

/// What an attempt was made with, and what it was for.
#[derive(Clone, Copy)]
pub(super) struct With<'e, 's> {
    pub held: &'e Held<'s>,
    pub target: &'e Target<'s>,
    /// As it was sent.
    pub path: &'e str,
    /// What the credential learnt of its answer.
    pub learnt: Learnt,
}

/// What comes after an attempt that may not be the last.
pub(super) enum Next<'s> {
    Answer(Box<Sent<OutBody>>),
    Again,
    AgainWith(Held<'s>),
}

/// What an answer says of the token.
enum Judged<'s> {
    Taken(Sent<OutBody>),
    /// It was refused, and this is the caller's answer.
    Refused(Sent<OutBody>),
    /// It was refused, and this one may not be.
    Replaced(Held<'s>),
    /// Its proof or signature was, and has the API's nonce next time.
    ToBeProven,
}

/// What an answer's head says of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Taken,
    Refused,
    /// The body has to be looked at.
    Unsure,
    /// The proof lacks the API's nonce, which is known by now (RFC 9449 §9).
    NoNonce,
}

/// Where the method finds refusals in bodies, answers are asked for without a content coding.
pub(super) fn ask_for_plain_answers(target: &mut Target<'_>) {
    if let Puts::Token(holder) = target.puts
        && holder.method.reads_bodies()
    {
        target.ignore.push(header::ACCEPT_ENCODING);
    }
}

/// True for an answer that refuses the token, or may.
pub(super) fn is_doubtful(held: &Held<'_>, target: &Target<'_>, sent: &Sent<OutBody>) -> bool {
    let (Held::Token(token), Puts::Token(holder)) = (held, target.puts) else { return false };
    if token.binding.is_some()
        && let Some(nonce) = sent.response.headers().get("dpop-nonce")
    {
        // It may come with any answer (RFC 9449 §8.2).
        holder.nonces.keep(target.base.origin(), nonce.to_str().unwrap_or_default());
    }
    verdict(token, &holder.method, sent) != Verdict::Taken
}

fn verdict(token: &Token, method: &TokenMethod, sent: &Sent<OutBody>) -> Verdict {
    let (status, headers) = (sent.response.status().as_u16(), sent.response.headers());
    if status == 401 && token.binding.is_some() && asks_for_nonce(headers) {
        return Verdict::NoNonce;
    }
    if method.is_refusal(status, headers, &[]) && sent.upgraded.is_none() {
        return Verdict::Refused;
    }
    let body = sent.response.body();
    let is_short = || body.size_hint().lower() <= FAILURE_BODY_LEN_MAX as u64;
    let may_say = method.refuses_in_body(status) && !body.is_end_stream();
    if may_say && is_short() && is_read(method, headers) {
        return Verdict::Unsure;
    }
    Verdict::Taken
}

/// `WWW-Authenticate: DPoP error="use_dpop_nonce"`, and the nonce beside it (RFC 9449 §9).
fn asks_for_nonce(headers: &HeaderMap) -> bool {
    let mut challenges = headers.get_all(header::WWW_AUTHENTICATE).iter();
    let says = |it: &[u8]| it.windows(NO_NONCE.len()).any(|it| it == NO_NONCE);
    headers.contains_key("dpop-nonce") && challenges.any(|it| says(it.as_bytes()))
}

/// A type that the method reads, in no content coding.
fn is_read(method: &TokenMethod, headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(|it| it.as_bytes());
    let essence = content_type.and_then(|it| it.split(|it| *it == b';').next());
    let essence = essence.unwrap_or_default().trim_ascii().to_ascii_lowercase();
    method.reads_type(&essence) && !headers.contains_key(header::CONTENT_ENCODING)
}

impl Proxy {
    /// What becomes of an attempt that failed, or whose answer may not be the last word.
    pub(super) async fn next<'s>(
        &self,
        outcome: Result<Sent<OutBody>, Failed>,
        with: With<'_, 's>,
        plan: &mut Plan<'_>,
        watch: &Watch,
        tally: &mut Tally,
    ) -> Result<Next<'s>, ProxyError> {
        let judged = match outcome {
            Ok(sent) => self.judged(sent, with, plan, watch, tally).await,
            failed => return self.retried(failed, plan, watch, tally).await,
        };
        match judged {
            Judged::Replaced(held) => Ok(Next::AgainWith(held)),
            Judged::ToBeProven => Ok(Next::Again),
            Judged::Taken(sent) | Judged::Refused(sent) if plan.concerns(&sent) => {
                self.retried(Ok(sent), plan, watch, tally).await
            }
            Judged::Taken(sent) => {
                self.plan_ends(plan);
                Ok(Next::Answer(Box::new(sent)))
            }
            Judged::Refused(sent) => {
                plan.settle();
                Ok(Next::Answer(Box::new(sent)))
            }
        }
    }

    async fn retried<'s>(
        &self,
        outcome: Result<Sent<OutBody>, Failed>,
        plan: &mut Plan<'_>,
        watch: &Watch,
        tally: &mut Tally,
    ) -> Result<Next<'s>, ProxyError> {
        let answer = self.again(outcome, plan, watch, tally).await?;
        Ok(answer.map_or(Next::Again, |it| Next::Answer(Box::new(it))))
    }

    async fn judged<'s>(
        &self,
        mut sent: Sent<OutBody>,
        with: With<'_, 's>,
        plan: &mut Plan<'_>,
        watch: &Watch,
        tally: &mut Tally,
    ) -> Judged<'s> {
        let target = with.target;
        if with.learnt == Learnt::Challenge {
            return self.challenged(sent, target, plan, watch).await;
        }
        let (Held::Token(token), Some(wanted)) = (with.held, wanted(target)) else {
            return Judged::Taken(sent);
        };
        let method = &wanted.holder.method;
        match verdict(token, method, &sent) {
            Verdict::NoNonce => return self.to_be_proven(sent, target, plan, watch).await,
            Verdict::Taken => return Judged::Taken(sent),
            Verdict::Refused => {}
            Verdict::Unsure => {
                let body;
                (sent, body) = looked_at(sent, target.upstream().timeouts.idle, watch).await;
                let (status, headers) = (sent.response.status().as_u16(), sent.response.headers());
                if !body.is_some_and(|it| method.is_refusal(status, headers, &it)) {
                    return Judged::Taken(sent);
                }
            }
        }
        // Whether this request can be sent again or not, the next one shall have another token.
        let now = (self.clock)();
        let asked = self.renewals.refused(wanted, token.generation, now, Instant::now());
        let may = plan.may_change_token(watch).await;
        let newer = match may.and_then(|()| self.may_reach(target)) {
            Ok(()) => newer(asked, token, watch, tally).await,
            Err(why) => Err(why),
        };
        let held = newer.map(|it| go_on(it, target, with.path));
        match held {
            Ok(Ok(held)) => {
                plan.change_token();
                discard(sent).await;
                self.metrics.shared().retry(RetryReason::TokenRefused, RetryOutcome::Sent);
                Judged::Replaced(held)
            }
            Ok(Err(_)) => Judged::Refused(sent),
            Err(why) => {
                self.metrics.shared().retry(RetryReason::TokenRefused, why);
                Judged::Refused(sent)
            }
        }
    }

    /// It is not the token: no other one is asked for.
    async fn to_be_proven<'s>(
        &self,
        sent: Sent<OutBody>,
        target: &Target<'_>,
        plan: &mut Plan<'_>,
        watch: &Watch,
    ) -> Judged<'s> {
        let may = plan.may_prove_again(watch).await.and_then(|()| self.may_reach(target));
        let outcome = may.err().unwrap_or(RetryOutcome::Sent);
        self.metrics.shared().retry(RetryReason::DpopNonce, outcome);
        if may.is_err() {
            return Judged::Refused(sent);
        }
        plan.prove_again();
        discard(sent).await;
        Judged::ToBeProven
    }

    /// The credential knows an answer to the API's challenge now.
    async fn challenged<'s>(
        &self,
        sent: Sent<OutBody>,
        target: &Target<'_>,
        plan: &mut Plan<'_>,
        watch: &Watch,
    ) -> Judged<'s> {
        let may = plan.may_answer(watch).await.and_then(|()| self.may_reach(target));
        let outcome = may.err().unwrap_or(RetryOutcome::Sent);
        self.metrics.shared().retry(RetryReason::Challenge, outcome);
        if may.is_err() {
            return Judged::Refused(sent);
        }
        plan.answer_challenge();
        discard(sent).await;
        Judged::ToBeProven
    }

    fn may_reach(&self, target: &Target<'_>) -> Result<(), RetryOutcome> {
        let is_open = self.circuits.is_open(target.base.origin(), target.upstream());
        if is_open { Err(RetryOutcome::CircuitOpen) } else { Ok(()) }
    }
}

/// Another token than the refused one. Waits for it no longer than half of what the exchange has left, so
/// that the other half is there to use it in, or to pass the first answer on.
async fn newer(
    asked: Result<Asked, RenewalError>,
    refused: &Token,
    watch: &Watch,
    tally: &mut Tally,
) -> Result<Arc<Token>, RetryOutcome> {
    let is_other = |it: &Arc<Token>| it.generation != refused.generation;
    match asked {
        Ok(Asked::Token(token)) => Some(token).filter(is_other).ok_or(RetryOutcome::UsedUp),
        Ok(Asked::Flight(flight)) => {
            let wait = watch.time_left().map_or(renewal::WAIT, |it| renewal::WAIT.min(it / 2));
            watch.arm(wait, OnExpiry::Answer);
            let landed = landing(flight, watch, tally).await;
            landed.ok().filter(is_other).ok_or(RetryOutcome::TooLate)
        }
        Err(_) => Err(RetryOutcome::TooLate),
    }
}

/// The answer as it was, and what its body says: nothing where it is longer than is looked at, breaks off,
/// or does not come in time.
async fn looked_at(
    sent: Sent<OutBody>,
    idle: Duration,
    watch: &Watch,
) -> (Sent<OutBody>, Option<Vec<u8>>) {
    let Sent { response, upgraded, spent } = sent;
    let (head, mut body) = response.into_parts();
    let (mut pieces, mut read) = (Pieces::new(), Vec::new());
    watch.arm(idle, OnExpiry::Answer);
    let is_whole = poll_fn(|cx| {
        loop {
            match Pin::new(&mut body).poll_frame(cx) {
                Poll::Pending if watch.poll_expired(cx) => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(true),
                Poll::Ready(Some(piece)) => {
                    let is_broken = piece.is_err();
                    if let Some(data) = piece.as_ref().ok().and_then(|it| it.data_ref()) {
                        read.extend_from_slice(data);
                    }
                    pieces.push_back(piece);
                    let is_long = read.len() > FAILURE_BODY_LEN_MAX || pieces.len() >= PIECES_MAX;
                    if is_broken || is_long {
                        return Poll::Ready(false);
                    }
                    watch.put_off(idle);
                }
            }
        }
    })
    .await;
    let response = Response::from_parts(head, body.with_unread(pieces));
    (Sent { response, upgraded, spent }, is_whole.then_some(read))
}

/// Reads what has come of an answer that nobody gets: where that is all of it, its link can be used again.
async fn discard(sent: Sent<OutBody>) {
    let (mut body, mut left) = (sent.response.into_body(), DISCARD_MAX);
    poll_fn(|cx| {
        let _ = poll_discard(&mut body, &mut left, cx);
        Poll::Ready(())
    })
    .await;
}
