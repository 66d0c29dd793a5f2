//! What one renewal puts down in the journal, step by step.
use super::course::kept_answer;
use super::course::used_up;
use super::had::Kept;
use super::had::Missed;
use super::journal::Holding;
use super::journal::Journal;
use super::journal::Turn;
use super::journal::Unkept;
use super::journal::Written;
use crate::grant::Answer;
use crate::grant::Fault;
use crate::model::Credential;
use crate::model::UnixTime;
use crate::store::GrantName;
use crate::store::GrantTimes;
use std::rc::Rc;
use std::time::Duration;

/// From the first try to put down what was had to the next, and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// A message that was announced goes out within this time, or not at all: whoever slept meanwhile may have lost its
/// lease.
const ANNOUNCED: Duration = Duration::from_secs(3);

/// A renewal that has the lease.
pub(super) struct Putting {
    pub journal: Rc<Journal>,
    pub name: GrantName,
    pub fence: i64,
    /// What it follows.
    pub version: i64,
    /// Its token may be used up: nothing is sent that is not announced, and answers are kept as they come.
    pub keeps: bool,
    /// Of all that makes it another grant.
    pub fingerprint: String,
    /// Whether a message was sent before with the same token, of which nobody knows what came.
    pub is_uncertain: bool,
    /// The attempt that is open, and of which token; empty where none is.
    pub attempt: String,
    pub open_of: String,
    /// The last attempt that was begun here; empty where none was.
    pub own: String,
    /// A digest of the token that is used up here; empty where none is.
    pub of: String,
    /// An attempt of this that was surely not sent, because it came too late.
    pub unsent: Option<String>,
    /// Somebody else has to do with it by now.
    pub is_lost: bool,
    /// The same token was sent once more, since an answer never came.
    pub sent_again: bool,
}

impl Putting {
    /// Announces a message that is about to go out.
    pub(super) async fn intend(
        &mut self,
        credential: &Credential,
        random: [u8; 16],
    ) -> Result<(), Missed> {
        if !self.keeps {
            return Ok(());
        }
        self.journal.goes_on()?;
        let id = hex::encode(random);
        let of = self.journal.digest(&self.name, used_up(credential));
        self.is_uncertain |= !self.attempt.is_empty() && self.open_of == of;
        let after = std::mem::replace(&mut self.attempt, id.clone());
        self.own.clone_from(&id);
        (self.of, self.open_of) = (of.clone(), of.clone());
        match self.journal.intend(&self.name, self.fence, after, (id.clone(), of)).await {
            // What is stopped meanwhile is not begun.
            Ok(Some(since)) if since.elapsed() < ANNOUNCED => self.journal.goes_on(),
            Ok(since) => {
                self.is_lost = true;
                self.unsent = since.map(|_| id);
                Err(Missed::again(Fault::Provider, "another replica has to do with it by now"))
            }
            Err(unkept) => {
                let words =
                    format!("nothing is sent, since it could not be kept: {}", unkept.words());
                Err(Missed::again(Fault::Provider, words))
            }
        }
    }

    /// Keeps an answer that may hold a token before anybody looks at it. Where it can't be kept now it is looked at all the same: what comes
    /// of it is kept later.
    pub(super) async fn answered(&mut self, answer: &Answer, asked_at: UnixTime) {
        if !self.keeps || !answer.may_hold_a_token() {
            return;
        }
        let (attempt, answer) = (self.attempt.clone(), kept_answer(answer, asked_at));
        match self.journal.answered(&self.name, attempt, answer).await {
            Ok(true) => {}
            Ok(false) => tracing::debug!("an answer came to an attempt that is over"),
            Err(unkept) => tracing::warn!("an answer is not kept yet: {}", unkept.words()),
        }
    }

    /// Whether a message whose answer was lost is sent once more: the provider may take the same token again for a
    /// moment (RFC 9700 §4.14.2), and there is no other.
    pub(super) fn may_send_again(&mut self) -> bool {
        self.is_uncertain = true;
        self.keeps && !std::mem::replace(&mut self.sent_again, true)
    }

    /// What is put down of it.
    pub(super) fn written(&self, times: GrantTimes, kept: &Kept) -> Written {
        let GrantTimes { expires_ms, due_in_ms, ends_ms } = times;
        let (version, fingerprint, of) = (self.version, self.fingerprint.clone(), self.of.clone());
        let kept = kept.to_credential();
        Written { version, fingerprint, of, expires_ms, due_in_ms, ends_ms, kept }
    }

    /// `None` where somebody else was quicker.
    pub(super) async fn save(&self, written: &Written) -> Result<Option<i64>, Unkept> {
        self.journal.renewed(&self.name, self.fence, written.clone()).await
    }

    /// The same again and again, until the store takes it: nobody of this process renews it meanwhile.
    pub(super) async fn save_at_last(
        self,
        written: Written,
        _held: (Option<Turn>, Option<Holding>),
    ) {
        let mut pause = AGAIN.0;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(AGAIN.1);
            let tenant = &*self.name.tenant;
            match self.save(&written).await {
                Ok(Some(_)) => {
                    return tracing::info!(
                        owner = &*self.name.owner,
                        tenant,
                        "the new token is kept"
                    );
                }
                Ok(None) => {
                    return tracing::warn!(
                        owner = &*self.name.owner,
                        tenant,
                        "a token that was not kept in time is not kept: there is another one"
                    );
                }
                Err(Unkept::Away(_) | Unkept::Refused(_)) => {}
                Err(Unkept::Damaged(words)) => {
                    tracing::error!(tenant, "a new token is not kept: {words}")
                }
            }
        }
    }
}
