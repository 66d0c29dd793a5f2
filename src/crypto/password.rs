//! What a password opens: PBES2 (RFC 8018 §6.2), and the schemes of PKCS #12 (RFC 7292 appendix C), which old files have.
use super::der::CONTEXT_0_PLAIN;
use super::der::Elements;
use super::der::INTEGER;
use super::der::NULL;
use super::der::OBJECT;
use super::der::OCTETS;
use super::der::SEQUENCE;
use super::digest::Hash;
use aws_lc_rs::cipher::AES_128;
use aws_lc_rs::cipher::AES_192;
use aws_lc_rs::cipher::AES_256;
use aws_lc_rs::cipher::DecryptionContext;
use aws_lc_rs::cipher::PaddedBlockDecryptingKey;
use aws_lc_rs::cipher::UnboundCipherKey;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::pbkdf2;
use cbc::Decryptor;
use cbc::cipher::BlockCipherDecrypt;
use cbc::cipher::BlockModeDecrypt;
use cbc::cipher::InnerIvInit;
use cbc::cipher::KeyInit;
use cbc::cipher::block_padding::Pkcs7;
use des::TdesEde3;
use rc2::Rc2;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// Iterations that one file may ask for in all: a tenth of a second of work, which is done again whenever the
/// credential is looked up. Programs write 2,000 to 100,000 of them.
const ITERATIONS_MAX: u32 = 300_000;

const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
/// Before the number of a scheme of PKCS #12.
const PBES1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
/// Before the number of a keyed hash.
const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
/// Before the number of a cipher.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
const DES_EDE3: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];

/// Longest key that is derived here, in bytes.
const KEY_LEN_MAX: usize = 32;

/// Why nothing is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// It is not what it should be, or in a form that is not known here.
    Unknown,
    TooManyIterations,
    WrongPassword,
}

/// A password, and how much work may still be done for it.
pub(super) struct Password<'a> {
    text: &'a str,
    iterations_left: u32,
}

/// What a key of PKCS #12 is for (RFC 7292 appendix B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Cipher = 1,
    Start = 2,
    Mac = 3,
}

impl<'a> Password<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, iterations_left: ITERATIONS_MAX }
    }

    /// Decrypts by an `AlgorithmIdentifier`'s content.
    pub fn open(
        &mut self,
        algorithm: Elements<'_>,
        encrypted: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let mut algorithm = algorithm;
        let name = algorithm.next(OBJECT).ok_or(Unopened::Unknown)?;
        let parameters = algorithm.within(SEQUENCE).ok_or(Unopened::Unknown)?;
        match name.strip_prefix(PBES1) {
            _ if name == PBES2 => self.open_new(parameters, encrypted),
            Some([number]) => self.open_old(*number, parameters, encrypted),
            _ => Err(Unopened::Unknown),
        }
    }

    /// PBES2 with PBKDF2 (RFC 8018 appendices A.2 and A.4).
    fn open_new(
        &mut self,
        mut parameters: Elements<'_>,
        encrypted: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let unknown = Unopened::Unknown;
        let mut derivation = parameters.within(SEQUENCE).ok_or(unknown)?;
        let mut cipher = parameters.within(SEQUENCE).ok_or(unknown)?;
        if derivation.next(OBJECT) != Some(PBKDF2) {
            return Err(unknown);
        }
        let mut derivation = derivation.within(SEQUENCE).ok_or(unknown)?;
        let salt = derivation.next(OCTETS).ok_or(unknown)?;
        let iterations = derivation.number().ok_or(unknown)?;
        derivation.optional(INTEGER);
        let keyed = match derivation.optional(SEQUENCE) {
            None => pbkdf2::PBKDF2_HMAC_SHA1,
            Some(keyed) => {
                let name = Elements::new(keyed).next(OBJECT);
                match name.and_then(|it| it.strip_prefix(HMAC)) {
                    Some([7]) => pbkdf2::PBKDF2_HMAC_SHA1,
                    Some([9]) => pbkdf2::PBKDF2_HMAC_SHA256,
                    Some([10]) => pbkdf2::PBKDF2_HMAC_SHA384,
                    Some([11]) => pbkdf2::PBKDF2_HMAC_SHA512,
                    _ => return Err(unknown),
                }
            }
        };
        let name = cipher.next(OBJECT).ok_or(unknown)?;
        let start = cipher.next(OCTETS).ok_or(unknown)?;
        let aes = match name.strip_prefix(AES) {
            Some([0x02]) => Some(&AES_128),
            Some([0x16]) => Some(&AES_192),
            Some([0x2a]) => Some(&AES_256),
            _ if name == DES_EDE3 => None,
            _ => return Err(unknown),
        };
        let key_len = match name {
            DES_EDE3 => 24,
            _ if name.ends_with(&[0x02]) => 16,
            _ if name.ends_with(&[0x16]) => 24,
            _ => 32,
        };
        let iterations = self.spend(iterations)?;
        let mut key = Zeroizing::new([0; KEY_LEN_MAX]);
        let key = &mut key[..key_len];
        pbkdf2::derive(keyed, iterations, salt, self.text.as_bytes(), key);
        let Some(aes) = aes else {
            let cipher = TdesEde3::new_from_slice(key).map_err(|_| unknown)?;
            return decrypted(cipher, start, encrypted);
        };
        let start: [u8; 16] = start.try_into().map_err(|_| unknown)?;
        let key = UnboundCipherKey::new(aes, key).map_err(|_| unknown)?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(|_| unknown)?;
        let mut text = Zeroizing::new(encrypted.to_vec());
        let context = DecryptionContext::Iv128(FixedLength::from(start));
        let len = key.decrypt(&mut text, context).map_err(|_| Unopened::WrongPassword)?.len();
        text.truncate(len);
        Ok(text)
    }

    /// RFC 7292 appendix C: SHA-1, and one of four old ciphers.
    fn open_old(
        &mut self,
        number: u8,
        mut parameters: Elements<'_>,
        encrypted: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let unknown = Unopened::Unknown;
        let salt = parameters.next(OCTETS).ok_or(unknown)?;
        let iterations = parameters.number().ok_or(unknown)?;
        let key_len = match number {
            3 => 24,
            4 | 5 => 16,
            6 => 5,
            _ => return Err(unknown),
        };
        let mut key = self.derived(Hash::Sha1, Purpose::Cipher, salt, iterations, key_len)?;
        let start = self.derived(Hash::Sha1, Purpose::Start, salt, iterations, 8)?;
        if number == 4 {
            // Two keys: the first is the third one as well.
            let first = Zeroizing::new(key[..8].to_vec());
            key.extend_from_slice(&first);
        }
        match number {
            3 | 4 => {
                let cipher = TdesEde3::new_from_slice(&key).map_err(|_| unknown)?;
                decrypted(cipher, &start, encrypted)
            }
            _ => decrypted(Rc2::new_from_slice(&key).map_err(|_| unknown)?, &start, encrypted),
        }
    }

    /// RFC 7292 appendix B.2. `len`: at most that of a block of the hash function.
    pub fn derived(
        &mut self,
        hash: Hash,
        purpose: Purpose,
        salt: &[u8],
        iterations: u32,
        len: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let block = match hash {
            Hash::Md5 | Hash::Sha1 | Hash::Sha256 => 64,
            Hash::Sha384 | Hash::Sha512 | Hash::Sha512_256 => 128,
        };
        let wide = self.text.encode_utf16().flat_map(u16::to_be_bytes).chain([0, 0]);
        let wide = Zeroizing::new(wide.collect::<Vec<u8>>());
        let filled = |text: &[u8]| -> Zeroizing<Vec<u8>> {
            let len = text.len().div_ceil(block) * block;
            Zeroizing::new(text.iter().copied().cycle().take(len).collect())
        };
        let mut input = Zeroizing::new([&filled(salt)[..], &filled(&wide)].concat());
        let mut derived = Zeroizing::new(Vec::with_capacity(len + 64));
        while derived.len() < len {
            let iterations = self.spend(iterations)?;
            let mut feed = hash.feed();
            feed.update(&vec![purpose as u8; block]);
            feed.update(&input);
            let mut digest = feed.finish();
            for _ in 1..iterations.get() {
                digest = hash.of(digest.bytes());
            }
            derived.extend_from_slice(digest.bytes());
            let addend: Vec<u8> = digest.bytes().iter().copied().cycle().take(block).collect();
            for part in input.chunks_exact_mut(block) {
                let mut carry = 1;
                for (byte, more) in part.iter_mut().zip(&addend).rev() {
                    carry += u16::from(*byte) + u16::from(*more);
                    *byte = carry.to_be_bytes()[1];
                    carry >>= 8;
                }
            }
        }
        derived.truncate(len);
        Ok(derived)
    }

    fn spend(&mut self, iterations: u32) -> Result<NonZeroU32, Unopened> {
        let left = self.iterations_left.checked_sub(iterations);
        self.iterations_left = left.ok_or(Unopened::TooManyIterations)?;
        NonZeroU32::new(iterations).ok_or(Unopened::Unknown)
    }
}

