//! What kept deliveries of webhooks are sealed under: keys that are made of the deployment's own.
//!
//! That one is sealed like any credential and moves with them when keys are rotated, so that no delivery has to
//! be sealed anew for it.
use super::binding::push;
use super::cipher::Cipher;
use aws_lc_rs::hmac;
use std::fmt;
use zeroize::Zeroizing;

/// What the key of deliveries is made of, with the deployment's own.
pub(super) const OF_DELIVERIES: &[u8] = b"attache: kept deliveries";

/// Seals deliveries: AES-256-GCM, each under a key of its own, which seals nothing else.
///
/// One key for all would be spent after 2³² of them (random nonces, SP 800-38D §8.3): four months of 400 a second.
#[derive(Clone)]
pub struct DeliveryKey {
    key: hmac::Key,
}

impl DeliveryKey {
    /// `own`: a MAC under the deployment's own key, of [`OF_DELIVERIES`].
    pub(super) fn new(own: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, own) }
    }

    /// It opens at this place and nowhere else: not in another row, for another tenant or another connection.
    pub fn seal(&self, place: &[&str], plain: &[u8]) -> Vec<u8> {
        let place = bound(place);
        self.cipher(&place).seal(&place, plain)
    }

    /// `None` where it is not what was sealed for this place.
    pub fn open(&self, place: &[&str], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let place = bound(place);
        self.cipher(&place).open(&place, sealed)
    }

    fn cipher(&self, place: &[u8]) -> Cipher {
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(hmac::sign(&self.key, place).as_ref());
        Cipher::new(&key)
    }
}

/// Each part behind its length, so that no two lists of parts make the same bytes.
fn bound(place: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    place.iter().for_each(|it| push(&mut bytes, it.as_bytes()));
    bytes
}

impl fmt::Debug for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_for_one_place_opens_there_alone() {
        let key = DeliveryKey::new(&[7; 32]);
        let sealed = key.seal(&["1", "owner", "acme"], b"body");
        let open =
            |key: &DeliveryKey, place: &[&str]| key.open(place, &sealed).map(|it| it.to_vec());
        assert_eq!(open(&key, &["1", "owner", "acme"]).as_deref(), Some(&b"body"[..]));
        for other in [
            ["2", "owner", "acme"],
            ["1", "other", "acme"],
            ["1", "owner", "Acme"],
            ["1", "ownera", "cme"],
        ] {
            assert_eq!(open(&key, &other), None, "{other:?}");
        }
        assert_eq!(open(&DeliveryKey::new(&[8; 32]), &["1", "owner", "acme"]), None);
        assert_ne!(sealed, key.seal(&["1", "owner", "acme"], b"body"));
    }
}
