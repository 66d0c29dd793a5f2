//! Nonces that servers gave for the next proof of possession (RFC 9449 §8).
use crate::model::Origin;
use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// Longest nonce that is kept, in bytes: it goes on each request.
const NONCE_LEN_MAX: usize = 1024;

/// Servers whose nonces are kept; a further one begins anew, which costs each of them one request more.
const ORIGINS_MAX: usize = 1024;

/// The last nonce of each server.
#[derive(Debug, Default)]
pub struct Nonces(Mutex<HashMap<Arc<Origin>, Arc<str>>>);

impl Nonces {
    pub fn of(&self, origin: &Origin) -> Option<Arc<str>> {
        self.kept().get(origin).cloned()
    }

    /// Forgets the one before. What is no nonce (RFC 9449 §8.1: visible ASCII but `"` and `\\`) is not kept.
    pub fn keep(&self, origin: &Arc<Origin>, nonce: &str) {
        let is_sound = |it: u8| it.is_ascii_graphic() && it != b'"' && it != b'\\';
        if nonce.is_empty() || nonce.len() > NONCE_LEN_MAX || !nonce.bytes().all(is_sound) {
            return;
        }
        let mut kept = self.kept();
        if kept.get(origin).is_some_and(|it| **it == *nonce) {
            return;
        }
        if kept.len() >= ORIGINS_MAX {
            kept.clear();
        }
        kept.insert(Arc::clone(origin), nonce.into());
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Arc<Origin>, Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(host: &str) -> Arc<Origin> {
        let url = crate::model::BaseUrl::parse(&format!("https://{host}")).unwrap();
        Arc::clone(url.origin())
    }

    #[test]
    fn each_server_has_its_last_sound_nonce() {
        let (nonces, a, b) = (Nonces::default(), origin("a.example"), origin("b.example"));
        nonces.keep(&a, "one");
        nonces.keep(&b, "two");
        nonces.keep(&a, "three");
        for unsound in ["", "a b", "a\"b", "a\\b", "\u{e9}", &"x".repeat(NONCE_LEN_MAX + 1)] {
            nonces.keep(&b, unsound);
        }
        assert_eq!(nonces.of(&a).as_deref(), Some("three"));
        assert_eq!(nonces.of(&b).as_deref(), Some("two"));
        assert_eq!(nonces.of(&origin("c.example")), None);
    }

    #[test]
    fn there_are_no_more_than_so_many() {
        let nonces = Nonces::default();
        for number in 0..=ORIGINS_MAX {
            nonces.keep(&origin(&format!("h{number}.example")), "n");
        }
        assert_eq!(nonces.kept().len(), 1);
    }
}
