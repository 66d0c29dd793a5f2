//! A point in time, as it is typed and as it is shown.
use crate::model::UnixTime;
use jiff::Timestamp;

/// More than these are milliseconds: seconds are of the year 5138 then.
const SECONDS_MAX: u64 = 100_000_000_000;

/// Seconds since 1970, or RFC 3339. For clap.
pub(super) fn when(text: &str) -> Result<UnixTime, &'static str> {
    const DUE: &str = "write seconds since 1970, or as in 2027-01-31T12:00:00Z";
    if text.bytes().all(|it| it.is_ascii_digit()) {
        let number = text.parse().map_err(|_| DUE)?;
        return if number > SECONDS_MAX {
            Err("that are milliseconds, it seems: write seconds")
        } else {
            Ok(UnixTime::from_s(number))
        };
    }
    let ms = text.parse::<Timestamp>().map_err(|_| DUE)?.as_millisecond();
    u64::try_from(ms).map(UnixTime::from_ms).map_err(|_| "that is before 1970")
}

/// RFC 3339 in UTC, to the second.
pub(super) fn shown(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_s()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| format!("{seconds} s"), |it| it.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_rfc_3339_are_times() {
        for (text, ms) in [
            ("0", 0),
            ("1700000000", 1_700_000_000_000),
            ("2023-11-14T22:13:20Z", 1_700_000_000_000),
            ("2023-11-14T23:13:20.5+01:00", 1_700_000_000_500),
        ] {
            assert_eq!(when(text), Ok(UnixTime::from_ms(ms)), "{text}");
        }
        for text in ["", "now", "1700000000000", "-1", "1969-12-31T23:59:59Z", "2023-11-14"] {
            assert!(when(text).is_err(), "{text}");
        }
        assert_eq!(shown(UnixTime::from_s(1_700_000_000)), "2023-11-14T22:13:20Z");
    }
}
