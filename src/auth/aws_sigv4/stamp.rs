//! A point in time as signatures carry it: `20150830T123600Z`, in UTC.
use crate::model::UnixTime;

/// The basic form of ISO 8601, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp([u8; 16]);

/// Days from 0000-03-01 to 1970-01-01, in the proleptic Gregorian calendar.
const DAYS_BEFORE_1970: u64 = 719_468;
/// Days in 400 years, after which the calendar repeats.
const ERA_DAYS: u64 = 146_097;

impl Stamp {
    pub fn new(time: UnixTime) -> Self {
        let seconds = time.as_s();
        let (day, second) = (seconds / 86_400, seconds % 86_400);
        // Years begin in March here, so that the leap day is a year's last.
        let days = day + DAYS_BEFORE_1970;
        let (era, of_era) = (days / ERA_DAYS, days % ERA_DAYS);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);

        let mut text = *b"00000000T000000Z";
        put(&mut text[0..4], year);
        put(&mut text[4..6], month);
        put(&mut text[6..8], day);
        put(&mut text[9..11], second / 3_600);
        put(&mut text[11..13], second / 60 % 60);
        put(&mut text[13..15], second % 60);
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits and two letters are ASCII")
    }

    /// The first eight digits: year, month and day.
    pub fn day(&self) -> &str {
        &self.as_str()[..8]
    }
}

/// Writes the last digits of `number`, as many as there is room for.
fn put(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_of_the_published_vectors() {
        let stamp = Stamp::new(UnixTime::from_s(1_440_938_160));
        assert_eq!((stamp.as_str(), stamp.day()), ("20150830T123600Z", "20150830"));
        assert_eq!(Stamp::new(UnixTime::from_s(0)).as_str(), "19700101T000000Z");
        assert_eq!(Stamp::new(UnixTime::from_ms(1_709_251_199_999)).as_str(), "20240229T235959Z");
    }

    proptest! {
        /// Until the year 9999.
        #[test]
        fn is_what_another_calendar_makes_of_it(second in 0_i64..253_402_300_799) {
            let other = jiff::Timestamp::from_second(second).unwrap();
            let stamp = Stamp::new(UnixTime::from_s(u64::try_from(second).unwrap()));
            prop_assert_eq!(stamp.as_str(), other.strftime("%Y%m%dT%H%M%SZ").to_string());
        }
    }
}
