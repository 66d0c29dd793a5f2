//! How long before its end a token is renewed.
use crate::grant::Expiry;
use crate::model::UnixTime;
use std::time::Duration;

/// A token is renewed this long before it ends, or a tenth of its life if that is more, and never in the first half of
/// it.
const AHEAD_MIN: Duration = Duration::from_secs(60);

/// In how long a token that was had now is renewed; `None` where nobody knows of an end. `random`: any byte, so that
/// what was had together is not renewed together.
pub fn renewed_in(expiry: Expiry, now: UnixTime, random: u8) -> Option<Duration> {
    let Expiry::At(ends) = expiry else { return None };
    let life = Duration::from_millis(ends.as_ms().saturating_sub(now.as_ms()));
    let ahead = AHEAD_MIN.max(life / 10);
    let ahead = ahead.mul_f64(1.0 + f64::from(random) / f64::from(u8::MAX) / 2.0);
    Some(life - ahead.min(life / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_a_tenth_of_its_life_before_its_end_and_a_minute_at_least() {
        let now = UnixTime::from_s(1000);
        let after = |s: u64, random| {
            renewed_in(Expiry::At(UnixTime::from_s(1000 + s)), now, random).map(|it| it.as_secs())
        };
        for (s, random, renewed) in
            [(3600, 0, 3240), (3600, 255, 3060), (600, 0, 540), (100, 0, 50), (0, 0, 0)]
        {
            assert_eq!(after(s, random), Some(renewed), "{s} s");
        }
        assert_eq!(renewed_in(Expiry::Never, now, 0), None);
        assert_eq!(renewed_in(Expiry::Unknown, now, 0), None);
    }
}
