//! What answers come to.
use super::*;

/// For neither more nor less.
const EVEN: u8 = 128;

fn due() -> Due {
    Due {
        seq: 1,
        event: None,
        attempts: 0,
        refused: 0,
        now_ms: 1_000_000,
        version: 1,
        failures: 0,
        failing_since_ms: 0,
        paused_until_ms: 0,
    }
}

fn outcome(answer: &Answer, due: &Due, chance: u8) -> Outcome {
    super::outcome(answer, due, chance).unwrap()
}

/// One whose receiver failed so often in a row, the last time a moment ago.
fn failing(failures: i64) -> Due {
    let now_ms = due().now_ms;
    Due { failures, failing_since_ms: now_ms, paused_until_ms: now_ms, ..due() }
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
        let found = (attempt.problem.is_empty(), attempt.is_refused, attempt.again_in_ms.is_some());
        assert_eq!((found, disabled.is_some()), ((delivered, refused, again), ends), "{code}");
        assert_eq!(attempt.pause_ms == 0, delivered, "{code}");
    }
    let none = outcome(&Answer::None("it is away".to_owned()), &due(), EVEN);
    assert!(!none.attempt.is_refused && none.attempt.again_in_ms.is_some());
    assert_eq!(none.attempt.problem, "it is away");
}

#[test]
fn a_receiver_that_is_away_gets_ever_longer_pauses_up_to_a_minute() {
    let away = |failures| outcome(&status(503), &failing(failures), EVEN).attempt;
    let pauses: Vec<_> = (0..9).map(|it| seconds(Some(away(it).pause_ms)).unwrap()).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(away(3).again_in_ms, Some(away(3).pause_ms), "the delivery is not put off further");
}

#[test]
fn a_pause_that_was_asked_for_is_no_shorter_than_that() {
    for (code, asked, pause_s) in [(503, 120, 120), (429, 1_000_000, 3600), (503, 1, 1)] {
        let retry_after = Some(Duration::from_secs(asked));
        for chance in [0, EVEN, 255] {
            let answer = Answer::Status { status: code, retry_after };
            let Attempt { pause_ms, again_in_ms, .. } = outcome(&answer, &due(), chance).attempt;
            assert!((pause_s * 1000..=pause_s * 1200).contains(&pause_ms), "{code} {pause_ms}");
            assert_eq!(again_in_ms, Some(pause_ms));
        }
    }
}

#[test]
fn what_one_delivery_is_answered_with_holds_up_no_other() {
    let retry_after = Some(Duration::from_secs(1800));
    for answer in [status(400), Answer::Status { status: 500, retry_after }] {
        let attempt = outcome(&answer, &failing(9), 0).attempt;
        assert_eq!(attempt.pause_ms, 1000, "whatever came before");
        let asked = matches!(answer, Answer::Status { retry_after: Some(_), .. });
        assert_eq!(attempt.again_in_ms, Some(if asked { 1_800_000 } else { 4000 }));
    }
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
fn after_three_days_away_nothing_is_sent_there_and_no_delivery_is_given_up_for_it() {
    let since = |hours: i64| {
        let now_ms = 1_000_000 + hours * 3_600_000;
        Due { failing_since_ms: 1_000_000, now_ms, paused_until_ms: now_ms - 1, ..failing(9) }
    };
    for (hours, ends) in [(71, false), (72, true), (200, true)] {
        let Outcome { attempt, disabled } = outcome(&status(503), &since(hours), EVEN);
        assert_eq!((disabled.is_some(), attempt.again_in_ms.is_some()), (ends, true), "{hours} h");
    }
    // The last one was delivered: since when the one before failed says nothing.
    let once = Due { failures: 0, ..since(100) };
    assert_eq!(outcome(&status(503), &once, EVEN).disabled, None);
}

#[test]
fn failures_that_lie_apart_are_no_three_days() {
    let apart = |paused_until_ms| Due {
        failing_since_ms: 1,
        now_ms: 80 * 3_600_000,
        paused_until_ms,
        ..failing(9)
    };
    for (paused_until_ms, ends) in [(79 * 3_600_000, true), (79 * 3_600_000 - 1, false), (0, false)]
    {
        let Outcome { attempt, disabled } = outcome(&status(503), &apart(paused_until_ms), EVEN);
        assert_eq!(disabled.is_some(), ends, "{paused_until_ms}");
        assert_eq!(seconds(Some(attempt.pause_ms)), Some(if ends { 60 } else { 1 }));
    }
    // The clock was set back meanwhile.
    let ahead = Due { failing_since_ms: 90 * 3_600_000, ..apart(80 * 3_600_000) };
    assert_eq!(outcome(&status(503), &ahead, EVEN).disabled, None);
}

#[test]
fn what_was_not_sent_says_nothing_of_its_receiver() {
    let unsent = Answer::Unsent("no room".to_owned());
    assert_eq!(super::outcome(&unsent, &due(), EVEN), Err("no room".to_owned()));
}

#[test]
fn those_who_failed_together_do_not_come_again_together() {
    let times = [0, 255].map(|it| outcome(&status(503), &due(), it).attempt.pause_ms);
    assert_eq!(times, [800, 1200]);
}
