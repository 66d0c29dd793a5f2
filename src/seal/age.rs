//! A stream that only the holder of a private key reads: an age file, written as it comes.
//!
//! Source: age-encryption.org/v1 (github.com/C2SP/C2SP/blob/main/age.md): X25519 recipients and the payload. It is
//! written here and read by others' programs; the crate `age` would bring more than fifty others along.
use super::recipient::AgeRecipient;
use super::recipient::KEY_LEN;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::CHACHA20_POLY1305;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::NONCE_LEN;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
use aws_lc_rs::agreement;
use aws_lc_rs::agreement::PrivateKey;
use aws_lc_rs::agreement::UnparsedPublicKey;
use aws_lc_rs::agreement::X25519;
use aws_lc_rs::hkdf;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use zeroize::Zeroizing;

/// Of what is sealed at a time, in bytes ("Payload").
const CHUNK_LEN: usize = 64 << 10;

/// Length of a file key, and of a payload's nonce, in bytes.
const FILE_KEY_LEN: usize = 16;

/// The first line, which also binds the recipient's key to its purpose.
const VERSION: &str = "age-encryption.org/v1";

/// What is written so far and not sealed yet.
pub struct AgeWriter {
    key: LessSafeKey,
    /// Of chunks that are sealed.
    count: u64,
    plain: Zeroizing<Vec<u8>>,
}

/// A key that nothing can be agreed upon with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be sealed to this key: it is no point that has a secret")]
pub struct WeakRecipient;

impl AgeWriter {
    /// And the file's header.
    pub fn new(to: &AgeRecipient) -> Result<(Self, Vec<u8>), WeakRecipient> {
        let ephemeral = PrivateKey::generate(&X25519).map_err(|_| WeakRecipient)?;
        let mut random = Zeroizing::new([0; 2 * FILE_KEY_LEN]);
        aws_lc_rs::rand::fill(&mut *random).expect("the operating system has randomness");
        let (file_key, nonce) = random.split_at(FILE_KEY_LEN);
        let mut head = header(to, &ephemeral, file_key)?;
        head.extend_from_slice(nonce);
        let key = derived(nonce, file_key, b"payload");
        Ok((Self { key: cipher(&key), count: 0, plain: Zeroizing::default() }, head))
    }

    /// Takes more of what is to be sealed. What is sealed of it, as far as it can be.
    pub fn push(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::new();
        let mut left = plain;
        while !left.is_empty() {
            // A full chunk waits: it may be the last one, which is marked.
            if self.plain.len() == CHUNK_LEN {
                sealed.extend(self.chunk(false));
            }
            if self.plain.capacity() < CHUNK_LEN {
                self.plain.reserve_exact(CHUNK_LEN);
            }
            let count = left.len().min(CHUNK_LEN - self.plain.len());
            self.plain.extend_from_slice(&left[..count]);
            left = &left[count..];
        }
        sealed
    }

    /// The file's end. Without it nobody takes the file for whole.
    pub fn finish(mut self) -> Vec<u8> {
        self.chunk(true)
    }

    fn chunk(&mut self, is_last: bool) -> Vec<u8> {
        // "Payload": eleven bytes that count, and one that says whether it is the last.
        let mut nonce = [0; NONCE_LEN];
        nonce[3..11].copy_from_slice(&self.count.to_be_bytes());
        nonce[11] = u8::from(is_last);
        self.count += 1;
        let mut sealed = self.plain.to_vec();
        seal(&self.key, nonce, &mut sealed);
        self.plain.iter_mut().for_each(|it| *it = 0);
        self.plain.clear();
        sealed
    }
}

/// "Header", with one stanza.
fn header(
    to: &AgeRecipient,
    ephemeral: &PrivateKey,
    file_key: &[u8],
) -> Result<Vec<u8>, WeakRecipient> {
    let share = ephemeral.compute_public_key().map_err(|_| WeakRecipient)?;
    let share = share.as_ref();
    let peer = UnparsedPublicKey::new(&X25519, to.0);
    let salt = [share, &to.0].concat();
    let wrapping = agreement::agree(ephemeral, peer, WeakRecipient, |secret| {
        // A point of low order agrees upon zeros with everybody.
        if secret.iter().all(|it| *it == 0) {
            return Err(WeakRecipient);
        }
        Ok(derived(&salt, secret, b"age-encryption.org/v1/X25519"))
    })?;
    let mut wrapped = file_key.to_vec();
    seal(&cipher(&wrapping), [0; NONCE_LEN], &mut wrapped);
    let base64 = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
    let head = format!("{VERSION}\n-> X25519 {}\n{}\n---", base64(share), base64(&wrapped));
    let key = derived(&[], file_key, b"header");
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*key), head.as_bytes());
    Ok(format!("{head} {}\n", base64(mac.as_ref())).into_bytes())
}

