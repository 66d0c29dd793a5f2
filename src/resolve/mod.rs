//! From tags to a target: for the proxy, for webhooks and for `explain` alike.
mod error;
mod options;
mod path_guard;
mod path_tag;
mod strip;
mod tags;

pub use error::Ambiguity;
pub use error::Limit;
pub use error::ResolveError;
pub use options::Options;
pub use path_guard::path_guard;
pub use path_tag::named;
pub use strip::strip_tags;
pub use tags::Selector;
pub use tags::Tags;
pub use tags::tags;
