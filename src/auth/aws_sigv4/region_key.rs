//! The key of signatures that are good in several regions: SigV4A, ECDSA on P-256, derived from the access key.
//!
//! Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests", "SigV4a"; NIST SP 800-108r1 §4.1 for the
//! derivation, FIPS 186-5 §A.2.1 for the range.
use super::keys::AccessKey;
use crate::crypto::Hash;
use crate::crypto::MacKey;
use crate::crypto::ScalarKey;
use zeroize::Zeroizing;

pub(super) const ALGORITHM: &str = "AWS4-ECDSA-P256-SHA256";

/// The order of P-256 less 2 (FIPS 186-5, SP 800-186 §3.2.1.3), big-endian.
const ORDER_LESS_2: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x4f,
];
/// The length of what is derived, in bits.
const KEY_BITS: u32 = 256;

/// One out of four billion first attempts is out of range; a second one is made with the next number.
pub(super) fn derived(key: &AccessKey) -> ScalarKey {
    let input = Zeroizing::new(["AWS4A", key.secret.expose()].concat());
    let mac = MacKey::new(Hash::Sha256, input.as_bytes()).expect("SHA-256 has a keyed form");
    (1..=u8::MAX)
        .find_map(|count| {
            let message = [
                &1_u32.to_be_bytes()[..],
                ALGORITHM.as_bytes(),
                &[0],
                key.id.as_bytes(),
                &[count],
                &KEY_BITS.to_be_bytes(),
            ];
            let digest = mac.of(&message.concat());
            let candidate = digest.bytes().try_into().expect("SHA-256 makes 32 bytes");
            ScalarKey::new(&*plus_1(Zeroizing::new(candidate))?)
        })
        .expect("255 attempts are not all out of a range that misses one in four billion")
}

/// `None` where it would not be below the order.
fn plus_1(mut number: Zeroizing<[u8; 32]>) -> Option<Zeroizing<[u8; 32]>> {
    if *number > ORDER_LESS_2 {
        return None;
    }
    for byte in number.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_up_within_the_order() {
        let of = |bytes: &[(usize, u8)]| {
            let mut number = [0; 32];
            bytes.iter().for_each(|(at, byte)| number[*at] = *byte);
            Zeroizing::new(number)
        };
        assert_eq!(plus_1(of(&[])), Some(of(&[(31, 1)])));
        assert_eq!(plus_1(of(&[(31, 255), (30, 255), (29, 7)])), Some(of(&[(29, 8)])));
        let mut order_less_1 = Zeroizing::new(ORDER_LESS_2);
        order_less_1[31] += 1;
        assert_eq!(plus_1(Zeroizing::new(ORDER_LESS_2)), Some(order_less_1.clone()));
        assert_eq!(plus_1(order_less_1.clone()), None);
        assert!(ScalarKey::new(&order_less_1).is_some());
        assert!(ScalarKey::new(&[0; 32]).is_none() && ScalarKey::new(&[0xff; 32]).is_none());
    }
}
