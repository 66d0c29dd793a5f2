//! The holder of a private key: reads what was sealed to it, by the steps of age-encryption.org/v1, backwards.
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::CHACHA20_POLY1305;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
use aws_lc_rs::agreement;
use aws_lc_rs::agreement::PrivateKey;
use aws_lc_rs::agreement::UnparsedPublicKey;
use aws_lc_rs::agreement::X25519;
use aws_lc_rs::hkdf;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;

/// A private key, and its recipient. Of the bytes 7.
pub fn pair() -> ([u8; 32], &'static str) {
    ([7; 32], RECIPIENT)
}

const RECIPIENT: &str = "age1zwlyl6h27gzv0lfntr7fcqrjrzqazap8sy5zylkxwneh7llf0dksu37mwt";

fn derived(salt: &[u8], secret: &[u8], info: &[u8]) -> LessSafeKey {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let mut key = [0; 32];
    let info = [info];
    prk.expand(&info, hkdf::HKDF_SHA256).unwrap().fill(&mut key).unwrap();
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).unwrap())
}

fn open(key: &LessSafeKey, nonce: [u8; 12], sealed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let len = key.open_in_place(nonce, Aad::empty(), &mut bytes).ok()?.len();
    bytes.truncate(len);
    Some(bytes)
}

pub fn opened(private: &[u8; 32], file: &[u8]) -> Option<Vec<u8>> {
    let private = PrivateKey::from_private_key(&X25519, private).ok()?;
    let mut ends = file.iter().enumerate().filter(|it| *it.1 == b'\n').map(|it| it.0);
    let head_end = ends.nth(3)?;
    let head = std::str::from_utf8(&file[..head_end]).ok()?;
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("age-encryption.org/v1"));
    let decode = |it: &str| BASE64_STANDARD_NO_PAD.decode(it).ok();
    let share = decode(lines.next()?.strip_prefix("-> X25519 ")?)?;
    let wrapped = decode(lines.next()?)?;
    let salt = [&*share, private.compute_public_key().ok()?.as_ref()].concat();
    let peer = UnparsedPublicKey::new(&X25519, &share);
    let wrapping = agreement::agree(&private, peer, (), |secret| {
        Ok(derived(&salt, secret, b"age-encryption.org/v1/X25519"))
    });
    let file_key = open(&wrapping.ok()?, [0; 12], &wrapped)?;
    let (nonce, payload) = file[head_end + 1..].split_at_checked(16)?;
    let key = derived(nonce, &file_key, b"payload");
    let chunks: Vec<&[u8]> = payload.chunks((64 << 10) + 16).collect();
    let mut plain = Vec::new();
    for (index, chunk) in chunks.iter().enumerate() {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&(index as u64).to_be_bytes());
        nonce[11] = u8::from(index + 1 == chunks.len());
        plain.extend(open(&key, nonce, chunk)?);
    }
    Some(plain)
}
