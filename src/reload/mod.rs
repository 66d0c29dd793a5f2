//! From files to a [`Snapshot`](crate::catalog::Snapshot): checked whole, swapped whole, the last
//! good one kept.
mod current;
mod ears;
mod feed;
mod files;
mod in_force;
mod keys;
mod live;
mod load;
mod methods;
mod stored;
mod tidy;
mod watch;
mod writes;

pub use current::Current;
pub use feed::Feed;
pub use feed::Listener;
pub use feed::News;
pub use files::ConfigFile;
pub use files::config_file;
pub use files::listed;
pub use files::value;
pub use in_force::Told;
pub use live::Env;
pub use live::Live;
pub use live::Source;
pub use live::Status;
pub use live::StoreStatus;
pub use load::Loaded;
pub use load::load;
pub use load::load_texts;
pub use load::refuse_filled_methods;
pub use watch::Watch;
pub use writes::Writes;
