//! What an answer means for a delivery, and when it is tried again.
//!
//! Source: the Standard Webhooks specification 1.0.0, "Delivery success and failure" and "Deliverability and
//! reliability". A receiver that is away is told from one that takes a delivery amiss: the first costs a probe now and
//! then, whichever delivery it is, and no delivery its turn; the second has that one delivery come again ever later.
use crate::store::Attempt;
use crate::store::Due;
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

/// As long as a delivery is tried whose receiver is away: a little more than the whole schedule.
const GIVEN_UP: Duration = Duration::from_secs(76 * HOUR);

/// Where nothing could be delivered for so long, nothing is sent any more.
const DISABLED: Duration = Duration::from_secs(72 * HOUR);

/// The longest pause of a receiver; the first is of a second, each further one twice as long.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The longest pause that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(HOUR);

const HOUR: u64 = 60 * 60;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// With the seconds of its `Retry-After`.
    Status { status: u16, retry_after: Option<Duration> },
    /// None, and why.
    None(String),
}

/// What becomes of the delivery, and of the subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) attempt: Attempt,
    /// Why nothing is sent there any more; none where it goes on.
    pub(super) disabled: Option<String>,
}

/// `chance`: any byte, so that those who failed together do not come again together.
pub(super) fn outcome(answer: &Answer, due: &Due, chance: u8) -> Outcome {
    let (status, retry_after) = match answer {
        Answer::Status { status, retry_after } => (*status, *retry_after),
        Answer::None(_) => (0, None),
    };
    if (200..300).contains(&status) {
        return Outcome { attempt: delivered(status), disabled: None };
    }
    let problem = match answer {
        Answer::None(problem) => problem.clone(),
        Answer::Status { status: 300..400, .. } => {
            format!("answered with {status}; redirects are not followed")
        }
        Answer::Status { .. } => format!("answered with {status}"),
    };
    let is_away = matches!(status, 0 | 429 | 502 | 503 | 504);
    let pause = pause(due.failures).max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX));
    let pause = jittered(pause, chance);
    let again = if status == 410 {
        None
    } else if is_away {
        Some(pause).filter(|_| due.now_ms - due.since_ms < ms(GIVEN_UP))
    } else {
        usize::try_from(due.refused).ok().and_then(|it| SCHEDULE.get(it).copied())
    };
    let again = again.map(|it| if is_away { it } else { jittered(it, chance) });
    let failing_for = if due.failures > 0 { due.now_ms - due.failing_since_ms } else { 0 };
    let disabled = if status == 410 {
        Some("its receiver answered with 410: it wants no more".to_owned())
    } else if failing_for >= ms(DISABLED) {
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
    Outcome { attempt, disabled }
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
mod tests {
    use super::*;

    /// For neither more nor less.
    const EVEN: u8 = 128;

    fn due() -> Due {
        Due {
            seq: 1,
            event: None,
            attempts: 0,
            refused: 0,
            since_ms: 1_000_000,
            now_ms: 1_000_000,
            version: 1,
            failures: 0,
            failing_since_ms: 0,
        }
    }

    fn status(status: u16) -> Answer {
        Answer::Status { status, retry_after: None }
    }

    fn seconds(of: Option<i64>) -> Option<i64> {
        of.map(|it| (it + 500) / 1000)
    }

    #[test]
    fn an_answer_means_what_standard_webhooks_has_it_mean() {
        // Status; delivered, refused, tried again, the subscription ends.
        for (code, delivered, refused, again, ends) in [
            (200, true, false, false, false),
            (204, true, false, false, false),
            (299, true, false, false, false),
            (301, false, true, true, false),
            (400, false, true, true, false),
            (404, false, true, true, false),
            (410, false, true, false, true),
            (429, false, false, true, false),
            (500, false, true, true, false),
            (502, false, false, true, false),
            (503, false, false, true, false),
            (504, false, false, true, false),
        ] {
            let Outcome { attempt, disabled } = outcome(&status(code), &due(), EVEN);
            let found =
                (attempt.problem.is_empty(), attempt.is_refused, attempt.again_in_ms.is_some());
            assert_eq!((found, disabled.is_some()), ((delivered, refused, again), ends), "{code}");
            assert_eq!(attempt.pause_ms == 0, delivered, "{code}");
        }
        let none = outcome(&Answer::None("it is away".to_owned()), &due(), EVEN);
        assert!(!none.attempt.is_refused && none.attempt.again_in_ms.is_some());
        assert_eq!(none.attempt.problem, "it is away");
    }

    #[test]
    fn a_receiver_that_is_away_gets_ever_longer_pauses_up_to_a_minute() {
        let away = |failures| outcome(&status(503), &Due { failures, ..due() }, EVEN).attempt;
        let pauses: Vec<_> = (0..9).map(|it| seconds(Some(away(it).pause_ms)).unwrap()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(
            away(3).again_in_ms,
            Some(away(3).pause_ms),
            "the delivery is not put off further"
        );
        let asked = Answer::Status { status: 503, retry_after: Some(Duration::from_secs(120)) };
        assert_eq!(seconds(Some(outcome(&asked, &due(), EVEN).attempt.pause_ms)), Some(120));
        let asked =
            Answer::Status { status: 429, retry_after: Some(Duration::from_secs(1_000_000)) };
        assert_eq!(seconds(Some(outcome(&asked, &due(), EVEN).attempt.pause_ms)), Some(3603));
    }

    #[test]
    fn a_delivery_that_is_taken_amiss_comes_again_ever_later_and_not_for_ever() {
        let again = |refused| {
            let amiss = outcome(&status(500), &Due { refused, ..due() }, 0).attempt;
            amiss.again_in_ms.map(|it| it * 5 / 4 / 1000)
        };
        let times: Vec<_> = (0..10).map(again).collect();
        let hours = |it: i64| Some(it * 3600);
        assert_eq!(
            times,
            [
                Some(5),
                Some(300),
                Some(1800),
                hours(2),
                hours(5),
                hours(10),
                hours(14),
                hours(20),
                hours(24),
                None
            ]
        );
    }

    #[test]
    fn after_three_days_nothing_is_sent_there_and_a_delivery_is_given_up_soon_after() {
        let since = |hours: i64| Due {
            failures: 9,
            failing_since_ms: 1_000_000,
            now_ms: 1_000_000 + hours * 3_600_000,
            ..due()
        };
        for (hours, ends, again) in [(71, false, true), (72, true, true), (76, true, false)] {
            let Outcome { attempt, disabled } = outcome(&status(503), &since(hours), EVEN);
            assert_eq!(
                (disabled.is_some(), attempt.again_in_ms.is_some()),
                (ends, again),
                "{hours} h"
            );
        }
        // The last one was delivered: since when the one before failed says nothing.
        let once = Due { failures: 0, ..since(100) };
        assert_eq!(outcome(&status(503), &once, EVEN).disabled, None);
    }

    #[test]
    fn those_who_failed_together_do_not_come_again_together() {
        let times = [0, 255].map(|it| outcome(&status(503), &due(), it).attempt.pause_ms);
        assert_eq!(times, [800, 1200]);
    }
}
