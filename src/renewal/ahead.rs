//! How long before its end a token is renewed.
use crate::grant::Expiry;
use crate::model::UnixTime;
use std::time::Duration;

/// A token is renewed this long before it ends, or a tenth of its life if that is more, and never in the first half of
/// it.
const AHEAD_MIN: Duration = Duration::from_secs(60);

/// What renews itself, and of whose end nobody knows, is renewed about so often: once it has ended it is too late.
const UNKNOWN: Duration = Duration::from_secs(24 * 3600);

/// In how long a token that was had now is renewed; `None` where it has no end, or nobody knows of one.
/// `renews_itself`: it is what it is renewed by. `random`: any byte.
pub fn renewed_in(
    expiry: Expiry,
    renews_itself: bool,
    now: UnixTime,
    random: u8,
) -> Option<Duration> {
    let life = match expiry {
        Expiry::At(ends) => Duration::from_millis(ends.as_ms().saturating_sub(now.as_ms())),
        Expiry::Unknown if renews_itself => UNKNOWN,
        Expiry::Never | Expiry::Unknown => return None,
    };
    Some(life - ahead(life, random))
}

/// How long before its end a token that lives so long is renewed. `random`: any byte.
pub(super) fn ahead(life: Duration, random: u8) -> Duration {
    let ahead = AHEAD_MIN.max(life / 10);
    // Spread, so that what was had together is not renewed together.
    let ahead = ahead.mul_f64(1.0 + f64::from(random) / f64::from(u8::MAX) / 2.0);
    ahead.min(life / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_a_tenth_of_its_life_before_its_end_and_a_minute_at_least() {
        let now = UnixTime::from_s(1000);
        let after = |s: u64, random| {
            let ends = Expiry::At(UnixTime::from_s(1000 + s));
            renewed_in(ends, false, now, random).map(|it| it.as_secs())
        };
        for (s, random, renewed) in
            [(3600, 0, 3240), (3600, 255, 3060), (600, 0, 540), (100, 0, 50), (0, 0, 0)]
        {
            assert_eq!(after(s, random), Some(renewed), "{s} s");
        }
        assert_eq!(renewed_in(Expiry::Never, true, now, 0), None);
        assert_eq!(renewed_in(Expiry::Unknown, false, now, 0), None);
        // It would end, and nobody could renew it any more.
        let itself = renewed_in(Expiry::Unknown, true, now, 0);
        assert_eq!(itself, Some(Duration::from_secs(86_400 / 10 * 9)));
    }
}
