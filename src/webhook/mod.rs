//! Signatures of inbound webhooks, described as data and checked: pure, no clock and no socket.
mod check;
mod clock;
mod delivery;
mod description;
mod error;
mod handshake;
mod key;
mod outgoing;
mod outgoing_secrets;
mod pointer;
mod presets;
mod public_keys;
mod raw;
mod refusal;
mod signature;
mod template;
mod verify;

#[cfg(test)]
mod tests;

pub use delivery::Delivery;
pub use description::ACCOUNT;
pub use description::Description;
pub use description::SECRET;
pub use description::VERIFY_TOKEN;
pub use error::DescriptionError;
pub use error::Step;
pub use handshake::Handshake;
pub use handshake::Reply;
pub use outgoing::OutgoingKey;
pub use outgoing_secrets::FORMER_MAX;
pub use outgoing_secrets::OutgoingSecrets;
pub use outgoing_secrets::TooManySecrets;
pub use presets::names as preset_names;
pub use public_keys::KeysAt;
pub use public_keys::KeysForm;
pub use public_keys::PublicKeys;
pub use raw::HandshakeCheck;
pub use raw::RawDescription;
pub use refusal::Refusal;
pub use refusal::What;
pub use verify::Given;
pub use verify::ReplayKey;
pub use verify::SECRETS_MAX;
pub use verify::Verified;
pub use verify::Verifier;
