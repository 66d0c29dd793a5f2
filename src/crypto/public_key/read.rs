//! How public keys are written: PEM, DER, JWK, certificate.
use super::CertifiedPublicKey;
use super::Curve;
use super::Key;
use super::PublicKey;
use super::PublicKeyError;
use super::PublicKind;
use super::Verify;
use crate::crypto::der::Certificate;
use crate::crypto::der::Elements;
use crate::crypto::der::INTEGER;
use crate::crypto::der::NULL;
use crate::crypto::der::OBJECT;
use crate::crypto::der::SEQUENCE;
use crate::crypto::signing_key::JwsAlgorithm;
use crate::crypto::signing_key::unescaped;
use aws_lc_rs::signature::ParsedPublicKey;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use std::ops::RangeInclusive;

/// An RSA key has 2048 to 8192 bits.
const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// Object identifiers in DER: RFC 8017 appendix A.1, RFC 5480 §2.1.1, RFC 8410 §3.
const ID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ID_P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const ID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];

const BIT_STRING: u8 = 0x03;

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

    /// The first certificate of a PEM file that has certificates, white space and nothing else.
    /// Who issued it is not asked: it counts for where it comes from.
    pub fn from_certificate_pem(pem: &[u8]) -> Result<CertifiedPublicKey, PublicKeyError> {
        if !is_certificates(pem) {
            return Err(PublicKeyError::Unreadable);
        }
        let der = CertificateDer::from_pem_slice(pem.trim_ascii())
            .map_err(|_| PublicKeyError::Unreadable)?;
        let read = Certificate::read(&der).ok_or(PublicKeyError::Unreadable)?;
        let key = Self::from_spki(read.public_key)?;
        Ok(CertifiedPublicKey { key, not_before: read.not_before, not_after: read.not_after })
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
        (uncompressed && on_curve).then_some(Self { key: Key::Ec(curve, point), only: None })
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

/// Whether there is nothing but certificates in PEM (RFC 7468 §5) and white space: an answer that
/// has one in the midst of something else is that something else.
fn is_certificates(pem: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(pem) else {
        return false;
    };
    let is_base64 = |it: u8| it.is_ascii_alphanumeric() || b"+/=\r\n\t ".contains(&it);
    let mut rest = text.trim_ascii();
    while !rest.is_empty() {
        let body = rest.strip_prefix("-----BEGIN CERTIFICATE-----");
        let Some((body, behind)) = body.and_then(|it| it.split_once("-----END CERTIFICATE-----"))
        else {
            return false;
        };
        if !body.bytes().all(is_base64) {
            return false;
        }
        rest = behind.trim_ascii_start();
    }
    true
}

/// The ordinates of Ed25519's points of order 1, 2, 4 and 8, without the bit for the sign. From the
/// curve's equation; the same list is in libsodium's documentation of `ed25519_is_on_main_subgroup`.
pub(super) const SMALL_ORDER: [[u8; 32]; 5] = [
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
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
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
