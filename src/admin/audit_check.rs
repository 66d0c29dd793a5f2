//! `POST /v1/audit/verify`: whether the trail is as attache made it, without anybody's shell on the machine.
//!
//! One at a time, a thousand entries at a time in memory. It reads, and changes nothing.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::sent;
use crate::store::Checked;
use crate::store::Finding;
use crate::store::TrailHead;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// At the same time.
pub(super) const AT_ONCE: usize = 1;

/// How long it may take: some two million entries, and less than a link to the admin listener is given without a byte.
/// `attache audit verify` has no end.
const TIME_MAX: Duration = Duration::from_secs(60);

/// How often is looked whether attache is to stop.
const LOOK: Duration = Duration::from_millis(200);

/// What it is held against.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AuditCheck {
    /// `head` of an earlier answer: it has to be there still.
    kept: Option<String>,
    /// The version that the trail began with, where the deployment is older than it. Default: 1.
    begins_with: Option<i64>,
}

/// What came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AuditChecked {
    /// How many entries were read.
    entries: i64,
    /// Whether all is as it was made, from the beginning.
    sound: bool,
    /// The last good entry. Kept elsewhere, it shows whether older data was put back.
    head: Option<String>,
    /// The first version that it tells; null where its first entry is not what it was.
    begins_with: Option<i64>,
    /// The first hundred.
    breaks: Vec<AuditBreak>,
    /// How many more there are.
    more: usize,
}

/// A stretch of the trail that is not what it was.
#[derive(Debug, Serialize, JsonSchema)]
struct AuditBreak {
    /// The first entry that it is about, and the last.
    seq: i64,
    last: i64,
    /// `changed`, `missing`, `damaged`, `unlinked`, `added`, `goes_on`, `end`, `not_kept`, `untold`, `absent` or `late`.
    code: &'static str,
    /// In words.
    what: String,
}

/// `POST /v1/audit/verify`
pub(super) async fn verify(mut call: Call) -> Result<Answer, ApiError> {
    let asked: AuditCheck = sent::read(&call.take_object()?)?;
    let kept = asked.kept.as_deref().map(str::parse::<TrailHead>).transpose();
    let kept = kept.map_err(|it| ApiError::invalid("/kept", "it is no entry", it))?;
    let store = &call.api.store()?.store;
    let _turn = call
        .api
        .audit_checks
        .try_acquire()
        .map_err(|_| ApiError::Crowded("checks of the audit trail"))?;
    let scope = call.scope();
    let checked = store.audit().verify_own(&scope, kept, |_, _| {});
    let stopped = async {
        while !call.api.draining.load(Ordering::Relaxed) {
            tokio::time::sleep(LOOK).await;
        }
    };
    let checked = tokio::select! {
        checked = tokio::time::timeout(TIME_MAX, checked) => checked,
        () = stopped => return Err(ApiError::StoreUnavailable("attache stops")),
    };
    let too_long = |_| {
        let problem = "The trail is too long to be checked within a minute: `attache audit verify` has the time.";
        ApiError::BadRequest(problem.to_owned())
    };
    let checked = checked.map_err(too_long)?;
    let checked = checked.map_err(|it| ApiError::of_store(it, "audit entry", ""))?;
    Answer::of(&AuditChecked::of(&checked, asked.begins_with.unwrap_or(1)))
}

impl AuditChecked {
    /// `expected`: the version that it may begin with.
    fn of(checked: &Checked, expected: i64) -> Self {
        let Checked { entries, begins_with, findings, more, head } = checked;
        let mut breaks: Vec<_> = findings.iter().map(AuditBreak::from).collect();
        if let Some(revision) = begins_with.filter(|it| *it > expected) {
            breaks.push(AuditBreak {
                seq: 1,
                last: 1,
                code: "late",
                what: format!(
                    "the trail begins with version {revision}: what was done before is not in it, or was taken away"
                ),
            });
        }
        Self {
            entries: *entries,
            sound: breaks.is_empty() && *more == 0,
            head: head.map(|it| it.to_string()),
            begins_with: *begins_with,
            breaks,
            more: *more,
        }
    }
}

impl From<&Finding> for AuditBreak {
    fn from(it: &Finding) -> Self {
        let (seq, last) = (*it.seqs.start(), *it.seqs.end());
        Self { seq, last, code: it.what.as_str(), what: it.to_string() }
    }
}
