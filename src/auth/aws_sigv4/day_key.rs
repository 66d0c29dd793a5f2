//! The key that signs: derived from the secret for one day, region and service.
use crate::crypto::Hash;
use crate::crypto::MacKey;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use zeroize::Zeroizing;

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a signature's key is good for.
#[derive(Debug)]
pub(super) struct DayKey {
    day: Box<str>,
    region: Box<str>,
    service: Box<str>,
    pub key: MacKey,
}

/// The key that was used last. Prints without it.
///
/// One and no more: nearly every signer has one region and one service, and to derive a key takes four short HMACs.
#[derive(Debug, Default)]
pub(super) struct DayKeys(ArcSwapOption<DayKey>);

impl DayKeys {
    /// `day` as in `20150830`.
    pub fn get(&self, secret: &str, day: &str, region: &str, service: &str) -> Arc<DayKey> {
        let last = self.0.load();
        if let Some(last) = last.as_ref()
            && *last.day == *day
            && *last.region == *region
            && *last.service == *service
        {
            return Arc::clone(last);
        }
        let key = Arc::new(DayKey {
            day: day.into(),
            region: region.into(),
            service: service.into(),
            key: derived(secret, day, region, service),
        });
        self.0.store(Some(Arc::clone(&key)));
        key
    }
}

/// Source: AWS IAM User Guide, "Create a signed AWS API request", step 4.
fn derived(secret: &str, day: &str, region: &str, service: &str) -> MacKey {
    let first = Zeroizing::new(["AWS4", secret].concat());
    let mut key = mac_key(first.as_bytes());
    for part in [day, region, service, "aws4_request"] {
        let next: Zeroizing<[u8; 32]> = Zeroizing::new(
            key.of(part.as_bytes()).bytes().try_into().expect("SHA-256 makes 32 bytes"),
        );
        key = mac_key(&*next);
    }
    key
}

fn mac_key(bytes: &[u8]) -> MacKey {
    MacKey::new(Hash::Sha256, bytes).expect("SHA-256 has a keyed form")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    #[test]
    fn a_key_is_derived_once_a_day() {
        let keys = DayKeys::default();
        let first = keys.get(SECRET, "20150830", "us-east-1", "iam");
        assert!(Arc::ptr_eq(&first, &keys.get(SECRET, "20150830", "us-east-1", "iam")));
        for (day, region, service) in [
            ("20150831", "us-east-1", "iam"),
            ("20150830", "eu-west-1", "iam"),
            ("20150830", "us-east-1", "sts"),
        ] {
            let other = keys.get(SECRET, day, region, service);
            assert_ne!(other.key.of(b"x").hex(), first.key.of(b"x").hex());
        }
    }

    #[test]
    fn prints_without_the_key() {
        let keys = DayKeys::default();
        let key = keys.get(SECRET, "20150830", "us-east-1", "iam");
        assert!(!format!("{keys:?}{key:?}").contains("EXAMPLEKEY"));
        assert!(format!("{key:?}").contains("[key]"));
    }
}
