//! From tags to a target: for the proxy, for webhooks and for `explain` alike.
//!
//! Two steps, because with a path tag the caller key may stand in the credential's place: [`tags`]
//! reads what is written and [`find`] says which connection that could be, before the caller is
//! known; [`resolve`] gives the target or the answer, once it is.
mod base;
mod error;
mod find;
mod holder;
mod options;
mod path_tag;
mod strip;
mod tags;
mod target;

pub use error::Ambiguity;
pub use error::Limit;
pub use error::ResolveError;
pub use find::Found;
pub use find::find;
pub use holder::holder;
pub use options::Options;
pub use path_tag::named;
pub use strip::strip_tags;
pub use tags::Selector;
pub use tags::Tags;
pub use tags::tags;
pub use target::Puts;
pub use target::Target;
pub use target::Whose;
pub use target::resolve;
pub use target::whose;
