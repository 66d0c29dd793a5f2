//! What callers and senders connect to: one runtime per core, links accepted, framed, timed and drained.
//!
//! A worker owns everything that a request touches: no atomics between cores, no wake-ups across
//! them, and no timer per request. One coarse tick per worker walks the deadlines instead.
mod accept;
mod contained;
mod date;
mod frames;
mod http1;
mod http2;
mod link;
mod metered;
mod problem;
mod request;
mod serve;
mod served;
mod socket;
mod spread;
mod state;
mod streams;
mod tls;
mod trailers;
mod tunnel;
mod watch;
mod worker;

pub use accept::BindError;
pub use accept::Listener;
pub use accept::bind;
pub use contained::Panicked;
pub use contained::contained;
pub use link::Cut;
pub use link::Handler;
pub use link::Link;
pub use link::LinkLimits;
pub use problem::NO_STORE;
pub use problem::problem;
pub use problem::problem_with;
pub use request::BodyError;
pub use request::RequestBody;
pub use serve::serve;
pub use spread::Share;
pub use tls::Certificate;
pub use tls::TlsError;
pub use trailers::are_twins;
pub use trailers::trailers;
pub use tunnel::Tunnel;
pub use tunnel::TunnelEnd;
pub use watch::OnExpiry;
pub use watch::Watch;
pub use worker::LinkCount;
pub use worker::TICK;
pub use worker::Worker;
pub use worker::WorkerError;
pub use worker::spawn;
pub use worker::spawn_with;
