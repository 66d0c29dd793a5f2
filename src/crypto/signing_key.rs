//! Keys that sign, read once; and JSON that they sign, in the compact form (RFC 7515).
//!
//! Algorithms: RFC 7518 §3, RFC 8037 §3.1. Keys: PEM (RFC 7468) of PKCS #8, PKCS #1 or SEC 1.
use super::der::Elements;
use super::der::INTEGER;
use super::der::OCTETS;
use super::der::SEQUENCE;
use super::digest::sha256;
use super::error::KeyError;
use crate::model::Secret;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING;
use aws_lc_rs::signature::ECDSA_P521_SHA512_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::EcdsaSigningAlgorithm;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use aws_lc_rs::signature::RSA_PKCS1_SHA384;
use aws_lc_rs::signature::RSA_PKCS1_SHA512;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use aws_lc_rs::signature::RSA_PSS_SHA384;
use aws_lc_rs::signature::RSA_PSS_SHA512;
use aws_lc_rs::signature::RsaEncoding;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use zeroize::Zeroizing;

/// A signature algorithm, under its name in a JOSE header (RFC 7518 §3.1, RFC 8037 §3.1).
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
pub enum JwsAlgorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    EdDSA,
}

/// A key that signs, with its algorithm.
pub struct SigningKey {
    key: Key,
    algorithm: JwsAlgorithm,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
    Hmac(Box<hmac::Key>),
}

impl JwsAlgorithm {
    /// The one of this name; `none` is none.
    pub fn named(name: &str) -> Option<Self> {
        [
            Self::HS256,
            Self::HS384,
            Self::HS512,
            Self::RS256,
            Self::RS384,
            Self::RS512,
            Self::PS256,
            Self::PS384,
            Self::PS512,
            Self::ES256,
            Self::ES384,
            Self::ES512,
            Self::EdDSA,
        ]
        .into_iter()
        .find(|it| it.name() == name)
    }

    /// Its name in a JOSE header.
    pub fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Whether it signs with a secret that both sides have.
    pub fn is_symmetric(self) -> bool {
        self.mac().is_some()
    }

    fn mac(self) -> Option<hmac::Algorithm> {
        match self {
            Self::HS256 => Some(hmac::HMAC_SHA256),
            Self::HS384 => Some(hmac::HMAC_SHA384),
            Self::HS512 => Some(hmac::HMAC_SHA512),
            _ => None,
        }
    }

    fn padding(self) -> Option<&'static dyn RsaEncoding> {
        match self {
            Self::RS256 => Some(&RSA_PKCS1_SHA256),
            Self::RS384 => Some(&RSA_PKCS1_SHA384),
            Self::RS512 => Some(&RSA_PKCS1_SHA512),
            Self::PS256 => Some(&RSA_PSS_SHA256),
            Self::PS384 => Some(&RSA_PSS_SHA384),
            Self::PS512 => Some(&RSA_PSS_SHA512),
            _ => None,
        }
    }

    fn curve(self) -> Option<&'static EcdsaSigningAlgorithm> {
        match self {
            Self::ES256 => Some(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Self::ES384 => Some(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Self::ES512 => Some(&ECDSA_P521_SHA512_FIXED_SIGNING),
            _ => None,
        }
    }
}

