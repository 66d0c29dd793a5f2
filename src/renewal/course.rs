//! The course of one renewal: by the journal where there is a store, else at once.
//!
//! Whatever may be the only token of a grant is never used up before the store has kept that it will be, and what
//! comes for it is kept before anybody looks at it (RFC 9700 §4.14.2: reuse kills the whole grant).
use super::Job;
use super::attempt;
use super::backoff;
use super::bureau::Bureau;
use super::had::Got;
use super::had::Had;
use super::had::Heard;
use super::had::Kept;
use super::had::Missed;
use super::had::Source;
use super::had::Verdict;
use super::journal::Holding;
use super::journal::Journal;
use super::journal::Turn;
use super::journal::Unkept;
use super::opening::Opening;
use super::putting::Putting;
use super::sealed::KeptAnswer;
use super::sweep::put_off;
use super::times;
use crate::catalog::Way;
use crate::grant::Answer;
use crate::grant::Ask;
use crate::grant::Fault;
use crate::grant::Outcome;
use crate::grant::TokenSet;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use crate::store::GrantFailure;
use crate::store::GrantName;
use crate::store::GrantState;
use crate::store::Leased;
use std::rc::Rc;
use std::time::Duration;
use std::time::Instant;

/// How long another replica's renewal is waited for: as long as whoever asks waits.
const WAIT: Duration = Duration::from_secs(20);

/// How often it is looked for the answer of whoever left an attempt, before it counts as lost.
const LATE_LOOKS: u32 = 7;

/// How long a token is left alone whose last message may still be worked on.
const LATE_PAUSE: Duration = Duration::from_secs(30);

/// What the store says that it is time for, and nothing comes of, is looked at again after so long.
const UNDONE: Duration = Duration::from_secs(300);

/// How often it is looked what came of it: at first, and at last.
const LOOK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(500));

/// Has a token.
pub(super) async fn run(bureau: &Bureau, job: &Job) -> Result<Had, Missed> {
    let holder = &job.holder;
    let Some(journal) = &bureau.journal else {
        if rotates(job) {
            let words =
                "its tokens are used up by renewing them, and there is no store to keep the next";
            return Err(Missed::again(Fault::Operator, words));
        }
        let before = job.kept.as_ref().and_then(Kept::tokens);
        let got = attempt::once(bureau, job, before, None).await?;
        return got.ready(holder, 0, Source::Message);
    };
    let name = job.place.name();
    let turn = match tokio::time::timeout(WAIT, journal.turn(&name)).await {
        Ok(turn) => turn,
        Err(_) => return Err(Missed::again(Fault::Provider, "another try for it is under way")),
    };
    let holding = job.is_due.then(|| journal.hold(&name));
    let unsent = None;
    let mut course = Course { bureau, job, journal, name, turn: Some(turn), holding, unsent };
    let outcome = course.run().await;
    if course.holding.take().is_some() {
        // Nothing was put down with which it would have ended.
        match job.is_due && !journal.is_stopping.get() {
            true => journal.put_off(course.name, put_off(UNDONE)).await,
            false => journal.let_go(&course.name).await,
        }
    }
    outcome
}

/// Whether the token that it is renewed by may be used up with it.
pub(super) fn rotates(job: &Job) -> bool {
    matches!(&job.holder.method.way, Way::Oauth2(method) if method.rotates())
}

enum Step {
    Ended(Box<Result<Had, Missed>>),
    /// What is kept is another than it was.
    Anew,
    /// Another replica is at it.
    Taken,
}

pub(super) struct Course<'a> {
    pub(super) bureau: &'a Bureau,
    pub(super) job: &'a Job,
    journal: &'a Rc<Journal>,
    name: GrantName,
    /// Handed on to whoever still has to put down what was had.
    turn: Option<Turn>,
    /// While the lease is this replica's.
    holding: Option<Holding>,
    /// An attempt of this one that was surely not sent.
    unsent: Option<String>,
}

/// What an answer is to whoever finds it kept.
pub(super) enum Acted {
    Token(Got),
    /// It holds no token that is found by these settings: nothing is sent before somebody has looked.
    Hold(Missed),
    /// It says that the token is as it was.
    GoOn,
}

