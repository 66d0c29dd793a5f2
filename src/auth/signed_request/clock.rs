//! A point in time, written as APIs want it; in UTC.
use crate::model::UnixTime;
use std::io::Write;

const SECONDS_PER_DAY: u64 = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// 1970-01-01 was a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// The names of the formats, for whoever wrote another.
pub(super) const FORMATS: &str = "unix_s, unix_ms, unix_us, rfc3339, rfc3339_ms, iso_basic, http_date, date, \
                                  date_basic and utc(…) with %Y %m %d %H %M %S %L %a %b";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TimeFormat {
    UnixS,
    UnixMs,
    UnixUs,
    /// Letters after `%` stand for parts of the time.
    Utc(Box<str>),
}

impl TimeFormat {
    pub fn parse(name: &str) -> Option<Self> {
        let pattern = match name {
            "unix_s" => return Some(Self::UnixS),
            "unix_ms" => return Some(Self::UnixMs),
            "unix_us" => return Some(Self::UnixUs),
            "rfc3339" => "%Y-%m-%dT%H:%M:%SZ",
            "rfc3339_ms" => "%Y-%m-%dT%H:%M:%S.%LZ",
            "iso_basic" => "%Y%m%dT%H%M%SZ",
            // RFC 9110 §5.6.7.
            "http_date" => "%a, %d %b %Y %H:%M:%S GMT",
            "date" => "%Y-%m-%d",
            "date_basic" => "%Y%m%d",
            _ => {
                let pattern = name.strip_prefix("utc(")?.strip_suffix(')')?;
                let mut letters = pattern.split('%').skip(1);
                let known =
                    |it: &str| it.starts_with(['Y', 'm', 'd', 'H', 'M', 'S', 'L', 'a', 'b']);
                return letters.all(known).then(|| Self::Utc(pattern.into()));
            }
        };
        Some(Self::Utc(pattern.into()))
    }

    pub fn write(&self, time: UnixTime, out: &mut Vec<u8>) {
        let written = match self {
            Self::UnixS => write!(out, "{}", time.as_s()),
            Self::UnixMs => write!(out, "{}", time.as_ms()),
            Self::UnixUs => write!(out, "{}000", time.as_ms()),
            Self::Utc(pattern) => return utc(pattern, time, out),
        };
        written.expect("memory takes what is written to it");
    }
}

fn utc(pattern: &str, time: UnixTime, out: &mut Vec<u8>) {
    let days = time.as_s() / SECONDS_PER_DAY;
    let second = time.as_s() % SECONDS_PER_DAY;
    let (year, month, day) = civil(days);
    let mut pieces = pattern.split('%');
    out.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        let mut letters = piece.chars();
        match letters.next() {
            Some('Y') => digits(year, 4, out),
            Some('m') => digits(month, 2, out),
            Some('d') => digits(day, 2, out),
            Some('H') => digits(second / 3600, 2, out),
            Some('M') => digits(second / 60 % 60, 2, out),
            Some('S') => digits(second % 60, 2, out),
            Some('L') => digits(time.as_ms() % 1000, 3, out),
            Some('a') => out.extend_from_slice(DAYS[(days % 7) as usize].as_bytes()),
            Some('b') => out.extend_from_slice(MONTHS[(month - 1) as usize].as_bytes()),
            _ => {}
        }
        out.extend_from_slice(letters.as_str().as_bytes());
    }
}

/// A number with this many digits, zeros in front.
fn digits(number: u64, count: u32, out: &mut Vec<u8>) {
    for place in (0..count).rev() {
        out.push(b'0' + (number / 10_u64.pow(place) % 10) as u8);
    }
}

/// The day's year, month and day in the Gregorian calendar. Eras of 400 years begin in March of year 0, so that a
/// leap day is the last of its year.
fn civil(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: &str, ms: u64) -> String {
        let mut out = Vec::new();
        TimeFormat::parse(format).unwrap().write(UnixTime::from_ms(ms), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_moment_is_written_in_every_format() {
        let ms = 784_111_777_042;
        for (format, text) in [
            ("unix_s", "784111777"),
            ("unix_ms", "784111777042"),
            ("unix_us", "784111777042000"),
            ("rfc3339", "1994-11-06T08:49:37Z"),
            ("rfc3339_ms", "1994-11-06T08:49:37.042Z"),
            ("iso_basic", "19941106T084937Z"),
            // The example of RFC 9110 §5.6.7.
            ("http_date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("date", "1994-11-06"),
            ("date_basic", "19941106"),
            ("utc(%a %b %d%Y+0000)", "Sun Nov 061994+0000"),
            ("utc()", ""),
        ] {
            assert_eq!(written(format, ms), text, "{format}");
        }
        for unknown in ["", "unix", "utc(%Q)", "utc(%", "utc(%)", "rfc", "utc"] {
            assert_eq!(TimeFormat::parse(unknown), None, "{unknown}");
        }
    }

    /// Against another calendar, day by day over two eras' seams.
    #[test]
    fn every_day_is_the_calendars() {
        let start = jiff::civil::date(1970, 1, 1);
        for days in (0..60_000).chain(150_000..151_000) {
            let date = start.checked_add(jiff::Span::new().days(days)).unwrap();
            let ms = u64::try_from(days).unwrap() * SECONDS_PER_DAY * 1000;
            assert_eq!(written("date", ms), date.to_string());
        }
    }
}
