//! A P-256 key that is computed and not stored: its private scalar alone.
use aws_lc_rs::agreement;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::KeyPair;
use std::fmt;

/// Signs by ECDSA with SHA-256 (FIPS 186-5 §6), each time another way. Prints without itself.
pub struct ScalarKey(EcdsaKeyPair);

impl ScalarKey {
    /// `scalar`: big-endian. `None` where it is zero, or not below the group's order.
    pub fn new(scalar: &[u8; 32]) -> Option<Self> {
        let private =
            agreement::PrivateKey::from_private_key(&agreement::ECDH_P256, scalar).ok()?;
        let public = private.compute_public_key().ok()?;
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pair =
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, public.as_ref());
        pair.ok().map(Self)
    }

    /// In DER (RFC 3279 §2.2.3).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.0.sign(&SystemRandom::new(), message);
        signature.expect("a key that was read signs any message").as_ref().to_vec()
    }

    /// The public point, uncompressed (SEC 1 §2.3.3): 65 bytes.
    pub fn point(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }
}

impl fmt::Debug for ScalarKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}
