//! A public key that somebody else has the private half of: an age recipient, `age1…`.
//!
//! Source: age-encryption.org/v1, "The X25519 recipient type"; Bech32 is BIP 173.
use std::fmt;

/// What Bech32 writes five bits as (BIP 173, "Bech32").
const CHARACTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Of the checksum (BIP 173, "Checksum").
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];

/// What comes before the `1`.
const PREFIX: &str = "age";

/// Characters behind the data.
const CHECKSUM_LEN: usize = 6;

/// Length of an X25519 public key, in bytes (RFC 7748 §5).
pub(super) const KEY_LEN: usize = 32;

/// The public half of a key pair.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AgeRecipient(pub(super) [u8; KEY_LEN]);

/// Why a text is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    #[error("it is the private half: send the public one, which begins with `age1`")]
    Private,
    #[error("a recipient is `age1` and 58 characters behind it, as `age-keygen` prints it")]
    Form,
    #[error("its checksum is not right: a character of it is another one")]
    Checksum,
}

impl AgeRecipient {
    pub fn parse(text: &str) -> Result<Self, RecipientError> {
        use RecipientError as E;
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(E::Private);
        }
        let data = text.strip_prefix(PREFIX).and_then(|it| it.strip_prefix('1')).ok_or(E::Form)?;
        let value = |it: u8| CHARACTERS.iter().position(|known| *known == it);
        let values: Option<Vec<u8>> =
            data.bytes().map(|it| u8::try_from(value(it)?).ok()).collect();
        let values = values.ok_or(E::Form)?;
        // 32 bytes are 52 times five bits, the last four of which are no part of them.
        if values.len() != 52 + CHECKSUM_LEN {
            return Err(E::Form);
        }
        if checksum(&values) != 1 {
            return Err(E::Checksum);
        }
        let (mut key, mut bits, mut held, mut at) = ([0; KEY_LEN], 0_u32, 0, 0);
        for value in &values[..52] {
            bits = bits << 5 | u32::from(*value);
            held += 5;
            if held >= 8 {
                held -= 8;
                key[at] = (bits >> held & 0xff) as u8;
                at += 1;
            }
        }
        // BIP 173: what is left over is zero.
        if bits & 0b1111 == 0 { Ok(Self(key)) } else { Err(E::Form) }
    }
}

/// Over prefix, data and checksum: 1 where all is right.
fn checksum(values: &[u8]) -> u32 {
    let high = PREFIX.bytes().map(|it| it >> 5);
    let low = PREFIX.bytes().map(|it| it & 31);
    let all = high.chain([0]).chain(low).chain(values.iter().copied());
    all.fold(1, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        let of = GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1);
        of.fold(next, |sum, (_, it)| sum ^ it)
    })
}

/// A public key is no secret, and too long to be read.
impl fmt::Debug for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgeRecipient({})", hex::encode(&self.0[..4]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the identity in the README of github.com/FiloSottile/age.
    const GOOD: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    #[test]
    fn a_recipient_is_read_and_what_is_none_says_why() {
        use RecipientError as E;
        assert!(AgeRecipient::parse(GOOD).is_ok());
        let other = GOOD.replacen("ql3", "ql4", 1);
        let short = &GOOD[..GOOD.len() - 1];
        let upper = GOOD.to_ascii_uppercase();
        for (text, error) in [
            ("", E::Form),
            ("age1", E::Form),
            (short, E::Form),
            (&*upper, E::Form),
            (
                "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
                E::Private,
            ),
            ("ssh-ed25519 AAAA", E::Form),
            (&*other, E::Checksum),
        ] {
            assert_eq!(AgeRecipient::parse(text), Err(error), "{text}");
        }
    }
}