impl Course<'_> {
    async fn run(&mut self) -> Result<Had, Missed> {
        let began = Instant::now();
        let mut pause = LOOK.0;
        loop {
            self.journal.goes_on()?;
            match self.step().await {
                Step::Ended(outcome) => return *outcome,
                Step::Anew => {}
                Step::Taken if began.elapsed() >= WAIT => {
                    let words = "another replica has not renewed it yet";
                    return Err(Missed::again(Fault::Provider, words));
                }
                Step::Taken => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LOOK.1);
                }
            }
            if began.elapsed() >= WAIT * 3 {
                let words = "it changes again and again meanwhile";
                return Err(Missed::again(Fault::Provider, words));
            }
        }
    }

    async fn step(&mut self) -> Step {
        let page = match self.journal.page(&self.name).await {
            Ok(page) => page,
            Err(unkept) => return self.without(unkept).await,
        };
        let is_anothers = page.as_ref().is_some_and(|it| self.journal.is_anothers(&it.row));
        let waits = page.as_ref().is_none_or(|it| self.waits(&it.row));
        let (before, answer, version, attempt, failures) = match self.opening(page) {
            Opening::Ended(outcome) => return Step::Ended(Box::new(outcome)),
            Opening::Renew { before, answer, version, attempt, failures } => {
                (before, answer, version, attempt, failures)
            }
        };
        if is_anothers || attempt.is_some() && !self.journal.is_settled() {
            return Step::Taken;
        }
        let fingerprint = self.job.holder.grant_identity();
        let leased =
            self.journal.lease(&self.name, fingerprint.clone(), self.job.is_declared).await;
        let open = attempt.as_ref().map_or("", |it| &*it.id);
        let fence = match leased {
            Ok(Leased::Held { fence, version: now, attempt: standing }) => {
                // First the former one goes: with it would go what says that this one is held.
                self.holding = None;
                self.holding = Some(self.journal.hold(&self.name));
                if now != version || standing != open {
                    return Step::Anew;
                }
                fence
            }
            Ok(Leased::Taken) => return Step::Taken,
            Ok(Leased::Gone) => {
                let missed = Missed::again(Fault::Operator, "it is not there any more");
                return Step::Ended(Box::new(Err(missed)));
            }
            Err(unkept) => return self.without(unkept).await,
        };
        let was_taken_up = attempt.is_some() && self.unsent.is_none();
        let of_open = attempt.as_ref().filter(|it| self.unsent.as_ref() != Some(&it.id));
        let is_left = of_open.is_some();
        let mut putting = Putting {
            journal: Rc::clone(self.journal),
            name: self.name.clone(),
            fence,
            version,
            keeps: rotates(self.job),
            fingerprint,
            is_uncertain: false,
            open_of: of_open.map_or_else(String::new, |it| it.of.clone()),
            of: attempt.as_ref().map_or_else(String::new, |it| it.of.clone()),
            own: self.unsent.take().filter(|_| !is_left).unwrap_or_default(),
            attempt: attempt.map_or_else(String::new, |it| it.id),
            unsent: None,
            is_lost: false,
            // Whoever left an attempt sent it once.
            sent_again: is_left,
        };
        let before_tokens = before.as_ref().and_then(Kept::tokens);
        let outcome = match self.acted_upon(answer, before_tokens, waits) {
            Acted::Token(got) => Ok(got),
            Acted::Hold(missed) => Err(missed),
            Acted::GoOn => {
                attempt::once(self.bureau, self.job, before_tokens, Some(&mut putting)).await
            }
        };
        if putting.is_lost {
            self.unsent = putting.unsent;
            return Step::Anew;
        }
        match outcome {
            Ok(got) => self.put(putting, got, before_tokens).await,
            Err(missed) => self.missed(putting, missed, failures, was_taken_up).await,
        }
    }

    /// What goes on though nothing can be put down.
    async fn without(&self, unkept: Unkept) -> Step {
        let job = self.job;
        let holder = &job.holder;
        // What is kept may well be good: nobody is told to consent again because it can't be read.
        if rotates(job)
            || holder.needs_a_person()
            || matches!(unkept, Unkept::Damaged(_)) && holder.renews_by_token()
        {
            let fault = match unkept {
                Unkept::Away(_) | Unkept::Refused(_) => Fault::Provider,
                Unkept::Damaged(_) => Fault::Operator,
            };
            let words =
                format!("nothing is asked for, since it could not be kept: {}", unkept.words());
            return Step::Ended(Box::new(Err(Missed::again(fault, words))));
        }
        let before = job.kept.as_ref().and_then(Kept::tokens);
        let outcome = attempt::once(self.bureau, job, before, None).await;
        let version = job.version.unwrap_or_default();
        Step::Ended(Box::new(outcome.and_then(|it| it.ready(holder, version, Source::Message))))
    }

    /// What an answer says that came, and that nobody acted upon.
    pub(super) fn acted_upon(
        &self,
        kept: Option<KeptAnswer>,
        before: Option<&TokenSet>,
        waits: bool,
    ) -> Acted {
        let Way::Oauth2(method) = &self.job.holder.method.way else { return Acted::GoOn };
        let Some(KeptAnswer { answer, asked_at }) = kept else { return Acted::GoOn };
        let held = &self.job.holder.credential;
        match method.outcome(Ask::Refresh, &answer, held, asked_at) {
            Outcome::Token(tokens) => {
                let tokens = match before {
                    Some(before) => tokens.following(before),
                    None => *tokens,
                };
                let got = Got::again(Kept::Tokens(tokens), self.bureau.now());
                Acted::Token(Got { asked_at, ..got })
            }
            other => {
                let missed = Missed::from(other);
                let is_unread = missed.heard == Heard::Unread;
                if is_unread && waits { Acted::Hold(missed) } else { Acted::GoOn }
            }
        }
    }

    /// Puts down what was had. Where that can't be done now, it is used all the same, and put down later.
    async fn put(&mut self, putting: Putting, got: Got, before: Option<&TokenSet>) -> Step {
        let times = times::of(&self.job.holder, (&got.kept, before), self.bureau.now());
        let written = putting.written(times, &got.kept);
        let version = match putting.save(&written).await {
            Ok(Some(version)) => {
                self.holding = None;
                version
            }
            Ok(None) => return Step::Anew,
            Err(unkept) => {
                let version = putting.version;
                if putting.keeps {
                    let connection = self.job.place.connection.as_str();
                    tracing::error!(
                        connection,
                        tenant = &*self.name.tenant,
                        "a new token is not kept yet, since the store does not take it; it is used, and kept \
                         as soon as that is possible: {}",
                        unkept.words()
                    );
                    let held = (self.turn.take(), self.holding.take());
                    let later = async move { putting.save_at_last(written, held).await };
                    self.journal.unsaved.borrow_mut().spawn_local(later);
                }
                version
            }
        };
        let holder = &self.job.holder;
        Step::Ended(Box::new(got.ready(holder, version, Source::Message)))
    }

    /// Puts down that nothing was had. Whoever was told that the grant is dead looks again first.
    async fn missed(
        &mut self,
        putting: Putting,
        missed: Missed,
        failures: i64,
        was_taken_up: bool,
    ) -> Step {
        if let Verdict::Later { pause } = missed.verdict {
            return self.later(putting, missed, pause).await;
        }
        let is_dead = matches!(missed.verdict, Verdict::Dead { .. });
        if is_dead {
            // Whoever began what was taken up may live, and put down its answer.
            let looks = if was_taken_up && self.journal.is_shared() { LATE_LOOKS } else { 1 };
            for look in 0..looks {
                if look > 0 {
                    tokio::time::sleep(LOOK.1).await;
                }
                match self.journal.page(&self.name).await {
                    Ok(Some(page)) if page.row.version == putting.version => {}
                    Ok(_) => return Step::Anew,
                    Err(unkept) => {
                        let missed = Missed::again(Fault::Provider, unkept.words());
                        return Step::Ended(Box::new(Err(missed)));
                    }
                }
            }
        }
        let is_uncertain = putting.keeps && (putting.is_uncertain || missed.heard.is_uncertain());
        let missed = if is_dead && is_uncertain { lost(missed) } else { missed };
        let (state, pause) = match missed.verdict {
            Verdict::Later { pause } => (GrantState::Failing, Some(pause)),
            Verdict::Dead { .. } => (GrantState::ReauthorizationRequired, None),
            Verdict::Again { after, fault, .. } => {
                let failures = u32::try_from(failures + 1).unwrap_or(u32::MAX);
                let pause = backoff::pause(failures, fault, after, attempt::chance());
                // The first one may still be worked on.
                let is_late = putting.keeps && missed.heard == Heard::Late;
                let pause = if is_late { pause.max(LATE_PAUSE) } else { pause };
                (GrantState::Failing, Some(pause))
            }
        };
        let failure = GrantFailure {
            state,
            why: missed.words.clone(),
            attempt: putting.own,
            again_in_ms: pause.map(|it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX)),
            is_uncertain: is_uncertain && !is_dead,
            tried_with: self.job.holder.fingerprint().text(),
        };
        match self.journal.failed(&self.name, putting.fence, failure).await {
            Ok(true) => self.holding = None,
            Ok(false) => return Step::Anew,
            Err(unkept) => tracing::debug!("a failure is not put down: {}", unkept.words()),
        }
        let verdict = match missed.verdict {
            Verdict::Again { after, fault, .. } => Verdict::Again { after, fault, pause },
            other => other,
        };
        Step::Ended(Box::new(Err(Missed { verdict, ..missed })))
    }

    /// Nothing was tried: what was announced for it is taken back, unless the same token is on its way already.
    async fn later(&mut self, putting: Putting, missed: Missed, pause: Duration) -> Step {
        let own = if putting.is_uncertain { String::new() } else { putting.own };
        let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        match self.journal.withdrawn(&self.name, putting.fence, own, pause_ms).await {
            Ok(_) => self.holding = None,
            Err(unkept) => tracing::debug!("what was not sent stays announced: {}", unkept.words()),
        }
        Step::Ended(Box::new(Err(missed)))
    }
}

/// What was used up is known to nobody: the provider has answered a message, and the answer never came.
fn lost(missed: Missed) -> Missed {
    let words = format!(
        "lost in a crash or on the way: the provider's answer to an earlier message never came, and it does not \
         take the same token again: {}",
        missed.words
    );
    Missed { verdict: Verdict::Dead { is_lost: true }, words, ..missed }
}

/// The token that a message uses up.
pub(super) fn used_up(credential: &Credential) -> &str {
    let field = |name| credential.field(name).map(Secret::expose);
    field("refresh_token").or_else(|| field("access_token")).unwrap_or_default()
}

/// What is kept of an answer.
pub(super) fn kept_answer(answer: &Answer, asked_at: UnixTime) -> Credential {
    KeptAnswer { answer: answer.clone(), asked_at }.to_credential()
}
