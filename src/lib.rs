//! attache: an outbound authenticating gateway.
pub mod model;
pub mod server;
pub mod telemetry;