/// HKDF-SHA-256 (RFC 5869).
fn derived(salt: &[u8], secret: &[u8], info: &[u8]) -> Zeroizing<[u8; KEY_LEN]> {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let info = [info];
    let mut key = Zeroizing::new([0; KEY_LEN]);
    let okm = prk.expand(&info, hkdf::HKDF_SHA256).expect("one block is not too much (§2.3)");
    okm.fill(&mut *key).expect("the length is that of one block");
    key
}

fn cipher(key: &[u8; KEY_LEN]) -> LessSafeKey {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).expect("it takes any 32 bytes (RFC 8439)");
    LessSafeKey::new(key)
}

/// In place, with the tag behind: no copy of the plain text stays.
fn seal(key: &LessSafeKey, nonce: [u8; NONCE_LEN], bytes: &mut Vec<u8>) {
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::empty(), bytes)
        .expect("a chunk is shorter than 256 GiB (RFC 8439 §2.8)");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the holder of the private key reads: the steps of the specification, backwards.
    fn opened(private: &[u8; 32], file: &[u8]) -> Option<Vec<u8>> {
        let private = PrivateKey::from_private_key(&X25519, private).ok()?;
        let end = file.windows(4).position(|it| it == b"\n---")? + 4;
        let line = file[end..].iter().position(|it| *it == b'\n')? + end;
        let head = std::str::from_utf8(&file[..line]).ok()?;
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some(VERSION));
        let decode = |it: &str| BASE64_STANDARD_NO_PAD.decode(it).ok();
        let share = decode(lines.next()?.strip_prefix("-> X25519 ")?)?;
        let mut wrapped = decode(lines.next()?)?;
        let mac = decode(lines.next()?.strip_prefix("--- ")?)?;
        let public = private.compute_public_key().ok()?;
        let salt = [&*share, public.as_ref()].concat();
        let peer = UnparsedPublicKey::new(&X25519, &share);
        let wrapping = agreement::agree(&private, peer, (), |it| {
            Ok(derived(&salt, it, b"age-encryption.org/v1/X25519"))
        });
        let open = |key: &LessSafeKey, nonce, bytes: &mut Vec<u8>| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let len = key.open_in_place(nonce, Aad::empty(), bytes).ok()?.len();
            bytes.truncate(len);
            Some(())
        };
        open(&cipher(&*wrapping.ok()?), [0; NONCE_LEN], &mut wrapped)?;
        let key = derived(&[], &wrapped, b"header");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*key);
        hmac::verify(&key, &file[..end], &mac).ok()?;
        let (nonce, payload) = file[line + 1..].split_at_checked(FILE_KEY_LEN)?;
        let key = cipher(&derived(nonce, &wrapped, b"payload"));
        let (mut plain, mut count) = (Vec::new(), 0_u64);
        let chunks: Vec<_> = payload.chunks(CHUNK_LEN + 16).collect();
        for (index, chunk) in chunks.iter().enumerate() {
            let mut nonce = [0; NONCE_LEN];
            nonce[3..11].copy_from_slice(&count.to_be_bytes());
            nonce[11] = u8::from(index + 1 == chunks.len());
            let mut chunk = chunk.to_vec();
            open(&key, nonce, &mut chunk)?;
            plain.extend(chunk);
            count += 1;
        }
        Some(plain)
    }

    fn pair() -> ([u8; 32], AgeRecipient) {
        let private = [7; 32];
        let key = PrivateKey::from_private_key(&X25519, &private).unwrap();
        let public = key.compute_public_key().unwrap();
        (private, AgeRecipient(public.as_ref().try_into().unwrap()))
    }

    fn written(to: &AgeRecipient, plain: &[u8], step: usize) -> Vec<u8> {
        let (mut writer, mut file) = AgeWriter::new(to).unwrap();
        plain.chunks(step).for_each(|it| file.extend(writer.push(it)));
        file.extend(writer.finish());
        file
    }

    #[test]
    fn what_is_written_is_read_by_the_holder_of_the_private_key_and_by_nobody_else() {
        let (private, to) = pair();
        for len in [0, 1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN] {
            let plain: Vec<u8> = (0..len).map(|it| (it % 251) as u8).collect();
            for step in [1000, CHUNK_LEN, 5 * CHUNK_LEN] {
                let file = written(&to, &plain, step);
                assert_eq!(opened(&private, &file).as_deref(), Some(&*plain), "{len} by {step}");
            }
        }
        let file = written(&to, b"tokens", 3);
        assert!(opened(&[8; 32], &file).is_none());
        for cut in [1, 17] {
            assert!(opened(&private, &file[..file.len() - cut]).is_none(), "it is not whole");
        }
        let mut changed = file.clone();
        changed[file.len() - 1] ^= 1;
        assert!(opened(&private, &changed).is_none());
        assert!(!file.windows(6).any(|it| it == b"tokens"));
    }

    /// RFC 7748 §6.1: what is agreed upon with it is zero, for everybody.
    #[test]
    fn a_point_of_low_order_is_no_recipient() {
        assert!(AgeWriter::new(&AgeRecipient([0; 32])).is_err());
    }
}
