//! RSA keys that sign with SHA-1, which no provider of cryptography does any more: only in builds with the
//! feature `rsa-sha1`.
//!
//! RUSTSEC-2023-0071, of all versions of the crate `rsa`: "Due to a non-constant-time implementation, information
//! about the private key is leaked through timing information which is observable over the network. An attacker
//! may be able to use that information to recover the key." No patch is available. "The only currently available
//! workaround is to avoid using the `rsa` crate in settings where attackers are able to observe timing
//! information." Signing is blinded here, which makes that harder, and not impossible.
use super::error::KeyError;
use super::signing_key::unescaped;
use crate::model::Secret;
use rsa::Pkcs1v15Sign;
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use sha1::Digest;
use sha1::Sha1;

/// An RSA key for RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8017 §8.2), 1024 bits at least: who still asks for SHA-1 has
/// old keys as well.
pub struct RsaSha1Key(RsaPrivateKey);

const BITS_MIN: usize = 1024;

impl RsaSha1Key {
    /// Reads a private key in PEM, the value of the credential field `field`.
    pub fn private(field: &'static str, pem: &Secret) -> Result<Self, KeyError> {
        let text = unescaped(pem.expose());
        let key = RsaPrivateKey::from_pkcs8_pem(text.trim())
            .or_else(|_| RsaPrivateKey::from_pkcs1_pem(text.trim()))
            .map_err(|_| KeyError { field, what: "is no private RSA key in PEM" })?;
        if key.size() * 8 < BITS_MIN {
            return Err(KeyError { field, what: "is a key of less than 1024 bits" });
        }
        Ok(Self(key))
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let digest = Sha1::digest(message);
        // Blinded: each signature takes its own time.
        let signature =
            self.0.sign_with_rng(&mut rsa::rand_core::OsRng, Pkcs1v15Sign::new::<Sha1>(), &digest);
        signature.expect("a key of 1024 bits signs a digest of 160")
    }
}
