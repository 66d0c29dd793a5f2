//! Keys, digests and signatures: what the engines compute with, on one provider.
mod client_certificate;
mod der;
mod digest;
mod error;
mod password;
mod pkcs12;
mod public_key;
#[cfg(feature = "rsa-sha1")]
mod rsa_sha1;
mod scalar_key;
mod signing_key;

pub use client_certificate::ClientCertificate;
pub use digest::DIGEST_LEN_MAX;
pub use digest::Digested;
pub use digest::Feed;
pub use digest::Hash;
pub use digest::MacKey;
pub use digest::sha256;
pub use error::KeyError;
pub use public_key::CertifiedPublicKey;
pub use public_key::PublicKey;
pub use public_key::PublicKeyError;
pub use public_key::PublicKind;
pub use public_key::Verify;
#[cfg(feature = "rsa-sha1")]
pub use rsa_sha1::RsaSha1Key;
pub use scalar_key::ScalarKey;
pub use signing_key::JwsAlgorithm;
pub use signing_key::SigningKey;
pub use signing_key::encoded;
pub use signing_key::thumbprint;

/// From the system's generator.
pub fn random() -> [u8; 16] {
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).expect("the generator was seeded when the process began");
    random
}
