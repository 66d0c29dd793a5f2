//! Proofs that failed, by the address that they came from: whoever guesses has to wait.
use super::rate::Buckets;
use crate::catalog::Rate;
use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::time::Duration;
use std::time::Instant;

/// Failures that an address has at once, and the time until it has one back.
const BURST: u64 = 10;
const INTERVAL: Duration = Duration::from_secs(6);

/// Failed proofs of operators. Bounded like every table of rates: beyond
/// [`BUCKETS_MAX`](super::BUCKETS_MAX) addresses those with the fewest failures are forgotten.
#[derive(Debug)]
pub struct Attempts {
    began: Instant,
    failed: Buckets<IpAddr>,
    rate: Rate,
}

impl Attempts {
    /// Nothing is asked before `began`.
    pub fn new(began: Instant) -> Self {
        Self::of(began, (BURST, INTERVAL))
    }

    /// The same with as many failures at once, and the time until there is one back.
    pub fn of(began: Instant, (burst, interval): (u64, Duration)) -> Self {
        let interval_ns = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        let rate = Rate { interval_ns, refill_ns: burst.saturating_mul(interval_ns) };
        Self { began, failed: Buckets::new(), rate }
    }

    /// Whether this address may try; else in how many seconds it may, at least 1.
    pub fn may_try(&self, from: IpAddr, now: Instant) -> Result<(), u64> {
        let wait = self.failed.wait(&whose(from), &self.rate, self.ns(now));
        wait.map_or(Ok(()), |ns| Err(ns.div_ceil(1_000_000_000).max(1)))
    }

    pub fn failed(&self, from: IpAddr, now: Instant) {
        let from = whose(from);
        // One that came at the same moment as others is beyond what there is, and costs no more.
        let _ = self.failed.take(&from, &self.rate, self.ns(now), || from);
    }

    fn ns(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX / 2)
    }
}

/// One site has a /64 of IPv6 at least (RFC 6177 §2), so its addresses count as one.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => {
            let prefix = u128::from(it) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
        it @ IpAddr::V4(_) => it,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_ten_failures_an_address_waits_and_no_other_does() {
        let began = Instant::now();
        let attempts = Attempts::new(began);
        let guesser: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..10 {
            assert_eq!(attempts.may_try(guesser, began), Ok(()));
            attempts.failed(guesser, began);
        }
        assert_eq!(attempts.may_try(guesser, began), Err(6));
        attempts.failed(guesser, began);
        assert_eq!(attempts.may_try(guesser, began + Duration::from_secs(5)), Err(1));
        assert_eq!(attempts.may_try(guesser, began + Duration::from_secs(6)), Ok(()));
        assert_eq!(attempts.may_try("192.0.2.2".parse().unwrap(), began), Ok(()));
    }

    #[test]
    fn the_addresses_of_one_site_count_together() {
        let began = Instant::now();
        let attempts = Attempts::new(began);
        for number in 0..10_u16 {
            let from = Ipv6Addr::new(0x2001, 0x4860, 0, 1, 0, 0, 0, number);
            attempts.failed(IpAddr::V6(from), began);
        }
        assert!(attempts.may_try("2001:4860:0:1::ffff".parse().unwrap(), began).is_err());
        assert!(attempts.may_try("2001:4860:0:2::1".parse().unwrap(), began).is_ok());
        attempts.failed("::ffff:192.0.2.1".parse().unwrap(), began);
        assert!(attempts.may_try("192.0.2.1".parse().unwrap(), began).is_ok());
    }
}
