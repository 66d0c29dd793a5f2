//! A JWT that is signed here, per request or for as long as it lives (RFC 7519).
mod claims;
mod settings;
mod signer;
#[cfg(test)]
mod tests;
mod text;

pub use settings::Jwt;
pub use settings::Per;
pub use settings::RawJwt;
pub use settings::SecretEncoding;
pub use signer::JwtSigner;
