//! Digest access authentication (RFC 7616, RFC 2617).
mod challenge;
mod session;
mod settings;
mod signer;
mod spaces;
#[cfg(test)]
mod tests;

pub use settings::Digest;
pub use settings::DigestAlgorithm;
pub use settings::Qop;
pub use settings::RawDigest;
pub use signer::DigestSigner;
