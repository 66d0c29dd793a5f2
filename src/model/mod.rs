//! The nouns that every room speaks of: keys, origins, secrets, credentials, points in time.
pub mod address;
mod base_url;
mod code;
mod credential;
mod key;
mod origin;
mod scope;
mod secret;
mod time;
mod unit;

pub use base_url::BaseUrl;
pub use code::Code;
pub use credential::Credential;
pub use key::KEY_LEN_MAX;
pub use key::Key;
pub use key::KeyError;
pub use key::TenantId;
pub use key::TenantIdError;
pub use origin::Origin;
pub use origin::UrlError;
pub use scope::Claimed;
pub use scope::Scope;
pub use secret::Secret;
pub use time::UnixTime;
pub use unit::ByteSize;
pub use unit::TimeSpan;
pub use unit::UnitError;
