//! What an answer means for a delivery, and when it is tried again.
//!
//! Source: the Standard Webhooks specification 1.0.0, "Delivery success and failure" and "Deliverability and
//! reliability". A receiver that is away is told from one that takes a delivery amiss: the first costs a probe now and
//! then, whichever delivery it is, and no delivery its turn, however long it lasts; the second has that one delivery
//! come again ever later, and after that be given up. Other deliveries go on meanwhile.
use crate::store::AGAIN_MAX_MS;
use crate::store::Attempt;
use crate::store::Due;
use crate::store::PAUSE_MAX_MS;
use std::time::Duration;

/// When a delivery is tried again that its receiver took amiss: after the first time, the second, and so on.
const SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(14 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// Where nothing could be delivered for so long, nothing is sent any more.
const DISABLED: Duration = Duration::from_secs(72 * HOUR);

/// The longest pause of a receiver that is away; the first is of a second, each further one twice as long.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The pause of one that took a delivery amiss: it is there, and may well take the next.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(HOUR);

const HOUR: u64 = 60 * 60;

// No wait is so long that it is taken for one of before the clock was set back, be it a fifth longer than written.
const _: () = assert!(HOUR as i64 * 1000 < PAUSE_MAX_MS && 24 * HOUR as i64 * 1200 < AGAIN_MAX_MS);

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// With the seconds of its `Retry-After`.
    Status { status: u16, retry_after: Option<Duration> },
    /// None, and why.
    None(String),
    /// It was not sent, for a reason that its receiver has no part in.
    Unsent(String),
}

/// What becomes of the delivery, and of the subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) attempt: Attempt,
    /// Why nothing is sent there any more; none where it goes on.
    pub(super) disabled: Option<String>,
}

/// `chance`: any byte, so that those who failed together do not come again together. An error says why nothing can
/// be made of it: it was not sent.
pub(super) fn outcome(answer: &Answer, due: &Due, chance: u8) -> Result<Outcome, String> {
    let (status, retry_after) = match answer {
        Answer::Status { status, retry_after } => (*status, *retry_after),
        Answer::None(_) => (0, None),
        Answer::Unsent(problem) => return Err(problem.clone()),
    };
    if (200..300).contains(&status) {
        return Ok(Outcome { attempt: delivered(status), disabled: None });
    }
    let problem = match answer {
        Answer::None(problem) | Answer::Unsent(problem) => problem.clone(),
        Answer::Status { status: 300..400, .. } => {
            format!("answered with {status}; redirects are not followed")
        }
        Answer::Status { .. } => format!("answered with {status}"),
    };
    let is_away = matches!(status, 0 | 429 | 502 | 503 | 504);
    // Asked for, it is no less.
    let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    let (failures, failing_for_ms) = due.failing();
    let (pause, again) = if is_away {
        let pause = jittered(pause(failures), chance).max(asked);
        (pause, Some(pause))
    } else {
        let next = usize::try_from(due.refused).ok().and_then(|it| SCHEDULE.get(it).copied());
        let next = next.filter(|_| status != 410);
        (REFUSED_PAUSE, next.map(|it| jittered(it, chance).max(asked)))
    };
    let disabled = if status == 410 {
        Some("its receiver answered with 410: it wants no more".to_owned())
    } else if failing_for_ms >= ms(DISABLED) {
        Some(format!("nothing could be delivered for three days; the last time: {problem}"))
    } else {
        None
    };
    let attempt = Attempt {
        status: i64::from(status),
        problem,
        is_refused: !is_away,
        again_in_ms: again.map(ms),
        pause_ms: ms(pause),
    };
    Ok(Outcome { attempt, disabled })
}

fn delivered(status: u16) -> Attempt {
    Attempt {
        status: i64::from(status),
        problem: String::new(),
        is_refused: false,
        again_in_ms: None,
        pause_ms: 0,
    }
}

/// After so many failures in a row, less this one.
fn pause(failures: i64) -> Duration {
    let doublings = u32::try_from(failures.clamp(0, 16)).unwrap_or_default();
    Duration::from_secs(1 << doublings).min(PAUSE_MAX)
}

/// Between four fifths and six fifths of it.
fn jittered(wait: Duration, chance: u8) -> Duration {
    wait * 4 / 5 + wait * 2 / 5 * u32::from(chance) / 255
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
