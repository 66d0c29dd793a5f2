//! Cookies that nobody was given: an address has so many of them looked up, and then waits.
use crate::limits::Attempts;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// Look-ups in vain that an address has at once, and the time until it has one back: a page whose session has ended
/// asks for several things before it knows.
const BURST: u64 = 30;
const INTERVAL: Duration = Duration::from_secs(1);

/// Most sessions that are remembered to be there, of those that were asked for last: what is forgotten is looked up as
/// any other is.
const KNOWN_MAX: usize = 1000;

/// Look-ups in vain, apart from wrong tokens: nobody signs in the later for an old cookie.
#[derive(Debug)]
pub(super) struct MadeUp {
    in_vain: Attempts,
    /// Heard whatever else comes from the same address, which may be the one of a proxy before everybody.
    known: Mutex<HashSet<[u8; 32]>>,
}

impl Default for MadeUp {
    fn default() -> Self {
        let in_vain = Attempts::of(Instant::now(), (BURST, INTERVAL));
        Self { in_vain, known: Mutex::default() }
    }
}

impl MadeUp {
    /// Whether it may be looked up; else in how many seconds.
    pub(super) fn may_ask(&self, id: &[u8; 32], from: IpAddr, now: Instant) -> Result<(), u64> {
        if self.known().contains(id) {
            return Ok(());
        }
        self.in_vain.may_try(from, now)
    }

    /// It is there.
    pub(super) fn is_there(&self, id: [u8; 32]) {
        let mut known = self.known();
        if known.len() >= KNOWN_MAX && !known.contains(&id) {
            known.clear();
        }
        known.insert(id);
    }

    /// It is not, or not any more.
    pub(super) fn is_not_there(&self, id: &[u8; 32], from: IpAddr, now: Instant) {
        self.known().remove(id);
        self.in_vain.failed(from, now);
    }

    fn known(&self) -> MutexGuard<'_, HashSet<[u8; 32]>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_and_neither_others_nor_what_is_there() {
        let made_up = MadeUp::default();
        let (now, from) = (Instant::now(), IpAddr::from([192, 0, 2, 1]));
        made_up.is_there([1; 32]);
        for _ in 0..BURST {
            assert_eq!(made_up.may_ask(&[2; 32], from, now), Ok(()));
            made_up.is_not_there(&[2; 32], from, now);
        }
        assert_eq!(made_up.may_ask(&[2; 32], from, now), Err(1));
        assert_eq!(made_up.may_ask(&[2; 32], from, now + INTERVAL), Ok(()));
        assert_eq!(made_up.may_ask(&[2; 32], IpAddr::from([192, 0, 2, 2]), now), Ok(()));
        assert_eq!(made_up.may_ask(&[1; 32], from, now), Ok(()));
        made_up.is_not_there(&[1; 32], from, now);
        assert_eq!(made_up.may_ask(&[1; 32], from, now), Err(1));
    }

    #[test]
    fn what_is_known_has_an_end() {
        let made_up = MadeUp::default();
        for number in 0..=KNOWN_MAX {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&number.to_be_bytes());
            made_up.is_there(id);
        }
        assert_eq!(made_up.known().len(), 1);
    }
}
