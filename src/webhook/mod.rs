//! Signatures of inbound webhooks, described as data and checked: pure, no clock and no socket.
mod check;
mod clock;
mod delivery;
mod description;
mod error;
mod key;
mod outgoing;
mod outgoing_secrets;
mod pointer;
mod presets;
mod raw;
mod refusal;
mod signature;
mod template;
mod verify;

#[cfg(test)]
mod tests;

pub use delivery::Delivery;
pub use description::Description;
pub use error::DescriptionError;
pub use error::Step;
pub use outgoing::OutgoingKey;
pub use outgoing_secrets::FORMER_MAX;
pub use outgoing_secrets::OutgoingSecrets;
pub use outgoing_secrets::TooManySecrets;
pub use presets::names as preset_names;
pub use raw::RawDescription;
pub use refusal::Refusal;
pub use refusal::What;
pub use verify::ReplayKey;
pub use verify::SECRETS_MAX;
pub use verify::Verified;
pub use verify::Verifier;
