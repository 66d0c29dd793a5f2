//! OAuth 1.0a (RFC 5849): requests signed with a consumer's and a token's secret.
//!
//! Protocol parameters go into the Authorization field, the query or a form (§3.5); what is signed is method,
//! URL and all parameters, those of a form body among them, in one normal form (§3.4.1).
mod base_string;
mod key;
mod parameters;
mod percent;
mod place;
mod protocol;
mod settings;
mod signer;

#[cfg(test)]
mod tests;

pub use settings::CallbackPlace;
pub use settings::Oauth1;
pub use settings::RawOauth1;
pub use signer::Oauth1Signer;
