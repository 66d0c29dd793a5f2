//! Other parties' public keys, read once, and what they signed: RFC 8032, FIPS 186-5, RFC 8017.
use super::der::Certificate;
use super::der::Elements;
use super::der::INTEGER;
use super::der::NULL;
use super::der::OBJECT;
use super::der::SEQUENCE;
use super::signing_key::JwsAlgorithm;
use super::signing_key::unescaped;
use crate::model::UnixTime;
use aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED;
use aws_lc_rs::signature::ECDSA_P521_SHA512_FIXED;
use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::ParsedPublicKey;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA384;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA512;
use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256;
use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA384;
use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA512;
use aws_lc_rs::signature::UnparsedPublicKey;
use aws_lc_rs::signature::VerificationAlgorithm;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use std::fmt;

/// An RSA key has 2048 to 8192 bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Object identifiers in DER: RFC 8017 appendix A.1, RFC 5480 §2.1.1, RFC 8410 §3.
const ID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ID_P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const ID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];

const BIT_STRING: u8 = 0x03;

/// The key that somebody else's private one belongs to. Prints without itself.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: Key,
    /// The one algorithm that a JWK says it is for.
    only: Option<JwsAlgorithm>,
}

#[derive(Clone, PartialEq, Eq)]
enum Key {
    Ed25519([u8; 32]),
    /// The point, uncompressed (SEC 1 §2.3.3).
    Ec(Curve, Box<[u8]>),
    /// `RSAPublicKey` in DER (RFC 8017 appendix A.1.1).
    Rsa(Box<[u8]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

/// What kind of key something has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKind {
    Ed25519,
    EcdsaP256,
    /// Of 2048 to 8192 bits.
    Rsa,
    /// Whichever of the kinds that are known here.
    Any,
}

/// How a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// RFC 8032 §5.1: 64 bytes.
    Ed25519,
    /// With SHA-256, in DER (RFC 3279 §2.2.3).
    EcdsaP256Der,
    /// PKCS #1 v1.5 (RFC 8017 §8.2), as long as the modulus.
    RsaSha256,
    /// The same with SHA-1.
    RsaSha1,
    /// As RFC 7518 §3 has it: ECDSA in the fixed form. False of algorithms with a shared secret.
    Jws(JwsAlgorithm),
}

/// Why something is no public key that could verify anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    #[error("is no public key: neither PEM, nor a JWK, nor bytes of one")]
    Unreadable,
    #[error("is a private key; what verifies is the sender's public key")]
    Private,
    #[error("is a key of another kind than the algorithm's")]
    OtherKind,
    #[error("is an RSA key of less than 2048 bits, or more than 8192")]
    Size,
    #[error("is a key that anybody can sign for")]
    Weak,
}

/// A certificate's key, and when it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedPublicKey {
    pub key: PublicKey,
    pub not_before: UnixTime,
    /// The last second.
    pub not_after: UnixTime,
}

