//! How long a provider is left alone that gave no token.
use crate::grant::Fault;
use std::time::Duration;

/// Where it may pass by itself: from the first failure on, and at most.
const PROVIDER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Where somebody has to mend a setting or a key.
const OPERATOR: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1800));

/// Longest that a provider's own wish is heeded: it may have been meant for somebody else.
const WISH_MAX: Duration = Duration::from_secs(3600);

/// The pause after this many failures in a row, the first one being 1. Doubled each time, between half and
/// all of it, so that those who failed together do not come back together; never shorter than the provider
/// wishes. `random`: any byte.
pub(super) fn pause(failures: u32, fault: Fault, wish: Option<Duration>, random: u8) -> Duration {
    let (first, most) = match fault {
        Fault::Provider => PROVIDER,
        Fault::Operator => OPERATOR,
    };
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(most);
    let part = f64::from(random) / f64::from(u8::MAX);
    let pause = doubled.mul_f64(0.5 + part / 2.0);
    pause.max(wish.unwrap_or_default().min(WISH_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_most_and_heed_the_providers_wish() {
        let s = Duration::from_secs;
        let of = |failures, fault, wish| pause(failures, fault, wish, u8::MAX);
        for (failures, fault, wish, expected) in [
            (1, Fault::Provider, None, s(1)),
            (2, Fault::Provider, None, s(2)),
            (5, Fault::Provider, None, s(16)),
            (40, Fault::Provider, None, s(300)),
            (u32::MAX, Fault::Provider, None, s(300)),
            (1, Fault::Operator, None, s(30)),
            (9, Fault::Operator, None, s(1800)),
            (1, Fault::Provider, Some(s(7)), s(7)),
            (6, Fault::Provider, Some(s(7)), s(32)),
            (1, Fault::Provider, Some(s(80_000)), s(3600)),
        ] {
            assert_eq!(of(failures, fault, wish), expected, "{failures} {fault:?} {wish:?}");
        }
        assert_eq!(pause(3, Fault::Provider, None, 0), s(2), "half of it at least");
    }
}
