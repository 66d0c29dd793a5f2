//! From files to a [`Snapshot`](crate::catalog::Snapshot): checked whole, swapped whole, the last
//! good one kept.
mod current;
mod files;
mod live;
mod load;
mod watch;

pub use current::Current;
pub use live::Env;
pub use live::Live;
pub use live::Source;
pub use live::Status;
pub use load::Loaded;
pub use load::load;
pub use load::load_texts;
pub use watch::Watch;
