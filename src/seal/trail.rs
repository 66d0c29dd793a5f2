//! What chains the entries of the audit trail: whoever has only the database can't make one.
use aws_lc_rs::hmac;
use std::fmt;

/// What the trail's key is made of, with the deployment's own.
pub(super) const OF_TRAIL: &[u8] = b"attache: audit trail";

/// What is authenticated, so that no MAC of one is ever one of the other.
const ENTRY: &[u8] = b"entry 1";
const HEAD: &[u8] = b"head 1";

/// Length of a MAC, in bytes.
pub const MAC_LEN: usize = 32;

/// A MAC of the trail: HMAC-SHA256 (RFC 2104).
pub type Mac = [u8; MAC_LEN];

/// Authenticates the entries of the audit trail, and where it ends.
#[derive(Clone)]
pub struct TrailKey {
    key: hmac::Key,
}

impl TrailKey {
    /// `own`: a MAC under the deployment's own key, of [`OF_TRAIL`].
    pub(super) fn new(own: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, own) }
    }

    /// The MAC of an entry: of its number, of the entry's before it, and of its parts.
    pub fn entry(&self, seq: i64, prior: &[u8], parts: &[&[u8]]) -> Mac {
        self.mac(ENTRY, seq, &[&[prior], parts].concat())
    }

    /// The MAC of the end: of the last entry's number and its MAC.
    pub fn head(&self, seq: i64, last: &[u8]) -> Mac {
        self.mac(HEAD, seq, &[last])
    }

    /// Each part behind its length, so that no two lists of parts make the same bytes.
    fn mac(&self, purpose: &[u8], seq: i64, parts: &[&[u8]]) -> Mac {
        let mut mac = hmac::Context::with_key(&self.key);
        let seq = seq.to_be_bytes();
        for part in [purpose, &seq].into_iter().chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let mut bytes = [0; MAC_LEN];
        bytes.copy_from_slice(mac.sign().as_ref());
        bytes
    }
}

impl fmt::Debug for TrailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Python: `hmac.new(bytes(32), b"".join(len(p).to_bytes(8) + p for p in parts), "sha256")`.
    #[test]
    fn every_part_of_an_entry_moves_its_mac() {
        let key = TrailKey::new(&[0; 32]);
        let good = key.entry(2, &[7; 32], &[b"ab", b"c"]);
        assert_eq!(
            hex::encode(good),
            "7aff1f268fe1c57f521203a183e699379830d29d0b59be3b753736e0492b27d6"
        );
        for other in [
            key.entry(3, &[7; 32], &[b"ab", b"c"]),
            key.entry(2, &[8; 32], &[b"ab", b"c"]),
            key.entry(2, &[7; 32], &[b"a", b"bc"]),
            key.entry(2, &[7; 32], &[b"ab"]),
            key.head(2, &[7; 32]),
            TrailKey::new(&[1; 32]).entry(2, &[7; 32], &[b"ab", b"c"]),
        ] {
            assert_ne!(good, other);
        }
    }
}