impl SigningKey {
    /// Reads a private key in PEM, the value of the credential field `field`. Line breaks may be written as
    /// `\n`, as in the JSON files that clouds hand out and in settings of one line.
    ///
    /// An RSA key has 2048 to 8192 bits. There is none for an algorithm that signs with a shared secret.
    pub fn private(
        algorithm: JwsAlgorithm,
        field: &'static str,
        pem: &Secret,
    ) -> Result<Self, KeyError> {
        let unusable = |what| KeyError { field, what };
        let text = unescaped(pem.expose());
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|_| unusable("is no private key in PEM"))?;
        let der = Der(der);
        let key = if algorithm.padding().is_some() {
            rsa(algorithm, &der.0).map(|it| Key::Rsa(Box::new(it)))
        } else if let Some(curve) = algorithm.curve() {
            ec(curve, &der.0).map(|it| Key::Ec(Box::new(it)))
        } else if algorithm == JwsAlgorithm::EdDSA {
            ed(&der.0).map(|it| Key::Ed(Box::new(it)))
        } else {
            None
        };
        let key = key.ok_or_else(|| unusable("is a key of another kind than the algorithm's"))?;
        Ok(Self { key, algorithm })
    }

    /// A secret that the other side has too: its bytes. `None` where the algorithm signs with a private key.
    pub fn shared(algorithm: JwsAlgorithm, secret: &[u8]) -> Option<Self> {
        let key = Key::Hmac(Box::new(hmac::Key::new(algorithm.mac()?, secret)));
        Some(Self { key, algorithm })
    }

    /// A key of our own making (P-256), in PKCS #8.
    pub fn own(pkcs8: &[u8]) -> Option<Self> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
        Some(Self { key: Key::Ec(Box::new(key)), algorithm: JwsAlgorithm::ES256 })
    }

    pub fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
    }

    /// The public point of a P-256 key: its two coordinates, 32 bytes each.
    pub fn point(&self) -> Option<([u8; 32], [u8; 32])> {
        let Key::Ec(key) = &self.key else { return None };
        let (kind, point) = key.public_key().as_ref().split_first()?;
        let (x, y) = point.split_at_checked(32)?;
        (*kind == 4).then_some((x.try_into().ok()?, y.try_into().ok()?))
    }

    /// The compact form (RFC 7515 §7.1). `header` less `alg`, which is the key's.
    pub fn compact(&self, mut header: Value, claims: &Value) -> Zeroizing<String> {
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

    /// ECDSA in the fixed form (`r` and `s` one behind the other, RFC 7518 §3.4).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Rsa(key) => {
                let padding = self.algorithm.padding().expect("an RSA key is read for a padding");
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &random, message, &mut signature)
                    .expect("a key that was read signs a message of any length");
                signature
            }
            Key::Ec(key) => {
                let signature = key.sign(&random, message);
                let signature = signature.expect("a key that was read signs any message");
                signature.as_ref().to_vec()
            }
            Key::Ed(key) => key.sign(message).as_ref().to_vec(),
            Key::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
        }
    }
}

/// Base64url without padding (RFC 7515 §2).
pub fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `x5t#S256` (RFC 7515 §4.1.8): the SHA-256 of the certificate in the credential field `certificate`, in PEM.
pub fn thumbprint(pem: &Secret) -> Result<String, KeyError> {
    let text = unescaped(pem.expose());
    let unusable = KeyError { field: "certificate", what: "is no certificate in PEM" };
    let der = CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| unusable)?;
    Ok(encoded(&sha256(&der)))
}

/// A PEM text whose line breaks may be written as `\n`.
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

fn rsa(algorithm: JwsAlgorithm, der: &PrivateKeyDer<'_>) -> Option<RsaKeyPair> {
    match der {
        PrivateKeyDer::Pkcs8(der) => {
            let der = der.secret_pkcs8_der();
            let only_pss = || RsaKeyPair::from_der(pss_key(algorithm, der)?).ok();
            RsaKeyPair::from_pkcs8(der).ok().or_else(only_pss)
        }
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
        _ => None,
    }
}

/// The RSA key in a structure that says that it is for RSASSA-PSS alone (RFC 4055 §1.2), as
/// `openssl genpkey -algorithm RSA-PSS` writes them.
fn pss_key(algorithm: JwsAlgorithm, der: &[u8]) -> Option<&[u8]> {
    const ID_RSASSA_PSS: [u8; 11] =
        [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    use JwsAlgorithm as A;
    if !matches!(algorithm, A::PS256 | A::PS384 | A::PS512) {
        return None;
    }
    let mut structure = Elements::new(der).within(SEQUENCE)?;
    let _version = structure.next(INTEGER)?;
    let identifier = structure.next(SEQUENCE)?;
    let key = structure.next(OCTETS)?;
    identifier.starts_with(&ID_RSASSA_PSS).then_some(key)
}

fn ec(algorithm: &'static EcdsaSigningAlgorithm, der: &PrivateKeyDer<'_>) -> Option<EcdsaKeyPair> {
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
