//! What strangers may have looked up: whoever sends a delivery is nobody yet.
use super::rate::Buckets;
use super::refused::Refused;
use crate::catalog::Rate;
use crate::telemetry::metrics::Limit;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::time::Instant;

/// Look-ups of one address under one connection that find nothing: 200 at once, and twenty each second.
/// Those that find something cost nothing, so that a provider's many tenants are as many as they are.
const RATE: Rate = Rate { interval_ns: 50_000_000, refill_ns: 10_000_000_000 };

/// The look-ups that strangers may still ask for in vain, by address and connection: behind a balancer all
/// have one address, and who guesses at one connection is in nobody's way at another.
#[derive(Debug)]
pub struct Strangers {
    began: Instant,
    /// By the network and the hash of the connection's key: two that share one share a bucket.
    buckets: Buckets<(u64, u64)>,
    hasher: foldhash::quality::RandomState,
}

impl Strangers {
    /// No bucket is used before `began`.
    pub fn new(began: Instant) -> Self {
        let hasher = foldhash::quality::RandomState::default();
        Self { began, buckets: Buckets::new(), hasher }
    }

    /// Whether this address may have something looked up, or how long it has to wait.
    pub fn admit(&self, address: IpAddr, connection: &str, now: Instant) -> Result<(), Refused> {
        let wait = self.buckets.wait(&self.whose(address, connection), &RATE, self.since(now));
        wait.map_or(Ok(()), |wait| Err(Refused::after(Limit::LookUps, wait)))
    }

    /// It found nothing.
    pub fn missed(&self, address: IpAddr, connection: &str, now: Instant) {
        let whose = self.whose(address, connection);
        // Empty already: it was admitted beside others.
        let _ = self.buckets.take(&whose, &RATE, self.since(now), || whose);
    }

    fn whose(&self, address: IpAddr, connection: &str) -> (u64, u64) {
        (network(address), self.hasher.hash_one(connection))
    }

    fn since(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX / 2)
    }
}

/// An IPv4 address, or the /64 that one customer usually has of IPv6 (RFC 6177 §2).
pub fn network(address: IpAddr) -> u64 {
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
        let guesses = |it: &str, connection: &str| {
            let guess = |_: &i32| {
                let admitted = strangers.admit(address(it), connection, now).is_ok();
                strangers.missed(address(it), connection, now);
                admitted
            };
            (0..1000).filter(guess).count()
        };
        assert_eq!(guesses("192.0.2.1", "crm"), 200);
        assert_eq!(guesses("::ffff:192.0.2.1", "crm"), 0, "it is the same one");
        assert_eq!(guesses("192.0.2.1", "mail"), 200, "another connection");
        assert_eq!((guesses("192.0.2.2", "crm"), guesses("2001:db8::1", "crm")), (200, 200));
        assert_eq!(guesses("2001:db8::2:2", "crm"), 0, "of the same network");
        let finds = (0..1000).all(|_| strangers.admit(address("192.0.2.3"), "crm", now).is_ok());
        assert!(finds, "what is found costs nothing");
    }
}
