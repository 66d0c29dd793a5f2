//! Other parties' public keys, and what they signed: RFC 8032, FIPS 186-5, RFC 8017.
mod read;

#[cfg(test)]
mod tests;

use super::signing_key::JwsAlgorithm;
use crate::model::UnixTime;
use aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED;
use aws_lc_rs::signature::ECDSA_P521_SHA512_FIXED;
use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA384;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA512;
use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256;
use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA384;
use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA512;
use aws_lc_rs::signature::UnparsedPublicKey;
use aws_lc_rs::signature::VerificationAlgorithm;
use std::fmt;

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
}

impl Curve {
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

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[public key]")
    }
}
