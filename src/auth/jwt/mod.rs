//! A JWT that is signed here, per request or for as long as it lives (RFC 7519).
//!
//! It is made on the thread of the worker whose request it is for, and what else that worker has in hand waits meanwhile: for
//! microseconds where the algorithm is HS, ES or EdDSA, for about a millisecond where it is RS or PS, the more the longer the
//! key. With RSA, say `per: life` wherever the API allows it.
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
