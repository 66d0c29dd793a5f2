//! Each decision starts from a retry that is made, and breaks one thing.
use super::*;
use http::HeaderValue;

const MS: fn(u64) -> Duration = Duration::from_millis;

const GOOD: Circumstances = Circumstances {
    is_harmless: true,
    has_body_again: true,
    told: None,
    time_left: None,
    random: u64::MAX,
};

fn policy() -> Retries {
    Retries { attempts: 3, ..Retries::default() }
}

#[test]
fn verdicts() {
    use RetryOutcome::NotRepeatable;
    use RetryOutcome::TooLate;
    let policy = policy();
    let attempts = Attempts::new(&policy, None);
    let cases = [
        ("good", GOOD, Ok(MS(100))),
        ("does harm", Circumstances { is_harmless: false, ..GOOD }, Err(NotRepeatable)),
        ("body gone", Circumstances { has_body_again: false, ..GOOD }, Err(NotRepeatable)),
        ("told now", Circumstances { told: Some(MS(0)), ..GOOD }, Ok(MS(100))),
        ("told later", Circumstances { told: Some(MS(3000)), ..GOOD }, Ok(MS(3000))),
        ("told the cap", Circumstances { told: Some(MS(5000)), ..GOOD }, Ok(MS(5000))),
        ("told more", Circumstances { told: Some(MS(5001)), ..GOOD }, Err(TooLate)),
        ("in time", Circumstances { time_left: Some(MS(201)), ..GOOD }, Ok(MS(100))),
        ("a tick too late", Circumstances { time_left: Some(MS(200)), ..GOOD }, Err(TooLate)),
        (
            "told never",
            Circumstances { told: Some(Duration::MAX), time_left: Some(MS(900)), ..GOOD },
            Err(TooLate),
        ),
        (
            "told beyond the deadline",
            Circumstances { told: Some(MS(1000)), time_left: Some(MS(900)), ..GOOD },
            Err(TooLate),
        ),
    ];
    for (name, now, expected) in cases {
        assert_eq!(attempts.next(&now), expected, "{name}");
    }
}

#[test]
fn the_window_doubles_up_to_the_cap_and_the_wait_is_anywhere_in_it() {
    let policy = Retries { attempts: 10, cap: MS(900), ..Retries::default() };
    let mut attempts = Attempts::new(&policy, None);
    let draw = |attempts: &Attempts, random| attempts.next(&Circumstances { random, ..GOOD });
    for window in [100, 200, 400, 800, 900, 900, 900, 900, 900, 900] {
        assert_eq!(draw(&attempts, 0), Ok(Duration::ZERO));
        assert_eq!(draw(&attempts, u64::MAX / 2), Ok(MS(window) / 2));
        assert_eq!(draw(&attempts, u64::MAX), Ok(MS(window)));
        attempts.begin();
    }
    assert_eq!(draw(&attempts, 0), Err(RetryOutcome::UsedUp));
}

#[test]
fn a_caller_may_ask_for_fewer_and_for_more_up_to_a_bound() {
    for (attempts, asked, expected) in [
        (0, None, 0),
        (2, None, 2),
        (2, Some(0), 0),
        (0, Some(3), 3),
        (0, Some(9), 5),
        (7, None, 7),
    ] {
        let policy = Retries { attempts, ..Retries::default() };
        assert_eq!(Attempts::new(&policy, asked).left, expected, "{attempts} {asked:?}");
    }
}

#[test]
fn only_what_the_policy_names_is_a_reason() {
    let statuses = [429, 502, 503, 504];
    let concerned = |policy: &Retries| -> Vec<u16> {
        let attempts = Attempts::new(policy, None);
        let all = (100..600).filter_map(|it| StatusCode::from_u16(it).ok());
        all.filter(|it| attempts.concern(*it)).map(|it| it.as_u16()).collect()
    };
    assert_eq!(concerned(&policy()), statuses);
    assert!(concerned(&Retries::default()).is_empty(), "without retries no answer is looked at");
}

#[test]
fn a_refused_certificate_or_address_is_not_tried_again() {
    for (error, expected) in [
        (SendError::Refused, Some(RetryOn::Connect)),
        (SendError::Unresolved, Some(RetryOn::Connect)),
        (SendError::HandshakeTimedOut, Some(RetryOn::Connect)),
        (SendError::Closed, Some(RetryOn::Closed)),
        (SendError::TlsEnded, Some(RetryOn::Closed)),
        (SendError::Certificate { class: "expired" }, None),
        (SendError::Forbidden { class: "loopback" }, None),
        (SendError::NotHttp, None),
    ] {
        assert_eq!(of_error(error), expected, "{error:?}");
    }
}

#[test]
fn one_key_with_something_in_it_names_a_request() {
    for (keys, expected) in
        [(&["7"][..], true), (&[], false), (&[""], false), (&[" "], false), (&["7", "8"], false)]
    {
        let mut headers = HeaderMap::new();
        for key in keys {
            headers.append(IDEMPOTENCY_KEY, HeaderValue::from_static(key));
        }
        assert_eq!(has_idempotency_key(&headers), expected, "{keys:?}");
    }
}
