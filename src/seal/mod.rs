//! Credentials at rest: sealed under a key of their own, and that one under the operator's (pure).
//!
//! Each generation of a credential has a data key (AES-256-GCM) that is used for its fields and for
//! nothing else, and kept only wrapped under one of the operator's keys. Both ciphertexts are bound to
//! the place they were sealed for ([`Binding`]), so that what is moved elsewhere does not open.
//! Source: NIST SP 800-38D.
mod age;
mod binding;
mod cipher;
mod delivery;
mod error;
mod fingerprint;
mod key;
mod keyring;
mod recipient;
mod sealed;
mod sealer;
mod trail;

#[cfg(test)]
mod tests;

pub use age::AgeWriter;
pub use age::WeakRecipient;
pub use binding::Binding;
pub use binding::Slot;
pub use delivery::DeliveryKey;
pub use error::KeyError;
pub use error::KeyProblem;
pub use error::OpenError;
pub use fingerprint::FingerprintKey;
pub use key::KEYS_MAX;
pub use key::KeyId;
pub use key::SEPARATORS;
pub use keyring::Keyring;
pub use recipient::AgeRecipient;
pub use recipient::RecipientError;
pub use sealed::Sealed;
pub use sealed::SealedField;
pub use sealed::Wrap;
pub use sealer::ReadKeys;
pub use sealer::Reading;
pub use sealer::Refreshed;
pub use sealer::Sealer;
pub use trail::MAC_LEN;
pub use trail::Mac;
pub use trail::TrailKey;
