//! The sender's signed clock: where it is, how it is written, how far it may be off.
use super::raw::TimeFormat;
use super::refusal::Refusal;
use super::refusal::What;
use super::spot::Spot;
use crate::model::UnixTime;

/// Most digits of a timestamp; more would overflow somewhere.
const DIGITS_MAX: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) at: ClockAt,
    pub(super) format: TimeFormat,
    pub(super) past_s: u64,
    pub(super) future_s: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ClockAt {
    Spot(Spot),
    /// What the entry of the signature's list begins with.
    Label(Box<str>),
    /// Of the token.
    Claim(Box<str>),
}

impl Clock {
    /// Refuses a text that is no timestamp, or one too far off. Both bounds are included; a clock
    /// that counts whole seconds is compared in whole seconds.
    pub(super) fn check(&self, text: &str, now: UnixTime) -> Result<(), Refusal> {
        let sent = self.parse(text).ok_or(Refusal::Malformed(What::Timestamp))?;
        let now_ms = match self.format {
            TimeFormat::UnixS => UnixTime::from_s(now.as_s()).as_ms(),
            TimeFormat::UnixMs | TimeFormat::Rfc3339 => now.as_ms(),
        };
        let age_ms = now_ms.saturating_sub(sent.as_ms());
        let ahead_ms = sent.as_ms().saturating_sub(now_ms);
        let fresh = age_ms <= self.past_s.saturating_mul(1000)
            && ahead_ms <= self.future_s.saturating_mul(1000);
        if fresh { Ok(()) } else { Err(Refusal::Stale) }
    }

    /// How long a delivery with a good clock stays good, in seconds, rounded up.
    pub(super) fn window_s(&self) -> u64 {
        self.past_s.saturating_add(self.future_s).saturating_add(1)
    }

    /// This moment as the sender writes it.
    pub(super) fn written(&self, now: UnixTime) -> String {
        match self.format {
            TimeFormat::UnixS => now.as_s().to_string(),
            TimeFormat::UnixMs => now.as_ms().to_string(),
            TimeFormat::Rfc3339 => {
                let ms = i64::try_from(now.as_ms()).unwrap_or(i64::MAX);
                let time = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
                format!("{time:.3}")
            }
        }
    }

    /// How far off the clock is, in seconds: its age, negative where it is ahead.
    pub(super) fn age_s(&self, text: &str, now: UnixTime) -> Option<i64> {
        let seconds = |it: UnixTime| i64::try_from(it.as_s()).unwrap_or(i64::MAX);
        Some(seconds(now) - seconds(self.parse(text)?))
    }

    fn parse(&self, text: &str) -> Option<UnixTime> {
        match self.format {
            TimeFormat::UnixS => whole_number(text).map(UnixTime::from_s),
            TimeFormat::UnixMs => whole_number(text).map(UnixTime::from_ms),
            TimeFormat::Rfc3339 => rfc3339(text),
        }
    }
}

fn whole_number(text: &str) -> Option<u64> {
    let plain =
        (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// RFC 3339 §5.6 with capital T and Z; a time before 1970 is 1970.
fn rfc3339(text: &str) -> Option<UnixTime> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let like = |text: &[u8], shape: &[u8]| {
        let same = |(a, b): (&u8, &u8)| if *b == b'0' { a.is_ascii_digit() } else { a == b };
        text.len() == shape.len() && text.iter().zip(shape).all(same)
    };
    let (time, mut rest) = text.as_bytes().split_at_checked(SHAPE.len())?;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|it| it.is_ascii_digit()).count();
        rest = &fraction[digits..];
        if !(1..=9).contains(&digits) {
            return None;
        }
    }
    let offset = rest == b"Z" || like(rest, b"+00:00") || like(rest, b"-00:00");
    if !like(time, SHAPE) || !offset {
        return None;
    }
    let ms = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    Some(UnixTime::from_ms(u64::try_from(ms).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(format: TimeFormat) -> Clock {
        let at = ClockAt::Label("t=".into());
        Clock { at, format, past_s: 300, future_s: 60 }
    }

    /// From `date -u -d @1700000000 +%FT%TZ`: 2023-11-14T22:13:20Z.
    const NOW: UnixTime = UnixTime::from_ms(1_700_000_000_900);

    #[test]
    fn both_bounds_are_included_and_no_more() {
        use TimeFormat::{Rfc3339, UnixMs, UnixS};
        for (format, text, verdict) in [
            (UnixS, "1700000000", Ok(())),
            (UnixS, "1699999700", Ok(())),
            (UnixS, "1699999699", Err(Refusal::Stale)),
            (UnixS, "1700000060", Ok(())),
            (UnixS, "1700000061", Err(Refusal::Stale)),
            (UnixS, "1700000000900", Err(Refusal::Stale)),
            (UnixMs, "1699999700900", Ok(())),
            (UnixMs, "1699999700899", Err(Refusal::Stale)),
            (UnixMs, "1700000060900", Ok(())),
            (UnixMs, "1700000060901", Err(Refusal::Stale)),
            (UnixMs, "1700000000", Err(Refusal::Stale)),
            (Rfc3339, "2023-11-14T22:13:20Z", Ok(())),
            (Rfc3339, "2023-11-14T14:13:20.123456789-08:00", Ok(())),
            (Rfc3339, "2023-11-14T22:08:20.900Z", Ok(())),
            (Rfc3339, "2023-11-14T22:08:20.899Z", Err(Refusal::Stale)),
            (Rfc3339, "2023-11-14T22:14:21Z", Err(Refusal::Stale)),
            (Rfc3339, "1969-11-14T22:14:21Z", Err(Refusal::Stale)),
        ] {
            assert_eq!(clock(format).check(text, NOW), verdict, "{format:?} {text}");
        }
        assert_eq!(
            clock(UnixS).check("9999999999999999", UnixTime::from_s(0)),
            Err(Refusal::Stale)
        );
    }

    #[test]
    fn what_is_no_timestamp_is_malformed() {
        use TimeFormat::{Rfc3339, UnixMs, UnixS};
        for (format, bad) in [
            (UnixS, ""),
            (UnixS, "abc"),
            (UnixS, "1e9"),
            (UnixS, "-1700000000"),
            (UnixS, "+1700000000"),
            (UnixS, " 1700000000"),
            (UnixS, "1700000000.0"),
            (UnixS, "0x65538100"),
            (UnixS, "1_700_000_000"),
            (UnixS, "NaN"),
            (UnixS, "٣"),
            (UnixS, "00000001700000000"),
            (UnixS, "2023-11-14T22:13:20Z"),
            (UnixMs, "1.7e12"),
            (Rfc3339, "1700000000"),
            (Rfc3339, "2023-11-14"),
            (Rfc3339, "2023-11-14 22:13:20Z"),
            (Rfc3339, "2023-11-14t22:13:20z"),
            (Rfc3339, "2023-11-14T22:13:20"),
            (Rfc3339, "2023-11-14T22:13:20.Z"),
            (Rfc3339, "2023-11-14T22:13:20+0000"),
            (Rfc3339, "2023-11-14T22:13:20Z[UTC]"),
            (Rfc3339, "2023-13-14T22:13:20Z"),
            (Rfc3339, "2023-11-14T25:13:20Z"),
            (Rfc3339, "20231114T221320Z"),
        ] {
            let verdict = clock(format).check(bad, NOW);
            assert_eq!(verdict, Err(Refusal::Malformed(What::Timestamp)), "{format:?} {bad:?}");
        }
    }
}
