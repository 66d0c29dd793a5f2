//! How many deliveries that nothing of is verified are kept of a connection: anybody can make them, so that neither
//! the store nor memory may grow with how many there are.
use crate::model::Key;
use crate::model::UnixTime;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// Deliveries that are kept of each connection in a minute, of those that were not forwarded: enough to see what is
/// wrong with a sender.
pub(super) const A_MINUTE: u32 = 60;

/// Connections that are counted at the same time. None is of a connection that is not there; beyond it those whose
/// minute is over are counted anew.
const CONNECTIONS_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct LeftOut(Mutex<HashMap<Key, Count>>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// Since 1970.
    minute: u64,
    kept: u32,
    left_out: u64,
}

impl LeftOut {
    /// Whether one more is kept; counted, where it is not.
    pub(super) fn admits(&self, connection: &Key, now: UnixTime) -> bool {
        let minute = now.as_s() / 60;
        let mut all = self.all();
        if !all.contains_key(connection) && all.len() >= CONNECTIONS_MAX {
            all.retain(|_, it| it.minute == minute);
            if all.len() >= CONNECTIONS_MAX {
                return false;
            }
        }
        let it = all.entry(connection.clone()).or_default();
        if it.minute != minute {
            (it.minute, it.kept) = (minute, 0);
        }
        let has_room = it.kept < A_MINUTE;
        if has_room {
            it.kept += 1;
        } else {
            it.left_out += 1;
        }
        has_room
    }

    pub(super) fn count(&self, connection: &Key) -> u64 {
        self.all().get(connection).map_or(0, |it| it.left_out)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Key, Count>> {
        // Nothing between two changes of it can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::try_from(text).unwrap()
    }

    #[test]
    fn of_each_connection_so_many_are_kept_in_a_minute_and_the_others_counted() {
        let all = LeftOut::default();
        let at = UnixTime::from_s;
        let kept = (0..A_MINUTE + 5).filter(|_| all.admits(&key("a"), at(60))).count();
        assert_eq!(kept, A_MINUTE as usize);
        assert_eq!((all.count(&key("a")), all.count(&key("b"))), (5, 0));
        assert!(all.admits(&key("b"), at(60)) && !all.admits(&key("a"), at(119)));
        assert!(all.admits(&key("a"), at(120)));
        assert_eq!(all.count(&key("a")), 6);
    }

    #[test]
    fn however_many_connections_there_are_memory_has_its_bound() {
        let all = LeftOut::default();
        for number in 0..CONNECTIONS_MAX + 10 {
            let is_in = all.admits(&key(&format!("c{number}")), UnixTime::from_s(60));
            assert_eq!(is_in, number < CONNECTIONS_MAX);
        }
        assert!(all.admits(&key("later"), UnixTime::from_s(120)));
    }
}
