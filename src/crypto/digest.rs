//! Digests and keyed digests, whole or piece by piece: FIPS 180-4, RFC 1321, RFC 2104.
use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use md5::Digest;
use std::fmt;

/// A hash function. MD5 and SHA-1 are here for protocols that know nothing better.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    #[serde(rename = "sha512-256")]
    Sha512_256,
}

/// Longest digest, in bytes.
pub const DIGEST_LEN_MAX: usize = 64;

/// What a hash function makes of a message: 16 to 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digested {
    bytes: [u8; DIGEST_LEN_MAX],
    len: usize,
}

/// A message that comes in pieces, on its way through a hash function, with a key or without.
#[derive(Clone)]
pub enum Feed {
    Md5(Box<md5::Md5>),
    Sha(Box<digest::Context>),
    Mac(Box<hmac::Context>),
    /// Takes no more than so many bytes, and lets the rest pass by.
    First(u64, Box<Feed>),
}

/// A key for HMAC (RFC 2104) that is set up once. Prints without itself.
#[derive(Clone)]
pub struct MacKey(Box<hmac::Key>);

impl Hash {
    fn sha(self) -> Option<&'static digest::Algorithm> {
        match self {
            Self::Md5 => None,
            Self::Sha1 => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            Self::Sha256 => Some(&digest::SHA256),
            Self::Sha384 => Some(&digest::SHA384),
            Self::Sha512 => Some(&digest::SHA512),
            Self::Sha512_256 => Some(&digest::SHA512_256),
        }
    }

    /// Of a whole message.
    pub fn of(self, message: &[u8]) -> Digested {
        match self.sha() {
            Some(algorithm) => Digested::new(digest::digest(algorithm, message).as_ref()),
            None => Digested::new(&md5::Md5::digest(message)),
        }
    }

    /// Of a message that comes in pieces.
    pub fn feed(self) -> Feed {
        match self.sha() {
            Some(algorithm) => Feed::Sha(Box::new(digest::Context::new(algorithm))),
            None => Feed::Md5(Box::default()),
        }
    }
}

impl MacKey {
    /// `None` with MD5 and SHA-512/256, which no protocol here has a keyed form of.
    pub fn new(hash: Hash, key: &[u8]) -> Option<Self> {
        let algorithm = match hash {
            Hash::Md5 | Hash::Sha512_256 => return None,
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha384 => hmac::HMAC_SHA384,
            Hash::Sha512 => hmac::HMAC_SHA512,
        };
        Some(Self(Box::new(hmac::Key::new(algorithm, key))))
    }

    /// Of a whole message.
    pub fn of(&self, message: &[u8]) -> Digested {
        Digested::new(hmac::sign(&self.0, message).as_ref())
    }

    /// Of a message that comes in pieces.
    pub fn feed(&self) -> Feed {
        Feed::Mac(Box::new(hmac::Context::with_key(&self.0)))
    }
}

impl Feed {
    /// The next piece.
    pub fn update(&mut self, piece: &[u8]) {
        match self {
            Self::Md5(context) => context.update(piece),
            Self::Sha(context) => context.update(piece),
            Self::Mac(context) => context.update(piece),
            Self::First(left, feed) => {
                let taken = piece.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                feed.update(&piece[..taken]);
                *left -= taken as u64;
            }
        }
    }

    /// Whether it is this hash function, without a key.
    pub fn is_of(&self, hash: Hash) -> bool {
        match self {
            Self::Md5(_) => hash == Hash::Md5,
            Self::Sha(context) => hash.sha().is_some_and(|it| it == context.algorithm()),
            Self::Mac(_) | Self::First(..) => false,
        }
    }

    /// The same for a message that is cut off behind so many bytes.
    pub fn first(self, count: u64) -> Self {
        Self::First(count, Box::new(self))
    }

    pub fn finish(self) -> Digested {
        match self {
            Self::Md5(context) => Digested::new(&context.finalize()),
            Self::Sha(context) => Digested::new(context.finish().as_ref()),
            Self::Mac(context) => Digested::new(context.sign().as_ref()),
            Self::First(_, feed) => feed.finish(),
        }
    }
}

impl Digested {
    fn new(digest: &[u8]) -> Self {
        let mut bytes = [0; DIGEST_LEN_MAX];
        bytes[..digest.len()].copy_from_slice(digest);
        Self { bytes, len: digest.len() }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// In lower case.
    pub fn hex(&self) -> String {
        // At once, and not digit by digit.
        let mut text = vec![0; 2 * self.len];
        hex::encode_to_slice(self.bytes(), &mut text).expect("a byte has two digits");
        String::from_utf8(text).expect("hex is ASCII")
    }
}

impl fmt::Debug for Digested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[digest]")
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[feed]")
    }
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 makes 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `abc`: RFC 1321 §A.5, and the example values that NIST publishes for FIPS 180-4.
    #[test]
    fn each_hash_makes_its_published_digest_whole_or_in_pieces() {
        for (hash, digest) in [
            (Hash::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                Hash::Sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                Hash::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (Hash::Sha512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
        ] {
            assert_eq!(hash.of(b"abc").hex(), digest, "{hash:?}");
            let mut feed = hash.feed();
            [b"a", b"b", b"c"].into_iter().for_each(|it| feed.update(it));
            assert_eq!(feed.finish().hex(), digest, "{hash:?}");
            let mut feed = hash.feed().first(3);
            [&b"ab"[..], b"cd", b"e"].into_iter().for_each(|it| feed.update(it));
            assert_eq!(feed.finish().hex(), digest, "{hash:?}");
        }
    }

    /// RFC 4231 §4.3 and RFC 2202 §3, test case 2.
    #[test]
    fn each_keyed_hash_makes_its_published_digest_whole_or_in_pieces() {
        let message = b"what do ya want for nothing?";
        for (hash, digest) in [
            (Hash::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Hash::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                Hash::Sha384,
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                Hash::Sha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let key = MacKey::new(hash, b"Jefe").unwrap();
            assert_eq!(key.of(message).hex(), digest, "{hash:?}");
            let mut feed = key.feed();
            message.chunks(5).for_each(|it| feed.update(it));
            assert_eq!(feed.finish().hex(), digest, "{hash:?}");
        }
        assert!(MacKey::new(Hash::Md5, b"Jefe").is_none());
    }
}