/// The private key of `EncryptedPrivateKeyInfo` (RFC 5958 §3), in PKCS #8.
pub(super) fn private_key(
    password: &mut Password<'_>,
    encrypted: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let mut parts = Elements::new(encrypted).within(SEQUENCE).ok_or(Unopened::Unknown)?;
    let algorithm = parts.within(SEQUENCE).ok_or(Unopened::Unknown)?;
    password.open(algorithm, parts.next(OCTETS).ok_or(Unopened::Unknown)?)
}

/// `EncryptedContentInfo` (RFC 5652 §6.1), whose content may come in one piece or several.
pub(super) fn content(
    password: &mut Password<'_>,
    mut info: Elements<'_>,
) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    info.next(OBJECT).ok_or(Unopened::Unknown)?;
    let algorithm = info.within(SEQUENCE).ok_or(Unopened::Unknown)?;
    password.open(algorithm, info.next(CONTEXT_0_PLAIN).ok_or(Unopened::Unknown)?)
}

/// An old cipher in CBC, with its padding taken off.
fn decrypted<C: BlockCipherDecrypt>(
    cipher: C,
    start: &[u8],
    encrypted: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let decryptor = Decryptor::inner_iv_slice_init(cipher, start).map_err(|_| Unopened::Unknown)?;
    let mut text = Zeroizing::new(encrypted.to_vec());
    let opened = decryptor.decrypt_padded::<Pkcs7>(&mut text);
    let len = opened.map_err(|_| Unopened::WrongPassword)?.len();
    text.truncate(len);
    Ok(text)
}

/// The hash function of an `AlgorithmIdentifier`'s content (RFC 3279 §2.1, RFC 5754 §2).
pub(super) fn hash(mut algorithm: Elements<'_>) -> Option<Hash> {
    const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    let name = algorithm.next(OBJECT)?;
    algorithm.optional(NULL);
    match name.strip_prefix(SHA2) {
        Some([1]) => Some(Hash::Sha256),
        Some([2]) => Some(Hash::Sha384),
        Some([3]) => Some(Hash::Sha512),
        _ if name == [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Some(Hash::Sha1),
        _ => None,
    }
}
