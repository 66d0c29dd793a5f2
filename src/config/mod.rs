//! Configuration files: parsed with places, interpolated, merged, read into settings.
//!
//! This room knows YAML, places and messages, and the settings of the process itself. What the
//! gateway serves (connectors, connections …) is the catalogue's.
mod document;
mod error;
mod interpolate;
mod node;
mod parse;

pub use document::Document;
pub use document::File;
pub use error::ConfigError;
pub use interpolate::Sources;
pub use node::Node;
pub use node::Step;
