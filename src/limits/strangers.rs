//! What strangers may have looked up: whoever sends a delivery is nobody yet.
use super::rate::Buckets;
use super::refused::Refused;
use crate::catalog::Rate;
use crate::telemetry::metrics::Limit;
use std::net::IpAddr;
use std::time::Instant;

/// Look-ups of one address that find nothing: 200 at once, and a hundred each second. Those that find
/// something cost nothing, so that a provider's many tenants are as many as they are.
const RATE: Rate = Rate { interval_ns: 10_000_000, refill_ns: 2_000_000_000 };

/// The look-ups that strangers may still ask for, by address.
#[derive(Debug)]
pub struct Strangers {
    began: Instant,
    buckets: Buckets<u64>,
}

impl Strangers {
    /// No bucket is used before `began`.
    pub fn new(began: Instant) -> Self {
        Self { began, buckets: Buckets::new() }
    }

    /// One look-up for this address, or how long it has to wait.
    pub fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Refused> {
        let now = u64::try_from(now.saturating_duration_since(self.began).as_nanos());
        let network = network(address);
        let taken = self.buckets.take(&network, &RATE, now.unwrap_or(u64::MAX / 2), || network);
        taken.map_err(|wait| Refused::after(Limit::LookUps, wait))
    }

    /// It found something.
    pub fn found(&self, address: IpAddr) {
        self.buckets.put_back(&network(address), &RATE);
    }
}

/// An IPv4 address, or the /64 that one customer usually has of IPv6 (RFC 6177 §2).
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        // Its first half is 0, which is nobody's network in IPv6.
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_finds_nothing_has_to_wait_and_others_do_not() {
        let now = Instant::now();
        let strangers = Strangers::new(now);
        let address = |it: &str| it.parse::<IpAddr>().unwrap();
        let many =
            |it: &str| (0..1000).filter(|_| strangers.admit(address(it), now).is_ok()).count();
        assert_eq!(many("192.0.2.1"), 200);
        assert_eq!(many("::ffff:192.0.2.1"), 0, "it is the same one");
        assert_eq!((many("192.0.2.2"), many("2001:db8::1")), (200, 200));
        assert_eq!(many("2001:db8::2:2"), 0, "of the same network");
        for _ in 0..1000 {
            strangers.admit(address("192.0.2.3"), now).unwrap();
            strangers.found(address("192.0.2.3"));
        }
    }
}
