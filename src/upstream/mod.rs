//! The only place that opens sockets to third parties: egress guard, TLS, pool, and the exchange itself.
//!
//! One [`Upstream`] per worker. A link is driven by whoever borrowed it, inside that exchange's own
//! task; between uses nobody polls it.
mod after;
mod body;
mod dial;
mod error;
mod exchange;
mod http1;
mod http2;
mod line;
mod link;
mod links;
mod look_up;
mod pool;
mod skew;
mod socket;
mod tls;

pub use after::retry_after;
pub use body::BodyError;
pub use body::Pieces;
pub use body::ResponseBody;
pub use dial::Resolver;
pub use error::SendError;
pub use exchange::Destination;
pub use exchange::Failed;
pub use exchange::Manner;
pub use exchange::Sent;
pub use exchange::Spent;
pub use exchange::Upstream;
pub use link::Fields;
pub use link::RequestBody;
pub use link::RequestHead;
pub use link::Upgraded;
pub use pool::PoolEvent;
pub use skew::Skew;
pub use skew::skew;
pub use tls::client_config;
