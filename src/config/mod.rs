//! Configuration files: parsed with places, interpolated, merged, read into settings.
//!
//! This room knows YAML, places and messages, and the settings of the process itself. What the
//! gateway serves (connectors, connections …) is the catalogue's.
mod conceal;
mod document;
mod error;
mod events;
mod field;
mod interpolate;
mod json;
mod listen;
mod log;
mod merge;
mod node;
mod parse;
mod read;
mod reader;
mod seal;
mod settings;
mod store;
mod suggest;

pub use conceal::FilledIn;
pub use document::Document;
pub use document::File;
pub use document::Unset;
pub use error::ConfigError;
pub use events::EventSettings;
pub use events::Failing;
pub use interpolate::Sources;
pub use interpolate::keep_plain;
pub use json::JsonError;
pub use json::JsonProblem;
pub use json::parse_json;
pub use json::pointer;
pub use json::read_json;
pub use listen::AdminListener;
pub use listen::LinkLimits;
pub use listen::Memory;
pub use listen::ProxyListener;
pub use listen::PublicListener;
pub use listen::ServerSettings;
pub use listen::Shutdown;
pub use listen::TlsFiles;
pub use log::AccessLog;
pub use log::LogFormat;
pub use log::LogLevel;
pub use log::LogSettings;
pub use node::Node;
pub use node::Step;
pub use seal::KeySource;
pub use seal::SEAL_KEY;
pub use seal::SealSettings;
pub use settings::RawSettings;
pub use settings::Settings;
pub use store::StoreSettings;
pub use store::StoreUrl;
pub use store::StoreUrlError;