impl PublicKey {
    /// A text that people paste: PEM of a public key or a certificate, line breaks written as `\n` or
    /// not, or a JWK (RFC 7517 §4).
    pub fn from_text(text: &str, kind: PublicKind) -> Result<Self, PublicKeyError> {
        let text = unescaped(text);
        if text.contains("PRIVATE KEY-----") {
            return Err(PublicKeyError::Private);
        }
        if text.trim_start().starts_with('{') {
            let jwk: Value = serde_json::from_str(&text).map_err(|_| PublicKeyError::Unreadable)?;
            if jwk.get("d").is_some() {
                return Err(PublicKeyError::Private);
            }
            return Self::from_jwk(&jwk).ok_or(PublicKeyError::Unreadable)?.of_kind(kind);
        }
        if let Ok(der) = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes()) {
            return Self::from_spki(&der)?.of_kind(kind);
        }
        Self::from_certificate_pem(text.as_bytes())?.key.of_kind(kind)
    }

    /// The bytes that a text in hex or Base64 stands for: `SubjectPublicKeyInfo` in DER, or the 32
    /// bytes of an Ed25519 key.
    pub fn from_bytes(bytes: &[u8], kind: PublicKind) -> Result<Self, PublicKeyError> {
        match <&[u8; 32]>::try_from(bytes) {
            Ok(bytes) => Self::ed25519(bytes)?.of_kind(kind),
            Err(_) => Self::from_spki(bytes)?.of_kind(kind),
        }
    }

    /// `SubjectPublicKeyInfo` in DER (RFC 5280 §4.1.2.7): Ed25519, P-256, P-384, P-521 or RSA.
    pub fn from_spki(der: &[u8]) -> Result<Self, PublicKeyError> {
        let (key, kind) = spki(der).ok_or(PublicKeyError::Unreadable)?;
        match kind {
            SpkiKind::Ed25519 => {
                Self::ed25519(key.try_into().map_err(|_| PublicKeyError::Unreadable)?)
            }
            SpkiKind::Ec(curve) => Self::ec(curve, key.into()).ok_or(PublicKeyError::Unreadable),
            SpkiKind::Rsa => {
                let mut whole = Elements::new(key);
                let numbers = whole.within(SEQUENCE).filter(|_| whole.is_empty());
                let mut numbers = numbers.ok_or(PublicKeyError::Unreadable)?;
                let mut number = || {
                    let bytes = numbers.next(INTEGER)?;
                    Some(bytes.strip_prefix(&[0]).unwrap_or(bytes))
                };
                let (n, e) = (number(), number());
                let (n, e) = n.zip(e).ok_or(PublicKeyError::Unreadable)?;
                Self::rsa(n, e)
            }
        }
    }

    /// RFC 8032 §5.1.5. Refused are the points of small order, for which there are signatures that
    /// fit messages at will, and encodings of a coordinate that is not below the field's prime.
    pub fn ed25519(bytes: &[u8; 32]) -> Result<Self, PublicKeyError> {
        let mut y = *bytes;
        y[31] &= 0x7f;
        let unreduced = y[31] == 0x7f && y[1..31].iter().all(|it| *it == 0xff) && y[0] >= 0xed;
        if unreduced || SMALL_ORDER.contains(&y) {
            return Err(PublicKeyError::Weak);
        }
        Ok(Self { key: Key::Ed25519(*bytes), only: None })
    }

    /// A JSON Web Key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). None of one that is private or
    /// symmetric, for another use than signatures, or of a kind that is not known here.
    pub fn from_jwk(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let signs = jwk.get("use").is_none_or(|it| it == "sig");
        let verifies = jwk
            .get("key_ops")
            .is_none_or(|it| it.as_array().is_some_and(|it| it.iter().any(|it| it == "verify")));
        if !signs || !verifies || jwk.get("d").is_some() || jwk.get("k").is_some() {
            return None;
        }
        let only = match jwk.get("alg") {
            Some(alg) => Some(JwsAlgorithm::named(alg.as_str()?)?),
            None => None,
        };
        let key = match (text("kty")?, text("crv")) {
            ("OKP", Some("Ed25519")) => Self::ed25519(&bytes("x")?.try_into().ok()?).ok()?,
            ("EC", Some(curve)) => {
                let curve = Curve::named(curve)?;
                let (x, y) = (bytes("x")?, bytes("y")?);
                let fits = x.len() == curve.len() && y.len() == curve.len();
                fits.then(|| Self::ec(curve, [&[4], &*x, &*y].concat().into()))??
            }
            ("RSA", None) => Self::rsa(&bytes("n")?, &bytes("e")?).ok()?,
            _ => return None,
        };
        let key = Self { only, ..key };
        only.is_none_or(|it| key.verifier(Verify::Jws(it)).is_some()).then_some(key)
    }

    /// The first certificate of a PEM file. Who issued it is not asked: it counts for where it
    /// comes from.
    pub fn from_certificate_pem(pem: &[u8]) -> Result<CertifiedPublicKey, PublicKeyError> {
        let der = CertificateDer::from_pem_slice(pem).map_err(|_| PublicKeyError::Unreadable)?;
        let read = Certificate::read(&der).ok_or(PublicKeyError::Unreadable)?;
        let key = Self::from_spki(read.public_key)?;
        Ok(CertifiedPublicKey { key, not_before: read.not_before, not_after: read.not_after })
    }

    /// Whether the owner of the private key signed `message`. False where the key is of another
    /// kind than `how`.
    pub fn verify(&self, how: Verify, message: &[u8], signature: &[u8]) -> bool {
        let bytes: &[u8] = match &self.key {
            Key::Ed25519(bytes) => bytes,
            Key::Ec(_, bytes) | Key::Rsa(bytes) => bytes,
        };
        self.verifier(how)
            .is_some_and(|it| UnparsedPublicKey::new(it, bytes).verify(message, signature).is_ok())
    }

    /// What checks such signatures; None where this key makes none.
    fn verifier(&self, how: Verify) -> Option<&'static dyn VerificationAlgorithm> {
        use JwsAlgorithm as A;
        match (&self.key, how) {
            (_, Verify::Jws(jws)) if self.only.is_some_and(|it| it != jws) => None,
            (Key::Ed25519(_), Verify::Ed25519 | Verify::Jws(A::EdDSA)) => Some(&ED25519),
            (Key::Ec(Curve::P256, _), Verify::EcdsaP256Der) => Some(&ECDSA_P256_SHA256_ASN1),
            (Key::Ec(Curve::P256, _), Verify::Jws(A::ES256)) => Some(&ECDSA_P256_SHA256_FIXED),
            (Key::Ec(Curve::P384, _), Verify::Jws(A::ES384)) => Some(&ECDSA_P384_SHA384_FIXED),
            (Key::Ec(Curve::P521, _), Verify::Jws(A::ES512)) => Some(&ECDSA_P521_SHA512_FIXED),
            (Key::Rsa(_), Verify::RsaSha256 | Verify::Jws(A::RS256)) => {
                Some(&RSA_PKCS1_2048_8192_SHA256)
            }
            (Key::Rsa(_), Verify::RsaSha1) => Some(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
            (Key::Rsa(_), Verify::Jws(A::RS384)) => Some(&RSA_PKCS1_2048_8192_SHA384),
            (Key::Rsa(_), Verify::Jws(A::RS512)) => Some(&RSA_PKCS1_2048_8192_SHA512),
            (Key::Rsa(_), Verify::Jws(A::PS256)) => Some(&RSA_PSS_2048_8192_SHA256),
            (Key::Rsa(_), Verify::Jws(A::PS384)) => Some(&RSA_PSS_2048_8192_SHA384),
            (Key::Rsa(_), Verify::Jws(A::PS512)) => Some(&RSA_PSS_2048_8192_SHA512),
            (Key::Ed25519(_) | Key::Ec(..) | Key::Rsa(_), _) => None,
        }
    }

    fn of_kind(self, kind: PublicKind) -> Result<Self, PublicKeyError> {
        let fits = match (&self.key, kind) {
            (_, PublicKind::Any) => true,
            (Key::Ed25519(_), kind) => kind == PublicKind::Ed25519,
            (Key::Ec(curve, _), kind) => *curve == Curve::P256 && kind == PublicKind::EcdsaP256,
            (Key::Rsa(_), kind) => kind == PublicKind::Rsa,
        };
        if fits { Ok(self) } else { Err(PublicKeyError::OtherKind) }
    }

    /// None where the point is not on the curve.
    fn ec(curve: Curve, point: Box<[u8]>) -> Option<Self> {
        let uncompressed = point.first() == Some(&4) && point.len() == 1 + 2 * curve.len();
        let on_curve = ParsedPublicKey::new(curve.fixed(), &point).is_ok();
        (uncompressed && on_curve).then(|| Self { key: Key::Ec(curve, point), only: None })
    }

    /// Both numbers big-endian, without zeros in front.
    fn rsa(n: &[u8], e: &[u8]) -> Result<Self, PublicKeyError> {
        let first = n.first().filter(|it| **it != 0).ok_or(PublicKeyError::Unreadable)?;
        let bits = n.len() * 8 - first.leading_zeros() as usize;
        if !RSA_BITS.contains(&bits) {
            return Err(PublicKeyError::Size);
        }
        let is_odd = |it: &[u8]| it.last().is_some_and(|it| it & 1 == 1);
        let is_exponent = e.first().is_some_and(|it| *it != 0) && e != [1] && e.len() <= 8;
        if !is_odd(n) || !is_odd(e) || !is_exponent {
            return Err(PublicKeyError::Weak);
        }
        let der = element(SEQUENCE, &[integer(n), integer(e)].concat());
        match ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der) {
            Ok(_) => Ok(Self { key: Key::Rsa(der.into()), only: None }),
            Err(_) => Err(PublicKeyError::Unreadable),
        }
    }
}

