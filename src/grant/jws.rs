//! Signatures of JSON (RFC 7515): keys read once, tokens in the compact form.
//!
//! Algorithms: RFC 7518 §3, RFC 8037 §3.1. Keys: PEM (RFC 7468) of PKCS #8, PKCS #1 or SEC 1.
use super::error::GrantError;
use super::raw::Algorithm;
use crate::model::Secret;
use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use aws_lc_rs::signature::RsaEncoding;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use zeroize::Zeroizing;

/// A key that signs, with its algorithm.
pub(super) enum SigningKey {
    Rsa { key: Box<RsaKeyPair>, padding: &'static dyn RsaEncoding, algorithm: Algorithm },
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
    Hmac(Box<hmac::Key>),
}

const FIELD: &str = "private_key";

impl Algorithm {
    /// Its name in a JOSE header.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
            Self::HS256 => "HS256",
        }
    }

    /// Whether it signs with a secret that both sides have.
    pub(super) fn is_symmetric(self) -> bool {
        self == Self::HS256
    }
}

impl SigningKey {
    /// Reads a private key. Line breaks may be written as `\n`, as in the JSON files that clouds hand
    /// out and in settings of one line.
    pub(super) fn private(algorithm: Algorithm, pem: &Secret) -> Result<Self, GrantError> {
        let unusable = |what| GrantError::Unusable { field: FIELD.into(), what };
        let text = unescaped(pem.expose());
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|_| unusable("is no private key in PEM"))?;
        let der = Der(der);
        let key = match algorithm {
            Algorithm::RS256 | Algorithm::PS256 => {
                let padding: &'static dyn RsaEncoding = match algorithm {
                    Algorithm::PS256 => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                rsa(&der.0).map(|key| Self::Rsa { key: Box::new(key), padding, algorithm })
            }
            Algorithm::ES256 => ec(&der.0).map(|it| Self::Ec(Box::new(it))),
            Algorithm::EdDSA => ed(&der.0).map(|it| Self::Ed(Box::new(it))),
            Algorithm::HS256 => None,
        };
        key.ok_or_else(|| unusable("is a key of another kind than the algorithm's"))
    }

    /// A secret that the other side has too.
    pub(super) fn shared(secret: &Secret) -> Self {
        Self::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())))
    }

    /// A key of our own making (P-256), in PKCS #8.
    pub(super) fn own(pkcs8: &[u8]) -> Option<Self> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
        Some(Self::Ec(Box::new(key)))
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { algorithm, .. } => *algorithm,
            Self::Ec(_) => Algorithm::ES256,
            Self::Ed(_) => Algorithm::EdDSA,
            Self::Hmac(_) => Algorithm::HS256,
        }
    }

    /// The public point of an EC key: its two coordinates, 32 bytes each.
    pub(super) fn point(&self) -> Option<([u8; 32], [u8; 32])> {
        let Self::Ec(key) = self else { return None };
        let (kind, point) = key.public_key().as_ref().split_first()?;
        let (x, y) = point.split_at_checked(32)?;
        (*kind == 4).then_some((x.try_into().ok()?, y.try_into().ok()?))
    }

    /// The compact form (RFC 7515 §7.1). `header` less `alg`, which is the key's.
    pub(super) fn compact(&self, mut header: Value, claims: &Value) -> Zeroizing<String> {
        header["alg"] = self.algorithm().name().into();
        let mut text = Zeroizing::new(encoded(header.to_string().as_bytes()));
        text.push('.');
        let claims = Zeroizing::new(claims.to_string());
        text.push_str(&Zeroizing::new(encoded(claims.as_bytes())));
        let signature = self.sign(text.as_bytes());
        text.push('.');
        text.push_str(&encoded(&signature));
        text
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa { key, padding, .. } => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*padding, &random, message, &mut signature)
                    .expect("a key that was read signs a message of any length");
                signature
            }
            Self::Ec(key) => {
                let signature = key.sign(&random, message);
                let signature = signature.expect("a key that was read signs any message");
                signature.as_ref().to_vec()
            }
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
            Self::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
        }
    }
}

/// Base64url without padding (RFC 7515 §2).
pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 makes 32 bytes")
}

/// The claims of a token that somebody else signed, unchecked.
pub(super) fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

/// `x5t#S256` (RFC 7515 §4.1.8): the SHA-256 of a certificate in PEM.
pub(super) fn thumbprint(pem: &Secret) -> Result<String, GrantError> {
    let text = unescaped(pem.expose());
    let der = CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        GrantError::Unusable { field: "certificate".into(), what: "is no certificate in PEM" }
    })?;
    Ok(encoded(&sha256(&der)))
}

pub(super) fn unescaped(pem: &str) -> Zeroizing<String> {
    Zeroizing::new(pem.replace("\\n", "\n"))
}

/// Wiped on drop.
pub(super) struct Der(pub(super) PrivateKeyDer<'static>);

impl Drop for Der {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

fn rsa(der: &PrivateKeyDer<'_>) -> Option<RsaKeyPair> {
    match der {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
        _ => None,
    }
}

fn ec(der: &PrivateKeyDer<'_>) -> Option<EcdsaKeyPair> {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    match der {
        PrivateKeyDer::Pkcs8(der) => {
            EcdsaKeyPair::from_pkcs8(algorithm, der.secret_pkcs8_der()).ok()
        }
        PrivateKeyDer::Sec1(der) => {
            EcdsaKeyPair::from_private_key_der(algorithm, der.secret_sec1_der()).ok()
        }
        _ => None,
    }
}

fn ed(der: &PrivateKeyDer<'_>) -> Option<Ed25519KeyPair> {
    match der {
        // Version 1 of the structure, which openssl writes, has no public key in it (RFC 5958 §2).
        PrivateKeyDer::Pkcs8(der) => {
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).ok()
        }
        _ => None,
    }
}
