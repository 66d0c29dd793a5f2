//! AES-256-GCM with a nonce in front and the tag behind (NIST SP 800-38D §7).
use aws_lc_rs::aead::AES_256_GCM;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::NONCE_LEN;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
use zeroize::Zeroizing;

/// Length of a key, in bytes.
pub(super) const KEY_LEN: usize = 32;

/// Length of the tag, in bytes.
const TAG_LEN: usize = 16;

/// A key, expanded; wiped when dropped (by the library that made it).
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes any 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Nonce, ciphertext, tag. The nonce is random: one key may seal 2³² times (SP 800-38D §8.3).
    pub(super) fn seal(&self, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).expect("the operating system has randomness");
        self.seal_with(nonce, associated, plain)
    }

    /// The plain text is overwritten by its ciphertext: no copy of it stays behind.
    pub(super) fn seal_with(
        &self,
        nonce: [u8; NONCE_LEN],
        associated: &[u8],
        plain: &[u8],
    ) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + TAG_LEN);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated), &mut sealed[NONCE_LEN..])
            .expect("a credential is shorter than 64 GiB (SP 800-38D §5.2.1.1)");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// `None` where a bit of it, or of what it is bound to, is not as it was.
    pub(super) fn open(&self, associated: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut plain = Zeroizing::new(rest.to_vec());
        let length = self.0.open_in_place(nonce, Aad::from(associated), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Vector {
        key: &'static str,
        nonce: &'static str,
        plain: &'static str,
        associated: &'static str,
        sealed: &'static str,
        tag: &'static str,
    }

    /// Published by NIST (a work of the United States government, in the public domain): the first
    /// four are test cases 13 to 16 of McGrew and Viega, "The Galois/Counter Mode of Operation",
    /// appendix B, NIST's submission file; the others from the CAVP's `gcmEncryptExtIV256.rsp`, the
    /// first vectors of 0 and 0, 128 and 0, 128 and 128 bits of text and associated data.
    const VECTORS: &[Vector] = &[
        Vector {
            key: "0000000000000000000000000000000000000000000000000000000000000000",
            nonce: "000000000000000000000000",
            plain: "",
            associated: "",
            sealed: "",
            tag: "530f8afbc74536b9a963b4f1c4cb738b",
        },
        Vector {
            key: "0000000000000000000000000000000000000000000000000000000000000000",
            nonce: "000000000000000000000000",
            plain: "00000000000000000000000000000000",
            associated: "",
            sealed: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919",
        },
        Vector {
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            plain: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                    1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            associated: "",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                     8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
            tag: "b094dac5d93471bdec1a502270e3cc6c",
        },
        Vector {
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            plain: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                    1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                     8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            tag: "76fc6ece0f4e1768cddf8853bb2d551b",
        },
        Vector {
            key: "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
            nonce: "516c33929df5a3284ff463d7",
            plain: "",
            associated: "",
            sealed: "",
            tag: "bdc1ac884d332457a1d2664f168c76f0",
        },
        Vector {
            key: "31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22",
            nonce: "0d18e06c7c725ac9e362e1ce",
            plain: "2db5168e932556f8089a0622981d017d",
            associated: "",
            sealed: "fa4362189661d163fcd6a56d8bf0405a",
            tag: "d636ac1bbedd5cc3ee727dc2ab4a9489",
        },
        Vector {
            key: "92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b",
            nonce: "ac93a1a6145299bde902f21a",
            plain: "2d71bcfa914e4ac045b2aa60955fad24",
            associated: "1e0889016f67601c8ebea4943bc23ad6",
            sealed: "8995ae2e6df3dbf96fac7b7137bae67f",
            tag: "eca5aa77d51d4a0a14d9c51e1da474ab",
        },
    ];

    fn array<const LEN: usize>(text: &str) -> [u8; LEN] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn makes_and_opens_the_published_vectors() {
        for it in VECTORS {
            let cipher = Cipher::new(&array(it.key));
            let (plain, associated) =
                (hex::decode(it.plain).unwrap(), hex::decode(it.associated).unwrap());
            let sealed = cipher.seal_with(array(it.nonce), &associated, &plain);
            assert_eq!(hex::encode(&sealed), [it.nonce, it.sealed, it.tag].concat());
            assert_eq!(**cipher.open(&associated, &sealed).unwrap(), *plain);
        }
    }

    #[test]
    fn what_is_too_short_to_be_sealed_does_not_open() {
        let cipher = Cipher::new(&[7; KEY_LEN]);
        for length in 0..NONCE_LEN + TAG_LEN {
            assert!(cipher.open(b"", &vec![0; length]).is_none(), "{length}");
        }
    }

    /// ST-04: 10⁶ in `make test-long`.
    #[test]
    fn no_nonce_comes_twice() {
        let rounds =
            if std::env::var_os("ATTACHE_TEST_LONG").is_some() { 1_000_000 } else { 20_000 };
        let cipher = Cipher::new(&[7; KEY_LEN]);
        let mut seen = std::collections::HashSet::with_capacity(rounds);
        for _ in 0..rounds {
            let sealed = cipher.seal(b"place", b"the same text");
            assert!(seen.insert(array::<NONCE_LEN>(&hex::encode(&sealed[..NONCE_LEN]))));
        }
    }
}