/// The ordinates of Ed25519's points of order 1, 2, 4 and 8, without the bit for the sign. From the
/// curve's equation; the same list is in libsodium's documentation of `ed25519_is_on_main_subgroup`.
const SMALL_ORDER: [[u8; 32]; 5] = [
    // 1, whose point is the neutral one.
    small(1),
    // 0.
    small(0),
    // -1.
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

const fn small(y: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = y;
    bytes
}

impl Curve {
    /// Its name in a JWK (RFC 7518 §6.2.1.1).
    fn named(name: &str) -> Option<Self> {
        match name {
            "P-256" => Some(Self::P256),
            "P-384" => Some(Self::P384),
            "P-521" => Some(Self::P521),
            _ => None,
        }
    }

    fn of(id: &[u8]) -> Option<Self> {
        match id {
            ID_P256 => Some(Self::P256),
            ID_P384 => Some(Self::P384),
            ID_P521 => Some(Self::P521),
            _ => None,
        }
    }

    /// Bytes of a coordinate.
    fn len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn fixed(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
            Self::P521 => &ECDSA_P521_SHA512_FIXED,
        }
    }
}

/// What `SubjectPublicKeyInfo` says of its key.
enum SpkiKind {
    Ed25519,
    Ec(Curve),
    Rsa,
}

