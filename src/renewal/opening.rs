//! What a renewal begins with: what is kept, held against what is wanted.
use super::books::Page;
use super::course::Acted;
use super::course::Course;
use super::course::rotates;
use super::had::Got;
use super::had::Had;
use super::had::Kept;
use super::had::Missed;
use super::had::Source;
use super::had::Verdict;
use super::sealed::KeptAnswer;
use crate::grant::Expiry;
use crate::grant::Fault;
use crate::model::UnixTime;
use crate::store::GrantAttempt;
use crate::store::GrantRow;
use crate::store::GrantState;
use std::time::Duration;

/// An answer in which no token is found holds its grant up for so long: then the same token is tried once more.
const UNREAD: Duration = Duration::from_secs(600);

/// What there is to begin with, once the journal was read.
pub(super) enum Opening {
    Ended(Result<Had, Missed>),
    Renew {
        before: Option<Kept>,
        answer: Option<KeptAnswer>,
        version: i64,
        attempt: Option<GrantAttempt>,
        failures: i64,
    },
}

impl Course<'_> {
    /// What is kept, held against what is wanted.
    pub(super) fn opening(&self, page: Option<Page>) -> Opening {
        let job = self.job;
        let holder = &job.holder;
        let now = self.bureau.now();
        let Some(Page { row, kept, answer }) = page else { return self.first(0, None, 0) };
        let is_ours = row.fingerprint == holder.grant_identity();
        let is_bare = row.version == 0 && row.attempt.is_none();
        if !is_ours && !is_bare && !self.may_replace(&row) {
            return Opening::Ended(Err(replaced(&row, holder.begins_by_itself())));
        }
        let (kept, answer) = if is_ours { (kept, answer) } else { (None, None) };
        let is_newer = match job.version {
            Some(version) => row.version > version,
            None => !job.is_forced && !job.is_due,
        };
        let is_due = row.due_ms.is_none_or(|it| it <= row.now_ms);
        let is_dead =
            matches!(row.state, GrantState::Revoked | GrantState::ReauthorizationRequired);
        // Where only a person gives another token there is nothing to be tried, and nothing to fail.
        let is_all_there_is = holder.needs_a_person() && !is_dead;
        let is_wanted = is_newer && !(job.is_due && is_due) || is_all_there_is;
        if let Some(kept) = kept.as_ref().filter(|it| is_wanted && is_alive(it, now)) {
            let got = Got::again(kept.clone(), now);
            return Opening::Ended(got.ready(holder, row.version, Source::Kept));
        }
        if job.is_due && !is_due && row.attempt.is_none() {
            return Opening::Ended(Err(
                Missed::again(Fault::Provider, "it is not due any more").known()
            ));
        }
        let is_as_tried = row.tried_with == holder.fingerprint().text();
        match row.state {
            GrantState::Failing if is_as_tried && !is_due => {
                let ms = row.due_ms.unwrap_or_default() - row.now_ms;
                let pause = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
                let missed = Missed::again(Fault::Provider, row.why).known();
                let verdict =
                    Verdict::Again { after: None, fault: Fault::Provider, pause: Some(pause) };
                Opening::Ended(Err(Missed { verdict, ..missed }))
            }
            GrantState::Revoked if is_ours => Opening::Ended(Err(Missed::dead(row.why).known())),
            GrantState::ReauthorizationRequired
                if is_as_tried
                    && (!job.is_forced || holder.needs_a_person())
                    && !self.is_token(answer.as_ref(), kept.as_ref()) =>
            {
                Opening::Ended(Err(Missed::dead(row.why).known()))
            }
            _ if kept.is_none() => {
                let version = row.version;
                match self.first(version, row.attempt, row.failures) {
                    Opening::Renew { before, version, attempt, failures, .. } => {
                        Opening::Renew { before, answer, version, attempt, failures }
                    }
                    // What it brings may be used up: its answer is what there is.
                    Opening::Ended(_) if answer.is_some() => Opening::Renew {
                        before: None,
                        answer,
                        version,
                        attempt: None,
                        failures: row.failures,
                    },
                    ended => ended,
                }
            }
            _ => Opening::Renew {
                before: kept,
                answer,
                version: row.version,
                attempt: row.attempt,
                failures: row.failures,
            },
        }
    }

    /// Whether an answer that is kept holds a token.
    fn is_token(&self, answer: Option<&KeptAnswer>, kept: Option<&Kept>) -> bool {
        let before = kept.and_then(Kept::tokens);
        matches!(self.acted_upon(answer.cloned(), before, true), Acted::Token(_))
    }

    /// Whether an answer in which no token is found is waited upon, so that somebody mends the setting that it was
    /// read by: for a while. Who asks for another token has no say in it: the one that there is may be used up.
    pub(super) fn waits(&self, row: &GrantRow) -> bool {
        let is_as_tried = row.tried_with == self.job.holder.fingerprint().text();
        let Some(attempt) = &row.attempt else { return false };
        let age = u64::try_from(row.now_ms.saturating_sub(attempt.at_ms)).unwrap_or_default();
        let is_over = Duration::from_millis(age) >= UNREAD;
        !(is_as_tried && is_over)
    }

    /// Whether what is kept for another grant may give way to this one.
    fn may_replace(&self, row: &GrantRow) -> bool {
        let holder = &self.job.holder;
        if !holder.begins_by_itself() || !rotates(self.job) {
            return holder.begins_by_itself();
        }
        // The same token for another client or origin was used up long ago; and a replica that lags behind, or has
        // older files, takes nothing back.
        let is_same_token = row.fingerprint.ends_with(&holder.brought());
        !is_same_token && row.former != holder.grant_identity()
    }

    /// Where nothing was had yet: what the holder brings along is used first.
    fn first(&self, version: i64, attempt: Option<GrantAttempt>, failures: i64) -> Opening {
        let holder = &self.job.holder;
        let now = self.bureau.now();
        let brought = holder.own_tokens(now).map(Kept::Tokens);
        let job = self.job;
        let is_new = job.version.is_none() && !job.is_forced && !job.is_due && attempt.is_none();
        let is_wanted = is_new || holder.needs_a_person();
        if let Some(kept) = brought.as_ref().filter(|it| is_wanted && is_alive(it, now)) {
            let got = Got::again(kept.clone(), now);
            let had = got.ready(holder, version, Source::Kept);
            // One that can't stand on a request is as good as none.
            if had.is_ok() {
                return Opening::Ended(had);
            }
        }
        Opening::Renew { before: brought, answer: None, version, attempt, failures }
    }
}

/// Why what is kept does not give way.
fn replaced(row: &GrantRow, begins_by_itself: bool) -> Missed {
    let is_lagging = begins_by_itself && !row.former.is_empty();
    match is_lagging {
        true => Missed::again(
            Fault::Operator,
            "another credential has taken the place of this one, which may be used up",
        ),
        false => Missed::dead(
            "what is kept was had for another client, or from another origin: put that setting back, or have it \
             authorized again",
        ),
    }
    .known()
}

fn is_alive(kept: &Kept, now: UnixTime) -> bool {
    !matches!(kept.expiry(), Expiry::At(ends) if ends <= now)
}
