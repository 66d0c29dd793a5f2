//! AWS Signature Version 4: an HMAC, with a key that is derived for a day, region and service, over a request's canonical form.
//!
//! Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests"; Amazon S3 API Reference, "Authenticating
//! Requests (AWS Signature Version 4)".
mod assume_role;
mod canonical;
mod chunks;
mod day_key;
mod framed;
mod host;
mod keys;
mod path;
mod payload;
mod pieces;
mod presented;
mod query;
mod region_key;
mod service;
mod settings;
mod signature;
mod signer;
mod stamp;

pub use assume_role::RawAssumeRole;
pub use chunks::ChunkError;
pub use chunks::Chunks;
pub use settings::AwsSigv4;
pub use settings::Payload;
pub use settings::RawAwsSigv4;
pub use settings::Transmission;
pub use signer::AwsSigv4Signer;

pub(super) use presented::key as presented_key;

use super::AuthError;
use super::BodyUse;
use super::Draft;
use super::Moment;
use super::Placed;
use super::Prepared;
use super::SchemeFault;
use super::SignError;
use super::Signer;
use super::Step;

#[cfg(test)]
mod tests;