/// The key's bytes, and what they are.
fn spki(der: &[u8]) -> Option<(&[u8], SpkiKind)> {
    let mut whole = Elements::new(der);
    let mut info = whole.within(SEQUENCE).filter(|_| whole.is_empty())?;
    let mut algorithm = info.within(SEQUENCE)?;
    let kind = match algorithm.next(OBJECT)? {
        ID_ED25519 => SpkiKind::Ed25519,
        ID_EC => SpkiKind::Ec(Curve::of(algorithm.next(OBJECT)?)?),
        ID_RSA => {
            algorithm.optional(NULL);
            SpkiKind::Rsa
        }
        _ => return None,
    };
    let key = info.next(BIT_STRING)?.strip_prefix(&[0])?;
    (algorithm.is_empty() && info.is_empty()).then_some((key, kind))
}

/// An element in DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let skipped = len.iter().take_while(|it| **it == 0).count().min(len.len() - 1);
    let len = &len[skipped..];
    let mut element = vec![tag];
    if len.len() > 1 || len[0] > 0x7f {
        element.push(0x80 | len.len() as u8);
    }
    element.extend_from_slice(len);
    element.extend_from_slice(content);
    element
}

/// An unsigned number in DER, big-endian.
fn integer(number: &[u8]) -> Vec<u8> {
    let sign = number.first().is_some_and(|it| it & 0x80 != 0);
    element(INTEGER, &[&[0][..usize::from(sign)], number].concat())
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[public key]")
    }
}

#[cfg(test)]
mod tests;
