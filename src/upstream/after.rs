//! `Retry-After`: when an upstream would rather be asked again (RFC 9110 §10.2.3).
use crate::model::UnixTime;
use http::HeaderMap;
use http::header;
use std::time::Duration;
use std::time::UNIX_EPOCH;

/// How long to wait, as the upstream says: nothing where the time has passed, the longest where it
/// says it several times, and `None` where it does not say it so that it can be understood.
pub fn retry_after(headers: &HeaderMap, now: UnixTime) -> Option<Duration> {
    let values = headers.get_all(header::RETRY_AFTER).iter();
    values.filter_map(|it| wait(it.to_str().ok()?.trim_ascii(), now)).max()
}

/// Seconds, or one of the three forms of a date (RFC 9110 §5.6.7).
fn wait(text: &str, now: UnixTime) -> Option<Duration> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()) {
        // A negative number is no number of seconds to wait; one beyond 64 bits is longer than any limit.
        let is_past = digits.len() < text.len();
        return Some(if is_past {
            Duration::ZERO
        } else {
            digits.parse().map_or(Duration::MAX, Duration::from_secs)
        });
    }
    let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(date.saturating_sub(Duration::from_millis(now.as_ms())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    /// Sun, 06 Nov 1994 08:49:30 GMT: seven seconds before the date that RFC 9110 §5.6.7 writes in
    /// three ways.
    const NOW: UnixTime = UnixTime::from_s(784_111_770);

    fn told_by(values: &[&'static str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::RETRY_AFTER, HeaderValue::from_static(value));
        }
        retry_after(&headers, NOW).map(|it| it.as_secs())
    }

    #[test]
    fn seconds_and_the_three_forms_of_a_date_are_understood() {
        for (value, expected) in [
            ("0", 0),
            ("7", 7),
            (" 120 ", 120),
            ("-1", 0),
            ("-99999999999999999999", 0),
            ("99999999999999999999", Duration::MAX.as_secs()),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 7),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 7),
            ("Sun Nov  6 08:49:37 1994", 7),
            ("Sun, 06 Nov 1994 08:49:30 GMT", 0),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ] {
            assert_eq!(told_by(&[value]), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_is_neither_says_nothing() {
        for value in ["", "-", "+1", "1.5", "1s", "0x1", "soon", "Sun, 32 Nov 1994 08:49:37 GMT"] {
            assert_eq!(told_by(&[value]), None, "{value}");
        }
        assert_eq!(told_by(&[]), None);
    }

    #[test]
    fn of_several_the_longest_counts() {
        assert_eq!(told_by(&["3", "never", "9", "0"]), Some(9));
    }

    #[test]
    fn part_of_a_second_counts() {
        let mut headers = HeaderMap::new();
        let date = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
        headers.insert(header::RETRY_AFTER, date);
        let now = UnixTime::from_ms(784_111_776_250);
        assert_eq!(retry_after(&headers, now), Some(Duration::from_millis(750)));
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_a_time_or_nothing(
            value in "[ -~]{0,40}|-?[0-9]{1,30}|[A-Za-z]{3,9},? [0-9]{1,2}[- ][A-Z][a-z]{2}[- ][0-9]{2,5} [0-9:]{5,9} GMT",
            now_ms in any::<u64>(),
        ) {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::try_from(value).unwrap());
            let _ = retry_after(&headers, UnixTime::from_ms(now_ms));
        }
    }
}
